"""Splits an encoder into what brings images to size and a function of pixels that takes any noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from bounds.data.preprocessing import Preprocessing
from bounds.errors import InvalidOption


def pixel_function(encoder: Any) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """(prepare, function): pixels = prepare(images) in [0, 1] at the encoder's size, z = function(pixels).

    `function` standardises and applies the network without the check of the range, so that Gaussian noise and
    derivatives can be taken in pixel units; function(prepare(images)) is encoder(images).

    Args:
        encoder: With attributes `network` and `preprocessing`, as `load_encoder` returns.

    Raises:
        InvalidOption: an object without them, or a network in training mode.

    Example:
        >>> import torch
        >>> from bounds.examples.digits import CHECKPOINTS, digits
        >>> from bounds.information import pixel_function
        >>> encoder = bounds.load_encoder(CHECKPOINTS["VICReg"])
        >>> prepare, function = pixel_function(encoder)
        >>> images = torch.from_numpy(digits().test[0][:2, None])
        >>> torch.equal(function(prepare(images)), encoder(images))
        True
    """
    network = getattr(encoder, "network", None)
    if network is None or not hasattr(encoder, "preprocessing"):
        raise InvalidOption(
            "`encoder` must come from `load_encoder`, with a `network` and its `preprocessing`."
        )
    if isinstance(network, nn.Module):
        network.eval()
    stated = encoder.preprocessing or Preprocessing()
    prepare = replace(stated, mean=(0.0,), std=(1.0,))

    def function(pixels: Tensor) -> Tensor:
        mean, std = (
            torch.tensor(v, dtype=pixels.dtype, device=pixels.device) for v in (stated.mean, stated.std)
        )
        out: Tensor = network((pixels - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1))
        return out

    return prepare, function
