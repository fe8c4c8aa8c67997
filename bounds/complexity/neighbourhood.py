"""All networks within a distance of a checkpoint in weights: a lower bound by gradient ascent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bounds.arguments import shown
from bounds.complexity.ascent import FOUND
from bounds.complexity.image_pairs import ImagePairs
from bounds.complexity.networks import in_place, network_and_images, pair_distance
from bounds.complexity.record import Complexity, Estimate
from bounds.complexity.sampling import Sampling, deviation
from bounds.complexity.signs import signs
from bounds.errors import InvalidOption, NumericalError

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Neighbourhood:
    r"""{f_w : ||w - w_0||_2 <= rho}, w_0 the checkpoint's parameters, batch-norm statistics frozen.

    For each of `search` sign vectors, conditional gradient ascent of sum_i xi_i h_w(i), h_w(i) =
    ||f_w(x_i^+) - f_w(x_i^{++})||, over the ball. `value` is the mean gain over w_0, whose own sum has
    expectation zero. No upper bound is tractable: `upper` is None. When f is normalised to norm one, |h_w -
    1| <= 1, the suprema of sum_i xi_i (h_w(i) - 1) concentrate by McDiarmid, P(mean - R >= t) <= exp(-T t^2 /
    2), and `low` is the mean found in that centring less this deviation; without a known range it is 0.
    Values are those of the float32 network.

    Attributes:
        rho: Radius of the ball, Euclidean, over all parameters together.
        normalize: What follows the network: None, "l2" or "clip" (to norm one).
        steps: Ascent steps per sign vector.

    Example:
        >>> import torch
        >>> from bounds.complexity import Neighbourhood, rademacher
        >>> images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> encoder = bounds.load_encoder(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2)).eval())
        >>> found = rademacher((images, images.flip(3)), Neighbourhood(rho=0.1), encoder=encoder, search=2)
        >>> found.upper is None, found.lower.value > 0
        (True, True)
    """

    rho: float
    normalize: str | None = None
    steps: int = 10

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rho) and self.rho > 0):
            raise InvalidOption(f"`rho` must be positive and finite, got {self.rho}.")
        if self.normalize not in (None, "l2", "clip"):
            raise InvalidOption(f"`normalize` must be None, 'l2' or 'clip', got {shown(self.normalize)}.")
        if self.steps < 1:
            raise InvalidOption(f"`steps` must be at least 1, got {self.steps}.")

    @property
    def name(self) -> str:
        """Name with parameters."""
        return f"Neighbourhood(rho={self.rho:g})"

    @property
    def description(self) -> str:
        """The class in words."""
        return f"networks whose weights lie within {self.rho:g} of the checkpoint's"

    def evaluate(self, data: Any, sampling: Sampling, encoder: Any = None) -> Complexity:
        """Evaluate on encoder inputs (x1, x2); batches of `sampling.rows` pairs on `sampling.device`.

        Raises:
            NumericalError: the network returned NaN on the way.
        """
        network, images = network_and_images(encoder, data, self.name)
        lower = None
        if sampling.search:
            with in_place(network, sampling.device):
                lower = self._lower(images, network, sampling)
        return Complexity(
            self.name, self.description, images.count, "empirical", None, "no tractable upper bound is known",
            "unverifiable", lower=lower,
        )  # fmt: skip

    def _lower(self, images: ImagePairs, network: nn.Module, sampling: Sampling) -> Estimate:
        ascent = _Ascent(network, images, self.normalize, sampling)
        gains, bases = zip(
            *(ascent.climb(draw, self.rho, self.steps) for draw in range(sampling.search)), strict=True
        )
        scale = sampling.search * math.sqrt(images.count)
        value, low = math.fsum(gains) / scale, 0.0
        if self.normalize is not None:
            total = float(signs(sampling.seed, range(images.count), sampling.search).double().sum())
            half = deviation(2.0, 1 - sampling.level, sampling.search)
            low = max(0.0, value + (math.fsum(bases) - total) / scale - half)
        return Estimate(value, low, math.inf, sampling.level, sampling.search, FOUND)


class _Ascent:
    """Sign correlations of one network and their gradients, streamed over the pairs."""

    def __init__(
        self, network: nn.Module, images: ImagePairs, normalize: str | None, sampling: Sampling
    ) -> None:
        self.network, self.images, self.normalize, self.sampling = network, images, normalize, sampling
        self.origin: Weights = {name: p.detach() for name, p in network.named_parameters()}

    def climb(self, draw: int, rho: float, steps: int) -> tuple[float, float]:
        """Largest gain found in the ball for one sign vector, and the checkpoint's own value."""
        offset = {name: torch.zeros_like(p, dtype=torch.float64) for name, p in self.origin.items()}
        base, gradient = self._value_and_gradient(offset, draw)
        best = 0.0
        for step in range(steps):
            length = math.sqrt(sum(float(g.square().sum()) for g in gradient.values()))
            if length == 0:
                break
            eta = 2 / (step + 2)
            # Staying a hair inside keeps float32 rounding from leaving the ball.
            pull = eta * rho * (1 - 1e-6) / length
            offset = {name: (1 - eta) * o + pull * gradient[name] for name, o in offset.items()}
            value, gradient = self._value_and_gradient(offset, draw)
            best = max(best, value - base)
        return best, base

    def _value_and_gradient(self, offset: Weights, draw: int) -> tuple[float, Weights]:
        weights = {name: (p + offset[name]).to(p).requires_grad_() for name, p in self.origin.items()}
        total, *gradients = self.sampling.total(lambda: self._own_sums(weights, draw))
        value, gradient = float(total), dict(zip(weights, gradients, strict=True))
        if not math.isfinite(value):
            raise NumericalError(
                "The network returned NaN or infinity inside the ball; choose a smaller `rho`."
            )
        return value, gradient

    def _own_sums(self, weights: Weights, draw: int) -> tuple[Tensor, ...]:
        """The sign correlation and its gradients over the pairs of this process, in float64."""
        sampling = self.sampling
        value = torch.zeros((), dtype=torch.float64, device=sampling.device)
        gradient = [torch.zeros_like(p, dtype=torch.float64) for p in weights.values()]
        for rows, x1, x2 in self.images.batches(sampling.share(self.images.count), sampling.device):
            xi = signs(sampling.seed, rows, range(draw, draw + 1), sampling.device)[:, 0]
            with torch.enable_grad():
                distance = pair_distance(lambda x: self._forward(weights, x), x1, x2, self.normalize)
                correlation = (xi * distance).double().sum()
                parts = torch.autograd.grad(correlation, list(weights.values()), allow_unused=True)
            value += correlation.detach()
            for total, part in zip(gradient, parts, strict=True):
                if part is not None:
                    total += part
        return value, *gradient

    def _forward(self, weights: Weights, x: Tensor) -> Tensor:
        out = torch.func.functional_call(self.network, weights, (x,))
        if not isinstance(out, Tensor):
            raise InvalidOption(f"The encoder must return one tensor, got {type(out).__name__}.")
        return out
