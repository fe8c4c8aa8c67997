"""PAC-Bayes for a Gaussian head, its prior learned on a part of S: randomised, derandomised."""

from __future__ import annotations

import sympy as sp

from bounds.derivations.symbols import symbol

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
