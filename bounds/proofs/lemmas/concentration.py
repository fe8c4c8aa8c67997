"""Concentration of means: each lemma with the function that reads it off a mean."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.derivations.functions import (
    Max,
    Min,
    clopper_pearson_counts,
    kl_inverse,
    kl_inverse_first,
    log_subsets,
)
from bounds.derivations.functions import clopper_pearson as cp
from bounds.errors import InvalidProof
from bounds.proofs.choices import Family, payable
from bounds.proofs.closed import closed
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.reading import CLASS_SHIFT, a, b, count, failing, read, share, variation, width
from bounds.proofs.terms import (
    TV,
    Count,
    E,
    Given,
    InCell,
    Indicator,
    Mean,
    Rad,
    Sample,
    Sup,
    Variance,
    order,
)

hoeffding_radius = closed(
    "hoeffding_radius", lambda width, share, count: width * sp.sqrt(sp.log(1 / share)) / sp.sqrt(2 * count)
)
HOEFFDING = Lemma(
    "Hoeffding's inequality",
    a,
    b + hoeffding_radius(width, share, count),
    "Hoeffding (1963), Thm 2; section 5 for U-statistics",
    unequal=True,
    note="Inverts exp(-2 N t^2 / r^2) = delta, one-sided.",
    check=lambda: checks.concentration.hoeffding_theorem().result & checks.contrastive.u_statistic().result,
)


@payable
def hoeffding(total: sp.Expr, delta: sp.Expr, what: str = "", upper: bool = True) -> Fact:
    """A mean of N independent values of range r and its expectation: within r√(ln(1/δ)/(2N)), on one side."""
    s = read(total)
    left, right = (s.expectation, total) if upper else (total, s.expectation)
    values = {a: left, b: right, width: s.range.width, count: s.count, share: delta}
    return s.instance(HOEFFDING, values, delta, what or f"mean of {s.sample}", upper)


UNIFORM = Lemma(
    "symmetrisation and McDiarmid's inequality",
    a,
    2 * b / sp.sqrt(count) + hoeffding_radius(width, share, count),
    "McDiarmid (1989); Bartlett and Mendelson (2002), Thm 8",
    unequal=True,
    note="The supremum moves by r/N per item; its expectation is at most twice the Rademacher average.",
    check=lambda: checks.complexity.symmetrisation().result & checks.concentration.mcdiarmid_theorem().result,
)
MEMBER = Lemma(
    "a member is at most the supremum", a, b, "definition of the supremum", "proven", note="By definition."
)


@payable
def uniform(total: sp.Expr, delta: sp.Expr, family: Family, what: str = "") -> Fact:
    """E g ≤ mean of g + 2R/√N + r√(ln(1/δ)/(2N)) for all members of a family at once.

    Raises:
        InvalidProof: not a mean of single items.
    """
    if not isinstance(total, Mean):
        raise InvalidProof(f"`{total}` is not a mean of single items.")
    general = total.xreplace({family.chosen: family.generic})
    s = read(general)
    generic = family.generic if family.generic.is_Symbol else family.generic.args[0]
    gap = s.expectation - general
    supremum = Sup(generic, gap)
    values = {
        a: supremum,
        b: Rad(s.sample, family.generic, s.term),
        width: s.range.width,
        count: s.count,
        share: delta,
    }
    events = failing(s.sample, what or f"uniform over {family.chosen}", delta)
    largest = UNIFORM.at(values, s.assumptions, events=events)
    own = gap.xreplace({family.generic: family.chosen})
    member = MEMBER.at({a: own, b: supremum}, requires=family.requires).chain(largest)
    term = s.term.xreplace({family.generic: family.chosen})
    if not s.sample.fixed:
        return member.isolate(E(term))
    counts = Mean(s.sample, Given(term))
    values = {a: E(term), b: counts, width: s.range.width, variation: TV(s.sample)}
    return CLASS_SHIFT.at(values, requires=family.requires).chain(member.isolate(counts))


KL = Lemma(
    "Chernoff's bound in Bernoulli form",
    a,
    width * kl_inverse(Min(1, b / width), sp.log(1 / share) / count),
    "Hoeffding (1963), Thm 1",
    unequal=True,
    note="Inverts exp(-N kl) = delta for values in [0, r].",
    check=lambda: checks.concentration.kl_theorem().result,
)
KL_FIRST = Lemma(
    "Chernoff's bound in Bernoulli form, for the mean",
    a,
    width * kl_inverse_first(Min(1, b / width), sp.log(1 / share) / count),
    "Hoeffding (1963), Thm 1",
    unequal=True,
    note="Inverts exp(-N kl) = delta for values in [0, r].",
    check=lambda: checks.concentration.kl_theorem().result,
)


@payable
def kl_limit(total: sp.Expr, delta: sp.Expr, what: str = "", upper: bool = True) -> Fact:
    """E g ≤ r kl⁻¹(mean/r; ln(1/δ)/N), or the mean from its expectation, for g in [0, r].

    Raises:
        InvalidProof: the range does not start at zero.
    """
    s = read(total)
    if s.range.low != 0:
        raise InvalidProof(
            f"`{s.term}` has the range [{s.range.low}, {s.range.high}], which must start at 0."
        )
    left, right = (s.expectation, total) if upper else (total, s.expectation)
    values = {a: left, b: right, width: s.range.high, count: s.count, share: delta}
    return s.instance(KL if upper else KL_FIRST, values, delta, what or f"mean of {s.sample}", upper)


spread = sp.Symbol("spread")
maurer_pontil_radius = closed(
    "maurer_pontil_radius",
    lambda variance, width, share, count: (
        sp.sqrt(2 * variance / count) * sp.sqrt(sp.log(2 / share))
        + 7 * width * sp.log(2 / share) / (3 * (count - 1))
    ),
)
EMPIRICAL_BERNSTEIN = Lemma(
    "empirical Bernstein bound",
    a,
    b + maurer_pontil_radius(spread, width, share, count),
    "Maurer and Pontil (2009), Thms 4 and 11",
    unequal=True,
    note="One-sided; unequal means only raise the expectation of the sample variance.",
    check=lambda: checks.concentration.maurer_pontil_theorem().result,
)


@payable
def bernstein(total: sp.Expr, delta: sp.Expr, what: str = "", upper: bool = True) -> Fact:
    """A mean and its expectation, by the sample variance of its term.

    Raises:
        InvalidProof: not a mean of single items.
    """
    s = read(total)
    if order(s.term) != 1:
        raise InvalidProof(f"`{total}` is not a mean of single items.")
    left, right = (s.expectation, total) if upper else (total, s.expectation)
    values = {
        a: left,
        b: right,
        spread: Variance(s.sample, s.term),
        width: s.range.width,
        count: s.count,
        share: delta,
    }
    return s.instance(EMPIRICAL_BERNSTEIN, values, delta, what or f"mean of {s.sample}", upper)


CLOPPER_PEARSON = Lemma(
    "Clopper-Pearson limit",
    a,
    cp(b * count, count, share),
    "Clopper and Pearson (1934), one-sided",
    note="The number of ones is binomial; the limit is the largest p whose lower tail exceeds delta.",
    check=lambda: checks.counts.clopper_pearson_theorem().result,
)
ones, zeros = sp.symbols("ones zeros")
CLOPPER_PEARSON_COUNTS = Lemma(
    CLOPPER_PEARSON.name,
    a,
    clopper_pearson_counts(ones, zeros, share),
    CLOPPER_PEARSON.source,
    note="The same in the numbers of ones and zeros: it grows with the first and falls in the second.",
    check=CLOPPER_PEARSON.check,
)
UNEQUAL_TRIALS = Lemma(
    "Clopper-Pearson limit for unequal trials",
    a,
    cp(b * count, count, Min(sp.Rational(1, 4), 1 - sp.exp(-share))),
    "Hoeffding (1956), Thm 5; Greenberg and Mohri (2014)",
    unequal=True,
    note="Sums of unequal trials are less spread than binomials except within one of their mean.",
    check=lambda: checks.counts.unequal_trials_theorem().result,
)


@payable
def counted(total: sp.Expr, delta: sp.Expr, what: str = "") -> Fact:
    """E g ≤ CP⁺(number of ones, N, δ) for an indicator g.

    Raises:
        InvalidProof: not the mean of an indicator.
    """
    s = read(total)
    one = s.term.args[1] if isinstance(s.term, InCell) else s.term
    if not (isinstance(one, Indicator) or isinstance(1 - one, Indicator)) or order(one) != 1:
        raise InvalidProof(f"`{s.term}` is not an indicator of one item.")
    values = {a: s.expectation, b: total, count: s.count, share: delta}
    lemma = UNEQUAL_TRIALS if s.sample.fixed else CLOPPER_PEARSON
    if s.sample.hidden:
        values |= {ones: Count(s.sample, s.term), zeros: Count(s.sample, 1 - s.term)}
        lemma = CLOPPER_PEARSON_COUNTS
    return s.instance(lemma, values, delta, what or f"ones in {s.sample}")


SAME_CLASSES = Lemma(
    "classes of second views",
    a,
    b,
    "by definition",
    "proven",
    note="A second view has the class of its pair.",
)


def second_views(sample: Sample) -> tuple[Sample, Fact]:
    """The second views of pairs, given their first views and classes: fresh for what was fitted on those.

    Returns: the sample, and its class frequencies as those of the pairs.

    Raises:
        InvalidProof: the items of the sample are no pairs.
    """
    if not sample.paired:
        raise InvalidProof(f"{sample} has no second views.")
    apart = (*sample.apart, (sample.name, sample.views))
    second = Sample(sample.name + "2", sample.size, apart, (*sample.law, "A5"), fixed=True)
    return second, SAME_CLASSES.at({a: TV(second), b: TV(sample)})


COPIED = Lemma(
    "rows that leaked or repeat",
    a,
    b,
    "this package",
    "proven",
    note="A wrong row stays or is replaced, by another row each time; a right row that is counted is a clean one.",
)


def leaked(sample: Sample, clean: Sample, term: sp.Expr) -> tuple[Fact, Fact]:
    """What copies do to counts: ones of the clean sample ≤ ones counted, zeros counted ≤ zeros of the clean sample.

    The sample arose from the clean one by exact copies of its rows, by rows in R added, and by rows replaced by rows in R,
    by anyone who knows everything. Counted as ones are the ones and all rows in R, as zeros the distinct other rows.

    Raises:
        InvalidProof: the clean sample is not hidden, so that its own counts would be known, or one holds a cell's items.
    """
    if not clean.hidden or sample.hidden or sample.cells != clean.cells:
        raise InvalidProof(f"{clean} is no hidden sample behind {sample}.")
    more = COPIED.at({a: Count(clean, term), b: Count(sample, term)})
    return more, COPIED.at({a: Count(sample, 1 - term), b: Count(clean, 1 - term)})


kinds = sp.Symbol("kinds")
weissman_radius = closed(
    "weissman_radius",
    lambda K, share, count: sp.sqrt(Max(0, log_subsets(K) + sp.log(1 / share))) / sp.sqrt(2 * count),
    role="class_frequencies",
)
WEISSMAN = Lemma(
    "Weissman's inequality",
    a,
    weissman_radius(kinds, share, count),
    "Weissman et al. (2003), Thm 2.1",
    note="Inverts P(2 TV >= e) <= (2^K - 2) exp(-N e^2 / 2).",
    check=lambda: checks.classes.weissman_theorem().result,
)
mcdiarmid_variation = closed(
    "mcdiarmid_variation",
    lambda K, share, count: sp.sqrt((K - 1) / count) / 2 + sp.sqrt(sp.log(1 / share)) / sp.sqrt(2 * count),
    role="class_frequencies",
)
SMALLER_VARIATION = Lemma(
    "the smaller of two radii of the total variation",
    a,
    Min(weissman_radius(kinds, share, count), mcdiarmid_variation(kinds, share, count)),
    "Weissman et al. (2003), Thm 2.1; Cauchy-Schwarz and McDiarmid (1989)",
    note="Neither radius looks at the data, so the smaller is chosen before it.",
    check=lambda: checks.classes.weissman_theorem().result & checks.classes.variation_mean().result,
)


def class_frequencies(sample: Sample, delta: sp.Expr, number: sp.Expr, smaller: bool = False) -> Fact:
    """TV of a sample's class frequencies, by Weissman's inequality or the smaller of it and McDiarmid's.

    Raises:
        InvalidProof: the class counts were fixed, so that they say nothing about the prior.
    """
    values = {a: TV(sample), kinds: number, count: sample.size, share: delta}
    lemma = SMALLER_VARIATION if smaller else WEISSMAN
    events = failing(sample, f"class frequencies of {sample}", delta, of_prior=True)
    # A class that nobody counted is none of K.
    return lemma.at(values, frozenset({*sample.law, "K"}), events=events)
