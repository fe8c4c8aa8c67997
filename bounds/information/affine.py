"""The affine map (A, b) that a piecewise-affine encoder applies around each input, and how far it reaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bounds.arguments import shown
from bounds.errors import InvalidData, InvalidOption
from bounds.information.rows import row_chunks

Encoder = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class AffineMaps:
    """f(x) = A_i x + b_i in the region around x_i, one map a sample.

    Attributes:
        jacobian: A, (N, d_out, d_in), inputs flattened.
        offset: b = f(x) - A x, (N, d_out).
        points: The inputs, flattened, (N, d_in).
        values: f(x), (N, d_out).

    Example:
        >>> import torch
        >>> from bounds.information import affine_maps
        >>> affine_maps(torch.relu, torch.tensor([[1.0, -2.0]])).jacobian  # passes one coordinate, stops the other
        tensor([[[1., 0.],
                 [0., 0.]]])
    """

    jacobian: Tensor
    offset: Tensor
    points: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.points)

    def apply(self, inputs: Tensor) -> Tensor:
        """A_i x + b_i for inputs (N, ..., d_in) flattened, or (N, S, d_in): S inputs through each map."""
        if inputs.ndim == 2:
            return torch.einsum("nod,nd->no", self.jacobian, inputs) + self.offset
        return torch.einsum("nod,nsd->nso", self.jacobian, inputs) + self.offset[:, None]

    def pushforward(self, factor: Tensor | float) -> tuple[Tensor, Tensor]:
        """Mean and covariance of f(x), x ~ N(x_i, L L^T), inside the region: N(f(x_i), A L L^T A^T).

        Args:
            factor: L, (d_in, r) shared or (N, d_in, r), r the rank; or a standard deviation, L = s I.

        Returns:
            (N, d_out) and (N, d_out, d_out).

        Reference:
            Theorem 3 of *An Information-Theoretic Perspective on VICReg*.
        """
        pushed = self.jacobian * factor if isinstance(factor, int | float) else self.jacobian @ factor
        return self.values, pushed @ pushed.mT


def evaluate(encoder: Encoder, inputs: Tensor, batch: int = 256) -> Tensor:
    """Outputs of f on (N, ...) in batches without gradients, flattened to (N, d_out).

    Raises:
        InvalidData: the encoder did not return one row per input, or returned NaN or infinity.
    """
    with torch.no_grad():
        out = torch.cat([encoder(part).flatten(1) for part in row_chunks(inputs, batch)])
    if len(out) != len(inputs):
        raise InvalidData(
            f"The encoder returned {len(out)} rows for {len(inputs)} inputs; it must map rows to rows."
        )
    if not bool(torch.isfinite(out).all()):
        raise InvalidData(
            "The encoder returned NaN or infinity; check its weights and the scale of the inputs."
        )
    return out


def frozen(encoder: Any) -> None:
    """Refuse a module in training mode: batch statistics and dropout would make f depend on the other rows.

    Raises:
        InvalidOption: the module is in training mode.
    """
    if isinstance(encoder, nn.Module) and encoder.training:
        raise InvalidOption("The encoder is in training mode; call `encoder.eval()` first.")


def affine_maps(encoder: Encoder, inputs: Tensor, *, mode: str = "auto", block: int = 64) -> AffineMaps:
    """The map (A, b) of the encoder at each input, by automatic differentiation.

    Reverse mode pulls back one output at a time for a batch of inputs, forward mode pushes one input
    direction at a time; both in blocks of `block` derivatives a sample, so memory is block times that of a
    pass.

    Args:
        encoder: Module in eval mode, or a differentiable function of batches (N, ...), treating rows
            separately.
        inputs: (N, ...), floating.
        mode: `reverse`, `forward`, or `auto`: the side with fewer dimensions.
        block: Derivatives at a time.

    Returns:
        Maps in the type of the inputs: give float64 inputs and encoder for tight comparisons.

    Raises:
        InvalidOption: unknown mode, or a module in training mode.
        InvalidData: no inputs, not floating, or an encoder that does not map rows to rows.

    Example:
        >>> import torch
        >>> from bounds.information import affine_maps
        >>> maps = affine_maps(lambda x: 2 * x + 1, torch.zeros(1, 2))
        >>> maps.jacobian.tolist(), maps.offset.tolist()
        ([[[2.0, 0.0], [0.0, 2.0]]], [[1.0, 1.0]])
    """
    frozen(encoder)
    if mode not in ("auto", "reverse", "forward") or block < 1:
        raise InvalidOption(
            f"`mode` must be auto, reverse or forward and `block` positive, got {shown(mode)} and {block}."
        )
    if inputs.ndim < 2 or 0 in inputs.shape or not inputs.is_floating_point():
        raise InvalidData(
            f"`inputs` must be a floating batch (N, ...), got shape {tuple(inputs.shape)}, {inputs.dtype}."
        )
    values = evaluate(encoder, inputs)
    points = inputs.detach().flatten(1)
    if mode == "auto":
        mode = "reverse" if values.shape[1] <= points.shape[1] else "forward"
    make = _reverse if mode == "reverse" else _forward
    jacobian = torch.stack([make(encoder, x[None], block) for x in inputs.detach()])
    return AffineMaps(jacobian, values - torch.einsum("nod,nd->no", jacobian, points), points, values)


def _reverse(encoder: Encoder, x: Tensor, block: int) -> Tensor:
    """A row of A per output; `block` copies of x share one backward pass, each for its own output."""
    width = encoder(x).flatten(1).shape[1]
    strips = []
    for outputs in row_chunks(torch.arange(width, device=x.device), block):
        copies = x.expand(len(outputs), *x.shape[1:]).clone().requires_grad_()
        out = encoder(copies).flatten(1).gather(1, outputs[:, None]).sum()
        strips.append(torch.autograd.grad(out, copies)[0].flatten(1))
    return torch.cat(strips)


def _forward(encoder: Encoder, x: Tensor, block: int) -> Tensor:
    """A column of A per input direction; `block` directions ride through one pass of dual numbers."""
    size = x[0].numel()
    strips = []
    for directions in row_chunks(torch.eye(size, dtype=x.dtype, device=x.device), block):
        tangents = directions.view(len(directions), *x.shape[1:])
        copies = x.expand(len(directions), *x.shape[1:]).clone()
        strips.append(torch.func.jvp(lambda v: encoder(v).flatten(1), (copies,), (tangents,))[1].detach())
    return torch.cat(strips).T


def directions_like(points: Tensor, count: int, seed: int) -> Tensor:
    """Random unit directions (N, count, d_in), from a CPU generator: one draw for a seed on any device."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(len(points), count, points.shape[1], generator=generator, dtype=torch.float64)
    drawn /= torch.linalg.vector_norm(drawn, dim=2, keepdim=True)
    return drawn.to(points)


