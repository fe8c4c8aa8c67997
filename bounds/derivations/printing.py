"""LaTeX of formulas as one writes them: logarithms as ln, and what is added before what is taken away."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.function import _coeff_isneg
from sympy.printing.latex import LatexPrinter

from bounds.derivations.symbols import LATEX


class Printer(LatexPrinter):  # type: ignore[misc]
    """sympy's printer in the notation of the theory."""

    def __init__(self) -> None:
        super().__init__({"ln_notation": True})

    def _print_Symbol(self, symbol: sp.Symbol, style: str = "plain") -> str:
        return LATEX.get(symbol.name) or str(super()._print_Symbol(symbol, style))

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[sp.Expr]:
        return sorted(super()._as_ordered_terms(expr, order=order), key=_coeff_isneg)


def latex_of(expression: sp.Basic) -> str:
    """LaTeX with the symbols' own names."""
    text: str = Printer().doprint(expression)
    return text
