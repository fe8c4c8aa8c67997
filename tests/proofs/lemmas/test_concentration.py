"""Power of the cited lemmas on the facts that their reading functions make: 5 % less would be false."""

import math

import numpy as np
import pytest
import sympy as sp
from scipy.stats import binom

from bounds.derivations import symbols as s
from bounds.derivations.functions import Min, clopper_pearson, clopper_pearson_counts
from bounds.derivations.lemmas.exact import poisson_binomial
from bounds.errors import InvalidProof
from bounds.proofs.choices import Family, one_of
from bounds.proofs.lemmas.concentration import (
    bernstein,
    class_frequencies,
    counted,
    hoeffding,
    kl_limit,
    leaked,
    second_views,
    uniform,
)
from bounds.proofs.ranges import tau
from bounds.proofs.terms import (
    TV,
    Count,
    Declared,
    Dot,
    E,
    Enc,
    InCell,
    Mean,
    Rad,
    Sample,
    UMean,
    Variance,
    Wrong,
    label,
    view,
)
from bounds.summaries import limits
from tests.proofs.setting import FIXED, P, S, apart, d1, double, f, n, number, wrong, z, z2
from tests.worlds_leaky import apart as apart_rows

HELD = Sample("H", n, (("f", "H"), ("P", "H"), ("S", "H")), ("H",), paired=True)
K = Declared("K", "count")
TWO = Dot(z, z2) - Dot(z, Enc(f, view(1, 0)))
RARE = sp.exp(-200)


def radius(fact, total):
    return fact.rhs - total


# Hoeffding


def test_hoeffding_is_tight_in_the_far_tail_of_fair_coins():
    fact = hoeffding(Mean(HELD, apart), d1)
    size = 4 * 10**8
    t = float(number(radius(fact, Mean(HELD, apart)), delta_1=RARE, tau=3, n=size)) / 3
    assert binom.logcdf(math.floor(size * (0.5 - t)), size, 0.5) <= -200
    assert binom.logcdf(math.floor(size * (0.5 - 0.975 * t)), size, 0.5) > -200


def test_hoeffding_has_no_constant_in_front():
    # One rare trial: the mean is 1 with probability delta, and then the radius has to reach 1 − delta.
    fact = hoeffding(Mean(HELD, apart), d1, upper=False)
    t = number(radius(fact, E(apart)), delta_1=sp.Rational(1, 10**4), tau=1, n=1)
    assert t >= 1 - sp.Rational(1, 10**4)


def test_hoeffding_sides():
    upper, lower = hoeffding(Mean(P, apart), d1), hoeffding(Mean(P, apart), d1, upper=False)
    assert (upper.lhs, lower.lhs) == (E(apart), Mean(P, apart))
    assert upper.rhs - Mean(P, apart) == lower.rhs - E(apart)
    assert upper.spends == d1


def test_hoeffding_of_tuples_uses_their_number():
    fact = hoeffding(UMean(P, TWO), d1)
    value = number(radius(fact, UMean(P, TWO)), delta_1=sp.exp(-2), span=1, m=9)
    assert value == pytest.approx(2 * math.sqrt(2 / (2 * 4)), rel=1e-12)


# kl and counts


def test_kl_spends_delta_exactly():
    fact = kl_limit(Mean(HELD, apart), d1)
    assert fact.rhs.has(Min(1, Mean(HELD, apart) / tau))
    size, tail = 10**8, 200.0
    (limit,) = [one for one in fact.rhs.atoms(sp.Function) if type(one).__name__ == "kl_inverse"]
    budget = float(number(limit.args[1], delta_1=RARE, n=size))
    p = limits.kl_inverse(0.3, budget)
    assert binom.logcdf(math.floor(size * 0.3), size, p) <= -tail
    assert binom.logcdf(math.floor(size * 0.3), size, limits.kl_inverse(0.3, 0.95 * budget)) > -tail


