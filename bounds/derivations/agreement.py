"""Agreement on class pairs: labels tell on which side of ½ a class errs, pairs how far (theory §5b)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.inequalities import unequal_trials
from bounds.derivations.pac_bayes import deterministic
from bounds.derivations.symbols import K, TV_pairs, delta_1, delta_2, delta_5, m, n, symbol
from bounds.derivations.vicreg_sharp import total_variation

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


@cache
def held_out_limit() -> Expression:
    """u_y = CP⁺ over the held-out items of a class, K of them at δ₂ together."""
    return Expression({"class_limit": clopper_pearson(class_mistakes, class_items, delta_2 / K)})


@cache
def training_limit() -> Expression:
    """u_y from the training labels of a class: derandomised PAC-Bayes, evaluated with its own δ and |Q_y|."""
    return deterministic()


def class_remainder() -> sp.Expr:
    """max(0, u − 2λu(1 − u)): the largest of e − 2λe(1 − e) over 0 ≤ e ≤ u, by convexity."""
    return sp.Max(0, class_limit - 2 * multiplier * class_limit * (1 - class_limit))


@cache
def _vectorised() -> Callable[..., np.ndarray]:
    function: Callable[..., np.ndarray] = sp.lambdify((class_limit, multiplier), class_remainder(), "numpy")
    return function


def class_remainders(limits: np.ndarray, value: float) -> np.ndarray:
    """The same for all classes at one λ, (K,)."""
    return _vectorised()(limits, value)


@cache
def expression(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Expression:
    """λ·D⁺ + Σ_y p_y max(0, u_y − 2λu_y(1 − u_y)): each pair class disagrees with probability ≥ 2e_y(1 − e_y)."""
    level = unequal_trials(delta_1) if conditioned_pairs else delta_1
    terms = {
        "disagreement": multiplier * disagreements / m,
        "class_limits": class_part,
        "confidence": multiplier * (clopper_pearson(disagreements, m, level) - disagreements / m),
    }
    if not prior_known:
        terms["class_frequencies"] = class_spread * total_variation(K, delta_5, n)
    if conditioned_pairs:
        terms["pair_frequencies"] = multiplier * TV_pairs
    return Expression(terms)
