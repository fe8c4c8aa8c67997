"""Parquet files of encoded images: column `img` (or `image`), struct{bytes, path} or binary, and `label`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.base import Block, BlockSource
from bounds.data.checks import kind_of, pick_keys
from bounds.data.decode import decode, stack
from bounds.data.files import file_fingerprint, readable
from bounds.errors import InvalidData


class ParquetSource(BlockSource):
    """One parquet file, read a row group at a time and decoded a batch at a time."""

    def __init__(self, path: Path, where: str, num_classes: int | None) -> None:
        import pyarrow.parquet as pq

        self.where, self.views, self._path = where, 1, path
        with readable(path, where), pq.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
            self._rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        views, self._label = pick_keys(schema.names, where)
        self._image = views[0]
        if len(views) > 1 or not _holds_bytes(schema.field(self._image).type):
            raise InvalidData(
                f"{where} has {self._image!r} of type {schema.field(self._image).type}; "
                "it must be encoded images, struct<bytes, path> or binary."
            )
        self.count, self.has_labels = metadata.num_rows, self._label is not None
        self.found = f" (no column `label` or `y` among {', '.join(map(repr, schema.names))})"
        if self.count < 1:
            raise InvalidData(f"{where} is empty: no rows; give at least one item.")
        self.num_classes = num_classes or _declared_classes(schema.metadata, self._label)
        (first,), _ = next(self._blocks(0, 1, 1, None))
        self.kind = kind_of(first.shape, first.dtype, where)

    def fingerprint(self) -> dict[str, Any]:
        """Name and SHA-256 of the file."""
        return file_fingerprint(self._path)

    def _blocks(self, start: int, stop: int | None, batch_size: int, size: int | None) -> Iterator[Block]:
        import pyarrow.parquet as pq

        columns = [self._image] if self._label is None else [self._image, self._label]
        ends = np.cumsum(self._rows)
        group = int(np.searchsorted(ends, start, side="right"))  # the row group where reading begins
        row = int(ends[group - 1]) if group else 0
        groups = list(range(group, len(ends)))
        with readable(self._path, self.where), pq.ParquetFile(self._path) as file:
            for part in file.iter_batches(batch_size, row_groups=groups, columns=columns):
                begin, end = (
                    max(start - row, 0),
                    part.num_rows if stop is None else min(stop - row, part.num_rows),
                )
                if begin < end:
                    yield self._block(part.slice(begin, end - begin), row + begin, size)
                row += part.num_rows
                if stop is not None and row >= stop:
                    return

    def _block(self, part: Any, row: int, size: int | None) -> Block:
        cells = part.column(self._image).to_pylist()
        encoded = [cell["bytes"] if isinstance(cell, dict) else cell for cell in cells]
        names = [f"Row {i} of {self.where}" for i in range(row, row + len(encoded))]
        missing = next((name for name, data in zip(names, encoded, strict=True) if data is None), None)
        if missing is not None:
            raise InvalidData(f"{missing} has no image bytes in column {self._image!r}.")
        images = stack(decode(encoded, names), size, self.where, row)
        if self._label is None:
            return (images,), None
        labels = part.column(self._label)
        return (images,), np.array(labels.to_pylist() if labels.null_count else labels.to_numpy(False))


def _holds_bytes(column: Any) -> bool:
    import pyarrow.types as types

    if types.is_struct(column):
        column = column.field("bytes").type if column.get_field_index("bytes") >= 0 else column
    return bool(types.is_binary(column) or types.is_large_binary(column) or types.is_binary_view(column))


def _declared_classes(metadata: dict[bytes, bytes] | None, label: str | None) -> int | None:
    """The number of class names in the schema's `huggingface` note, where there is one."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return len(features[label]["names"]) or None
    except (KeyError, TypeError, ValueError):
        return None
