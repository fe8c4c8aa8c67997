"""Ranges of terms, and the signs and directions of formulas: structural, never searched."""

from __future__ import annotations

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
from bounds.proofs import terms as t
from bounds.proofs.closed import Closed
from bounds.proofs.terms import Apply, Declared, Dot, Enc, Given, Item, Project, items

B = Declared("B", "constant")  # ‖f(x)‖ ≤ B
tau = Declared("tau", "constant")  # ‖f(x) − f(x′)‖ ≤ τ
span = Declared("span", "constant")  # f(x)ᵀf(x′) lies in [B² − r, B²]
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


def parts(term: sp.Expr) -> frozenset[sp.Expr]:
    """What a term is made of by sums, products, powers, exponentials and logarithms: constants, and outcomes of items."""
    powers = isinstance(term, sp.Pow) and term.exp.is_positive and not isinstance(term.base, Dot)
    if items(term) and (powers or isinstance(term, sp.Add | sp.Mul | sp.exp | sp.log)):
        return frozenset().union(*map(parts, term.args))
    return frozenset({term})


def interval(term: sp.Expr) -> Interval:
    """The range of a term over all items: at its ends, each outcome is at one end of its own range.

    Raises:
        InvalidProof: no range is known of an outcome, or not whether the term grows or falls in it.
    """
    found = {part: _own(part) for part in parts(term) if items(part)}
    if term in found:
        return found[term]
    marks = {
        part: sp.Dummy(type(part).__name__, real=True, nonnegative=nonnegative(own.low) or None)
        for part, own in found.items()
    }
    # Constants stand for themselves: E g stays where g is an outcome.
    marked = term.xreplace({part: marks.get(part, part) for part in parts(term)})
    low, high = {}, {}
    for part, own in found.items():
        grows = direction(marked, marks[part]) >= 0
        low[marks[part]], high[marks[part]] = (own.low, own.high) if grows else (own.high, own.low)
    used = NOTHING.union(*(own.assumptions for own in found.values()))
    return Interval(_stable(marked.xreplace(low)), _stable(marked.xreplace(high)), used)


def _stable(term: sp.Expr) -> sp.Expr:
    """Each ln(1 + c·e^v) in the form that does not overflow."""

    def softened(inside: sp.Expr) -> sp.Expr:
        more = inside - 1
        if more.has(sp.exp) and not more.is_Add and positive(more):
            return softplus(sp.expand_log(sp.log(more)))
        return sp.log(inside)

    return term.replace(sp.log, softened)


def _own(outcome: sp.Expr) -> Interval:
    """The range of an outcome.

    Raises:
        InvalidProof: none is known.
    """
    zero, one = sp.S.Zero, sp.S.One
    match outcome:
        case t.Share():
            return Interval(zero, one)
        case t.Correction():
            return Interval(-one, one)
        case t.Cross():
            return Interval(zero, sp.Integer(2))
        case t.Remainder():
            return Interval(t.Least(outcome), t.Least(outcome) + t.Spread(outcome))
        case t.Norm(args=(vector,)):
            return Interval(zero, *length(vector))
        case t.Energy(args=(metric, vector)):
            high, used = length(vector)
            return Interval(zero, (t.Stretch(metric) * high) ** 2, used)
        case Dot(args=(Enc(args=(f, _)), Enc(args=(g, _)))) if f == g:
            return Interval(B**2 - span, B**2, ASSUMED)
        case sp.Pow(args=(Dot(args=(Enc(), Enc())), exponent)) if exponent.is_even:
            return Interval(zero, B ** (2 * exponent), ASSUMED)
        case Given(args=(Dot(args=(Enc(args=(f, x)), Enc(args=(g, x2)))),)) if (
            f == g and x != x2 and x.index == x2.index
        ):
            # Two views that are independent given their class: E f(x)ᵀf(x′) is the squared length of the class mean.
            return Interval(zero, B**2, ASSUMED | {"A1"})
        case t.Hinge(args=(margin,)):
            inner = interval(margin)
            return Interval(_hinge(inner.high), _hinge(inner.low), inner.assumptions)
        case t.Negatives(args=(count, term)):
            inner = interval(term)
            return Interval(count * inner.low, count * inner.high, inner.assumptions)
        case t.Operator() | t.SameRange():
            return interval(outcome.args[-1])
    raise InvalidProof(f"No range is known for `{outcome}`.")


