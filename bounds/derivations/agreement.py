"""Agreement on class pairs: labels tell on which side of ½ a class errs, pairs how far."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.functions import Max
from bounds.derivations.symbols import symbol

disagreements = symbol("disagreements", "k", "pairs on whose two views the head decides differently")
multiplier = symbol("multiplier", r"\lambda", "weight of the disagreement; the bound holds for all at once")
class_items = symbol("class_items", "n_y", "held-out items of one class", positive=True)
class_mistakes = symbol("class_mistakes", "k_y", "errors among them")
class_limit = symbol("class_limit", "u_y", "upper limit of the error of one class")
class_part = symbol(
    "class_part", r"\textstyle\sum_y p_y(u_y-2\lambda u_y(1-u_y))_+", "what the class limits leave"
)
class_spread = symbol(
    "class_spread", r"v_{\max}-v_{\min}", "range over classes of what the class limits leave"
)


def class_remainder() -> sp.Expr:
    """max(0, u − 2λu(1 − u)): the largest of e − 2λe(1 − e) over 0 ≤ e ≤ u, by convexity."""
    return Max(0, class_limit - 2 * multiplier * class_limit * (1 - class_limit))


@cache
def _vectorised() -> Callable[..., np.ndarray]:
    function: Callable[..., np.ndarray] = sp.lambdify((class_limit, multiplier), class_remainder(), "numpy")
    return function


def class_remainders(limits: np.ndarray, value: float) -> np.ndarray:
    """The same for all classes at one λ, (K,)."""
    return _vectorised()(limits, value)
