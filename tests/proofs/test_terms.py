"""Terms have one normal form, and know which items they leave free."""

import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.terms import (
    Apply,
    Declared,
    Dot,
    E,
    Enc,
    Fresh,
    Given,
    Mean,
    Negatives,
    Norm,
    OpNorm,
    Sample,
    UMean,
    declare_check,
    is_vector,
    items,
    order,
    view,
)
from tests.proofs.setting import P, S, V, W, a, apart, f, k, n, residual, t, x, x2, y, z, z2


def test_norms_do_not_see_the_sign():
    assert Norm(z - z2) == Norm(z2 - z)
    assert OpNorm(W - V) == OpNorm(V - W)
    assert Norm(z - z) == 0


def test_vectors_multiply_out():
    assert Apply(W, z - z2) == Apply(W, z) - Apply(W, z2)
    assert Apply(W - V, 3 * z) == 3 * Apply(W, z) - 3 * Apply(V, z)
    assert Dot(z, z2 - z) == Dot(z, z2) - Dot(z, z)
    assert Dot(z2, z) == Dot(z, z2)
    assert Dot(t * z, z2) == t * Dot(z, z2)
    assert Apply(W, z - z) == 0


def test_what_is_a_vector():
    assert is_vector(z)
    assert is_vector(2 * z - y)
    assert is_vector(W)
    assert not is_vector(apart)
    assert not is_vector(t)


@pytest.mark.parametrize("kind", [E, Fresh, Given, lambda g: Mean(P, g), lambda g: UMean(P, g)])
def test_operators_are_linear(kind):
    assert kind(a * apart + t * apart**2) == a * kind(apart) + t * kind(apart**2)
    assert kind(sp.Integer(3)) == 3
    assert kind(t * (apart + a)) == t * kind(apart) + t * a


def test_operators_integrate_what_they_bind_and_leave_the_class():
    assert items(E(apart)) == frozenset()
    assert items(Mean(P, apart)) == frozenset()
    assert items(Fresh(apart)) == {x, y}
    assert items(Given(apart)) == {y}
    assert items(Fresh(Norm(z2))) == {y}
    assert items(Given(Norm(Enc(f, view(1, 0))))) == {view(1).__class__("y1")}


def test_towers_collapse():
    assert E(Fresh(apart)) == E(apart)
    assert E(Given(residual)) == E(residual)
    assert Given(Fresh(apart)) == Given(apart)


def test_views_are_exchangeable():
    second = residual.xreplace({x: x2})
    assert E(second) == E(residual)
    assert Fresh(second) == Given(residual)
    assert Given(second) == Given(residual)


def test_given_labels_move_out_of_given_but_not_out_of_the_mean():
    assert Given(Norm(y) * Norm(z)) == Norm(y) * Given(Norm(z))
    assert Mean(S, Given(Norm(z))).has(Mean)


def test_negatives_sum_over_item_one():
    other = Enc(f, view(1, 0))
    summed = Negatives(k, sp.exp(Dot(z, other)))
    assert items(summed) == {x}
    assert order(summed) == 1 + k
    assert Negatives(k, t) == k * t
    assert Negatives(k, Norm(z) * Norm(other)) == Norm(z) * Negatives(k, Norm(other))


def test_order_counts_items():
    assert order(apart) == 1
    assert order(Dot(z, Enc(f, view(1, 0)))) == 2


def test_a_sample_without_second_views_cannot_average_them():
    with pytest.raises(InvalidProof, match="no second views"):
        Mean(S, apart)


def test_symbols_are_declared():
    declare_check(residual + a)
    with pytest.raises(InvalidProof, match="`q` was not declared"):
        declare_check(sp.Symbol("q") + a)


def test_two_contents_under_one_name_are_two_things():
    assert Sample("S", n) != S
    assert Declared("a", "other", ("S",)) != a
    assert Sample("S", n) == Sample("S", n)
    assert Declared("a", "other") == a


def test_samples_that_differ_in_one_property_have_an_order():
    """Sympy sorts the atoms of a sum; a property that cannot be compared would break it, now and then."""
    base = {"name": "S", "size": n, "apart": (("f", "A2"),), "law": ("A6",)}
    changes = [
        {},
        {"apart": ()},
        {"law": ("H",)},
        {"paired": True},
        {"fixed": True},
        {"hidden": True},
        {"chosen": "thinned"},
        {"chosen": "thinned", "share": Declared("delta_classes", "level")},
    ]
    samples = [Sample(**{**base, **change}) for change in changes]
    assert len(set(samples)) == len(samples)
    for one in samples:
        for two in samples:
            assert one.compare(two) == -two.compare(one)
            assert (one.compare(two) == 0) == (one == two)
    assert Sample(**base) == samples[0]
    assert Sample(**base).compare(samples[0]) == 0
