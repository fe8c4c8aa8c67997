"""The SimCLR bound: its formula against a plain script, its inequality in discrete worlds, its options."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds.assumptions.assumption import Assumption
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.negatives import block_losses
from bounds.representations.table import Representations
from bounds.summaries.collisions import (
    collision_interval,
    collision_probability,
    expected_log_collisions,
    task_weight,
)
from bounds.theorems import THEOREMS
from tests.evidence_small import evidence_of
from tests.reference import contrastive as naive

SIMCLR, LOGISTIC = THEOREMS["simclr"], THEOREMS["simclr_logistic"]
LOSSES = {"hinge": naive.hinge, "logistic": naive.logistic}


def pairs_of(m=60, classes=4, dim=5, seed=0, prior=None, labels=None):
    rng = np.random.default_rng(seed)
    means = 2 * rng.normal(size=(classes, dim))
    y = rng.choice(classes, size=m, p=prior) if labels is None else labels
    x = [means[y] + 0.5 * rng.normal(size=(m, dim)) for _ in range(2)]
    return x[0] / np.linalg.norm(x[0], axis=1)[:, None], x[1] / np.linalg.norm(x[1], axis=1)[:, None], y


def script(first, second, loss, scale, tau, delta, scales=1, span=2.0):
    """The bound typed from the paper's page, one number at a time."""
    mean = naive.all_pairs(first, second, LOSSES[loss], scale)
    reach = scale**2 * span
    spread = LOSSES[loss]([-reach]) - LOSSES[loss]([reach])
    radius = spread * math.sqrt(math.log(scales / delta) / (2 * (len(first) // 2)))
    return (mean + radius - tau) / (1 - tau)


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.4, 3.0])
def test_the_value_is_that_of_a_plain_script(loss, nonnegative, scale):
    first, second, y = pairs_of(m=61)
    if nonnegative:
        first, second = np.abs(first), np.abs(second)
    evidence = evidence_of(
        (first, second, y),
        prior=[0.25] * 4,
        nonnegative=nonnegative,
        options={"contrastive_scales": [scale]},
    )
    bound = (SIMCLR if loss == "hinge" else LOGISTIC).evaluate(evidence, 0.07)
    expected = script(first, second, loss, scale, 0.25, 0.07, span=1.0 if nonnegative else 2.0)
    assert bound.value == pytest.approx(expected, rel=1e-9)
    assert bound.value >= expected
    assert bound.error_rate == pytest.approx(expected * 0.75 / 0.25, rel=1e-9)
    assert math.fsum(term.value for term in bound.terms.values()) == pytest.approx(bound.value)


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_with_several_negatives_the_value_is_that_of_a_plain_script(loss):
    """Blocks of k + 1 pairs; a collision costs a margin of zero, several cost log₂(1 + their number)."""
    k, delta, reach, prior = 3, 0.07, 2.0, [0.4, 0.3, 0.2, 0.1]
    evidence = evidence_of(pairs_of(m=90), prior=prior, seed=2, options={"negatives": k})
    bound = (SIMCLR if loss == "hinge" else LOGISTIC).evaluate(evidence, delta)
    mean = getattr(block_losses(evidence.pairs, k, (1.0,), seed=2), loss)[0]
    if loss == "hinge":
        spread = (1 + reach) - max(0, 1 - reach)
    else:
        spread = math.log2((1 + k * math.exp(reach)) / (1 + k * math.exp(-reach)))
    limit = mean + spread * math.sqrt(math.log(1 / delta) / (2 * (90 // (k + 1))))
    tau = 1 - sum(p * (1 - p) ** k for p in prior)
    several = sum(
        p * math.comb(k, j) * p**j * (1 - p) ** (k - j) * math.log2(1 + j)
        for p in prior
        for j in range(k + 1)
    )
    collided = tau if loss == "hinge" else several
    assert bound.value == pytest.approx((limit - collided) / (1 - tau), rel=1e-9)


def test_a_grid_of_scales_is_paid_for():
    first, second, y = pairs_of(m=120)
    grid = [1.0, math.sqrt(2.0), 2.0]
    each = [script(first, second, "hinge", s, 0.25, 0.05) for s in grid]
    paid = [script(first, second, "hinge", s, 0.25, 0.05, scales=3) for s in grid]
    options = {"contrastive_scales": grid}
    bound = SIMCLR.evaluate(evidence_of((first, second, y), prior=[0.25] * 4, options=options), 0.05)
    assert bound.value == pytest.approx(min(paid), rel=1e-9)
    assert bound.value > min(each)


# The inequality itself, where everything is a finite sum


def priors(classes):
    return st.lists(st.floats(0.05, 1.0), min_size=classes, max_size=classes).map(
        lambda w: np.array(w) / sum(w)
    )


@given(
    seed=st.integers(0, 10**6),
    scale=st.floats(0.3, 4.0),
    prior=priors(3),
    loss=st.sampled_from(["hinge", "logistic"]),
)
@settings(max_examples=60)
def test_contrastive_loss_bounds_the_mean_classifier_in_any_world(seed, scale, prior, loss):
    world = naive.DiscreteWorld(np.random.default_rng(seed), prior=prior)
    p = torch.from_numpy(prior)
    tau = collision_probability(p)
    un = world.contrastive(LOSSES[loss], 1, scale)
    assert world.two_class(LOSSES[loss], scale) <= (un - tau) / (1 - tau) + 1e-9
    assert world.error() <= (un - tau) / task_weight(p) + 1e-9


@given(
    seed=st.integers(0, 10**6),
    prior=priors(3),
    k=st.integers(2, 3),
    loss=st.sampled_from(["hinge", "logistic"]),
)
@settings(max_examples=15)
def test_several_negatives_bound_the_error_in_any_world(seed, prior, k, loss):
    world = naive.DiscreteWorld(np.random.default_rng(seed), prior=prior, dim=2)
    p = torch.from_numpy(prior)
    collided = collision_probability(p, k) if loss == "hinge" else expected_log_collisions(p, k) / math.log(2)
    un = world.contrastive(LOSSES[loss], k, 1.0)
    assert world.error() <= (un - collided) / task_weight(p, k) + 1e-9


def test_the_inequality_is_tight_when_classes_are_points():
    world = naive.DiscreteWorld(np.random.default_rng(1), points=1, prior=[0.5, 0.3, 0.2])
    tau = collision_probability(torch.from_numpy(world.prior))
    un = world.contrastive(naive.logistic, 1, 1.0)
    assert world.two_class(naive.logistic, 1.0) == pytest.approx((un - tau) / (1 - tau), rel=1e-12)


@pytest.mark.parametrize("trials", [30, pytest.param(120, marks=pytest.mark.slow)])
@pytest.mark.parametrize("negatives", [1, 2])
def test_coverage_in_a_small_world(negatives, trials):
    rng = np.random.default_rng(8)
    world = naive.DiscreteWorld(rng, classes=3, points=2, dim=2)
    truth = world.two_class(naive.hinge, 1.0) if negatives == 1 else world.error()
    violated = 0
    for seed in range(trials):
        evidence = evidence_of(
            world.draw(rng, 12),
            classes=3,
            prior=world.prior,
            seed=seed,
            options={"negatives": negatives, "contrastive_scales": [1.0]},
        )
        bound = SIMCLR.evaluate(evidence, 0.5)
        violated += (bound.value if negatives == 1 else bound.error_rate) < truth
    assert violated <= trials / 2


def test_hoeffding_holds_for_the_u_statistic_with_half_the_items():
    # The event behind the certificate, without the slack of Jensen: a world where it nearly fails.
    rng = np.random.default_rng(5)
    world = naive.DiscreteWorld(rng, classes=2, points=1, dim=1)
    un = world.contrastive(naive.hinge, 1, 1.0)
    missed = 0
    for _ in range(400):
        first, second, _ = world.draw(rng, 6)
        mean = naive.all_pairs(first, second, naive.hinge, 1.0)
        missed += un > mean + 3.0 * math.sqrt(math.log(1 / 0.3) / (2 * 3))
    assert missed <= 0.3 * 400


# What is known about the prior


def test_an_unknown_prior_costs_at_most_the_uniform_one():
    pairs = pairs_of(m=500, prior=[0.4, 0.3, 0.2, 0.1])
    known = SIMCLR.evaluate(evidence_of(pairs, prior=[0.4, 0.3, 0.2, 0.1]), 0.05)
    floor = SIMCLR.evaluate(evidence_of(pairs, classes=4), 0.05)
    estimated = SIMCLR.evaluate(evidence_of(pairs, classes=4, options={"collision": "estimate"}), 0.05)
    assert known.value < 1
    assert floor.value > known.value
    assert estimated.value > known.value
    assert floor.error_rate is None
    assert floor.split == {"delta_loss": 0.05}
    assert estimated.split == {"delta_loss": 0.025, "delta_collision": 0.025}


def test_the_estimated_collision_probability_pays_off_for_unbalanced_classes_with_many_labels():
    prior = [0.85, 0.05, 0.05, 0.05]
    rng = np.random.default_rng(2)
    pairs = pairs_of(m=4000, prior=prior, dim=12)
    labels = rng.choice(4, size=20_000, p=prior)
    labeled = (rng.normal(size=(20_000, 12)), labels)
    options = {"contrastive_scales": [0.7]}
    floor = SIMCLR.evaluate(evidence_of(pairs, labeled, options=options), 0.05)
    estimated = SIMCLR.evaluate(
        evidence_of(pairs, labeled, options=options | {"collision": "estimate"}), 0.05
    )
    assert floor.value < 1
    assert estimated.value < floor.value


@pytest.mark.parametrize(
    ("prior", "status", "used"),
    [
        ([0.25] * 4, "holds", "1/K"),  # no more than 1/K is known from the labels
        ([0.25] * 4, "violated", "collision_low"),
        ([0.25] * 4, None, "collision_low"),
        ([0.5, 0.25, 0.15, 0.1], "holds", "collision_low"),  # 0.345, far above 1/K and below 2/K
    ],
)
def test_the_larger_lower_limit_of_the_collisions_that_is_known_is_used(prior, status, used):
    rng = np.random.default_rng(2)
    labels = rng.choice(4, size=20_000, p=prior)
    pairs = pairs_of(m=4000, prior=prior, dim=12)
    evidence = evidence_of(
        pairs, (rng.normal(size=(20_000, 12)), labels),
        options={"contrastive_scales": [0.7], "collision": "estimate"},
    )  # fmt: skip
    known = {name: one for name, one in evidence.setting.assumptions.items() if name != "K"}
    known |= {} if status is None else {"K": Assumption("K", status, "declared")}
    found = SIMCLR.found(replace(evidence, setting=replace(evidence.setting, assumptions=known)), 0.05)
    low, high = (found.values[f"collision_{end}"] for end in ("low", "high"))
    assert (low, high) == collision_interval(evidence.classes.counts, found.split["delta_collision"])
    assert found.split == {"delta_loss": 0.025, "delta_collision": 0.025}
    assert 0.2 < low < 0.5
    t = 0.25 if used == "1/K" else low
    loss = script_loss(found.values)
    assert found.value < 1
    assert found.value == pytest.approx((loss - t) / (1 - t), rel=1e-9)


def script_loss(v):
    """Upper limit of the expected hinge loss."""
    reach = 2 * v["scale"] ** 2
    spread = (1 + reach) - max(0.0, 1 - reach)
    return (
        v["contrastive_loss"]
        + v["rounding"]
        + spread * math.sqrt(math.log(1 / v["delta_loss"]) / (2 * v["blocks"]))
    )


def test_a_loss_of_one_or_more_without_the_prior_falls_back_on_the_largest_loss():
    rng = np.random.default_rng(0)
    first, second = (v / np.linalg.norm(v, axis=1)[:, None] for v in rng.normal(size=(2, 30, 4)))
    bound = SIMCLR.evaluate(evidence_of((first, second), (first, rng.integers(3, size=30)), classes=3), 0.05)
    assert bound.value == pytest.approx(1 + 2, rel=1e-9)
    assert bound.vacuous
    known = SIMCLR.evaluate(
        evidence_of((first, second), (first, rng.integers(3, size=30)), prior=[1 / 3] * 3), 0.05
    )
    assert known.value > 1
    assert known.vacuous


def test_an_unbalanced_pool_is_thinned_to_independent_classes():
    pairs = pairs_of(m=3000, prior=[0.35, 0.25, 0.2, 0.2])
    thin = SIMCLR.evaluate(evidence_of(pairs, prior=[0.25] * 4, conditioned_pairs=True), 0.05)
    assert "pair_frequencies" not in thin.terms
    assert thin.split == pytest.approx({"delta_loss": 0.0475, "delta_classes": 0.0025})
    assert (
        thin.symbols["blocks"] < 1200
    )  # two classes have 600 pairs, and chance may ask for more than a quarter


def test_fixed_class_counts_are_paid_for():
    pairs = pairs_of(m=240, labels=np.arange(240) % 4)
    drawn = SIMCLR.evaluate(evidence_of(pairs, prior=[0.25] * 4), 0.05)
    fixed = SIMCLR.evaluate(evidence_of(pairs, prior=[0.25] * 4, conditioned_pairs=True), 0.05)
    scale = fixed.symbols["scale"]
    spread = (1 + 2 * scale**2) - max(0, 1 - 2 * scale**2)
    assert fixed.terms["pair_frequencies"].value == pytest.approx(spread / 240 / 0.75)
    assert fixed.value > drawn.value


def test_two_items_of_a_pool_are_within_one_over_m_of_independent_draws():
    rng = np.random.default_rng(6)
    for _ in range(50):
        counts = rng.integers(0, 6, size=4)
        m = counts.sum()
        if m < 2:
            continue
        p = counts / m
        pool = (np.outer(counts, counts) - np.diag(counts)) / (m * (m - 1))
        assert 0.5 * np.abs(pool - np.outer(p, p)).sum() <= 1 / m + 1e-12


# Function classes


def test_a_class_of_encoders_is_paid_for_by_its_number():
    class Chosen:
        members = 8

    pairs = pairs_of(m=200)
    options = {"contrastive_scales": [1.0]}
    fixed = SIMCLR.evaluate(evidence_of(pairs, prior=[0.25] * 4, options=options), 0.05 / 8)
    finite = SIMCLR.evaluate(
        evidence_of(pairs, prior=[0.25] * 4, function_class=Chosen(), options=options), 0.05
    )
    assert finite.value == pytest.approx(fixed.value, rel=1e-12)


def test_the_margin_is_root_six_lipschitz_whatever_the_number_of_negatives():
    rng = np.random.default_rng(7)
    for k in (1, 3, 8):
        steepest = 0.0
        for _ in range(500):
            unit = rng.normal(size=(k + 2, 3))
            u, v, *w = unit / np.linalg.norm(unit, axis=1)[:, None]
            a = rng.dirichlet(np.full(k, 0.2))
            parts = [sum(c * (v - one) for c, one in zip(a, w, strict=True)), u, *(-c * u for c in a)]
            steepest = max(steepest, math.sqrt(sum(float(p @ p) for p in parts)))
        assert 2.0 < steepest <= math.sqrt(6)


# Reading the report


def test_it_says_what_it_is_about_and_never_the_head_of_s():
    bound = SIMCLR.evaluate(evidence_of(pairs_of(), prior=[0.25] * 4), 0.05)
    assert bound.head is None
    assert "mean classifier" in bound.about
    assert "not W_S" in bound.about
    assert bound.axis.name == "two-class hinge"
    assert bound.trivial_value == 1.0
    assert bound.certified
    assert "measured" in bound.notes[0]


def test_augmentation_pairs_are_never_a_certificate():
    assert not SIMCLR.evaluate(evidence_of(pairs_of(), prior=[0.25] * 4, a1="violated"), 0.05).certified


def test_it_does_not_contain_n_and_falls_with_m_and_delta():
    pairs = pairs_of(m=300)
    values = {}
    for n in (20, 200):
        labeled = (pairs[0][:n], pairs[2][:n])
        values[n] = SIMCLR.evaluate(evidence_of(pairs, labeled, classes=4, prior=[0.25] * 4), 0.05).value
    assert values[20] == values[200]
    evidence = evidence_of(pairs, prior=[0.25] * 4)
    assert SIMCLR.evaluate(evidence, 0.01).value > SIMCLR.evaluate(evidence, 0.2).value


@given(st.integers(2, 10**6), st.floats(0.01, 0.5), st.floats(0.0, 0.9))
def test_the_expression_falls_with_blocks_and_with_collisions_below_one(blocks, delta, loss):
    for theorem in (SIMCLR, LOGISTIC):
        values = {
            "contrastive_loss": loss, "collision": 0.1, "no_collision": 0.9, "negatives": 1, "scale": 1.0, "scales": 1,
            "span": 2.0, "B": 1.0, "triples": 0.0, "functions": 1, "delta_loss": delta,
            "blocks": blocks, "rounding": 0.0,
        }  # fmt: skip
        expression = theorem.proof().expression

        def at(expression=expression, values=values, **changed):
            return expression.combined(expression.evaluate({**values, **changed}))

        assert at(blocks=2 * blocks) < at()
        if at() < 1:
            assert at(collision=0.2, no_collision=0.8) < at()


@pytest.mark.parametrize("negatives", [1, 3])
def test_a_constant_encoder_has_a_margin_of_zero(negatives):
    """Each hinge costs one, and log₂ of the k + 1 equal terms."""
    options = {"negatives": negatives}
    evidence = evidence_of(pairs_of(), prior=[0.25] * 4, options=options)
    hinge, logistic = (theorem.evaluate(evidence, 0.05) for theorem in (SIMCLR, LOGISTIC))
    assert (hinge.trivial_value, logistic.trivial_value) == (1.0, math.log2(1 + negatives))
    kind = "two-class" if negatives == 1 else "3-negative"
    assert (hinge.axis.name, logistic.axis.name) == (f"{kind} hinge", f"{kind} logistic")
    unknown = evidence_of(pairs_of(), classes=4, options={"negatives": 1})
    assert LOGISTIC.evaluate(unknown, 0.05).trivial_value == 1.0


@pytest.mark.parametrize(
    ("length", "declared", "scale"),
    [(1.0, 2.0, 0.5), (1 + 1e-10, 1.0, 1.0), (1 + 1e-6, 1.0, 1 / (1 + 1e-6)), (3.0, 1.0, 1 / 3)],
)
def test_the_scale_is_that_of_the_declared_radius_or_of_the_vectors_that_refute_it(length, declared, scale):
    first, second, y = pairs_of()
    evidence = evidence_of((first, second, y), prior=[0.25] * 4, radius=declared)
    long = Representations((length * first, length * second), y)
    bound = SIMCLR.evaluate(replace(evidence, pairs=long), 0.05)
    assert bound.symbols["scale"] == pytest.approx(scale, rel=1e-13)


def test_one_class_has_no_other_to_be_told_from():
    pairs = pairs_of(labels=np.zeros(60, dtype=int))
    for option in ({}, {"collision": "estimate"}):
        with pytest.raises(NotApplicable, match=r"^needs at least two classes"):
            SIMCLR.evaluate(evidence_of(pairs, options=option), 0.05)
        assert SIMCLR.evaluate(evidence_of(pairs_of(classes=2), options=option), 0.05).value > 0


def test_bad_options_are_refused():
    pairs = pairs_of()
    for options, message in (
        ({"collision": "guess"}, "collision"),
        ({"contrastive_scales": []}, "contrastive_scales"),
        ({"contrastive_scales": [-1.0]}, "Scales"),
        ({"negatives": 1.5}, "whole number"),
        ({"negatives": 0}, "positive"),
    ):
        with pytest.raises(InvalidOption, match=message):
            SIMCLR.evaluate(evidence_of(pairs, options=options), 0.05)
    with pytest.raises(NotApplicable, match="class_prior"):
        SIMCLR.evaluate(evidence_of(pairs, options={"negatives": 2}), 0.05)
    with pytest.raises(NotApplicable, match="at least two pairs"):
        SIMCLR.evaluate(evidence_of(tuple(part[:1] for part in pairs), classes=4), 0.05)
    with pytest.raises(NotApplicable, match="pairs"):
        SIMCLR.evaluate(evidence_of(pairs, prior=[0.25] * 4, options={"negatives": 60}), 0.05)
