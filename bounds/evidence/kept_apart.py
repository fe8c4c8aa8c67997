r"""Counts over labels kept apart from what a head was made from, valid where some of the rows are copies.

Let T° be an i.i.d. sample and T what is left of it after anyone has added copies of its rows, added copies of rows in R
(the rows the head was made from) and replaced rows by rows in R. With k the wrong rows and the rows in R, and a the
components of copies that hold neither, :math:`k\ge k^\circ` and :math:`a\le a^\circ`, and the Clopper-Pearson limit
rises in k and falls in a: :math:`\mathrm{err}(h)\le\mathrm{CP}^+(k,k+a,\delta)`. So repeats of right rows are dropped and
repeats of wrong rows are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.evidence.splits import part_items
from bounds.heads.fitted import FittedHead
from bounds.heads.losses import HeadLosses, item_losses
from bounds.representations.copies import Copies, Mask, Rows, fingerprints, joined
from bounds.representations.table import Chunk, Representations

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """What a Clopper-Pearson limit reads.

    Attributes:
        mistakes: k.
        trials: k + a.
        notes: How many copies were found and how they entered; empty where there are none.
    """

    mistakes: int
    trials: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Losses:
    """The mean that a limit monotone in each loss reads, over `trials` rows."""

    mean: float
    trials: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Apart:
    """Rows kept apart: which are copies of one another, and which are in R.

    Attributes:
        component: (N,) equal for rows that copies of copies join.
        leaked: (N,) whether the row is a copy of a row that the head was made from.
        repeats: None counts as above; "keep": the population repeats items, each row counts as it is; "drop": the
            population has no atoms, each component counts once.
        overlap: "added": rows in R were only added, none replaced; right ones are then dropped, not counted wrong.
        name, source: The rows, and what R are copies of, in words.
    """

    component: Rows
    leaked: Mask
    repeats: Literal["keep", "drop"] | None
    overlap: Literal["added"] | None
    name: str
    source: str

    @property
    def clean(self) -> bool:
        """Whether every row counts as it is."""
        return self.repeats == "keep" or not (self.leaked.any() or self.repeated)

    @property
    def repeated(self) -> int:
        """Rows beyond the first of their component."""
        return len(self.component) - len(np.unique(self.component))

    def upper(self, wrong: Mask) -> Counts:
        """K and k + a for an upper limit of the error."""
        if self.repeats == "keep":
            return Counts(int(wrong.sum()), len(wrong))
        bad = wrong if self.overlap == "added" else wrong | self.leaked
        good = ~self._touched(wrong | self.leaked)
        rows = self._distinct(bad) if self.repeats == "drop" else int(bad.sum())
        return Counts(rows, rows + self._distinct(good), self.notes())

    def lower(self, wrong: Mask) -> Counts:
        """K and k + a for a lower limit: components all wrong and outside R, against every other row."""
        if self.repeats == "keep":
            return Counts(int(wrong.sum()), len(wrong))
        right = ~wrong | self.leaked
        bad = self._distinct(~self._touched(right))
        rows = self._distinct(right) if self.repeats == "drop" else int(right.sum())
        return Counts(bad, bad + rows, self.notes())

    def outside(self, wrong: Mask) -> Counts:
        """The same as `upper` for the error on inputs outside R."""
        kept = ~self.leaked
        rest = replace(self, component=self.component[kept], leaked=self.leaked[kept])
        return rest.upper(wrong[kept])

    def losses(self, values: Floats, largest: float) -> Losses:
        """Losses in [0, r] so entered that a limit that rises in each of them stays one.

        A row in R and a later repeat enter as r; the first row of a component enters with the largest loss of its
        component. Right for limits that do not fall when a row of loss r is added: kl, Hoeffding's, constant stakes.
        """
        entered = self.entered(values, largest)
        return Losses(float(entered.mean()), len(entered), () if self.repeats == "keep" else self.notes())

    def entered(self, values: Floats, largest: float) -> Floats:
        """The losses that `losses` averages."""
        if self.repeats == "keep":
            return values
        _, first, inverse = np.unique(self.component, return_index=True, return_inverse=True)
        worst = np.zeros(len(first))
        np.maximum.at(worst, inverse, np.where(self.leaked, largest, values))
        if self.repeats == "drop":
            return worst
        entered = np.full(len(values), largest)
        entered[first] = worst
        return entered

    def losses_from_below(self, values: Floats) -> Losses:
        """Non-negative losses so entered that the kl limit from below stays one.

        Of each component without a row in R the smallest loss enters, every other row enters as 0: a loss that falls
        and a row of loss 0 that is added both lower the limit, as N·kl(L/N‖p) falls in N for L/N > p.
        """
        if self.repeats == "keep":
            return Losses(float(values.mean()), len(values))
        _, inverse = np.unique(self.component, return_inverse=True)
        smallest = np.full(inverse.max() + 1, np.inf)
        np.minimum.at(smallest, inverse, np.where(self.leaked, 0.0, values))
        trials = len(smallest) if self.repeats == "drop" else len(values)
        return Losses(float(smallest.sum()) / trials, trials, self.notes())

    def _touched(self, rows: Mask) -> Mask:
        """Rows of a component that holds one of these rows."""
        found: Mask = np.isin(self.component, self.component[rows])
        return found

    def _distinct(self, rows: Mask) -> int:
        return len(np.unique(self.component[rows]))

    def read(self) -> tuple[str, ...]:
        """`notes` where copies change a count."""
        return () if self.clean else self.notes()

    def notes(self) -> tuple[str, ...]:
        """How many copies there are and how they enter."""
        found = []
        if self.leaked.any():
            how = "right ones were left out" if self.overlap == "added" else "they were counted as mistakes"
            found.append(
                f"{int(self.leaked.sum())} of {len(self.leaked)} {self.name} are copies of {self.source}; {how}"
            )
        if self.repeated:
            how = (
                "each counted once (declared: repeats='drop')"
                if self.repeats == "drop"
                else "repeats of right ones were left out, those of wrong ones counted: nothing was declared of them"
            )
            found.append(f"{self.repeated} of {len(self.leaked)} {self.name} repeat another one; {how}")
        return tuple(found)


def copies(evidence: Evidence) -> Copies:
    """Copies among the rows of S, both views of the pairs, and T: by fingerprints where all have them."""

    def make() -> Copies:
        tables = {"labeled": _view(evidence.labeled, 0)}
        if evidence.test is not None:
            tables["test"] = _view(evidence.test, 0)
        if evidence.pairs is not None:
            tables |= {f"view {i}": _view(evidence.pairs, i) for i in (0, 1)}
        prints = {name: fingerprints(table) for name, table in tables.items()}
        known = {name: one for name, one in prints.items() if one is not None}
        return Copies.of_fingerprints(known) if len(known) == len(tables) else Copies.of_rows(tables)

    return memo(evidence, "copies", make)


def _view(table: Representations, view: int) -> Representations:
    prints = getattr(table, "fingerprints", None)
    carried: dict[str, Any] = {}
    if prints is not None:
        carried["fingerprints"] = np.asarray(prints)[:, [min(view, np.shape(prints)[1] - 1)]]
    return replace(table, views=table.views[view : view + 1], **carried)


def test_apart(evidence: Evidence) -> Apart:
    """T, kept apart from S, from recorded training items, and from pairs unless the encoder was fixed before them."""

    def make() -> Apart:
        N = evidence.need_test().count
        if evidence.setting.declared.repeats == "keep":
            return _apart(evidence, _own(N), np.zeros(N, dtype=bool), "test items", "")
        found = copies(evidence)
        rows = found.rows("test", np.arange(N))
        others, source = [found.rows("labeled", np.arange(evidence.n))], "labeled items"
        a3 = evidence.setting.assumptions.get("A3")
        if evidence.pairs is not None and not (a3 is not None and a3.holds):
            others += [found.rows(f"view {i}", np.arange(evidence.m)) for i in (0, 1)]
            source = "labeled items or items of pairs"
        leaked = found.among(rows, np.concatenate(others))
        seen = recorded(evidence, evidence.need_test())
        if seen is not None and seen.any():
            leaked, source = leaked | seen, f"{source} or items the encoder was trained on"
        return _apart(evidence, found.components(rows), leaked, "test items", source)

    return memo(evidence, "test apart", make)


def held_out_apart(evidence: Evidence, count: int) -> Apart:
    """The held-out rows of S, in the order of S, kept apart from the other rows of S."""

    def make() -> Apart:
        if evidence.setting.declared.repeats == "keep":
            return _apart(evidence, _own(count), np.zeros(count, dtype=bool), "held-out labels", "")
        found = copies(evidence)
        rows = found.rows("labeled", part_items(evidence, 0, count))
        others = found.rows("labeled", part_items(evidence, count, evidence.n))
        return _apart(
            evidence, found.components(rows), found.among(rows, others), "held-out labels", "fitted ones"
        )

    return memo(evidence, ("held-out apart", count), make)


def pairs_apart(evidence: Evidence, views: tuple[int, ...]) -> Apart:
    """The pairs, or one view of each, kept apart from every row of S; pairs that share a copied view are joined."""

    def make() -> Apart:
        m = evidence.m
        if evidence.setting.declared.repeats == "keep":
            return _apart(evidence, _own(m), np.zeros(m, dtype=bool), "unlabeled items", "")
        found = copies(evidence)
        sides = [found.rows(f"view {i}", np.arange(m)) for i in views]
        labeled = found.rows("labeled", np.arange(evidence.n))
        leaked = np.any([found.among(side, labeled) for side in sides], axis=0)
        component = found.components(np.concatenate(sides)).reshape(len(views), m)
        return _apart(evidence, joined(component), leaked, "unlabeled items", "labeled ones")

    return memo(evidence, ("pairs apart", views), make)


def recorded(evidence: Evidence, table: Representations) -> Mask | None:
    """Which items the encoder's record of training items holds; None without a record or fingerprints."""
    prints, record = fingerprints(table), evidence.setting.trained_on
    return None if prints is None or record is None else np.isin(prints, record)


