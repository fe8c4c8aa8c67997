"""Complexities against enumeration of all sign vectors, and the validity that each value claims."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bounds.complexity import (
    Complexity,
    FiniteClass,
    Information,
    LinearHead,
    LinearMap,
    Singleton,
    linear_ball,
    rademacher,
    signs,
)
from bounds.errors import InvalidData, InvalidOption, NotApplicable
from bounds.representations.table import Representations


def all_signs(n: int) -> np.ndarray:
    return np.array(list(itertools.product((-1.0, 1.0), repeat=n)))


def encoders(seed: int, m: int, members: int, d: int = 3) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(m, d)), rng.normal(size=(m, d))) for _ in range(members)]


def exact_finite(data: list[tuple[np.ndarray, np.ndarray]]) -> float:
    a = np.stack([np.sqrt(((x - y) ** 2).sum(1)) for x, y in data], axis=1)
    return float((all_signs(len(a)) @ a).max(1).mean() / math.sqrt(len(a)))


def not_below(hits: int, trials: int, rate: float) -> bool:
    """Whether `hits` is compatible with a success rate of at least `rate`."""
    return stats.binomtest(hits, trials, rate, alternative="less").pvalue > 1e-3


# --- finite classes: exact enumeration ---


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 6))
def test_massart_bounds_the_exact_complexity(seed: int, m: int, members: int) -> None:
    data = encoders(seed, m, members)
    exact, got = exact_finite(data), rademacher(data, FiniteClass(), draws=8)
    assert got.upper is not None
    assert exact <= got.upper + 1e-12
    assert got.details["massart"] == got.upper
    assert got.delta == 0


@pytest.mark.parametrize("m", [3, 9, 14])
def test_monte_carlo_covers_the_exact_value_at_its_level(m: int) -> None:
    data = encoders(1, m, 5)
    exact, trials, level = exact_finite(data), 200, 0.7
    found = [rademacher(data, FiniteClass(), draws=16, seed=s, level=level, delta=0.2) for s in range(trials)]
    estimates = [f.monte_carlo for f in found if f.monte_carlo is not None]
    assert len(estimates) == trials
    assert not_below(sum(e.low <= exact <= e.high for e in estimates), trials, level)
    assert not_below(sum(exact <= f.upper for f in found if f.upper is not None), trials, 0.8)
    values = np.array([e.value for e in estimates])
    assert abs(values.mean() - exact) < 4 * values.std(ddof=1) / math.sqrt(trials)


def test_the_interval_shrinks_like_one_over_root_draws_and_follows_mcdiarmid() -> None:
    data = encoders(2, 12, 4)
    a = np.stack([np.linalg.norm(x - y, axis=1) for x, y in data], axis=1)
    spread = a.max(1) - a.min(1)
    for draws in (50, 5000):
        e = rademacher(data, FiniteClass(), draws=draws, level=0.9, seed=3).monte_carlo
        assert e is not None
        half = math.sqrt((spread**2).mean() * math.log(1 / 0.05) / (2 * draws))
        assert e.high - e.value == pytest.approx(half, rel=1e-9)


def test_the_paid_limit_beats_massart_with_many_draws_and_is_charged() -> None:
    data = encoders(3, 14, 6)
    free, paid = (rademacher(data, FiniteClass(), draws=4000, delta=d) for d in (None, 0.01))
    assert free.upper is not None
    assert paid.upper is not None
    assert exact_finite(data) <= paid.upper < free.upper
    assert paid.delta == 0.01


def test_order_of_encoders_and_chunking_do_not_matter() -> None:
    data = encoders(4, 50, 5)
    one = rademacher(data, FiniteClass(), draws=40, delta=0.1)
    for other in (
        rademacher(data[::-1], FiniteClass(), draws=40, delta=0.1),
        rademacher(data, FiniteClass(), draws=40, delta=0.1, rows=7),
        rademacher([Representations(pair) for pair in data], FiniteClass(), draws=40, delta=0.1),
    ):
        assert other.upper == pytest.approx(one.upper, rel=1e-12)
        assert other.monte_carlo is not None
        assert one.monte_carlo is not None
        assert other.monte_carlo.value == pytest.approx(one.monte_carlo.value, rel=1e-12)


def test_one_encoder_or_copies_of_one_have_complexity_zero() -> None:
    data = encoders(5, 20, 1)
    for members in (1, 3):
        got = rademacher(data * members, FiniteClass(), draws=10)
        assert got.upper == pytest.approx(0, abs=1e-12)
        assert got.monte_carlo is not None
        assert got.monte_carlo.value == pytest.approx(0, abs=1e-12)


def test_singleton_is_zero_for_every_sample() -> None:
    got = rademacher(encoders(6, 9, 1)[0], Singleton())
    assert (got.upper, got.kind, got.m) == (0.0, "expected", 9)


# --- linear classes ---


def dual_norm(matrices: np.ndarray, norm: str) -> np.ndarray:
    return np.linalg.norm(matrices, ord="fro" if norm == "frobenius" else "nuc", axis=(1, 2))


def exact_contraction(z: np.ndarray, outputs: int, norm: str) -> float:
    """sqrt(2) E||Xi Z|| / sqrt(m) over all 2^(K m) sign matrices."""
    m = len(z)
    xi = all_signs(outputs * m).reshape(-1, outputs, m)
    return math.sqrt(2) * float(dual_norm(xi @ z, norm).mean()) / math.sqrt(m)


@pytest.mark.parametrize("norm", ["frobenius", "spectral"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_contraction_monte_carlo_covers_its_exact_value(norm: Any, precision: Any) -> None:
    rng = np.random.default_rng(7)
    h, m, outputs = rng.normal(size=(7, 3)), 7, 2
    exact = 1.7 * exact_contraction(h, outputs, norm)
    trials = 60
    found = [
        rademacher(
            (h, np.zeros_like(h)),
            LinearMap(1.7, norm, outputs),
            draws=30,
            seed=s,
            level=0.7,
            delta=0.3,
            search=0,
            precision=precision,
        )
        for s in range(trials)
    ]
    estimates = [f.monte_carlo for f in found if f.monte_carlo is not None]
    assert not_below(sum(e.low <= exact <= e.high for e in estimates), trials, 0.7)
    assert not_below(sum(exact <= f.upper for f in found if f.upper is not None), trials, 0.7)
    values = np.array([e.value for e in estimates])
    # Values are cut at the closed form, so their mean may only fall short of the exact one.
    assert exact - 0.05 * exact < values.mean() < exact + 4 * values.std(ddof=1) / math.sqrt(trials)
    assert all(f.details["closed_form"] >= exact for f in found)
    assert m == found[0].m


@given(
    st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4), st.sampled_from(["frobenius", "spectral"])
)
def test_closed_forms_bound_the_exact_contraction(seed: int, outputs: int, d: int, norm: Any) -> None:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 12 // outputs + 1))
    z = rng.normal(size=(m, d)) * 10.0 ** rng.integers(-3, 4)
    rows = min(outputs, d)
    exact = exact_contraction(z, rows, norm)
    got = rademacher((z, np.zeros_like(z)), LinearMap(1.0, norm, outputs), draws=2, search=0)
    assert got.upper is not None
    assert got.upper >= exact * (1 - 1e-12)
    if norm == "frobenius":
        assert got.upper == pytest.approx(math.sqrt(2 * rows * (z**2).sum() / m), rel=1e-12)
        assert got.upper <= exact * math.sqrt(1 + 2 / rows) * (1 + 1e-12)


def test_gaussian_contraction_replaces_root_two_by_root_half_pi() -> None:
    rng = np.random.default_rng(8)
    z, y = rng.normal(size=(40, 5)), rng.integers(0, 4, 40)
    signed, gaussian = (
        rademacher((z, y), LinearHead(2.0, contraction=c), draws=400, search=0)
        for c in ("maurer", "gaussian")
    )
    assert gaussian.upper == pytest.approx(2.0 * math.sqrt(math.pi / 2 * 4 * (z**2).sum() / 40), rel=1e-12)
    assert signed.upper == pytest.approx(2.0 * math.sqrt(2 * 4 * (z**2).sum() / 40), rel=1e-12)
    # E||G Z||_F, G Gaussian, by brute force.
    draws = np.linalg.norm(rng.normal(size=(20000, 4, 40)) @ z, axis=(1, 2)) * 2 * math.sqrt(math.pi / 2 / 40)
    e = gaussian.monte_carlo
    assert e is not None
    assert e.low <= draws.mean() <= e.high
    assert e.value == pytest.approx(draws.mean(), rel=0.02)


def exact_head(z: np.ndarray, y: np.ndarray, beta: float, signs_: np.ndarray) -> np.ndarray:
    """sup over ||w||_2 <= beta, w in R^2 (K = 2, d = 1), of sum_i xi_i (||e_y - w z|| - 1), by grid."""
    angle, radius = np.meshgrid(np.linspace(0, 2 * np.pi, 361), np.linspace(0, beta, 41))
    w = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(-1, 2)
    losses = np.linalg.norm(np.eye(2)[y][None] - w[:, None, :] * z[None], axis=2) - 1
    return np.concatenate([(part @ losses.T).max(1) for part in np.array_split(signs_, 8)])


@pytest.mark.parametrize("beta", [0.5, 3.0])
def test_head_lower_and_upper_enclose_the_exact_complexity(beta: float) -> None:
    rng = np.random.default_rng(9)
    m = 10
    z, y = rng.normal(size=(m, 1)), rng.integers(0, 2, m)
    exact = exact_head(z, y, beta, all_signs(m)).mean() / math.sqrt(m)
    got = rademacher((z, y), LinearHead(beta, num_classes=2), draws=100, search=200)
    assert got.upper is not None
    assert got.lower is not None
    assert got.lower.low <= exact <= got.upper
    same_signs = exact_head(z, y, beta, signs(0, range(m), 200).numpy().T).mean() / math.sqrt(m)
    assert 0.85 * same_signs <= got.lower.value <= same_signs * (1 + 1e-3)


def test_head_lower_limit_holds_at_its_level() -> None:
    rng = np.random.default_rng(10)
    z, y = rng.normal(size=(8, 1)), rng.integers(0, 2, 8)
    exact = exact_head(z, y, 1.0, all_signs(8)).mean() / math.sqrt(8)
    found = [
        rademacher((z, y), LinearHead(1.0), draws=1, search=16, seed=s, level=0.6).lower for s in range(30)
    ]
    lows = [e.low for e in found if e is not None]
    assert not_below(sum(low <= exact * (1 + 1e-3) for low in lows), 30, 0.6)
    assert max(lows) > 0


def test_search_finds_the_supremum_of_a_linear_problem() -> None:
    # One output and targets far away: ||t - w z|| is -w z up to O(1), so the supremum is beta |sum xi z|.
    rng = np.random.default_rng(11)
    z = rng.normal(size=(30, 1))
    got = rademacher((z, np.zeros_like(z)), LinearMap(2.0), draws=1, search=50)
    assert got.lower is not None
    xi = signs(0, range(30), 50).numpy().T
    exact = 2 * np.maximum(0, xi @ np.abs(z[:, 0])).mean() / math.sqrt(30)
    assert got.lower.value == pytest.approx(exact, rel=1e-9)


def test_a_spectral_ball_contains_the_frobenius_ball_and_finds_more() -> None:
    rng = np.random.default_rng(12)
    pair = (rng.normal(size=(60, 4)), rng.normal(size=(60, 4)))
    small, large = (
        rademacher(pair, LinearMap(1.0, n), draws=20, search=6) for n in ("frobenius", "spectral")
    )
    assert small.lower is not None
    assert large.lower is not None
    assert large.lower.value > small.lower.value
    assert small.upper is not None
    assert large.upper is not None
    assert small.lower.value < small.upper < large.upper


def test_more_outputs_than_dimensions_cost_nothing() -> None:
    rng = np.random.default_rng(13)
    pair = (rng.normal(size=(20, 3)), rng.normal(size=(20, 3)))
    for norm in ("frobenius", "spectral"):
        few, many = (rademacher(pair, LinearMap(1.0, norm, k), draws=5, search=0).upper for k in (3, 300))  # type: ignore[arg-type]
        assert few == many


def test_float32_products_stay_within_the_stated_rounding() -> None:
    rng = np.random.default_rng(14)
    z = (rng.normal(size=(3000, 6)) + 5) * 1e3
    low, high = (
        rademacher((z, 0 * z), LinearMap(1.0, "spectral", 2), draws=20, search=0, precision=p).monte_carlo
        for p in ("float32", "float64")
    )
    assert low is not None
    assert high is not None
    assert low.value == pytest.approx(high.value, rel=1e-5)
    gamma = 1025 * 2.0**-24 / (1 - 1025 * 2.0**-24)
    rounding = math.sqrt(2 / 3000) * gamma * 2 * math.sqrt(3000) * np.linalg.norm(z)
    assert (low.value - low.low) - (high.value - high.low) == pytest.approx(rounding, rel=1e-3)


def test_draws_may_be_summed_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(22)
    pair = (rng.normal(size=(30, 4)), rng.normal(size=(30, 4)))
    whole = rademacher(pair, LinearMap(1.0, "spectral"), draws=13, search=0).monte_carlo
    monkeypatch.setattr(linear_ball, "_MAX_SUMS", 3 * 4 * 4)
    monkeypatch.setattr(linear_ball, "_DRAW_BLOCK", 5)
    grouped = rademacher(pair, LinearMap(1.0, "spectral"), draws=13, search=0).monte_carlo
    assert whole is not None
    assert grouped is not None
    assert grouped.value == pytest.approx(whole.value, rel=1e-6)


def test_the_search_pays_for_its_few_draws() -> None:
    rng = np.random.default_rng(23)
    z, y = rng.normal(size=(50, 2)), rng.integers(0, 3, 50)
    e = rademacher((z, y), LinearHead(1.5), draws=1, search=40, level=0.8).lower
    assert e is not None
    half = math.sqrt(2 * 1.5**2 * (z**2).sum() / 50 * math.log(1 / 0.2) / 40)
    assert e.low == pytest.approx(e.value - half, rel=1e-9)


@pytest.mark.parametrize("rows", [7, 4096])
def test_linear_results_do_not_depend_on_chunking(rows: int) -> None:
    rng = np.random.default_rng(15)
    z, y = rng.normal(size=(90, 4)), rng.integers(0, 3, 90)
    one, other = (
        rademacher((z, y), LinearHead(1.0), draws=30, search=3, rows=r, precision="float64")
        for r in (90, rows)
    )
    for a, b in ((one.monte_carlo, other.monte_carlo), (one.lower, other.lower)):
        assert a is not None
        assert b is not None
        assert b.value == pytest.approx(a.value, rel=1e-9)


@settings(max_examples=10)
@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_complexity_scales_with_the_ball_and_the_data(beta: float, scale: float) -> None:
    rng = np.random.default_rng(16)
    pair = (rng.normal(size=(12, 3)), rng.normal(size=(12, 3)))
    one = rademacher(pair, LinearMap(1.0), draws=5, search=2)
    other = rademacher((pair[0] * scale, pair[1] * scale), LinearMap(beta), draws=5, search=2)
    assert one.upper is not None
    assert one.lower is not None
    assert other.lower is not None
    assert other.upper == pytest.approx(one.upper * beta * scale, rel=1e-9)
    assert other.lower.value == pytest.approx(one.lower.value * beta * scale, rel=1e-6)


# --- kinds, gaps, estimates ---


def test_each_kind_gets_its_own_deviation() -> None:
    rng = np.random.default_rng(17)
    z, y = rng.normal(size=(50, 2)), rng.integers(0, 2, 50)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    empirical = rademacher((z, y), LinearHead(1.0), draws=2, search=0)
    expected = rademacher((z, y), LinearHead(1.0, radius=1.0), draws=2, search=0)
    assert (empirical.kind, expected.kind) == ("empirical", "expected")
    assert empirical.upper is not None
    gap = empirical.gap(tau=2.0, delta=0.1)
    assert gap.complexity == pytest.approx(2 * empirical.upper / math.sqrt(50))
    assert gap.confidence == pytest.approx(3 * 2.0 * math.sqrt(math.log(20) / 100))
    assert gap.value == gap.complexity + gap.confidence
    assert expected.gap(2.0, 0.1).confidence == pytest.approx(2.0 * math.sqrt(math.log(10) / 100))
    assert expected.upper == pytest.approx(math.sqrt(2) * math.sqrt(2), rel=1e-12)


def test_what_the_signs_spent_is_added_to_the_gap() -> None:
    got = rademacher(encoders(18, 30, 4), FiniteClass(), delta=0.02, draws=50)
    assert got.gap(1.0, 0.05).delta == pytest.approx(0.07)


def test_uniform_deviation_holds_in_simulation() -> None:
    # Two encoders of scalar data: the worse of two overestimated means stays below the gap.
    rng, failures, trials, m = np.random.default_rng(19), 0, 200, 40
    for trial in range(trials):
        a = rng.uniform(size=(m, 6))
        data = [(a[:, [j]], np.zeros((m, 1))) for j in range(6)]
        gap = rademacher(data, FiniteClass(), draws=20, delta=0.05, seed=trial).gap(1.0, 0.05)
        failures += (0.5 - a.mean(0)).max() > gap.value
    assert not_below(trials - failures, trials, 0.9)


def test_information_is_an_estimate_and_gives_no_gap() -> None:
    pair = encoders(20, 30, 1)[0]
    got = rademacher(pair, Information(3.0))
    square = ((pair[0] - pair[1]) ** 2).sum() / 30
    assert got.upper == pytest.approx(math.sqrt(2 * math.exp(3.0) * square))
    assert got.status == "estimate"
    with pytest.raises(NotApplicable, match="no proved upper bound"):
        got.gap(1.0, 0.1)
    assert rademacher(pair, Information(5000.0)).upper == math.inf


def test_a_complexity_prints_its_class_convention_and_validity() -> None:
    text = str(rademacher(encoders(21, 10, 3), FiniteClass(), draws=4))
    for part in ("FiniteClass(J=3)", "no absolute value", "m = 10", "empirical", "Massart", "level 0.95"):
        assert part in text


# --- refusals ---

PAIR = (np.ones((4, 2)), np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: rademacher(PAIR, None), InvalidOption, "function_class"),  # type: ignore[arg-type]
        (lambda: rademacher([PAIR], FiniteClass), InvalidOption, "function_class"),  # type: ignore[arg-type]
        (lambda: rademacher(PAIR, FiniteClass()), InvalidData, "list"),
        (lambda: rademacher([], FiniteClass()), InvalidData, "list"),
        (lambda: rademacher([PAIR, (np.ones((5, 2)),) * 2], FiniteClass()), InvalidData, "lengths"),
        (lambda: rademacher([np.ones((4, 2))], FiniteClass()), InvalidData, "one view"),
        (lambda: rademacher(np.ones((4, 2)), LinearMap(1.0)), InvalidData, "one view"),
        (lambda: rademacher(PAIR, LinearHead(1.0)), InvalidOption, "num_classes"),
        (lambda: rademacher((PAIR[0], np.array([0, 1, 2, 5])), LinearHead(1.0, 3)), InvalidData, "Labels"),
        (
            lambda: rademacher((PAIR[0], np.array([0.5, 1, 2, 1])), LinearHead(1.0, 3)),
            InvalidData,
            "label 0.5",
        ),
        (lambda: rademacher((PAIR[0] * 9, PAIR[1]), LinearMap(1.0, radius=1.0)), InvalidData, "radius"),
        (lambda: LinearHead(0.0), InvalidOption, "beta"),
        (lambda: LinearHead(math.nan), InvalidOption, "beta"),
        (lambda: LinearHead(1.0, radius=-1.0), InvalidOption, "radius"),
        (lambda: LinearMap(1.0, "nuclear"), InvalidOption, "norm"),  # type: ignore[arg-type]
        (lambda: LinearMap(1.0, contraction="exact"), InvalidOption, "contraction"),  # type: ignore[arg-type]
        (lambda: LinearMap(1.0, outputs=0), InvalidOption, "outputs"),
        (lambda: Information(-1.0), InvalidOption, "nats"),
        (lambda: rademacher([PAIR], FiniteClass(), draws=0), InvalidOption, "draws"),
        (lambda: rademacher([PAIR], FiniteClass(), level=1.0), InvalidOption, "level"),
        (lambda: rademacher([PAIR], FiniteClass(), delta=0.0), InvalidOption, "delta"),
        (lambda: rademacher([PAIR], FiniteClass(), precision="half"), InvalidOption, "precision"),  # type: ignore[arg-type]
        (lambda: rademacher(PAIR, Singleton()).gap(math.nan, 0.1), InvalidOption, "tau"),
        (lambda: rademacher(PAIR, Singleton()).gap(1.0, 1.0), InvalidOption, "delta"),
        (lambda: rademacher([(PAIR[0] * math.nan, PAIR[1])], FiniteClass()), InvalidData, "NaN"),
        (lambda: rademacher("file", Singleton()), InvalidData, "array"),
    ],
)
def test_bad_input_is_refused(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_without_labels_a_head_has_no_lower_bound() -> None:
    got: Complexity = rademacher(torch.randn(6, 2), LinearHead(1.0, num_classes=3), draws=3)
    assert got.lower is None
    assert got.upper is not None
