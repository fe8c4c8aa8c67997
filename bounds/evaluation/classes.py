"""Which classes a run speaks about: their names over all roles, their number, and what that number would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bounds.data.class_names import Names, agreed, listed, renumbered, renumbering
from bounds.errors import InvalidData
from bounds.memory import require_memory
from bounds.representations.inputs import Source
from bounds.representations.table import Representations

Tables = Mapping[str, Representations]
_NAMED = 8  # classes that a note names


@dataclass(frozen=True)
class Classes:
    """The classes of a run.

    Attributes:
        count: K.
        names: Name of each class where the data have names; with `renumber` the identifiers.
        tables: The representations of each role, their labels numbered alike.
        notes: What the labels alone do not show.
    """

    count: int
    names: Names | None
    tables: dict[str, Representations]
    notes: tuple[str, ...]


def names_of(sources: Mapping[str, Source], pairs_need_labels: bool) -> tuple[Names | None, tuple[str, ...]]:
    """One list of class names over all roles, and notes; decided before anything is encoded.

    Unlabeled data whose labels are not needed and whose names are other ones count as unlabeled.

    Raises:
        InvalidData: names that cannot be matched (see `agreed`).
    """
    labeled = {role: source for role, source in sources.items() if source.has_labels}
    notes: tuple[str, ...] = ()
    if "unlabeled" in labeled and not pairs_need_labels and not _usable(labeled):
        names = labeled.pop("unlabeled").class_names or ()
        notes = (
            f"the classes of `unlabeled` ({listed(names)}) are not those of `labeled`: its labels are left out",
        )
    return (
        agreed(
            {role: source.class_names for role, source in labeled.items()},
            {role: source.where for role, source in labeled.items()},
        ),
        notes,
    )


def _usable(sources: Mapping[str, Source]) -> bool:
    own, other = sources["unlabeled"].class_names, sources["labeled"].class_names
    if own is None:
        return True
    if other is None:
        return len(own) > 1  # one folder of everything says nothing
    return set(own) <= set(other) or set(other) <= set(own)


def classes(
    tables: Tables,
    found: Mapping[str, Names | None],
    names: Names | None,
    num_classes: int | None,
    renumber: bool,
    left_out: bool = False,
) -> Classes:
    """K, and every label numbered alike.

    Args:
        tables: Of each role.
        found: The names each role came with.
        names: One list over all roles, from `names_of`.
        num_classes: K as stated, or None.
        renumber: Whether labels without names are identifiers, to be numbered in ascending order.
        left_out: Whether the labels of `unlabeled` do not count.

    Raises:
        InvalidData: a label beyond the stated K, with the label.
        InvalidOption: a K whose summaries would not fit into memory.
    """
    made = dict(tables)
    if left_out:
        made["unlabeled"] = replace(made["unlabeled"], labels=None)
    if names is not None:
        for role, table in made.items():
            own = None if table.labels is None else found[role]
            new = None if own is None else renumbering(own, names)
            if table.labels is not None and new is not None:
                made[role] = replace(table, labels=renumbered(table.labels, new))
    elif renumber:
        ids = np.unique(np.concatenate([one.labels for one in made.values() if one.labels is not None]))
        for role, table in made.items():
            if table.labels is not None:
                made[role] = replace(table, labels=np.searchsorted(ids, table.labels))
        names = tuple(map(str, ids.tolist()))
    labels = [table.labels for table in made.values() if table.labels is not None]
    largest = max(int(one.max()) for one in labels)
    count = max(largest + 1, len(names or ())) if num_classes is None else num_classes
    if num_classes is not None and largest >= num_classes:
        raise InvalidData(
            f"A label is {largest}, but `num_classes` = {num_classes} allows 0 to {num_classes - 1}."
        )
    _afford(count, made["labeled"])
    notes = () if num_classes is not None or names is not None else _without_items(labels, count)
    return Classes(count, names, made, notes)


def _afford(count: int, labeled: Representations) -> None:
    """Refuse K where the factor of least squares, the class means and a head would not fit."""
    columns = 1 + labeled.dim + count
    require_memory(
        8 * (columns * min(labeled.count, columns) + 2 * count * labeled.dim),
        f"`num_classes` = {count:,} (the largest label plus one, unless it is given)",
        "give class indices 0, 1, 2, ..., or, for labels that are identifiers, `renumber`",
    )


def _without_items(labels: list[np.ndarray], count: int) -> tuple[str, ...]:
    """A note on classes below the largest label that no item has."""
    seen = np.unique(np.concatenate(labels))
    if len(seen) == count:
        return ()
    absent = np.setdiff1d(np.arange(count), seen, assume_unique=True)
    which = ", ".join(map(str, absent[:_NAMED].tolist())) + (", ..." if len(absent) > _NAMED else "")
    few = f"class {which} has no item" if len(absent) == 1 else f"classes {which} have no item"
    return (
        f"{few} in any data and counts among K = {count}; number the classes from 0 without gaps, or `renumber`",
    )
