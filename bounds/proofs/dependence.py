"""What a term was computed from, and which assumption makes it independent of a sample."""

from __future__ import annotations

import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.terms import Declared, InBall, Near, Rad, Sample, Sup, declare_check


def depends(term: sp.Basic) -> frozenset[str]:
    """Names of everything random that a term was computed from: any sample inside it counts."""
    declare_check(term)
    named = frozenset(sample.name for sample in term.atoms(Sample))
    return named.union(*(symbol.sources for symbol in term.atoms(Declared)))


def independent(sample: Sample, term: sp.Basic) -> frozenset[str]:
    """Assumptions under which a term was fixed before, or apart from, a sample.

    Raises:
        InvalidProof: it was not.
    """
    known = dict(sample.apart)
    used = set()
    for source in sorted(depends(term)):
        if source not in known:
            raise InvalidProof(f"`{term}` depends on {source}, which is not independent of {sample.name}.")
        used.add(known[source])
    return frozenset(used - {""})


def generic_members(term: sp.Basic) -> frozenset[Declared]:
    """Generic members that a term leaves free; suprema and Rademacher complexities run over theirs."""
    if isinstance(term, Declared):
        return frozenset({term}) if term.generic else frozenset()
    inner: frozenset[Declared] = frozenset().union(*map(generic_members, term.args))
    bound = {Sup: 0, Rad: 1}.get(type(term))
    if bound is None:
        return inner
    member = term.args[bound]
    return inner - {member.args[0] if isinstance(member, InBall | Near) else member}
