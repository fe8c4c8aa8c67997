"""What was not measured says why, in a new report and in one that was read back."""

import numpy as np
import pytest

import bounds
from bounds.errors import InvalidOption

RNG = np.random.default_rng(0)
Z, Y = RNG.standard_normal((40, 4)).astype(np.float32), np.arange(40) % 2
NEW = RNG.standard_normal((30, 4)).astype(np.float32)


def measured(test=None, **options):
    report = bounds.evaluate(None, (Z, Y), test=test, bounds=["held_out"], progress=False, **options)
    again = bounds.Report.from_dict(report.to_dict()).measured
    assert again == report.measured
    return again


@pytest.mark.parametrize(
    ("test", "head", "reason"),
    [
        (None, "min-norm", r"there are no test items; evaluate with `test=\(x, y\)`"),
        ((Z[:9], Y[:9]), "min-norm", r"all 9 test items are copies of .*`?declared=\{'repeats': 'keep'\}"),
        ((NEW, Y[:30]), "min_norm", "did you mean `min-norm`"),
    ],
)
def test_a_head_that_was_not_measured_says_why(test, head, reason):
    found = measured(test)
    assert found.get(head) is None
    with pytest.raises(KeyError, match=reason):
        found[head]


def test_items_that_are_no_copies_are_measured_and_all_where_the_population_repeats_items():
    mixed = (np.concatenate([NEW, Z[:9]]), np.concatenate([Y[:30], Y[:9]]))
    assert measured(mixed) == measured((NEW, Y[:30]))
    assert measured((Z[:9], Y[:9]), declared={"repeats": "keep"})["min-norm"]["error"] >= 0


def test_groups_without_test_items_are_refused():
    with pytest.raises(InvalidOption, match="`groups` in `declared` are those of test items"):
        measured(declared={"groups": Y})
