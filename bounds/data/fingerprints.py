"""A 64-bit fingerprint of each item as it was given, by which equal items are found across data sets."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData

_LEVELS = 255


def fingerprints(items: Tensor) -> np.ndarray:
    """BLAKE2b of each row, 64 bits: uint64 (N,).

    What is the same item gets the same fingerprint however it came. Of an image, height, width and uint8 pixels
    count: floats are brought back to 0..255 where they are multiples of 1/255, and grey is grey in one channel or
    three. Of a vector its entries count, as float32 (0 and −0 are one). Two different items of N share one with
    probability at most N²/2⁶⁵.

    Args:
        items: Images (N, C, H, W) with C of 1 or 3, uint8 or floats in [0, 1], before views and preprocessing; or
            vectors (N, d).

    Raises:
        InvalidData: another shape.

    Source: RFC 7693 (BLAKE2b).
    """
    if items.ndim not in (2, 4):
        raise InvalidData(f"Items must be (N, C, H, W) or (N, d), got shape {tuple(items.shape)}.")
    x = items.detach().cpu()
    if x.ndim == 2:
        digests = [_digest(row, b"vector") for row in _entries(x)]
    else:
        digests = [_digest(_pixels(row), b"image") for row in _levels(x)]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def _digest(row: np.ndarray, what: bytes) -> bytes:
    # Salt and person of BLAKE2b, 16 bytes each, hold the shape and the kind, which the bytes of the row do not tell.
    height, width, channels = (*row.shape, 0, 0)[:3]
    salt = height.to_bytes(8, "little") + width.to_bytes(8, "little")
    return blake2b(row.data, digest_size=8, salt=salt, person=what + bytes([channels])).digest()


def _entries(x: Tensor) -> np.ndarray:
    return np.ascontiguousarray((x.float() + 0.0).numpy())


def _levels(x: Tensor) -> Iterable[np.ndarray]:
    """Each image (C, H, W): uint8 where its pixels are levels of 255, float32 where they are not."""
    if x.dtype == torch.uint8:
        return x.numpy()
    scaled = x.float() * _LEVELS
    nearest = scaled.round()
    # How far a level of 255 can be from itself after it was stored in half precision; bfloat16 cannot tell them.
    slack = _LEVELS * 2.0**-12 if x.dtype == torch.float16 else 1e-3
    exact = ((scaled - nearest).abs().flatten(1).amax(1) <= slack).tolist()
    levels, floats = nearest.clamp(0, _LEVELS).to(torch.uint8).numpy(), _entries(x)
    return [levels[i] if one else floats[i] for i, one in enumerate(exact)]


def _pixels(image: np.ndarray) -> np.ndarray:
    """(H, W) of a grey image in one channel or three, (H, W, 3) of a coloured one."""
    first = image[0]
    if all(np.array_equal(first, other) for other in image[1:]):
        return np.ascontiguousarray(first)
    return np.ascontiguousarray(image.transpose(1, 2, 0))
