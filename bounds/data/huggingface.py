"""Data sets of Hugging Face's `datasets`: an object, or a folder of `save_to_disk`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bounds.data.columns import ANY, Columns
from bounds.data.encoded import Encoded, EncodedSource
from bounds.errors import InvalidData, InvalidInput, MissingDependency

_SAVED = ("dataset_info.json", "dataset_dict.json")


class HuggingFaceSource(EncodedSource):
    """A data set with a column of images, which stay encoded until their batch; class names are its own."""

    def __init__(self, dataset: Any, where: str, num_classes: int | None, columns: Columns = ANY) -> None:
        import datasets

        if isinstance(dataset, dict):  # a DatasetDict
            raise InvalidInput(
                f"{where} has the splits {', '.join(dataset)}; give one, as in data[{next(iter(dataset))!r}]."
            )
        if isinstance(dataset, datasets.IterableDataset):
            raise InvalidInput(f"{where} is a stream, which has no length; load it without `streaming=True`.")
        if not len(dataset):
            raise InvalidData(f"{where} is an empty data set; give at least one item.")
        features = dataset.features
        views, label = columns.pick(features, where)
        kind = features[views[0]]
        if not isinstance(kind, datasets.Image):
            raise InvalidData(f"{where} has {views[0]!r} of type {kind}; it must be a column of images.")
        self.where, self.count = where, len(dataset)
        self._dataset = dataset.with_format(None).cast_column(views[0], datasets.Image(decode=False))
        self._image = views[0]
        names = getattr(features[label], "names", None) if label is not None else None
        self.found = f" (no column `label` or `y` among {', '.join(map(repr, features))})"
        self._label_with(
            None if label is None else list(dataset.with_format(None)[label]), num_classes, names
        )

    def fingerprint(self) -> dict[str, Any]:
        """The number of items, and the SHA-256 of all encoded images."""
        sha = hashlib.sha256()
        for row in range(0, self._length, 256):
            for encoded, _ in self._read(row, min(row + 256, self._length)):
                sha.update(encoded if isinstance(encoded, bytes) else encoded.read_bytes())
        return {"type": "huggingface", "count": self.count, "sha256": sha.hexdigest()}

    def _read(self, start: int, stop: int) -> Sequence[tuple[Encoded, str]]:
        found: list[tuple[Encoded, str]] = []
        for row, cell in enumerate(self._dataset[start:stop][self._image], start=start):
            if cell is None or (cell["bytes"] is None and not cell["path"]):
                raise InvalidData(f"Row {row} of {self.where} has no image.")
            content = Path(cell["path"]) if cell["bytes"] is None else cell["bytes"]
            found.append((content, f"Row {row} of {self.where}"))
        return found


def is_hugging_face(data: Any) -> bool:
    """Whether this is an object of `datasets`, without importing it."""
    return any(kind.__module__.split(".")[0] == "datasets" for kind in type(data).__mro__)


def is_saved(folder: Path) -> bool:
    """Whether this is a folder of `save_to_disk`."""
    return any((folder / name).is_file() for name in _SAVED)


def saved(folder: Path, where: str, num_classes: int | None, columns: Columns = ANY) -> HuggingFaceSource:
    """A folder of `save_to_disk`.

    Raises:
        MissingDependency: `datasets` is not installed.
        InvalidData: it cannot be read.
    """
    try:
        import datasets
    except ImportError as err:
        raise MissingDependency(
            f"{where} was saved by `datasets`, which is not installed; `pip install 'ssl-bounds[datasets]'`."
        ) from err
    try:
        dataset = datasets.load_from_disk(str(folder))
    except (OSError, ValueError) as err:
        raise InvalidData(f"{where} cannot be read as a saved data set ({err}).") from err
    return HuggingFaceSource(dataset, where, num_classes, columns)
