"""PAC-Bayes for a Gaussian head, its prior learned on a part of S: randomised, derandomised (theory §5, §5b)."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.functions import kl_inverse
from bounds.derivations.inequalities import pac_bayes_kl
from bounds.derivations.symbols import delta, symbol

n_Q = symbol("n_Q", "|Q|", "number of labeled items outside the prior's part", positive=True)
grid = symbol("grid", "G", "number of points of the grid of priors, noises and thresholds", positive=True)
sigma = symbol("sigma", r"\sigma", "standard deviation of the Gaussian heads, in the metric A", positive=True)
head_shift = symbol("head_shift", r"\|(W-W_0)A\|_F", "distance of the head from the centre of the prior")
gibbs_error = symbol("gibbs_error", r"\hat L_Q", "error of the random head on Q, by exact quadrature")
margin_error = symbol(
    "margin_error", r"\hat L_Q^{\gamma}", "P(margin of the random head ≤ γ(z)) on Q, by quadrature"
)
quantile = symbol("quantile", "q", "chance that a random head shows an error of the mean head", positive=True)


def divergence() -> sp.Expr:
    """KL(N(W, σ²A⁻²)‖N(W₀, σ²A⁻²)) = ‖(W − W₀)A‖_F²/(2σ²), for K independent rows."""
    return head_shift**2 / (2 * sigma**2)


def upper(mean: sp.Expr) -> sp.Expr:
    """kl⁻¹(mean; (KL + ln(2√|Q|·G/δ))/|Q|)."""
    return kl_inverse(sp.Min(1, mean), pac_bayes_kl(divergence(), delta / grid, n_Q))


@cache
def randomised() -> Expression:
    """Error of the head W′ ~ N(W, σ²A⁻²), drawn anew for each item or once."""
    return Expression({"gibbs_error": gibbs_error, "confidence": upper(gibbs_error) - gibbs_error})


@cache
def deterministic() -> Expression:
    """Error of W itself: where W errs, a random head has a margin ≤ γ(z) with probability at least q.

    γ(z) = √2σ‖A⁻¹z‖Φ⁻¹(q): some margin of the random head is N(≤ 0, 2σ²‖A⁻¹z‖²) there.
    """
    return Expression(
        {
            "margin_error": margin_error,
            "derandomisation": (1 / quantile - 1) * margin_error,
            "confidence": (upper(margin_error) - margin_error) / quantile,
        }
    )
