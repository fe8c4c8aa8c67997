"""correlate() against scipy on resampled rows, on reports and on plain records."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from bounds.correlation import correlate
from bounds.errors import InvalidData, InvalidOption


def records(n=12, seed=0):
    rng = np.random.default_rng(seed)
    error = rng.uniform(size=n)
    return [
        {"test_error": e, "good": 2 * e + 1, "bad": -(e**3), "noise": u, "ties": round(4 * u)}
        for e, u in zip(error, rng.uniform(size=n), strict=True)
    ]


def test_tau_is_scipys_and_monotone_quantities_reach_one():
    rows = records()
    frame = correlate(rows).set_index("quantity")
    for name in ("noise", "ties"):
        expected = kendalltau([r[name] for r in rows], [r["test_error"] for r in rows])
        assert frame.loc[name, "tau"] == pytest.approx(expected.statistic, abs=1e-12)
        assert frame.loc[name, "p_value"] == pytest.approx(expected.pvalue, abs=1e-12)
    assert frame.loc["good", ["tau", "low", "high"]].tolist() == pytest.approx([1, 1, 1], abs=1e-12)
    assert frame.loc["bad", ["tau", "low", "high"]].tolist() == pytest.approx([-1, -1, -1], abs=1e-12)


def test_interval_is_the_percentile_interval_of_tau_on_resampled_checkpoints():
    rows = records()
    x, y = np.array([r["ties"] for r in rows]), np.array([r["test_error"] for r in rows])
    weights = np.random.default_rng(3).multinomial(12, np.full(12, 1 / 12), size=200)
    taus = [kendalltau(np.repeat(x, w), np.repeat(y, w)).statistic for w in weights]
    found = correlate(rows, draws=200, seed=3, level=0.8).set_index("quantity").loc["ties"]
    assert [found["low"], found["high"]] == pytest.approx(
        np.nanquantile(taus, [0.1, 0.9]).tolist(), abs=1e-12
    )


def test_interval_covers_zero_correlation_at_its_rate():
    hits = [
        (found["low"] <= 0 <= found["high"])
        for seed in range(60)
        for found in [correlate(records(30, seed), draws=300, level=0.9).set_index("quantity").loc["noise"]]
    ]
    assert np.mean(hits) > 0.75


def report_like(error, bound):
    return {
        "bounds": {"vicreg": {"value": bound, "terms": {"invariance": {"value": bound / 2}}}},
        "quantities": {"m": 10, "invariance": bound / 2},
        "measured": {"min-norm": {"error": error, "loss": 1.0 - error}},
        "provenance": {"head": "min-norm"},
    }


def test_reports_give_bounds_terms_and_quantities_and_extra_scalars_ride_along():
    reports = {f"epoch {i}": {"report": report_like(0.1 * i, 9.0 - i), "RankMe": i**2} for i in range(5)}
    frame = correlate(reports).set_index("quantity")
    assert frame.loc["vicreg", "kind"] == "bound"
    assert frame.loc["vicreg.invariance", "kind"] == "term"
    assert frame.loc["RankMe", "kind"] == "quantity"
    assert frame.loc["vicreg", "tau"] == pytest.approx(-1)
    assert frame.loc["RankMe", "tau"] == pytest.approx(1)
    assert frame.loc["test_loss", "tau"] == pytest.approx(-1)


def test_constant_and_rare_quantities_are_left_out_with_a_reason():
    rows = [{**row, "constant": 1.0} for row in records()]
    rows[0]["rare"] = 2.0
    frame = correlate(pd.DataFrame(rows))
    assert set(frame["quantity"]) == {"good", "bad", "noise", "ties"}
    assert frame.attrs["left_out"] == {"constant": "constant", "rare": "known for 1 checkpoints"}


def test_missing_values_reduce_the_count_of_that_quantity_only():
    rows = records()
    del rows[4]["noise"]
    frame = correlate(rows).set_index("quantity")
    assert frame.loc["noise", "count"] == 11
    assert frame.loc["good", "count"] == 12


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(InvalidData, match="at least 3 checkpoints, got 2"):
        correlate(records(2))
    with pytest.raises(InvalidData, match="`test_loss` is missing for checkpoint 0"):
        correlate(records(), against="test_loss")
    with pytest.raises(InvalidData, match="got str"):
        correlate(["report"] * 4)
    with pytest.raises(InvalidOption, match="level"):
        correlate(records(), level=1.0)
