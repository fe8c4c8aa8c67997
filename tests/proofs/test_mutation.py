"""The script that mutates the proofs still finds what it changes."""

from tests import mutation


def test_every_consistent_change_is_still_possible():
    changed = mutation.consistent()
    assert len(changed) >= 30
    for mutant, sources in changed:
        for name, text in sources.items():
            assert text != (mutation.ROOT / name).read_text(), mutant.before


def test_single_changes_are_many_and_drawn_alike_for_a_seed():
    assert len(mutation.files()) > 20
