"""A certificate is about one function of one image: is the encoder such a function?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from bounds.encoders.code_digest import modules_behind
from bounds.errors import InvalidCheckpoint

ROWS = 4  # images that a check looks at
FULL, REDUCED = 1e-4, 1e-2  # what rounding may change, relative to the norm
_SHORT = (torch.float16, torch.bfloat16)


def tolerance(network: Any, output: torch.dtype | None, autocast: bool) -> float:
    """How far representations of one image may differ by rounding: 1e-4 relative, 1e-2 in reduced precision.

    Reduced are autocast, weights or outputs of 16 bits, and float32 products that the device may round to TF32.
    """
    modules = [network] if isinstance(network, nn.Module) else modules_behind(network)
    weights = [value for module in modules for value in (*module.parameters(), *module.buffers())]
    rounded = torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32
    reduced = (
        autocast
        or output in _SHORT
        or any(weight.dtype in _SHORT for weight in weights)
        or (rounded and any(weight.is_cuda for weight in weights))
        or torch.get_float32_matmul_precision() != "highest"
    )
    return REDUCED if reduced else FULL


def check_one_image(
    encode: Callable[[Tensor], Tensor], images: Tensor, z: Tensor, allowed: float, name: str
) -> None:
    """Refuse an encoder whose representation of an image depends on chance, or on the images beside it.

    Args:
        encode: The encoder as it is used.
        images: A batch as the encoder gets it.
        z: Its representations (N, d).
        allowed: Largest ‖z − z′‖ relative to ‖z‖, or to the root mean square of all norms where that is larger.
        name: Of the encoder.

    Raises:
        InvalidCheckpoint: naming what makes a difference, and how much.
    """
    few = min(ROWS, len(images))
    once, again = encode(images[:few]), encode(images[:few])
    _refuse(
        once, again, allowed, name, "in two passes of the same batch", "dropout or another random step does"
    )
    batch = "batch norm without running statistics, attention over the batch or dynamic quantisation does"
    _refuse(z[:few], once, allowed, name, f"in a batch of {len(images)} and in a batch of {few}", batch)
    for row in {0, few - 1}:
        alone = encode(images[row : row + 1])
        _refuse(z[row : row + 1], alone, allowed, name, f"in a batch of {len(images)} and alone", batch)


def _refuse(one: Tensor, other: Tensor, allowed: float, name: str, where: str, what: str) -> None:
    gap = relative_gap(one, other)
    if not gap <= allowed:
        raise InvalidCheckpoint(
            f"The encoder {name} is not a function of one image: {where} the representation of the same image differs "
            f"by {gap:.2g} of its norm, where rounding explains {allowed:g} ({what} that); give a fixed function."
        )


def relative_gap(one: Tensor, other: Tensor) -> float:
    """Largest ‖z − z′‖ over rows, relative to ‖z‖ or the root mean square of the norms, whichever is larger."""
    if one.shape != other.shape:
        return float("inf")
    one, other = one.double().cpu(), other.double().cpu()
    norms = torch.linalg.vector_norm(one, dim=1)
    scale = torch.maximum(norms, norms.square().mean().sqrt())
    gap = torch.linalg.vector_norm(one - other, dim=1)
    return float(torch.where(gap == 0, 0.0, gap / scale).max())
