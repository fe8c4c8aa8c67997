"""What the data say, computed when a theorem asks for it: passes over the tables, remembered, shared by processes."""

from bounds.evidence.evidence import Evidence
from bounds.evidence.saved import load_summaries, merge_summaries, save_summaries
from bounds.evidence.setting import Setting

__all__ = ["Evidence", "Setting", "load_summaries", "merge_summaries", "save_summaries"]