def test_kl_of_the_mean_from_its_expectation():
    fact = kl_limit(Mean(HELD, apart), d1, upper=False)
    assert fact.lhs == Mean(HELD, apart)
    (limit,) = [one for one in fact.rhs.atoms(sp.Function) if type(one).__name__ == "kl_inverse_first"]
    assert limit.args == (Min(1, E(apart) / tau), sp.log(1 / d1) / n)
    with pytest.raises(InvalidProof, match="must start at 0"):
        kl_limit(Mean(HELD, Dot(z, z2)), d1)


def test_only_pairs_have_second_views():
    with pytest.raises(InvalidProof, match="no second views"):
        second_views(S)


def test_counts_have_their_exact_coverage():
    fact = counted(Mean(HELD, wrong), d1)
    assert fact.rhs == clopper_pearson(n * Mean(HELD, wrong), n, d1)
    for mistakes in (0, 3, 40):
        limit = limits.clopper_pearson_upper(mistakes, 60, 0.05)
        assert binom.cdf(mistakes, 60, limit) == pytest.approx(0.05, rel=1e-6)


def test_counts_of_unequal_trials_pay_more():
    free = Wrong(Declared("V", "head", ("f",)), z, label())
    fact = counted(Mean(FIXED, free), d1)
    (limit,) = fact.rhs.atoms(clopper_pearson)
    assert limit.args[2] == Min(sp.Rational(1, 4), 1 - sp.exp(-d1))


def test_counts_are_of_indicators():
    with pytest.raises(InvalidProof, match="not an indicator"):
        counted(Mean(HELD, apart), d1)


# Class frequencies


def test_weissman_exponent_is_tight_for_two_classes():
    fact = class_frequencies(S, d1, K)
    size = 4 * 10**8
    t = double(fact.rhs, K=2, delta_1=math.exp(-200), n=size)
    log_tail = binom.logcdf(math.floor(size * (0.5 - t)), size, 0.5) + math.log(2)
    assert log_tail <= -200
    nearer = binom.logcdf(math.floor(size * (0.5 - 0.975 * t)), size, 0.5) + math.log(2)
    assert nearer > -200


def test_weissman_counts_the_subsets_of_the_source():
    fact = class_frequencies(S, d1, K)
    value = double(fact.rhs, K=5, delta_1=math.exp(-3), n=50)
    assert value == pytest.approx(math.sqrt((math.log(30) + 3) / 100), rel=1e-12)


@pytest.mark.parametrize(("classes", "subsets"), [(1, 0), (2, 2), (3, 6)])
def test_one_class_has_no_frequencies_to_deviate_and_a_share_near_one_is_allowed(classes, subsets):
    """P(2 TV ≥ ε) ≤ (2^K − 2)e^{−Nε²/2}: at K = 1 it is zero."""
    fact = class_frequencies(S, d1, K)
    expected = math.sqrt(math.log(subsets / 0.9) / 80) if subsets else 0.0
    assert double(fact.rhs, n=40, K=classes, delta_1=0.9) == pytest.approx(expected, rel=1e-12)


def test_the_smaller_radius_of_the_total_variation():
    fact = class_frequencies(S, d1, K, smaller=True)
    value = double(fact.rhs, K=1000, delta_1=math.exp(-3), n=5000)
    assert value == pytest.approx(math.sqrt(999 / 5000) / 2 + math.sqrt(3 / 10000), rel=1e-12)
    assert fact.assumptions == {"A6", "K"}


def test_fixed_counts_say_nothing_about_the_prior():
    with pytest.raises(InvalidProof, match="say nothing about the prior"):
        class_frequencies(FIXED, d1, K)


# Uniform over a family


