"""Closed formulas: radii and weights that algebra never looks into, and that open into plain sympy for evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp


class Closed(sp.Function):  # type: ignore[misc]
    """A nonnegative function of numbers that is kept whole in proofs; `opened` is what it stands for."""

    is_nonnegative = True
    is_real = True
    # Which term of a bound it is counted under; `role` "confidence" for radii.
    role = "confidence"

    formula: Callable[..., sp.Expr]

    @property
    def opened(self) -> sp.Expr:
        """The formula at these arguments."""
        return self.formula(*self.args)


def closed(name: str, formula: Callable[..., sp.Expr], role: str = "confidence") -> Any:
    """A named closed formula."""
    return type(name, (Closed,), {"formula": staticmethod(formula), "role": role})
