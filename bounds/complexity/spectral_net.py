"""All networks of a checkpoint's architecture whose layers have no larger norms: norm-product bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bounds.arguments import shown
from bounds.complexity.image_pairs import ImagePairs
from bounds.complexity.layers import Layer, NetworkNorms, network_norms
from bounds.complexity.networks import in_place, network_and_images
from bounds.complexity.record import Complexity
from bounds.complexity.sampling import Sampling
from bounds.errors import InvalidOption

Normalize = Literal["l2", "clip"]


@dataclass(frozen=True)
class SpectralNet:
    r"""Networks of the checkpoint's architecture whose layers have norms no larger than the checkpoint's.

    Biases and batch-norm statistics are the checkpoint's; each linear operator A_l (batch norm folded in) has
    ||A_l||_2 <= s_l, ||A_l^T||_{2,1} <= b_l and row norms at most its own.

    h_i = ||f(x_i^+) - f(x_i^{++})||. The smallest of three bounds, all deterministic given the inputs:

    - range: h_i in [0, H_i], H_i = Lip ||x_i^+ - x_i^{++}|| (at most 2 B when normalised): (1/sqrt m) sum H_i
      / 2.
    - Bartlett, Foster and Telgarsky (2017, Lemma 3.2 and the layer-wise cover of Theorem 3.3), with reference
      matrices zero. A layer whose inputs have Frobenius norm at most U_l is covered on its patches (an input
      pixel lies in `overlap` patches), the cover projected on the ball it may reach, which costs nothing; an
      error there reaches the output multiplied by Lip_l, the Lipschitz bound of the rest. With a_l =
      sqrt(overlap) U_l b_l Lip_l,

          ln N(eps) <= C^2 / eps^2,   C^2 = 2 (sum_l (a_l sqrt(ln 2 w_l^2))^{2/3})^3

      (the 2 pays for the ceiling in Maurey's lemma). Residual branches enter Lip and U as sums. h is
      sqrt(2)-Lipschitz in the pair, and Dudley's integral 4 alpha sqrt(m) + 12 int_alpha^r sqrt(ln N), alpha
      = 3 C / sqrt(m), gives 12 C (1 + ln(r sqrt(m) / (3 C))) / sqrt(m), r^2 = sum H_i^2.
    - Golowich, Rakhlin and Shamir (2018, Theorem 1), plain chains only: after vector contraction each output
      coordinate is a scalar network; Frobenius norms of the unrolled convolutions, biases as weights of a
      constant input.

    The class must be named before the pairs were seen; norms read off a checkpoint trained on them are paid
    for by a grid, which is not done here.

    Attributes:
        normalize: What follows the network: None, "l2" or "clip" to `radius`.
        radius: B.
        floor: A lower bound on ||h(x)|| fixed before the data. h / max(||h||, floor) is 1/floor-Lipschitz;
            without it l2 normalisation has no Lipschitz bound, and the class is `unverifiable`.

    Example:
        >>> from bounds.complexity import SpectralNet, rademacher
        >>> from bounds.examples.digits import CHECKPOINTS, digits
        >>> images = digits().unlabeled[0][:8, None]
        >>> found = rademacher((images[:4], images[4:]), SpectralNet(), encoder=CHECKPOINTS["VICReg"])
        >>> found.upper > 0, found.status
        (True, 'holds')
    """

    normalize: Normalize | None = None
    radius: float = 1.0
    floor: float | None = None

    def __post_init__(self) -> None:
        if self.normalize not in (None, "l2", "clip"):
            raise InvalidOption(f"`normalize` must be None, 'l2' or 'clip', got {shown(self.normalize)}.")
        for name, value in (("radius", self.radius), ("floor", self.floor)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InvalidOption(f"`{name}` must be positive and finite, got {value}.")

    @property
    def name(self) -> str:
        """Name with parameters."""
        return "SpectralNet"

    @property
    def description(self) -> str:
        """The class in words."""
        return "networks of the checkpoint's architecture whose layers have norms no larger than its own"

    def evaluate(self, data: Any, sampling: Sampling, encoder: Any = None) -> Complexity:
        """Evaluate on encoder inputs (x1, x2).

        Raises:
            NotApplicable: a network with an operation that has no known Lipschitz bound.
        """
        network, images = network_and_images(encoder, data, self.name)
        if self.normalize == "l2" and self.floor is None:
            reason = "l2 normalisation needs `floor`, a lower bound on ||h(x)|| fixed before the data"
            return Complexity(
                self.name, self.description, images.count, "empirical", None, reason, "unverifiable"
            )
        norms = _norms(network, images)
        post = {None: 1.0, "clip": 1.0, "l2": self.radius / (self.floor or 1.0)}[self.normalize]
        cap = math.inf if self.normalize is None else 2 * self.radius
        square, total, total_square = _input_sums(images, norms.lipschitz * post, cap, sampling)
        m = images.count
        covering = post * _covering_constant(norms.layers, square, 2 * m)
        bounds = {
            "range": total / (2 * math.sqrt(m)),
            "covering": _dudley(covering, math.sqrt(total_square), m),
            "peeling": _peeling(norms, square, m, None if self.normalize is None else post),
        }
        best = min(bounds, key=lambda key: bounds[key])
        return Complexity(
            self.name, self.description, m, "empirical", bounds[best], f"{best} bound; deterministic",
            details={**bounds, "lipschitz": norms.lipschitz * post, "layers": norms.layers},
        )  # fmt: skip


def _norms(network: nn.Module, images: ImagePairs) -> NetworkNorms:
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    _, example, _ = next(images.batches(range(1), device))
    with in_place(network, device), torch.no_grad():
        return network_norms(network, example)


def _input_sums(
    images: ImagePairs, lipschitz: float, cap: float, sampling: Sampling
) -> tuple[float, float, float]:
    """Sum of ||x||^2 over both views, and of H_i and H_i^2, H_i = min(Lip ||x+ - x++||, cap)."""

    def own() -> tuple[Tensor, ...]:
        sums = torch.zeros(3, dtype=torch.float64, device=sampling.device)
        for _, x1, x2 in images.batches(sampling.share(images.count), sampling.device):
            first, second = x1.double().flatten(1), x2.double().flatten(1)
            reach = (lipschitz * (first - second).norm(dim=1)).clamp_max(cap)
            square = first.square().sum() + second.square().sum()
            sums += torch.stack([square, reach.sum(), reach.square().sum()])
        return (sums,)

    square, total, total_square = sampling.total(own)[0].tolist()
    return square, total, total_square


def _covering_constant(layers: tuple[Layer, ...], square: float, rows: int) -> float:
    """sqrt(2) C, the constant for h; all views stacked."""
    inner = 0.0
    for layer in layers:
        reach = layer.lipschitz_in * math.sqrt(square) + layer.offset_in * math.sqrt(rows)
        a = math.sqrt(layer.overlap) * reach * layer.two_one * layer.lipschitz_out
        inner += (a * math.sqrt(math.log(2 * layer.width * layer.width))) ** (2 / 3)
    return 2 * math.sqrt(inner) * inner


def _dudley(c: float, r: float, m: int) -> float:
    """Dudley's integral of c / eps up to r, in the normalisation of the package."""
    if not math.isfinite(c):
        return math.inf
    alpha = 3 * c / math.sqrt(m)
    if c == 0 or alpha >= r:
        return 0.0 if c == 0 else 4 * r
    return 12 * c * (1 + math.log(r / alpha)) / math.sqrt(m)


def _peeling(norms: NetworkNorms, square: float, m: int, post: float | None) -> float:
    """Golowich et al. 2018 for a chain; infinity where it does not apply."""
    if not norms.chain or not norms.layers:
        return math.inf
    *hidden, last = norms.layers
    carry = 1.0 if any(layer.bias for layer in norms.layers) else 0.0
    product = last.two_one + math.sqrt(last.width) * last.bias
    for layer in hidden:
        weights = layer.frobenius * layer.frobenius + layer.bias * layer.bias
        product *= math.sqrt(layer.positions * weights + carry)
    depth = math.sqrt(2 * math.log(2) * len(norms.layers)) + 1
    # Both views, sum_i (||x_i||^2 + carry) each: sqrt(a) + sqrt(b) <= sqrt(2 (a + b)).
    inputs = math.sqrt(2 * (square + 2 * m * carry))
    contraction = math.sqrt(2) if post is None else 2 * post
    return contraction * product * depth * inputs / math.sqrt(m)