def test_symmetrisation_needs_its_two():
    """All 0/1 functions on 600 points, three draws: E sup(E g − mean g) reaches 0.995 of 2R/√m."""
    fact = uniform(Mean(P, apart), d1, Family(f, Declared("f'", "encoder", ("f",), True)))
    (complexity,) = fact.rhs.atoms(Rad)
    factor = fact.rhs.coeff(complexity)
    points, draws = 600, 3
    chance = {(1, 1, 1): 1.0, (2, 1): 0.0, (3,): 0.0}
    chance[(3,)] = points / points**3
    chance[(2, 1)] = 3 * points * (points - 1) / points**3
    chance[(1, 1, 1)] = 1 - chance[(3,)] - chance[(2, 1)]
    # sup over g of E g − mean g: g is 1 off the sample.
    gap = sum(p * (1 - len(pattern) / points) for pattern, p in chance.items())
    # E sup of signed sums of 0/1 functions: per point the positive part of the sum of its signs.
    half = {1: 0.5, 2: 0.5, 3: 0.75}
    rademacher = sum(p * sum(half[count] for count in pattern) for pattern, p in chance.items()) / math.sqrt(
        draws
    )
    bound = float(number(factor, m=draws)) * rademacher
    assert gap <= bound
    assert gap > 0.95 * bound


def test_uniform_radius_is_mcdiarmids():
    fact = uniform(Mean(P, apart), d1, Family(f, Declared("f'", "encoder", ("f",), True)))
    size = 4 * 10**8
    (complexity,) = fact.rhs.atoms(Rad)
    rest = fact.rhs - Mean(P, apart) - fact.rhs.coeff(complexity) * complexity
    t = float(number(rest, delta_1=RARE, tau=3, m=size)) / 3
    assert binom.logcdf(math.floor(size * (0.5 - t)), size, 0.5) <= -200
    assert binom.logcdf(math.floor(size * (0.5 - 0.975 * t)), size, 0.5) > -200


# Copies and cells


CLEAN = Sample("T°", n, HELD.apart, ("H",), hidden=True)
TESTED = Sample("T", n, HELD.apart, ("H",))


def test_counts_of_a_clean_sample_are_bounded_by_those_of_the_given_one():
    more, less = leaked(TESTED, CLEAN, wrong)
    assert (more.lhs, more.rhs) == (Count(CLEAN, wrong), Count(TESTED, wrong))
    assert (less.lhs, less.rhs) == (Count(TESTED, 1 - wrong), Count(CLEAN, 1 - wrong))
    bound = counted(Mean(CLEAN, wrong), d1).chain(more).lower(less)
    assert bound.rhs == clopper_pearson_counts(Count(TESTED, wrong), Count(TESTED, 1 - wrong), d1)
    with pytest.raises(InvalidProof, match="no hidden sample behind"):
        leaked(CLEAN, TESTED, wrong)
    with pytest.raises(InvalidProof, match="no hidden sample behind"):
        leaked(TESTED, TESTED, wrong)


def test_a_hidden_sample_cannot_be_read_off():
    from bounds.proofs.conclude import conclude
    from bounds.proofs.readings import Quantity, plain

    more, less = leaked(TESTED, CLEAN, wrong)
    half = counted(Mean(CLEAN, wrong), d1).chain(more)
    readings = {
        plain(Count(TESTED, wrong)): Quantity(s.mistakes, "test_error"),
        plain(Count(CLEAN, 1 - wrong)): Quantity(s.N - s.mistakes, "test_error"),
        plain(Count(TESTED, 1 - wrong)): Quantity(s.N - s.mistakes, "test_error"),
    }
    with pytest.raises(InvalidProof, match="cannot be read off"):
        conclude(half, E(wrong), readings, ("test_error", "confidence"))
    found = conclude(half.lower(less), E(wrong), readings, ("test_error", "confidence"))
    assert found.expression.evaluate({"mistakes": 3, "N": 50, "delta_1": 0.05})["test_error"] == 0.06


