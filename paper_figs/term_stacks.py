"""Every bound term by term, for encoders of both methods: as printed, with constants counted, and sharper.

Values over the loss of the best constant predictor on the bound's own axis, so that VICReg's and SimCLR's bounds
compare: from one on a bound is vacuous (shaded). Terms of a root are drawn in proportion, so that the bar ends at the
bound. The three groups of a panel have axes of their own. Black mark: the loss measured on test items for the same
predictor. Hatched: not certified on this data.

    python paper_figs/term_stacks.py [--quick] --out figures
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import style
from inputs import Example, examples

from bounds.report.format import significant
from bounds.theorems import select

Options = dict[str, Any]
GROUPS: tuple[dict[str, tuple[str, Options]], ...] = (  # each on an axis of its own: title, bound, options
    {
        "vicreg, printed": ("vicreg", {}),
        "vicreg, counted": ("vicreg", {"constants": "counted"}),
        "vicreg_certified": ("vicreg_certified", {}),
    },
    {
        "vicreg_sharp": ("vicreg_sharp", {}),
        "vicreg_direct": ("vicreg_direct", {}),
        "vicreg_second_moment": ("vicreg_second_moment", {}),
    },
    {
        "second_moment_ridge": ("vicreg_second_moment_ridge", {}),
        "simclr": ("simclr", {}),
        "simclr_logistic": ("simclr_logistic", {}),
    },
)
# Terms that play one role share a colour (Okabe-Ito hues, distinguishable with any colour vision).
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "invariance": ("#0072B2", ("invariance", "half_invariance")),
    "residual on S, class bias": ("#E69F00", ("labeled_residual", "class_bias", "reference_on_labeled")),
    "residual on S̄": ("#F0E442", ("unlabeled_residual",)),
    "complexity of encoders": ("#56B4E9", ("representation_complexity",)),
    "complexity of heads, c·B": ("#CC79A7", ("head_complexity", "head_distance")),
    "class frequencies, class means": ("#009E73", ("class_frequencies", "class_means", "pair_frequencies")),
    "confidence": ("#9AA0A6", ("confidence",)),
}
OTHER = ("other terms", "#D55E00")
HATCH = "/////"
SAVED = Path(__file__).parent / "results" / "real_images.json"


def table(quick: bool) -> pd.DataFrame:
    """A row per encoder, bound and term, shares of the constant's loss."""
    rows = [row for example in examples(quick) for row in _rows(example)]
    if SAVED.exists() and not quick:
        rows += _saved()
    return pd.DataFrame(rows)


def _rows(example: Example) -> list[dict[str, Any]]:
    names = sorted({name for group in GROUPS for name, _ in group.values()})
    printed = example.evaluate(bounds=names)
    counted = example.evaluate(bounds=["vicreg"], constants="counted")
    found = []
    for title, (name, options) in (item for group in GROUPS for item in group.items()):
        report = counted if options else printed
        if name in report and report[name].trivial_value is not None:
            bound = report[name]
            terms = {term.name: term.value for term in bound.terms.values()}
            measured = report.measured_for(bound)
            about = {"encoder": f"{example.method} encoder, {example.data}", "row": title, "bound": name}
            found += _stack(about, terms, bound.value, bound.trivial_value, measured, bound.certified)
    return found


def _saved() -> list[dict[str, Any]]:
    """The same of the ImageNet encoder, from real_images.py."""
    record = json.loads(SAVED.read_text())
    saved = {row["bound"]: row for row in record["bounds"]}
    found = []
    for title, (name, options) in (item for group in GROUPS for item in group.items()):
        if row := record.get("vicreg_counted") if options else saved.get(name):
            trivial = record["trivial_loss"] if row["axis"] == "loss" else select([name])[0].axis.trivial
            about = {"encoder": "ImageNet encoder, CIFAR-10", "row": title, "bound": name}
            if trivial is not None:
                found += _stack(about, row["terms"], row["value"], trivial, row["measured"], row["certified"])
    return found


