"""A proof as a chain of named steps, each with a check that runs when it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.printing import latex_of
from bounds.rendering import rendered

Kind = Literal["symbolic", "falsification", "cited"]


@dataclass(frozen=True)
class Result:
    """Outcome of a check: whether it holds, and what was done, in one line of ASCII."""

    holds: bool
    detail: str

    def __and__(self, other: Result) -> Result:
        """Both hold."""
        return Result(self.holds and other.holds, f"{self.detail}; {other.detail}")


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a proof.

    Attributes:
        name: What it is called in the chain.
        statement: A sympy relation. An inequality whose left side is a symbol bounds that quantity.
        rule: What justifies it.
        kind: "symbolic" (sympy proves it), "falsification" (a search for a counterexample finds none), or
            "cited" (a known theorem, tested where its two sides can be computed exactly).
        check: Runs the check; `holds` and `result` run it once.
        source: Paper and theorem, for cited rules.
        note: One sentence for the reader (ASCII; LaTeX allowed).
        spends: Probability with which the step may fail.
        display: LaTeX shown instead of that of the statement, where words say more than symbols.
    """

    name: str
    statement: sp.Basic
    rule: str
    kind: Kind
    check: Callable[[], Result]
    source: str = ""
    note: str = ""
    spends: sp.Expr = sp.S.Zero
    display: str = ""

    @cached_property
    def result(self) -> Result:
        """The outcome of the check, run once."""
        return self.check()

    @property
    def holds(self) -> bool:
        """Whether the check passed."""
        return self.result.holds

    @property
    def latex(self) -> str:
        """The statement in LaTeX."""
        return self.display or latex_of(self.statement)

    def __str__(self) -> str:
        source = f" [{self.source}]" if self.source else ""
        mark = "holds" if self.holds else "FAILS"
        lines = [
            f"{self.name}: {sp.sstr(self.statement)}",
            f"{self.rule}{source}; {self.kind}: {mark}, {self.result.detail}",
            self.note,
        ]
        return "\n    ".join(line for line in lines if line)


@dataclass(frozen=True, eq=False)
class Derivation:
    """A bound's proof: steps in order, ending in the expression that the theorem evaluates.

    Attributes:
        name: Public name of the bound.
        goal: The quantity bounded.
        steps: The chain; the last ones check that it adds up.
        expression: The object whose number the report prints.
        failure: Probability with which the bound may fail, in the symbols of the expression.
        variant: The options of the expression, as given to `derive`.
        domain: Ranges of symbols at random points, where they are not the usual ones.
        lower: A bound from below: the goal is minus the quantity, and at most minus the expression.
        display: The goal in LaTeX, where its terms have a notation of their own.
    """

    name: str
    goal: sp.Symbol
    steps: tuple[Step, ...]
    expression: Expression
    failure: sp.Expr
    variant: Mapping[str, object] = field(default_factory=dict)
    domain: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lower: bool = False
    display: str = ""

    @property
    def goal_latex(self) -> str:
        """The goal in LaTeX."""
        return self.display or latex_of(self.goal)

    @property
    def holds(self) -> bool:
        """Whether every check passed."""
        return all(step.holds for step in self.steps)

    @property
    def failing(self) -> list[Step]:
        """Steps whose check did not pass."""
        return [step for step in self.steps if not step.holds]

    def __getitem__(self, name: str) -> Step:
        """The step of this name."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def title(self) -> str:
        """Name and variant in one line."""
        options = ", ".join(f"{key}={value}" for key, value in self.variant.items())
        return self.name + (f" ({options})" if options else "")

    def latex(self) -> str:
        """A page of LaTeX (article, amsmath) that compiles by itself."""
        return str(rendered("derivations.page:latex_page", self))

    def to_dict(self) -> dict[str, object]:
        """The proof as plain values: its steps with their checks, the terms it ends in and the share that it spends."""
        told = ("name", "rule", "kind", "source", "note", "holds")
        return {
            "bound": self.name,
            "variant": dict(self.variant),
            "holds": self.holds,
            "steps": [
                {key: getattr(step, key) for key in told}
                | {"statement": sp.sstr(step.statement), "check": step.result.detail}
                for step in self.steps
            ],
            "terms": {name: sp.sstr(term) for name, term in self.expression.terms.items()},
            "failure": sp.sstr(self.failure),
        }

    def __str__(self) -> str:
        verdict = (
            "every check holds" if self.holds else f"{len(self.failing)} of {len(self.steps)} checks FAIL"
        )
        claim = f"{self.goal} <= {'-' * self.lower}bound, except with probability {sp.sstr(self.failure)}"
        lines = [f"{self.title}: {claim}; {verdict}"]
        lines += [f"{number:2d}. {step}" for number, step in enumerate(self.steps, 1)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Derivation {self.title}: {len(self.steps)} steps>"

    def _repr_html_(self) -> str:
        return str(rendered("report.html:proof", self))
