"""The terms of a bound by name."""

import pytest
import sympy as sp

from bounds.derivations import symbols as s
from bounds.proofs.conclude import conclude
from bounds.proofs.lemmas.concentration import counted, hoeffding, kl_limit
from bounds.proofs.readings import Quantity
from bounds.proofs.terms import Declared, E, Mean, Sample, Wrong
from tests.proofs.setting import P, apart, d1, d2, m, t, z
from tests.proofs.setting import y as label

PLAIN = Sample("P", m, paired=True)
READINGS = {Mean(PLAIN, apart): Quantity(s.invariance, "invariance"), t: Quantity(s.c)}
ORDER = ("invariance", "confidence")
GOAL = E(apart)


def concluded(one, goal=GOAL, readings=READINGS, order=ORDER, **more):
    return conclude(one, goal, readings, order, **more)


def test_implicit_limits_split_into_what_was_measured_and_the_rest():
    found = concluded(kl_limit(Mean(P, apart), d1)).expression
    assert found.terms["invariance"] == s.invariance
    assert (
        sp.expand(sum(found.terms.values())).has(sp.Function("kl_inverse")) is False
        or found.terms["confidence"]
    )
    values = {"invariance": 0.3, "tau": 2.0, "delta_1": 0.05, "m": 50}
    terms = found.evaluate(values)
    assert terms["invariance"] == 0.3
    assert terms["confidence"] > 0


def test_counts_split_into_the_rate_and_the_rest():
    head = Declared("V", "head", ("f",))
    one = counted(Mean(P, Wrong(head, z, label)), d1)
    readings = {Mean(PLAIN, Wrong(head, z, label)): Quantity(s.mistakes / s.m, "invariance")}
    found = concluded(one, E(Wrong(head, z, label)), readings).expression
    assert found.terms["invariance"] == s.mistakes / s.m
    assert found.evaluate({"mistakes": 0, "m": 10, "delta_1": 0.05})["confidence"] == pytest.approx(
        1 - 0.05**0.1, rel=1e-9
    )


def test_parts_of_the_confidence_are_named_by_their_events():
    one = hoeffding(Mean(P, apart), d1, "first").plus(hoeffding(Mean(P, apart), d2, "second"), 1)
    half = one.isolate(E(apart))
    parts = concluded(half).expression.parts["confidence"]
    assert set(parts) == {"first", "second"}
    assert sp.simplify(sum(parts.values()) - concluded(half).expression.terms["confidence"]) == 0
