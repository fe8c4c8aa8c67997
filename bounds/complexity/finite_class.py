"""Finitely many encoders (checkpoints, seeds, hyper-parameters): the supremum is exact for every draw."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bounds.complexity.networks import embed, network_and_images
from bounds.complexity.record import Complexity, Estimate
from bounds.complexity.sampling import Sampling, deviation
from bounds.complexity.signs import signs
from bounds.errors import InvalidData
from bounds.representations.arrays import as_table
from bounds.representations.table import Representations


@dataclass(frozen=True)
class FiniteClass:
    r"""{f_1, ..., f_J}, named before the pairs were seen, through a_ij = \|f_j(x_i^+) - f_j(x_i^{++})\|.

    Given signs xi the supremum is the largest entry of xi^T A. A vector v that does not depend on the signs
    may be subtracted from every column, as E xi^T v = 0:

    - upper (Massart 2000, centred at the mean v_i of row i): sqrt(2 ln J) max_j ||a_j - v||_2 / sqrt(m);
    - Monte Carlo, centred at the middle c_i of row i, b_ij = a_ij - c_i: G(xi) = max_j sum_i xi_i b_ij /
      sqrt(m) has the same expectation, and flipping xi_i moves it by at most 2 max_j |b_ij| / sqrt(m) = r_i /
      sqrt(m), r_i the range of row i. McDiarmid over the T m signs of T draws: sum of squares (1/T) mean_i
      r_i^2, so R <= MC + sqrt(mean_i r_i^2 ln(1/delta) / (2T)) with probability 1 - delta, and the same
      below. (Uncentred, r_i becomes 2 max_j a_ij, and this reads sqrt(2 mean_i (max_j a_ij)^2 ln(1/delta) /
      T).) G is also convex and Lipschitz with L^2 = max_j mean_i b_ij^2, hence P(|G - E G| >= t) <= exp(-t^2
      / (8 L^2)) on either side (Samson 2000, Corollary 3, for [-1, 1]); the smaller deviation is used.

    Example:
        >>> import torch
        >>> from bounds.complexity import FiniteClass, rademacher
        >>> pairs = [(torch.eye(3), torch.zeros(3, 3)), (torch.zeros(3, 3), torch.zeros(3, 3))]
        >>> round(rademacher(pairs, FiniteClass(), draws=20).upper, 3)  # centred at 1/2: √(2 ln 2) · 1/2
        0.589
    """

    @property
    def name(self) -> str:
        """Name of the class."""
        return "FiniteClass"

    @property
    def description(self) -> str:
        """The class in words."""
        return "the given encoders, listed before the data"

    def evaluate(self, data: Any, sampling: Sampling, encoder: Any = None) -> Complexity:
        """Evaluate on one pair table per encoder, the same pairs in the same order.

        Or on encoder inputs (x1, x2) with `encoder` a list of checkpoints, each embedded in turn.

        Raises:
            InvalidData: no table, tables without two views, or of different lengths.
        """
        if encoder is not None:
            pairs = [network_and_images(one, data, self.name) for one in encoder]
            data = [embed(network, images, sampling.rows, sampling.device) for network, images in pairs]
        tables = _tables(data)
        m, members = tables[0].count, len(tables)
        sums, from_mean, from_middle, squared_range = sampling.total(lambda: _sums(tables, sampling))
        massart = math.sqrt(2 * math.log(members) * float(from_mean.max()) / m)
        mean = float(sums.amax(1).mean()) / math.sqrt(m)
        proxy = min(float(squared_range) / (2 * m), 8 * float(from_middle.max()) / m)
        half = deviation(proxy, (1 - sampling.level) / 2, sampling.draws)
        upper, basis, spent = massart, "Massart's lemma, centred; deterministic given the data", 0.0
        if sampling.delta is not None:
            limit = mean + deviation(proxy, sampling.delta, sampling.draws)
            upper, spent = min(massart, limit), sampling.delta
            basis = "smaller of centred Massart and the Monte-Carlo limit, paid for"
        return Complexity(
            f"{self.name}(J={members})", f"{members} encoders, listed before the data", m, "empirical", upper,
            basis, delta=spent,
            monte_carlo=Estimate(
                mean, max(0.0, mean - half), mean + half, sampling.level, sampling.draws, "the complexity"
            ),
            details={"members": members, "massart": massart},
        )  # fmt: skip


def _tables(data: Any) -> list[Representations]:
    if isinstance(data, Representations):
        data = [data]
    if not isinstance(data, Sequence) or isinstance(data, tuple) or not data:
        raise InvalidData("`data` must be a list with one table of pairs per encoder.")
    tables = [as_table(item, f"data[{j}]", pairs=True) for j, item in enumerate(data)]
    counts = sorted({table.count for table in tables})
    if len(counts) > 1:
        raise InvalidData(f"The encoders must share the same pairs in the same order, got lengths {counts}.")
    return tables


def _sums(tables: list[Representations], sampling: Sampling) -> tuple[Tensor, ...]:
    """xi^T B (T, J), sum_i (a_ij - v_i)^2 (J,), sum_i b_ij^2 (J,) and sum_i r_i^2, over this process's rows."""
    members = len(tables)
    sums = torch.zeros(sampling.draws, members, dtype=torch.float64, device=sampling.device)
    from_mean, from_middle = torch.zeros(2, members, dtype=torch.float64, device=sampling.device)
    squared_range = torch.zeros((), dtype=torch.float64, device=sampling.device)
    for rows, a in _distances(tables, sampling):
        smallest, largest = a.amin(1, keepdim=True), a.amax(1, keepdim=True)
        centred = a - (smallest + largest) / 2
        sums += signs(sampling.seed, rows, sampling.draws, sampling.device, torch.float64).T @ centred
        from_mean += (a - a.mean(1, keepdim=True)).square().sum(0)
        from_middle += centred.square().sum(0)
        squared_range += (largest - smallest).square().sum()
    return sums, from_mean, from_middle, squared_range


def _distances(tables: list[Representations], sampling: Sampling) -> Iterator[tuple[range, Tensor]]:
    """(numbers of the rows, a_ij of the block)."""
    for blocks in zip(*(sampling.blocks(table) for table in tables), strict=True):
        columns = [torch.linalg.vector_norm(views[0] - views[1], dim=1) for _, views, _ in blocks]
        yield blocks[0][0], torch.stack(columns, dim=1)