def affine_error(
    encoder: Encoder,
    inputs: Tensor,
    maps: AffineMaps,
    radius: Tensor | float,
    *,
    directions: int = 8,
    seed: int = 0,
) -> Tensor:
    """Largest |f(x + r u) - (A(x + r u) + b)| over random unit u, relative to |A r u| (or 1e-12), (N,).

    Zero to rounding iff the network is affine along those steps.

    Args:
        encoder: The network.
        inputs: x, (N, ...).
        maps: A and b at x, of `affine_maps`.
        radius: r, one for all or (N,).
        directions: Random u for each input.
        seed: Of u.

    Example:
        >>> import torch
        >>> from bounds.information import affine_error, affine_maps
        >>> x = torch.tensor([[1.0]])
        >>> maps = affine_maps(torch.relu, x)
        >>> affine_error(torch.relu, x, maps, 0.5).tolist(), affine_error(torch.relu, x, maps, 2.0).tolist()
        ([0.0], [0.5])
    """
    u = directions_like(maps.points, directions, seed)
    r = torch.as_tensor(radius, dtype=u.dtype, device=u.device).expand(len(maps))
    return _departure(encoder, inputs.shape, maps, u, r[:, None].expand(-1, directions)).amax(dim=1)


def _departure(encoder: Encoder, shape: torch.Size, maps: AffineMaps, u: Tensor, r: Tensor) -> Tensor:
    """Relative departure from the affine map at x + r u, (N, S) for u (N, S, d_in), r (N, S)."""
    moved = maps.points[:, None] + r[..., None] * u
    actual = evaluate(encoder, moved.reshape(-1, *shape[1:])).view(len(maps), u.shape[1], -1)
    step = torch.einsum("nod,nsd->nso", maps.jacobian, r[..., None] * u)
    error = torch.linalg.vector_norm(actual - (maps.values[:, None] + step), dim=2)
    relative: Tensor = error / torch.linalg.vector_norm(step, dim=2).clamp(min=1e-12)
    return relative


