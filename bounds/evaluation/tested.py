"""The classes that the head of a report predicts on the test items."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import test_apart
from bounds.report.tested import Tested
from bounds.representations.copies import fingerprints
from bounds.summaries.decision import decide


def tested(evidence: Evidence, record: Mapping[str, Any]) -> Tested | None:
    """None without test items.

    Args:
        evidence: Of the report.
        record: Provenance, which identifies items that have no images.
    """
    table = evidence.test
    if table is None or table.labels is None:
        return None
    apart, head = test_apart(evidence), evidence.head
    predicted = [decide(head(z)).cpu() for (z, *_), _ in table.chunks(device=evidence.device)]
    keys = fingerprints(table)
    where = json.dumps((record.get("data") or {}).get("test"), sort_keys=True, default=str).encode()
    sha = hashlib.sha256(where if keys is None else keys.astype("<u8").tobytes())
    sha.update(table.labels.astype("<i8").tobytes())
    _, first, inverse = np.unique(apart.component, return_index=True, return_inverse=True)
    return Tested(
        items=sha.hexdigest(),
        labels=np.where(apart.leaked, -1, table.labels).astype(np.int32),
        predicted=torch.cat(predicted).numpy().astype(np.int32),
        first=first[inverse].astype(np.int32),
        repeats=evidence.setting.declared.repeats,
    )
