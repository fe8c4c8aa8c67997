"""Report: the bounds of one evaluation, what they rest on, and every way to read them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bounds.arguments import (
    as_mapping,
    checked,
    data,
    file,
    instance,
    maybe,
    nearest,
    number,
    several,
    unknown,
)
from bounds.arguments import path as path_rule
from bounds.assumptions.assumption import Assumption
from bounds.errors import InvalidInput, InvalidOption
from bounds.evidence.evidence import Evidence
from bounds.rendering import rendered
from bounds.report.files import write_text
from bounds.report.measured import Measured
from bounds.report.plans import Plans
from bounds.report.saving import FORMAT, READ, json_text, json_values
from bounds.report.tested import Tested
from bounds.report.verdict import Verdict
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Report:
    """Every bound of one evaluation, in order.

    Attributes:
        name: What was evaluated.
        delta: Failure probability of each bound by itself, or of all together when `simultaneous`.
        bounds: Name to bound.
        not_applicable: Name to the reason why a bound could not be evaluated.
        quantities: Scalars behind the bounds: n, m, K, d, c, norms of the heads, ranks, invariance, ...
        measured: Head name to its loss, projected loss, squared loss and error on the test items that it was not made
            from; another name is a KeyError with the reason.
        assumptions: Every assumption with status and reason.
        best: Smallest certified bound on the error axis, re-evaluated at its share of δ, or None.
        candidates: The bounds `best` was chosen from, each at its share of δ, certified or not.
        provenance: Versions, seed, device, file hashes, options.
        class_names: Name of each class, in the order of the labels, where the data have names.
        notes: What was left out of the data or is out of the ordinary in them.
        tested: Classes of the test items, given and predicted by the head given by `head`; None without them.
        evidence: The data summaries, for further evaluation; not saved.

    Example:
        >>> import numpy as np
        >>> y = np.arange(120) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((120, 2))  # two classes well apart
        >>> report = bounds.evaluate(None, (z[:20], y[:20]), test=(z[20:], y[20:]), fresh=True, bounds="test_set")
        >>> round(report["test_set"].value, 4), report.test_error  # no error on 100 items: 1 − 0.05^(1/100)
        (0.0295, 0.0)
    """

    name: str
    delta: float
    simultaneous: bool
    bounds: Mapping[str, Bound]
    not_applicable: Mapping[str, str]
    quantities: Mapping[str, float]
    measured: Mapping[str, Mapping[str, float]]
    assumptions: Mapping[str, Assumption]
    best: Bound | None
    candidates: tuple[str, ...]
    provenance: Mapping[str, Any]
    class_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    tested: Tested | None = field(default=None, compare=False, repr=False)
    evidence: Evidence | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "measured", Measured(self.measured, self.quantities))

    def __getitem__(self, name: str) -> Bound:
        """The bound of that name.

        Raises:
            KeyError: with the reason, if it was not evaluated.
        """
        if name in self.bounds:
            return self.bounds[name]
        if name in self.not_applicable:
            raise KeyError(f"`{name}` is not applicable here: it {self.not_applicable[name]}")
        known = [*self.bounds, *self.not_applicable]
        raise KeyError(
            f"no bound `{name}` in this report{nearest(name, known) or '.'} It has {', '.join(self.bounds)}"
        )

    def __iter__(self) -> Iterator[Bound]:
        """The bounds, in order."""
        return iter(self.bounds.values())

    def __len__(self) -> int:
        return len(self.bounds)

    def __contains__(self, name: object) -> bool:
        return name in self.bounds

    @checked(bound=instance(Bound, "a bound of this report"))
    def measured_for(self, bound: Bound) -> float | None:
        """What was measured on the test items for the bound's own head and axis; None without test items."""
        losses = self.measured.get(bound.head or "")
        if losses is None:
            return None
        if bound.axis.name == "error":
            return losses["error"]
        return (
            losses["projected_loss" if "\\Pi" in bound.statement else "loss"]
            if bound.axis.name == "loss"
            else None
        )

    @property
    def test_error(self) -> float | None:
        """Measured error rate of the head given by `head` on the test items; None without them."""
        losses = self.measured.get(str(self.provenance.get("head")))
        return None if losses is None else losses["error"]

    @checked(target=number(0, math.inf, "be a positive number"), bounds=data)
    def plan(self, target: float, bounds: Sequence[str] | None = None) -> Plans:
        """How many labels, pairs, or both would bring each bound to `target`, or which term stops it.

        Args:
            target: Error rate; on its own axis for a bound without one.
            bounds: Names; all by default.

        Raises:
            InvalidOption: the target is not a positive number.
        """
        if bounds is None:
            return Plans.of(self.bounds, target)
        names = [bounds] if isinstance(bounds, str) else bounds
        return Plans.of(dict(several(self._named, "names of bounds")("bounds", names)), target)

    def _named(self, argument: str, name: Any) -> tuple[str, Bound]:
        if isinstance(name, str) and name in self.not_applicable:
            raise InvalidOption(f"`{name}` is not applicable here: it {self.not_applicable[name]}")
        if not isinstance(name, str) or name not in self.bounds:
            raise unknown(f"`{argument}` names a bound that this report has not:", name, self.bounds)
        return name, self.bounds[name]

    # Reading it

    @cached_property
    def verdict(self) -> Verdict:
        """The answer in one sentence, what would lower it, what to know, and the bounds by family."""
        said: Verdict = rendered("report.reading:verdict", self)
        return said

    def __repr__(self) -> str:
        return str(rendered("report.text:screen", self))

    def table(self) -> pandas.DataFrame:
        """One row per bound, by family: value, axis, error rate, measured, certified, vacuous, what fails."""
        import pandas

        rows = [
            {
                "family": one.title,
                "bound": bound.name,
                "error_rate": bound.error_rate,
                "value": bound.value,
                "axis": bound.axis.name,
                "measured": self.measured_for(bound),
                "certified": bound.certified,
                "vacuous": bound.vacuous,
                "fails": ", ".join(assumption.name for assumption in bound.failing),
            }
            for one in self.verdict.families
            for bound in one.bounds
        ]
        return pandas.DataFrame(rows).set_index(["family", "bound"]) if rows else pandas.DataFrame()

    @checked(path=maybe(file))
    def to_text(self, path: str | Path | None = None) -> str:
        """Everything as text: the answer, every bound term by term, the assumptions; also written to `path` if given."""
        text = str(rendered("report.text:full", self))
        if path is not None:
            write_text(path, text)
        return text

    def _repr_html_(self) -> str:
        return str(rendered("report.html:body", self))

    @checked()
    def plot(self, style: Any = None) -> Figure:
        """The best bound of each family on the error axis beside what was measured, and one theorem term by term.

        Args:
            style: A Matplotlib style (name, path or dict of rcParams), applied after the package's own.
        """
        figure: Figure = rendered("report.figures:report_figure", self, style)
        return figure

    def to_frame(self) -> pandas.DataFrame:
        """One row per term of each bound, plus a row "total" per bound."""
        import pandas

        rows = []
        for bound in self:
            shared = {
                "bound": bound.name,
                "axis": bound.axis.name,
                "certified": bound.certified,
                "vacuous": bound.vacuous,
                "error_rate": bound.error_rate,
                "measured": self.measured_for(bound),
                "delta": bound.delta,
            }
            rows += [{**shared, "term": term.name, "value": term.value} for term in bound.terms.values()]
            rows.append({**shared, "term": "total", "value": bound.value})
        return pandas.DataFrame(rows)

    def to_latex(self) -> str:
        """A booktabs table of the bounds by family, the verdict above it as a comment."""
        return str(rendered("report.latex:table", self))

    # Saving it

    def to_dict(self) -> dict[str, Any]:
        """Plain Python, ready for JSON (`bounds.report.schema()` describes it); `Report.from_dict` reads it back."""
        return {
            "format": FORMAT,
            "name": self.name,
            "verdict": self.verdict.to_dict(),
            "delta": self.delta,
            "simultaneous": self.simultaneous,
            "bounds": {bound.name: bound.to_dict() for bound in self},
            "not_applicable": dict(self.not_applicable),
            "quantities": dict(self.quantities),
            "measured": {head: dict(losses) for head, losses in self.measured.items()},
            "assumptions": {name: one.to_dict() for name, one in self.assumptions.items()},
            "best": None if self.best is None else self.best.to_dict(),
            "candidates": list(self.candidates),
            "provenance": dict(self.provenance),
            "class_names": None if self.class_names is None else list(self.class_names),
            "notes": list(self.notes),
            "tested": None if self.tested is None else self.tested.to_dict(),
        }

    @classmethod
    @checked(plain=as_mapping("the fields of a report"))
    def from_dict(cls, plain: Mapping[str, Any]) -> Report:
        """The inverse of `to_dict`.

        Raises:
            InvalidInput: if it is not a report of this format.
        """
        if plain.get("format") not in READ:
            raise InvalidInput(f"Not a report of format {FORMAT}: `format` is {plain.get('format')!r}.")
        try:
            data = {key: value for key, value in plain.items() if key not in ("format", "verdict")}
            data["bounds"] = {name: Bound.from_dict(bound) for name, bound in data["bounds"].items()}
            data["assumptions"] = {
                name: Assumption.from_dict(one) for name, one in data["assumptions"].items()
            }
            data["best"] = None if data["best"] is None else Bound.from_dict(data["best"])
            data["candidates"] = tuple(data["candidates"])
            names = data.get("class_names")  # absent, as are the notes, from reports of version 0.1.0
            data["class_names"] = None if names is None else tuple(names)
            data["notes"] = tuple(data.get("notes", ()))
            kept = data.get("tested")  # absent from older reports
            data["tested"] = None if kept is None else Tested.from_dict(kept)
            report = cls(**data)
            str(report)  # whatever cannot be printed is no report
            report.to_frame()
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            raise InvalidInput(
                f"Not a report of format {FORMAT}: {type(error).__name__} in reading it, {error}; evaluate again."
            ) from error
        return report

    @checked(path=maybe(file))
    def to_json(self, path: str | Path | None = None) -> str:
        """The report as JSON text, also written to `path` if given; infinities become the string "Infinity"."""
        text = json_text(self.to_dict())
        if path is not None:
            write_text(path, text)
        return text

    @classmethod
    @checked(path=path_rule)
    def from_json(cls, path: str | Path) -> Report:
        """Read what `to_json` wrote.

        Raises:
            InvalidInput: if the file is not such a report.
        """
        try:
            plain = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InvalidInput(f"`{path}` is not a JSON report: {error}.") from error
        if not isinstance(plain, dict):
            raise InvalidInput(f"`{path}` is not a report: expected a JSON object.")
        return cls.from_dict(json_values(plain))

    @checked(path=maybe(file))
    def to_html(self, path: str | Path | None = None) -> str:
        """A self-contained HTML page, also written to `path` if given."""
        text = str(rendered("report.html:page", self))
        if path is not None:
            write_text(path, text)
        return text
