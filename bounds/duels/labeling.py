"""What duels, rankings and certificates to a target have in common: items to label, answers, a state that is one file."""

from __future__ import annotations

import csv
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bounds.arguments import RULES, checked, data, file, maybe, one_of, path, shown
from bounds.duels.answers import CANNOT_TELL, Answers, Repeats
from bounds.duels.panel import Panel, Rows, class_type
from bounds.errors import InvalidData
from bounds.files import whole_file

_FORMAT = "bounds labeling 1"
_COLUMNS = ("position", "item", "path", "label")


class Labeling(ABC):
    """Predictors, the items that have to be labeled to judge them, and the answers so far.

    Attributes:
        panel: Predictions.
        answers: Order, items asked and answers.
        delta: Failure probability.
        paths: Where the items lie, or None.
        notes: What was found about copies, in sentences.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        panel: Panel,
        *,
        delta: float,
        repeats: Repeats,
        seed: int,
        paths: Sequence[str] | Mapping[int, str] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.panel, self.delta, self.paths, self.notes = panel, delta, paths, tuple(notes)
        self.answers = Answers(panel, repeats, seed)

    @property
    def to_label(self) -> Rows:
        """Row numbers of the items to label, those without an answer, in an order drawn before any label."""
        return self.answers.left

    @property
    def labels(self) -> int:
        """How many items have an answer."""
        return len(self.answers.given)

    @abstractmethod
    def __str__(self) -> str:
        """What is known so far."""

    def __repr__(self) -> str:
        return str(self)

    @property
    @abstractmethod
    def verdict(self) -> Any:
        """What is decided."""

    @checked(items=data, labels=data)
    def add(self, items: Iterable[Any], labels: Iterable[Any]) -> None:
        """Take answers; later ones wait until all before them in the order are there.

        Args:
            items: Row numbers, of those asked.
            labels: Class numbers or names, or "cannot tell", which counts against every claim.

        Raises:
            InvalidData: items not asked for or given twice, labels out of range, or an answer that contradicts an
                earlier one; nothing is added then.
        """
        self.answers.add(items, labels)

    # Files

    @checked(path=file, count=maybe(RULES["rows"]))
    def write_questions(self, path: Any, count: int | None = None) -> int:
        """A CSV file with columns position, item, path, label (empty) of the next items; how many."""
        rows = self.to_label[:count]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(_COLUMNS)
        for position, row in enumerate(rows.tolist(), start=self.labels):
            table.writerow((position, row, self.paths[row] if self.paths else "", ""))
        with whole_file(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8")
        return len(rows)

    @checked(path=path)
    def read_answers(self, path: Any) -> int:
        """Take the rows of such a CSV file that have a label; how many.

        Raises:
            InvalidData: no such table, or as `add`.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
            rows = list(csv.DictReader(io.StringIO(text, newline="")))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InvalidData(
                f"{shown(str(path))} cannot be read as a table of answers ({error})."
            ) from error
        if not rows or not {"item", "label"} <= set(rows[0]):
            raise InvalidData(
                f"{shown(str(path))} must be a CSV file with columns item and label, and a row."
            )
        filled = [
            (row["item"], row["label"].strip()) for row in rows if row["label"] and row["label"].strip()
        ]
        self.add([item for item, _ in filled], [label for _, label in filled])
        return len(filled)

    @checked(path=file, count=maybe(RULES["rows"]))
    def contact_sheet(self, path: Any, images: Any = None, count: int | None = 100) -> int:
        """An HTML page of the next items with a field each, which writes the CSV file; it needs no server. How many items.

        Nothing on it says who predicted what.

        Args:
            path: Of the page.
            images: The images (N, ...), anything `bounds.evaluate` takes as unlabeled data; without them the items' paths.
            count: How many items; None for all.
        """
        from bounds.duels.sheet import sheet

        rows = self.to_label[:count]
        page = sheet(rows, self.labels, images, self.paths, self.panel.class_names, CANNOT_TELL)
        with whole_file(path) as part:
            part.write_text(page, encoding="utf-8")
        return len(rows)

    @checked(path=file)
    def save(self, path: Any) -> None:
        """Everything in one JSON file, from which `bounds.duels.load` goes on."""
        panel, answers = self.panel, self.answers
        moved = [] if panel.first is None else np.flatnonzero(panel.first != np.arange(panel.count)).tolist()
        state = {
            "format": _FORMAT,
            "kind": self.kind,
            "options": self._options(),
            "delta": self.delta,
            "repeats": answers.repeats,
            "seed": answers.seed,
            "names": list(panel.names),
            "class_names": None if panel.class_names is None else list(panel.class_names),
            "items": panel.count,
            "rows": panel.rows.tolist(),
            "predicted": panel.predicted.tolist(),
            "copies": None if panel.first is None else [[row, int(panel.first[row])] for row in moved],
            "leaked": None if panel.leaked is None else np.flatnonzero(panel.leaked).tolist(),
            "paths": None
            if self.paths is None
            else [[row, self.paths[row]] for row in answers.asked.tolist()],
            "notes": list(self.notes),
            "answers": answers.plain(),
        }
        with whole_file(path) as part:
            part.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")

    def _options(self) -> dict[str, Any]:
        """What this kind needs besides."""
        return {}


def read_state(path: str | os.PathLike[str]) -> tuple[str, dict[str, Any], dict[str, Any], dict[str, int]]:
    """(kind, options, what a `Labeling` is made of, answers) of a saved state.

    Raises:
        InvalidData: not such a file.
    """
    try:
        state = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidData(f"{shown(str(path))} cannot be read as a state file ({error}).") from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise InvalidData(f"{shown(str(path))} is no state file of a duel, a ranking or a certificate.")
    try:
        count, names = int(state["items"]), state["class_names"]
        first = None
        if state["copies"] is not None:
            first = np.arange(count)
            for row, of in state["copies"]:
                first[row] = of
        leaked = None
        if state["leaked"] is not None:
            leaked = np.zeros(count, dtype=bool)
            leaked[state["leaked"]] = True
        rows = np.array(state["rows"], dtype=np.int64)
        predicted = np.array(state["predicted"], dtype=np.int32).reshape(len(state["names"]), len(rows))
        predicted = predicted.astype(class_type(int(predicted.max(initial=0))))
        panel = Panel(
            tuple(map(str, state["names"])), count, rows, predicted, first, leaked,
            None if names is None else tuple(map(str, names)),
        )  # fmt: skip
        if not panel.sound:
            raise ValueError("rows or classes out of range")
        made = {
            "panel": panel,
            "delta": RULES["delta"]("delta", state["delta"]),
            "repeats": one_of("keep", "drop", None)("repeats", state["repeats"]),
            "seed": RULES["seed"]("seed", state["seed"]),
            "paths": None if state["paths"] is None else {int(row): str(one) for row, one in state["paths"]},
            "notes": tuple(map(str, state["notes"])),
        }
        answers = {str(key): int(value) for key, value in state["answers"].items()}
        return str(state["kind"]), dict(state["options"]), made, answers
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise InvalidData(f"{shown(str(path))} is a damaged state file ({error}).") from error


def restore(made: Labeling, answers: Mapping[str, int]) -> None:
    """Give a labeling the answers it had.

    Raises:
        InvalidData: as `Labeling.add`.
    """
    keys = list(answers)
    made.answers.add(keys, [None if answers[key] < 0 else answers[key] for key in keys])
