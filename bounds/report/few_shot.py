"""The few-shot error over the number of shots: a table and a curve with its band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
        text = self.to_frame().to_string(float_format=lambda value: f"{value:.4f}")
        return f"{self.bound.axis.unit}; δ = {self.bound.delta:g}, {kind}\n{text}"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(float_format=lambda value: f"{value:.4f}"))

    def plot(self) -> Figure:
        """Mean error with the band up to its limit, the usual interval's upper end, and the prediction."""
        import matplotlib.pyplot as plt

        with plt.rc_context({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9}):
            figure, axes = plt.subplots(figsize=(4.4, 3.0), layout="constrained")
            draw(axes, self)
        plt.close(figure)
        return figure


def draw(axes: Axes, curve: FewShotCurve, color: str = "#0072B2") -> None:
    """The curve on axes of a figure."""
    frame = curve.to_frame()
    shots = frame.index.to_numpy()
    fill = "band up to the limit" + ("" if curve.certified else " (an estimate)")
    axes.fill_between(shots, frame["error"], frame["limit"], color=color, alpha=0.18, lw=0, label=fill)
    axes.plot(shots, frame["limit"], "v-", color=color, lw=0.8, markersize=4)
    axes.plot(shots, frame["error"], "o-", color=color, markersize=4, label="mean over episodes")
    axes.plot(shots, frame["usual_upper"], "_", color="0.15", markersize=9, label="usual interval, upper end")
    if "predicted" in frame and frame["predicted"].notna().any():
        axes.plot(shots, frame["predicted"], ":", color="#9a3b00", label="predicted from moments")
    trivial = curve.bound.axis.trivial
    if trivial is not None:
        axes.axhline(trivial, color="#9AA0A6", linestyle="--", lw=0.8, label="guessing")
    axes.set(xscale="log", xlabel="labels a class", ylabel=curve.bound.axis.name, ylim=(0, None))
    axes.set_xticks(shots, [str(m) for m in shots])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=7)
