"""A short seeded part of the fuzz of whole reports; the long one is `python -m tests.fuzz_reports`."""

import math

import pytest

import bounds
from bounds.theorems import THEOREMS
from tests import fuzz_reports


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_no_certified_bound_is_below_the_truth(part):
    found = fuzz_reports.summary([fuzz_reports.world(10_000 + 25 * part + i) for i in range(25)])
    assert not found["bugs"], found["bugs"]
    assert sum(row["delta=1e-07"]["certified"] for row in found["bounds"].values()) > 100


def test_a_few_worlds():
    found = fuzz_reports.summary([fuzz_reports.world(seed) for seed in (1, 2, 73)])
    assert not found["bugs"], found["bugs"]
    assert {"held_out", "test_set"} <= set(found["bounds"])


@pytest.mark.parametrize("seeds", [(501,), pytest.param(range(510, 530), marks=pytest.mark.slow)], ids=len)
@pytest.mark.parametrize("delta", [1e-17, 1e-300])
def test_whole_reports_hold_at_levels_of_which_one_minus_is_one(seeds, delta):
    for seed in seeds:
        found = fuzz_reports.outcomes(seed, delta)
        assert isinstance(found, str) or all(math.isfinite(one.ratio) and not one.failed for one in found)


def test_a_bound_that_is_too_small_is_noticed(monkeypatch):
    """The radius of a world is rarely one, so B³ in place of B shows."""
    honest = bounds.evaluate

    def spoiled(*args, **options):
        report = honest(*args, **options)
        for bound in report.bounds.values():
            object.__setattr__(bound, "value", bound.value * options["radius"] ** 2)
        return report

    monkeypatch.setattr(fuzz_reports.bounds, "evaluate", spoiled)
    small = next(seed for seed in range(100) if fuzz_reports.case_of(seed).options["radius"] == 0.1)
    found = fuzz_reports.outcomes(small, fuzz_reports.RARE)
    assert any(one.failed for one in found if one.name != "best")


def test_a_world_is_its_number():
    first, second = fuzz_reports.outcomes(14, 0.2), fuzz_reports.outcomes(14, 0.2)
    assert [(one.name, one.ratio) for one in first] == [(one.name, one.ratio) for one in second]
    assert {one.name for one in first} - {"best"} <= set(THEOREMS)
