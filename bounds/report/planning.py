"""How many labels or pairs would bring a bound to a target: a projection from its symbolic expression."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

from bounds.arguments import shown
from bounds.derivations import vicreg
from bounds.derivations.expression import Expression
from bounds.errors import InvalidOption, NotApplicable
from bounds.report.bets import Bets
from bounds.theorems.bound import Bound
from bounds.theorems.derive import provable, prover

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# How symbols grow with the labeled items or the pairs where every rate and mean stays as measured.
LABELED: dict[str, float] = {
    "n": 1,
    "n_min": 1,
    "n_Q": 1,
    "N": 1,
    "answered": 1,
    "class_items": 1,
    "mistakes": 1,
    "class_mistakes": 1,
    "picks": 1,
    "shots": 1,
    "PY_S": 0.5,
}
PAIRS: dict[str, float] = {
    "m": 1,
    "blocks": 1,
    "disagreements": 1,
    "differing": 1,
    "PY_ref": 0.5,
}
# Bounds whose expression is one of another's: the smaller of two, or a choice of concentration fixed by n.
_HALVES = {
    "vicreg_best": ("vicreg_certified", "vicreg_direct"),
    "vicreg_second_moment_ridge": ("vicreg_second_moment_ridge", "vicreg_second_moment"),
}
_UNLIMITED = 2.0**30
NOTE = (
    "a projection, not a certificate: heads, residuals, invariance and rates are held as measured, although "
    "they change with more data"
)

Which = Literal["labels", "pairs", "both", "shots"]


@dataclass(frozen=True)
class Need:
    """What it takes along one direction.

    Attributes:
        which: "labels" (n grows), "pairs" (m grows), "both" (in their present ratio) or "shots" (of a few-shot error, with
            as many episodes as now).
        reachable: Whether the target is reached at all.
        n, m: Sizes at which it is; None where it is not, or where the bound has no such size.
        value: The bound there, on the plan's axis.
        floor: The bound with unlimited data in this direction.
        stopped_by: The largest term of the floor where the target is out of reach.
        shots: Shots a class at which it is, of a few-shot error.
    """

    which: Which
    reachable: bool
    n: int | None
    m: int | None
    value: float
    floor: float
    stopped_by: str | None
    shots: int | None = None


@dataclass(frozen=True)
class Plan:
    """Sizes at which a bound would reach a target, the measured quantities held fixed.

    Attributes:
        bound: Name of the bound.
        axis: "error" where the bound converts to an error rate, else its own axis; the target is on it.
        target, now: The target, and the bound as it is.
        n, m: Present numbers of labeled items (held-out ones where the bound uses only those, those of each class where
            it counts in episodes) and of pairs.
        needs: By direction.
        kind: Always "estimate".
        curves: For the figure: per direction, sizes and the bound at them.
        note: What is held fixed, and what is extrapolated.
        shots: Present number of shots a class, of a few-shot error.
    """

    bound: str
    axis: str
    target: float
    now: float
    n: int | None
    m: int | None
    needs: Mapping[str, Need]
    curves: Mapping[str, tuple[tuple[float, float], ...]]
    kind: Literal["estimate"] = "estimate"
    note: str = NOTE
    shots: int | None = None

    @property
    def reachable(self) -> bool:
        """Whether any direction reaches the target."""
        return any(need.reachable for need in self.needs.values())

    def __str__(self) -> str:
        lines = [
            f"{self.bound}: {self.axis} {self.now:.4g} now, target {self.target:.4g}"
            + (" (reached)" if self.now <= self.target else ""),
            f"{'more':8s}{'n':>12s}{'m':>12s}{'value':>10s}{'floor':>10s}",
        ]
        for need in self.needs.values():
            sizes = "".join(f"{'-' if size is None else f'{size:,}':>12s}" for size in (need.n, need.m))
            stopped = "" if need.reachable else f"  out of reach: {need.stopped_by}"
            stopped += f"  at {need.shots} shots" if need.which == "shots" and need.shots else ""
            lines.append(f"{need.which:8s}{sizes}{need.value:>10.4g}{need.floor:>10.4g}{stopped}")
        return "\n".join([*lines, self.note])

    def to_dict(self) -> dict[str, Any]:
        """Plain Python, ready for JSON."""
        return asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """One row per direction."""
        import pandas as pd

        return pd.DataFrame([asdict(need) for need in self.needs.values()]).set_index("which")

    def _repr_html_(self) -> str:
        import html

        return f"{self.to_frame().to_html()}<p>{html.escape(self.bound)}: {html.escape(self.note)}</p>"

    def plot(self) -> Figure:
        """The bound against n and m, with the target and what no data can remove."""
        import matplotlib.pyplot as plt

        shown = [which for which in ("labels", "pairs", "shots") if which in self.needs]
        with plt.rc_context({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9}):
            figure, axes = plt.subplots(
                1, len(shown), figsize=(3.6 * len(shown), 2.9), sharey=True, squeeze=False
            )
            for panel, which in zip(axes[0], shown, strict=True):
                letter, present, other, label = {
                    "labels": ("n", self.n, "m", "labeled items n"),
                    "pairs": ("m", self.m, "n", "pairs m"),
                    "shots": ("shots", self.shots, "episodes", "labels a class"),
                }[which]
                panel.plot(*zip(*self.curves[which], strict=True), color="#0072B2", label=f"{other} as now")
                if "both" in self.curves and which != "shots" and self.n and self.m:
                    ratio = 1.0 if which == "labels" else self.m / self.n
                    both = [(size * ratio, value) for size, value in self.curves["both"]]
                    panel.plot(*zip(*both, strict=True), color="#E69F00", label="both grow")
                panel.axhline(self.target, color="#9a3b00", linestyle="--", label="target")
                panel.axhline(
                    self.needs[which].floor, color="#9AA0A6", linestyle=":", label=f"floor in {letter}"
                )
                panel.plot([present], [self.now], "o", color="black", markersize=4)
                panel.set(xscale="log", xlabel=label)
            axes[0][0].set_ylabel(f"{self.bound}, {self.axis}")
            axes[0][0].legend(frameon=False, fontsize=7)
            figure.tight_layout()
        return figure


def plan(bound: Bound, target: float, *, expression: Expression | None = None) -> Plan:
    """The n, the m, or both at which a bound would reach a target, and what stops it where none does.

    The expression is evaluated at larger sizes with every measured mean, rate, norm and head held fixed, so
    the answer is an estimate. Counts of errors grow in proportion, ‖P_Z Y‖_F with the root of the sample.

    Args:
        bound: A bound of a report, also one read back from a file.
        target: Error rate to reach; on the bound's own axis where it has no error rate.
        expression: The expression behind a bound of your own; found by name otherwise.

    Raises:
        InvalidOption: the target is not a positive number.
        NotApplicable: the bound has no known expression or no sample size, or it is a limit from below.
    """
    if not (isinstance(target, int | float) and 0 < target < math.inf):
        raise InvalidOption(f"`target` must be a positive number, got {shown(target)}.")
    if expression is None and bound.name in provable() and prover(bound.name)().expression.below:
        raise NotApplicable(f"`{bound.name}` is a limit from below, which has no target.")
    bets = Bets.of(bound)
    project = _Projection(bound, expression or expression_of(bound), bets)
    n, m = project.sizes
    more_shots = bets.shots if bets is not None and bets.slope else 0
    usable: tuple[tuple[Which, int], ...] = (
        ("labels", n),
        ("pairs", m),
        ("both", n and m),
        ("shots", more_shots),
    )
    directions = [which for which, size in usable if size]
    if not directions:
        raise NotApplicable(f"`{bound.name}` has no sample size that could grow.")
    return Plan(
        bound=bound.name,
        axis=bound.axis.name if bound.error_rate is None else "error",
        target=float(target),
        now=project(1.0, "labels"),
        n=n or None,
        m=m or None,
        needs={which: _need(which, project, float(target)) for which in directions},
        curves={which: _curve(which, project) for which in directions},
        note=NOTE if bets is None else f"{NOTE}; {bets.note}",
        shots=None if bets is None else bets.shots or None,
    )


@dataclass(frozen=True)
class _Projection:
    """The bound, on the plan's axis, at sizes multiplied by a factor."""

    bound: Bound
    expression: Expression
    bets: Bets | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """Sizes n and m, or the part of them that the bound uses; 0 where it uses none."""
        symbols = self.bound.symbols
        if self.bets is not None:
            return self.bets.labels, 0
        n, m = (
            next((symbols[name] for name, power in scaling.items() if power == 1 and name in symbols), 0.0)
            for scaling in (LABELED, PAIRS)
        )
        return round(n), round(m) * (1 if "m" in symbols else self.step)

    @property
    def step(self) -> int:
        """Pairs that the bound takes at a time: k + 1 where it counts in blocks."""
        if "blocks" not in self.bound.symbols:
            return 1
        if self.bound.block_size is None:
            raise NotApplicable(
                f"`{self.bound.name}` does not say how many pairs a block has; evaluate it again."
            )
        return self.bound.block_size

    def terms(self, factor: float, which: Which) -> dict[str, float]:
        """Each term there."""
        powers = {
            **(LABELED if which in ("labels", "both") else {}),
            **(PAIRS if which in ("pairs", "both") else {}),
        }
        values = {name: number * factor ** powers.get(name, 0) for name, number in self.bound.symbols.items()}
        if self.bets is not None:
            values |= self.bets.numbers(*((1.0, factor) if which == "shots" else (factor, 1.0)))
        return self.expression.evaluate(values)

    def __call__(self, factor: float, which: Which) -> float:
        value = self.expression.combined(self.terms(factor, which), self.bound.axis.most)
        error = self.bound.axis.error_rate(value)
        return value if self.bound.error_rate is None or error is None else error


