"""The VICReg family agrees with a plain SVD script on every term, on every kind of data."""

import numpy as np
import pytest
import torch

from bounds.assumptions.assumption import TITLES, Assumption
from bounds.errors import NotApplicable
from bounds.evidence.evidence import RIDGE_GRID, Evidence
from bounds.evidence.half_invariance import half_invariance, mean_half_invariance
from bounds.evidence.setting import Setting
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.theorems import THEOREMS, select
from bounds.theorems.vicreg.vicreg_second_moment import _inputs_for
from tests.reference.vicreg import Twin
from tests.worlds_small import CASES, case

REL = 1e-8


def evidence_of(x, y, a, b, yp, K, **setting):
    normalized = Normalization("l2", 1.0)
    assumptions = {name: Assumption(name, "holds", "test") for name in (*TITLES, "constants")}
    return Evidence(
        Setting(K, 1.0, 2.0, assumptions, **setting),
        normalized.apply(Representations((x,), y)),
        normalized.apply(Representations((a, b), yp)),
    )


@pytest.fixture(scope="module", params=CASES)
def both(request):
    data = case(request.param)
    return request.param, data, Twin(*data[:5], data[5], 0.05)


def test_every_term_of_the_printed_theorem_agrees_with_the_svd_script(both):
    _, data, twin = both
    bound = THEOREMS["vicreg"].evaluate(evidence_of(*data), 0.05)
    assert {n: t.value for n, t in bound.terms.items()} == pytest.approx(twin.vicreg, rel=REL, abs=1e-10)
    assert bound.value == pytest.approx(sum(twin.vicreg.values()), rel=REL)
    assert sum(bound.split.values()) == pytest.approx(0.05 * 4 / 3, rel=1e-12)  # what its logarithms spend


def test_counted_constants_evaluate_at_three_quarters_of_delta_and_pay_for_the_grid(both):
    _, data, twin = both
    bound = THEOREMS["vicreg"].evaluate(evidence_of(*data, constants="counted"), 0.05)
    assert {n: t.value for n, t in bound.terms.items()} == pytest.approx(
        twin.vicreg_counted, rel=REL, abs=1e-10
    )
    assert sum(bound.split.values()) == pytest.approx(0.05, rel=1e-12)


def test_every_term_of_the_certified_form_agrees_with_the_svd_script(both):
    _, data, twin = both
    evidence = evidence_of(*data)
    certified = THEOREMS["vicreg_certified"].evaluate(evidence, 0.05)
    direct = THEOREMS["vicreg_direct"].evaluate(evidence, 0.05)
    assert {n: t.value for n, t in certified.terms.items()} == pytest.approx(
        twin.certified, rel=REL, abs=1e-10
    )
    assert {n: t.value for n, t in direct.terms.items()} == pytest.approx(twin.direct, rel=REL, abs=1e-10)
    assert sum(certified.split.values()) == pytest.approx(0.05, rel=1e-12)
    assert THEOREMS["trivial_reference"].evaluate(evidence, 0.05).value == pytest.approx(
        twin.trivial, rel=REL
    )


def test_sharp_and_second_moment_forms_agree_with_the_svd_script(both):
    name, data, twin = both
    evidence = evidence_of(*data)
    second = THEOREMS["vicreg_second_moment"].evaluate(evidence, 0.05)
    assert second.value == pytest.approx(twin.second_moment, rel=REL)
    if name != "thousand_classes":  # the twin's simplex projection by enumeration is for few classes
        assert THEOREMS["vicreg_sharp"].evaluate(evidence, 0.05).value == pytest.approx(twin.sharp, rel=REL)