def _stack(
    about: dict[str, str],
    terms: dict[str, float],
    value: float,
    trivial: float,
    measured: float | None,
    certified: bool,
) -> list[dict[str, Any]]:
    """Terms as parts of value / trivial, in proportion where they are summed under a root."""
    total = sum(max(term, 0.0) for term in terms.values())
    shared = {"certified": certified, "ratio": value / trivial, "measured": measured and measured / trivial}
    return [
        {**about, **shared, "term": name, "value": term, "share": max(term, 0.0) / total * value / trivial}
        for name, term in terms.items()
    ]


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    encoders = list(rows["encoder"].unique())
    down = -(-len(encoders) // ACROSS)
    figure = Figure(figsize=(style.PAGE, 0.8 + 2.7 * down))
    grid = figure.subplots(down * len(GROUPS), ACROSS, sharey="row", squeeze=False)
    for place, encoder in enumerate(encoders):
        top, column = divmod(place, ACROSS)
        for line, group in enumerate(GROUPS):
            axes = grid[top * len(GROUPS) + line, column]
            _panel(axes, rows[(rows["encoder"] == encoder) & rows["row"].isin(list(group))], list(group))
            if line == 0:
                axes.set_title(encoder, loc="left")
        axes.set_xlabel("bound / loss of the best constant")
    for axes in grid[-len(GROUPS) :, len(encoders) - ACROSS * (down - 1) :].ravel():
        axes.set_visible(False)
    used = set(rows[rows["share"] > 0]["term"])
    handles: list[Any] = [
        Patch(color=shade, label=label) for label, (shade, terms) in FAMILIES.items() if used & set(terms)
    ]
    others = sorted(used - {term for _, terms in FAMILIES.values() for term in terms})
    if others:
        label = ", ".join(others).replace("_", " ") if len(others) < 3 else OTHER[0]
        handles.append(Patch(color=OTHER[1], label=label))
    handles.append(Patch(facecolor="white", edgecolor="0.3", hatch=HATCH, label="not certified"))
    handles.append(Line2D([], [], color="0.2", ls="--", lw=0.8, label="vacuous from here"))
    handles.append(Line2D([], [], color="black", lw=1.5, label="measured on test items"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _panel(axes: Any, part: pd.DataFrame, titles: list[str]) -> None:
    for title, bar in part.groupby("row", sort=False):
        y, left = titles.index(str(title)), 0.0
        for row in bar.itertuples():
            hatch = None if row.certified else HATCH
            axes.barh(y, row.share, 0.7, left, color=color(row.term), ec="white", lw=0.4, hatch=hatch)
            left += row.share
        text = significant(float(bar["ratio"].iloc[0]), 3, up=True)
        axes.annotate(
            text, (left, y), (3, 0), textcoords="offset points", va="center", fontsize=6, bbox=CLEAR
        )
        measured = bar["measured"].iloc[0]
        if pd.notna(measured):
            axes.plot([measured] * 2, [y - 0.42, y + 0.42], color="black", lw=1.5)
    for title in set(titles) - set(part["row"]):
        place = titles.index(title)
        axes.text(0, place, " not in the saved study", va="center", fontsize=6, color="0.4", bbox=CLEAR)
    axes.axvline(1, color="0.2", ls="--", lw=0.8)
    axes.axvspan(1, 1e6, color="black", alpha=0.05, lw=0, zorder=0)
    axes.set(xlim=(0, 1.2 * max(1.0, part["ratio"].max())), ylim=(len(titles) - 0.5, -0.5))
    axes.set_yticks(range(len(titles)), titles)
    axes.tick_params(axis="y", length=0)


ACROSS = 2
CLEAR = {"fc": "white", "ec": "none", "pad": 0.5, "alpha": 0.8}  # keeps lines out of the text


def color(term: str) -> str:
    """Terms of one role share a colour."""
    return next((shade for shade, terms in FAMILIES.values() if term in terms), OTHER[1])


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    style.publish(draw, table(options.quick), "term_stacks", options)


if __name__ == "__main__":
    main()
