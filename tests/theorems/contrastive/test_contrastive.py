"""Bounds of the literature: formulas against scripts, inequalities in discrete worlds, peers' mistakes."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds.assumptions import EncoderChoice
from bounds.derivations import bao_2022, lei_2023
from bounds.errors import NotApplicable
from bounds.summaries.collisions import collision_probability, coverage_probability, expected_log_collisions
from bounds.theorems import THEOREMS
from tests.evidence_small import evidence_of
from tests.reference import contrastive as naive
from tests.theorems.contrastive.test_infonce import number
from tests.theorems.contrastive.test_simclr import pairs_of

SOFTMAX = ("arora_2019", "nozawa_2021", "ash_2022", "bao_2022")
UNIFORM = [0.25] * 4


def evaluate(name, evidence=None, delta=0.05):
    return THEOREMS[name].evaluate(evidence or evidence_of(pairs_of(m=400), prior=UNIFORM), delta)


def collector(classes, draws):
    """Coverage by inclusion and exclusion in exact integers."""
    total = sum((-1) ** i * math.comb(classes, i) * (classes - i) ** draws for i in range(classes + 1))
    return total / classes**draws


@pytest.mark.parametrize("name", SOFTMAX)
def test_coverage_bounds_are_those_of_a_plain_script(name):
    k, t, K, m, delta = 9, 0.7, 4, 400, 0.05
    evidence = evidence_of(pairs_of(m=m), prior=UNIFORM, options={"negatives": k, "temperature": t})
    loss = evaluate("infonce", evidence, delta).terms["infonce_loss"].value
    spread = math.log((1 + k * math.exp(2 / t)) / (1 + k * math.exp(-2 / t)))
    loss += spread * math.sqrt(math.log(1 / delta) / (2 * (m // (k + 1))))
    tau, v, others = 1 - (1 - 1 / K) ** k, collector(K, k + 1), collector(K - 1, k)
    col = sum(math.comb(k, j) * K**-j * (1 - 1 / K) ** (k - j) * math.log(1 + j) for j in range(k + 1))
    harmonic = sum(1 / j for j in range(1, K))
    expected = {
        "arora_2019": (loss - col) / ((1 - tau) * others),
        "nozawa_2021": (2 * loss - col) / v,
        "ash_2022": 2 * max(1, 2 * (K - 1) * harmonic / k) / (1 - tau) * (loss - col),
        "bao_2022": loss + math.log(K / k * math.cosh(1 / t) ** 2),
    }[name]
    bound = evaluate(name, evidence, delta)
    assert bound.value == pytest.approx(expected, rel=1e-9)
    assert bound.error_rate == pytest.approx(expected / math.log(2), rel=1e-9)
    assert bound.kind == ("estimate" if name == "ash_2022" else "bound")


@given(seed=st.integers(0, 10**6), temperature=st.floats(0.3, 3.0), k=st.integers(2, 3))
@settings(max_examples=25)
def test_the_bounds_we_call_bounds_hold_in_any_world_with_uniform_classes(seed, temperature, k):
    world = naive.DiscreteWorld(np.random.default_rng(seed), dim=2)
    pretext = world.contrastive(naive.nats, k, temperature**-0.5)
    truth = world.softmax(temperature)
    uniform = torch.full((3,), 1 / 3, dtype=torch.float64)
    tau, v = collision_probability(uniform, k), coverage_probability(3, k + 1)
    col = expected_log_collisions(uniform, k)
    gap = number(bao_2022.reverse_jensen(), span=2.0, temperature=temperature)
    assert truth <= (pretext - col) / ((1 - tau) * v) + 1e-9
    assert truth <= (2 * pretext - col) / v + 1e-9
    assert truth <= pretext + math.log(3 / k) + gap + 1e-9


def test_reverse_jensen_is_the_printed_cosh_and_above_every_gap():
    for reach in (0.1, 2.0, 20.0):
        found = number(bao_2022.reverse_jensen(), span=reach, temperature=1.0)
        assert found == pytest.approx(2 * math.log(math.cosh(reach / 2)), rel=1e-9)
    assert math.isfinite(number(bao_2022.reverse_jensen(), span=5000.0, temperature=1.0))


def test_feature_deviation_is_the_mean_distance_to_the_class_mean():
    first, second, y = pairs_of(m=300)
    evidence = evidence_of((first, second, y), prior=UNIFORM, options={"temperature": 0.5})
    plain, deviating = evaluate("bao_2022", evidence), evaluate("bao_2022_deviation", evidence)
    sigma = np.mean([np.linalg.norm(x - first[y == c].mean(0)) for c in range(4) for x in first[y == c]])
    assert deviating.value - plain.value == pytest.approx(sigma / 0.5, rel=1e-6)
    assert deviating.kind == "estimate"
    assert "A1" not in deviating.assumptions


def test_nozawas_gap_is_zero_for_class_pairs_and_measured_for_augmentations():
    first, second, y = pairs_of(m=300)
    options = {"negatives": 12}
    assert (
        evaluate("nozawa_2021", evidence_of((first, second, y), prior=UNIFORM, options=options))
        .terms["augmentation_gap"]
        .value
        == 0
    )
    views = evidence_of((first, second, y), prior=UNIFORM, options=options, a1="violated")
    middle = (first + second) / 2
    means = np.stack([middle[y == c].mean(0) for c in range(4)])
    gap = np.mean([max(0.0, first[i] @ (middle[i] - means[y[i]])) for i in range(300)])
    bound = evaluate("nozawa_2021", views)
    assert bound.terms["augmentation_gap"].value == pytest.approx(2 * gap / collector(4, 13), rel=1e-9)
    assert not bound.certified
    unlabeled = evidence_of((first, second), (first, y), prior=UNIFORM, options=options, a1="violated")
    bound = evaluate("nozawa_2021", unlabeled)
    assert bound.terms["augmentation_gap"].value == 0
    assert "needs the labels of the pairs and is missing" in bound.notes[0]


@pytest.mark.parametrize("name", ["arora_2019", "nozawa_2021"])
def test_too_few_negatives_to_show_every_class_are_not_divided_by_zero(name):
    with pytest.raises(NotApplicable, match="at least 3 negatives"):
        evaluate(name, evidence_of(pairs_of(m=100), prior=UNIFORM, options={"negatives": 2}))


@pytest.mark.parametrize("name", SOFTMAX)
def test_uniform_classes_are_required(name):
    with pytest.raises(NotApplicable, match="uniform"):
        evaluate(name, evidence_of(pairs_of(m=400), prior=[0.4, 0.3, 0.2, 0.1]))
    with pytest.raises(NotApplicable, match="class_prior"):
        evaluate(name, evidence_of(pairs_of(m=400), classes=4))


# van Elst and Ghoshdastidar 2024


def moved_by_one_item(k, ratio):
    """C of van Elst and Ghoshdastidar: the item's own loss by its range, one of k + 1 terms in k other losses."""
    own = math.log((1 + k * math.exp(ratio)) / (1 + k * math.exp(-ratio)))
    return own + k * math.log((k + math.exp(ratio)) / (k + 1))


