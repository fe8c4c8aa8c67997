"""Encoded images to pixels, and single items to one batch."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.data.checks import as_tensor, channels_first, kind_of
from bounds.data.preprocessing import Preprocessing
from bounds.errors import InvalidData

_GREY = ("1", "L", "LA")
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_THREADS = min(4, os.cpu_count() or 1)  # PIL decodes outside the interpreter lock


def decode(encoded: Sequence[bytes | Path], names: Sequence[str]) -> list[Tensor]:
    """Pixels of encoded images, uint8: (H, W) when grey, else (H, W, 3); transparency is dropped.

    Args:
        encoded: File contents or paths.
        names: What to call each in error messages.

    Raises:
        InvalidData: not an image, cut short, too large, or not of 8 bits a channel.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(_decode, encoded, names))


def _decode(encoded: bytes | Path, name: str) -> Tensor:
    from PIL import Image

    try:
        with Image.open(encoded if isinstance(encoded, Path) else io.BytesIO(encoded)) as image:
            return pixels(image, name)
    except InvalidData:
        raise
    except Exception as err:  # decoders raise whatever their format's parser trips over
        raise InvalidData(f"{name} cannot be decoded as an image ({type(err).__name__}: {err}).") from err


def pixels(item: Any, name: str) -> Tensor:
    """One item as a tensor: a PIL image, an array or a tensor.

    Raises:
        InvalidData: something else, or an image of more than 8 bits a channel.
    """
    if hasattr(item, "convert") and hasattr(item, "mode"):
        if item.mode in _DEEP:
            raise InvalidData(f"{name} is an image of mode {item.mode}; save it with 8 bits a channel.")
        item = np.array(item.convert("L" if item.mode in _GREY else "RGB"))
    if not isinstance(item, Tensor | np.ndarray) or (
        isinstance(item, np.ndarray) and item.dtype.kind not in "iubf"
    ):
        what = f"array of {item.dtype}" if isinstance(item, np.ndarray) else type(item).__name__
        raise InvalidData(f"{name} is {what}; items must be tensors, numeric arrays or PIL images.")
    return as_tensor(item)


def stack(items: Sequence[Tensor], size: int | None, where: str, first_row: int) -> Tensor:
    """Images (H, W), (H, W, C) or (C, H, W), or vectors (d,), as one batch.

    Items of one shape and type are stacked as they are. Otherwise grey images become RGB where others are,
    and all are brought to `size` by the rule of `Preprocessing`, which makes them float32 in [0, 1].

    Raises:
        InvalidData: unequal shapes and no `size`, or vectors of unequal lengths.
    """
    if len({(item.shape, item.dtype) for item in items}) == 1:
        return torch.stack(list(items))
    images = []
    for row, item in enumerate(items, start=first_row):
        if kind_of((1, *item.shape), item.dtype, f"Row {row} of {where}") == "vectors":
            raise InvalidData(f"{where} has vectors of unequal lengths or types near row {row}.")
        images.append(channels_first(item.unsqueeze(0)))
    sides = [image.shape[2:] for image in images]
    odd = next((i for i, side in enumerate(sides) if side != sides[0]), None)
    if odd is not None and size is None:
        raise unequal(where, sides[0], sides[odd], first_row + odd)
    prepare = Preprocessing(size=size, channels=max(image.shape[1] for image in images))
    return torch.cat([prepare(image) for image in images])


def unequal(where: str, one: Sequence[int], other: Sequence[int], row: int) -> InvalidData:
    """The error for items of unequal sizes where none was given to resize to."""
    sizes = " and ".join("x".join(map(str, sides)) for sides in (one, other))
    if len(one) == 1:
        return InvalidData(
            f"{where} has vectors of unequal lengths, {sizes} (row {row}); give them one length."
        )
    return InvalidData(
        f"{where} has images of unequal sizes, {sizes} (row {row}); "
        "give the encoder's preprocessing a `size` to bring them to."
    )
