"""The theorems as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bounds.report.families import FAMILIES, family_of
from bounds.theorems import THEOREMS
from bounds.theorems.derive import provable

if TYPE_CHECKING:
    import pandas


def catalogue() -> pandas.DataFrame:
    """Every theorem that a report evaluates, indexed by name, in the order of the families.

    Returns:
        Columns `family`, `title`, `predictor` (which head it speaks about), `axis`, `needs` (names of its assumptions),
        `kind` ("bound", "estimate" or "expression"), `proven` (whether its proof is checked step by step:
        `bounds.derive(name)`) and `source`.

    Example:
        >>> table = bounds.catalogue()
        >>> table.loc["test_set", ["family", "axis", "needs"]].tolist()
        ['counting', 'error', 'H']
    """
    import pandas

    families, proven = list(FAMILIES), set(provable())
    rows = [
        {
            "name": name,
            "family": family_of(theorem),
            "title": theorem.title,
            "predictor": theorem.predictor,
            "axis": theorem.axis.name,
            "needs": ", ".join(theorem.needs),
            "kind": theorem.kind,
            "proven": name in proven,
            "source": theorem.source,
        }
        for name, theorem in THEOREMS.items()
    ]
    rows.sort(key=lambda row: families.index(str(row["family"])))
    return pandas.DataFrame(rows).set_index("name")
