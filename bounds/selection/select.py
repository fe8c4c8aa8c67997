"""`select(encoders, unlabeled)`: encoders in the order of a label-free measure, and what such a choice has cost."""

from __future__ import annotations

import html
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bounds.arguments import checked, shown, unknown
from bounds.duels import Duel, duel
from bounds.errors import InvalidData, InvalidOption, NotApplicable
from bounds.information.describe import Description, describe
from bounds.representations.extraction import extract
from bounds.representations.table import Representations
from bounds.selection.score import LARGER_IS_BETTER, rank, value

if TYPE_CHECKING:
    import pandas as pd

STUDY = Path(__file__).with_name("study.json")


@dataclass(frozen=True)
class Selection:
    """Encoders ranked by one measure.

    Attributes:
        measure: By which they are ranked.
        scores: Its value for each encoder, best first; NaN where it does not apply (a collapsed encoder).
        descriptions: Every measure of each encoder.
        study: What the measure did in the study by data set: `tau` with the accuracy of a linear probe, `regret` (error
            of the encoder it chose minus the smallest error), their 95 % intervals over encoders, and `encoders`.
        setting: The study in words.
        duel: Of the two best, with heads fitted on `labeled`; None without it.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> pairs = {name: (rng.normal(size=(50, 4)), rng.normal(size=(50, 4))) for name in ("one", "other")}
        >>> chosen = bounds.select(pairs, measure="rank_me")
        >>> chosen.measure, sorted(chosen.scores)
        ('rank_me', ['one', 'other'])
    """

    measure: str
    scores: dict[str, float]
    descriptions: dict[str, Description] = field(repr=False)
    study: dict[str, dict[str, float]] = field(repr=False)
    setting: str = field(repr=False)
    duel: Duel | None = field(default=None, repr=False)

    @property
    def chosen(self) -> str:
        """The name of the first."""
        return next(iter(self.scores))

    def to_frame(self) -> pd.DataFrame:
        """A row an encoder, best first: every measure of `describe`."""
        import pandas as pd

        rows = {name: self.descriptions[name].to_dict()["measures"] for name in self.scores}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("encoder")

    def __str__(self) -> str:
        way = "larger" if LARGER_IS_BETTER[self.measure] > 0 else "smaller"
        width = max(map(len, self.scores))
        lines = [f"{self.chosen} is first by {self.measure} ({way} is better)"]
        lines += [f"  {name:<{width}}  {score:.4g}" for name, score in self.scores.items()]
        met = [] if self.duel is None else ["", str(self.duel)]
        return "\n".join([*lines, *self._evidence(), *met])

    def _evidence(self) -> list[str]:
        if not self.study:
            return [f"{self.measure} was not studied: nothing is known about what choosing by it costs."]
        return [
            f"In a study of {int(one['encoders'])} small encoders on {data}, choosing by {self.measure} cost "
            f"{100 * one['regret']:.1f} points of error (95 % interval {100 * one['regret_low']:.1f} to "
            f"{100 * one['regret_high']:.1f}); Kendall's τ with accuracy {one['tau']:.2f} "
            f"({one['tau_low']:.2f} to {one['tau_high']:.2f})."
            for data, one in self.study.items()
        ] + [f"{self.setting} It says little about encoders of another kind."]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td style='text-align:right'>{score:.4g}</td></tr>"
            for name, score in self.scores.items()
        )
        head = f"<tr><th>encoder</th><th>{html.escape(self.measure)}</th></tr>"
        notes = "".join(f"<p>{html.escape(line)}</p>" for line in self._evidence())
        return f"<table>{head}{rows}</table>{notes}"


