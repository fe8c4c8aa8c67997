"""Encoded images to pixels, and single images to one batch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.representations.preprocessing import Preprocessing
from bounds.representations.sources.checks import as_tensor, channels_first, kind_of

_GREY = ("1", "L", "LA")
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def decode(encoded: bytes | Path, where: str) -> np.ndarray:
    """The pixels of an encoded image, uint8: (H, W) when grey, else (H, W, 3); transparency is dropped.

    Raises:
        InvalidData: not an image, cut short, too large, or not of 8 bits a channel.
    """
    from PIL import Image

    try:
        with Image.open(encoded if isinstance(encoded, Path) else io.BytesIO(encoded)) as image:
            if image.mode in _DEEP:
                raise InvalidData(f"{where} is an image of mode {image.mode}; save it with 8 bits a channel.")
            return np.array(image.convert("L" if image.mode in _GREY else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as err:
        if isinstance(err, InvalidData):
            raise
        raise InvalidData(f"{where} cannot be decoded as an image ({type(err).__name__}: {err}).") from err


def pixels(item: Any, where: str) -> Tensor:
    """One image or vector of a data set as a tensor: a PIL image, an array or a tensor.

    Raises:
        InvalidData: something else.
    """
    if hasattr(item, "convert") and hasattr(item, "mode"):
        item = np.array(item.convert("L" if item.mode in _GREY else "RGB"))
    if not isinstance(item, Tensor | np.ndarray):
        raise InvalidData(f"{where} is a {type(item).__name__}; items must be tensors, arrays or PIL images.")
    if isinstance(item, np.ndarray) and item.dtype.kind not in "iubf":
        raise InvalidData(f"{where} has type {item.dtype}; give uint8 or floats.")
    return as_tensor(item)


def stack(items: Sequence[Tensor], size: int | None, where: str, first_row: int) -> Tensor:
    """Single images (H, W), (H, W, C) or (C, H, W), or vectors (d,), to one batch.

    Images of one shape are stacked as they are. Otherwise grey images become RGB where others are RGB, and every image
    is resized to `size` by the rule of `Preprocessing`, which makes them float32 in [0, 1].

    Raises:
        InvalidData: unequal sizes and no `size`.
    """
    if len({(item.shape, item.dtype) for item in items}) == 1:
        return torch.stack(list(items))
    batch = []
    for row, item in enumerate(items, start=first_row):
        if kind_of((1, *item.shape), np.dtype(str(item.dtype).removeprefix("torch.")), f"{where}, row {row},") == "vectors":
            raise InvalidData(f"{where} has vectors of unequal lengths or types at row {row}; give them one length.")
        batch.append(channels_first(item.unsqueeze(0)))
    channels = max(image.shape[1] for image in batch)
    if len({image.shape[2:] for image in batch}) > 1 and size is None:
        odd = next(i for i, image in enumerate(batch) if image.shape[2:] != batch[0].shape[2:])
        raise InvalidData(
            f"{where} has images of unequal sizes: {_sides(batch[0])} in row {first_row}, {_sides(batch[odd])} in row "
            f"{first_row + odd}; give the encoder's preprocessing a `size`."
        )
    prepare = Preprocessing(size=size, channels=channels)
    return torch.cat([prepare(image) for image in batch])


def _sides(image: Tensor) -> str:
    return f"{image.shape[2]}x{image.shape[3]}"
