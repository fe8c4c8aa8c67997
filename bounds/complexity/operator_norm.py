r"""Spectral norms of convolutions on images of one size: certified above, power iteration below.

A zero-padded convolution is a compression of the convolution on the infinite grid, and, as its input has
bounded support, of the circular convolution on a torus that holds the full output: their norm, the largest
singular value of cout x cin matrices over the frequencies of that torus (Sedghi, Gupta and Long 2019 for the
circular case), bounds the true one. A stride s is removed first by gathering the s x s phases of the input
into channels. FFTs on the image's own size would treat zero padding as periodic and certify nothing. Small
operators are unrolled, which is exact.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_ITERATIONS = 30
_DENSE = 512
_ROUND_UP = 1 + 1e-10
_FREQUENCIES = 1 << 22


def matrix_norm(weight: Tensor) -> float:
    """Largest singular value of a matrix, rounded up."""
    return float(torch.linalg.matrix_norm(weight.double(), ord=2)) * _ROUND_UP


def convolution_norm_above(weight: Tensor, size: tuple[int, int], layer: nn.Conv2d) -> float:
    """Certified upper bound of the norm of x -> conv2d(x, weight) on images of `size`.

    Args:
        weight: (cout, cin / groups, k, k), what the layer computes with (batch norm may be folded in).
        size: Height and width of the input.
        layer: Supplies stride, padding, dilation, groups.
    """
    channels = layer.in_channels * size[0] * size[1]
    if channels <= _DENSE:
        identity = torch.eye(channels, dtype=torch.float64, device=weight.device)
        return matrix_norm(_convolve(identity.reshape(channels, -1, *size), weight, layer).flatten(1))
    kernel = _dilate(weight.double(), layer.dilation)
    phases, taps = _gather_phases(kernel, layer.stride)
    torus = []
    for length, pad, stride, tap in zip(size, _padding(layer), layer.stride, taps, strict=True):
        torus.append(1 if tap == 1 else -(-(length + pad) // stride) + tap - 1)
    groups = layer.groups
    symbol = torch.fft.rfft2(phases, s=torus).permute(2, 3, 0, 1).flatten(0, 1)
    symbol = symbol.reshape(len(symbol) * groups, -1, symbol.shape[2])
    if symbol.shape[1] > symbol.shape[2]:
        symbol = symbol.mH
    step = max(1, _FREQUENCIES // (symbol.shape[1] * symbol.shape[2]))
    largest = max(float(torch.linalg.eigvalsh(part @ part.mH).amax()) for part in symbol.split(step))
    return math.sqrt(max(0.0, largest)) * _ROUND_UP


def convolution_norm_below(weight: Tensor, size: tuple[int, int], layer: nn.Conv2d) -> float:
    """Lower bound by power iteration on the zero-padded, strided operator itself; usually tight."""
    weight = weight.double()

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, layer.in_channels, *size, dtype=torch.float64, generator=generator).to(weight.device)
    for _ in range(_ITERATIONS):
        norm = x.norm()
        if norm == 0:
            return 0.0
        with torch.enable_grad():
            x = (x / norm).detach().requires_grad_()
            y = _convolve(x, weight, layer)
            (x,) = torch.autograd.grad(y, x, y.detach())
    return float(y.detach().norm())


def _convolve(x: Tensor, weight: Tensor, layer: nn.Conv2d) -> Tensor:
    return F.conv2d(x, weight.double(), None, layer.stride, layer.padding, layer.dilation, layer.groups)


def _dilate(weight: Tensor, dilation: tuple[int, ...]) -> Tensor:
    out, inner, height, width = weight.shape
    (dh, dw) = dilation
    full = weight.new_zeros(out, inner, (height - 1) * dh + 1, (width - 1) * dw + 1)
    full[:, :, ::dh, ::dw] = weight
    return full


def _gather_phases(kernel: Tensor, stride: tuple[int, ...]) -> tuple[Tensor, tuple[int, int]]:
    """(cout, cin s s, ceil(k/s), ceil(k/s)): the stride-1 kernel on the phases of the input."""
    (sh, sw) = stride
    height, width = (-(-n // s) * s for n, s in zip(kernel.shape[2:], stride, strict=True))
    full = F.pad(kernel, (0, width - kernel.shape[3], 0, height - kernel.shape[2]))
    taps = (height // sh, width // sw)
    phases = full.reshape(*full.shape[:2], taps[0], sh, taps[1], sw).permute(0, 1, 3, 5, 2, 4)
    return phases.flatten(1, 3), taps


def _padding(layer: nn.Conv2d) -> tuple[int, ...]:
    """Zeros before the image on each axis; 'same' needs no more than the dilated kernel."""
    if isinstance(layer.padding, str):
        return tuple(d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True))
    return tuple(layer.padding)