def _curve(which: Which, project: _Projection) -> tuple[tuple[float, float], ...]:
    """From an eighth of the present size to 30,000 times it."""
    n, m = project.sizes
    size = {"pairs": m, "shots": project.bets.shots if project.bets else 0}.get(which, n)
    return tuple((size * 2.0**step, project(2.0**step, which)) for step in (k / 4 for k in range(-12, 61)))


def _need(which: Which, project: _Projection, target: float) -> Need:
    floor = project(_UNLIMITED, which)
    if not floor <= target:
        terms = project.terms(_UNLIMITED, which)
        largest = max(terms, key=lambda name: terms[name])
        return Need(which, False, None, None, project(1.0, which), floor, largest)
    factor = _smallest_factor(lambda tried: project(tried, which) <= target)
    n, m = project.sizes
    n = math.ceil(n * (factor if which in ("labels", "both") else 1.0) * (1 - 1e-12))
    m = project.step * math.ceil(
        m / project.step * (factor if which in ("pairs", "both") else 1.0) * (1 - 1e-12)
    )
    shots = None
    if project.bets is not None and project.bets.shots:
        n, shots = project.bets.whole(n, factor if which == "shots" else 1.0)
    return Need(which, True, n or None, m or None, project(factor, which), floor, None, shots)


