"""From the arguments of `evaluate` to representations: the encoder, and each role's data through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bounds.encoders.checkpoints import Encoder, load_encoder
from bounds.errors import InvalidData, InvalidOption
from bounds.evaluation.classes import Classes, classes, names_of
from bounds.evaluation.progress import bar_wanted
from bounds.processes import Processes
from bounds.representations.extraction import Extracted, extract
from bounds.representations.inputs import Source, open_source


def load(checkpoint: Any, given: Mapping[str, Any]) -> Encoder | None:
    """The encoder, or None where the data are representations.

    Args:
        checkpoint: What `load_encoder` takes, or None.
        given: The options of `evaluate`, by name.

    Raises:
        InvalidOption: an option for a checkpoint without one.
    """
    if checkpoint is not None:
        names = ("preprocessing", "architecture", "prefix", "device")
        return load_encoder(checkpoint, **{name: given[name] for name in names})
    for name in ("preprocessing", "architecture", "prefix", "size"):
        if given[name] is not None:
            raise InvalidOption(f"`{name}` is for a checkpoint; without one the data are representations.")
    return None


def extract_roles(
    encoder: Encoder | None, data: Mapping[str, Any], processes: Processes, given: Mapping[str, Any]
) -> tuple[dict[str, Extracted], Classes]:
    """Representations by role, for the roles that have data, and their classes, numbered alike over the roles.

    Args:
        encoder: What makes them, or None.
        data: "labeled", "unlabeled" and "test"; None where there is none.
        processes: Those that share the work.
        given: The options of `evaluate`, by name.

    Raises:
        InvalidData: class names that cannot be matched, or representations of different dimensions.
    """
    limit = None if given["renumber"] else given["num_classes"]
    sources = {
        role: items if isinstance(items, Source) else open_source(items, name=role, num_classes=limit)
        for role, items in data.items()
        if items is not None or role == "labeled"
    }
    drawn_by_class = given["pairs"] == "class" and "unlabeled" in sources and sources["unlabeled"].views == 1
    names, left_out = names_of(sources, drawn_by_class)
    common = {name: given[name] for name in ("device", "batch_size", "seed", "autocast", "size")}
    common["progress"] = bar_wanted(given["progress"])
    folder = given["save_representations"]
    of_pairs = {"views": 2, "pairs": given["pairs"], "class_prior_known": given["class_prior"] is not None}
    parts = {
        role: extract(
            encoder,
            source,
            role=role,
            save=None if folder is None else Path(folder) / role,
            processes=processes,
            **common,
            **(of_pairs if role == "unlabeled" else {}),
        )
        for role, source in sources.items()
    }
    _check_dimensions(parts)
    found = classes(
        {role: part.representations for role, part in parts.items()},
        {role: part.class_names for role, part in parts.items()},
        names,
        given["num_classes"],
        given["renumber"],
        left_out=bool(left_out),
    )
    notes = (*(note for part in parts.values() for note in part.notes), *left_out, *found.notes)
    parts = {role: replace(part, representations=found.tables[role]) for role, part in parts.items()}
    return parts, replace(found, notes=notes)


def _check_dimensions(parts: Mapping[str, Extracted]) -> None:
    dims = {role: part.representations.dim for role, part in parts.items()}
    if len(set(dims.values())) > 1:
        raise InvalidData(
            f"All representations must have one dimension, got {dims}; use one encoder for all."
        )
