"""Names such as `timm:vit_small_patch16_224`, and which adapter opens them."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bounds.arguments import shown
from bounds.encoders.hubs.built import Built
from bounds.errors import InvalidCheckpoint, InvalidOption

ADAPTERS = {
    "timm": "bounds.encoders.hubs.of_timm",
    "hf": "bounds.encoders.hubs.of_transformers",
    "open_clip": "bounds.encoders.hubs.of_open_clip",
    "torchvision": "bounds.encoders.hubs.of_torchvision",
}
# Which file of a folder tells whose it is.
_FOLDERS = {"open_clip_config.json": "open_clip", "config.json": "hf"}


@dataclass(frozen=True)
class Spec:
    """A model of a library.

    Attributes:
        family: The part before the colon, a key of `ADAPTERS`.
        name: The part after it: what the library calls the model, or a folder.
        options: Further arguments of the library's constructor: `img_size`, `num_heads`.
    """

    family: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def architecture(self) -> dict[str, Any]:
        """What `load_encoder(..., architecture=...)` takes to build it again."""
        return {"name": str(self), **self.options}

    def __str__(self) -> str:
        return f"{self.family}:{self.name}"


def is_named(value: Any) -> bool:
    """Whether this is a name of a library's model, and no file."""
    return isinstance(value, str) and value.partition(":")[0] in ADAPTERS and not Path(value).exists()


def parse(architecture: str | Mapping[str, Any]) -> Spec | None:
    """A library's model, or None for an architecture of this package.

    Raises:
        InvalidOption: a string that names no library.
    """
    options = {"name": architecture} if isinstance(architecture, str) else dict(architecture)
    name = options.pop("name", None)
    if isinstance(name, str) and ":" in name:
        family, _, rest = name.partition(":")
        if family not in ADAPTERS or not rest:
            raise InvalidOption(
                f"`architecture` {shown(name)} must begin with one of {', '.join(f'{key}:' for key in ADAPTERS)}."
            )
        return Spec(family, rest, options)
    if isinstance(architecture, str):
        raise InvalidOption(
            f"`architecture` must be a mapping for `build_encoder` or a name such as "
            f"'timm:vit_small_patch16_224', got {shown(architecture)}."
        )
    return None


def is_folder(value: Any) -> bool:
    """Whether this is a folder that a library saved a model in."""
    return isinstance(value, str | os.PathLike) and any((Path(value) / name).is_file() for name in _FOLDERS)


def of_folder(folder: Path) -> Spec:
    """Whose model a folder holds: open_clip's, timm's or transformers'.

    Raises:
        InvalidCheckpoint: a configuration that cannot be read.
    """
    family = next(family for file, family in _FOLDERS.items() if (folder / file).is_file())
    if family == "hf":
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            family = "hf" if "model_type" in config else "timm" if "architecture" in config else ""
        except (OSError, ValueError, TypeError) as err:
            raise InvalidCheckpoint(f"`{folder.name}/config.json` cannot be read: {err}.") from err
        if not family:
            raise InvalidCheckpoint(
                f"`{folder.name}/config.json` has neither `model_type` (transformers) nor `architecture` (timm)."
            )
    return Spec(family, str(folder))


def open_named(spec: Spec, weights: str) -> Built:
    """Build a model.

    Args:
        spec: Which.
        weights: "own" for the library's, "none" for a network that a file fills, "random:SEED".

    Raises:
        MissingDependency: the library is not installed.
        InvalidOption: no such model, or options it does not take.
        InvalidCheckpoint: no weights on this machine.
    """
    adapter = importlib.import_module(ADAPTERS[spec.family])
    kind, _, seed = weights.partition(":")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(seed or 0))
        built: Built = adapter.build(spec.name, dict(spec.options), own=kind == "own")
    return built
