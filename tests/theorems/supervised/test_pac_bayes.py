"""pac_bayes: quadrature against sampling and mpmath, the divergence, the price of the grid, coverage."""

import dataclasses
import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bounds.errors import NotApplicable, NumericalError
from bounds.evidence.gaussian_heads import GRID, SHIFTS, candidates
from bounds.evidence.splits import fitting_head, fitting_squares, held_out_chunks
from bounds.heads.margins import QUADRATURE_TOLERANCE, MarginTable, Metric
from bounds.representations.table import Representations
from bounds.summaries.limits import binary_kl
from bounds.theorems import THEOREMS
from bounds.theorems.supervised.pac_bayes import gaussian_values, quantile
from tests.worlds_discrete import World, assert_covers, head_of


def table(scores, labels, spread, **options):
    scores = torch.as_tensor(scores, dtype=torch.float64)
    empty = MarginTable.empty(scores.shape[1], **options)
    return empty.update(scores, torch.as_tensor(labels), torch.as_tensor(spread, dtype=torch.float64))


def by_mpmath(margins, shift):
    """1 − E_t Π Φ(a_k + t − shift) with 30 digits."""
    mpmath.mp.dps = 30

    def integrand(t):
        return mpmath.npdf(t) * mpmath.fprod(mpmath.ncdf(a + t - shift) for a in margins)

    return float(1 - mpmath.quad(integrand, [-12, -6, -3, 0, 3, 6, 12]))


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("scores", [[0.3, 0.0], [0.0, 0.5, 0.1, -1.0], [1.0] + [0.2 * k for k in range(9)]])
def test_the_quadrature_agrees_with_mpmath_and_errs_upwards(scores, shift):
    found = table([scores], [0], [0.4]).error(shift)
    expected = by_mpmath([(scores[0] - other) / 0.4 for other in scores[1:]], shift)
    assert expected <= found <= expected + 2 * QUADRATURE_TOLERANCE


@pytest.mark.parametrize("classes", [2, 50, 51, 1000, 2000])
def test_the_spacing_is_fine_enough_for_many_classes(classes):
    """Hardest for the rule: all rivals equally close, where the product is steepest."""
    rng = np.random.default_rng(classes)
    for offset in (1.0, 3.0, 4.5):
        scores = np.r_[offset, np.zeros(classes - 1)][None]
        scores[0, 1:] += 0.01 * rng.normal(size=classes - 1)
        coarse, fine = table(scores, [0], [1.0]), table(scores, [0], [1.0], spacing=1 / 64)
        for shift in (0.0, 1.0):
            assert coarse.error(shift) == pytest.approx(fine.error(shift), abs=QUADRATURE_TOLERANCE / 2)


def test_the_error_is_that_of_sampled_heads_in_the_metric():
    evidence = World(K=4, d=5).evidence(0, 120, 5)
    head = candidates(evidence)[5]
    z, labels = (torch.cat(part) for part in zip(*held_out_chunks(evidence, head.count), strict=True))
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(20_000, 4, 5, dtype=torch.float64, generator=generator)
    heads = evidence.head.weight + head.sigma * (noise / head.metric.root) @ head.metric.basis.T
    scores = torch.einsum("hkd,nd->hnk", heads, z)
    own = scores.gather(2, labels[None, :, None].expand(len(heads), -1, 1))
    gaps = (own - scores).scatter(2, labels[None, :, None].expand(len(heads), -1, 1), math.inf).amin(2)
    found = head.table(evidence)
    for shift in (0.0, 1.0):
        threshold = shift * head.sigma * head.metric.spread(z)
        sampled = (gaps <= threshold).double().mean(1)
        assert found.error(shift) == pytest.approx(
            float(sampled.mean()), abs=5 * float(sampled.std()) / math.sqrt(len(heads)) + 1e-3
        )


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6), st.floats(0.01, 5), st.sampled_from(SHIFTS))
def test_wherever_the_mean_head_errs_the_margin_error_is_at_least_q(scores, spread, shift):
    quantile = 0.5 * (1 + math.erf(shift / 2))
    found = table([scores], [0], [spread]).error(shift)
    if max(scores[1:]) >= scores[0]:
        assert found >= quantile - 1e-12


def test_a_vector_of_norm_zero_is_an_error_and_a_sure_margin_is_not():
    assert table([[0.0, 0.0]], [0], [0.0]).error(0.0) == 1.0
    assert table([[1.0, 0.0]], [0], [0.0]).error(0.0) <= 2 * QUADRATURE_TOLERANCE


def test_margins_merge_to_one_pass_and_absent_classes_count_as_errors():
    rng = np.random.default_rng(0)
    scores, labels, spread = rng.normal(size=(40, 3)), rng.integers(2, size=40), rng.uniform(0.1, 1, 40)
    whole = table(scores, labels, spread)
    parts = table(scores[:7], labels[:7], spread[:7]).merge(table(scores[7:], labels[7:], spread[7:]))
    assert torch.allclose(whole.sums, parts.sums, atol=1e-12)
    assert whole.class_errors(0.5)[2] == 1.0
    with pytest.raises(NumericalError, match="not a number"):
        table([[math.nan, 0.0]], [0], [1.0])


