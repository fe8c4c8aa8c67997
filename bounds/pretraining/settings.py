"""The numbers that make a pretraining run: checked once, written into its state, compared on resume."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from bounds.arguments import shown
from bounds.errors import InvalidOption


@dataclass(frozen=True)
class Settings:
    """What is trained for how long; two runs with equal settings, data and objective are the same run.

    Attributes:
        epochs: Passes over the data.
        batch_size: Items a step over all processes; two views of each are embedded.
        optimizer: "sgd", "lars", or "adamw" (fewest steps to a usable encoder: short runs).
        lr: Peak learning rate; None takes 0.05 (sgd), 0.3 (lars) or 0.001 (adamw) times batch_size / 256.
        momentum: Of the optimizer; the first of AdamW.
        weight_decay: On weight matrices only.
        warmup: Share of the steps with a linearly growing learning rate.
        projector: Widths of the projector's layers; the last is the dimension of the embeddings.
        target_momentum: First momentum of the moving average (objectives with a target); it rises to 1 on a
            cosine.
        precision: "auto" (bfloat16 on CUDA, float32 on CPU), "float32" or "bfloat16".
        keep_every: Every so many epochs an encoder is kept for the trajectory; 0 keeps the first and last.
        probe_every: Every so many epochs entropy and linear probe are measured.
        probe_limit: Most images a measurement looks at.
        labeled_share: Share of the items whose labels an objective that uses labels may see.
        collapse_below: Standard deviation of the normalised embeddings (1 when spread evenly) that counts as
            collapse.
        seed: Initial weights, order of the items, augmentations.

    Raises:
        InvalidOption: a value outside its range.

    Example:
        >>> from bounds.pretraining import Settings
        >>> Settings(optimizer="sgd", batch_size=512).peak_lr  # 0.05 · 512/256
        0.1
    """

    epochs: int = 100
    batch_size: int = 256
    optimizer: Literal["sgd", "lars", "adamw"] = "sgd"
    lr: float | None = None
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup: float = 0.1
    projector: tuple[int, ...] = (256, 256, 128)
    target_momentum: float = 0.99
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    keep_every: int = 10
    probe_every: int = 1
    probe_limit: int = 5000
    labeled_share: float = 0.1
    collapse_below: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (
            ("epochs", 1),
            ("batch_size", 2),
            ("keep_every", 0),
            ("probe_every", 1),
            ("probe_limit", 2),
        ):
            if type(getattr(self, name)) is not int or getattr(self, name) < least:
                raise InvalidOption(
                    f"`{name}` must be an integer of at least {least}, got {getattr(self, name)!r}."
                )
        if self.optimizer not in ("sgd", "lars", "adamw"):
            raise InvalidOption(f"`optimizer` must be 'sgd', 'lars' or 'adamw', got {shown(self.optimizer)}.")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise InvalidOption(
                f"`precision` must be 'auto', 'float32' or 'bfloat16', got {shown(self.precision)}."
            )
        if self.lr is not None and not 0 < self.lr < float("inf"):
            raise InvalidOption(f"`lr` must be positive and finite, got {shown(self.lr)}.")
        for name in (
            "momentum",
            "warmup",
            "target_momentum",
            "weight_decay",
            "labeled_share",
            "collapse_below",
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidOption(f"`{name}` must be a number, got {shown(value)}.")
        for name in ("momentum", "warmup", "target_momentum", "weight_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise InvalidOption(f"`{name}` must be in [0, 1), got {getattr(self, name)!r}.")
        if not self.projector or any(type(width) is not int or width < 1 for width in self.projector):
            raise InvalidOption(
                f"`projector` must hold at least one positive width, got {shown(self.projector)}."
            )
        for name in ("labeled_share", "collapse_below"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidOption(f"`{name}` must be in [0, 1], got {getattr(self, name)!r}.")

    @property
    def peak_lr(self) -> float:
        """The learning rate after warm-up."""
        return self.lr or {"sgd": 0.05, "lars": 0.3, "adamw": 1e-3}[self.optimizer] * self.batch_size / 256

    def to_json(self) -> str:
        """All settings, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True)
