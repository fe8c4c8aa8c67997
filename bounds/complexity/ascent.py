r"""Lower bounds by search: for each sign vector, a W of the ball with a large sum_i xi_i ||t_i - W z_i||.

The sum is a difference of convex functions. Conditional gradient steps keep W in the ball without
projections: W <- (1 - eta) W + eta argmax_{||V|| <= beta} <gradient, V>, eta = 2/(k + 2). Every visited W is
a valid lower bound.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bounds.complexity.linear_ball import Blocks, LinearBall
from bounds.complexity.record import Estimate
from bounds.complexity.sampling import Sampling, deviation
from bounds.complexity.signs import signs

STEPS = 20
FOUND = "a lower bound: best points found"


def search_below(
    blocks: Blocks, ball: LinearBall, m: int, dim: int, mean_square: float, sampling: Sampling
) -> Estimate:
    r"""Mean over `sampling.search` sign vectors of the best value found, as a lower bound of the complexity.

    ||t_i|| is subtracted from each function: it does not change the expectation, and leaves functions within
    beta ||z_i|| of zero. The true suprema then concentrate by McDiarmid, P(mean - R >= t) <= exp(-T t^2 / (2
    beta^2 mean ||z||^2)), and what was found is at most the true supremum: `low` holds with probability
    `level`.
    """
    best = _best_values(blocks, ball, dim, sampling)
    mean = float(best.mean()) / math.sqrt(m)
    half = deviation(2 * ball.beta**2 * mean_square, 1 - sampling.level, sampling.search)
    return Estimate(mean, max(0.0, mean - half), math.inf, sampling.level, sampling.search, FOUND)


def _best_values(blocks: Blocks, ball: LinearBall, dim: int, sampling: Sampling) -> Tensor:
    generator = torch.Generator().manual_seed(sampling.seed)
    shape = (sampling.search, ball.outputs, dim)
    start = torch.randn(shape, dtype=torch.float64, generator=generator).to(sampling.device)
    weights = torch.zeros(shape, dtype=torch.float64, device=sampling.device)
    best = torch.zeros(sampling.search, dtype=torch.float64, device=sampling.device)
    for step in range(STEPS + 1):
        value, gradient = _value_and_gradient(blocks, weights, sampling)
        best = torch.maximum(best, value)
        flat = gradient.square().sum((1, 2), keepdim=True) == 0
        eta = 2 / (step + 2)
        weights = (1 - eta) * weights + eta * _extreme(torch.where(flat, start, gradient), ball)
    return best


def _extreme(gradient: Tensor, ball: LinearBall) -> Tensor:
    """The point of the ball furthest along each gradient."""
    if ball.norm == "frobenius":
        return ball.beta * gradient / gradient.square().sum((1, 2), keepdim=True).sqrt()
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    # Rounding may leave a singular value just above one.
    point: Tensor = ball.beta * (1 - 1e-12) * (left @ right)
    return point


def _value_and_gradient(blocks: Blocks, weights: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """sum_i xi_i (||t_i - W z_i|| - ||t_i||) and its gradient in W, for each of the sign vectors."""
    search, outputs, dim = weights.shape
    flat = weights.reshape(search * outputs, dim)

    def own() -> tuple[Tensor, ...]:
        value, gradient = torch.zeros_like(weights[:, 0, 0]), torch.zeros_like(flat)
        for rows, z, target in blocks():
            residual = -(z @ flat.T).reshape(len(z), search, outputs)
            base = 0.0 if target is None else torch.linalg.vector_norm(target, dim=1, keepdim=True)
            residual = residual if target is None else residual + target[:, None, :]
            length = torch.linalg.vector_norm(residual, dim=2)
            xi = signs(sampling.seed, rows, search, sampling.device, torch.float64)
            value += (xi * (length - base)).sum(0)
            pull = torch.where(length > 0, -xi / length.clamp_min(1e-300), 0.0)
            gradient += (residual * pull[..., None]).reshape(len(z), -1).T @ z
        return value, gradient

    value, gradient = sampling.total(own)
    return value, gradient.reshape(weights.shape)
