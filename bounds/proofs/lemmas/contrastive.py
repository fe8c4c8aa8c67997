"""Contrastive losses and the mean classifier: Jensen over views, collisions, coverage, the surrogate gap."""

from __future__ import annotations

from typing import Any

import sympy as sp

from bounds.derivations.bao_2022 import reverse_jensen
from bounds.derivations.contrastive import (
    coverage,
    coverage_of_others,
    log_collisions,
    negatives,
    no_collision,
    p_min,
)
from bounds.derivations.contrastive import span as table_span
from bounds.derivations.contrastive import temperature as table_temperature
from bounds.derivations.infonce import below_chance as gain
from bounds.derivations.infonce import surrogate_gap as gap
from bounds.derivations.lemmas import infonce as steps
from bounds.derivations.quantities import contrastive_risk, supervised_risk
from bounds.derivations.symbols import K as table_classes
from bounds.errors import InvalidProof
from bounds.proofs.closed import closed
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.reading import a
from bounds.proofs.ranges import ASSUMED, span
from bounds.proofs.terms import Declared, Dot, E, Enc, Negatives, Nonnegative, view


class MeanClassifier(Nonnegative, nargs=(3, 4)):
    """A loss of the classifier whose rows are the true class means: MeanClassifier(loss, f, scale or temperature).

    A fourth argument k says that it is asked to tell the class from those of k other items, given that none has the same.
    """


gained = sp.Symbol("gained")
SOFTMAX = Declared("softmax", "other")
UNIFORM = frozenset({"prior"})  # the classes are equally likely
VIEWS = frozenset({"A1"})  # a positive is a view of the same class, independent given it


def _gap(exact: bool) -> Any:
    def formula(r: sp.Expr, t: sp.Expr) -> sp.Expr:
        return gap(exact=exact).xreplace({table_span: r, table_temperature: t})

    return closed("exact_gap" if exact else "hoeffding_gap", formula, role="surrogate_gap")


below_chance = closed("below_chance", gain, role="below_chance")
_GAPS = {exact: _gap(exact) for exact in (False, True)}
SOFTMAX_OF_MEANS = {exact: Lemma.of(steps.softmax_of_means(exact), "this package") for exact in (False, True)}
COVERAGE = Lemma.of(steps.divided_by_coverage())
_reverse_jensen = closed(
    "reverse_jensen",
    lambda r, t: reverse_jensen().xreplace({table_span: r, table_temperature: t}),
    role="surrogate_gap",
)
WITHOUT_POSITIVE = Lemma.of(steps.without_positive())
HALVES = Lemma.of(steps.halved_coverage())


def infonce_loss(encoder: Declared, k: sp.Expr, temperature: sp.Expr) -> sp.Expr:
    """ln(1 + Σ_j e^{f(x)ᵀ(f(x_j) − f(x⁺))/t}) with k further items as negatives."""
    z, z2, other = Enc(encoder, view(0, 0)), Enc(encoder, view(0, 1)), Enc(encoder, view(1, 0))
    return sp.log(1 + Negatives(k, sp.exp((Dot(z, other) - Dot(z, z2)) / temperature)))


def parts(loss: sp.Expr) -> tuple[Declared, sp.Expr, sp.Expr]:
    """Encoder, number of negatives and temperature of an InfoNCE loss.

    Raises:
        InvalidProof: another term.
    """
    (summed,) = loss.atoms(Negatives) or (None,)
    encoders = {one.args[0] for one in loss.atoms(Enc)}
    if summed is None or len(encoders) != 1:
        raise InvalidProof(f"`{loss}` is not an InfoNCE loss.")
    encoder, k = encoders.pop(), summed.args[0]
    positive = Dot(Enc(encoder, view(0, 0)), Enc(encoder, view(0, 1)))
    temperature = 1 / sp.Mul(-1, sp.expand_mul(summed.args[1].exp).coeff(positive))
    if loss != infonce_loss(encoder, k, temperature):
        raise InvalidProof(f"`{loss}` is not an InfoNCE loss.")
    return encoder, k, temperature


def softmax_of_means(loss: sp.Expr, smallest: sp.Expr, exact: bool) -> Fact:
    """L_softmax(μ) ≤ E loss − ln(p_min(k + 1)) + gap − max(0, ln(k + 1) − E loss)/k; gap R²/8 or exact, R = r/t."""
    encoder, k, t = parts(loss)
    lemma = SOFTMAX_OF_MEANS[exact]
    # The gap and the gain stay whole in what follows.
    whole = lemma.right - gap(exact=exact) + a + gain(contrastive_risk, negatives) - gained
    shown = Lemma(lemma.name, lemma.left, whole, lemma.source, lemma.kind, note=lemma.note, check=lemma.check)
    values = {
        supervised_risk: MeanClassifier(SOFTMAX, encoder, t),
        contrastive_risk: E(loss),
        p_min: smallest,
        negatives: k,
        a: _GAPS[exact](span, t),
        gained: below_chance(E(loss), k),
    }
    return shown.at(values, ASSUMED | VIEWS)


def softmax_without_positive(loss: sp.Expr, classes: sp.Expr) -> Fact:
    """L_softmax(μ) ≤ E loss + ln(K/k) + 2 ln cosh(r/(2t)), uniform prior."""
    encoder, k, t = parts(loss)
    lemma = WITHOUT_POSITIVE
    whole = lemma.right - reverse_jensen() + a
    shown = Lemma(lemma.name, lemma.left, whole, lemma.source, lemma.kind, note=lemma.note, check=lemma.check)
    values = {
        supervised_risk: MeanClassifier(SOFTMAX, encoder, t),
        contrastive_risk: E(loss),
        table_classes: classes,
        negatives: k,
        a: _reverse_jensen(span, t),
    }
    return shown.at(values, ASSUMED | UNIFORM | VIEWS)


def covered(loss: sp.Expr, free: sp.Expr, collisions: sp.Expr, cover: sp.Expr, halves: bool = False) -> Fact:
    """(1 − τ_k)·v′·L_softmax(μ) + Col ≤ E loss, or ½(v·L_softmax(μ) + Col) ≤ E loss; uniform prior.

    `cover` is v′, the chance that k draws from the other classes show each of them; with `halves` it is v, the chance
    that k + 1 draws show every class.
    """
    encoder, _, t = parts(loss)
    values = {
        supervised_risk: MeanClassifier(SOFTMAX, encoder, t),
        contrastive_risk: E(loss),
        no_collision: free,
        log_collisions: collisions,
        (coverage if halves else coverage_of_others): cover,
    }
    return (HALVES if halves else COVERAGE).at(values, UNIFORM | VIEWS)


__all__ = ["covered", "infonce_loss", "softmax_of_means", "softmax_without_positive"]
