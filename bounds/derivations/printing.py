"""LaTeX of formulas as one writes them: logarithms as ln, and what is added before what is taken away."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.function import _coeff_isneg
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import PRECEDENCE

from bounds.derivations.symbols import LATEX


class Printer(LatexPrinter):  # type: ignore[misc]
    """sympy's printer in the notation of the theory."""

    def _print_Symbol(self, symbol: sp.Symbol, style: str = "plain") -> str:
        return LATEX.get(symbol.name) or str(super()._print_Symbol(symbol, style))

    def _print_Max(self, term: sp.Expr, exp: Any = None) -> str:
        parts = [one for one in term.args if one != 0]
        # A positive part of what is positive is that itself.
        if exp is None and len(parts) == 1 < len(term.args) and parts[0].is_nonnegative:
            return str(self._print(parts[0]))
        return str(super()._print_Max(term, exp))

    def _print_Mul(self, term: sp.Expr) -> str:
        """Several roots as one, with what divides them inside: r√(ln(1/δ)/(2N))."""
        roots = [one for one in term.args if isinstance(one, sp.Pow) and abs(one.exp) == sp.Rational(1, 2)]
        if len(roots) < 2 or all(one.exp < 0 for one in roots):
            return str(super()._print_Mul(term))
        if _coeff_isneg(term):
            return f"- {self._print(-term)}"
        rest = term / sp.Mul(*roots)
        divisor = rest.as_coeff_Mul()[0].q
        inside = sp.Mul(*(one.base ** (2 * one.exp) for one in roots)) / divisor**2
        root = str(self._print(sp.Pow(inside, sp.Rational(1, 2), evaluate=False)))
        outside = self.parenthesize(rest * divisor, PRECEDENCE["Mul"], strict=True)
        return root if rest * divisor == 1 else f"{outside} {root}"

    def _print_Pow(self, term: sp.Pow) -> str:
        if term.exp == sp.Rational(1, 2):
            return rf"\sqrt{{{self._flat(term.base)}}}"
        return str(super()._print_Pow(term))

    def _print_log(self, term: sp.Expr, exp: Any = None) -> str:
        text = rf"\ln\left({self._flat(term.args[0])}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"

    def _flat(self, term: sp.Expr) -> str:
        """A fraction with a slash: roots and brackets that need not grow are read without a font for mathematics."""
        above, below = sp.fraction(term)
        if below == 1:
            return str(self._print(term))
        over = self.parenthesize(above, PRECEDENCE["Mul"], strict=True)
        return f"{over} / {self.parenthesize(below, PRECEDENCE['Pow'])}"

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[sp.Expr]:
        return sorted(super()._as_ordered_terms(expr, order=order), key=_coeff_isneg)


def latex_of(expression: sp.Basic) -> str:
    """LaTeX with the symbols' own names."""
    text: str = Printer().doprint(expression)
    return text
