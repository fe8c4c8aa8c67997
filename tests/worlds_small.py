"""Small random data sets with every kind of trouble, shared by the agreement tests."""

import numpy as np


def gaussian_classes(rng, K, d, n, m, spread=1.0, separation=2.0, prior=None, dtype=np.float64):
    means = separation * rng.normal(size=(K, d))
    prior = np.full(K, 1 / K) if prior is None else np.asarray(prior)

    def draw(y):
        return (means[y] + spread * rng.normal(size=(len(y), d))).astype(dtype)

    y, yp = rng.choice(K, size=n, p=prior), rng.choice(K, size=m, p=prior)
    return draw(y), y, draw(yp), draw(yp), yp


def case(name):
    rng = np.random.default_rng(7)
    if name == "full_rank":
        return (*gaussian_classes(rng, 4, 6, 80, 90), 4)
    if name == "rank_deficient":
        x, y, a, b, yp = gaussian_classes(rng, 3, 4, 70, 60)
        mix = rng.normal(size=(4, 9))
        return x @ mix, y, a @ mix, b @ mix, yp, 3
    if name == "fewer_items_than_dimensions":
        return (*gaussian_classes(rng, 3, 40, 20, 25), 3)
    if name == "collapsed":
        x, y, a, b, yp = gaussian_classes(rng, 3, 5, 50, 40)
        return np.ones_like(x), y, np.ones_like(a), np.ones_like(b), yp, 3
    if name == "unbalanced_and_missing_classes":
        return (*gaussian_classes(rng, 6, 5, 60, 70, prior=[0.7, 0.2, 0.1, 0, 0, 0]), 6)
    if name == "two_classes":
        return (*gaussian_classes(rng, 2, 5, 50, 60), 2)
    if name == "thousand_classes":
        return (*gaussian_classes(rng, 1000, 12, 300, 250), 1000)
    if name == "float32_with_offset":
        x, y, a, b, yp = gaussian_classes(rng, 3, 5, 80, 70)
        return *((v + 1e4).astype(np.float32) if v.ndim == 2 else v for v in (x, y, a, b, yp)), 3
    raise ValueError(name)


CASES = (
    "full_rank",
    "rank_deficient",
    "fewer_items_than_dimensions",
    "collapsed",
    "unbalanced_and_missing_classes",
    "two_classes",
    "thousand_classes",
    "float32_with_offset",
)
