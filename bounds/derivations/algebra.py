"""Symbolic checks: equality of expressions, inversion of tails, monotonicity and limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import mpmath
import numpy as np
import sympy as sp

from bounds.derivations.functions import NUMERIC, kl_inverse, kl_inverse_first
from bounds.derivations.steps import Result

DIGITS = 50
_POINTS = 8
PAIRS = 100
_SIZES = frozenset({"n", "m", "N", "n_min", "n_Q", "blocks", "class_items"})
_COUNTS = frozenset({"K", "functions", "heads", "grid", "metrics", "thresholds", "scales", "negatives"})


def values(
    symbols: Iterable[sp.Symbol],
    rng: np.random.Generator,
    domain: Mapping[str, tuple[float, float]] | None = None,
) -> dict[sp.Symbol, float]:
    """A random number for each symbol, inside its range: sizes, counts, probabilities, positive reals."""
    drawn = {}
    for symbol in sorted(symbols, key=str):
        name = str(symbol.name)
        if domain and name in domain:
            low, high = domain[name]
            integral = float(low).is_integer() and float(high).is_integer() and high - low > 1
            drawn[symbol] = float(rng.integers(int(low), int(high))) if integral else rng.uniform(low, high)
        elif name in _SIZES:
            drawn[symbol] = float(round(10 ** rng.uniform(1.5, 5)))
        elif name in _COUNTS:
            drawn[symbol] = float(rng.integers(2, 40))
        elif name.startswith("delta"):
            drawn[symbol] = 10 ** rng.uniform(-4, -0.7)
        elif name.startswith("weight") or name == "q":
            drawn[symbol] = rng.uniform(0.05, 1.0)
        else:
            drawn[symbol] = 10 ** rng.uniform(-1, 1)
    return drawn


def _stand_in(position: int) -> object:
    """An arbitrary function in place of a special one: equality must not depend on which."""

    def function(*arguments: mpmath.mpf) -> mpmath.mpf:
        return mpmath.fsum(
            mpmath.sqrt(2 + 3 * i + position) * mpmath.log1p(mpmath.fabs(x) * (i + 2))
            for i, x in enumerate(arguments)
        )

    return function


_STAND_INS = {name: _stand_in(position) for position, name in enumerate(NUMERIC)}


def equal(left: sp.Expr, right: sp.Expr, domain: Mapping[str, tuple[float, float]] | None = None) -> Result:
    """Whether left = right, by sympy and by 50 digits at random points (special functions made arbitrary)."""
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    both = sp.lambdify(symbols, [left, right], modules=[_STAND_INS, "mpmath"])
    rng = np.random.default_rng(7)
    with mpmath.workdps(DIGITS + 10):
        for _ in range(_POINTS):
            point = [mpmath.mpf(number) for number in values(symbols, rng, domain).values()]
            a, b = both(*point)
            if not mpmath.almosteq(
                a, b, rel_eps=mpmath.mpf(10) ** -DIGITS, abs_eps=mpmath.mpf(10) ** -DIGITS
            ):
                return Result(
                    False, f"the sides differ at a random point: {mpmath.nstr(a, 8)}, {mpmath.nstr(b, 8)}"
                )
    if not _same(left, right):
        return Result(False, f"equal to {DIGITS} digits, but sympy does not find it")
    return Result(True, f"by sympy, and to {DIGITS} digits at {_POINTS} random points")


def _same(left: sp.Expr, right: sp.Expr) -> bool:
    difference = left - right
    forms = [lambda e: e, sp.expand]
    if not _special(difference):
        forms += [_in_logs, sp.simplify]
    return any(form(difference) == 0 for form in forms)


def _special(expression: sp.Expr) -> bool:
    return bool(expression.has(sp.Max, sp.Min)) or any(
        type(function).__name__ in NUMERIC for function in expression.atoms(sp.Function)
    )


def _in_logs(expression: sp.Expr) -> sp.Expr:
    """Each failure probability as e^{−L}, which lets sympy see the sign of ln(1/δ)."""
    return sp.simplify(sp.expand(sp.powdenest(expression.subs(_exponentials(expression)), force=True)))


def _exponentials(expression: sp.Expr) -> dict[sp.Symbol, sp.Expr]:
    """δ → e^{−L} with L > 0, w → e^{−L}, J → 1 + J'."""
    replaced: dict[sp.Symbol, sp.Expr] = {}
    for symbol in expression.free_symbols:
        if symbol.name.startswith(("delta", "weight")):
            replaced[symbol] = sp.exp(-sp.Symbol("L_" + symbol.name, positive=True))
        elif symbol.name in _COUNTS:
            replaced[symbol] = 1 + sp.Symbol("more_" + symbol.name, positive=True)
    return replaced


