"""The concentration inequalities as sympy radii: the only place where their constants are typed.

The root of a logarithm stands by itself, and `_root` is not evaluated: sympy would first ask of each factor and summand
whether it is imaginary or infinite, which takes milliseconds and changes nothing.
"""

from __future__ import annotations

import sympy as sp

from bounds.derivations.functions import Min


def hoeffding(spread: sp.Expr, delta: sp.Expr, count: sp.Expr) -> sp.Expr:
    r"""Radius r√(ln(1/δ)/(2N)): a mean of N independent values with range r, one-sided.

    The same radius is McDiarmid's for a function with bounded differences r/N. Source: Hoeffding (1963), Thm 2.
    """
    return spread * sp.sqrt(sp.log(1 / delta)) / sp.sqrt(2 * count)


def root_frequency(classes: sp.Expr, delta: sp.Expr, count: sp.Expr) -> sp.Expr:
    r"""√(ln(K/δ)/N) ≥ √p_y − √p̂_y for all K classes at once; then TV ≤ that times Σ_y(√p̂_y + √p_y).

    Chernoff's bound with kl(p̂‖p) ≥ (√p − √p̂)², one tail per class.
    """
    return sp.sqrt(sp.log(classes / delta)) / sp.sqrt(count)


def pinelis(step: sp.Expr, variance: sp.Expr, delta: sp.Expr) -> sp.Expr:
    r"""aL/3 + √((aL/3)² + 2Lσ²), L = ln(2/δ): norm of a sum of independent centred vectors of norm ≤ a.

    σ² bounds the sum of their second moments. Inverts 2 exp(−r²/(2(σ² + ar/3))) = δ.
    Source: Pinelis (1994), Thm 3.4 (Bennett form), weakened to the form of Bernstein.
    """
    log = sp.log(2 / delta)
    third = step * log / 3
    return third + _root(third**2 + 2 * log * variance)


def klein_rio(step: sp.Expr, variance: sp.Expr, weak: sp.Expr, delta: sp.Expr) -> sp.Expr:
    r"""√σ² + 3aL/2 + √((3aL/2)² + 2vL), L = ln(1/δ), v = w + 2a√σ²: the same norm through its expectation.

    w bounds the variance of the sum in any one direction. Inverts exp(−t²/(2v + 3at)) = δ.
    Source: Klein and Rio (2005), Thm 1.1, for the supremum over the unit ball; E‖·‖ ≤ √σ².
    """
    log = sp.log(1 / delta)
    mean = sp.sqrt(variance)
    half = 3 * step * log / 2
    return mean + half + _root(half**2 + 2 * (weak + 2 * step * mean) * log)


def _root(total: sp.Expr) -> sp.Expr:
    """√ of a sum."""
    return sp.Pow(total, sp.S.Half, evaluate=False)


def head_class(beta: sp.Expr, classes: sp.Expr, radius: sp.Expr) -> sp.Expr:
    r"""√2·β·√K·B ≥ R̃_m(W_β∘f) for one fixed f and {‖W‖_F ≤ β}. Source: Maurer (2016), vector contraction."""
    return sp.sqrt(2) * beta * sp.sqrt(classes) * radius


def unequal_trials(delta: sp.Expr) -> sp.Expr:
    r"""min(¼, 1 − e^{−δ}): the level of Clopper-Pearson for independent trials of unequal probability.

    Sums of such trials are less spread than binomials except within one of their mean (Hoeffding 1956, Thm 5);
    there a binomial tail exceeds ¼ (Greenberg and Mohri 2014), or only N − 1 successes are seen, where the
    union bound Σ(1 − p_i) replaces 1 − Πp_i.
    """
    return Min(sp.Rational(1, 4), 1 - sp.exp(-delta))
