"""Lei, Yang, Ying and Zhou (2023): a generalization gap that grows with k only in logarithms."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.contrastive import blocks, delta_loss, infonce_loss, negatives, temperature
from bounds.derivations.expression import Expression
from bounds.derivations.functions import Max
from bounds.derivations.inequalities import hoeffding
from bounds.derivations.infonce import loss_range
from bounds.derivations.symbols import B, symbol

dimension = symbol("dimension", "d", "dimension of the representation", positive=True)


def margin_class() -> sp.Expr:
    """√k·R(H) ≤ 2B²√(d/M): margins of x ↦ A f(x), ‖A‖₂ ≤ 1, over any kM tuples.

    The margin is linear in AᵀA, of Frobenius norm at most √d, in features f(x)(f(x⁺) − f(x⁻))ᵀ of norm ≤ 2B².
    """
    return 2 * B**2 * sp.sqrt(dimension / blocks)


@cache
def expression() -> Expression:
    """L̂ + 2R(G) + 3·range·√(ln(2/δ)/(2M)), R(G) as printed, for G-Lipschitz losses in the max norm, G = 1/t.

    R(G) ≤ 24G(B² + 1)/√M + 48G√k R(H)(1 + ln(4B²M^{3/2}k)·⌈log₂(B²√M/12)⌉).
    """
    lipschitz = 1 / temperature
    levels = Max(0, sp.ceiling(sp.log(B**2 * sp.sqrt(blocks) / 12, 2)))
    logs = 1 + sp.log(4 * B**2 * blocks ** sp.Rational(3, 2) * negatives) * levels
    complexity = 24 * lipschitz * (B**2 + 1) / sp.sqrt(blocks) + 48 * lipschitz * margin_class() * logs
    return Expression(
        {
            "infonce_loss": infonce_loss,
            "representation_complexity": 2 * complexity,
            "confidence": 3 * hoeffding(loss_range(), delta_loss / 2, blocks),
        }
    )
