"""The last steps of every proof: probabilities add up, the chain gives the expression, each term behaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from bounds.derivations.algebra import PAIRS, adds_up, at_infinity, equal, monotone
from bounds.derivations.expression import Expression
from bounds.derivations.steps import Derivation, Result, Step

Domain = Mapping[str, tuple[float, float]]


def contract(goal: sp.Symbol, steps: Sequence[Step], domain: Domain | None = None) -> tuple[sp.Expr, Result]:
    """Replace each quantity by the bound that a step gives for it, until only symbols of the data are left.

    A step counts where its statement is `quantity <= bound` and the quantity occurs; the expression so far
    must not fall as that quantity grows.
    """
    bound: sp.Expr = goal
    left = [step.statement for step in steps if isinstance(step.statement, sp.LessThan)]
    available = len(left)
    while found := [relation for relation in left if relation.lhs in bound.free_symbols]:
        relation = found[0]
        if not monotone(bound, relation.lhs, increasing=True, domain=domain).holds:
            return bound, Result(False, f"the bound falls as {relation.lhs} grows")
        bound = bound.subs(relation.lhs, relation.rhs)
        left.remove(relation)
    return bound, Result(True, f"{available - len(left)} steps chained")


def accounting(steps: Sequence[Step], total: sp.Expr, name: str = "union bound", note: str = "") -> Step:
    """The probabilities spent by the steps add up to `total`."""
    spent = [step.spends for step in steps if step.spends != 0]
    return Step(
        name,
        sp.Eq(sp.Add(*spent, evaluate=False), total, evaluate=False),
        "union bound",
        "symbolic",
        lambda: adds_up(spent, total),
        note=note,
    )


def combination(
    goal: sp.Symbol,
    steps: Sequence[Step],
    expression: Expression,
    domain: Domain | None = None,
    lower: bool = False,
) -> Step:
    """Chained together, the steps give exactly the expression that the theorem evaluates, part by part."""
    total = -expression.total if lower else expression.total

    def check() -> Result:
        bound, found = contract(goal, steps, domain)
        if not found.holds:
            return found
        for term, parts in expression.parts.items():
            listed = equal(sp.Add(*parts.values()), expression.terms[term], domain)
            if not listed.holds:
                return Result(False, f"the parts of {term}: {listed.detail}")
        return found & equal(bound, total, domain)

    return Step(
        "the chain is the bound",
        sp.Le(goal, total, evaluate=False),
        "each quantity replaced by its bound",
        "symbolic",
        check,
        display=r"\text{the bound below}",
    )


def behaviour(
    terms: Mapping[str, sp.Expr],
    falls: Sequence[sp.Symbol],
    grows: Sequence[sp.Symbol],
    domain: Domain | None,
) -> Step:
    """Monotonicity of each term in sample sizes, δ and complexities."""

    def check() -> Result:
        decided = sampled = 0
        for name, term in terms.items():
            for symbols, increasing in ((falls, False), (grows, True)):
                for symbol in symbols:
                    found = monotone(term, symbol, increasing, domain)
                    if not found.holds:
                        return Result(False, f"{name}: {found.detail}")
                    decided += found.detail.startswith("sign")
                    sampled += found.detail.endswith("pairs")
        return Result(
            True, f"{decided} by the sign of a derivative, {sampled} by {PAIRS} random pairs of points each"
        )

    down = ", ".join(str(s) for s in falls)
    up = ", ".join(str(s) for s in grows)
    return Step(
        "monotonicity",
        sp.true,
        "sign of the derivative" + (" of each term" if len(terms) > 1 else ""),
        "symbolic",
        check,
        note=f"Falls in {down}." + (f" Grows in {up}." if up else ""),
        display=r"\partial\,\mathrm{bound}\ \le 0\ /\ \ge0",
    )


def limit(expression: Expression, sizes: Sequence[sp.Symbol], floor: sp.Expr, domain: Domain | None) -> Step:
    """The floor of the bound as the sample sizes grow without limit."""
    at_floor = sp.sqrt(floor) if expression.combine == "root" else floor
    return Step(
        "limit of large samples",
        sp.Eq(sp.Symbol("limit"), at_floor, evaluate=False),
        "every radius vanishes",
        "symbolic",
        lambda: equal(at_infinity(expression.total, sizes), at_floor, domain),
        note="What remains with infinitely many items, the measured quantities held fixed.",
    )


def conclude(
    name: str,
    goal: sp.Symbol,
    steps: Sequence[Step],
    expression: Expression,
    failure: sp.Expr,
    *,
    sizes: Sequence[sp.Symbol],
    floor: sp.Expr | None,
    grows: Sequence[sp.Symbol] = (),
    also_falls: Sequence[sp.Symbol] = (),
    domain: Domain | None = None,
    whole: bool = False,
    lower: bool = False,
    spent: Step | None = None,
    variant: Mapping[str, object] | None = None,
) -> Derivation:
    """A derivation from its steps: adds the accounting, the combination, monotonicity and the limit.

    Args:
        name, goal, steps, expression, failure, domain, variant, lower: See `Derivation`.
        sizes: Sample sizes; the bound falls in them, and in every share of δ.
        floor: Its value (under a root, where there is one) as they grow without limit; None: no check.
        grows, also_falls: Symbols in which it grows or falls.
        whole: Check the total in place of each term.
        spent: The accounting step, where it says more than the usual one.
    """
    levels = [s for s in expression.symbols if s.name.startswith(("delta", "weight"))]
    falls = [s for s in (*sizes, *levels, *also_falls) if s in expression.symbols]
    total = -expression.total if lower else expression.total
    terms = {"total": total} if whole or lower else expression.terms
    last = [
        spent or accounting(steps, failure),
        combination(goal, steps, expression, domain, lower),
        behaviour(terms, falls, [s for s in grows if s in expression.symbols], domain),
    ]
    if floor is not None:
        last.append(limit(expression, sizes, floor, domain))
    return Derivation(name, goal, (*steps, *last), expression, failure, variant or {}, domain or {}, lower)
