"""The checkpoint that a class of networks is built around, and its pair distances."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from bounds.complexity.image_pairs import ImagePairs
from bounds.data.preprocessing import to_unit_interval
from bounds.encoders.checkpoints import Encoder, load_encoder
from bounds.errors import InvalidData, InvalidOption
from bounds.representations.table import Representations


def network_and_images(encoder: Any, data: Any, name: str) -> tuple[nn.Module, ImagePairs]:
    """The network of a checkpoint and the pairs it is evaluated on, preprocessed as it expects.

    Args:
        encoder: A path, what `load_encoder` returned, or a plain module (which gets its inputs as they come).
        data: (x1, x2), arrays (m, ...).
        name: The class that asks.

    Raises:
        InvalidOption: no network in `encoder`.
        InvalidData: data that are not a pair of arrays.
    """
    if isinstance(encoder, str | os.PathLike):
        encoder = load_encoder(encoder)
    network = encoder.network if isinstance(encoder, Encoder) else encoder
    if not isinstance(network, nn.Module):
        raise InvalidOption(f"{name} is a class of networks: give `encoder`, a module or a checkpoint.")
    if isinstance(data, Representations):
        data = data.views
    if not isinstance(data, tuple | list) or len(data) != 2 or not all(hasattr(x, "shape") for x in data):
        raise InvalidData(f"{name} needs the images as a pair of arrays (x1, x2).")
    prepare = (encoder.preprocessing or to_unit_interval) if isinstance(encoder, Encoder) else None
    first, second = data
    return network, ImagePairs(first, second, prepare)


@contextmanager
def in_place(network: nn.Module, device: torch.device | str) -> Iterator[None]:
    """The network in eval mode on `device`, afterwards as it was."""
    modes = {module: module.training for module in network.modules()}
    home = next((p.device for p in network.parameters()), torch.device("cpu"))
    network.eval().to(device)
    try:
        yield
    finally:
        network.to(home)
        for module, mode in modes.items():
            module.training = mode


def pair_distance(
    forward: Callable[[Tensor], Tensor], x1: Tensor, x2: Tensor, normalize: str | None
) -> Tensor:
    """||f(x1) - f(x2)|| by row; f is the forward pass, then l2 normalisation or clipping to norm one."""
    z1, z2 = (_normalized(forward(x).flatten(1), normalize) for x in (x1, x2))
    distance: Tensor = torch.linalg.vector_norm(z1 - z2, dim=1)
    return distance


def _normalized(z: Tensor, normalize: str | None) -> Tensor:
    if normalize is None:
        return z
    norm = torch.linalg.vector_norm(z, dim=1, keepdim=True)
    scaled: Tensor = z / norm.clamp_min(1e-12 if normalize == "l2" else 1.0)
    return scaled


def embed(network: nn.Module, images: ImagePairs, rows: int, device: torch.device | str) -> Representations:
    """Both views of every pair through one network, as a float32 table."""
    with in_place(network, device), torch.no_grad():
        blocks = [
            [network(x).flatten(1).cpu() for x in (x1, x2)]
            for _, x1, x2 in images.batches(range(0, images.count, rows), device)
        ]
    return Representations(tuple(torch.cat(view) for view in zip(*blocks, strict=True)))
