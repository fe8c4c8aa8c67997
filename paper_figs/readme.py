"""Regenerates what README shows: the figure of the digits example, the printed report, the table of theorems."""

from __future__ import annotations

import re
from pathlib import Path

import bounds
from bounds.cli import save_figure
from bounds.examples.demo import digits_comparison
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.theorems import THEOREMS

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ["vicreg", "vicreg_certified", "vicreg_direct", "vicreg_second_moment", "test_set"]


def printed_report() -> str:
    """The report of the quick start, as doctest expects it."""
    data = digits()
    report = bounds.evaluate(
        CHECKPOINTS["VICReg"],
        data.labeled,
        data.unlabeled,
        test=data.test,
        pairs="class",
        labeled_is_fresh=True,
        unlabeled_is_fresh=True,
        class_prior="balanced",
        bounds=SHOWN,
    )
    return repr(report).replace("\n\n", "\n<BLANKLINE>\n")


def theorem_table() -> str:
    """One row per registered theorem."""
    rows = [f"| `{t.name}` | {t.title} | {t.predictor} | {t.source} |" for t in THEOREMS.values()]
    return "\n".join(["| name | what | predictor | source |", "| --- | --- | --- | --- |", *rows])


def main() -> None:
    """Write the figure and fill README's two generated parts."""
    figures = ROOT / "paper_figs" / "figures"
    figures.mkdir(exist_ok=True)
    save_figure(digits_comparison().plot(), figures / "digits")
    readme = ROOT / "README.md"
    text = readme.read_text()
    report, table = printed_report(), theorem_table()
    text = re.sub(r">>> report\n.*?(?=>>> report\[)", lambda _: f">>> report\n{report}\n", text, flags=re.S)
    text = re.sub(r"## Bounds\n\n.*?(?=\n## )", lambda _: f"## Bounds\n\n{table}\n", text, flags=re.S)
    readme.write_text(text)


if __name__ == "__main__":
    main()
