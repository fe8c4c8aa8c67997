"""Bounds against the number of labels n, pairs m and classes K, by sub-sampling given representations."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from bounds.arguments import checked, data, instance, maybe, one_of
from bounds.draws import permutation
from bounds.errors import InvalidData, InvalidOption
from bounds.evidence.evidence import Evidence
from bounds.evidence.setting import Setting
from bounds.representations.arrays import as_table
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.theorems import Theorem, select

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COMPARISON = ("vicreg", "vicreg_direct", "vicreg_second_moment", "simclr")


@checked(
    pairs=data,
    setting=maybe(instance(Setting, "a `Setting`, as `report.evidence.setting`")),
)
def sweep(
    labeled: Any,
    pairs: Any,
    *,
    n: Sequence[int] | None = None,
    m: Sequence[int] | None = None,
    K: Sequence[int] | None = None,
    repeats: int = 3,
    bounds: Sequence[str] = COMPARISON,
    setting: Setting | None = None,
    delta: float = 0.05,
    seed: int = 0,
    device: str = "cpu",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Evaluate bounds on random sub-samples, for every combination of the given n, m and K.

    Within a repeat the sub-samples are nested: more items are the same items and others. K classes are drawn
    at random and renumbered, and the prior is renormalised on them. A size that is not given is the same
    throughout: all that there are, or with `K` all that the smallest number of classes leaves.

    Args:
        labeled: (x (N, d), y (N,)) arrays, or labeled Representations.
        pairs: (x1, x2) or (x1, x2, y) arrays, or Representations with two views; `K` needs their labels.
        n, m, K: Sizes to try.
        repeats: Sub-samples per size.
        bounds: Names of bounds.
        setting: What is declared (radius, prior, assumptions, options), as in `report.evidence.setting`; by
            default l2-normalised arrays, nothing known about the prior, no assumption declared.
        delta: Failure probability of each bound.
        seed: Of the sub-samples.
        device: Where summaries are computed.
        progress: Whether to show a bar where it takes long; None: on a terminal.

    Returns:
        A row per bound, size and repeat: `bound`, `n`, `m`, `K`, `repeat`, `value`, `axis`, `trivial_value`,
        `ratio` (value over trivial value: from 1 on the bound is vacuous), `error_rate`, `trivial_error`,
        `vacuous`, `certified`, `kind`, `reason` (why a bound does not apply; its numbers are then missing).

    Raises:
        InvalidOption: a size out of range, or an unknown bound.
        InvalidData: labels are missing.

    Example:
        >>> import numpy as np
        >>> y = np.arange(80) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((80, 2))
        >>> order = np.argsort(y, kind="stable")  # pairs of one class
        >>> pairs = z[order[::2]], z[order[1::2]]
        >>> frame = bounds.sweep((z, y), pairs, n=[20, 40], repeats=1, bounds=["vicreg"])
        >>> frame[["bound", "n", "m"]].values.tolist()
        [['vicreg', 20, 40], ['vicreg', 40, 40]]
    """
    import pandas as pd

    table, views = _table(labeled, "labeled", setting), _table(pairs, "pairs", setting)
    if table.labels is None:
        raise InvalidData("`labeled` needs labels; pass (x, y).")
    if len(views.views) != 2:
        raise InvalidData("`pairs` needs two views; pass (x1, x2) or (x1, x2, y).")
    if K is not None and views.labels is None:
        raise InvalidData("a sweep over K needs the labels of the pairs; pass (x1, x2, y).")
    base = setting or Setting(_count_classes(table, views), 1.0, 2.0, {})
    theorems = select(bounds)
    shown = sys.stderr.isatty() if progress is None else progress
    rows = [
        {**row, "repeat": repeat}
        for repeat in tqdm(range(repeats), desc="repeats", disable=not shown, delay=2)
        for evidence in _subsamples(table, views, base, n, m, K, seed, repeat, device)
        for row in _rows(evidence, theorems, delta)
    ]
    return pd.DataFrame(rows)


@checked(
    frame=data,
    x=one_of("n", "m", "K"),
    y=one_of("ratio", "value", "error_rate"),
)
def plot_sweep(frame: pd.DataFrame, x: str, y: str = "ratio", ax: Axes | None = None) -> Axes:
    """Each bound's mean over the repeats against `x`, with the band from its smallest to its largest value.

    Args:
        frame: From `sweep`.
        x: "n", "m" or "K".
        y: "ratio" (value over the best constant predictor's, comparable across axes), "value", "error_rate".
        ax: Where to draw; a new figure by default.

    Raises:
        InvalidOption: a column that does not exist.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"bound": "vicreg", "n": [100, 400], "ratio": [1.6, 0.8]})
        >>> bounds.plot_sweep(frame, "n").get_xlabel()
        'labels n'
    """
    from matplotlib.figure import Figure

    if not {"bound", x, y} <= set(getattr(frame, "columns", ())):
        raise InvalidOption(f"`frame` must have the columns bound, {x} and {y}, as `sweep` makes it.")
    if ax is None:
        ax = Figure(figsize=(6, 4), layout="constrained").subplots()
    for name, group in frame.dropna(subset=[y]).groupby("bound", sort=False):
        summary = group.groupby(x)[y].agg(["mean", "min", "max"])
        (line,) = ax.plot(summary.index, summary["mean"], marker="o", label=str(name))
        ax.fill_between(summary.index, summary["min"], summary["max"], color=line.get_color(), alpha=0.2)
    if y == "ratio":
        ax.axhline(1.0, color="black", linestyle="--", linewidth=1, label="constant predictor")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel={"n": "labels n", "m": "pairs m", "K": "classes K"}[x],
        ylabel={"ratio": "bound / loss of the best constant", "value": "bound", "error_rate": "error rate"}[
            y
        ],
    )
    ax.legend()
    return ax