def test_copies_additions_and_replacements_do_what_the_two_facts_say():
    """Counted by the package on samples made from clean ones by someone who knows everything."""
    rng = np.random.default_rng(0)
    tight = 0
    for _ in range(600):
        clean = rng.random(12) < rng.choice([0.1, 0.5, 0.9])
        row, right, region = list(range(12)), [*~clean], [False] * 12
        for one in rng.integers(0, 12, size=rng.integers(0, 4)):  # replaced by rows in R, right or wrong
            right[one], region[one], row[one] = bool(rng.random() < 0.5), True, 100 + one
        for one in rng.integers(0, 12, size=rng.integers(0, 6)):  # exact copies
            row.append(row[one]), right.append(right[one]), region.append(region[one])
        for _ in range(rng.integers(0, 4)):  # rows in R, added
            row.append(1000 + len(row)), right.append(bool(rng.random() < 0.5)), region.append(True)
        order = rng.permutation(len(row))
        found = apart_rows(np.array(row)[order], np.array(region)[order]).upper(~np.array(right)[order])
        assert found.mistakes >= clean.sum()
        assert found.trials - found.mistakes <= (~clean).sum()
        tight += found.mistakes == clean.sum() and found.trials == 12
    assert tight > 20


def test_a_term_over_a_cell_names_it():
    cells = Sample("T", n, HELD.apart, ("H", "K"), cells=True)
    kind = Declared("class", "index", ("T",))
    with pytest.raises(InvalidProof, match="does not name the cell"):
        counted(Mean(cells, wrong), d1)
    with pytest.raises(InvalidProof, match="does not name the cell"):
        counted(Mean(TESTED, InCell(kind, wrong)), d1)
    with pytest.raises(InvalidProof, match="depends on T"):
        counted(
            Mean(cells, InCell(kind, wrong)), d1
        )  # the class was chosen by the sample and is not paid for
    classes = one_of(K, "class", "index", ("T",))
    with pytest.raises(InvalidProof, match="no hidden sample behind"):
        leaked(cells, CLEAN, InCell(kind, wrong))
    found = counted(Mean(cells, InCell(kind, wrong)), d1, over=(classes,))
    assert found.lhs == E(InCell(kind, wrong))
    assert found.rhs.args[2] == d1 / K
    assert found.assumptions == {"H", "K"}


def test_empirical_bernstein_is_the_formula_of_its_source():
    """Its constants 2, 7/3 and ln(2/δ) have no tight instance: typed a second time, from Maurer and Pontil (2009)."""
    total = Mean(P, apart)
    found = bernstein(total, d1)
    assert found.lhs == E(apart)
    rest = (found.rhs - total).xreplace({Variance(P, apart): sp.Rational(9, 4)})
    value = double(rest, tau=3, delta_1=0.01, m=50)
    log = math.log(2 / 0.01)
    assert value == pytest.approx(math.sqrt(2 * 2.25 * log / 50) + 7 * 3 * log / (3 * 49), rel=1e-12)
    lower = bernstein(total, d1, upper=False)
    assert (lower.lhs, lower.rhs - E(apart)) == (total, found.rhs - total)
    assert found.assumptions == {"A1", "A3", "A4", "A6"}
    with pytest.raises(InvalidProof, match="not a mean of single items"):
        bernstein(UMean(P, TWO), d1)


def test_empirical_bernstein_needs_independence_alone():
    """Bernstein's inequality asks for the items' mean variance, which their sample variance is at least on average."""
    found = bernstein(Mean(FIXED, apart), d1)
    assert found.lhs == E(apart)
    assert found.rhs.coeff(TV(FIXED)) == tau
    rest = (found.rhs - Mean(FIXED, apart)).xreplace({TV(FIXED): 0, Variance(FIXED, apart): sp.Symbol("V")})
    for means in ([0.0] * 9 + [1.0], [0.05] * 8 + [0.9] * 8, list(np.linspace(0, 1, 12)), [0.3] * 10):
        size, chance = len(means), poisson_binomial(np.array(means))
        share = np.arange(size + 1) / size
        variances = share * (1 - share) * size / (size - 1)
        within = np.mean([p * (1 - p) for p in means])
        assert chance @ variances == pytest.approx(within + np.var(means, ddof=1), abs=1e-12)
        for level in (0.5, 0.05):
            radii = [double(rest, tau=1, m=size, delta_1=level, V=one) for one in variances]
            assert chance[share + radii < np.mean(means)].sum() <= level