def _smallest_factor(reached: Callable[[float], bool]) -> float:
    """Smallest factor of at least one, to one part in a million; the bound falls as sizes grow."""
    low, high = 1.0, 1.0
    if reached(1.0):
        return 1.0
    while not reached(high):
        low, high = high, 2 * high
    while high / low > 1 + 1e-6:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def expression_of(bound: Bound) -> Expression:
    """The variant of the bound's expression with these terms and symbols and this value."""
    for name in _HALVES.get(bound.name, (bound.name,)):
        for candidate in _variants(name):
            same = {symbol.name for symbol in candidate.symbols} == set(bound.symbols)
            if same and list(candidate.terms) == list(bound.terms):
                value = candidate.combined(candidate.evaluate(bound.symbols), bound.axis.most)
                if math.isclose(value, bound.value, rel_tol=1e-9):
                    return candidate
    raise NotApplicable(f"`{bound.name}` has no derivation to plan with; pass its `expression`.")


@cache
def _variants(name: str) -> tuple[Expression, ...]:
    """Every variant of a bound's expression, over the options of its proof; of `vicreg` the printed ones too."""
    printed = (
        tuple(vicreg.expression(conditioned_pairs=pool) for pool in (False, True)) if name == "vicreg" else ()
    )
    if name not in provable():
        return printed
    hints = {key: hint for key, hint in get_type_hints(prover(name)).items() if key not in ("return", "name")}
    values = [(False, True) if hint is bool else get_args(hint) for hint in hints.values()]
    proven = (prover(name)(**dict(zip(hints, choice, strict=True))).expression for choice in product(*values))
    return (*printed, *proven)
