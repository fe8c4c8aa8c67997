"""The pages say what the saved results say, missed limits included."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import pages

from tests.benchmarks_proofs import LIMITS

SAVED = json.loads((pages.ROOT / "tests" / "results" / "benchmarks_proofs.json").read_text("utf-8"))


def test_the_speed_of_proofs_is_shown_with_every_limit() -> None:
    assert SAVED["limits"] == LIMITS
    shown = pages.proof_speed(SAVED)
    assert len(shown) == len(LIMITS)
    for cost, (name, most) in zip(shown.values(), LIMITS.items(), strict=True):
        assert f"of {most:g} s that" in cost or f"of {1000 * most:g} ms that" in cost
        assert cost.endswith("**missed**") == (SAVED["found"][name] > most)


def test_a_limit_is_missed_only_above_it() -> None:
    for factor, missed in ((1.0, False), (1.01, True)):
        found = SAVED["found"] | {name: factor * most for name, most in LIMITS.items()}
        shown = pages.proof_speed({"limits": LIMITS, "found": found})
        assert [cost.endswith("**missed**") for cost in shown.values()] == [missed] * len(LIMITS)