@checked()
def select(
    encoders: Mapping[str, Any] | Sequence[str | os.PathLike[str]],
    unlabeled: Any = None,
    labeled: Any = None,
    *,
    measure: str | None = None,
    device: Any = None,
    batch_size: int = 256,
    seed: int = 0,
    progress: bool = False,
) -> Selection:
    """Rank encoders without labels, and say what ranking by this measure has cost where labels were known.

    Every encoder sees the same two views of the same images. Measures depend on the number of items and, most of them,
    on the dimension: encoders of one dimension compare best. The study behind the default is one of small encoders on
    small images; its numbers come with the result, and no guarantee: for one, hold labels out and use `bounds.evaluate`
    or `bounds.compare`.

    Args:
        encoders: What `load_encoder` takes, by name, or paths (named by their stems); or, without `unlabeled`,
            representations by name: pairs (z1, z2) of views of the same items in the same order, or `Representations`.
        unlabeled: Images, anything `bounds.evaluate` takes as unlabeled data.
        labeled: Labeled images: heads of the two best are fitted on them, and `duel` of the selection says which images
            of `unlabeled` to label so as to tell which of the two errs less.
        measure: One of `bounds.selection.score.LARGER_IS_BETTER`; by default the best of the study.
        device: Where encoders run; default CUDA where present.
        batch_size: Images that pass through an encoder at once.
        seed: Of the views.
        progress: Show a bar for every encoder.

    Raises:
        InvalidOption: no encoders, two paths of one name, an unknown measure, or no `unlabeled` for encoders.
        InvalidData: representations of different numbers of items, or data that cannot be read.
        NotApplicable: no encoder has a value of the measure.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> wide, noise = rng.normal(size=(50, 4)), 0.1 * rng.normal(size=(50, 4))
        >>> narrow = wide[:, :1] * np.ones(4)  # one direction
        >>> pairs = {"narrow": (narrow, narrow + noise), "wide": (wide, wide + noise)}
        >>> bounds.select(pairs, measure="rank_me").chosen
        'wide'
    """
    named = _named(encoders)
    if labeled is not None and (unlabeled is None or len(named) < 2):
        raise InvalidOption("With `labeled`, `select` needs `unlabeled` images and at least two encoders.")
    study = _study()
    wanted = measure if measure is not None else study["best"]
    if wanted not in LARGER_IS_BETTER:
        raise unknown("`measure`", wanted, LARGER_IS_BETTER)
    found = {
        name: describe(_views(name, one, unlabeled, device, batch_size, seed, progress), name=name)
        for name, one in named.items()
    }
    if len({one.n for one in found.values()}) > 1:
        counts = ", ".join(f"{name}: {one.n}" for name, one in found.items())
        raise InvalidData(f"The encoders must be measured on the same items, got {counts}.")
    values = {name: value(one, wanted) for name, one in found.items()}
    if all(map(math.isnan, values.values())):
        raise NotApplicable(
            f"`{wanted}` has no value for any of the encoders: {_reason(next(iter(found.values())), wanted)}."
        )
    order = rank(values, wanted)
    setting = f"The study: {study['encoders']} encoders in all, {study['images']}."
    meeting = None
    if labeled is not None:
        a, b = order[:2]
        meeting = duel(
            named[a],
            named[b],
            labeled,
            unlabeled,
            names=(a, b),
            seed=seed,
            device=device,
            batch_size=batch_size,
        )
    return Selection(
        wanted,
        {name: values[name] for name in order},
        {name: found[name] for name in order},
        study["measures"].get(wanted, {}),
        setting,
        meeting,
    )


def _named(encoders: Any) -> dict[str, Any]:
    if isinstance(encoders, Mapping):
        named = {str(name): one for name, one in encoders.items()}
    elif isinstance(encoders, str | os.PathLike) or not isinstance(encoders, Sequence):
        raise InvalidOption("`encoders` must be a mapping of names to encoders, or a list of paths.")
    else:
        if not all(isinstance(one, str | os.PathLike) for one in encoders):
            raise InvalidOption("`encoders` as a list must hold paths; name other encoders in a mapping.")
        named = {Path(one).stem: one for one in encoders}
    if not named or len(named) < len(encoders):
        raise InvalidOption("`encoders` must hold at least one encoder, each of another name.")
    return named


def _views(
    name: str, encoder: Any, unlabeled: Any, device: Any, batch_size: int, seed: int, progress: bool
) -> Any:
    if unlabeled is None:
        if isinstance(encoder, Representations | tuple) or getattr(encoder, "ndim", 0) == 2:
            return encoder
        raise InvalidOption(
            f"Encoder {shown(name)} needs `unlabeled` images; or give its representations as a pair (z1, z2)."
        )
    return extract(
        encoder,
        unlabeled,
        role="unlabeled",
        views=2,
        seed=seed,
        batch_size=batch_size,
        device=device,
        progress=progress,
    ).representations


def _reason(found: Description, measure: str) -> str:
    name = "alpha_req" if measure == "alpha_req_from_1" else measure
    return next(one.definition for one in found.measures if one.name == name).rstrip(".")


@cache
def _study() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(STUDY.read_text(encoding="utf-8"))
    return found