def inverts(tail: sp.Expr, share: sp.Expr) -> Result:
    """The tail at the radius is the share of δ it was given."""
    found = equal(tail, share)
    return Result(
        found.holds, ("tail(radius) = share of delta, " if found.holds else "tail(radius): ") + found.detail
    )


def solves(numerator: sp.Expr, denominator: sp.Expr, log: sp.Expr) -> Result:
    """A radius with a square root in it, at which the exponent numerator/denominator of a tail is log."""
    zero = sp.expand(numerator - log * denominator) == 0
    return Result(
        zero, "the radius solves the quadratic of the tail" if zero else "the radius does not solve the tail"
    )


def adds_up(shares: Sequence[sp.Expr], total: sp.Expr) -> Result:
    """The failure probabilities spent by the steps add up to the total."""
    found = equal(sp.Add(*shares), total)
    return Result(found.holds, f"{len(shares)} events, {found.detail}")


def monotone(
    expression: sp.Expr,
    symbol: sp.Symbol,
    increasing: bool,
    domain: Mapping[str, tuple[float, float]] | None = None,
) -> Result:
    """Sign of the derivative where sympy decides it, else random pairs of points."""
    if symbol not in expression.free_symbols:
        return Result(True, "constant")
    if _sign_known(expression, symbol, increasing):
        return Result(True, "sign of the derivative")
    symbols = sorted(expression.free_symbols, key=str)
    function = sp.lambdify(symbols, expression, modules=[NUMERIC, "math"])
    rng = np.random.default_rng(11)
    for _ in range(PAIRS):
        point = values(symbols, rng, domain)
        ends = sorted((point[symbol], values([symbol], rng, domain)[symbol]))
        low, high = (function(*(end if s == symbol else point[s] for s in symbols)) for end in ends)
        gap = high - low if increasing else low - high
        if not gap >= -1e-9 * (abs(low) + abs(high)):
            return Result(False, f"not monotone in {symbol} between {ends[0]:.3g} and {ends[1]:.3g}")
    return Result(True, f"{PAIRS} random pairs")


def _sign_known(expression: sp.Expr, symbol: sp.Symbol, increasing: bool) -> bool:
    if _special(expression):
        return False
    replaced = _exponentials(expression)
    direct = symbol not in replaced
    inner = (
        symbol
        if direct
        else sp.Symbol(("L_" if symbol.name.startswith(("d", "w")) else "more_") + symbol.name, positive=True)
    )
    # δ falls as L grows; K and J grow with their substitutes.
    if not direct and inner.name.startswith("L_"):
        increasing = not increasing
    slope = sp.diff(expression.subs(replaced), inner)
    slope = sp.powdenest(slope, force=True)
    return bool(slope.is_nonnegative if increasing else slope.is_nonpositive)


def at_infinity(expression: sp.Expr, sizes: Sequence[sp.Symbol]) -> sp.Expr:
    """The value as the given sample sizes grow without limit together."""
    small = sp.Symbol("small", positive=True)
    limit = expression.subs(dict.fromkeys(sizes, 1 / small**2))
    # The budget of kl⁻¹ vanishes, kl⁻¹(q; 0) = q on either side, and a mean is at most its range.
    for function in (kl_inverse, kl_inverse_first):
        limit = limit.replace(
            function, lambda q, budget, f=function: _without_budget(f, q, sp.limit(budget, small, 0))
        )
    limit = limit.subs(small, 0)
    bounded = limit.replace(lambda e: isinstance(e, sp.Min) and 1 in e.args, lambda e: sp.Add(*e.args) - 1)
    return sp.expand(bounded)


def _without_budget(function: type[sp.Function], q: sp.Expr, budget: sp.Expr) -> sp.Expr:
    return q if budget == 0 else function(q, budget)
