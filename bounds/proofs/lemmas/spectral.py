"""The spectral contrastive loss: the squared loss of scaled class means."""

from __future__ import annotations

import sympy as sp

from bounds.derivations.contrastive import p_min
from bounds.derivations.haochen_2021 import head_scale
from bounds.derivations.lemmas import spectral as checks
from bounds.derivations.quantities import cross_similarity, minus_alignment, square_loss
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.contrastive import MeanClassifier
from bounds.proofs.terms import Declared, Dot, E, Enc, view

SQUARED = Declared("squared", "other")
SCALED_MEANS = Lemma.of(checks.scaled_means())
# Views of a pair are independent given their class, and the label is that class.
_VIEWS = frozenset({"A1", "A5"})


def aligned(encoder: Declared) -> sp.Expr:
    """f(x)ᵀf(x⁺)."""
    return Dot(Enc(encoder, view(0, 0)), Enc(encoder, view(0, 1)))


def similar(encoder: Declared) -> sp.Expr:
    """(f(x)ᵀf(x⁻))², x⁻ a view of another item."""
    return Dot(Enc(encoder, view(0, 0)), Enc(encoder, view(1, 0))) ** 2


def scaled_means(encoder: Declared, scale: Declared, smallest: sp.Expr) -> Fact:
    """E‖α[μ_1 .. μ_K]ᵀf(x) − y‖² ≤ 1 − 2α E f(x)ᵀf(x⁺) + (α²/p_min) E(f(x)ᵀf(x⁻))²."""
    values = {
        square_loss: MeanClassifier(SQUARED, encoder, scale),
        minus_alignment: -E(aligned(encoder)),
        cross_similarity: E(similar(encoder)),
        head_scale: scale,
        p_min: smallest,
    }
    return SCALED_MEANS.at(values, _VIEWS)
