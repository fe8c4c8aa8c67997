"""Synthetic distributions whose true risk is known exactly, and the coverage of every bound on them."""

from collections.abc import Callable

from bounds.worlds.coverage import Coverage, checkable, coverage, coverage_table, coverages
from bounds.worlds.dependent import (
    beyond_radius,
    finite_pool,
    leaked_test,
    repeated,
    reused_test,
    shared_items,
    stratified,
)
from bounds.worlds.discrete import discrete, outliers, separable
from bounds.worlds.fitted import chosen_encoder, memorised_labels, memorised_pairs, paid_choice
from bounds.worlds.gaussian import (
    collapsed,
    few_items,
    gaussian,
    gaussian_population,
    known_prior,
    nonnegative,
    off_defaults,
    overlap,
    rare,
)
from bounds.worlds.population import Population
from bounds.worlds.search import FAMILIES, Attack, attack
from bounds.worlds.views import augmentations, elsewhere, near_duplicates
from bounds.worlds.world import Sample, World

__all__ = [
    "Attack",
    "Coverage",
    "FAMILIES",
    "Population",
    "Sample",
    "WORLDS",
    "World",
    "attack",
    "checkable",
    "coverage",
    "coverage_table",
    "coverages",
    "gaussian_population",
]

WORLDS: dict[str, Callable[[], World]] = {
    make.__name__: make
    for make in (
        gaussian,
        known_prior,
        nonnegative,
        rare,
        overlap,
        few_items,
        collapsed,
        off_defaults,
        discrete,
        separable,
        outliers,
        finite_pool,
        augmentations,
        near_duplicates,
        elsewhere,
        memorised_labels,
        memorised_pairs,
        chosen_encoder,
        paid_choice,
        beyond_radius,
        repeated,
        stratified,
        shared_items,
        reused_test,
        leaked_test,
    )
}