def affine_radius(
    encoder: Encoder,
    inputs: Tensor,
    maps: AffineMaps,
    *,
    largest: float = 10.0,
    tolerance: float = 1e-3,
    directions: int = 8,
    steps: int = 20,
    seed: int = 0,
) -> Tensor:
    """How far along random unit directions the map stays affine, (N, directions), by bisection.

    The radius at which the relative departure first passes `tolerance`, assuming that it does not return (a
    network that leaves its region and happens to agree again further out is not noticed). `tolerance` well
    above rounding gives the *effective* radius: regions smaller than what the output can feel do not count.
    In float32, departures below about 1e-7 |f(x)| / |A r u| are rounding: bisect small radii in float64.

    Args:
        encoder: As in `affine_maps`.
        inputs: (N, ...).
        maps: From `affine_maps` at these inputs.
        largest: Search limit; returned where the map is affine up to there.
        tolerance: Relative departure that counts as leaving.
        directions: Random directions a sample.
        steps: Halvings of the interval.
        seed: Of the directions.

    Raises:
        InvalidOption: limits that are not positive.

    Example:
        >>> import torch
        >>> from bounds.information import affine_maps, affine_radius
        >>> x = torch.tensor([[1.0]])  # the kink of the ReLU is one away on the left, nowhere on the right
        >>> found = affine_radius(torch.relu, x, affine_maps(torch.relu, x))
        >>> round(float(found.min()), 2), float(found.max())
        (1.0, 10.0)
    """
    if not (largest > 0 and tolerance > 0 and directions > 0 and steps > 0):
        raise InvalidOption("`largest`, `tolerance`, `directions` and `steps` must be positive.")
    frozen(encoder)
    u = directions_like(maps.points, directions, seed)
    high = torch.full(u.shape[:2], largest, dtype=u.dtype, device=u.device)
    inside = _departure(encoder, inputs.shape, maps, u, high) <= tolerance
    low = torch.where(inside, high, torch.zeros_like(high))
    for _ in range(steps):
        middle = 0.5 * (low + high)
        fine = _departure(encoder, inputs.shape, maps, u, middle) <= tolerance
        low, high = torch.where(fine, middle, low), torch.where(fine, high, middle)
    return low


@dataclass(frozen=True)
class PushforwardCheck:
    """Theorem 3 against sampling, one entry a sample point.

    Attributes:
        mean_error: |sample mean - f(x)| in units of its standard error under the prediction (about 1 if it
            holds).
        covariance_error: |sample covariance - A S A^T|_F / |A S A^T|_F.
        expected_error: What that ratio would be by sampling alone: sqrt((1 + r)/samples), r the effective
            rank (tr C)^2 / tr C^2 of the prediction.
        inside: Share of the samples at which the affine map is right to the tolerance.

    Example:
        >>> import torch
        >>> from bounds.information import affine_maps, check_pushforward
        >>> x = torch.tensor([[3.0, 3.0]])
        >>> found = check_pushforward(torch.relu, x, affine_maps(torch.relu, x), 0.1)
        >>> float(found.inside)  # all samples in the region of x, where the ReLU is affine
        1.0
    """

    mean_error: Tensor
    covariance_error: Tensor
    expected_error: Tensor
    inside: Tensor


def check_pushforward(
    encoder: Encoder,
    inputs: Tensor,
    maps: AffineMaps,
    factor: Tensor | float,
    *,
    samples: int = 512,
    tolerance: float = 1e-3,
    seed: int = 0,
) -> PushforwardCheck:
    """Compare N(f(x), A S A^T) with the encoder's outputs on draws from N(x, S), S = L L^T (Theorem 3).

    Args:
        encoder: As in `affine_maps`.
        inputs: (N, ...).
        maps: From `affine_maps` at these inputs.
        factor: L, (d_in, r) shared by all samples, or a standard deviation.
        samples: Draws a point.
        tolerance: Relative departure that counts as leaving the region.
        seed: Of the draws.

    Example:
        >>> import torch
        >>> from bounds.information import affine_maps, check_pushforward
        >>> x = torch.tensor([[0.1, 0.1]])
        >>> found = check_pushforward(torch.relu, x, affine_maps(torch.relu, x), 1.0)
        >>> bool(found.covariance_error > 3 * found.expected_error)  # half the samples fall across the kink
        True
    """
    if samples < 2:
        raise InvalidOption(f"`samples` must be at least 2, got {samples}.")
    mean, predicted = maps.pushforward(factor)
    generator = torch.Generator().manual_seed(seed)
    results = []
    for i in range(len(maps)):
        width = maps.points.shape[1] if isinstance(factor, int | float) else factor.shape[1]
        drawn = torch.randn(samples, width, generator=generator, dtype=torch.float64).to(maps.points)
        step = drawn * factor if isinstance(factor, int | float) else drawn @ factor.T
        out = evaluate(encoder, (maps.points[i] + step).view(samples, *inputs.shape[1:]))
        linear = step @ maps.jacobian[i].T
        gap = torch.linalg.vector_norm(out - maps.values[i] - linear, dim=1)
        inside = gap <= tolerance * torch.linalg.vector_norm(linear, dim=1).clamp(min=1e-12)
        tiny = torch.finfo(mean.dtype).tiny
        trace, square = predicted[i].trace().clamp(min=tiny), predicted[i].square().sum().clamp(min=tiny)
        shift = torch.linalg.vector_norm(out.mean(dim=0) - mean[i])
        spread = torch.linalg.vector_norm(out.T.cov().view_as(predicted[i]) - predicted[i])
        results.append(
            torch.stack(
                [
                    shift / (trace / samples).sqrt(),
                    spread / square.sqrt(),
                    ((1 + trace**2 / square) / samples).sqrt(),
                    inside.double().mean().to(trace),
                ]
            )
        )
    return PushforwardCheck(*torch.stack(results).T)
