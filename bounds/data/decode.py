"""Encoded images to pixels, and single items to one batch."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bounds.data.checks import as_tensor, channels_first, unambiguous
from bounds.data.fingerprints import fingerprints
from bounds.data.preprocessing import Geometry
from bounds.errors import BrokenItem, InvalidData

_GREY = ("1", "L", "LA", "La")
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}  # Pillow converts them by way of these alone
_ORIENTATION = 0x0112  # tag of EXIF; 1 is upright
_THREADS = min(4, os.cpu_count() or 1)  # PIL decodes outside the interpreter lock


class Form(NamedTuple):
    """How the images of a data set are to come, one and all.

    Attributes:
        size: The square to which they are brought, or None to leave them as they are.
        channels: 3 where grey images become RGB, 1 where there are grey ones alone.
    """

    size: Geometry | None = None
    channels: int | None = None


class Item(NamedTuple):
    """One item: (C, H, W) or (d,), and whether it carries an orientation tag, which is not applied."""

    values: Tensor
    turned: bool = False


class Stacked(NamedTuple):
    """Items as one batch, their fingerprints before they were brought to size, and how many carry orientation tags."""

    values: Tensor
    fingerprints: np.ndarray
    turned: int


def decode(encoded: Sequence[bytes | Path], names: Sequence[str]) -> list[Item]:
    """Pixels of encoded images, uint8 (C, H, W): one channel when grey, else three.

    Transparency is dropped, the first frame is taken, and orientation tags are not applied: the pixels are those of
    the file, as torchvision reads them.

    Args:
        encoded: File contents or paths.
        names: What to call each in error messages.

    Raises:
        InvalidData: not an image, cut short, too large, or of more than 8 bits a channel.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(_decode, encoded, names))


def _decode(encoded: bytes | Path, name: str) -> Item:
    from PIL import Image

    try:
        with Image.open(encoded if isinstance(encoded, Path) else io.BytesIO(encoded)) as image:
            return pixels(image, name)
    except InvalidData:
        raise
    except Exception as err:  # decoders raise whatever their format's parser trips over
        raise _undecodable(name, err) from err


def coloured(encoded: bytes | Path, name: str) -> bool:
    """Whether an encoded image has colours, from its header.

    Raises:
        InvalidData: not an image.
    """
    from PIL import Image

    try:
        with Image.open(encoded if isinstance(encoded, Path) else io.BytesIO(encoded)) as image:
            return image.mode not in (*_GREY, *_DEEP)
    except Exception as err:
        raise _undecodable(name, err) from err


def pixels(item: Any, name: str) -> Item:
    """One item: a PIL image, or an array or tensor (C, H, W), (H, W, C), (H, W) or (d,).

    Raises:
        InvalidData: something else, a masked or ambiguous array, an image that cannot be decoded or has more than 8
            bits a channel.
    """
    if hasattr(item, "convert") and hasattr(item, "mode"):
        return _from_pillow(item, name)
    array = numeric(item, name)
    if array.ndim != 3:
        return Item(array.unsqueeze(0) if array.ndim == 2 else array)
    if not isinstance(item, Tensor):
        unambiguous((1, *array.shape), name)
    return Item(channels_first(array.unsqueeze(0))[0])


def numeric(item: Any, name: str) -> Tensor:
    """An array or tensor of numbers as a tensor.

    Raises:
        InvalidData: something else, or a masked array.
    """
    if not isinstance(item, Tensor | np.ndarray) or (
        isinstance(item, np.ndarray) and item.dtype.kind not in "iubf"
    ):
        what = f"array of {item.dtype}" if isinstance(item, np.ndarray) else type(item).__name__
        raise InvalidData(f"{name} is {what}; items must be tensors, numeric arrays or PIL images.")
    return as_tensor(item, name)


def _from_pillow(image: Any, name: str) -> Item:
    rawmodes = " ".join(str(getattr(tile, "args", tile)) for tile in getattr(image, "tile", ()))
    if image.mode in _DEEP or ";16" in rawmodes:
        raise InvalidData(
            f"{name} is an image of 16 bits or more a channel (mode {image.mode}); save it with 8 bits a channel."
        )
    try:
        grey = image.mode in _GREY
        turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
        plain = image.convert(_PREMULTIPLIED[image.mode]) if image.mode in _PREMULTIPLIED else image
        array = np.array(plain.convert("L" if grey else "RGB"))
    except Exception as err:  # a file that is decoded only now may be cut short
        raise _undecodable(name, err) from err
    return Item(torch.from_numpy(array[None] if grey else array.transpose(2, 0, 1)), turned)


def _undecodable(name: str, err: Exception) -> BrokenItem:
    return BrokenItem(f"{name} cannot be decoded as an image ({type(err).__name__}: {err}).")


def stack(items: Sequence[Item], form: Form, where: str, first_row: int) -> Stacked:
    """Images (C, H, W) or vectors (d,) as one batch, all in one form, whatever else is in the batch.

    Raises:
        InvalidData: items of unequal kinds, types or lengths, of unequal sizes and no `size`, or a coloured image where
            the data set began with grey ones; with the row.
    """
    values = [item.values for item in items]
    for row, one in enumerate(values, start=first_row):
        if one.ndim not in (1, 3):
            raise InvalidData(f"Row {row} of {where} has {one.ndim} axes; an item is an image or a vector.")
        if one.ndim != values[0].ndim:
            raise InvalidData(f"{where} has both images and vectors (row {row}); keep one kind of data.")
        if one.dtype != values[0].dtype:
            types = " and ".join(str(x.dtype).removeprefix("torch.") for x in (values[0], one))
            raise InvalidData(f"{where} has items of unequal types, {types} (row {row}); give them one type.")
    if values[0].ndim == 3:
        values = [
            _with_channels(x, form.channels, where, row) for row, x in enumerate(values, start=first_row)
        ]
    sides = [x.shape[1:] if x.ndim == 3 else x.shape for x in values]
    odd = next((i for i, side in enumerate(sides) if side != sides[0]), None)
    if odd is not None and (form.size is None or values[0].ndim == 1):
        raise unequal(where, sides[0], sides[odd], first_row + odd)
    keys = np.concatenate([fingerprints(x[None]) for x in values])
    turned = sum(item.turned for item in items)
    if form.size is None or values[0].ndim == 1:
        return Stacked(torch.stack(values), keys, turned)
    prepare = form.size
    if odd is None:
        return Stacked(prepare(torch.stack(values)), keys, turned)
    return Stacked(torch.cat([prepare(x[None]) for x in values]), keys, turned)


def _with_channels(image: Tensor, channels: int | None, where: str, row: int) -> Tensor:
    if channels is None or len(image) == channels:
        return image
    if len(image) == 1:
        return image.expand(channels, -1, -1)
    raise InvalidData(
        f"{where} begins with grey images, but row {row} is RGB; give all of them one channel or all three, "
        "or the encoder's preprocessing `channels=3`."
    )


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
