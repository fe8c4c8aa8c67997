"""Uniform convergence around a head learned on a part of S, in its own metric (theory §5b)."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.inequalities import empirical_bernstein, gaussian_head_class, hoeffding
from bounds.derivations.pac_bayes import n_Q
from bounds.derivations.symbols import K, beta, delta_1, delta_2, symbol, weight_j

metrics = symbol("metrics", "M", "number of splits and metrics A tried", positive=True)
thresholds = symbol("thresholds", r"|\Gamma|", "number of margins γ tried", positive=True)
margin = symbol("margin", r"\gamma", "width of the ramp", positive=True)
projected_Q = symbol("projected_Q", r"\hat r^{\Pi}_Q", "mean projected residual of the head on Q")
ramp_Q = symbol("ramp_Q", r"\hat\rho_Q", "mean ramp loss of the margins on Q")
second_moment = symbol("second_moment", r"\hat V", "mean of ‖A⁻¹z‖² on Q")
moment_variance = symbol("moment_variance", r"\hat{\mathrm{Var}}", "sample variance of ‖A⁻¹z‖² on Q")
moment_range = symbol("moment_range", r"B^2/\lambda_{\min}", "bound on ‖A⁻¹z‖²")


def complexity() -> sp.Expr:
    """The radius C = √(π/2)·β·√(K V⁺)/√|Q|, V⁺ the empirical-Bernstein limit of E‖A⁻¹z‖²."""
    upper = second_moment + empirical_bernstein(moment_variance, moment_range, delta_1 / metrics, n_Q)
    return gaussian_head_class(beta, K, upper) / sp.sqrt(n_Q)


@cache
def loss() -> Expression:
    """r̂_Q(ΠW) + 2C + deviation of the supremum over {‖(W − W₀)A‖_F ≤ β}, range √2."""
    return Expression(
        {
            "labeled_residual": projected_Q,
            "head_complexity": 2 * complexity(),
            "confidence": hoeffding(sp.sqrt(2), delta_2 * weight_j / metrics, n_Q),
        }
    )


@cache
def error() -> Expression:
    """The ramp of the margin: 1/γ-Lipschitz in a margin that is √2-Lipschitz in scores, hence (2√2/γ)C."""
    return Expression(
        {
            "ramp": ramp_Q,
            "head_complexity": 2 * sp.sqrt(2) / margin * complexity(),
            "confidence": hoeffding(sp.Integer(1), delta_2 * weight_j / (metrics * thresholds), n_Q),
        }
    )
