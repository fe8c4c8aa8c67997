"""Class means of a sample: radii typed a second time, facts in worlds and where they are tight, what is refused."""

import math

import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.lemmas.class_means import (
    DEVIATION,
    HELLINGER,
    MINKOWSKI,
    SHIFT_OF_MEANS,
    ClassBias,
    ClassExcess,
    FarthestMean,
    Fewest,
    MeanGap,
    RootFrequencies,
    bias_of_means,
    bias_shift,
    class_means,
    root_frequencies,
)
from bounds.proofs.terms import TV, Declared, OpNorm, Sample
from bounds.proofs.world import gaps
from tests.proofs.setting import S, W, d1, d2, double, f, n

K = Declared("K", "count")
NEAR = class_means(S, f, K, d1)


@pytest.mark.parametrize(
    "tau", [2.0, 1.0]
)  # the variance is that of two balls, or half the square of the diameter
@pytest.mark.parametrize(("size", "least", "classes", "share"), [(50, 2, 5, 0.01), (9000, 600, 10, 0.05)])
def test_the_deviation_of_the_class_means(size, least, classes, share, tau):
    step, spread = tau / math.sqrt(size * least), math.sqrt(classes * min(1.5**2, tau**2 / 2) / size)
    log, one = math.log(2 / share), math.log(1 / share)
    pinelis = step * log / 3 + math.sqrt((step * log / 3) ** 2 + 2 * log * spread**2)
    weak = tau**2 / (4 * size) + 2 * step * spread
    klein_rio = spread + 1.5 * step * one + math.sqrt((1.5 * step * one) ** 2 + 2 * weak * one)
    fact = NEAR.rhs.xreplace({Fewest(S): Declared("least", "count")})
    found = double(fact, B=1.5, tau=tau, n=size, least=least, K=classes, delta_1=share)
    assert found == pytest.approx(min(pinelis, klein_rio), rel=1e-12)
    assert (pinelis < klein_rio) == (size == 50)  # each is the smaller somewhere


def test_what_the_deviation_assumes_and_spends():
    assert NEAR.lhs == MeanGap(S, f)
    assert NEAR.assumptions == {"A2", "A4", "A5", "A6", "K"}
    assert NEAR.spends == d1


@pytest.mark.parametrize("known", [False, True])
def test_the_shift_of_the_bias_needs_the_class_means(known):
    shift = bias_shift(W, f, S, NEAR, known)
    more = shift.rhs - bias_of_means(W, f, S).lhs
    expected = ClassExcess(S, W, f, NEAR.rhs) if known else FarthestMean(S, W, f, NEAR.rhs) ** 2 * TV(S)
    assert sp.expand(more - expected) == 0
    assert shift.spends == d1
    assert shift.assumptions == NEAR.assumptions | {"A1"}
    with pytest.raises(InvalidProof, match="no limit of the deviation of the class means"):
        bias_shift(W, f, S, bias_of_means(W, f, S), known)
    with pytest.raises(InvalidProof, match="no limit of the deviation of the class means"):
        bias_shift(W, f, Sample("T", n, (("f", "A2"),)), NEAR, known)


def exactly_near():
    """The class means are as far as they are: a limit that holds in every world and spends nothing."""
    from tests.proofs.test_facts import fact

    return fact(MeanGap(S, f), MeanGap(S, f))


@pytest.mark.parametrize("known", [False, True])
def test_facts_about_class_means_hold_in_every_world(known):
    assert min(gaps(bias_shift(W, f, S, exactly_near(), known))) > -1e-9


def test_minkowski_holds_in_every_world_and_is_nearly_attained():
    found = list(gaps(bias_of_means(W, f, S)))
    assert min(found) > -1e-9
    assert min(found) < 1e-6


def test_minkowski_is_the_square_of_the_sum():
    fact = bias_of_means(W, f, S)
    bias, gap = ClassBias(S, W, f), MeanGap(S, f)
    assert sp.expand(fact.rhs - (sp.sqrt(bias) + OpNorm(W) * gap) ** 2) == 0


def test_roots_of_frequencies():
    fact = root_frequencies(S, d2, K)
    assert fact.lhs == TV(S)
    rest = fact.rhs.xreplace({RootFrequencies(S): sp.Integer(3)})
    assert double(rest, K=5, n=90, delta_2=0.02) == pytest.approx(
        3 * math.sqrt(math.log(250) / 90), rel=1e-12
    )
    assert fact.assumptions == {"A6", "K"}
    assert fact.spends == d2


def test_samples_whose_counts_say_nothing_are_refused():
    for flags in ({"fixed": True}, {"hidden": True}):
        sample = Sample("S", n, (("f", "A2"),), **flags)
        with pytest.raises(InvalidProof, match="say nothing about the prior"):
            root_frequencies(sample, d2, K)
    with pytest.raises(InvalidProof, match="class counts cannot be known"):
        class_means(Sample("S", n, (("f", "A2"),), hidden=True), f, K, d1)
    with pytest.raises(InvalidProof, match="depends on f"):
        class_means(Sample("S", n), f, K, d1)


@pytest.mark.slow
@pytest.mark.parametrize("lemma", [DEVIATION, SHIFT_OF_MEANS, MINKOWSKI, HELLINGER], ids=lambda one: one.name)
def test_searches_find_no_counterexample(lemma):
    assert lemma.check().holds
