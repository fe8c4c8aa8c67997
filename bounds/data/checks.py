"""Raw arrays to checked tensors and labels; each refusal names the argument, the file and the row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from bounds.data.masks import refuse_masked
from bounds.errors import InvalidData

Kind = Literal["images", "vectors"]

_REAL = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = ("bool", "uint8", "int8", "int16", "uint16", "int32", "uint32", "int64")
VIEWS = ("x", "img", "image")
_LABELS = ("y", "label")
_SEVERAL = "several classes for one item"
_ONE_HOT = "give one class index for each item (y.argmax(1) of one-hot rows)"
_MOST = 2**63 - 1
_LOOKED_AT = 1024  # rows that tell one-hot labels from representations
_SLACK = 1e-3  # how far resampling may take a float image outside [0, 1]


def pick_keys(keys: Iterable[str], where: str) -> tuple[tuple[str, ...], str | None]:
    """Which arrays of a file or mapping are the views, and which the labels.

    Raises:
        InvalidData: no views among them, listing what there is, or several names that could be meant.
    """
    present = list(keys)
    label = _one_of(present, _LABELS, "class", where)
    if "x1" in present and "x2" in present:
        _one_of([*present, "x1, x2"], ("x1, x2", *VIEWS), "item", where)
        return ("x1", "x2"), label
    view = _one_of(present, VIEWS, "item", where)
    if view is not None:
        return (view,), label
    raise InvalidData(
        f"{where} has {', '.join(map(repr, present)) or 'nothing'}; it needs `x` (or `img`, `image`) "
        "or `x1` and `x2`, and `y` or `label` for labels."
    )


def _one_of(present: Sequence[str], names: Sequence[str], what: str, where: str) -> str | None:
    found = [name for name in names if name in present]
    if len(found) > 1:
        raise InvalidData(
            f"{where} has {' and '.join(map(repr, found))}, any of which could be the {what}; "
            "keep one of them, or rename the others."
        )
    return found[0] if found else None


def as_tensor(raw: Any, where: str = "data") -> Tensor:
    """A numpy array or tensor as a detached tensor; read-only and byte-swapped arrays are copied.

    Raises:
        InvalidData: a masked array with masked entries, or a tensor that is sparse, quantised or without values.
    """
    if isinstance(raw, Tensor):
        if raw.layout is not torch.strided:
            raise InvalidData(f"{where} is a sparse tensor; give it dense (x.to_dense()).")
        if raw.is_meta:
            raise InvalidData(f"{where} has no values (device meta); give a tensor that holds them.")
        if raw.is_quantized:
            raise InvalidData(f"{where} is a quantised tensor; give x.dequantize().")
        return raw.detach()
    refuse_masked(raw, where)
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
    """(N, H, W), (N, H, W, C) or (N, C, H, W) -> (N, C, H, W), which is taken where both of the latter fit."""
    if images.ndim == 3:
        return images.unsqueeze(1)
    return images if images.shape[1] in (1, 3) else images.permute(0, 3, 1, 2)


def unambiguous(shape: Sequence[int], where: str) -> None:
    """Refuse an array whose channels could come second or last: an image one or three pixels high or wide.

    Raises:
        InvalidData: naming both readings.
    """
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] in (1, 3) and tuple(shape[1:]) != (1, 1, 1):
        raise InvalidData(
            f"{where} has images of shape {tuple(shape[1:])}, which could be (C, H, W) or (H, W, C); "
            "give a tensor (C, H, W), or Pillow images."
        )


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
    """Class indices as int64 (count,), with −1 for an item without label.

    Raises:
        InvalidData: another length or type; missing, fractional, other negative, too large labels, with the row.
    """
    if isinstance(raw, Tensor):
        if raw.is_meta:
            raise InvalidData(
                f"{where} has labels without values (device meta); give a tensor that holds them."
            )
        labels = raw.detach().cpu().numpy()
    else:
        refuse_masked(raw, f"{where}, among its labels,", first_row)
        try:
            labels = np.asarray(raw)
        except ValueError as err:  # ragged lists
            raise InvalidData(f"{where} has {_SEVERAL}; {_ONE_HOT}.") from err
    if labels.shape == (count, 1):
        labels = labels[:, 0]
    if labels.ndim > 1 and len(labels) == count:
        raise InvalidData(f"{where} has labels of shape {labels.shape}, {_SEVERAL}; {_ONE_HOT}.")
    if labels.shape != (count,):
        raise InvalidData(
            f"{where} needs one label for each of {count} items, got labels of shape {labels.shape}."
        )
    if labels.dtype == object:
        kept = labels.tolist()
        if None in kept:
            raise InvalidData(f"{where} has no label in row {first_row + kept.index(None)}; label each item.")
        several = next((i for i, one in enumerate(kept) if isinstance(one, list | tuple | np.ndarray)), None)
        if several is not None:
            raise InvalidData(f"{where} has {_SEVERAL} in row {first_row + several}; {_ONE_HOT}.")
    if labels.dtype.kind not in "iubf":
        raise InvalidData(
            f"{where} has labels of type {labels.dtype}; give class indices 0, 1, 2, ... as integers."
        )
    limit = _MOST if num_classes is None else num_classes - 1
    with np.errstate(invalid="ignore"):
        whole = labels % 1 == 0 if labels.dtype.kind == "f" else True
        wrong = ~((labels >= -1 if labels.dtype.kind in "if" else True) & (labels <= limit) & whole)
        # As a float, 2⁶³ − 1 is 2⁶³, which is no int64.
        wrong |= labels >= 2.0**63 if labels.dtype.kind == "f" else False
    if wrong.any():
        row = int(wrong.argmax())
        top = "" if num_classes is None else f" to {num_classes - 1}"
        what = "no label (NaN)" if labels[row] != labels[row] else f"label {labels[row]}"
        raise InvalidData(
            f"{where} has {what} in row {first_row + row}; labels are class indices, integers from 0{top}."
        )
    return labels.astype(np.int64)


def every_label(labels: np.ndarray, where: str, first_row: int = 0) -> None:
    """Refuse −1 where a label is needed.

    Raises:
        InvalidData: naming the first such row.
    """
    missing = np.flatnonzero(labels < 0)
    if len(missing):
        raise InvalidData(
            f"{where} has label -1 in row {first_row + int(missing[0])}, which is an item without label; "
            "remove such items, or label them: classes are integers from 0."
        )


def is_label(first: Any, second: Any, axes: int, where: str) -> bool:
    """Whether the second of two entries is the label and not another view.

    Args:
        first: The item, or a batch of them.
        second: What comes with it.
        axes: Axes that labels have: 0 for one item, 1 for a batch.
        where: For error messages.

    Raises:
        InvalidData: labels with several classes for an item, one-hot rows among them.
    """
    if hasattr(second, "convert"):  # a Pillow image
        return False
    listed = isinstance(second, list | tuple)
    try:
        shape = np.shape(second)
    except ValueError as err:
        raise InvalidData(f"{where} has {_SEVERAL}; {_ONE_HOT}.") from err
    if len(shape) == axes:
        return True
    if len(shape) != axes + 1:
        return False
    column = shape[-1] == 1 and (listed or _whole(second))
    if column and not (np.shape(first) == shape and _whole(first)):
        return True
    if listed or len(np.shape(first)) > axes + 1 or (_binary(second, axes) and not _binary(first, axes)):
        raise InvalidData(f"{where} has labels of shape {shape}, {_SEVERAL}; {_ONE_HOT}.")
    return False


def _whole(array: Any) -> bool:
    """Whether an array holds integers."""
    if isinstance(array, Tensor):
        return not array.is_floating_point() and not array.is_complex()
    return np.asarray(array).dtype.kind in "iub"


def _binary(array: Any, axes: int) -> bool:
    """Whether the first rows of vectors hold nothing but 0 and 1."""
    rows = array[:_LOOKED_AT] if axes else array
    values = rows.detach().cpu() if isinstance(rows, Tensor) else np.asarray(rows)
    return bool(((values == 0) | (values == 1)).all())
