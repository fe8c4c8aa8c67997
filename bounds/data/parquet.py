"""Parquet files of encoded images: column `img` (or `image`), struct{bytes, path} or binary, and `label`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.base import Block, BlockSource
from bounds.data.checks import VIEWS
from bounds.data.class_names import class_names
from bounds.data.columns import ANY, Columns
from bounds.data.decode import Form, coloured, decode, stack
from bounds.data.files import file_fingerprint, readable
from bounds.errors import InvalidData

_HEADERS = 256  # rows whose headers are looked at together


class ParquetSource(BlockSource):
    """One parquet file, read a row group at a time and decoded a batch at a time."""

    def __init__(self, path: Path, where: str, num_classes: int | None, columns: Columns = ANY) -> None:
        import pyarrow.parquet as pq

        self.where, self.views, self._path = where, 1, path
        with readable(path, where), pq.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
            self._rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        present = schema.names
        if any(
            name in VIEWS and _holds_bytes(schema.field(name).type) for name in present
        ):  # x may be a position
            present = [name for name in present if name not in VIEWS or _holds_bytes(schema.field(name).type)]
        views, self._label = columns.pick(present, where)
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
        self.kind, self.num_classes = "images", num_classes
        names = _declared_names(schema.metadata, self._label)
        if names is not None:
            self.class_names = class_names(names, where)
            self.num_classes = min(num_classes or len(names), len(names))

    @cached_property
    def channels(self) -> int:
        """3 if any image has colours, else 1."""
        for encoded, names in self._encoded(0, None, _HEADERS):
            if any(coloured(one, name) for one, name in zip(encoded, names, strict=True)):
                return 3
        return 1

    def fingerprint(self) -> dict[str, Any]:
        """Name and SHA-256 of the file."""
        return file_fingerprint(self._path)

    def _blocks(self, start: int, stop: int | None, batch_size: int, form: Form) -> Iterator[Block]:
        columns = [self._image] if self._label is None else [self._image, self._label]
        for part, row in self._parts(start, stop, batch_size, columns):
            encoded, names = self._cells(part, row)
            made = stack(decode(encoded, names), form, self.where, row)
            labels = None
            if self._label is not None:
                column = part.column(self._label)
                whole = column.null_count == 0 and not _nested(column.type)
                labels = column.to_numpy(False) if whole else column.to_pylist()
            yield Block((made.values,), labels, made.fingerprints[:, None], made.turned)

    def _encoded(self, start: int, stop: int | None, rows: int) -> Iterator[tuple[list[bytes], list[str]]]:
        for part, row in self._parts(start, stop, rows, [self._image]):
            yield self._cells(part, row)

    def _parts(
        self, start: int, stop: int | None, batch_size: int, columns: list[str]
    ) -> Iterator[tuple[Any, int]]:
        """Record batches of the rows start..stop, each with its first row."""
        import pyarrow.parquet as pq

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
                    yield part.slice(begin, end - begin), row + begin
                row += part.num_rows
                if stop is not None and row >= stop:
                    return

    def _cells(self, part: Any, row: int) -> tuple[list[bytes], list[str]]:
        cells = part.column(self._image).to_pylist()
        encoded = [cell["bytes"] if isinstance(cell, dict) else cell for cell in cells]
        names = [f"Row {i} of {self.where}" for i in range(row, row + len(encoded))]
        missing = next((name for name, data in zip(names, encoded, strict=True) if data is None), None)
        if missing is not None:
            raise InvalidData(f"{missing} has no image bytes in column {self._image!r}.")
        return encoded, names


def _holds_bytes(column: Any) -> bool:
    import pyarrow.types as types

    if types.is_struct(column):
        column = column.field("bytes").type if column.get_field_index("bytes") >= 0 else column
    return bool(types.is_binary(column) or types.is_large_binary(column) or types.is_binary_view(column))


def _nested(column: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_nested(column))


def _declared_names(metadata: dict[bytes, bytes] | None, label: str | None) -> list[str] | None:
    """The class names in the schema's `huggingface` note, where there are any."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
        return [str(name) for name in names] or None
    except (KeyError, TypeError, ValueError):
        return None
