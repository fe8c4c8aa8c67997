"""The checkpoint that a class of networks is built around, and its pair distances."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bounds.complexity.inputs import ImagePairs
from bounds.errors import InvalidOption
from bounds.representations.table import Representations


def require_encoder(encoder: Any, name: str) -> nn.Module:
    """The module itself, or the one loaded from a path.

    Raises:
        InvalidOption: no encoder, or something that is neither a module nor a path.
    """
    if isinstance(encoder, (str, Path)):
        from bounds.representations.checkpoints import load_encoder

        encoder = load_encoder(encoder)
    if not isinstance(encoder, nn.Module):
        raise InvalidOption(f"{name} is a class of networks: give `encoder`, a module or a path.")
    return encoder


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


def embed(encoder: nn.Module, images: ImagePairs, rows: int, device: torch.device | str) -> Representations:
    """Both views of every pair through one encoder in eval mode, as a float32 table."""
    training, home = encoder.training, next((p.device for p in encoder.parameters()), None)
    encoder.eval().to(device)
    try:
        with torch.no_grad():
            blocks = [
                (encoder(x1).flatten(1).cpu(), encoder(x2).flatten(1).cpu())
                for _, x1, x2 in images.batches(rows, device)
            ]
    finally:
        encoder.train(training)
        if home is not None:
            encoder.to(home)
    return Representations((torch.cat([b[0] for b in blocks]), torch.cat([b[1] for b in blocks])))