def _table(data: Any, name: str, setting: Setting | None) -> Representations:
    """Arrays as a table, l2-normalised unless they come normalised."""
    if isinstance(data, Representations):
        return data
    radius = 1.0 if setting is None else setting.radius
    return Normalization("l2", radius).apply(as_table(data, name))


def _count_classes(*tables: Representations) -> int:
    return 1 + max(int(table.labels.max()) for table in tables if table.labels is not None)


def _subsamples(
    labeled: Representations,
    pairs: Representations,
    setting: Setting,
    n: Sequence[int] | None,
    m: Sequence[int] | None,
    sizes: Sequence[int] | None,
    seed: int,
    repeat: int,
    device: str,
) -> Iterator[Evidence]:
    order = permutation(seed, labeled.count, stream=3 * repeat)
    pair_order = permutation(seed, pairs.count, stream=3 * repeat + 1)
    classes = permutation(seed, setting.num_classes, stream=3 * repeat + 2)
    counts = [setting.num_classes] if sizes is None else sorted(sizes)
    if not 2 <= counts[0] <= counts[-1] <= setting.num_classes:
        raise InvalidOption(f"`K` must lie between 2 and {setting.num_classes}, got {counts}.")
    fewest = np.sort(classes[: counts[0]])
    all_n = [len(_of_classes(labeled, order, fewest))]
    all_m = [len(_of_classes(pairs, pair_order, fewest))]
    for count in counts:
        chosen = np.sort(classes[:count])
        rows, pair_rows = _of_classes(labeled, order, chosen), _of_classes(pairs, pair_order, chosen)
        restricted = _restrict(setting, chosen)
        for labels, size in product(n or all_n, m or all_m):
            yield Evidence(
                restricted,
                _take(labeled, rows, labels, chosen, "n"),
                _take(pairs, pair_rows, size, chosen, "m"),
                device=device,
            )


def _of_classes(table: Representations, order: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Rows of the chosen classes, in the given order."""
    return order if table.labels is None else order[np.isin(table.labels[order], chosen)]


def _restrict(setting: Setting, chosen: np.ndarray) -> Setting:
    prior = None if setting.prior is None else setting.prior[chosen] / setting.prior[chosen].sum()
    return replace(setting, num_classes=len(chosen), prior=prior)


def _take(
    table: Representations, rows: np.ndarray, count: int, chosen: np.ndarray, name: str
) -> Representations:
    """The first `count` rows, their labels renumbered among the chosen classes."""
    if not 1 <= count <= len(rows):
        raise InvalidOption(
            f"`{name}` = {count} is out of range: {len(rows)} items of {len(chosen)} classes are there."
        )
    kept = rows[:count]
    labels = None if table.labels is None else np.searchsorted(chosen, table.labels[kept])
    keys = None if table.fingerprints is None else table.fingerprints[kept]
    return replace(table, views=tuple(view[kept] for view in table.views), labels=labels, fingerprints=keys)


def _rows(evidence: Evidence, theorems: Sequence[Theorem], delta: float) -> Iterator[dict[str, Any]]:
    sizes = {"n": evidence.n, "m": evidence.m, "K": evidence.setting.num_classes}
    for theorem in theorems:
        row: dict[str, Any] = {"bound": theorem.name, **sizes}
        found = theorem.attempt(evidence, delta)
        if isinstance(found, str):
            missing = dict.fromkeys(
                ("value", "trivial_value", "ratio", "error_rate", "trivial_error"), np.nan
            )
            yield {**row, **missing, "axis": theorem.axis.name, "vacuous": None, "certified": False} | {
                "kind": theorem.kind,
                "reason": found,
            }
            continue
        trivial = np.nan if found.trivial_value is None else found.trivial_value
        yield {
            **row,
            "value": found.value,
            "trivial_value": trivial,
            "ratio": found.value / trivial,
            "error_rate": np.nan if found.error_rate is None else found.error_rate,
            "trivial_error": found.trivial_error,
            "axis": found.axis.name,
            "vacuous": found.vacuous,
            "certified": found.certified,
            "kind": found.kind,
            "reason": "",
        }