def _own(count: int) -> Rows:
    return np.arange(count, dtype=np.int64)


def _apart(evidence: Evidence, component: Rows, leaked: Mask, name: str, source: str) -> Apart:
    declared = evidence.setting.declared
    return Apart(component, leaked, declared.repeats, declared.overlap, name, source)


# What the theorems read


def test_mean(evidence: Evidence, head: FittedHead) -> Losses:
    """Projected loss of a head made from S on the test items, in [0, √2]."""
    apart = test_apart(evidence)
    if apart.clean:
        losses = test_losses(evidence, head)
        return Losses(losses.projected_residual, losses.count)
    return apart.losses(outcomes(evidence, head, "test")[1], 2.0**0.5)


def test_losses(evidence: Evidence, head: FittedHead) -> HeadLosses:
    """Losses of a head on all test items."""
    if head is evidence.head:
        return evidence.head_test_losses
    return memo(evidence, ("test losses", head.name), lambda: evidence.test_losses_of([head])[0])


def held_out_counts(evidence: Evidence, head: FittedHead, count: int) -> Counts:
    """Mistakes and trials on the held-out rows of S of a head fitted on the others."""
    apart = held_out_apart(evidence, count)
    if apart.clean:
        losses = held_out_losses(evidence, head, count)
        return Counts(losses.mistakes, losses.count)
    return apart.upper(outcomes(evidence, head, count)[0])