def _hinge(margin: sp.Expr) -> sp.Expr:
    return 1 - margin if nonnegative(1 - margin) else Max(0, 1 - margin)


def length(vector: sp.Expr) -> tuple[sp.Expr, frozenset[str]]:
    """An upper limit of a vector's norm over all items, and what it assumes.

    Raises:
        InvalidProof: none is known.
    """
    first, *others = sorted(sp.Add.make_args(vector), key=lambda part: part.could_extract_minus_sign())
    match first, *(-part for part in others):
        case (Enc(),):
            return B, ASSUMED
        case Enc(args=(f, _)), Enc(args=(g, _)) if f == g:
            return tau, ASSUMED
        case (Project(), Project() | Item(view=None)) | (Item(view=None), Project()):
            return sp.sqrt(2), NOTHING
        case (Apply(args=(head, Enc())), Item(view=None)) | (Item(view=None), Apply(args=(head, Enc()))):
            return reach(head), ASSUMED
        case Apply(args=(head, u)), Apply(args=(other, v)) if head == other:
            inner, used = length(u - v)
            return spectral(head) * inner, used
    raise InvalidProof(f"No limit is known for the length of `{vector}`.")


def spectral(head: sp.Expr) -> sp.Expr:
    """‖W‖₂, over the ball of a generic W its radius."""
    return head.args[1] if isinstance(head, t.InBall) else t.OpNorm(head)


def reach(head: sp.Expr) -> sp.Expr:
    """Sup ‖W v − y‖, over the ball of a generic W without intercept 1 + βB."""
    return 1 + head.args[1] * B if isinstance(head, t.InBall) else t.Reach(head)


# Signs


def nonnegative(term: sp.Expr) -> bool:
    """Whether a term is surely at least zero; False where that is not known."""
    if isinstance(term, sp.Add | sp.Mul):
        return all(map(nonnegative, term.args)) or on_box(term)
    if isinstance(term, sp.Pow):
        return nonnegative(term.base) or bool(term.exp.is_even)
    if isinstance(term, t.Operator):
        return nonnegative(term.args[-1])
    return bool(term.is_nonnegative)


def on_box(term: sp.Expr) -> bool:
    """Whether a polynomial, linear in each of some levels, is ≥ 0 on {0, 1}ⁿ and therefore on the whole box."""
    levels = tuple(term.atoms(Declared))
    if not levels or any(level.kind != "level" for level in levels):
        return False
    polynomial = term.as_poly(*levels)
    if polynomial is None or max(polynomial.degree_list()) > 1:
        return False
    return all(polynomial.eval(corner).is_nonnegative for corner in product((0, 1), repeat=len(levels)))


def positive(term: sp.Expr) -> bool:
    """Whether a term is surely above zero."""
    return all(factor.is_positive for factor in sp.Mul.make_args(term))


# Directions

_GROWING = (sp.Add, sp.Max, sp.Min, sp.exp, sp.log, softplus, log_subsets, kl_inverse, kl_inverse_first)
# +1 for an argument that a function grows in, −1 for one that it falls in, None where neither is known.
_WAYS = {clopper_pearson: (1, None, -1), clopper_pearson_counts: (1, -1, -1)}


def direction(term: sp.Expr, q: sp.Expr) -> int:
    """+1 if the term surely grows (weakly) in q, −1 if it falls, 0 if it does not hold q.

    Raises:
        InvalidProof: the direction is not known.
    """
    if term == q:
        return 1
    if isinstance(term, Closed):
        return direction(term.opened, q)
    found = set[int]()
    for position, part in enumerate(term.args):
        if part.has(q):
            way = _way(term, position)
            if way is None:
                raise InvalidProof(f"Whether `{term}` grows or falls in `{q}` is not known.")
            found.add(way * direction(part, q))
    if len(found) > 1:
        raise InvalidProof(f"`{term}` both grows and falls in `{q}`.")
    return found.pop() if found else 0


def _way(term: sp.Expr, position: int) -> int | None:
    """The direction of a term in one of its arguments."""
    if isinstance(term, _GROWING):
        return 1
    if isinstance(term, sp.Mul):
        return _sign(sp.Mul(*term.args[:position], *term.args[position + 1 :]))
    if isinstance(term, sp.Pow):
        return _sign(term.exp) if position == 0 and nonnegative(term.base) else None
    return _WAYS[type(term)][position] if type(term) in _WAYS else None


def _sign(term: sp.Expr) -> int | None:
    return 1 if nonnegative(term) else -1 if nonnegative(-term) else None
