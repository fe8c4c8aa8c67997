"""What a term of a proof is read as: its number in symbols of the report. The only way from a term to a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from bounds.proofs.terms import Sample


@dataclass(frozen=True)
class Quantity:
    """What a term is read as: its number in symbols of the report, and the term of the bound it counts under.

    `alone` is that name where nothing else in the summand gives one; `assumes` is what the number rests on.
    """

    number: sp.Expr
    role: str = ""
    alone: str = ""
    assumes: frozenset[str] = frozenset()


Readings = Mapping[sp.Expr, Quantity]


def plain(term: sp.Expr) -> sp.Expr:
    """The term with each sample reduced to what readings know: name, size, and whether it is of pairs."""
    samples = term.atoms(Sample)
    return term.xreplace({one: Sample(one.name, one.size, paired=one.paired) for one in samples})
