"""What a lemma reads off a mean: its sample, range, count, expectation and assumptions; the way to facts that may fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.derivations.functions import Min
from bounds.errors import InvalidProof
from bounds.proofs.dependence import independent
from bounds.proofs.facts import Event, Fact, Lemma
from bounds.proofs.ranges import Interval, interval
from bounds.proofs.terms import TV, E, Given, InCell, Mean, Sample, UMean, items, order

a, b, width, count, share = sp.symbols("a b width count share", positive=True)
variation = sp.Symbol("variation", nonnegative=True)

CLASS_SHIFT = Lemma(
    "class shift",
    a,
    b + width * variation,
    "definition of the total variation distance",
    "proven",
    note="Two laws of the classes differ by at most the range of the class means times their distance.",
    check=lambda: checks.classes.class_shift().result & checks.contrastive.fixed_count_shift().result,
)


@dataclass(frozen=True)
class Reading:
    """What a mean over a sample is, for the lemmas.

    Attributes:
        total, sample, term: The mean, its sample, and what it averages.
        range: Of the term over all items.
        count: Number of disjoint tuples of items in it.
        expectation: Of the mean, given the class counts where those were fixed.
        assumptions: Law of the sample, independence, range, and that about views where both of a pair enter.
    """

    total: sp.Expr
    sample: Sample
    term: sp.Expr
    range: Interval
    count: sp.Expr
    expectation: sp.Expr
    assumptions: frozenset[str]

    def instance(
        self, lemma: Lemma, values: Mapping[sp.Symbol, sp.Expr], delta: sp.Expr, what: str, upper: bool = True
    ) -> Fact:
        """The lemma's fact for this mean, its event paid with `delta`, carried to the class prior if need be.

        Raises:
            InvalidProof: the class counts were fixed and the lemma needs items of one law.
        """
        if self.sample.fixed and not lemma.unequal:
            raise InvalidProof(
                f"{lemma.name} needs items of one law; the class counts of {self.sample} are fixed."
            )
        fact = lemma.at(values, self.assumptions, events=failing(self.sample, what, delta))
        if not self.sample.fixed:
            return fact
        shift = shifted(self, to_prior=upper)
        return shift.chain(fact) if upper else fact.chain(shift)


def failing(
    sample: Sample, what: str, delta: sp.Expr, null: sp.Basic | None = None, of_prior: bool = False
) -> frozenset[Event]:
    """The event of a lemma over a sample, and that of the sample's own law where it may fail.

    Raises:
        InvalidProof: it is about the class prior, and the class counts were fixed, so that they say nothing about it, or
            nobody knows them.
    """
    if of_prior and (sample.fixed or sample.hidden):
        raise InvalidProof(
            f"The class counts of {sample} are fixed or hidden; they say nothing about the prior."
        )
    law = {Event(sample.chosen, sample.share)} if sample.chosen else set()
    return frozenset({Event(what, delta, null), *law})


def read(total: sp.Expr) -> Reading:
    """Read a mean.

    Raises:
        InvalidProof: not a mean over a sample, or the term depends on the sample.
    """
    parts = sp.Add.make_args(total)
    constant = sp.Add(*(part for part in parts if part.is_number))
    means = [_scaled_mean(part) for part in parts if not part.is_number]
    if not means:
        raise InvalidProof(f"`{total}` is not a mean over a sample.")
    kind, sample = means[0][:2]
    if any(one[:2] != (kind, sample) for one in means):
        raise InvalidProof(f"`{total}` is a sum of means over different samples.")
    term = sp.Add(constant, *(one[2] for one in means))
    if sample.hidden and sample.fixed:
        raise InvalidProof(f"{sample} is hidden, so its class counts cannot be known.")
    q = order(term)
    if kind is Mean and q != 1:
        raise InvalidProof(f"`{term}` looks at {q} items; its mean is a U-statistic.")
    return Reading(
        total,
        sample,
        term,
        interval(term),
        sample.size if q == 1 else sp.floor(sample.size / q),
        kind(sample, Given(term)) if sample.fixed else E(term),
        assumed(sample, term),
    )


def assumed(sample: Sample, term: sp.Expr) -> frozenset[str]:
    """What makes a term of a sample's items i.i.d. values in its range.

    Raises:
        InvalidProof: the term depends on the sample.
    """
    cells = term.atoms(InCell)
    if sample.cells != bool(cells) or (cells and term not in cells):
        raise InvalidProof(f"`{term}` does not name the cell whose items {sample} holds.")
    used = independent(sample, term) | interval(term).assumptions | set(sample.law)
    views = {(item.index, item.view) for item in items(term) if item.view is not None}
    if sample.paired and any((index, 1) in views and (index, 0) in views for index, _ in views):
        used |= {sample.views} - {""}
    return used | (_of_classes(term) if sample.paired and sample.views == "A1" else frozenset())


def _scaled_mean(part: sp.Expr) -> tuple[type, Sample, sp.Expr]:
    """Kind, sample and term of t·Mean(S, g), as Mean(S, t·g)."""
    found = [factor for factor in sp.Mul.make_args(part) if isinstance(factor, Mean | UMean)]
    if len(found) != 1:
        raise InvalidProof(f"`{part}` is not a mean over a sample.")
    sample, term = found[0].args
    return type(found[0]), sample, term * (part / found[0])


def shifted(read: Reading, to_prior: bool = True) -> Fact:
    """E g against the mean of E[g | classes] over a sample, for tuples of q items as for single ones.

    For q distinct items of m the classes are drawn without replacement: within q(q − 1)/(2m) of independent draws
    in total variation, and those within q·TV of draws from the prior.
    """
    q, m = order(read.term), read.sample.size
    kind = Mean if q == 1 else UMean
    distance = TV(read.sample)
    if q != 1:
        distance = Min(1, q * (q - 1) / (2 * m) + q * distance)
    sides = (E(read.term), kind(read.sample, Given(read.term)))
    left, right = sides if to_prior else sides[::-1]
    # What moves with the classes is the mean within them, whose range may be smaller.
    found = interval(Given(read.term))
    values = {a: left, b: right, width: found.width, variation: distance}
    return CLASS_SHIFT.at(values, found.assumptions | _of_classes(read.term))


def class_shift(term: sp.Expr, sample: Sample) -> Fact:
    """E g ≤ mean over the sample of E[g | class] + range · TV, for any g of one item, fitted or not.

    Raises:
        InvalidProof: g looks at several items.
    """
    if order(term) != 1:
        raise InvalidProof(f"`{term}` looks at {order(term)} items, not at one.")
    found = interval(term)
    values = {
        a: E(term),
        b: Mean(sample, Given(term)),
        width: found.width,
        variation: TV(sample),
    }
    return CLASS_SHIFT.at(values, found.assumptions | _of_classes(term))


def _of_classes(term: sp.Expr) -> frozenset[str]:
    """A5 where a label stands for the class that views were drawn from."""
    return frozenset({"A5"} if any(item.view is None for item in items(term)) else ())
