"""The changes of `mutation_numerics`: each has its one place, and a run goes on where another ended."""

import pytest

from tests.mutation_numerics import CHANGES, ROOT, Outcome, changed, digest, kept, saved


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.what.replace(" ", "_"))
def test_every_change_has_one_place_and_tests(change):
    assert changed((ROOT / change.file).read_text(), change).count(change.after)
    assert all((ROOT / part).exists() for part in change.tests)


def test_a_change_without_its_place_is_refused():
    with pytest.raises(ValueError, match="0 times"):
        changed("x = 1", CHANGES[0])


def test_outcomes_are_kept_until_file_or_tests_change(tmp_path):
    out, tree = tmp_path / "results" / "found.json", tmp_path / "tree"
    first, second = CHANGES[:2]
    for change in CHANGES:
        for part in (change.file, *change.tests):
            path = tree / part if part.endswith(".py") else tree / part / "test_one.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# {part}\n")
    found = {one: Outcome(one.what, one.file, "", 1.0, digest(one, tree)) for one in (second, first)}
    assert kept(out, tree) == {}
    saved(found, out)
    assert kept(out, tree) == found
    (tree / first.file).write_text("x = 2\n")
    assert not set(kept(out, tree)) & {one for one in CHANGES if one.file == first.file}
