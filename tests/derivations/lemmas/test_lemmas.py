"""Checks of lemmas notice a right side that is a twentieth smaller."""

import re

import pytest
import sympy as sp

from bounds.derivations.lemmas import (
    batches,
    classes,
    complexity,
    contrastive,
    heads,
    pac_bayes,
    pairs_of_views,
    second_moment,
    spectral,
)
from bounds.derivations.search import falsify

TIGHT = {
    "class shift": (classes, lambda: classes.class_shift.__wrapped__()),
    "difference of roots": (classes, lambda: classes.root_factoring.__wrapped__()),
    "symmetrisation": (complexity, lambda: complexity.symmetrisation.__wrapped__()),
    "vector contraction": (complexity, lambda: complexity.vector_contraction.__wrapped__()),
    "Gaussian comparison": (heads, lambda: heads.gaussian_comparison.__wrapped__()),
    "metric ball": (heads, lambda: heads.metric_ball.__wrapped__()),
    "ramp": (heads, lambda: heads.ramp.__wrapped__()),
    "change of measure": (pac_bayes, lambda: pac_bayes.change_of_measure.__wrapped__()),
    "derandomisation": (pac_bayes, lambda: pac_bayes.derandomisation.__wrapped__()),
    "agreement": (pairs_of_views, lambda: pairs_of_views.class_agreement.__wrapped__()),
    "Jensen over views": (contrastive, lambda: contrastive.jensen_over_views.__wrapped__("hinge", 1)),
    "Minkowski": (second_moment, lambda: second_moment.minkowski.__wrapped__()),
    "one item of a batch": (batches, lambda: batches.bounded_difference.__wrapped__()),
    "scaled means": (spectral, lambda: spectral.scaled_means.__wrapped__()),
    "reach": (second_moment, lambda: second_moment.reach_of_means.__wrapped__()),
    "class variance": (second_moment, lambda: second_moment.class_variance.__wrapped__()),
}


@pytest.mark.parametrize("name", TIGHT)
def test_a_search_finds_a_counterexample_once_the_right_side_shrinks_by_a_twentieth(name, monkeypatch):
    module, step = TIGHT[name]

    def shrunk(relation, *given, **options):
        return falsify(
            sp.Le(relation.lhs, relation.rhs * sp.Rational(19, 20), evaluate=False), *given, **options
        )

    monkeypatch.setattr(module, "falsify", shrunk)
    assert not step().holds


def test_falsification_tries_at_least_ten_thousand_instances():
    for step in (complexity.symmetrisation(), classes.class_shift(), complexity.vector_contraction()):
        tried = re.search(r"(\d+) instances", step.result.detail)
        assert tried is not None
        assert int(tried[1]) >= 10_000
