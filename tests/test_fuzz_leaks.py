"""A short seeded part of the fuzz of spoiled data; the long one is `python -m tests.fuzz_leaks`."""

import pytest

from tests import fuzz_leaks


@pytest.mark.slow
def test_no_certificate_on_spoiled_data_is_below_the_truth():
    found = [one for seed in range(100, 112) if not isinstance(one := fuzz_leaks.outcomes(seed), str)]
    assert sum(len(certified) for certified, _ in found) > 50
    for certified, words in found:
        for bound, least in certified:
            assert bound.value >= least - 1e-9, (
                f"{bound.name} says {bound.value}, truth at least {least}: {words}"
            )


def test_spoils_do_what_they_say():
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    pairs = (rng.normal(size=(10, 3)), rng.normal(size=(10, 3)), np.arange(10) % 2)

    def data():
        return fuzz_leaks.Data((x, y), pairs, (x + 1, y), lambda z: np.zeros(len(z), np.int64), rng)

    for spoil in fuzz_leaks.SPOILS:
        spoiled = data()
        spoil(spoiled)
        parts = (spoiled.labeled, spoiled.pairs, spoiled.test)
        honest = (data().labeled, data().pairs, data().test)
        changed = [
            any(
                one.shape != other.shape or (one != other).any() for one, other in zip(part, old, strict=True)
            )
            for part, old in zip(parts, honest, strict=True)
        ]
        assert sum(changed) == 1, spoil.__name__
        assert all(len(part[0]) == len(part[-1]) for part in parts)
    spoiled = data()
    fuzz_leaks.replace_mistakes(spoiled)
    assert not ((spoiled.test[0] == x + 1).all(1) & (spoiled.test[1] == 1)).any()