def test_with_a_known_prior_the_class_term_is_what_rarer_classes_may_cost():
    x, y, *pairs, K = case(CASES[0])
    prior = torch.arange(1.0, K + 1, dtype=torch.float64) / (K * (K + 1) / 2)
    evidence = evidence_of(x, y, *pairs, K, prior=prior)
    values = _inputs_for(evidence, 0.05, evidence.head, (0.1, 0.01), grid=0).values
    z = x / np.linalg.norm(x, axis=1, keepdims=True)
    weight, shares = evidence.head.weight.numpy(), np.bincount(y, minlength=K) / len(y)
    norm = np.linalg.norm(weight, 2)
    counts, log, one = shares * len(y), np.log(2 / 0.025), np.log(1 / 0.025)
    step, spread = 2 / np.sqrt(len(y) * counts.min()), np.sqrt(K / len(y))
    pinelis = step * log / 3 + np.sqrt((step * log / 3) ** 2 + 2 * log * spread**2)
    weak = 1 / len(y) + 2 * step * spread
    radius = min(pinelis, spread + 1.5 * step * one + np.sqrt((1.5 * step * one) ** 2 + 2 * weak * one))
    expected = 0.0
    for label in range(K):
        mean = weight @ z[y == label].mean(0) - np.eye(K)[label]
        reach = min(1 + norm, np.linalg.norm(mean) + norm * radius / np.sqrt(shares[label]))
        expected += max(0.0, float(prior[label]) - shares[label]) * reach**2
    assert values["class_excess"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("noise", [0.02, 0.5, 3.0])
@pytest.mark.parametrize("classes", [2, 9])  # fewer than dimensions, and more
def test_ridge_form_is_the_least_of_the_whole_grid(classes, noise):
    rng = np.random.default_rng(classes)
    means = 2 * rng.normal(size=(classes, 5))
    y, pair_y = rng.integers(classes, size=1200), rng.integers(classes, size=400)
    x, first = (means[label] + rng.normal(size=(len(label), 5)) for label in (y, pair_y))
    views = first, first + noise * rng.normal(size=first.shape)
    evidence = evidence_of(x, y, *views, pair_y, classes)
    units = [view / np.linalg.norm(view, axis=1, keepdims=True) for view in views]
    values = []
    for head in evidence.ridge_heads:
        half = [0.5 * np.linalg.norm(head.weight.numpy() @ (a - b)) ** 2 for a, b in zip(*units, strict=True)]
        assert mean_half_invariance(evidence, head) == pytest.approx(np.mean(half), rel=1e-11)
        measured = np.mean(half), np.var(half, ddof=1)
        assert half_invariance(evidence, head) == pytest.approx(measured, rel=1e-11)
        values.append(_inputs_for(evidence, 0.05, head, measured, grid=len(RIDGE_GRID)).value)
    bound = THEOREMS["vicreg_second_moment_ridge"].evaluate(evidence, 0.05)
    assert bound.value == pytest.approx(min(values), rel=1e-11)
    assert bound.head == evidence.ridge_heads[int(np.argmin(values))].name


@pytest.mark.parametrize("name", ["vicreg_second_moment", "vicreg_second_moment_ridge"])
def test_second_moment_forms_need_two_pairs(name):
    x, y, a, b, yp, K = case(CASES[0])
    with pytest.raises(NotApplicable, match="at least two pairs"):
        THEOREMS[name].evaluate(evidence_of(x, y, a[:1], b[:1], yp[:1], K), 0.05)


def test_best_is_the_smaller_of_both_forms_at_the_shares_of_the_certified_one(both):
    _, data, _ = both
    evidence = evidence_of(*data)
    best = THEOREMS["vicreg_best"].evaluate(evidence, 0.05)
    certified = THEOREMS["vicreg_certified"].evaluate(evidence, 0.05)
    direct_at_fifths = THEOREMS["vicreg_direct"].evaluate(evidence, 0.05 * 3 / 5)
    assert best.value == pytest.approx(min(certified.value, direct_at_fifths.value), rel=1e-12)


def test_terms_add_up_to_the_value_and_the_value_is_never_below_them(both):
    name, data, _ = both
    evidence = evidence_of(*data)
    for theorem in (*THEOREMS.values(), *select(["vicreg_short"])):
        if theorem.name.startswith(("vicreg", "trivial")):
            if theorem.name == "vicreg_second_moment_ridge" and name == "collapsed":
                with pytest.raises(NotApplicable, match="vary over S"):
                    theorem.evaluate(evidence, 0.05)
                continue
            bound = theorem.evaluate(evidence, 0.05)
            total = sum(term.value for term in bound.terms.values())
            expected = total**0.5 if bound.combine == "root" else total
            assert bound.value == pytest.approx(expected, rel=1e-9)
            assert bound.value >= expected * (1 - 1e-15)


def test_short_form_is_an_expression_without_an_error_rate_and_falls_below_the_truth_when_overfitting():
    rng = np.random.default_rng(0)
    K, d, n, m = 2, 400, 60, 60
    means = np.zeros((K, d))
    y, yp, yt = rng.integers(K, size=n), rng.integers(K, size=m), rng.integers(K, size=500)
    views = means[yp] + rng.normal(size=(m, d))
    data = rng.normal(size=(n, d)), y, views, views + 1e-3 * rng.normal(size=(m, d)), yp, K
    evidence = evidence_of(*data)
    bound = select(["vicreg_short"])[0].evaluate(evidence, 0.05)
    test = Normalization("l2", 1.0)(torch.tensor(rng.normal(size=(500, d))))
    truth = torch.linalg.vector_norm(
        evidence.min_norm(test) - torch.nn.functional.one_hot(torch.tensor(yt), K), dim=1
    ).mean()
    assert bound.kind == "expression"
    assert not bound.certified
    assert bound.error_rate is None
    assert bound.value < float(truth)


def test_scaling_the_representation_leaves_normalised_bounds_unchanged_and_labels_may_be_renamed():
    x, y, a, b, yp, K = case("full_rank")
    base = evidence_of(x, y, a, b, yp, K)
    scaled = evidence_of(37.0 * x, y, 37.0 * a, 37.0 * b, yp, K)
    renamed = evidence_of(x, K - 1 - y, a, b, K - 1 - yp, K)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(x.shape[1], x.shape[1])))[0]
    rotated = evidence_of(x @ rotation, y, a @ rotation, b @ rotation, yp, K)
    for name in ("vicreg", "vicreg_certified", "vicreg_sharp", "vicreg_direct", "vicreg_second_moment"):
        value = THEOREMS[name].evaluate(base, 0.05).value
        for other in (scaled, renamed, rotated):
            assert THEOREMS[name].evaluate(other, 0.05).value == pytest.approx(value, rel=1e-9)


def test_known_prior_replaces_the_class_term_by_a_number_and_spends_no_delta_on_it():
    x, y, a, b, yp, K = case("full_rank")
    prior = torch.full((K,), 1 / K, dtype=torch.float64)
    bound = THEOREMS["vicreg_certified"].evaluate(evidence_of(x, y, a, b, yp, K, prior=prior), 0.05)
    frequencies = np.bincount(y, minlength=K) / len(y)
    kappa = bound.symbols["kappa_S"]
    assert bound.terms["class_frequencies"].value == pytest.approx(
        kappa * 0.5 * np.abs(frequencies - 1 / K).sum()
    )
    assert set(bound.split) == {"delta_1", "delta_2", "delta_3", "delta_4"}
