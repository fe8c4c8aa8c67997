"""Inequalities that hold for every item: triangle, spectral norm, Jensen, and balls of heads."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.errors import InvalidProof
from bounds.proofs.closed import closed
from bounds.proofs.facts import Fact, Lemma, decomposed
from bounds.proofs.lemmas.reading import a, b
from bounds.proofs.ranges import ASSUMED, B, length
from bounds.proofs.terms import (
    Apply,
    Correction,
    Cross,
    Declared,
    Differ,
    Dot,
    Enc,
    InBall,
    Item,
    Mean,
    Norm,
    OpNorm,
    Predicted,
    Project,
    Rad,
    Wrong,
    label,
    view,
)


def triangle(total: sp.Expr, *parts: sp.Expr) -> Fact:
    """‖Σ parts‖ ≤ Σ‖part‖; the parts have to add up to the total."""
    return decomposed(total, parts, Norm)


_left, _right = sp.symbols("left right")
BOUNDED = Lemma(
    "bounded representation", _left, _right, "assumption A4", "proven", note="By definition of B."
)
OPERATOR = Lemma(
    "spectral norm", _left, _right, "definition of the spectral norm", "proven", note="|W v| <= |W| |v|."
)


def operator(head: sp.Expr, vector: sp.Expr) -> Fact:
    """‖W v‖ ≤ ‖W‖₂ ‖v‖."""
    return OPERATOR.at({_left: Norm(Apply(head, vector)), _right: OpNorm(head) * Norm(vector)})


def bounded(vector: sp.Expr) -> Fact:
    """‖v‖ ≤ what its range says."""
    high, used = length(vector)
    return BOUNDED.at({_left: Norm(vector), _right: high}, used)


JENSEN = Lemma(
    "Jensen's inequality",
    _left,
    _right,
    "Jensen's inequality",
    "proven",
    note="A mean is at most the root of the mean square.",
)


def root_mean_square(total: sp.Expr) -> Fact:
    """Mean g ≤ √(Mean g²).

    Raises:
        InvalidProof: not a mean.
    """
    if not isinstance(total, Mean):
        raise InvalidProof(f"`{total}` is not a mean.")
    sample, term = total.args
    return JENSEN.at({_left: total, _right: sp.sqrt(Mean(sample, term**2))})


DECISIONS = Lemma(
    "two decisions",
    _left,
    _right,
    "this package",
    "proven",
    note="Where W errs, V errs as well or the two decide differently.",
)


def two_decisions(head: sp.Expr, other: sp.Expr, vector: sp.Expr, label: sp.Expr) -> Fact:
    """1[W errs] ≤ 1[V errs] + 1[W and V decide differently]."""
    right = Wrong(other, vector, label) + Differ(head, vector, other, vector)
    return DECISIONS.at({_left: Wrong(head, vector, label), _right: right})


CORRECTION = Lemma(
    "prediction and correction",
    _left,
    _right,
    "by definition",
    "proven",
    note="err = prediction + (err - prediction).",
)


def corrected(head: sp.Expr, vector: sp.Expr, label: sp.Expr) -> Fact:
    """1[W errs] ≤ predicted error + correction."""
    right = Predicted(head, vector) + Correction(head, vector, label)
    return CORRECTION.at({_left: Wrong(head, vector, label), _right: right})


TOLD_APART = Lemma(
    "views that are told apart",
    _left,
    _right,
    "this package",
    "proven",
    note="Where two views of one label are decided differently, one of the decisions is wrong.",
)


def told_apart(head: sp.Expr, one: sp.Expr, two: sp.Expr, label: sp.Expr) -> Fact:
    """1[W decides differently on two views] ≤ 1[W errs on one] + 1[W errs on the other], if they keep their label."""
    right = Wrong(head, one, label) + Wrong(head, two, label)
    return TOLD_APART.at({_left: Differ(head, one, head, two), _right: right}, frozenset({"label"}))


POLARISATION = Lemma(
    "squares around the middle of two views",
    _left,
    _right,
    "expanding |(u - y) - (v - y)|^2",
    "proven",
    note="An identity; the inner product of two residuals is unbiased for the averaged prediction's risk.",
)


def polarised(one: sp.Expr, two: sp.Expr, label: sp.Expr) -> Fact:
    """½‖u − y‖² + ½‖v − y‖² ≤ ⟨u − y, v − y⟩ + ½‖u − v‖²: equal.

    The inner product is at least zero, and kept whole, where u and v are on the simplex.
    """
    both = isinstance(one, Project) and isinstance(two, Project)
    product = Cross(one, two, label) if both else Dot(one - label, two - label)
    left = Norm(one - label) ** 2 / 2 + Norm(two - label) ** 2 / 2
    return POLARISATION.at({_left: left, _right: product + Norm(one - two) ** 2 / 2})


PROJECTION = Lemma(
    "projection on the simplex",
    _left,
    _right,
    "projections on convex sets are 1-Lipschitz",
    "proven",
    note="The label is on the simplex, so projecting the prediction does not move it away.",
)


def projected(head: sp.Expr, other: sp.Expr) -> Fact:
    """‖Π u − Π v‖ ≤ ‖u − v‖; a label is its own projection.

    Raises:
        InvalidProof: an argument is neither a prediction nor a label.
    """
    sides = []
    for vector in (head, other):
        labeled = isinstance(vector, Item) and vector.view is None
        if not labeled and not isinstance(vector, Apply):
            raise InvalidProof(f"`{vector}` is neither a prediction nor a label.")
        sides.append(vector if labeled else Project(vector))
    return PROJECTION.at({_left: Norm(sides[0] - sides[1]), _right: Norm(head - other)})


classes = sp.Symbol("classes")
ball_complexity = closed(
    "ball_complexity", lambda beta, K, B: sp.sqrt(2) * beta * sp.sqrt(K) * B, role="head_complexity"
)
gaussian_complexity = closed(
    "gaussian_complexity",
    lambda beta, K, B: sp.sqrt(sp.pi / 2) * beta * sp.sqrt(K) * B,
    role="head_complexity",
)
VECTOR_CONTRACTION = Lemma(
    "vector contraction over a Frobenius ball",
    _left,
    ball_complexity(a, classes, b),
    "Maurer (2016), Cor. 4",
    note="A sign per output costs sqrt(2); Cauchy-Schwarz over the ball leaves sqrt(K) B.",
    check=lambda: checks.complexity.vector_contraction().result,
)
SUDAKOV_FERNIQUE = Lemma(
    "Gaussian comparison over a Frobenius ball",
    _left,
    gaussian_complexity(a, classes, b),
    "Ledoux and Talagrand (1991), eqs. 4.8 and 3.13",
    note="Signs to Gaussians cost sqrt(pi/2); Sudakov-Fernique replaces a 1-Lipschitz loss by its argument.",
    check=lambda: checks.heads.gaussian_comparison().result,
)


def head_ball(complexity: sp.Expr, count: sp.Expr, gaussian: bool = False) -> Fact:
    """R̃(W_β∘f) ≤ √2·β√K·B, or √(π/2)·β√K·B, for losses ‖W f − y‖ or ‖Π W f − y‖ of one fixed f.

    Raises:
        InvalidProof: another class, or another loss.
    """
    if not isinstance(complexity, Rad) or not isinstance(complexity.args[1], InBall):
        raise InvalidProof(f"`{complexity}` is not the complexity of a ball of heads.")
    _, member, term = complexity.args
    scores = [Apply(member, Enc(one, view())) for one in term.atoms(Declared) if one.kind == "encoder"]
    if not any(term in (Norm(score - label()), Norm(Project(score) - label())) for score in scores):
        raise InvalidProof(f"`{term}` is not the loss of a head of the ball.")
    lemma = SUDAKOV_FERNIQUE if gaussian else VECTOR_CONTRACTION
    return lemma.at({_left: complexity, a: member.args[1], b: B, classes: count}, ASSUMED)
