"""Pairwise l2 distances as a streamed histogram, and nearest neighbours against a noise radius."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.information.pairwise import BLOCK, exact_distances, half_square_blocks
from bounds.information.rows import as_rows
from bounds.summaries.units import binary_unit


@dataclass(frozen=True)
class Overlap:
    """How far Gaussians N(x_i, s^2 I) around the rows keep apart.

    Attributes:
        noise: s, the standard deviation per dimension.
        radius: s sqrt(d), where the mass of each Gaussian concentrates.
        touching: Share of rows whose nearest neighbour is closer than 2 * radius: the shells could meet.
        confused: Mean over rows of Phi(-distance / (2 s)): the chance that a draw is nearer to the one
            nearest other row; a lower bound on the chance over all rows, so close to zero means effectively
            disjoint as far as nearest neighbours tell, whatever d. Holds for isotropic noise only.

    Example:
        >>> import torch
        >>> from bounds.information import pairwise_distances
        >>> points = pairwise_distances(torch.tensor([[0.0], [2.0]]))
        >>> round(points.overlap(1.0).confused, 4)  # Φ(−1): distance 2, s = 1
        0.1587
    """

    noise: float
    radius: float
    touching: float
    confused: float


@dataclass(frozen=True)
class PairwiseDistances:
    """Distribution of |x_i - x_j| over pairs i < j.

    Attributes:
        edges: Histogram edges, (bins + 1,).
        counts: Pairs in each bin, (bins,); they sum to n(n-1)/2.
        nearest: Distance of each row to its nearest other row, (n,), exact in float64.
        n: Rows.
        d: Dimension.
        mean: Mean distance.

    Example:
        >>> import torch
        >>> from bounds.information import pairwise_distances
        >>> found = pairwise_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
        >>> found.n, found.mean, found.nearest.tolist()
        (2, 5.0, [5.0, 5.0])
    """

    edges: np.ndarray
    counts: np.ndarray
    nearest: np.ndarray
    n: int
    d: int
    mean: float

    @property
    def smallest(self) -> float:
        """The smallest distance between two different rows; zero if two rows coincide."""
        return float(self.nearest.min())

    def overlap(self, noise: float) -> Overlap:
        """Compare nearest neighbours with isotropic Gaussian noise of standard deviation `noise`.

        Raises:
            InvalidOption: a noise that is not positive.
        """
        from scipy.special import ndtr

        if not 0 < noise < math.inf:
            raise InvalidOption(f"`noise` must be a positive standard deviation, got {noise}.")
        radius = noise * math.sqrt(self.d)
        touching = float((self.nearest < 2 * radius).mean())
        return Overlap(noise, radius, touching, float(ndtr(-self.nearest / (2 * noise)).mean()))


def pairwise_distances(data: Any, *, bins: int = 200, block: int = BLOCK) -> PairwiseDistances:
    """Histogram of the l2 distances between all pairs of rows, without holding them.

    The range is [0, twice the largest distance to the mean], known before the pairs. Half a matrix product
    serves the pairs i < j and both their neighbours; rounding puts a pair in the next bin only at an edge.

    Args:
        data: (n, d) raw images flattened, or representations.
        bins: Of equal width.
        block: Rows on a side of a block, at most 4096.

    Raises:
        InvalidData: fewer than two rows, NaN or infinity.
        InvalidOption: `bins` not positive, or `block` out of range.

    Example:
        >>> import torch
        >>> from bounds.information import pairwise_distances
        >>> found = pairwise_distances(torch.eye(4), bins=10)
        >>> round(found.mean, 3), int(found.counts.sum())  # √2 for each of the six pairs
        (1.414, 6)
    """
    rows = as_rows(data, "data", least=2)
    if bins < 1 or not 1 <= block <= 4096:
        raise InvalidOption(f"`bins` must be positive and `block` in 1..4096, got {bins} and {block}.")
    n, d = rows.shape
    unit = binary_unit(rows)  # squares neither over- nor underflow
    rows = rows.double() / unit
    spread = 2 * float(torch.linalg.vector_norm(rows - rows.mean(dim=0), dim=1).max())
    if spread == 0:
        raise InvalidData("All rows of `data` are the same; their distances are all zero.")
    top = spread * (1 + 1e-6)
    counts = np.zeros(bins, dtype=np.int64)
    total = 0.0
    best = rows.new_full((n,), -torch.inf)
    index = torch.zeros(n, dtype=torch.int64, device=rows.device)
    for part, columns, values in half_square_blocks(rows, block, upper=True):
        if part == columns:
            values.fill_diagonal_(-torch.inf)
        else:
            _keep_nearest(best, index, columns, values.max(dim=0), part.start)
        _keep_nearest(best, index, part, values.max(dim=1), columns.start)
        if part == columns:
            values = values[torch.ones_like(values, dtype=torch.bool).triu(1)]
        distances = values.mul_(-2).sqrt_().clamp_(max=top)
        counts += torch.histc(distances, bins, 0, top).cpu().numpy().astype(np.int64)
        total += float(distances.sum(dtype=torch.float64))
    near = exact_distances(rows, index[:, None])[0][:, 0].cpu().numpy()
    edges = unit * np.linspace(0, top, bins + 1)
    return PairwiseDistances(edges, counts, unit * near, n, d, unit * (total / (n * (n - 1) / 2)))


def _keep_nearest(best: Tensor, index: Tensor, part: slice, found: Any, offset: int) -> None:
    """Keep the nearer of what was known and what one block found for the rows in `part`."""
    better = found.values > best[part]
    best[part] = torch.where(better, found.values, best[part])
    index[part] = torch.where(better, found.indices + offset, index[part])
