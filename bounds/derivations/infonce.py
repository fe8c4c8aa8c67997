"""InfoNCE against the softmax of the mean classifier, after Bao, Nagano and Nozawa (2022)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations.contrastive import (
    delta_loss,
    infonce_loss,
    log_plus_exp,
    negatives,
    share_of_functions,
    span,
    temperature,
    u_statistic,
    vector_contraction,
)
from bounds.derivations.functions import Max


def loss_range(*, exact: bool = False) -> sp.Expr:
    """2r/t ≥ ln((1 + k·e^{r/t})/(1 + k·e^{−r/t})), the range of ln(1 + Σ_j e^{−v_j/t})."""
    ratio = span / temperature
    if exact:
        largest = sp.log(negatives) + log_plus_exp(1 / negatives, ratio)
        return largest - sp.log(1 + negatives * sp.exp(-ratio))
    return 2 * ratio


def surrogate_gap(*, exact: bool = False) -> sp.Expr:
    r"""Supremum of ln E e^u − E u over u of range R = r/t: R²/8 by Hoeffding's lemma, or the exact value.

    By convexity the supremum is at two points with weights q, 1 − q: ln(1 + q(e^R − 1)) − qR is largest where
    1 + q(e^R − 1) = (e^R − 1)/R, with value ln((e^R − 1)/R) − 1 + R/(e^R − 1).
    """
    ratio = span / temperature
    if exact:
        decayed = sp.exp(-ratio)
        return log_plus_exp(-1, ratio) - sp.log(ratio) - 1 + ratio * decayed / (1 - decayed)
    return ratio**2 / 8


def below_chance(loss: sp.Expr, count: sp.Expr) -> sp.Expr:
    """max(0, ln(k + 1) − L)/k, what a loss below that of chance gains.

    Jensen's inequality on the k + 1 terms of the loss gives L ≥ ln(k + 1) + (k/(k + 1))·X, X the mean of
    f(x)ᵀ(f(x⁻) − f(x⁺))/t, which is at most 0. So X ≤ L − ln(k + 1), and X ≤ ((k + 1)/k)(L − ln(k + 1)) as well.
    """
    return Max(0, sp.log(count + 1) - loss) / count


def sampling(*, exact: bool = False) -> dict[str, sp.Expr]:
    """From the measured InfoNCE loss to its expectation."""
    return {
        "infonce_loss": infonce_loss,
        "representation_complexity": vector_contraction(1 / temperature),
        "confidence": u_statistic(loss_range(exact=exact), share_of_functions(delta_loss)),
    }