def test_several_spreads_at_once_are_the_tables_of_each():
    rng = np.random.default_rng(3)
    scores, labels = rng.normal(size=(40, 3)), rng.integers(3, size=40)
    spreads = rng.uniform(0.0, 1, (5, 40)) * (rng.random((5, 40)) > 0.1)
    empty = MarginTable.empty(3, heads=(5,))
    together = empty.update(*(torch.as_tensor(one) for one in (scores, labels, spreads)))
    for found, spread in zip(together.errors((0.0, 0.5, 2.0)), spreads, strict=True):
        alone = table(scores, labels, spread)
        assert found.tolist() == pytest.approx([alone.error(shift) for shift in (0.0, 0.5, 2.0)], rel=1e-12)


@pytest.mark.parametrize("name", ["pac_bayes", "pac_bayes_deterministic"])
def test_the_search_finds_the_best_point_of_the_grid_on_the_rows_it_looks_at(name):
    evidence = World(K=3, d=4).evidence(2, 200, 5)
    chosen = THEOREMS[name].found(evidence, 0.1)
    shifts = (0.0,) if name == "pac_bayes" else SHIFTS
    tried = {}
    for head in candidates(evidence):
        z, labels = (torch.cat(part) for part in zip(*held_out_chunks(evidence, head.count), strict=True))
        rough = MarginTable.empty(3, spacing=0.5)
        margins = rough.update(evidence.head(z), labels, head.sigma * head.metric.spread(z))
        for shift in shifts:
            values = gaussian_values(head, 0.1, len(shifts)) | {
                "gibbs_error": margins.error(shift),
                "margin_error": margins.error(shift),
                "quantile": quantile(shift),
            }
            tried[head.sigma, head.count, shift] = chosen.expression.combined(
                chosen.expression.evaluate(values)
            )
    sigma, count, _ = min(tried, key=tried.get)
    assert (chosen.values["sigma"], chosen.values["n_Q"]) == (sigma, count)


def test_the_divergence_is_that_of_the_full_gaussians():
    evidence = World(K=2, d=3).evidence(0, 60, 5)
    head = candidates(evidence)[0]
    outside = round(head.key[0] * evidence.n)
    prior = fitting_head(evidence, outside)
    inside = fitting_squares(evidence, outside)
    assert inside.count == evidence.n - outside
    precision = head.metric.basis @ torch.diag(head.metric.root**2) @ head.metric.basis.T
    covariance = torch.block_diag(*[torch.linalg.inv(precision)] * 2) * head.sigma**2
    first = torch.distributions.MultivariateNormal(evidence.head.weight.reshape(-1), covariance)
    second = torch.distributions.MultivariateNormal(prior.weight.reshape(-1), covariance)
    expected = float(torch.distributions.kl_divergence(first, second))
    assert head.distance**2 / (2 * head.sigma**2) == pytest.approx(expected, rel=1e-8)


def test_the_metric_uses_only_the_rows_of_the_prior():
    evidence = World().evidence(0, 100, 5)
    outside = 50
    moved = evidence.labeled.views[0].copy()
    moved[evidence.row_ranks < outside] *= -0.5
    other = dataclasses.replace(evidence, labeled=Representations((moved,), evidence.labeled.labels))
    a, b = (Metric.of(fitting_squares(one, outside), 0.1)[0] for one in (evidence, other))
    assert torch.equal(a.root, b.root)
    assert a.scale == b.scale


def naive(evidence, name, delta):
    """Recompute the reported optimum: kl inverse by a scan of its definition, the grid paid for in full."""
    bound = THEOREMS[name].evaluate(evidence, delta)
    s = bound.symbols
    points = len(GRID) * (1 if name == "pac_bayes" else len(SHIFTS))
    divergence = s["head_shift"] ** 2 / (2 * s["sigma"] ** 2)
    budget = (divergence + math.log(2 * math.sqrt(s["n_Q"]) * points / delta)) / s["n_Q"]
    mean = s["gibbs_error"] if name == "pac_bayes" else s["margin_error"]
    low, high = mean, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if binary_kl(mean, middle) <= budget else (low, middle)
    return bound, low / (1.0 if name == "pac_bayes" else s["quantile"])


@pytest.mark.parametrize("name", ["pac_bayes", "pac_bayes_deterministic"])
def test_the_value_pays_for_every_point_of_the_grid(name):
    """Minimising over temperatures or variances without a union bound is a known mistake of public code."""
    bound, expected = naive(World().evidence(0, 300, 5), name, 0.05)
    assert bound.value == pytest.approx(expected, rel=1e-9)
    assert bound.value >= expected


