"""A2, A3 and H: the encoder, or encoder and head, were fixed before data; declared, and refuted by a record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bounds.assumptions.assumption import Assumption, Status
from bounds.representations.copies import fingerprints
from bounds.representations.table import Representations


def freshness(name: str, declared: bool | None, option: str, data: str) -> Assumption:
    """From what the caller says about pretraining."""
    status: Status = "unverifiable" if declared is None else "holds" if declared else "violated"
    reason = {
        "holds": f"declared: {option}=True, the encoder was fixed before seeing the {data} data",
        "violated": f"declared: {option}=False, the encoder has seen the {data} data",
        "unverifiable": f"say {option}=True if the encoder was fixed before seeing the {data} data",
    }[status]
    return Assumption(name, status, reason)


def held_back(declared: bool | None, looks: int, regular: bool) -> Assumption:
    """H: that encoder and head were fixed before the test items is a declaration; a choice on T leaves no trace."""
    if declared is None:
        return Assumption(
            "H",
            "unverifiable",
            "say fresh=True or declared=dict(test_is_fresh=True) if encoder and head were fixed before the test items",
        )
    if not declared:
        return Assumption(
            "H", "violated", "declared: test_is_fresh=False, encoder or head depend on the test items"
        )
    reason = "declared: encoder and head were fixed before the test items"
    if regular:
        reason = f"holds, stratified: error at the class frequencies of the test items; {reason}"
    return Assumption(
        "H", "holds", reason if looks == 1 else f"{reason}; δ/{looks} for {looks} looks at them"
    )


def by_record(
    assumption: Assumption, table: Representations | None, record: NDArray[np.uint64] | None, which: str
) -> Assumption:
    """A2 or A3 with the encoder's record of training items: violated if one of these items is in it."""
    if record is None or table is None or fingerprints(table) is None:
        return assumption
    prints = np.asarray(getattr(table, "fingerprints", None))
    seen = int(np.isin(prints, record).any(axis=1).sum())
    if seen:
        reason = (
            f"{seen} of {table.count} {which} items are among the {len(record):,} the encoder was trained on"
        )
        return Assumption(assumption.name, "violated", reason)
    return Assumption(
        assumption.name,
        assumption.status,
        f"{assumption.reason}; no exact copy among {len(record):,} recorded training items",
    )
