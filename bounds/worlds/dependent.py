"""Items that are not independent draws (A6, A7, H), and norms beyond B (A4)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bounds.assumptions.declaration import Declared
from bounds.worlds import draws
from bounds.worlds.discrete import outlier_world
from bounds.worlds.gaussian import gaussian_population
from bounds.worlds.world import World


def repeated() -> World:
    """A6: five items, each seen many times, like frames of few videos."""
    return World(
        "repeated",
        "S and S̄ hold 5 independent items and pairs, each 100 times",
        gaussian_population(separation=1.0, dim=4, seed=7),
        n=500,
        m=500,
        violated={"A6": "each item and each pair occurs 100 times"},
        labeled=partial(draws.repeated, 100),
        pairs=partial(draws.repeated_pairs, 100),
        pairs_independent=False,
        setting={"prior": "known"},
    )


def stratified() -> World:
    """A6, harmlessly: class counts of S fixed at n·p."""
    return World(
        "stratified",
        "the class counts of S are fixed at n·p",
        gaussian_population(seed=8),
        violated={"A6": "class counts are fixed"},
        labeled=draws.stratified,
        setting={"prior": "known"},
    )


def finite_pool() -> World:
    """Disjoint class pairs from a finite pool, prior known: the distance of its counts to p is paid for."""
    return World(
        "finite_pool",
        "disjoint class pairs from an i.i.d. pool of 2m items, prior known",
        gaussian_population(seed=9),
        pairs=draws.pool_pairs,
        pairs_independent=False,
        setting={"prior": "known", "conditioned_pairs": True},
    )


def shared_items() -> World:
    """A7: the pairs are the items of S, which the head has interpolated."""
    return World(
        "shared_items",
        "the pool of the class pairs is S itself, n < d",
        gaussian_population(num_classes=2, dim=170, separation=4.0, points=1000, seed=10),
        n=160,
        violated={"A7": "every view is an item of S"},
        pairs=draws.pairs_of_labeled,
        pairs_independent=False,
        setting={"prior": "known", "conditioned_pairs": True, "holdout": 0.3},
    )


def reused_test() -> World:
    """H: the test items are items of S, which the head has interpolated."""
    return World(
        "reused_test",
        "the test items are the first items of S, n < d",
        gaussian_population(dim=40, separation=1.0, seed=11),
        n=36,
        violated={"H": "the test items are items of S"},
        test=draws.reused,
        setting={"prior": "known"},
    )


def leaked_test() -> World:
    """Copies of S, which the head has interpolated, and of test items among the test items, nothing declared."""
    return World(
        "leaked_test",
        "half of the test items are i.i.d., the others copies of them and of S, n < d",
        gaussian_population(dim=40, separation=1.0, points=2000, seed=12),
        n=36,
        N=160,
        test=draws.leaked,
        setting={"prior": "known", "declared": Declared(test_is_fresh=True)},
    )


def beyond_radius() -> World:
    """A4: rare inputs with norms far beyond B."""
    return replace(
        outlier_world(1e5, 1e-4),
        name="beyond_radius",
        description="one input in 10,000 has norm 100,000, while B = 1 was declared",
        violated={"A4": "some norms exceed B"},
        setting={"prior": "known"},
    )
