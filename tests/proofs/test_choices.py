"""Choices made after the data depend on it; a rule pays for them with `over`."""

import pytest
import sympy as sp

from bounds.derivations import symbols as s
from bounds.errors import InvalidProof
from bounds.proofs.choices import Family, ball, one_of, over_integers
from bounds.proofs.conclude import conclude
from bounds.proofs.lemmas.concentration import hoeffding, uniform
from bounds.proofs.ranges import tau
from bounds.proofs.readings import Quantity
from bounds.proofs.terms import TV, Apply, Declared, E, Frobenius, Mean, Norm, Rad, Sample, Sup
from tests.proofs.setting import FIXED, P, V, W, apart, d1, k, m, opened, y, z

J = one_of(k, "f", "encoder", ("f", "P"), ("F",))
APART = apart.xreplace({z.args[0]: J.chosen})
GRID = over_integers("j", ("P",))
PAIRS = Sample("P", m, (("f", "A3"), ("F", "A3"), ("S", "A7")), paired=True)


def test_a_choice_made_on_the_sample_is_not_taken_unpaid():
    with pytest.raises(InvalidProof, match="depends on P"):
        hoeffding(Mean(PAIRS, APART), d1)


def test_a_paid_choice_divides_the_share():
    found = hoeffding(Mean(PAIRS, APART), d1, over=(J,))
    assert found.lhs == E(APART)
    assert found.spends == d1
    radius = opened(found.rhs - Mean(PAIRS, APART))
    assert sp.simplify(radius - tau * sp.sqrt(sp.log(k / d1) / (2 * m))) == 0


def test_paying_for_another_choice_does_not_help():
    with pytest.raises(InvalidProof, match="depends on P"):
        hoeffding(Mean(PAIRS, APART), d1, over=(GRID,))


def test_weights_over_all_integers_sum_to_one():
    i = sp.Symbol("i", integer=True, nonnegative=True)
    weight = opened(GRID.weight).subs(GRID.generic, i)
    total = 2 * sp.summation(1 / (i + 1) ** 2, (i, 0, sp.oo)) - 1
    assert sp.simplify(weight * (i + 1) ** 2 * total) == 1
    assert opened(GRID.weight).subs(GRID.generic, -3) == opened(GRID.weight).subs(GRID.generic, 3)
    assert opened(GRID.weight).subs(GRID.generic, 0) == 1 / (sp.pi**2 / 3 - 1)


def test_a_number_of_members_is_a_count():
    with pytest.raises(InvalidProof, match="is not a count"):
        one_of(Declared("half", "constant"), "f", "encoder", ())


BALL = ball(V, sp.Integer(2) ** GRID.chosen, Frobenius)
LOSS = Norm(Apply(V, z) - y)


def test_what_stands_for_all_members_is_generic():
    assert J.generic.generic
    assert GRID.generic.generic
    assert BALL.generic.args[0].generic
    assert not any(one.generic for one in (J.chosen, GRID.chosen, BALL.chosen))


def test_a_ball_is_named_by_what_its_member_must_satisfy():
    (relation,) = BALL.requires
    assert (relation.lhs, relation.rhs) == (Frobenius(V), sp.Integer(2) ** GRID.chosen)


def test_uniform_over_a_ball_of_a_chosen_radius():
    found = uniform(Mean(PAIRS, LOSS), d1, BALL, over=(GRID,))
    assert found.lhs == E(LOSS)
    assert found.requires == BALL.requires
    assert found.spends == d1
    (complexity,) = found.rhs.atoms(Rad)
    assert complexity.args[1].args[1] == sp.Integer(2) ** GRID.chosen
    with pytest.raises(InvalidProof, match="depends on P"):
        hoeffding(Mean(PAIRS, LOSS), d1)


def test_the_supremum_binds_the_generic_head_itself():
    found = uniform(Mean(PAIRS, LOSS), d1, BALL, over=(GRID,))
    suprema = {one for step in found.steps for side in (step.lhs, step.rhs) for one in side.atoms(Sup)}
    assert suprema
    assert {str(one.args[0]) for one in suprema} == {"V'"}


def test_uniform_over_the_wrong_family_is_refused():
    other = Family(W, Declared("W'", "head", (), True))
    with pytest.raises(InvalidProof, match="depends on P"):
        uniform(Mean(PAIRS, LOSS), d1, other)


def test_a_family_chosen_with_the_sample_is_refused():
    late = Family(V, Declared("V'", "head", ("P",), True))
    with pytest.raises(InvalidProof, match="depends on P"):
        uniform(Mean(PAIRS, LOSS), d1, late)


def test_uniform_is_about_single_items():
    from bounds.proofs.terms import Dot, Enc, UMean, view

    term = Dot(z, Enc(z.args[0], view(1, 0)))
    with pytest.raises(InvalidProof, match="not a mean of single items"):
        uniform(UMean(P, term), d1, BALL)


def test_an_unpaid_radius_is_left_generic_and_cannot_be_concluded():
    family = BALL.xreplace({GRID.chosen: GRID.generic})
    bound = uniform(Mean(PAIRS, LOSS), d1, family)
    plain = Sample("P", m, paired=True)
    with pytest.raises(InvalidProof, match="generic member"):
        conclude(bound, E(LOSS), {Mean(plain, LOSS): Quantity(s.residual_ref, "r")}, ("r",))


def test_fixed_counts_add_the_distance_of_the_classes():
    found = uniform(Mean(FIXED, apart), d1, Family(z.args[0], Declared("f'", "encoder", ("f",), True)))
    assert found.lhs == E(apart)
    assert found.rhs.coeff(TV(FIXED)) == tau
    assert found.rhs.coeff(Mean(FIXED, apart)) == 1
