"""CSV and parquet tables of paths of images, with labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bounds.data.columns import ANY, Columns
from bounds.data.encoded import Encoded, EncodedSource
from bounds.data.files import file_fingerprint, readable
from bounds.data.packed import Packed
from bounds.errors import InvalidData

_PATHS = ("path", "file", "file_name", "filename", "image_path", "filepath")


class PathTableSource(EncodedSource):
    """Images whose paths, absolute or relative to the table, stand in a column; labels are numbers or names."""

    def __init__(self, path: Path, where: str, num_classes: int | None, columns: Columns = ANY) -> None:
        table = _table(path, where)
        image = columns.image or next((name for name in _PATHS if name in table.column_names), None)
        views, label = Columns(image, columns.label).pick(table.column_names, where)
        self.where, self._path = where, path
        cells = table.column(views[0]).to_pylist()
        missing = next((row for row, cell in enumerate(cells) if not isinstance(cell, str) or not cell), None)
        if missing is not None:
            raise InvalidData(f"{where} has no path in row {missing} of column {views[0]!r}.")
        self._files = Packed(cells)
        absent = next((file for file in map(self._file, range(len(cells))) if not file.is_file()), None)
        if absent is not None:
            raise InvalidData(
                f"{where} names {str(absent)!r}, which is no file; paths are relative to the table."
            )
        self.count = len(self._files)
        if not self.count:
            raise InvalidData(f"{where} is empty: no rows; give at least one item.")
        self.found = f" (no column `label` or `y` among {', '.join(map(repr, table.column_names))})"
        self._label_with(None if label is None else table.column(label).to_pylist(), num_classes, None)

    @property
    def paths(self) -> list[str]:
        """Where the items lie."""
        return [str(self._file(row)) for row in range(len(self._files))]

    def fingerprint(self) -> dict[str, Any]:
        """Name and SHA-256 of the table, and the sizes of the files it names."""
        sizes = sum(self._file(row).stat().st_size for row in range(len(self._files)))
        return file_fingerprint(self._path) | {"images": self.count, "bytes": sizes}

    def _read(self, start: int, stop: int) -> Sequence[tuple[Encoded, str]]:
        files = [(self._file(row), row) for row in range(start, stop)]
        return [(file, f"{file.name} (row {row} of {self.where})") for file, row in files]

    def _file(self, row: int) -> Path:
        return self._path.parent / self._files[row]


def has_paths(path: Path, columns: Columns, where: str) -> bool:
    """Whether a parquet file holds paths of images and not images."""
    import pyarrow.parquet as pq
    import pyarrow.types as types

    with readable(path, where):
        schema = pq.read_schema(path)
    names = [columns.image] if columns.image else [*_PATHS, "img", "image"]
    found = [schema.field(name).type for name in names if name in schema.names]
    return bool(found) and all(types.is_string(kind) or types.is_large_string(kind) for kind in found)


def _table(path: Path, where: str) -> Any:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    try:
        with readable(path, where):
            if path.suffix == ".parquet":
                return pyarrow.parquet.read_table(path)
            tabs = pyarrow.csv.ParseOptions(delimiter="\t" if path.suffix == ".tsv" else ",")
            return pyarrow.csv.read_csv(path, parse_options=tabs)
    except pa.ArrowException as err:
        raise InvalidData(f"{where} cannot be read as {path.suffix} ({err}).") from err