def held_out_mean(evidence: Evidence, head: FittedHead, count: int) -> Losses:
    """Projected loss on the held-out rows of S, in [0, √2]."""
    apart = held_out_apart(evidence, count)
    if apart.clean:
        losses = held_out_losses(evidence, head, count)
        return Losses(losses.projected_residual, losses.count)
    return apart.losses(outcomes(evidence, head, count)[1], 2.0**0.5)


def held_out_losses(evidence: Evidence, head: FittedHead, count: int) -> HeadLosses:
    """Losses of a head on the held-out rows of S."""

    def make() -> HeadLosses:
        return HeadLosses.of(head, _labeled(_part(evidence, count)))

    return memo(evidence, ("held-out losses", head.name, count), make)


def class_counts(evidence: Evidence, head: FittedHead, count: int) -> tuple[list[Counts], tuple[str, ...]]:
    """Mistakes and trials of each class on the held-out rows of S; a component of several labels counts for none."""

    def make() -> tuple[list[Counts], tuple[str, ...]]:
        apart = held_out_apart(evidence, count)
        wrong, _, labels = outcomes(evidence, head, count)
        found = []
        for y in range(evidence.setting.num_classes):
            own = labels == y
            mixed = np.isin(apart.component, apart.component[~own])
            part = replace(apart, component=apart.component[own], leaked=(apart.leaked | mixed)[own])
            if apart.overlap == "added":
                part = replace(part, overlap=None)  # a copy under another label is no added row
            if apart.repeats == "keep":
                part = replace(part, leaked=apart.leaked[own])
            found.append(part.upper(wrong[own]))
        return found, () if apart.clean else apart.notes()

    return memo(evidence, ("class counts", head.name, count), make)


def outcomes(evidence: Evidence, head: FittedHead, which: Literal["test"] | int) -> tuple[Mask, Floats, Rows]:
    """(wrong, projected loss, label) of each test item, or of each held-out row of S, in the order of the table."""

    def make() -> tuple[Mask, Floats, Rows]:
        chunks = (
            evidence.need_test().chunks(device=evidence.device)
            if which == "test"
            else _part(evidence, int(which))
        )
        found = [
            (item_losses(head(z), y)[:, [3, 1]].cpu().numpy(), y.cpu().numpy()) for z, y in _labeled(chunks)
        ]
        losses, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return losses[:, 0] > 0.5, losses[:, 1], labels

    return memo(evidence, ("outcomes", head.name, which), make)


def _part(evidence: Evidence, count: int) -> Iterator[Chunk]:
    return evidence.labeled.chunks(device=evidence.device, items=part_items(evidence, 0, count))


def _labeled(chunks: Iterator[Chunk]) -> Iterator[tuple[Tensor, Tensor]]:
    for views, labels in chunks:
        if labels is not None:
            yield views[0], labels
