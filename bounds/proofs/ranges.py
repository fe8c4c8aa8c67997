"""Ranges of terms, and the signs and directions of formulas: structural, never searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import sympy as sp

from bounds.derivations.functions import (
    Max,
    clopper_pearson,
    clopper_pearson_counts,
    kl_inverse,
    kl_inverse_first,
    log_subsets,
    softplus,
)
from bounds.errors import InvalidProof
from bounds.proofs.closed import Closed
from bounds.proofs.terms import (
    Apply,
    Correction,
    Cross,
    Declared,
    Dot,
    E,
    Enc,
    Energy,
    Episode,
    Fresh,
    Given,
    InBall,
    InCell,
    Indicator,
    Item,
    Least,
    Loss,
    Mean,
    Negatives,
    Nonnegative,
    Norm,
    Operator,
    OpNorm,
    Predicted,
    Project,
    Quantile,
    Ramp,
    Randomised,
    Reach,
    Remainder,
    Spread,
    Stretch,
    UMean,
    Worst,
    abs_vector,
    items,
    view,
)

B = Declared("B", "constant")  # ‖f(x)‖ ≤ B
tau = Declared("tau", "constant")  # ‖f(x) − f(x′)‖ ≤ τ
span = Declared("span", "constant")  # f(x)ᵀf(x′) lies in [B² − r, B²]
HINGE, LOGISTIC = Declared("hinge", "other"), Declared("logistic", "other")
ASSUMED = frozenset({"A4"})
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Interval:
    """low ≤ term ≤ high for all items, under assumptions."""

    low: sp.Expr
    high: sp.Expr
    assumptions: frozenset[str] = NOTHING

    @property
    def width(self) -> sp.Expr:
        """High − low."""
        return sp.expand_mul(self.high - self.low)


def interval(term: sp.Expr) -> Interval:
    """The range of a term over all items.

    Raises:
        InvalidProof: no range is known.
    """
    if not items(term) and not isinstance(term, Operator):
        return Interval(term, term)
    for kind, rule in _RANGES.items():
        if isinstance(term, kind):
            return rule(term)
    raise InvalidProof(f"No range is known for `{term}`.")


def _add(term: sp.Expr) -> Interval:
    parts = [interval(part) for part in term.args]
    return Interval(
        sp.Add(*(part.low for part in parts)),
        sp.Add(*(part.high for part in parts)),
        NOTHING.union(*(part.assumptions for part in parts)),
    )


def _mul(term: sp.Expr) -> Interval:
    constant = sp.Mul(*(factor for factor in term.args if not items(factor)))
    factors = [interval(factor) for factor in term.args if items(factor)]
    used = NOTHING.union(*(factor.assumptions for factor in factors))
    if len(factors) == 1:
        low, high = constant * factors[0].low, constant * factors[0].high
        if nonnegative(constant):
            return Interval(low, high, used)
        if nonnegative(-constant):
            return Interval(high, low, used)
    elif nonnegative(constant) and all(nonnegative(factor.low) for factor in factors):
        low = sp.Mul(constant, *(factor.low for factor in factors))
        return Interval(low, sp.Mul(constant, *(factor.high for factor in factors)), used)
    raise InvalidProof(f"No range is known for the product `{term}`: the sign of a factor is not known.")


def _power(term: sp.Expr) -> Interval:
    base, exponent = term.args
    if base == sp.E:
        inner = interval(exponent)
        return Interval(sp.exp(inner.low), sp.exp(inner.high), inner.assumptions)
    if isinstance(base, Dot) and exponent.is_even and exponent.is_positive:
        (one, used), (two, more) = map(length, base.args)
        return Interval(sp.S.Zero, (one * two) ** exponent, used | more)
    inner = interval(base)
    if not exponent.is_positive or not nonnegative(inner.low):
        raise InvalidProof(f"No range is known for the power `{term}`.")
    return Interval(inner.low**exponent, inner.high**exponent, inner.assumptions)


def _monotone(apply: Callable[[sp.Expr], sp.Expr], falling: bool = False) -> Callable[[sp.Expr], Interval]:
    def rule(term: sp.Expr) -> Interval:
        inner = interval(term.args[-1])
        low, high = (inner.high, inner.low) if falling else (inner.low, inner.high)
        return Interval(apply(low), apply(high), inner.assumptions)

    return rule


def _log(term: sp.Expr) -> sp.Expr:
    """ln, of 1 + c·e^v in the form that does not overflow."""
    parts = [part for part in sp.Add.make_args(term) if part != 1]
    if isinstance(term, sp.Add) and len(parts) == 1 and len(term.args) == 2 and parts[0].has(sp.exp):
        return softplus(sp.expand_log(sp.log(parts[0]), force=True))
    return sp.log(term)


def loss_at(kind: sp.Symbol, margin: sp.Expr) -> sp.Expr:
    """The loss of a margin, in numbers: max(0, 1 − v) or log₂(1 + e^{−v})."""
    if kind == HINGE:
        return 1 - margin if nonnegative(1 - margin) else Max(0, 1 - margin)
    return sp.log(1 + sp.exp(-margin)) / sp.log(2)


def _loss(term: Loss) -> Interval:
    kind, margin = term.args
    inner = interval(margin)
    return Interval(loss_at(kind, inner.high), loss_at(kind, inner.low), inner.assumptions)


def _operator(term: sp.Expr) -> Interval:
    return interval(term.args[-1])


def _negatives(term: Negatives) -> Interval:
    count, inner = term.args[0], interval(term.args[1])
    return Interval(count * inner.low, count * inner.high, inner.assumptions)


def _norm(term: Norm) -> Interval:
    high, used = length(term.args[0])
    return Interval(sp.S.Zero, high, used)


def length(vector: sp.Expr) -> tuple[sp.Expr, frozenset[str]]:
    """An upper limit of a vector's norm over all items, and what it assumes.

    Raises:
        InvalidProof: none is known.
    """
    parts = sp.Add.make_args(vector)
    if len(parts) == 2:
        one, two = sorted(parts, key=lambda part: bool(sp.Mul.make_args(part)[0].is_negative))
        kinds = (type(one), type(-two))
        if kinds == (Enc, Enc) and one.args[0] == (-two).args[0]:
            return tau, ASSUMED
        if kinds == (Project, Project):
            return sp.sqrt(2), NOTHING
        for head, other in ((one, -two), (-two, one)):
            labeled = isinstance(other, Item) and other.view is None
            if labeled and isinstance(head, Project):
                return sp.sqrt(2), NOTHING
            if labeled and isinstance(head, Apply) and isinstance(head.args[1], Enc):
                return reach(head.args[0]), ASSUMED
    if len(parts) > 1 and all(isinstance(abs_vector(part), Apply) for part in parts):
        heads = {abs_vector(part).args[0] for part in parts}
        if len(heads) == 1:
            inner, used = length(sp.Add(*(_inside(part) for part in parts)))
            return spectral(heads.pop()) * inner, used
    if len(parts) > 1:
        found = [length(part) for part in parts]
        return sp.Add(*(high for high, _ in found)), NOTHING.union(*(used for _, used in found))
    (only,) = parts
    core = abs_vector(only)
    if isinstance(core, Enc):
        return B, ASSUMED
    if isinstance(core, Apply):
        inner, used = length(core.args[1])
        return spectral(core.args[0]) * inner, used
    if isinstance(core, Item) and core.view is None:
        return sp.S.One, NOTHING
    if isinstance(core, Project):
        return sp.S.One, NOTHING
    raise InvalidProof(f"No limit is known for the length of `{vector}`.")


def _inside(part: sp.Expr) -> sp.Expr:
    core = abs_vector(part)
    return core.args[1] if core == part else -core.args[1]


def spectral(head: sp.Expr) -> sp.Expr:
    """‖W‖₂, over the ball of a generic W its radius."""
    return head.args[1] if isinstance(head, InBall) else OpNorm(head)


def reach(head: sp.Expr) -> sp.Expr:
    """Sup ‖W v − y‖, over the ball of a generic W without intercept 1 + βB."""
    return 1 + head.args[1] * B if isinstance(head, InBall) else Reach(head)


def _dot(term: Dot) -> Interval:
    left, right = term.args
    if isinstance(left, Enc) and isinstance(right, Enc) and left.args[0] == right.args[0]:
        return Interval(B**2 - span, B**2, ASSUMED)
    one, two = length(left), length(right)
    return Interval(-one[0] * two[0], one[0] * two[0], one[1] | two[1])


def _energy(term: Energy) -> Interval:
    metric, vector = term.args
    high, used = length(vector)
    return Interval(sp.S.Zero, (Stretch(metric) * high) ** 2, used)


def _given(term: Given) -> Interval:
    (inner,) = term.args
    own = [Enc(one.args[0], view(0, which)) for one in inner.atoms(Enc) for which in (0, 1)]
    if own and inner == Dot(*own[:2]):
        # Two views that are independent given their class: E f(x)ᵀf(x′) is the squared length of the class mean.
        return Interval(sp.S.Zero, B**2, ASSUMED | {"A1"})
    return interval(inner)


def _indicator(term: sp.Expr) -> Interval:
    return Interval(sp.S.Zero, sp.S.One)


_RANGES: dict[type, Callable[[sp.Expr], Interval]] = {
    sp.Add: _add,
    sp.Mul: _mul,
    sp.exp: _monotone(sp.exp),
    sp.Pow: _power,
    sp.log: _monotone(_log),
    Loss: _loss,
    Norm: _norm,
    Dot: _dot,
    Indicator: _indicator,
    InCell: _operator,
    Episode: _operator,
    Predicted: _indicator,
    Randomised: _indicator,
    Ramp: _indicator,
    Energy: _energy,
    Correction: lambda term: Interval(-sp.S.One, sp.S.One),
    Remainder: lambda term: Interval(Least(term), Least(term) + Spread(term)),
    Cross: lambda term: Interval(sp.S.Zero, sp.Integer(2)),
    Negatives: _negatives,
    Worst: _operator,
    Fresh: _operator,
    Given: _given,
    E: _operator,
    Mean: _operator,
    UMean: _operator,
}


# Signs


def nonnegative(term: sp.Expr) -> bool:
    """Whether a term is surely at least zero; False where that is not known."""
    if term.is_number:
        return bool(term.is_nonnegative)
    if isinstance(term, Declared):
        return bool(term.is_nonnegative)
    if isinstance(term, Nonnegative | Closed | Loss):
        return True
    if isinstance(term, clopper_pearson | clopper_pearson_counts | kl_inverse | kl_inverse_first):
        return True
    if isinstance(term, sp.Add | sp.Mul) and all(nonnegative(part) for part in term.args):
        return True
    if isinstance(term, sp.Max):
        return any(nonnegative(part) for part in term.args)
    if isinstance(term, sp.Min):
        return all(nonnegative(part) for part in term.args)
    if isinstance(term, sp.exp | softplus):
        return True
    if isinstance(term, sp.Pow):
        return nonnegative(term.base) or bool(term.exp.is_even)
    if isinstance(term, sp.log):
        return _at_least_one(term.args[0])
    if isinstance(term, Operator):
        return nonnegative(term.args[-1])
    return on_box(term)


def _at_least_one(term: sp.Expr) -> bool:
    """Products of counts, numbers at least 1 and inverse levels; and 1 plus what is not negative."""
    if isinstance(term, sp.Add):
        return nonnegative(sp.Add(term, -1))
    return all(
        (factor.is_number and bool(factor >= 1))
        or (isinstance(factor, Declared) and factor.kind == "count")
        or (isinstance(factor, sp.Pow) and factor.exp.is_negative and _level(factor.base))
        or (isinstance(factor, sp.Pow) and factor.exp.is_positive and _at_least_one(factor.base))
        for factor in sp.Mul.make_args(term)
    )


def _level(term: sp.Expr) -> bool:
    return all(
        (isinstance(factor, Declared) and factor.kind == "level")
        or (isinstance(factor, Closed) and factor.role == "weight")
        for factor in sp.Mul.make_args(term)
    )


def on_box(term: sp.Expr) -> bool:
    """Whether a polynomial, linear in each of some levels, is ≥ 0 on {0, 1}ⁿ and therefore on the whole box."""
    levels = tuple(term.atoms(Declared))
    if not levels or any(level.kind != "level" for level in levels) or len(levels) > 6:
        return False
    polynomial = term.as_poly(*levels)
    if polynomial is None or max(polynomial.degree_list()) > 1:
        return False
    return all(polynomial.eval(corner).is_nonnegative for corner in product((0, 1), repeat=len(levels)))


def positive(term: sp.Expr) -> bool:
    """Whether a term is surely above zero; levels lie strictly inside (0, 1)."""
    if term.is_number:
        return bool(term.is_positive)
    if isinstance(term, Declared):
        return bool(term.is_positive)
    if isinstance(term, sp.Mul):
        return all(positive(part) for part in term.args)
    if isinstance(term, sp.Pow):
        return positive(term.base)
    if isinstance(term, sp.exp | Quantile):
        return True
    if isinstance(term, sp.Add):
        if any(positive(part) for part in term.args) and all(nonnegative(part) for part in term.args):
            return True
        one_less = sp.Mul(-1, term - 1)
        return isinstance(one_less, Declared) and one_less.kind == "level"
    return False


# Directions

# Name of an argument's direction: +1 where the function grows in it, −1 where it falls.
_DIRECTIONS: dict[type, tuple[int, ...]] = {
    kl_inverse: (1, 1),
    kl_inverse_first: (1, 1),
    clopper_pearson: (1, 0, -1),
    clopper_pearson_counts: (1, -1, -1),
    sp.log: (1,),
    sp.exp: (1,),
    log_subsets: (1,),
    softplus: (1,),
}


def direction(term: sp.Expr, q: sp.Expr) -> int:
    """+1 if the term surely grows (weakly) in q, −1 if it falls, 0 if it does not hold q.

    Raises:
        InvalidProof: the direction is not known.
    """
    if term == q:
        return 1
    if not term.has(q):
        return 0
    if isinstance(term, sp.Add | sp.Max | sp.Min):
        return _agree(term, q, [direction(part, q) for part in term.args])
    if isinstance(term, sp.Mul):
        moving = [part for part in term.args if part.has(q)]
        rest = sp.Mul(*(part for part in term.args if not part.has(q)))
        sign = 1 if nonnegative(rest) else -1 if nonnegative(-rest) else None
        if sign is not None and (len(moving) == 1 or all(nonnegative(part) for part in moving)):
            return sign * _agree(term, q, [direction(part, q) for part in moving])
    if isinstance(term, sp.Pow) and not term.exp.has(q) and nonnegative(term.base):
        return direction(term.base, q) * (1 if term.exp.is_positive else -1)
    if isinstance(term, sp.Pow) and term.base == sp.E:
        return direction(term.exp, q)
    known = _DIRECTIONS.get(type(term))
    if known is not None:
        found = [way * direction(part, q) for way, part in zip(known, term.args, strict=True)]
        if not any(way == 0 and part.has(q) for way, part in zip(known, term.args, strict=True)):
            return _agree(term, q, found)
    if isinstance(term, Closed):
        return direction(term.opened, q)
    raise InvalidProof(f"Whether `{term}` grows or falls in `{q}` is not known.")


def _agree(term: sp.Expr, q: sp.Expr, found: list[int]) -> int:
    ways = set(found) - {0}
    if len(ways) > 1:
        raise InvalidProof(f"`{term}` both grows and falls in `{q}`.")
    return ways.pop() if ways else 0
