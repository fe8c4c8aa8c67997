"""What a term was computed from, and which assumption makes it independent of a sample."""

import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.choices import one_of, over_integers
from bounds.proofs.dependence import depends, generic_members, independent
from bounds.proofs.terms import Apply, E, InBall, Mean, Norm, Rad, Sup
from tests.proofs.setting import P, S, V, apart, k, n, residual, z

J = one_of(k, "f", "encoder", ("f", "P"), ("F",))
GRID = over_integers("j", ("P",))


def test_dependence():
    assert depends(residual) == {"S", "f"}
    assert depends(Mean(P, apart)) == {"P", "f"}
    assert depends(E(apart)) == {"f"}
    assert independent(S, Norm(Apply(V, z))) == {"A2", "A7"}
    with pytest.raises(InvalidProof, match="depends on S, which is not independent of S"):
        independent(S, residual)
    with pytest.raises(InvalidProof, match="was not declared"):
        depends(sp.Symbol("q"))


def test_a_generic_member_is_bound_by_suprema_and_complexities_only():
    assert generic_members(J.generic * k) == {J.generic}
    assert generic_members(Sup(J.generic, J.generic * k)) == frozenset()
    assert generic_members(Rad(P, J.generic, Norm(z))) == frozenset()
    assert generic_members(Rad(P, InBall(V, GRID.generic), Norm(z))) == {GRID.generic}
    assert generic_members(k * n) == frozenset()