def test_the_bound_is_never_below_the_error_it_starts_from():
    bound = THEOREMS["pac_bayes"].evaluate(World().evidence(1, 300, 5), 0.05)
    assert bound.value >= bound.terms["gibbs_error"].value
    assert bound.terms["confidence"].value > 0


def test_a_useless_representation_is_vacuous_and_not_certified_at_zero():
    evidence = World().evidence(1, 100, 5)
    collapsed = Representations((np.zeros_like(evidence.labeled.views[0]),), evidence.labeled.labels)
    for name in ("pac_bayes", "pac_bayes_deterministic"):
        bound = THEOREMS[name].evaluate(dataclasses.replace(evidence, labeled=collapsed), 0.05)
        assert bound.vacuous


def test_fewer_than_eight_items_outside_the_prior_are_refused():
    with pytest.raises(NotApplicable, match="at least 16 labels"):
        THEOREMS["pac_bayes"].evaluate(World().evidence(1, 14, 5), 0.05)


def test_the_random_head_that_is_deployed_is_the_one_that_is_bounded():
    """Its noise has the covariance σ²A⁻², A² the second moment of the prior's rows with its ridge."""
    evidence = World().evidence(2, 300, 5)
    bound = THEOREMS["pac_bayes"].evaluate(evidence, 0.05)
    chosen = next(head for head in candidates(evidence) if head.sigma == bound.symbols["sigma"])
    outside, ridge, noise = chosen.key
    rows = evidence.labeled.views[0][evidence.row_ranks >= round(outside * 300)]
    moment = rows.T @ rows / len(rows)
    precision = moment + ridge * np.trace(moment) / len(moment) * np.eye(len(moment))
    added = bound.model.decision.noise.numpy()
    assert added.T @ added == pytest.approx(chosen.sigma**2 * np.linalg.inv(precision), rel=1e-8)
    assert bound.model.decision.seed == evidence.setting.seed == 2
    said = f"prior from {100 - 100 * outside:.0f}% of S, covariance ridge {ridge:g}, typical noise {noise:.3g} per score"
    assert bound.notes[-1].startswith(said)


@pytest.mark.parametrize("name", ["pac_bayes", "pac_bayes_deterministic"])
def test_the_head_of_the_grid_whose_bound_is_smallest_is_chosen(name):
    """The rows of Q are few enough to be looked at whole by the search, if at a coarser spacing."""
    evidence = World().evidence(4, 300, 5)
    expression = THEOREMS[name].proof().expression
    tried = []
    shifts = (0.0,) if name == "pac_bayes" else SHIFTS
    for head in candidates(evidence):
        margins = head.table(evidence)
        for shift in shifts:
            error = margins.error(shift)
            values = gaussian_values(head, 0.05, len(shifts))
            values |= {"gibbs_error": error, "margin_error": error, "quantile": quantile(shift)}
            tried.append(expression.combined(expression.evaluate(values)))
    assert THEOREMS[name].evaluate(evidence, 0.05).value == pytest.approx(min(tried), rel=1e-4)


@pytest.mark.parametrize("trials", [12, pytest.param(80, marks=pytest.mark.slow)])
def test_no_more_violations_than_delta_allows_for_the_mean_head(trials):
    world, violations = World(K=2, d=2, points=8, sharpness=2.0), 0
    for seed in range(trials):
        evidence = world.evidence(seed, 80, 5)
        bound = THEOREMS["pac_bayes_deterministic"].evaluate(evidence, 0.5)
        violations += bound.value < world.error(head_of(evidence, bound))
    assert_covers(violations, trials, 0.5)


@pytest.mark.parametrize("trials", [12, pytest.param(80, marks=pytest.mark.slow)])
def test_no_more_violations_than_delta_allows_for_the_random_head(trials):
    world, violations = World(K=2, d=2, points=8, sharpness=2.0), 0
    z, joint = torch.tensor(world.z), world.joint()
    for seed in range(trials):
        evidence = world.evidence(seed, 80, 5)
        bound = THEOREMS["pac_bayes"].evaluate(evidence, 0.5)
        head = next(h for h in candidates(evidence) if h.sigma == bound.symbols["sigma"])
        truth = 0.0
        for y in range(world.K):
            for i in range(len(z)):
                row = MarginTable.empty(world.K).update(
                    evidence.head(z[i : i + 1]),
                    torch.tensor([y]),
                    head.sigma * head.metric.spread(z[i : i + 1]),
                )
                truth += float(joint[y, i]) * row.error(0.0)
        violations += bound.value < truth - 1e-8
    assert_covers(violations, trials, 0.5)


@pytest.mark.parametrize("shift", [0.2, 1.0, 3.0])
def test_the_quantile_is_of_a_normal_difference(shift):
    exact = 0.5 * math.erfc(-shift / 2)
    assert quantile(shift) == pytest.approx(exact, rel=1e-12)
    assert quantile(shift) <= exact
