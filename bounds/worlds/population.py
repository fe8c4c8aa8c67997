"""A population: finitely many inputs with known weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bounds.errors import InvalidOption

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Population:
    """Finitely many inputs x with their class and weight, sorted by class and then by image.

    A cloud of Gaussian points is a population too: the world *is* these points, drawn once and for all, so
    that sampling with replacement is exactly i.i.d. and every expectation is exactly a sum.

    Attributes:
        points: (M, r) float64 inputs x.
        labels: (M,) class of each point.
        weights: (M,) P(x), summing to one; the class prior is the sum within classes.
        images: (M,) which image a point is a view of; by default each point is its own.

    Raises:
        InvalidOption: weights that are no distribution, or points not sorted by class and image.

    Example:
        >>> import numpy as np
        >>> import torch
        >>> from bounds.worlds import Population
        >>> points = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
        >>> Population(points, np.array([0, 0, 1]), np.array([0.25, 0.25, 0.5])).prior  # of the classes
        array([0.5, 0.5])
    """

    points: Tensor
    labels: Index
    weights: NDArray[np.float64]
    images: Index = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if not len(self.images):
            object.__setattr__(self, "images", np.arange(len(self.labels)))
        rising = not np.any(np.diff(self.labels) < 0) and not np.any(np.diff(self.images) < 0)
        if np.any(self.weights < 0) or abs(self.weights.sum() - 1) > 1e-9 or not rising:
            raise InvalidOption(
                "A population needs weights that sum to one and points sorted by class and image."
            )

    @cached_property
    def prior(self) -> NDArray[np.float64]:
        """Class prior p, (K,)."""
        prior: NDArray[np.float64] = np.bincount(self.labels, self.weights).astype(np.float64)
        return prior

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        return np.concatenate([[0.0], np.cumsum(self.weights)])

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.prior)

    def within(self, groups: Index, keys: Index, rng: np.random.Generator) -> Index:
        """One point, by its weight, of each group in `keys`; groups are runs of equal entries of `groups`."""
        edges = self._edges
        start = np.searchsorted(groups, keys, "left")
        stop = np.searchsorted(groups, keys, "right")
        at = edges[start] + rng.random(len(keys)) * (edges[stop] - edges[start])
        found: Index = np.clip(np.searchsorted(edges, at, "right") - 1, start, stop - 1)
        return found
