"""How a head is fitted on labeled rows, what it predicts, and how a predictor is saved; one file a head."""

from bounds.heads.choice import head_kind, parse_head
from bounds.heads.kind import HeadKind

__all__ = ["HeadKind", "head_kind", "parse_head"]
