"""Floor 6: one call from a checkpoint and data to a report of every bound."""

from bounds.certificate.compare import Comparison, compare
from bounds.certificate.evaluate import evaluate
from bounds.certificate.report import Report

__all__ = ["Comparison", "Report", "compare", "evaluate"]
