"""The squared loss of a head: bias of the class means, their deviation, and what the class frequencies add."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import inequalities
from bounds.derivations import lemmas as checks
from bounds.derivations.functions import Min
from bounds.errors import InvalidProof
from bounds.proofs.closed import closed
from bounds.proofs.dependence import independent
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.reading import a, b, failing
from bounds.proofs.ranges import ASSUMED, B, tau
from bounds.proofs.terms import (
    TV,
    Apply,
    Declared,
    Dot,
    E,
    Enc,
    Given,
    Mean,
    Nonnegative,
    OpNorm,
    Sample,
    label,
    view,
)


class MeanGap(Nonnegative, nargs=2):
    """√Σ_y p̂_y‖μ̂_y − μ_y‖² of a sample's class means of f: MeanGap(S, f)."""


class ClassBias(Nonnegative, nargs=3):
    """Σ_y p̂_y‖W μ̂_y − y‖² of a sample's class means of f: ClassBias(S, W, f)."""


class FarthestMean(Nonnegative, nargs=4):
    """max_y min(sup‖W v − y‖, ‖W μ̂_y − y‖ + ‖W‖₂g/√p̂_y) of a sample's class means of f: FarthestMean(S, W, f, g)."""


class Fewest(Nonnegative, nargs=1):
    """Smallest number of items that a sample has of a class it has any of."""


class ClassExcess(Nonnegative, nargs=4):
    """Σ_y (p_y − p̂_y)₊ M_y², M_y what `FarthestMean` is the largest of: ClassExcess(S, W, f, g)."""


class RootFrequencies(Nonnegative, nargs=1):
    """Σ_y (√p̂_y + √p_y) of a sample."""


# Labels are classes, and all are counted.
LABELED = frozenset({"A5", "K"})
_classes, _size, _least, _share = sp.symbols("classes size least share", positive=True)


def _radius(K: sp.Expr, n: sp.Expr, least: sp.Expr, B: sp.Expr, tau: sp.Expr, share: sp.Expr) -> sp.Expr:
    """The smaller of Pinelis's and Klein and Rio's radius of the sum of (z_i − μ_y)/√(n·n_y)."""
    step, total = tau / sp.sqrt(n * least), K * Min(B**2, tau**2 / 2) / n
    weak = tau**2 / (4 * n)
    return Min(inequalities.pinelis(step, total, share), inequalities.klein_rio(step, total, weak, share))


class_means_radius = closed("class_means_radius", _radius, role="class_means")
DEVIATION = Lemma(
    "deviation of the class means",
    a,
    class_means_radius(_classes, _size, _least, B, tau, _share),
    "Pinelis (1994), Thm 3.4; Klein and Rio (2005), Thm 1.1",
    note="Given the labels, which fix both radii, so that the smaller is chosen before the data.",
    check=lambda: (
        checks.vectors.pinelis_theorem().result
        & checks.vectors.klein_rio_theorem().result
        & checks.second_moment.step_size().result
        & checks.second_moment.class_variance().result
    ),
)


def class_means(sample: Sample, encoder: Declared, classes: sp.Expr, delta: sp.Expr) -> Fact:
    """√Σp̂_y‖μ̂_y − μ_y‖² ≤ the smaller of two radii, given the labels of a sample.

    Raises:
        InvalidProof: f depends on the sample, or nobody knows its counts.
    """
    if sample.hidden:
        raise InvalidProof(f"{sample} is hidden, so its class counts cannot be known.")
    values = {a: MeanGap(sample, encoder), _classes: classes, _size: sample.size, _least: Fewest(sample)}
    used = independent(sample, encoder) | set(sample.law) | ASSUMED | LABELED
    events = failing(sample, f"class means of {sample}", delta)
    return DEVIATION.at({**values, _share: delta}, used, events=events)


def _crossed(head: Declared, encoder: Declared) -> sp.Expr:
    """⟨W f(x) − y, W f(x′) − y⟩, whose mean within a class is ‖W μ_y − y‖²."""
    z, z2 = (Apply(head, Enc(encoder, view(0, which))) for which in (0, 1))
    return Dot(z - label(), z2 - label())


SHIFT_OF_MEANS = Lemma(
    "class shift of the bias",
    a,
    b,
    "triangle inequality, and definition of the total variation distance",
    "proven",
    note="Each class mean is within its reach, whatever the head, wherever all are near those of the sample.",
    check=lambda: checks.classes.class_shift().result & checks.second_moment.reach_of_means().result,
)


def bias_shift(head: Declared, encoder: Declared, sample: Sample, near: Fact, prior_known: bool) -> Fact:
    """E‖W μ_y − y‖² ≤ Σ_y p̂_y‖W μ_y − y‖² + M²·TV, or + Σ_y (p_y − p̂_y)₊M_y² by a known prior.

    Args:
        near: The class means are within g of those of the sample.

    Raises:
        InvalidProof: `near` is another fact.
    """
    if near.lhs != MeanGap(sample, encoder):
        raise InvalidProof(f"`{near}` is no limit of the deviation of the class means of {sample}.")
    term, g = _crossed(head, encoder), near.rhs
    more = FarthestMean(sample, head, encoder, g) ** 2 * TV(sample)
    if prior_known:
        more = ClassExcess(sample, head, encoder, g)
    values = {a: E(term), b: Mean(sample, Given(term)) + more}
    return SHIFT_OF_MEANS.at(values, ASSUMED | LABELED | {"A1"}, premises=(near,))


MINKOWSKI = Lemma(
    "Minkowski's inequality over the classes",
    a,
    b,
    "Minkowski's inequality",
    "proven",
    note="In the norm weighted by the frequencies; the deviation of the class means is free of the head.",
    check=lambda: checks.second_moment.minkowski().result,
)


def bias_of_means(head: Declared, encoder: Declared, sample: Sample) -> Fact:
    """Σ_y p̂_y‖W μ_y − y‖² ≤ (√Σp̂_y‖W μ̂_y − y‖² + ‖W‖₂√Σp̂_y‖μ̂_y − μ_y‖²)²."""
    seen, moved = ClassBias(sample, head, encoder), OpNorm(head) * MeanGap(sample, encoder)
    values = {
        a: Mean(sample, Given(_crossed(head, encoder))),
        b: seen + 2 * sp.sqrt(seen) * moved + moved**2,
    }
    return MINKOWSKI.at(values, frozenset({"A1", "A5"}))


hellinger_radius = closed("hellinger_radius", inequalities.root_frequency, role="class_frequencies")
HELLINGER = Lemma(
    "Chernoff's bound for roots of frequencies",
    a,
    hellinger_radius(_classes, _share, _size) * b,
    "Chernoff (1952)",
    note="One tail per class: only classes with p above its frequency raise the bound.",
    check=lambda: checks.classes.hellinger_theorem().result & checks.classes.root_factoring().result,
)


def root_frequencies(sample: Sample, delta: sp.Expr, classes: sp.Expr) -> Fact:
    """TV ≤ √(ln(K/δ)/n)·Σ_y(√p̂_y + √p_y).

    Raises:
        InvalidProof: the class counts were fixed, so that they say nothing about the prior.
    """
    values = {a: TV(sample), b: RootFrequencies(sample), _classes: classes, _size: sample.size, _share: delta}
    events = failing(sample, f"class frequencies of {sample}", delta, of_prior=True)
    return HELLINGER.at(values, frozenset({*sample.law, "K"}), events=events)