def test_van_elst_is_that_of_a_plain_script_and_pays_for_the_encoders():
    k, t, delta = 7, 0.5, 0.04
    for members in (None, 5000):
        setting = {} if members is None else {"function_class": EncoderChoice(members)}
        evidence = evidence_of(pairs_of(m=403), classes=4, options={"temperature": t}, **setting)
        bound = evaluate("van_elst_2024", evidence, delta)
        expected = moved_by_one_item(k, 2 / t) * math.sqrt(math.log((members or 1) / delta) / (2 * 400))
        assert bound.terms["confidence"].value == pytest.approx(expected, rel=1e-10)
    assert bound.error_rate is None
    assert bound.trivial_value == pytest.approx(math.log(8))
    assert set(bound.assumptions) == {"A3", "A4", "A6", "A6'"}


def test_mcdiarmid_is_never_above_the_change_of_measure_that_it_replaces():
    for m, members, delta in ((16, 1, 0.5), (400, 1, 0.05), (400, 5000, 0.05), (10**6, 2, 1e-9)):
        values = {
            "infonce_loss": 0.0, "negatives": 7, "span": 2.0, "temperature": 1.0, "blocks": m // 8, "functions": members,
            "delta_loss": delta,
        }  # fmt: skip
        n, c = 8 * (m // 8), 4 + 7 * math.log((7 + math.exp(2)) / 8)
        measured = c * math.sqrt((math.log(members) + math.log(2 * n / delta)) / (2 * (n - 1)))
        assert THEOREMS["van_elst_2024"].proof().expression.evaluate(values)["confidence"] < measured


@given(seed=st.integers(0, 10**6), k=st.integers(1, 6), temperature=st.floats(0.1, 3.0))
@settings(max_examples=100)
def test_one_item_moves_the_mean_loss_of_its_batch_no_further_than_stated(seed, k, temperature):
    rng = np.random.default_rng(seed)

    def unit(*shape):
        v = rng.normal(size=(*shape, 2))
        return v / np.linalg.norm(v, axis=-1, keepdims=True)

    first, second = unit(k + 1), unit(k + 1)
    if rng.integers(2):
        first[1:] = -first[0]  # the worst case: all negatives opposite, then one of them on the anchors
        second[1:] = -first[0]
    before = naive.one_block(first, second, naive.nats, temperature**-0.5)
    first[0], second[0] = (-first[0], first[0]) if rng.integers(2) else (unit(), unit())
    after = naive.one_block(first, second, naive.nats, temperature**-0.5)
    limit = moved_by_one_item(k, 2 / temperature)
    assert abs(after - before) * (k + 1) <= limit + 1e-9


def test_an_encoder_chosen_among_several_costs_a_share_of_delta():
    class Chosen:
        members = 8

    for name in ("van_elst_2024", "haochen_2021"):
        fixed = evaluate(name, evidence_of(pairs_of(), prior=UNIFORM), 0.05 / 8)
        chosen = evaluate(name, evidence_of(pairs_of(), prior=UNIFORM, function_class=Chosen()), 0.05)
        assert chosen.value == pytest.approx(fixed.value, rel=1e-12)


# HaoChen et al. 2021


def test_haochen_is_that_of_a_plain_script():
    m, delta = 401, 0.05
    first, second, y = pairs_of(m=m, dim=3)
    bound = evaluate("haochen_2021", evidence_of((first, second, y), prior=UNIFORM), delta)
    p = np.mean((first * second).sum(1)) - 2 * math.sqrt(math.log(2 / delta) / (2 * m))
    gram = (first @ first.T) ** 2
    similarity = (gram.sum() - np.trace(gram)) / (m * (m - 1))
    n = similarity + math.sqrt(math.log(2 / delta) / (2 * (m // 2)))
    assert bound.value == pytest.approx(math.sqrt(1 - 0.25 * p**2 / n), rel=1e-10)
    assert bound.error_rate == pytest.approx(2 * bound.value**2)
    assert bound.trivial_value == pytest.approx(math.sqrt(0.75), rel=1e-2)


@given(
    seed=st.integers(0, 10**6),
    weights=st.lists(st.floats(0.1, 1.0), min_size=4, max_size=4),
    alpha=st.floats(0.0, 3.0),
)
@settings(max_examples=60)
def test_the_spectral_loss_bounds_the_scaled_means_in_any_world(seed, weights, alpha):
    prior = np.array(weights) / sum(weights)
    world = naive.DiscreteWorld(np.random.default_rng(seed), classes=4, prior=prior)
    points = [(weight, x) for _, x, weight in world.anchors()]
    aligned = sum(p * float(mu @ mu) for p, mu in zip(prior, world.means, strict=True))
    similar = sum(a * b * float(x @ z) ** 2 for a, x in points for b, z in points)
    values = {
        "alignment": aligned, "similarity": similar, "head_scale": alpha, "p_min": prior.min(), "span": 2.0,
        "B": 1.0, "m": 1e300, "blocks": 1e300, "delta_1": 0.5, "delta_2": 0.5, "functions": 1,
    }  # fmt: skip
    expression = THEOREMS["haochen_2021"].proof().expression
    bound = expression.combined(expression.evaluate(values))
    assert world.scaled_means_loss(alpha) <= bound**2 + 1e-9


def test_orthogonal_collapsed_classes_bring_the_spectral_bound_to_zero():
    y = np.arange(200_000) % 4
    x = np.eye(4)[y]
    bound = evaluate("haochen_2021", evidence_of((x, x, y), prior=UNIFORM, nonnegative=True))
    assert bound.value < 0.2
    assert bound.certified


def test_an_encoder_without_alignment_gets_the_zero_head():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(50, 6))
    bound = evaluate("haochen_2021", evidence_of((first, -first, np.arange(50) % 4), prior=UNIFORM))
    assert bound.value == pytest.approx(1.0)
    assert bound.vacuous


# Lei et al. 2023, Luthra et al. 2025


def test_lei_grows_with_the_negatives_only_in_logarithms():
    values = {
        "infonce_loss": 1.0, "temperature": 1.0, "blocks": 10.0**6, "B": 1.0, "dimension": 64, "span": 2.0,
        "delta_loss": 0.05,
    }  # fmt: skip
    expression = lei_2023.expression()
    at = [
        expression.evaluate({**values, "negatives": k})["representation_complexity"]
        for k in (10, 100, 1000, 10**6)
    ]
    assert at[1] - at[0] == pytest.approx(at[2] - at[1], rel=1e-9)
    assert at[3] < 2 * at[0]
    n, rad = 10.0**6, 2 * math.sqrt(64 / 10.0**6)
    expected = 24 * 2 / 1e3 + 48 * rad * (1 + math.log(4 * n**1.5 * 10) * math.ceil(math.log2(1e3 / 12)))
    assert at[0] == pytest.approx(2 * expected, rel=1e-9)
    assert evaluate("lei_2023").kind == "estimate"
    assert evaluate("lei_2023").vacuous


def test_the_margin_class_is_no_richer_than_stated():
    # E sup over ‖A‖₂ ≤ 1 of the sign sum is at most √d times a Frobenius norm.
    rng = np.random.default_rng(0)
    d, tuples = 5, 40
    unit = rng.normal(size=(3, tuples, d))
    u, v, w = unit / np.linalg.norm(unit, axis=2, keepdims=True)
    sums = [np.einsum("i,ij,ik->jk", rng.choice([-1, 1], tuples), u, v - w) for _ in range(300)]
    nuclear = np.mean([np.linalg.svd(one, compute_uv=False).sum() for one in sums]) / tuples
    assert nuclear <= number(lei_2023.margin_class(), B=1.0, dimension=d, blocks=tuples)


# All of them


@pytest.mark.parametrize(
    "name", [*SOFTMAX, "bao_2022_deviation", "van_elst_2024", "haochen_2021", "lei_2023", "luthra_2025"]
)
def test_every_bound_names_its_source_unit_and_predictor(name):
    theorem = THEOREMS[name]
    assert "arXiv:" in theorem.source
    assert theorem.axis.unit
    assert theorem.predictor
    bound = evaluate(name)
    assert math.isfinite(bound.value)
    assert math.fsum(term.value for term in bound.terms.values()) == pytest.approx(
        bound.value**2 if bound.combine == "root" else bound.value
    )
    assert all(term.meaning != term.name for term in bound.terms.values())
    assert bound.certified == (bound.kind == "bound")


@pytest.mark.parametrize("name", [*SOFTMAX, "haochen_2021", "van_elst_2024"])
def test_more_confidence_costs_more(name):
    evidence = evidence_of(pairs_of(m=400), prior=UNIFORM)
    assert evaluate(name, evidence, 0.01).value > evaluate(name, evidence, 0.2).value


def test_the_formula_is_printed_with_the_papers_symbols():
    assert r"\mathrm{Col}" in evaluate("nozawa_2021").latex
