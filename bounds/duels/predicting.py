"""What the caller hands over, encoders with labels or ready predictors or columns, as one panel of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from bounds.arguments import shown
from bounds.data.base import Source
from bounds.data.class_names import Names
from bounds.duels.panel import Classes, Mask, Panel, Rows, class_type, column
from bounds.encoders import load_encoder
from bounds.errors import InvalidData, InvalidOption
from bounds.heads.choice import head_kind
from bounds.heads.kind import HeadKind
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.predictor import Predictor
from bounds.representations.copies import Copies, fingerprints
from bounds.representations.extraction import extract
from bounds.representations.inputs import open_source
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.summaries.decision import UNDECIDED, decide


@dataclass(frozen=True)
class Running:
    """How heads are fitted and encoders run."""

    head: Any = "min_norm"
    device: Any = None
    batch_size: int = 256
    seed: int = 0
    num_classes: int | None = None
    progress: bool = False


@dataclass
class Said:
    """Columns by name, and what is known about the items.

    Attributes:
        columns: Predicted classes (N,).
        labels: True classes of the items where they came with them, else None.
        first: For each row the first row of equal input, or None.
        leaked: Rows whose input is a labeled one, or None.
        class_names: Of the classes, or None.
        paths: Where the items lie, or None.
    """

    columns: dict[str, Classes] = field(default_factory=dict)
    labels: Rows | None = None
    first: Rows | None = None
    leaked: Mask | None = None
    class_names: Names | None = None
    paths: list[str] | None = None

    def known(self, repeats: str | None) -> dict[str, Any]:
        """What a `Labeling` is made of: the panel, where somebody differs, and what stands beside it."""
        panel = Panel.of(self.columns, first=self.first, leaked=self.leaked, class_names=self.class_names)
        return {"panel": panel, "paths": self.paths, "notes": self._notes(repeats)}

    def _notes(self, repeats: str | None) -> list[str]:
        """Copies, in sentences."""
        found = []
        if self.first is None:
            found.append(
                "Whether items repeat is not known: only classes were given." if repeats is None else ""
            )
        elif again := int((self.first != np.arange(len(self.first))).sum()):
            how = {
                None: "it was not declared whether the population repeats them, and what is said holds either way "
                "(not with both kinds at once)",
                "keep": "declared to be the population's own",
                "drop": "counted once",
            }[repeats]
            found.append(f"{again:,} items repeat an earlier one: {how}.")
        if self.leaked is not None and (copied := int(self.leaked.sum())):
            found.append(
                f"{copied:,} items are copies of labeled ones: left out of who errs less, the worst case in limits."
            )
        return [note for note in found if note]


def predictions(
    entries: Mapping[str, Any], labeled: Any, items: Any, running: Running, *, role: str = "unlabeled"
) -> Said:
    """Predicted classes of every entry on the same items.

    Args:
        entries: Columns (N,) of classes, `Predictor`s, or, with `labeled`, encoders.
        labeled: What heads are fitted on; None for ready predictors.
        items: The items; None where columns are given.
        running: How.
        role: "unlabeled", or "test" where the items have labels.

    Raises:
        InvalidOption: entries of different kinds, or data that are missing or not needed.
        InvalidData: predictors of different classes, or of different numbers of items.
    """
    fitted = head_kind(running.head)
    kinds = {name: kind_of(one) for name, one in entries.items()}
    if len(set(kinds.values())) > 1:
        raise InvalidOption(
            f"Give predictors of one kind, got {', '.join(f'{k}: {v}' for k, v in kinds.items())}."
        )
    kind = next(iter(kinds.values()))
    if kind == "encoder":
        if labeled is None:
            raise InvalidOption(
                "Encoders need `labeled`, on which their heads are fitted; or give ready predictors."
            )
    elif labeled is not None:
        raise InvalidOption(f"`labeled` is for encoders; a {kind} is ready, give None.")
    if kind == "column":
        return _of_columns(entries, items, running)
    if items is None:
        raise InvalidOption(f"The items are missing: give `{role}`, on which a {kind} predicts.")
    source = items if isinstance(items, Source) else open_source(items, name=role)
    made = Said(paths=_paths(source))
    for name, one in entries.items():
        if kind == "encoder":
            _by_encoder(made, name, one, fitted, labeled, source, role, running)
        else:
            _by_predictor(made, name, one, source, role, running)
    return made


def kind_of(entry: Any) -> str:
    """What an entry is: "column", "predictor" or "encoder"."""
    if isinstance(entry, Predictor):
        return "predictor"
    array = isinstance(entry, np.ndarray | torch.Tensor) or (
        isinstance(entry, list | tuple) and all(isinstance(one, int | np.integer) for one in entry)
    )
    return "column" if array or (hasattr(entry, "to_numpy") and hasattr(entry, "dtype")) else "encoder"


def _of_columns(entries: Mapping[str, Any], items: Any, running: Running) -> Said:
    columns = {
        name: column(one.detach().cpu() if isinstance(one, torch.Tensor) else one, shown(name))
        for name, one in entries.items()
    }
    made = Said(columns=columns, class_names=_numbered(running.num_classes))
    if items is None:
        return made
    source = items if isinstance(items, Source) else open_source(items, name="unlabeled")
    length = len(next(iter(columns.values())))
    if source.count != length:
        raise InvalidData(f"`unlabeled` has {source.count} items, but the columns have {length}.")
    made.paths, made.class_names = _paths(source), source.class_names or made.class_names
    made.first = _repeats(source)
    return made


def _by_predictor(made: Said, name: str, one: Predictor, source: Source, role: str, running: Running) -> None:
    names = tuple(one.class_names)
    if made.columns and names != made.class_names:
        raise InvalidData(
            f"{shown(name)} knows other classes ({', '.join(names[:5])}, ...) than {shown(next(iter(made.columns)))} "
            f"({', '.join((made.class_names or ())[:5])}, ...); predictors must name the same ones."
        )
    parts = one.stream(
        source, batch_size=running.batch_size, device=running.device, progress=running.progress
    )
    made.class_names = names
    kept = class_type(len(names) - 1)
    made.columns[name] = np.concatenate([part.labels.astype(kept) for part in parts])  # scores are dropped
    if made.first is None:
        made.first = _repeats(source)


def _by_encoder(
    made: Said, name: str, one: Any, kind: HeadKind, labeled: Any, source: Source, role: str, running: Running
) -> None:
    encoder = load_encoder(one, device=running.device)
    common = {"device": running.device, "batch_size": running.batch_size, "progress": running.progress}
    known = labeled if isinstance(labeled, Source) else open_source(labeled, name="labeled")
    fitted = extract(encoder, known, role="labeled", **common)
    here = extract(encoder, source, role=role, **common)
    names = fitted.class_names
    if names is not None and here.class_names is not None and role == "test" and names != here.class_names:
        raise InvalidData(f"`labeled` and `{role}` name different classes; give both the same list.")
    labels = fitted.representations.labels
    if labels is None:
        raise InvalidData("`labeled` has no labels; give (x, y).")
    if names is None:
        names = _numbered(running.num_classes or fitted.num_classes or int(labels.max()) + 1) or ()
    classes = len(names)
    if labels.max() >= classes:
        raise InvalidData(f"`labeled` holds the class {labels.max()}, but `num_classes` is {classes}.")
    normalization = Normalization()
    head = kind.fit(LabeledRows(normalization.apply(fitted.representations), classes, seed=running.seed))
    kept = class_type(classes - 1)
    decided = [
        torch.where((scores := head(z)).isfinite().all(1), decide(scores), UNDECIDED).numpy().astype(kept)
        for (z, *_), _ in normalization.apply(here.representations).chunks()
    ]
    made.columns[name] = np.concatenate(decided)
    made.class_names = names
    if made.labels is None and role == "test":
        made.labels = here.representations.labels
    if made.first is None:
        made.first, made.leaked = _first(here.representations, fitted.representations)


def _repeats(source: Source) -> Rows:
    """The first row of equal input of items that no encoder reads here."""
    if source.kind == "vectors":
        return _first(extract(None, source, role="unlabeled", progress=False).representations, None)[0]
    keys = np.concatenate([batch.fingerprints[:, 0] for batch in source.batches()])
    return Copies.of_fingerprints({"items": keys}).earliest(np.arange(len(keys)))


def _numbered(count: int | None) -> Names | None:
    """Classes that have no names go by their numbers."""
    return None if count is None else tuple(map(str, range(count)))


def _first(table: Representations, known: Representations | None) -> tuple[Rows, Mask | None]:
    """The first row of equal input, and which rows are copies of a labeled one."""
    tables = {"items": table} | ({} if known is None else {"labeled": known})
    keys = {name: fingerprints(one) for name, one in tables.items()}
    if all(one is not None for one in keys.values()):
        copies = Copies.of_fingerprints({name: one for name, one in keys.items() if one is not None})
    else:
        copies = Copies.of_rows(tables)
    rows = copies.rows("items", np.arange(table.count))
    leaked = None
    if known is not None:
        leaked = copies.among(rows, copies.rows("labeled", np.arange(known.count)))
    return copies.earliest(rows), leaked


def _paths(source: Source) -> list[str] | None:
    """Where each item lies, if the source knows."""
    found = getattr(source, "paths", None)
    return [str(one) for one in found] if found is not None and len(found) == source.count else None
