"""Losses of margins against negatives, and the mean classifier: Jensen over views, collisions, the largest loss."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.derivations.lemmas import contrastive as steps
from bounds.errors import InvalidProof
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.contrastive import MeanClassifier
from bounds.proofs.lemmas.reading import a, b, failing
from bounds.proofs.ranges import ASSUMED, interval
from bounds.proofs.terms import Declared, Dot, E, Enc, Hinge, Negatives, Nonnegative, Sample, Worst, view


class Collision(Nonnegative, nargs=1):
    """Probability that one of k further items has the class of an item: Collision(k)."""


class CollisionLimit(Nonnegative, nargs=3):
    """A limit of Collision(1) by the class counts of a sample, lower (0) or upper (1): CollisionLimit(S, δ, side)."""


HINGE, LOGISTIC = Declared("hinge", "other"), Declared("logistic", "other")
VIEWS = frozenset({"A1"})  # a positive is a view of the same class, independent given it
COUNTED = frozenset({"K"})
free, collided, few = sp.symbols("no_collision collided few")


def margin_loss(kind: sp.Symbol, encoder: Declared, k: sp.Expr, scale: sp.Expr) -> sp.Expr:
    """Hinge of the smallest of k margins v_j = s²f(x)ᵀ(f(x⁺) − f(x_j)), or log₂(1 + Σ_j e^{−v_j}).

    Raises:
        InvalidProof: another loss.
    """
    z, z2, other = Enc(encoder, view(0, 0)), Enc(encoder, view(0, 1)), Enc(encoder, view(1, 0))
    margin = scale**2 * (Dot(z, z2) - Dot(z, other))
    if kind == HINGE:
        return Worst(k, Hinge(margin))
    if kind == LOGISTIC:
        return sp.log(1 + Negatives(k, sp.exp(-margin))) / sp.log(2)
    raise InvalidProof(f"`{kind}` is no loss of margins.")


def mean_classifier(kind: sp.Symbol, encoder: Declared, k: sp.Expr, scale: sp.Expr) -> sp.Expr:
    """The same loss of the classifier of true class means, given that no negative has the class of the item."""
    return MeanClassifier(kind, encoder, scale, k)


def _jensen(loss: steps.Loss) -> Lemma:
    return Lemma(
        f"Jensen's inequality over views, {loss} loss",
        free * a + collided,
        b,
        "Arora et al. (2019), Theorem 4.1",
        "proven",
        note="Given the classes the loss is convex in the views; a negative of the own class has mean margin zero.",
        check=lambda: steps.jensen_over_views(loss, 1).result & steps.jensen_over_views(loss, 2).result,
    )


JENSEN = {HINGE: _jensen("hinge"), LOGISTIC: _jensen("logistic")}


def jensen_over_views(
    kind: sp.Symbol,
    encoder: Declared,
    k: sp.Expr,
    scale: sp.Expr,
    none: sp.Expr,
    collision: sp.Expr,
    logs: sp.Expr | None = None,
) -> Fact:
    """(1 − τ_k)·L_sup(μ) + Col ≤ E loss.

    Args:
        kind, encoder, k, scale: The loss, see `margin_loss`.
        none: 1 − τ_k, the probability that no negative has the class of the item.
        collision: τ_k, what a margin of zero costs where one has.
        logs: E ln(1 + number of those that have), the larger cost of several under the logistic loss.

    Raises:
        InvalidProof: logarithms of collisions with the hinge loss.
    """
    if logs is not None and kind != LOGISTIC:
        raise InvalidProof("Several collisions cost the hinge loss no more than one.")
    values = {
        a: mean_classifier(kind, encoder, k, scale),
        b: E(margin_loss(kind, encoder, k, scale)),
        free: none,
        collided: collision if logs is None else logs / sp.log(2),
    }
    return JENSEN[kind].at(values, VIEWS)


def _limited(name: str, note: str) -> Lemma:
    return Lemma(
        name,
        a,
        (b - few) / (1 - few),
        "Arora et al. (2019), Theorem 4.1",
        "proven",
        note=note,
        check=lambda: JENSEN[HINGE].check() & JENSEN[LOGISTIC].check(),  # type: ignore[misc]
    )


FEWEST = _limited(
    "as few collisions as there can be", "1 - (1 - L)/(1 - t) falls in t where L is at most one."
)
MOST = _limited(
    "as many collisions as there can be", "1 - (1 - L)/(1 - t) grows in t where L is at least one."
)


def jensen_between(
    kind: sp.Symbol, encoder: Declared, k: sp.Expr, scale: sp.Expr, contrast: Fact, limit: Fact
) -> Fact:
    """L_sup(μ) ≤ (L − t)/(1 − t) where E loss ≤ L: t ≤ τ_k, if L ≤ 1, or t ≥ τ_k, if L ≥ 1.

    Raises:
        InvalidProof: the two facts are not about that loss and its collisions.
    """
    if contrast.lhs != E(margin_loss(kind, encoder, k, scale)):
        raise InvalidProof(f"`{contrast.lhs}` is not the expected loss of these margins.")
    if (fewest := limit.rhs == Collision(k)) == (limit.lhs == Collision(k)):
        raise InvalidProof(f"`{limit}` is no limit of the probability of a collision with {k} negatives.")
    t = limit.lhs if fewest else limit.rhs
    lemma, relation = (FEWEST, sp.Le) if fewest else (MOST, sp.Ge)
    values = {a: mean_classifier(kind, encoder, k, scale), b: contrast.rhs, few: t}
    checked = frozenset({relation(contrast.rhs, 1)})
    return lemma.at(values, VIEWS, checked, premises=(contrast, limit))


LARGEST = Lemma(
    "the largest loss of a margin",
    a,
    b,
    "by the range of inner products",
    "proven",
    note="Margins of class means are means of margins, so they lie in the same range.",
)


def largest_loss(kind: sp.Symbol, encoder: Declared, k: sp.Expr, scale: sp.Expr) -> Fact:
    """L_sup(μ) ≤ the loss where all margins are −s²r."""
    found = interval(margin_loss(kind, encoder, k, scale))
    values = {a: mean_classifier(kind, encoder, k, scale), b: sp.expand(found.high)}
    return LARGEST.at(values, found.assumptions | ASSUMED)


ALIKE = Lemma(
    "classes collide",
    a,
    b,
    "Cauchy-Schwarz",
    "proven",
    note="The sum of p^2 over K classes is at least 1/K.",
)


def fewest_collisions(classes: sp.Expr) -> Fact:
    """1/K ≤ τ_1."""
    return ALIKE.at({a: 1 / classes, b: Collision(sp.S.One)}, COUNTED)


COLLISION_LIMITS = Lemma(
    "limits of the collision probability",
    a,
    b,
    "Hoeffding (1963), Thm 1; section 5 for U-statistics",
    note="Pairs of equal labels are a U-statistic of order two; a kl limit at half the share on either side.",
    check=lambda: checks.concentration.kl_theorem().result,
)


def collision_limits(sample: Sample, delta: sp.Expr) -> tuple[Fact, Fact]:
    """CollisionLimit(S, δ, 0) ≤ τ_1 ≤ CollisionLimit(S, δ, 1), on one event.

    Raises:
        InvalidProof: the class counts were fixed, so that they say nothing about the prior.
    """
    events = failing(sample, f"collisions in {sample}", delta, of_prior=True)
    low, high = (CollisionLimit(sample, delta, sp.Integer(side)) for side in (0, 1))
    probability = Collision(sp.S.One)
    return (
        COLLISION_LIMITS.at({a: low, b: probability}, frozenset(sample.law), events=events),
        COLLISION_LIMITS.at({a: probability, b: high}, frozenset(sample.law), events=events),
    )


ROUNDED = Lemma(
    "a mean as it was computed",
    a,
    b,
    "this package",
    "proven",
    note="The second number bounds the rounding error of the first, where it is computed.",
)


def computed(mean: sp.Expr, number: sp.Expr, rounding: sp.Expr) -> Fact:
    """A mean ≤ the number that floating-point arithmetic made of it + a bound on the rounding error."""
    return ROUNDED.at({a: mean, b: number + rounding})
