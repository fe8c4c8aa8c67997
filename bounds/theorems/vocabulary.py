"""What the proofs speak about, and how each term is read off the data: the one table from term to number."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import contrastive as c
from bounds.derivations import symbols as s
from bounds.proofs.choices import Family, ball, one_of, over_integers
from bounds.proofs.conclude import Conclusion, Quantity, conclude
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.lemmas.contrastive import infonce_loss
from bounds.proofs.ranges import span
from bounds.proofs.terms import (
    TV,
    Apply,
    Declared,
    Differ,
    E,
    Enc,
    Frobenius,
    Mean,
    Norm,
    OpNorm,
    Project,
    Rad,
    Reach,
    Sample,
    UMean,
    Wrong,
    label,
    view,
)

n, m, N, K = (Declared(name, "count") for name in ("n", "m", "N", "K"))
functions = Declared("functions", "count")
delta, *deltas = (Declared(name, "level") for name in ("delta", *(f"delta_{i}" for i in range(1, 7))))

# Encoder f, fixed before S, one of a class F fixed before the pairs; heads W of S and V of the pairs.
ENCODERS = one_of("encoders", functions, "f", "encoder", ("f",), ("F",))
f = ENCODERS.chosen
W = Declared("W", "head", ("S", "f"))
V = Declared("V", "head", ("P", "f"))
FITTED = Declared("W", "head", ("rest", "f"))

S = Sample("S", n, (("f", "A2"), ("P", "A7")))
# Where a prior is declared, counts of the pairs' classes that refute it speak against their law as well.
_BEFORE_PAIRS, _PAIR_LAW = (("F", "A3"), ("S", "A7")), ("A6", "A6'", "prior")
HELD_OUT = Sample("H", N, (("f", "A2"), ("rest", "A6")))
TEST = Sample("H", N, (("f", "H"), ("S", "H"), ("P", "H")), ("H",))


def pairs(fixed: bool = False) -> Sample:
    """The pairs S̄: i.i.d., or with fixed class counts."""
    sample: Sample = Sample("P", m, _BEFORE_PAIRS, _PAIR_LAW, paired=True, fixed=fixed)
    return sample


def unlabeled(fixed: bool = False) -> Sample:
    """First views of the pairs as unlabeled items U: drawn like the labeled ones, or with fixed class counts."""
    before = (("f", "A3"), ("S", "A7"), ("rest", "A7"))
    sample: Sample = Sample("U", m, before, ("A6", "U", "prior"), fixed=fixed)
    return sample


# Radii of head balls: 2^j over all integers j, weight 1/((π²/3 − 1)(|j| + 1)²), chosen after the data.
RADII = over_integers("radii", "radius_index", ("S", "P", "f"))
radius = sp.Integer(2) ** RADII.chosen
REFERENCE_BALL = ball(V, radius, Frobenius)
BALL = ball(W, radius, Frobenius)
FINE_BALL = ball(W, sp.Integer(2) ** (RADII.chosen / 4), Frobenius)
ENCODER_CLASS = Family(f, ENCODERS.generic)

# Contrastive losses: k negatives, temperature t, and what the class prior says about collisions and coverage.
negatives = Declared("negatives", "count")
temperature = Declared("temperature", "constant")
smallest = Declared("p_min", "constant")
no_collision = Declared("no_collision", "constant")
log_collisions = Declared("log_collisions", "constant")
augmentation_gap = Declared("augmentation_gap", "constant")
coverage = Declared("coverage", "constant")
_LOSS, _THINNED = Declared("delta_loss", "level"), Declared("delta_classes", "level")
NCE = infonce_loss(f, negatives, temperature)


def contrastive(loss: sp.Expr, thinned: bool) -> Fact:
    """E loss against its mean over tuples of pairs, with the choice among J encoders paid."""
    event = ("thinned pairs are i.i.d.", _THINNED) if thinned else None
    mean = UMean(Sample("P", m, _BEFORE_PAIRS, _PAIR_LAW, paired=True, event=event), loss)
    return hoeffding(mean, _LOSS, "contrastive loss over the pairs", over=(ENCODERS,))


x, x2, y = view(0, 0), view(0, 1), label(0)
z, z2 = Enc(f, x), Enc(f, x2)
apart = Norm(z - z2)


def residual(head: sp.Expr, vector: sp.Expr = z) -> sp.Expr:
    """‖W v − y‖."""
    return Norm(Apply(head, vector) - y)


def projected(head: sp.Expr, vector: sp.Expr = z) -> sp.Expr:
    """‖Π(W v) − y‖."""
    return Norm(Project(Apply(head, vector)) - y)


def wrong(head: sp.Expr, vector: sp.Expr = z) -> sp.Expr:
    """1[the head errs on v]."""
    return Wrong(head, vector, y)


def moved(head: sp.Expr, other: sp.Expr) -> sp.Expr:
    """‖Π(W f) − Π(V f)‖."""
    return Norm(Project(Apply(head, z)) - Project(Apply(other, z)))


_PRIOR = frozenset({"prior"})
_P, _S, _H, _U = Sample("P", m, paired=True), Sample("S", n), Sample("H", N), Sample("U", m)
READINGS = {
    Mean(_P, apart): Quantity(s.invariance, "invariance"),
    Mean(_S, residual(W)): Quantity(s.residual_S, "labeled_residual"),
    sp.sqrt(Mean(_S, residual(W) ** 2)): Quantity(s.rms_S, "labeled_residual"),
    Mean(_P, residual(V)): Quantity(s.residual_ref, "unlabeled_residual"),
    sp.sqrt(Mean(_P, residual(V) ** 2)): Quantity(s.rms_ref, "unlabeled_residual"),
    Mean(_H, wrong(W)): Quantity(s.mistakes / s.N, "test_error"),
    Mean(_H, wrong(FITTED)): Quantity(s.mistakes / s.N, "held_out_error"),
    Mean(_H, projected(FITTED)): Quantity(s.projected_ref, "held_out_residual"),
    Mean(_U, Differ(W, z, FITTED, z)): Quantity(s.differing / s.m, "disagreement"),
    Mean(_U, moved(W, FITTED)): Quantity(s.head_gap, "head_distance"),
    Mean(_S, projected(W)): Quantity(s.projected_S, "labeled_residual"),
    Mean(_H, projected(W)): Quantity(s.projected_H, "test_loss"),
    OpNorm(W): Quantity(s.W_norm),
    OpNorm(W - V): Quantity(s.c, alone="head_distance"),
    Reach(W): Quantity(s.kappa_S),
    Reach(V): Quantity(s.kappa_ref),
    Frobenius(W): Quantity(s.W_frobenius),
    Frobenius(V): Quantity(s.frobenius_ref),
    UMean(_P, NCE): Quantity(c.infonce_loss, "infonce_loss"),
    sp.floor(m / (negatives + 1)): Quantity(c.blocks),
    span: Quantity(c.span),
    K: Quantity(s.K, alone="task_size"),
    negatives: Quantity(c.negatives),
    temperature: Quantity(c.temperature),
    smallest: Quantity(c.p_min, alone="task_size", assumes=_PRIOR),
    no_collision: Quantity(c.no_collision, assumes=_PRIOR),
    log_collisions: Quantity(c.log_collisions, alone="log_collisions", assumes=_PRIOR),
    augmentation_gap: Quantity(c.augmentation_gap, alone="augmentation_gap"),
    coverage: Quantity(c.coverage, assumes=_PRIOR),
    _LOSS: Quantity(c.delta_loss),
    TV(_S): Quantity(s.TV_S, "class_frequencies", assumes=_PRIOR),
    TV(_P): Quantity(s.TV_pairs, "pair_frequencies", assumes=_PRIOR),
    TV(_U): Quantity(s.TV_pairs, "pair_frequencies", assumes=_PRIOR),
    Rad(_P, ENCODERS.generic, apart.xreplace({f: ENCODERS.generic})): Quantity(
        s.R_F, "representation_complexity"
    ),
}

LOSS = E(residual(W))

# Terms of a bound in the order of the report.
ORDER = (
    "smaller",
    "test_error",
    "test_loss",
    "infonce_loss",
    "log_collisions",
    "augmentation_gap",
    "task_size",
    "surrogate_gap",
    "held_out_error",
    "held_out_residual",
    "disagreement",
    "invariance",
    "unlabeled_residual",
    "head_distance",
    "labeled_residual",
    "representation_complexity",
    "head_complexity",
    "class_frequencies",
    "confidence",
    "pair_frequencies",
)


def concluded(fact: Fact, goal: sp.Expr, below: bool = False) -> Conclusion:
    """`conclude` with the readings and the order of this package."""
    return conclude(fact, goal, READINGS, ORDER, below)
