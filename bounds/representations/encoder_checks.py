"""A certificate is about one function of one image: is the encoder such a function, and the one of the stored rows?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bounds.errors import InvalidCheckpoint, InvalidOption
from bounds.representations.code_digest import modules_behind
from bounds.representations.sources.arrays import ArraySource
from bounds.representations.sources.base import Batch, Chain, Source
from bounds.representations.sources.parquet import ParquetSource
from bounds.representations.store import RepresentationStore, StoreWriter

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


def identifies(source: Source) -> bool:
    """Whether the fingerprint of the data covers every byte of it, so that equal fingerprints are equal data."""
    if isinstance(source, Chain):
        return all(identifies(part) for part in source.parts)
    return isinstance(source, ArraySource | ParquetSource)


class Contents:
    """SHA-256 of consecutive items, views and labels, however they are cut into batches."""

    def __init__(self) -> None:
        self._hashes: dict[str, Any] = {}

    def update(self, batch: Batch) -> None:
        """Add the items of a batch."""
        parts = {f"view {i}": view for i, view in enumerate(batch.views)}
        for name, part in (
            parts.items() if batch.labels is None else [*parts.items(), ("labels", batch.labels)]
        ):
            sha = self._hashes.setdefault(
                name, hashlib.sha256(f"{part.dtype}{tuple(part.shape[1:])}".encode())
            )
            sha.update(part.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)

    def digest(self) -> str:
        """Of all items since the last digest."""
        joined = "".join(f"{name} {sha.hexdigest()}\n" for name, sha in sorted(self._hashes.items()))
        self._hashes = {}
        return hashlib.sha256(joined.encode()).hexdigest()


def check_contents(writer: StoreWriter, batches: Iterable[Batch], where: str) -> None:
    """Compare the items that a store was made from with those that come now.

    Args:
        writer: The store as it was found.
        batches: The items of its rows.
        where: The data, for messages.

    Raises:
        InvalidOption: items or labels have changed, are fewer, or the store does not say what it was made from.
    """
    rows = [entry["rows"] for entry in writer.manifest["shards"]]
    wanted = [entry.get("contents_sha256") for entry in writer.manifest["shards"]]
    if None in wanted:
        raise _other(writer, f"does not say from which items of {where} it was made")
    first = 0
    for index, contents in enumerate(_by_shard(batches, rows)):
        if contents != wanted[index]:
            raise _other(
                writer,
                f"was made from other items or labels than rows {first} to {first + rows[index] - 1} of {where}",
            )
        first += rows[index]
    if first < sum(rows):
        raise _other(writer, f"was made from more items than {where} has now")


def _by_shard(batches: Iterable[Batch], rows: list[int]) -> Iterator[str]:
    contents, left, shard = Contents(), 0, 0
    for batch in batches:
        begin = 0
        while begin < batch.count and shard < len(rows):
            left = left or rows[shard]
            end = min(begin + left, batch.count)
            labels = None if batch.labels is None else batch.labels[begin:end]
            contents.update(
                Batch(tuple(view[begin:end] for view in batch.views), labels, batch.first_row + begin)
            )
            left -= end - begin
            begin = end
            if left == 0:
                shard += 1
                yield contents.digest()


def check_first_rows(writer: StoreWriter, vectors: tuple[Tensor, ...], labels: Tensor | None) -> None:
    """Compare the first rows of a store with what the encoder makes of the first items now.

    Raises:
        InvalidOption: they differ by more than rounding between devices explains.
    """
    stored = RepresentationStore(writer.folder, writer.manifest)
    few = len(vectors[0])
    same = len(stored.views) == len(vectors) and all(
        relative_gap(torch.from_numpy(np.array(view[:few])), z) <= REDUCED
        for view, z in zip(stored.views, vectors, strict=True)
    )
    known = stored.labels
    if not same:
        raise _other(writer, "holds other representations of its first items than this encoder gives")
    if labels is not None and (known is None or not np.array_equal(known[:few], labels.numpy())):
        raise _other(writer, "holds other labels of its first items")


def _other(writer: StoreWriter, what: str) -> InvalidOption:
    return InvalidOption(
        f"{writer.folder} {what}; give another folder, or delete this one to make the representations anew."
    )
