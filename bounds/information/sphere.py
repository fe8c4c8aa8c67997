"""von Mises-Fisher distributions on the unit sphere: fit, entropy, and pairwise bounds for their mixtures.

Entropies here are with respect to the surface measure of S^(d-1), not Lebesgue measure of R^d: compare them
with each other and with ln(area), never with LogDet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.evidence.distributed import all_sum
from bounds.information.bessel import bessel_ratio, bessel_ratio_gap, log_scaled_bessel_i
from bounds.information.pairwise import BLOCK, exponential_, product_blocks
from bounds.information.records import Entropy, EntropyBounds
from bounds.information.rows import as_rows, unit_rows
from bounds.processes import Processes


def log_sphere_area(d: int) -> float:
    """Log of the surface area of S^(d-1): the largest entropy there is on the sphere."""
    return math.log(2) + 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d)


def log_normaliser(kappa: Any, d: int) -> Any:
    """Log of C_d(kappa), C = kappa^(d/2-1) / ((2 pi)^(d/2) I_(d/2-1)(kappa)); minus ln(area) at kappa = 0."""
    return log_peak(kappa, d) - np.asarray(kappa, dtype=np.float64)


def log_peak(kappa: Any, d: int) -> Any:
    """Log of C_d(kappa) e^kappa, the density at its direction, which keeps the digits that kappa itself would take."""
    kappa = np.asarray(kappa, dtype=np.float64)
    safe = np.where(kappa > 0, kappa, 1.0)
    order = 0.5 * d - 1
    value = order * np.log(safe) - 0.5 * d * math.log(2 * math.pi) - log_scaled_bessel_i(order, safe)
    return np.where(kappa > 0, value, -log_sphere_area(d))[()]


def mean_cosine(kappa: float, d: int) -> float:
    """A_d(kappa) = E mu.x = I_(d/2)(kappa) / I_(d/2-1)(kappa), increasing from 0 to 1."""
    return bessel_ratio(0.5 * d - 1, kappa)


def fit_concentration(cosine: float, d: int, *, gap: float | None = None) -> float:
    """The kappa with A_d(kappa) = cosine, by bisection between Amos's bounds; 0 for a cosine below 0.

    Args:
        cosine: Mean cosine.
        d: Dimension.
        gap: 1 - cosine, where it is known better than a cosine near one says.

    Raises:
        InvalidOption: a cosine of one or more (all directions alike: kappa is infinite), or d < 2.
    """
    gap = 1 - cosine if gap is None else gap
    if d < 2 or not gap > 0:
        raise InvalidOption(
            f"A concentration needs d >= 2 and a mean cosine below 1, got d={d} and {cosine}."
        )
    if cosine <= 0:
        return 0.0
    order = 0.5 * d - 1
    low, high = (2 * half * cosine / (gap * (1 + cosine)) for half in (order, order + 1))
    for _ in range(200):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if bessel_ratio_gap(order, middle) > gap else (low, middle)
    return 0.5 * (low + high)


@dataclass(frozen=True)
class VonMisesFisher:
    """Density C_d(kappa) exp(kappa mu.x) on S^(d-1).

    Attributes:
        direction: mu, (d,), norm one.
        kappa: Concentration; 0 is uniform.
        count: Rows it was fitted on.

    Example:
        >>> import torch
        >>> from bounds.information import VonMisesFisher
        >>> uniform = VonMisesFisher(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), kappa=0.0, count=1)
        >>> round(uniform.entropy().value, 3)  # ln 4π
        2.531
    """

    direction: Tensor
    kappa: float
    count: int

    @classmethod
    def fit(cls, data: Any) -> VonMisesFisher:
        """Maximum likelihood: mu the mean direction, A_d(kappa) the mean resultant length."""
        rows = unit_rows(as_rows(data))
        mean = rows.mean(dim=0, dtype=torch.float64)
        length = float(torch.linalg.vector_norm(mean))
        direction = mean / length if length else torch.eye(len(mean), dtype=mean.dtype, device=mean.device)[0]
        # 1 - cos = |x - mu|^2 / 2 keeps its digits where the rows are nearly parallel.
        gap = 0.5 * float((rows - direction).square().sum(dim=1).mean())
        return cls(direction, fit_concentration(length, len(mean), gap=gap), len(rows))

    def log_prob(self, rows: Tensor) -> Tensor:
        """Log density of unit rows (N, d), in nats per surface measure, (N,)."""
        gap = 0.5 * (rows.double() - self.direction).square().sum(dim=1)
        return float(log_peak(self.kappa, len(self.direction))) - self.kappa * gap

    def entropy(self) -> Entropy:
        """-ln C - kappa A_d(kappa): the largest entropy on the sphere with this mean vector."""
        d = len(self.direction)
        value = self.kappa * bessel_ratio_gap(0.5 * d - 1, self.kappa) - float(log_peak(self.kappa, d))
        note = "an upper bound given the true mean vector; sampling biases kappa up and this down"
        method = f"von Mises-Fisher on the sphere, kappa={self.kappa:.4g}"
        return Entropy(value, "upper", method, note, self.count, d)


def von_mises_fisher_entropy(data: Any) -> Entropy:
    """Entropy of the maximum-likelihood von Mises-Fisher distribution of the normalised rows.

    Args:
        data: Z, (N, d).

    Example:
        >>> import torch
        >>> from bounds.information import von_mises_fisher_entropy
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> round(von_mises_fisher_entropy(z).value, 2)  # ln 4π for the uniform law: 2.53
        2.53
    """
    return VonMisesFisher.fit(data).entropy()


def sphere_mixture_entropy(
    directions: Any, kappa: float, *, block: int = BLOCK, distributed: bool = False
) -> EntropyBounds:
    r"""Pairwise bounds on the entropy of (1/m) sum_i vMF(mu_i, kappa), in nats per surface measure.

    KL(i||j) = kappa A_d(kappa)(1 - mu_i.mu_j) gives the upper bound; the Bhattacharyya distance
    ln C(kappa |mu_i + mu_j| / 2) - ln C(kappa), which depends on mu_i.mu_j alone, the lower bound (its table
    of 2^16 + 1 values over the cosine is interpolated from below, so that the bound stays a bound).

    Args:
        directions: (m, d), normalised here.
        kappa: Common concentration, at least zero.
        block: Components on a side of a block.
        distributed: Every process of the torch.distributed group makes this same call and they share the blocks.

    Raises:
        InvalidOption: a negative or infinite concentration.
        InvalidData: a row of zeros, or d < 2.

    Reference:
        Kolchinsky & Tracey 2017, with von Mises-Fisher components.

    Example:
        >>> import torch
        >>> from bounds.information import sphere_mixture_entropy
        >>> found = sphere_mixture_entropy(torch.eye(3), kappa=0.0)
        >>> round(found.lower.value, 3), round(found.upper.value, 3)  # ln 4π, uniform on the sphere
        (2.531, 2.531)
    """
    if not 0 <= kappa < math.inf:
        raise InvalidOption(f"`kappa` must be finite and at least zero, got {kappa}.")
    mu = unit_rows(as_rows(directions, "directions"), "directions")
    m, d = mu.shape
    if d < 2:
        raise InvalidData("Directions on a sphere need d >= 2.")
    slope = kappa * mean_cosine(kappa, d)
    within = kappa * bessel_ratio_gap(0.5 * d - 1, kappa) - float(log_peak(kappa, d))
    cells = 2**16
    cosines = np.linspace(-1, 1, cells + 1)
    # ln C(kappa) - ln C(kappa r), r = sqrt((1 + cos)/2), with kappa (1 - r) = kappa (1 - cos)/(2 (1 + r)) taken out
    half = np.sqrt(0.5 * (1 + cosines))
    shift = kappa * (1 - cosines) / (2 * (1 + half))
    table = log_peak(kappa, d) - log_peak(kappa * half, d) - shift
    affinity = torch.as_tensor(np.exp(np.minimum(table, 0.0)), device=mu.device)
    affinity[-1] = 1.0
    processes = Processes.chosen(distributed)

    def own() -> tuple[Tensor, ...]:
        total = torch.zeros(2, m, dtype=torch.float64, device=mu.device)
        for rows, columns, values in product_blocks(mu, mu, block, processes=processes):
            values.clamp_(-1, 1)
            if rows == columns:
                values.fill_diagonal_(1)
            # Affinity grows with the cosine: its value at the right end of a cell is never too small.
            cell = ((values + 1) * (cells / 2)).ceil_().long().clamp_(max=cells)
            total[0, rows] += affinity[cell].sum(dim=1)
            total[1, rows] += exponential_(values.sub_(1).mul_(slope)).sum(dim=1)
        return (total,)

    (total,) = all_sum(processes, "summing over components", own)
    lower, upper = (within - float((row / m).clamp(1 / m, 1).log().mean()) for row in total)
    note = "holds for this mixture; at most ln m apart"
    return EntropyBounds(
        Entropy(lower, "lower", "Kolchinsky-Tracey on the sphere, Bhattacharyya", note, m, d),
        Entropy(upper, "upper", "Kolchinsky-Tracey on the sphere, Kullback-Leibler", note, m, d),
    )
