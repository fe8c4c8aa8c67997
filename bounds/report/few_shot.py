"""The few-shot error over the number of shots: a table and a curve with its band."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from bounds.errors import NotApplicable
from bounds.summaries.constant_stakes import constant_stakes_upper
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bounds.report.report import Report


@dataclass(frozen=True)
class FewShotCurve:
    """Few-shot error by the number of shots.

    Attributes:
        bound: `few_shot` of a report; `bound.table` has a row for each number of shots.
    """

    bound: Bound

    @property
    def certified(self) -> bool:
        """Whether the limits are certificates: see `bound.failing` where they are not."""
        return self.bound.certified

    def to_frame(self) -> pandas.DataFrame:
        """One row for each m, by m.

        Columns `episodes` (r, disjoint), `error` (mean over episodes), `spread` (standard deviation between them),
        `usual_upper` (upper end of the usual interval, no certificate), `limit` (all together at confidence 1 − δ) and,
        where moments allow one, `predicted`.
        """
        import pandas

        frame = pandas.DataFrame(list(self.bound.table.values())).astype({"shots": int, "episodes": int})
        return frame.set_index("shots").sort_index()

    def __repr__(self) -> str:
        kind = "certified" if self.certified else "an estimate: an assumption fails"
        text = self._printed().to_string(float_format=lambda value: f"{value:.4f}")
        others = (
            "" if len(self.bound.table) == 1 else ", and that of the other numbers of labels, all together"
        )
        return f"{self.bound.axis.unit}{others}; δ = {self.bound.delta:g}, {kind}\n{text}"

    def _repr_html_(self) -> str:
        return str(self._printed().to_html(float_format=lambda value: f"{value:.4f}"))

    def _printed(self) -> pandas.DataFrame:
        """With limits of four decimals that are no smaller than the limits."""
        frame = self.to_frame()
        return frame.assign(limit=(frame["limit"] * 1e4).map(math.ceil) / 1e4)

    def plot(self) -> Figure:
        """Mean error with the band up to its limit, the usual interval's upper end, and the prediction."""
        import matplotlib.pyplot as plt

        with plt.rc_context({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9}):
            figure, axes = plt.subplots(figsize=(4.4, 3.0), layout="constrained")
            draw(axes, self)
        plt.close(figure)
        return figure


def differences(reports: Mapping[str, Report]) -> pandas.DataFrame:
    """Few-shot errors of encoders against each other, on the same episodes: one row for each pair.

    (1 + H_a − H_b)/2 of an episode lies in [0, 1]; bets on it at δ/2 a side give `lower` and `upper` of err_a − err_b at
    confidence 1 − δ for each pair by itself. Where no images are known items are taken to be the same that stand in the
    same row.

    Raises:
        NotApplicable: a report without few-shot episodes, or with episodes of other items.
    """
    import pandas

    found = {}
    for name, report in reports.items():
        bound = report.bounds.get("few_shot")
        if bound is None or bound.episodes is None:
            raise NotApplicable(f"`{name}` has no few-shot episodes to compare; evaluate it with `few_shot`.")
        found[name] = bound, bound.episodes
    if len({episodes.digest for _, episodes in found.values()}) > 1:
        raise NotApplicable(
            "The few-shot episodes are made of other items; evaluate all encoders on the same labeled data, "
            "with the same seed and option `few_shot`."
        )
    rows = []
    for (a, (bound, one)), (b, (other, two)) in combinations(found.items(), 2):
        gap, share = one.errors - two.errors, max(bound.delta, other.delta) / 2
        upper, lower = (2 * constant_stakes_upper((1 + sign * gap) / 2, share) - 1 for sign in (1, -1))
        better = a if upper < 0 else b if -lower > 0 else ""
        certified = bound.certified and other.certified
        rows.append((a, b, float(gap.mean()), -lower, upper, better, certified))
    names = ["a", "b", "difference", "lower", "upper", "better", "certified"]
    return pandas.DataFrame(rows, columns=names)


def draw(axes: Axes, curve: FewShotCurve, color: str = "#0072B2", *, labeled: bool = True) -> None:
    """The curve on axes of a figure, with a legend where it is labeled."""
    frame = curve.to_frame()
    shots = frame.index.to_numpy()
    fill = "band up to the limit" + ("" if curve.certified else " (an estimate)")
    axes.fill_between(shots, frame["error"], frame["limit"], color=color, alpha=0.18, lw=0, label=fill)
    axes.plot(shots, frame["limit"], "v-", color=color, lw=0.8, markersize=4)
    axes.plot(shots, frame["error"], "o-", color=color, markersize=4, label="mean over episodes")
    axes.plot(shots, frame["usual_upper"], "_", color="0.15", markersize=9, label="usual interval, upper end")
    if "predicted" in frame and frame["predicted"].notna().any():
        axes.plot(shots, frame["predicted"], ":", color=color, label="predicted from moments")
    trivial = curve.bound.axis.trivial
    if trivial is not None:
        axes.axhline(trivial, color="#9AA0A6", linestyle="--", lw=0.8, label="guessing")
    axes.set(xscale="log", xlabel="labels a class", ylabel=curve.bound.axis.name, ylim=(0, None))
    axes.set_xticks(shots, [str(m) for m in shots])
    axes.minorticks_off()
    if labeled:
        axes.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3)
