"""How often a bound falls below the truth, with an exact binomial interval: one bound, or all at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bounds.arguments import checked, instance
from bounds.errors import InvalidOption, NotApplicable
from bounds.memory import require_memory
from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper
from bounds.theorems import Theorem, select
from bounds.worlds.truth import target
from bounds.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

_BATCH = 50  # trials that one process runs at a time


@dataclass(frozen=True)
class Trials:
    """A bound's value and the truth it stands for, once per trial; NaN where it does not apply.

    Attributes:
        values, truths: (T,) float64.
        below: Whether the bound is one from below, as its expression says.
        doubts: Assumptions that the theorem itself found not to hold in some trial.
    """

    values: np.ndarray
    truths: np.ndarray
    below: bool = False
    doubts: frozenset[str] = frozenset()

    @classmethod
    def joined(cls, parts: Sequence[Trials]) -> Trials:
        """All trials of several runs."""
        return cls(
            np.concatenate([one.values for one in parts]),
            np.concatenate([one.truths for one in parts]),
            any(one.below for one in parts),
            frozenset[str]().union(*(one.doubts for one in parts)),
        )


@dataclass(frozen=True)
class Coverage:
    """How often one bound failed in one world.

    A violation is a trial in which the true value, of the predictor the bound is about and on the bound's own
    axis, exceeds the bound (or falls below it, for a bound from below).

    Attributes:
        bound, world: Names.
        kind: Of the bound; only a "bound" promises anything.
        delta: Failure probability the bound was evaluated at.
        failing: The assumptions it needs that fail in this world, by construction or as the theorem itself finds.
        trials: Trials in which it applied.
        refused: Trials in which it did not.
        violations: Trials in which it was exceeded.
        interval: Two-sided Clopper-Pearson interval of the violation rate at 95 %; (0, 1) without trials.
        mean_value, mean_truth: Averages over the trials.
        worst_ratio: Largest truth/bound, or bound/truth for a bound from below; above 1 in a violation.
        critical_ratio: The (1 − δ)-quantile of that ratio; above 1 where violations are more frequent than δ.
        note: Why it never applied, if so.

    Example:
        >>> from bounds.worlds import WORLDS, coverage
        >>> found = coverage("test_set", WORLDS["gaussian"](), delta=0.1, trials=20)
        >>> found.violations, [round(limit, 3) for limit in found.interval]  # Clopper-Pearson: from 1 − 0.975^(1/20)
        (1, [0.001, 0.249])
    """

    bound: str
    world: str
    kind: str
    delta: float
    failing: tuple[str, ...]
    trials: int
    refused: int
    violations: int
    interval: tuple[float, float]
    mean_value: float
    mean_truth: float
    worst_ratio: float
    critical_ratio: float
    note: str = ""

    @classmethod
    def of(cls, theorem: Theorem, world: World, delta: float, runs: Trials, note: str = "") -> Coverage:
        """Count the violations of finished trials."""
        applied = ~np.isnan(runs.values)
        values, truths = runs.values[applied], runs.truths[applied]
        smaller, larger = (values, truths) if runs.below else (truths, values)
        trials, violations = len(values), int((smaller > larger).sum())
        # Where the larger should be positive and is not, there is no ratio.
        ratios = np.where(smaller > larger, np.inf, 0.0)
        np.divide(smaller, larger, out=ratios, where=larger > 0)
        return cls(
            bound=theorem.name,
            world=world.name,
            kind=theorem.kind,
            delta=delta,
            failing=tuple(name for name in theorem.needs if name in world.failing or name in runs.doubts),
            trials=trials,
            refused=len(runs.values) - trials,
            violations=violations,
            interval=_interval(violations, trials),
            mean_value=float(values.mean()) if trials else math.nan,
            mean_truth=float(truths.mean()) if trials else math.nan,
            worst_ratio=float(ratios.max()) if trials else math.nan,
            critical_ratio=float(np.quantile(ratios, 1 - delta, method="higher")) if trials else math.nan,
            note=note if not trials else "",
        )

    @property
    def rate(self) -> float:
        """Share of trials with a violation."""
        return self.violations / self.trials if self.trials else math.nan

    @property
    def slack(self) -> float:
        """Mean of bound − truth."""
        return self.mean_value - self.mean_truth

    @property
    def promised(self) -> bool:
        """Whether the bound must hold here: a bound all of whose assumptions hold by construction."""
        return self.kind == "bound" and not self.failing

    @property
    def p_value(self) -> float:
        """P(at least so many violations) if each trial failed with probability δ: small values refute."""
        from scipy.stats import binom

        return float(binom.sf(self.violations - 1, self.trials, self.delta)) if self.trials else 1.0

    def to_dict(self) -> dict[str, Any]:
        """One row of a table."""
        return {
            "world": self.world,
            "bound": self.bound,
            "kind": self.kind,
            "promised": self.promised,
            "failing": " ".join(self.failing),
            "delta": self.delta,
            "trials": self.trials,
            "refused": self.refused,
            "violations": self.violations,
            "rate": self.rate,
            "lower": self.interval[0],
            "upper": self.interval[1],
            "p_value": self.p_value,
            "mean_value": self.mean_value,
            "mean_truth": self.mean_truth,
            "slack": self.slack,
            "critical_ratio": self.critical_ratio,
            "worst_ratio": self.worst_ratio,
            "note": self.note,
        }


def bound_or_theorem(name: str, value: Any) -> Theorem:
    """A theorem, or the name of one."""
    return value if isinstance(value, Theorem) else select([value])[0]


world = instance(World, "a `World`, as `bounds.worlds.WORLDS['gaussian']()` makes it")


def worlds(name: str, value: Any) -> list[World]:
    """Worlds in order."""
    if isinstance(value, str | Mapping | World) or not isinstance(value, Iterable):
        raise InvalidOption(f"`{name}` must be a list of worlds, got {type(value).__name__}.")
    return [world(name, one) for one in value]


@checked(bound=bound_or_theorem, world=world)
def coverage(
    bound: str | Theorem,
    world: World,
    delta: float = 0.1,
    trials: int = 1000,
    seed: int = 0,
    *,
    sizes: Mapping[str, int] | None = None,
) -> Coverage:
    """Violation rate of one bound in one world.

    Args:
        bound: A name, or a theorem.
        world: From `bounds.worlds`.
        delta: Failure probability of the bound.
        trials: Independent samples; trial t depends on (seed, t) alone.
        seed: Of all samples.
        sizes: n, m, N in place of the world's.

    Raises:
        InvalidOption: no trials, an unknown bound, or δ outside (0, 1).
        NotApplicable: the true value of this bound is not known.

    Example:
        >>> from bounds.worlds import WORLDS
        >>> found = bounds.coverage("test_set", WORLDS["gaussian"](), 0.1, trials=20)
        >>> found.promised, found.trials
        (True, 20)
    """
    theorem = bound if isinstance(bound, Theorem) else select([bound])[0]
    target(theorem)
    return _table([theorem], world, delta, trials, seed, sizes)[0]


@checked(worlds=worlds)
def coverages(
    bounds: Sequence[str] | None,
    worlds: Iterable[World],
    delta: float = 0.1,
    trials: int = 1000,
    seed: int = 0,
    *,
    workers: int = 1,
) -> Iterator[Coverage]:
    """Violation rates of many bounds in many worlds; all bounds of a trial see the same evidence.

    Args:
        bounds: Names; by default every theorem of the registry whose true value is known.
        worlds, delta, trials, seed: As in `coverage`.
        workers: Processes; the result does not depend on their number.

    Yields:
        One `Coverage` per world and bound, worlds in order.

    Raises:
        InvalidOption, NotApplicable: as `coverage`.

    Example:
        >>> from bounds.worlds import WORLDS, coverages
        >>> found = coverages(["test_set", "held_out"], [WORLDS["gaussian"]()], trials=5)
        >>> [(one.bound, one.world, one.promised) for one in found]
        [('test_set', 'gaussian', True), ('held_out', 'gaussian', True)]
    """
    theorems = checkable() if bounds is None else select(bounds)
    if workers == 1:
        for world in worlds:
            yield from _table(theorems, world, delta, trials, seed, None)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        names = [theorem.name for theorem in theorems]
        pending = [
            (
                world,
                [pool.submit(_named, names, world, delta, range(a, b), seed) for a, b in _batches(trials)],
            )
            for world in worlds
        ]
        for world, parts in pending:
            yield from _counted(theorems, world, delta, [part.result() for part in parts])


def coverage_table(*args: Any, **kwargs: Any) -> pd.DataFrame:
    """`coverages` as a tidy table, one row per world and bound.

    Example:
        >>> from bounds.worlds import WORLDS, coverage_table
        >>> table = coverage_table(["test_set"], [WORLDS["gaussian"]()], trials=5)
        >>> table[["bound", "world", "trials"]].values.tolist()
        [['test_set', 'gaussian', 5]]
    """
    import pandas as pd

    return pd.DataFrame([one.to_dict() for one in coverages(*args, **kwargs)])


def checkable() -> list[Theorem]:
    """The theorems of the registry whose true value is known, in order.

    Example:
        >>> from bounds.worlds import checkable
        >>> "test_set" in [theorem.name for theorem in checkable()]
        True
    """
    found = []
    for theorem in select(None):
        try:
            target(theorem)
        except NotApplicable:
            continue
        found.append(theorem)
    return found


_Runs = dict[str, tuple[Trials, str]]


def _table(
    theorems: Sequence[Theorem],
    world: World,
    delta: float,
    trials: int,
    seed: int,
    sizes: Mapping[str, int] | None,
) -> list[Coverage]:
    require_memory(16 * trials * len(theorems), f"`trials` = {trials:,}", "give fewer")
    return _counted(theorems, world, delta, [_run(theorems, world, delta, range(trials), seed, sizes)])


def _named(names: Sequence[str], world: World, delta: float, trials: range, seed: int) -> _Runs:
    """`_run` for another process, which finds the theorems by name."""
    return _run(select(list(names)), world, delta, trials, seed, None)


def _run(
    theorems: Sequence[Theorem],
    world: World,
    delta: float,
    trials: range,
    seed: int,
    sizes: Mapping[str, int] | None,
) -> _Runs:
    """Value and truth of each theorem in each trial."""
    values = {theorem.name: np.full((2, len(trials)), np.nan) for theorem in theorems}
    below, notes = {theorem.name: False for theorem in theorems}, {theorem.name: "" for theorem in theorems}
    doubts: dict[str, frozenset[str]] = {theorem.name: frozenset() for theorem in theorems}
    for column, trial in enumerate(trials):
        sample = world.sample(np.random.default_rng([seed, trial]), **(sizes or {}))
        for theorem in theorems:
            try:
                found = theorem.found(sample.evidence, delta)
                values[theorem.name][:, column] = found.value, target(theorem)(found, sample)
                below[theorem.name] = found.expression.below
                doubts[theorem.name] |= {one.name for one in found.doubts}
            except NotApplicable as reason:
                notes[theorem.name] = str(reason)
    return {
        name: (Trials(pair[0], pair[1], below[name], doubts[name]), notes[name])
        for name, pair in values.items()
    }


def _counted(
    theorems: Sequence[Theorem], world: World, delta: float, parts: Sequence[_Runs]
) -> list[Coverage]:
    return [
        Coverage.of(
            theorem,
            world,
            delta,
            Trials.joined([part[theorem.name][0] for part in parts]),
            parts[0][theorem.name][1],
        )
        for theorem in theorems
    ]


def _batches(trials: int) -> list[tuple[int, int]]:
    return [(start, min(start + _BATCH, trials)) for start in range(0, trials, _BATCH)]


def _interval(count: int, trials: int) -> tuple[float, float]:
    if not trials:
        return 0.0, 1.0
    return clopper_pearson_lower(count, trials, 0.025), clopper_pearson_upper(count, trials, 0.025)
