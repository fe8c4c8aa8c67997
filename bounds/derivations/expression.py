"""A bound's value as sympy terms: the one source of its number, its LaTeX and its checks."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from bounds.derivations.functions import ARRAYS, NUMERIC
from bounds.derivations.printing import latex_of
from bounds.errors import InvalidStatistics, NotApplicable, NumericalError

# One part in 10^12 covers the rounding of every step in float64, so that a certificate is never rounded to its wrong side.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Expression:
    """Named terms and how they combine: their sum, or the square root of their sum.

    Attributes:
        terms: Name to sympy expression.
        combine: "sum", or "root" for the square root of the sum.
        parts: For some terms, the named summands they consist of.
        below: Whether it bounds from below, so that its number is rounded down.
        requires: Relations between its symbols without which it is no bound; `evaluate` checks them.
        written: LaTeX that was asked for before: printing costs more than evaluating.
    """

    terms: Mapping[str, sp.Expr]
    combine: Literal["sum", "root"] = "sum"
    parts: Mapping[str, Mapping[str, sp.Expr]] = field(default_factory=dict)
    below: bool = False
    requires: tuple[sp.Basic, ...] = ()
    written: dict[str | None, str] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """Free symbols of all terms and requirements, by name."""
        free: set[sp.Symbol] = set().union(
            *(term.free_symbols for term in (*self.terms.values(), *self.requires))
        )
        return tuple(sorted(free, key=lambda symbol: str(symbol.name)))

    @cached_property
    def total(self) -> sp.Expr:
        """The bound as one sympy expression."""
        total = sp.Add(*self.terms.values())
        return sp.sqrt(total) if self.combine == "root" else total

    def evaluate(self, values: Mapping[str, float]) -> dict[str, float]:
        """The number of each term.

        Args:
            values: A finite or infinite number for each symbol's name.

        Raises:
            InvalidStatistics: a symbol has no value, or NaN.
            NumericalError: a term came out as NaN.
            NotApplicable: a requirement does not hold.
        """
        for symbol in self.symbols:
            value = values.get(symbol.name)
            if value is None or math.isnan(value):
                raise InvalidStatistics(f"The symbol `{symbol.name}` needs a number, got {value}.")
        for relation in self.requires:
            if not number(relation, values):
                raise NotApplicable(f"needs {relation}, which does not hold here.")
        numbers = {name: number(term, values) for name, term in self.terms.items()}
        for name, found in numbers.items():
            if math.isnan(found):
                raise NumericalError(f"The term `{name}` is not a number at {dict(values)}.")
        return numbers

    def holds(self, values: Mapping[str, float]) -> bool:
        """Whether all that it requires of its symbols holds."""
        return all(number(relation, values) for relation in self.requires)

    def compared(self, values: Mapping[str, Any]) -> NDArray[np.float64]:
        """The bound for arrays of numbers that broadcast, to choose the best of many by: not rounded up.

        Args:
            values: A number or an array for each symbol's name. Of the functions in `NUMERIC`, those in `ARRAYS` work.
        """
        function = _compiled_for_arrays(self.symbols, self.total)
        found: NDArray[np.float64] = function(*(np.asarray(values[one.name], float) for one in self.symbols))
        return found

    def combined(self, numbers: Mapping[str, float], most: float | None = None) -> float:
        """The bound from its terms' numbers, rounded to the side on which it stays true.

        Args:
            numbers: As `evaluate` gives them.
            most: What the bounded quantity never exceeds: rounding up alone does not lead past it.
        """
        total = math.fsum(numbers.values())
        rounding = _ROUNDING * math.fsum(abs(number) for number in numbers.values())
        if most is not None and not self.below and total - rounding <= most < total + rounding:
            return most
        total += -rounding if self.below else rounding
        if self.combine != "root":
            return total
        root = math.sqrt(max(total, 0.0))
        # The root rounds as well, which matters where the sum is so small that its own rounding is zero.
        return math.nextafter(root, 0.0 if self.below else math.inf) if root else root

    def latex(self, term: str | None = None) -> str:
        """LaTeX of one term, or of the whole."""
        if term not in self.written:
            self.written[term] = latex_of(self.total if term is None else self.terms[term])
        return self.written[term]


def number(term: sp.Basic, values: Mapping[str, float]) -> float:
    """A term (or relation) in float64 by walking its tree: sympy's own evaluation and compilation cost far more.

    Raises:
        InvalidStatistics: it holds a function that has no number.
    """
    if isinstance(term, sp.Symbol):
        return float(values[term.name])
    rule = _RULES.get(type(term)) or NUMERIC.get(type(term).__name__)
    if rule is not None:
        return rule(*[number(argument, values) for argument in term.args])
    if isinstance(term, sp.Number | sp.NumberSymbol):
        return _constant(term)
    if isinstance(term, sp.Piecewise):
        return next(
            number(piece, values) for piece, case in term.args if case is sp.true or number(case, values)
        )
    raise InvalidStatistics(f"`{term}` has no number.")


def has_number(term: sp.Basic) -> bool:
    """Whether a term is a function that `number` knows."""
    return type(term) in _RULES or type(term).__name__ in NUMERIC


@lru_cache(maxsize=1024)
def _constant(term: sp.Expr) -> float:
    return float(term)


def _power(base: float, exponent: float) -> float:
    if base == math.e:
        return math.exp(exponent)
    return math.sqrt(base) if exponent == 0.5 else base**exponent


_RULES: dict[type, Callable[..., float]] = {
    sp.Add: lambda *parts: sum(parts),
    sp.Mul: lambda *factors: math.prod(factors),
    sp.Pow: _power,
    sp.exp: math.exp,
    sp.log: math.log,
    sp.Max: max,
    sp.Min: min,
    sp.Abs: abs,
    sp.floor: math.floor,
    sp.ceiling: math.ceil,
    sp.cos: math.cos,
    sp.acos: math.acos,
    sp.cosh: math.cosh,
    sp.Le: operator.le,
    sp.Lt: operator.lt,
    sp.Ge: operator.ge,
    sp.Gt: operator.gt,
}


@lru_cache(maxsize=64)
def _compiled_for_arrays(
    symbols: tuple[sp.Symbol, ...], total: sp.Expr
) -> Callable[..., NDArray[np.float64]]:
    function: Callable[..., NDArray[np.float64]] = sp.lambdify(symbols, total, modules=[ARRAYS, "numpy"])
    return function
