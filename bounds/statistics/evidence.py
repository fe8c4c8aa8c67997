"""What the data say, computed when first asked for: the only thing a theorem sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bounds.errors import NotApplicable
from bounds.representations.table import Representations
from bounds.statistics.classes import ClassMoments
from bounds.statistics.heads import Head, HeadLosses
from bounds.statistics.least_squares import LeastSquares
from bounds.statistics.limits import constant_loss
from bounds.statistics.moments import Moments
from bounds.statistics.pairs import PairMoments
from bounds.statistics.setting import Setting

RIDGE_GRID = tuple(10.0**power for power in range(-5, 3))


@dataclass(frozen=True)
class Evidence:
    """Summaries of the labeled sample S, the pairs S̄ and the test items, each streamed once and kept.

    Attributes:
        setting: What was declared.
        labeled: Representations of S with labels, normalised.
        pairs: Two views per item, labels optional, normalised; None without unlabeled data.
        test: Labeled test representations, normalised; None without.
        device: Where summaries are computed.
    """

    setting: Setting
    labeled: Representations
    pairs: Representations | None = None
    test: Representations | None = None
    device: torch.device | str = "cpu"

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
    def _labeled_pass(self) -> tuple[ClassMoments, LeastSquares]:
        dim, classes = self.labeled.dim, self.setting.num_classes
        moments = ClassMoments.empty(dim, classes, self.device)
        squares = LeastSquares.empty(dim, classes, self.device)
        for z, y in self.labeled_chunks():
            moments, squares = moments.update(z, y), squares.update(z, y)
        return moments, squares.reduced()

    @property
    def classes(self) -> ClassMoments:
        """Class counts, means and scatter of S."""
        return self._labeled_pass[0]

    @property
    def least_squares(self) -> LeastSquares:
        """Triangular factor of S."""
        return self._labeled_pass[1]

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
        return self.least_squares.min_norm()

    @cached_property
    def head(self) -> Head:
        """The head asked for by the option `head`, fitted on S."""
        return self.fit(self.least_squares)

    @cached_property
    def ridge_heads(self) -> list[Head]:
        """Affine ridge heads on S over a fixed grid of penalties, in units of tr Cov(z)/d."""
        squares = self.least_squares
        unit = squares.mean_square_scale
        if unit * squares.count * squares.dim <= (squares.default_rtol() * float(squares.singular_values[0])) ** 2:
            return []  # what varies is rounding
        return [squares.ridge(unit * factor, intercept=True) for factor in RIDGE_GRID]

    def fit(self, squares: LeastSquares) -> Head:
        """The kind of head asked for by the option `head`, on any rows."""
        choice = self.setting.head
        return squares.min_norm() if isinstance(choice, str) else squares.ridge(choice[1])

    @cached_property
    def _labeled_losses(self) -> dict[int, HeadLosses]:
        heads = [self.min_norm, self.head, *self.ridge_heads]
        if self.pairs is not None and self.pairs.labels is not None:
            heads += [self.reference, self.min_norm_reference]
        return self._losses(heads, self.labeled_chunks())

    def labeled_losses(self, head: Head) -> HeadLosses:
        """Losses on S of one of the heads this evidence made."""
        return self._labeled_losses[id(head)]

    # The pairs

    @cached_property
    def _pair_pass(self) -> tuple[PairMoments, LeastSquares | None, Moments]:
        pairs = self.need_pairs()
        moments = PairMoments.empty(pairs.dim, self.device)
        squares = None
        if pairs.labels is not None:
            squares = LeastSquares.empty(pairs.dim, self.setting.num_classes, self.device)
        heads = [self.head, *self.ridge_heads]
        stacked = torch.cat([head.weight for head in heads])
        through = Moments.empty(len(heads), self.device)
        for first, second, y in self.pair_chunks():
            moments = moments.update(first, second)
            moved = ((first - second) @ stacked.T).reshape(len(first), len(heads), -1)
            through = through.update(0.5 * moved.square().sum(2))
            if squares is not None and y is not None:
                squares = squares.update(first, y)
        return moments, None if squares is None else squares.reduced(), through

    @property
    def pair_moments(self) -> PairMoments:
        """Invariance and second moments of pair differences."""
        return self._pair_pass[0]

    def half_invariance(self, head: Head) -> tuple[float, float]:
        """Mean and sample variance of ½‖W(f(x⁺) − f(x⁺⁺))‖² for the chosen head or one of the ridge heads."""
        if self.m < 2:
            raise NotApplicable("needs at least two pairs for a sample variance.")
        column = [id(h) for h in (self.head, *self.ridge_heads)].index(id(head))
        through = self._pair_pass[2]
        return float(through.mean[column]), float(through.variance[column])

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
        """The same kind of head as `head`, fitted on (f(x⁺), y⁺)."""
        return self.fit(self.pair_least_squares)

    @cached_property
    def pair_frequencies(self) -> Tensor:
        """Class frequencies of the pairs, (K,)."""
        labels = self.need_pairs().labels
        if labels is None:
            raise NotApplicable("needs the labels of the pairs.")
        return torch.bincount(torch.from_numpy(labels), minlength=self.setting.num_classes).double() / self.m

    @cached_property
    def _reference_pass(self) -> tuple[dict[int, HeadLosses], dict[int, HeadLosses]]:
        heads = [self.reference, self.min_norm_reference]
        return (
            self._losses(heads, ((first, y) for first, _, y in self.labeled_pair_chunks())),
            self._losses(heads, ((second, y) for _, second, y in self.labeled_pair_chunks())),
        )

    def first_view_losses(self, head: Head) -> HeadLosses:
        """Losses of a reference head on (f(x⁺), y⁺), where it was fitted."""
        return self._reference_pass[0][id(head)]

    def second_view_losses(self, head: Head) -> HeadLosses:
        """Losses of a reference head on the fresh second views (f(x⁺⁺), y⁺)."""
        return self._reference_pass[1][id(head)]

    # Test items

    def test_losses_of(self, heads: list[Head]) -> list[HeadLosses]:
        """Losses of any heads on the test items, in one pass."""
        return HeadLosses.of_many(heads, _labeled(self.need_test(), self.device))

    @cached_property
    def head_test_losses(self) -> HeadLosses:
        """Losses of the chosen head on the test items."""
        return self.test_losses_of([self.head])[0]

    def known_heads(self) -> list[Head]:
        """Every head on S or a part of it that bounds speak about."""
        remembered = [value for value in self.__dict__.get("_memo", {}).values() if isinstance(value, Head)]
        return [self.min_norm, self.head, *self.ridge_heads, *remembered]

    # Streams

    def labeled_chunks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """(z (N, d), labels (N,)) over S."""
        return _labeled(self.labeled, self.device)

    def pair_chunks(self) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """(f(x⁺), f(x⁺⁺), labels or None) over S̄."""
        for (first, second), labels in self.need_pairs().chunks(device=self.device):
            yield first, second, labels

    def labeled_pair_chunks(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The same where the labels of the pairs are known."""
        for first, second, labels in self.pair_chunks():
            if labels is not None:
                yield first, second, labels

    @staticmethod
    def _losses(heads: list[Head], chunks: Iterator[tuple[Tensor, Tensor]]) -> dict[int, HeadLosses]:
        return {id(h): losses for h, losses in zip(heads, HeadLosses.of_many(heads, chunks), strict=True)}


def _labeled(table: Representations, device: torch.device | str) -> Iterator[tuple[Tensor, Tensor]]:
    for views, labels in table.chunks(device=device):
        if labels is not None:
            yield views[0], labels
