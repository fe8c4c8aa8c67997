"""Raw arrays to checked tensors and labels; each refusal names the argument, the file and the row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData

Kind = Literal["images", "vectors"]

_REAL = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = ("bool", "uint8", "int8", "int16", "uint16", "int32", "uint32", "int64")
_SLACK = 1e-3  # how far resampling may take a float image outside [0, 1]


def pick_keys(keys: Iterable[str], where: str) -> tuple[tuple[str, ...], str | None]:
    """Which arrays of a file or mapping are the views, and which the labels.

    Raises:
        InvalidData: no views among them, listing what there is.
    """
    present = list(keys)
    label = next((key for key in ("y", "label") if key in present), None)
    if "x1" in present and "x2" in present:
        return ("x1", "x2"), label
    for key in ("x", "img", "image"):
        if key in present:
            return (key,), label
    raise InvalidData(
        f"{where} has {', '.join(map(repr, present)) or 'nothing'}; it needs `x` (or `img`, `image`) "
        "or `x1` and `x2`, and `y` or `label` for labels."
    )


def as_tensor(raw: Any) -> Tensor:
    """A numpy array or tensor as a detached tensor; read-only and byte-swapped arrays are copied."""
    if isinstance(raw, Tensor):
        return raw.detach()
    array = np.asarray(raw)
    if not (array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0):
        array = array.astype(array.dtype.newbyteorder("="), order="C")
    return torch.from_numpy(array)


def kind_of(shape: Sequence[int], dtype: Any, where: str) -> Kind:
    """Tell images (N, C, H, W), (N, H, W, C), (N, H, W) from vectors (N, d), or say what is wrong.

    Raises:
        InvalidData: another shape, a type that is neither pixels nor real numbers, or nothing inside.
    """
    shape = tuple(shape)
    if len(shape) not in (2, 3, 4):
        raise InvalidData(
            f"{where} has shape {shape}; images are (N, C, H, W), (N, H, W, C) or (N, H, W), vectors (N, d)."
        )
    if 0 in shape:
        raise InvalidData(f"{where} is empty: shape {shape}; give at least one item.")
    name = np.dtype(dtype).name if isinstance(dtype, np.dtype) else str(dtype).removeprefix("torch.")
    if len(shape) == 2:
        if name not in _REAL + _INTEGERS:
            raise InvalidData(f"{where} has type {name}; vectors must be real numbers, float32 or float64.")
        return "vectors"
    if len(shape) == 4 and shape[1] not in (1, 3) and shape[3] not in (1, 3):
        raise InvalidData(
            f"{where} has shape {shape}; images need 1 channel (grey) or 3 (RGB), second or last."
        )
    if name not in (*_REAL, "uint8"):
        raise InvalidData(f"{where} has type {name}; images must be uint8 (0 to 255) or floats in [0, 1].")
    return "images"


def channels_first(images: Tensor) -> Tensor:
    """(N, H, W), (N, H, W, C) or (N, C, H, W) -> (N, C, H, W)."""
    if images.ndim == 3:
        return images.unsqueeze(1)
    return images if images.shape[1] in (1, 3) else images.permute(0, 3, 1, 2)


def check_values(x: Tensor, kind: Kind, where: str, first_row: int, unit_range: bool) -> None:
    """Refuse NaN and infinity, and float images outside [0, 1] when `unit_range`.

    Raises:
        InvalidData: naming the first such row.
    """
    if not x.is_floating_point():
        return
    flat = x.flatten(1)
    bad = ~torch.isfinite(flat).all(dim=1)
    if bool(bad.any()):
        row = first_row + int(bad.nonzero()[0, 0])
        raise InvalidData(f"{where} has NaN or infinity in row {row}; remove or mend it.")
    if kind == "images" and unit_range:
        low, high = flat.amin(dim=1), flat.amax(dim=1)
        bad = (low < -_SLACK) | (high > 1 + _SLACK)
        if bool(bad.any()):
            i = int(bad.nonzero()[0, 0])
            raise InvalidData(
                f"{where} has a float image with values from {float(low[i]):g} to {float(high[i]):g} in row "
                f"{first_row + i}; floats must lie in [0, 1]: rescale, or give uint8, and do not normalise."
            )


def check_labels(raw: Any, count: int, num_classes: int | None, where: str, first_row: int = 0) -> np.ndarray:
    """Class indices as int64 (count,).

    Raises:
        InvalidData: another length or type; missing, fractional, negative, too large labels, with the row.
    """
    if isinstance(raw, Tensor) and raw.is_meta:
        raise InvalidData(f"{where} has labels without values (device meta); give a tensor that holds them.")
    labels = raw.detach().cpu().numpy() if isinstance(raw, Tensor) else np.asarray(raw)
    if labels.shape != (count,):
        raise InvalidData(
            f"{where} needs one label for each of {count} items, got labels of shape {labels.shape}."
        )
    if labels.dtype == object and None in (kept := labels.tolist()):
        raise InvalidData(f"{where} has no label in row {first_row + kept.index(None)}; label each item.")
    if labels.dtype.kind not in "iubf":
        raise InvalidData(
            f"{where} has labels of type {labels.dtype}; give class indices 0, 1, 2, ... as integers."
        )
    limit = np.inf if num_classes is None else num_classes
    with np.errstate(invalid="ignore"):
        wrong = ~((labels >= 0) & (labels < limit) & (labels % 1 == 0)) if count else np.zeros(0, bool)
    if wrong.any():
        row = int(wrong.argmax())
        top = "" if num_classes is None else f" to {num_classes - 1}"
        what = "no label (NaN)" if labels[row] != labels[row] else f"label {labels[row]}"
        raise InvalidData(
            f"{where} has {what} in row {first_row + row}; labels are class indices, integers from 0{top}."
        )
    return labels.astype(np.int64)
