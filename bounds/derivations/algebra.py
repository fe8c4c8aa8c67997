"""Symbolic checks: equality of expressions, with digits beside the algebra."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import mpmath
import numpy as np
import sympy as sp

from bounds.derivations.functions import NUMERIC
from bounds.derivations.steps import Result

DIGITS = 50
_POINTS = 8
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
