"""The script that mutates the proofs still finds what it changes."""

import json
import os
import subprocess
import sys

import pytest

from tests import mutation


def test_every_consistent_change_is_still_possible():
    changed = mutation.consistent()
    assert len(changed) >= 30
    for mutant, sources in changed:
        for name, text in sources.items():
            assert text != (mutation.ROOT / name).read_text(), mutant.before


def test_single_changes_are_many_and_drawn_alike_for_a_seed():
    assert len(mutation.files()) > 20


@pytest.mark.slow
@pytest.mark.skipif("MUTANTS" not in os.environ, reason="takes long; `.ci/run mutants` runs it")
def test_thirty_mutants_of_the_kernel_are_noticed(tmp_path):
    """A few survivors change nothing; none may make a bound smaller."""
    saved = tmp_path / "mutation.json"
    command = [sys.executable, "-m", "tests.mutation", "--kernel", "--count", "30", "--seed", "1"]
    environment = os.environ | {"PYTHONPATH": str(mutation.ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, "--output", str(saved)], cwd=mutation.ROOT, env=environment, check=False)
    outcomes = json.loads(saved.read_text())["outcomes"]
    survivors = [one for one in outcomes if one["verdict"] == "survived"]
    assert len(outcomes) == 30
    assert len(survivors) <= 4, survivors
    assert done.returncode == 0, "a mutant that no test notices makes a bound smaller"
