"""From the arguments of `evaluate` to representations: the encoder, and each role's data through it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bounds.encoders.checkpoints import Encoder, load_encoder
from bounds.errors import InvalidData
from bounds.processes import Processes
from bounds.representations.extraction import Extracted, extract
from bounds.representations.table import Representations


def load(checkpoint: Any, preprocessing: Any, architecture: Any, device: Any) -> Encoder | None:
    """The encoder, or None where the data are representations."""
    if checkpoint is None:
        return None
    return load_encoder(checkpoint, preprocessing=preprocessing, architecture=architecture, device=device)


def extract_roles(
    encoder: Encoder | None, data: Mapping[str, Any], processes: Processes, given: Mapping[str, Any]
) -> dict[str, Extracted]:
    """Representations by role, for the roles that have data.

    Args:
        encoder: What makes them, or None.
        data: "labeled", "unlabeled" and "test"; None where there is none.
        processes: Those that share the work.
        given: The options of `evaluate`, by name.

    Raises:
        InvalidData: representations of different dimensions.
    """
    common = {name: given[name] for name in ("device", "batch_size", "seed", "autocast", "num_classes")}
    common["progress"] = sys.stderr.isatty() if given["progress"] is None else given["progress"]
    folder = given["save_representations"]
    of_pairs = {"views": 2, "pairs": given["pairs"], "class_prior_known": given["class_prior"] is not None}
    parts = {
        role: extract(
            encoder,
            items,
            role=role,
            save=None if folder is None else Path(folder) / role,
            processes=processes,
            **common,
            **(of_pairs if role == "unlabeled" else {}),
        )
        for role, items in data.items()
        if items is not None or role == "labeled"
    }
    _check_dimensions(parts)
    return parts


def count_classes(tables: Iterable[Representations], num_classes: int | None) -> int:
    """K: as given, or the largest label plus one.

    Raises:
        InvalidData: a label of K or more.
    """
    largest = max(int(table.labels.max()) for table in tables if table.labels is not None)
    if num_classes is None:
        return largest + 1
    if largest >= num_classes:
        raise InvalidData(
            f"A label is {largest}, but `num_classes` = {num_classes} allows 0 to {num_classes - 1}."
        )
    return num_classes


def class_names(parts: Iterable[Extracted]) -> tuple[str, ...] | None:
    """The names that the data give their classes, of the role that names most."""
    found = [names for part in parts if (names := getattr(part, "class_names", None))]
    return tuple(max(found, key=len)) if found else None


def _check_dimensions(parts: Mapping[str, Extracted]) -> None:
    dims = {role: part.representations.dim for role, part in parts.items()}
    if len(set(dims.values())) > 1:
        raise InvalidData(
            f"All representations must have one dimension, got {dims}; use one encoder for all."
        )
