"""What the data say, computed when first asked for: the only thing a theorem sees."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from bounds.assumptions.assumption import Assumption
from bounds.draws import permutation
from bounds.errors import NotApplicable
from bounds.evidence.distributed import all_merge
from bounds.evidence.kept import Kept
from bounds.evidence.saved import Summary
from bounds.evidence.setting import Setting
from bounds.evidence.shares import held_out_sizes
from bounds.heads import HeadKind, head_kind
from bounds.heads.fitted import FittedHead
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.least_squares import LeastSquares
from bounds.heads.linear import Head, require_linear
from bounds.heads.losses import HeadLosses
from bounds.heads.min_norm import MinNorm
from bounds.heads.ridge import Ridge
from bounds.processes import ALONE, Processes
from bounds.representations.table import Chunk, Representations
from bounds.summaries.classes import ClassMoments
from bounds.summaries.limits import constant_loss
from bounds.summaries.pairs import PairMoments
from bounds.summaries.totals import Totals

RIDGE_GRID = tuple(10.0**power for power in range(-5, 3))
_STREAM = 7  # of the random numbers that order the rows of S
S = TypeVar("S", bound=Summary)
V = TypeVar("V")


@dataclass(frozen=True)
class Evidence:
    """Summaries of the labeled sample S, the pairs S̄ and the test items, each computed once and kept.

    Attributes:
        setting: What was declared.
        labeled: Representations of S with labels, normalised.
        pairs: Two views per item, labels optional, normalised; None without unlabeled data.
        test: Labeled test representations, normalised; None without.
        device: Where summaries are computed.
        processes: Those that share the work; all hold the same tables and get the same numbers.
        distinct: The evidence of the distinct rows of S, from which the heads on S are taken, where S repeats rows and
            nothing is declared about it.

    Example:
        >>> import numpy as np
        >>> from bounds.worlds import WORLDS
        >>> evidence = WORLDS["gaussian"]().sample(np.random.default_rng(0), n=60, m=40).evidence
        >>> evidence.n, evidence.m, evidence.classes.counts.sum().item()
        (60, 40, 60)
    """

    setting: Setting
    labeled: Representations
    pairs: Representations | None = None
    test: Representations | None = None
    device: torch.device | str = "cpu"
    processes: Processes = ALONE
    distinct: Evidence | None = None

    def assuming(self, assumptions: Mapping[str, Assumption]) -> Evidence:
        """The same evidence, all it remembers included, with these statuses."""
        found = replace(self, setting=replace(self.setting, assumptions=assumptions))
        own = {one.name for one in fields(self)}
        found.__dict__.update({name: value for name, value in self.__dict__.items() if name not in own})
        return found

    # Sizes

    @property
    def n(self) -> int:
        """Number of labeled items."""
        return self.labeled.count

    @property
    def m(self) -> int:
        """Number of pairs."""
        return self.need_pairs().count

    def need_pairs(self) -> Representations:
        """The pairs, or NotApplicable."""
        if self.pairs is None:
            raise NotApplicable("needs unlabeled pairs; pass `unlabeled`.")
        return self.pairs

    def need_test(self) -> Representations:
        """The test items, or NotApplicable."""
        if self.test is None:
            raise NotApplicable("needs held-out labeled items; pass `test=(x, y)`.")
        return self.test

    # The labeled sample

    @cached_property
    def row_ranks(self) -> np.ndarray:
        """Rank of each row of S in a random order that depends on the seed alone; low ranks are held out, (n,)."""
        return np.argsort(self._order)

    @cached_property
    def _order(self) -> np.ndarray:
        return permutation(self.setting.seed, self.n, _STREAM)

    def _labeled_parts(self) -> Iterator[tuple[int, Iterator[Chunk]]]:
        """(c, rows of S whose rank is at least c and below the cut before) for each cut c, from the highest down."""
        cuts = sorted({0, *held_out_sizes(self.setting.holdout, self.n)}, reverse=True)
        for low, high in zip(cuts, [self.n, *cuts], strict=False):
            yield low, self.own_chunks(self.labeled, np.sort(self._order[low:high]))

    @cached_property
    def classes(self) -> ClassMoments:
        """Class counts, means and scatter of S."""
        moments = ClassMoments.empty(self.labeled.dim, self.setting.num_classes, self.device)
        for _, chunks in self._labeled_parts():
            for (z, *_), y in chunks:
                if y is not None:
                    moments = moments.update(z, y)
        return self.merged(moments)

    @cached_property
    def _factors(self) -> dict[int, LeastSquares]:
        """A factor of the rows whose rank is at least c for each cut c; few theorems need none."""
        squares = LeastSquares.empty(self.labeled.dim, self.setting.num_classes, self.device)
        factors = {}
        for low, chunks in self._labeled_parts():
            squares = self.remembered(("factor", low), lambda s=squares, c=chunks: _grown(s, c))  # type: ignore[misc]
            factors[low] = self.merged(squares).reduced()
        return factors

    def keep_in(self, kept: Kept | None) -> None:
        """From now on what takes long is written to a folder, and taken from there by a run that goes on."""
        self.__dict__["_kept"] = kept

    def remembered(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of `make()`, or what an earlier run kept of it."""
        kept: Kept | None = self.__dict__.get("_kept")
        return make() if kept is None else kept.value(key, make)

    @property
    def least_squares(self) -> LeastSquares:
        """Triangular factor of S."""
        return self._factors[0]

    def least_squares_from(self, count: int) -> LeastSquares:
        """Triangular factor of the rows of S without `count` held-out ones, for the shares in use."""
        return self._factors[count]

    @cached_property
    def frequencies(self) -> list[float]:
        """p̂ of S."""
        values: list[float] = self.classes.frequencies.tolist()
        return values

    @cached_property
    def constant_loss(self) -> float:
        """Norm loss of the best constant predictor on the labels of S: loss bounds at or above it are vacuous."""
        return constant_loss(self.frequencies)

    @property
    def constant_error(self) -> float:
        """1 − max p̂: error bounds at or above it are vacuous."""
        return 1.0 - max(self.frequencies)

    @cached_property
    def min_norm(self) -> Head:
        """W_S, the minimum-norm least-squares head on S."""
        return self.least_squares.min_norm() if self.distinct is None else self.distinct.min_norm

    @cached_property
    def kind(self) -> HeadKind:
        """The kind of head asked for by the option `head`."""
        return head_kind(self.setting.head)

    @cached_property
    def head(self) -> FittedHead:
        """The head asked for by the option `head`, fitted on S."""
        if self.distinct is not None:
            return self.distinct.head
        return self.min_norm if self._min_norm_asked else self.kind.fit(self.rows_from(0))

    def rows_from(self, count: int) -> LabeledRows:
        """The rows of S without `count` held-out ones, for a fit."""
        return LabeledRows(
            self.labeled,
            self.setting.num_classes,
            None if count == 0 else np.sort(self._order[count:]),
            self.setting.seed,
            self.device,
            self.processes,
            self.merged,
            lambda: self.least_squares_from(count),
        )

    @cached_property
    def ridge_heads(self) -> list[Head]:
        """Affine ridge heads on S over a fixed grid of penalties, in units of tr Cov(z)/d."""
        if self.distinct is not None:
            return self.distinct.ridge_heads
        squares = self.least_squares
        unit = squares.mean_square_scale
        if (
            unit * squares.count * squares.dim
            <= (squares.default_rtol() * float(squares.singular_values[0])) ** 2
        ):
            return []  # what varies is rounding
        return [squares.ridge(unit * factor, intercept=True) for factor in RIDGE_GRID]

    @property
    def _min_norm_asked(self) -> bool:
        return isinstance(self.kind, MinNorm)

    @property
    def has_reference(self) -> bool:
        """Whether the bounds that compare with a head on the pairs speak about this kind of head."""
        return (
            isinstance(self.kind, MinNorm | Ridge)
            and self.pairs is not None
            and self.pairs.labels is not None
        )

    @cached_property
    def _labeled_losses(self) -> dict[int, HeadLosses]:
        heads: list[FittedHead] = [self.min_norm, self.head]
        if self.has_reference:
            heads.append(self.reference)
        if self.pairs is not None and self.pairs.labels is not None:
            heads.append(self.min_norm_reference)
        return self._losses(heads, self.labeled)

    def labeled_losses(self, head: FittedHead) -> HeadLosses:
        """Losses on S of the heads fitted on S or on the pairs, ridge heads of the grid apart."""
        return self._labeled_losses[id(head)]

    # The pairs

    @cached_property
    def _pair_pass(self) -> tuple[PairMoments, LeastSquares | None]:
        pairs = self.need_pairs()
        moments = PairMoments.empty(pairs.dim, self.device)
        squares = None
        if pairs.labels is not None:
            squares = LeastSquares.empty(pairs.dim, self.setting.num_classes, self.device)
        for (first, second), y in self.own_chunks(pairs):
            moments = moments.update(first, second)
            if squares is not None and y is not None:
                squares = squares.update(first, y)
        if squares is not None:
            squares = self.merged(squares).reduced()
        return self.merged(moments), squares

    @property
    def pair_moments(self) -> PairMoments:
        """Invariance and second moments of pair differences."""
        return self._pair_pass[0]

    @property
    def pair_least_squares(self) -> LeastSquares:
        """Triangular factor of the first views and the labels of S̄; NotApplicable without labels."""
        self.need_pairs()
        squares = self._pair_pass[1]
        if squares is None:
            raise NotApplicable("needs the labels of the pairs (Y_S̄); pass `unlabeled=(x1, x2, y)`.")
        return squares

    @cached_property
    def min_norm_reference(self) -> Head:
        """W_S̄, the minimum-norm head on (f(x⁺), y⁺)."""
        return self.pair_least_squares.min_norm()

    @cached_property
    def reference(self) -> Head:
        """The same kind of head as `head`, fitted on (f(x⁺), y⁺); least-squares heads only."""
        squares = self.pair_least_squares
        if isinstance(self.kind, Ridge):
            return squares.ridge(self.kind.penalty)
        require_linear(self.head)
        return self.min_norm_reference

    @cached_property
    def pair_frequencies(self) -> Tensor:
        """Class frequencies of the pairs, (K,)."""
        labels = self.need_pairs().labels
        if labels is None:
            raise NotApplicable("needs the labels of the pairs.")
        return torch.bincount(torch.from_numpy(labels), minlength=self.setting.num_classes).double() / self.m

    @cached_property
    def _reference_pass(self) -> tuple[dict[int, HeadLosses], dict[int, HeadLosses]]:
        heads: list[FittedHead] = [self.min_norm_reference]
        if self.has_reference:
            heads.append(self.reference)
        pairs = self.need_pairs()
        return self._losses(heads, pairs), self._losses(heads, pairs, 1)

    def first_view_losses(self, head: Head) -> HeadLosses:
        """Losses of a reference head on (f(x⁺), y⁺), where it was fitted."""
        return self._reference_pass[0][id(head)]

    def second_view_losses(self, head: Head) -> HeadLosses:
        """Losses of a reference head on the fresh second views (f(x⁺⁺), y⁺)."""
        return self._reference_pass[1][id(head)]

    # Test items

    def test_losses_of(self, heads: list[FittedHead]) -> list[HeadLosses]:
        """Losses of any heads on the test items, in one pass."""
        losses = self._losses(heads, self.need_test())
        return [losses[id(head)] for head in heads]

    @cached_property
    def head_test_losses(self) -> HeadLosses:
        """Losses of the chosen head on the test items."""
        return self.test_losses_of([self.head])[0]

    def known_heads(self) -> list[FittedHead]:
        """Every head on S or a part of it that bounds speak about."""
        memory = self.__dict__.get("_memo", {}).values()
        remembered = [value for value in memory if isinstance(value, FittedHead)]
        return [self.min_norm, self.head, *self.ridge_heads, *remembered]

    # Streams

    def labeled_chunks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """(z (N, d), labels (N,)) over S, in every process all of it."""
        return _labeled(self.labeled, self.device)

    def labels_of(self, items: np.ndarray) -> Tensor:
        """Labels of these rows of S, (N,), int64.

        Raises:
            NotApplicable: S has none.
        """
        if self.labeled.labels is None:
            raise NotApplicable("needs labels.")
        return torch.from_numpy(self.labeled.labels[items]).to(self.device)

    def pair_chunks(self) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """(f(x⁺), f(x⁺⁺), labels or None) over S̄."""
        for (first, second), labels in self.need_pairs().chunks(device=self.device):
            yield first, second, labels

    def labeled_pair_chunks(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The same where the labels of the pairs are known."""
        for first, second, labels in self.pair_chunks():
            if labels is not None:
                yield first, second, labels

    def own_chunks(self, table: Representations, items: np.ndarray | None = None) -> Iterator[Chunk]:
        """This process's share of a table, or of chosen items of it; what is computed from it needs `merged`."""
        start, stop = self.processes.share(table.count if items is None else len(items))
        return table.chunks(device=self.device, start=start, stop=stop, items=items)

    def merged(self, summary: S) -> S:
        """The summary of what all processes saw in `own_chunks`."""
        return all_merge(self.processes, summary)

    def agreed(self, numbers: Sequence[float]) -> list[float]:
        """The mean of each number over the processes, equal in each: for decisions that all must take alike."""
        sums = self.merged(Totals(torch.tensor(numbers, dtype=torch.float64))).values
        found: list[float] = (sums / self.processes.world).tolist()
        return found

    def _losses(
        self, heads: list[FittedHead], table: Representations, view: int = 0
    ) -> dict[int, HeadLosses]:
        table = replace(table, views=table.views[view : view + 1])
        chunks = ((z, y) for (z,), y in self.own_chunks(table) if y is not None)
        heads = list({id(head): head for head in heads}.values())
        found = HeadLosses.of_many(heads, chunks)
        return {id(head): self.merged(losses) for head, losses in zip(heads, found, strict=True)}


def _grown(squares: LeastSquares, chunks: Iterable[Chunk]) -> LeastSquares:
    for (z, *_), y in chunks:
        if y is not None:
            squares = squares.update(z, y)
    return squares.reduced()


def _labeled(table: Representations, device: torch.device | str) -> Iterator[tuple[Tensor, Tensor]]:
    for views, labels in table.chunks(device=device):
        if labels is not None:
            yield views[0], labels
