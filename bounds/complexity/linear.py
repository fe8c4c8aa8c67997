"""The evaluation that linear heads and linear maps share: contraction above, search below, one record."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import Tensor

from bounds.complexity.ascent import search_below
from bounds.complexity.linear_ball import Blocks, LinearBall, contract
from bounds.complexity.record import Complexity
from bounds.complexity.sampling import Sampling
from bounds.errors import InvalidData, InvalidOption


def check_radius(radius: float | None) -> None:
    """Refuse a bound on the vectors that is not positive and finite."""
    if radius is not None and not (math.isfinite(radius) and radius > 0):
        raise InvalidOption(f"`radius` must be positive and finite, got {radius}.")


def within(radius: float | None, blocks: Blocks) -> Blocks:
    """The same blocks, refusing vectors longer than `radius`."""

    def checked() -> Iterator[tuple[range, Tensor, Tensor | None]]:
        for rows, z, target in blocks():
            if radius is not None and float(z.norm(dim=1).max()) > radius * (1 + 1e-6):
                raise InvalidData(f"A vector is longer than `radius` = {radius:g}; clip or normalise first.")
            yield rows, z, target

    return checked


def evaluate_linear(
    name: str,
    description: str,
    blocks: Blocks,
    ball: LinearBall,
    shape: tuple[int, int],
    radius: float | None,
    search: bool,
    sampling: Sampling,
) -> Complexity:
    """Complexity of ||t_i - W z_i|| over the ball, for blocks of (rows, z, t); `shape` is (m, d).

    With a radius fixed before the data the upper bound holds for every sample, hence also in expectation.
    """
    m, dim = shape
    checked = within(radius, blocks)
    found = contract(checked, ball, m, dim, sampling)
    lower = None
    if search and sampling.search:
        lower = search_below(checked, ball, m, dim, found.mean_square, sampling)
    upper, basis, spent = found.closed, "contraction and Jensen; deterministic given the data", 0.0
    if radius is not None:
        upper, basis = ball.closed_form(radius**2), "contraction and the radius; for every sample"
    elif found.limit is not None and sampling.delta is not None:
        upper, spent = found.limit, sampling.delta
        basis = "contraction; smaller of the closed form and its Monte-Carlo limit, paid for"
    return Complexity(
        name, description, m, "empirical" if radius is None else "expected", upper, basis,
        delta=spent, monte_carlo=found.estimate, lower=lower,
        details={"outputs": ball.outputs, "closed_form": found.closed, "mean_square_norm": found.mean_square},
    )  # fmt: skip
