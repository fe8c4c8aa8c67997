"""Sympy functions whose numbers come from `bounds.summaries.limits`: kl inverses, Clopper-Pearson, ln(2^K − 2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from bounds.summaries import limits
from bounds.summaries.picks import picked_limit as limit_of_picks

NUMERIC: dict[str, Callable[..., float]] = {}
# For arrays, where a number is only compared with others.
ARRAYS: dict[str, Callable[..., Any]] = {"kl_inverse": limits.kl_inverse_near}


def _function(name: str, latex: str, number: Callable[..., float]) -> type[sp.Function]:
    """A named sympy function with a LaTeX head and a number; differentiation and simplification leave it alone."""

    def _latex(self: sp.Function, printer: LatexPrinter) -> str:
        arguments = ", ".join(printer._print(argument) for argument in self.args)
        return rf"{latex}\left({arguments}\right)"

    NUMERIC[name] = number
    made: type[sp.Function] = type(
        name, (sp.Function,), {"_latex": _latex, "is_nonnegative": True, "is_real": True}
    )
    return made


kl_inverse = _function("kl_inverse", r"\mathrm{kl}^{-1}", limits.kl_inverse)
kl_inverse_first = _function("kl_inverse_first", r"\mathrm{kl}_1^{-1}", limits.kl_inverse_first)
clopper_pearson = _function(
    "clopper_pearson",
    r"\mathrm{CP}^{+}",
    lambda mistakes, trials, delta: limits.clopper_pearson_upper(round(mistakes), round(trials), delta),
)

# The same in the numbers of ones and zeros, in which it is monotone; only proofs use it.
clopper_pearson_counts = _function(
    "clopper_pearson_counts",
    r"\mathrm{CP}^{+}",
    lambda ones, zeros, delta: limits.clopper_pearson_upper(round(ones), round(ones + zeros), delta),
)

picked_limit = _function(
    "picked_limit",
    r"\varepsilon",
    lambda picks, count, delta: limit_of_picks(round(picks), round(count), delta),
)


class log_subsets(sp.Function):
    """ln(2^K − 2): the number of proper non-empty class subsets of Weissman et al. (2003)."""

    is_real = True

    def _latex(self, printer: LatexPrinter) -> str:
        return rf"\ln\left(2^{{{printer._print(self.args[0])}}} - 2\right)"


NUMERIC["log_subsets"] = limits.log_subsets


class softplus(sp.Function):
    """ln(1 + e^x), which does not overflow."""

    is_real = True
    is_nonnegative = True

    def _latex(self, printer: LatexPrinter) -> str:
        return rf"\ln\left(1 + e^{{{printer._print(self.args[0])}}}\right)"


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


NUMERIC["softplus"] = _softplus


class Max(sp.Max):
    """The largest, of arguments as they are: sympy compares every pair again whenever it rebuilds one."""

    def __new__(cls, *arguments: sp.Expr, **assumptions: Any) -> sp.Expr:
        """Compares numbers alone."""
        # Of a class of its own, sympy does not know which of two numbers to keep.
        if all(sp.sympify(argument).is_number for argument in arguments):
            return sp.Max(*arguments)
        return super().__new__(cls, *arguments, evaluate=False)


class Min(sp.Min):
    """The smallest, likewise."""

    def __new__(cls, *arguments: sp.Expr, **assumptions: Any) -> sp.Expr:
        """Compares numbers alone."""
        # Of a class of its own, sympy does not know which of two numbers to keep.
        if all(sp.sympify(argument).is_number for argument in arguments):
            return sp.Min(*arguments)
        return super().__new__(cls, *arguments, evaluate=False)


NUMERIC["Max"], NUMERIC["Min"] = max, min
