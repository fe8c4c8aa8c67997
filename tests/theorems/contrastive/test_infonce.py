"""The InfoNCE bound: formula against a script, inequality in discrete worlds, exact gap against search."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds.derivations import infonce as derivation
from bounds.derivations.expression import Expression
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.negatives import block_losses
from bounds.theorems import THEOREMS
from tests.evidence_small import evidence_of
from tests.reference import contrastive as naive
from tests.theorems.contrastive.test_simclr import pairs_of

INFONCE, SHARP = THEOREMS["infonce"], THEOREMS["infonce_sharp"]


def number(term, **values):
    return Expression({"x": term}).evaluate(values)["x"]


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize(("k", "temperature"), [(1, 1.0), (7, 0.5), (3, 2.0)])
def test_the_value_is_that_of_a_plain_script(nonnegative, k, temperature):
    first, second, y = pairs_of(m=97)
    if nonnegative:
        first, second = np.abs(first), np.abs(second)
    evidence = evidence_of(
        (first, second, y),
        prior=[0.25] * 4,
        nonnegative=nonnegative,
        seed=3,
        options={"negatives": k, "temperature": temperature},
    )
    bound = INFONCE.evaluate(evidence, 0.08)
    mean = block_losses(evidence.pairs, k, (temperature**-0.5,), seed=3).infonce[0]
    r = 1.0 if nonnegative else 2.0
    spread = math.log((1 + k * math.exp(r / temperature)) / (1 + k * math.exp(-r / temperature)))
    radius = spread * math.sqrt(math.log(1 / 0.08) / (2 * (97 // (k + 1))))
    expected = mean + math.log(4 / (k + 1)) + r**2 / (8 * temperature**2) + radius
    assert bound.value == pytest.approx(expected, rel=1e-9)
    assert bound.error_rate == pytest.approx(expected / math.log(2), rel=1e-9)
    assert bound.trivial_value == pytest.approx(math.log(4))
    assert SHARP.evaluate(evidence, 0.08).value < bound.value


def test_below_chance_the_value_is_that_of_a_plain_script():
    k, t, delta, m = 2, 1.0, 0.08, 3000
    y = np.arange(m) % 2
    first = np.stack([np.where(y == 0, 1.0, -1.0), np.zeros(m)], 1)
    evidence = evidence_of(
        (first, first, y), prior=[0.5, 0.5], seed=3, options={"negatives": k, "temperature": t}
    )
    radius = math.log((1 + k * math.exp(2 / t)) / (1 + k * math.exp(-2 / t)))
    radius *= math.sqrt(math.log(1 / delta) / (2 * (m // (k + 1))))
    excess = block_losses(evidence.pairs, k, (t**-0.5,), seed=3).infonce[0] + radius - math.log(k + 1)
    assert excess < 0
    expected = (k + 1) / k * excess + math.log(2) + 2**2 / (8 * t**2)
    bound = INFONCE.evaluate(evidence, delta)
    assert bound.value == pytest.approx(expected, rel=1e-9)
    assert bound.terms["below_chance"].value == pytest.approx(excess / k, rel=1e-9)


@given(
    seed=st.integers(0, 10**6),
    temperature=st.floats(0.2, 3.0),
    weights=st.lists(st.floats(0.1, 1.0), min_size=3, max_size=3),
    k=st.integers(1, 2),
    nonnegative=st.booleans(),
)
@settings(max_examples=40)
def test_infonce_bounds_the_softmax_of_the_mean_classifier_in_any_world(
    seed, temperature, weights, k, nonnegative
):
    prior = np.array(weights) / sum(weights)
    world = naive.DiscreteWorld(np.random.default_rng(seed), prior=prior, dim=2, nonnegative=nonnegative)
    span = 1.0 if nonnegative else 2.0
    gap = number(derivation.surrogate_gap(exact=True), span=span, temperature=temperature)
    pretext = world.contrastive(naive.nats, k, temperature**-0.5)
    above_chance = pretext - math.log(k + 1)
    bound = min(above_chance, (k + 1) / k * above_chance) - math.log(min(prior)) + gap
    assert world.softmax(temperature) <= bound + 1e-9
    assert world.error() <= world.softmax(temperature) / math.log(2) + 1e-9


@pytest.mark.parametrize("reach", [0.01, 0.5, 2.0, 10.0, 60.0])
def test_the_exact_gap_is_the_largest_over_two_point_distributions(reach):
    from scipy.optimize import minimize_scalar

    def gap(q):
        return math.log1p(q * math.expm1(reach)) - q * reach

    searched = -minimize_scalar(
        lambda q: -gap(q), bounds=(0, 1), method="bounded", options={"xatol": 1e-12}
    ).fun
    exact = number(derivation.surrogate_gap(exact=True), span=reach, temperature=1.0)
    assert exact == pytest.approx(searched, rel=1e-6, abs=1e-9)
    assert exact <= number(derivation.surrogate_gap(), span=reach, temperature=1.0)


def test_no_distribution_on_an_interval_has_a_larger_gap():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        reach = rng.uniform(0.1, 20)
        u, w = rng.uniform(0, reach, 5), rng.dirichlet(np.full(5, 0.3))
        gap = math.log(float(w @ np.exp(u))) - float(w @ u)
        assert gap <= number(derivation.surrogate_gap(exact=True), span=reach, temperature=1.0) + 1e-12


@given(st.floats(0.01, 500.0), st.integers(1, 10**5))
def test_the_exact_range_is_below_the_printed_one_and_never_overflows(reach, k):
    exact = number(derivation.loss_range(exact=True), span=reach, temperature=1.0, negatives=k)
    assert 0 < exact <= number(derivation.loss_range(), span=reach, temperature=1.0) * (1 + 1e-12)
    if reach < 50:
        ratio = (1 + k * math.exp(reach)) / (1 + k * math.exp(-reach))
        assert exact == pytest.approx(math.log(ratio), rel=1e-6)


def test_the_loss_is_in_nats_and_not_in_bits():
    evidence = evidence_of(pairs_of(m=64), prior=[0.25] * 4)
    found = block_losses(evidence.pairs, 7)
    bound = INFONCE.evaluate(evidence, 0.05)
    assert bound.terms["infonce_loss"].value == pytest.approx(found.infonce[0])
    assert found.logistic[0] == pytest.approx(found.infonce[0] / math.log(2))
    assert "nats" in bound.axis.unit
    ones = np.ones((16, 3)) / math.sqrt(3)
    constant = evidence_of((ones, ones, np.arange(16) % 4), prior=[0.25] * 4)
    assert INFONCE.evaluate(constant, 0.05).terms["infonce_loss"].value == pytest.approx(math.log(8))


def test_a_perfect_encoder_is_below_the_constant_predictor():
    y = np.arange(20_000) % 20
    x = np.eye(20)[y]
    bound = SHARP.evaluate(evidence_of((x, x, y), prior=[0.05] * 20, nonnegative=True), 0.05)
    assert bound.certified
    assert not bound.vacuous
    assert bound.trivial_value == pytest.approx(math.log(20))


def test_fixed_class_counts_thin_the_pairs_and_spend_a_share_of_delta():
    pairs = pairs_of(m=600)
    counts = np.bincount(pairs[2], minlength=4) / 600
    bound = INFONCE.evaluate(evidence_of(pairs, prior=counts, conditioned_pairs=True), 0.1)
    assert bound.split == pytest.approx({"delta_loss": 0.095, "delta_classes": 0.005})
    assert bound.symbols["blocks"] < 600 // 8


def test_a_low_temperature_is_pointed_out():
    evidence = evidence_of(pairs_of(), prior=[0.25] * 4, options={"temperature": 0.1})
    assert any("temperatures near 1" in note for note in INFONCE.evaluate(evidence, 0.05).notes)
    assert not any("temperatures near 1" in note for note in SHARP.evaluate(evidence, 0.05).notes)


def test_a_class_of_probability_zero_is_no_class():
    """The rarest class has p_min > 0, and a constant encoder chooses between two."""
    evidence = evidence_of(pairs_of(m=100, classes=2), classes=3, prior=[0.6, 0.4, 0.0])
    for name in ("infonce", "infonce_sharp", "haochen_2021"):
        bound = THEOREMS[name].evaluate(evidence, 0.05)
        assert bound.symbols["p_min"] == 0.4
        assert math.isfinite(bound.value)
        if name != "haochen_2021":
            assert bound.trivial_value == pytest.approx(math.log(2))


def test_bad_input_is_refused():
    pairs = pairs_of(m=12)
    with pytest.raises(NotApplicable, match="class_prior"):
        INFONCE.evaluate(evidence_of(pairs, classes=4), 0.05)
    with pytest.raises(NotApplicable, match="two classes"):
        INFONCE.evaluate(evidence_of(pairs, prior=[1.0, 0, 0, 0]), 0.05)
    with pytest.raises(InvalidOption, match="temperature"):
        INFONCE.evaluate(evidence_of(pairs, prior=[0.25] * 4, options={"temperature": 0}), 0.05)
    with pytest.raises(NotApplicable, match="more than 20 pairs"):
        INFONCE.evaluate(evidence_of(pairs, prior=[0.25] * 4, options={"negatives": 20}), 0.05)
    with pytest.raises(InvalidOption, match="delta"):
        INFONCE.evaluate(evidence_of(pairs, prior=[0.25] * 4), 1.0)


def test_coverage_in_a_small_world():
    rng = np.random.default_rng(2)
    world = naive.DiscreteWorld(rng, classes=3, points=2, dim=2)
    truth, violated = world.softmax(1.0), 0
    for seed in range(30):
        pairs = world.draw(rng, 12)
        evidence = evidence_of(pairs, classes=3, prior=world.prior, seed=seed, options={"negatives": 2})
        violated += SHARP.evaluate(evidence, 0.5).value < truth
    assert violated <= 15


def test_torch_is_not_asked_for_more_than_it_has():
    # One block as large as the table: the only partition, and still a valid mean.
    evidence = evidence_of(pairs_of(m=33), prior=[0.25] * 4, options={"negatives": 32})
    bound = INFONCE.evaluate(evidence, 0.05)
    assert bound.symbols["blocks"] == 1
    assert torch.isfinite(torch.tensor(bound.value))
