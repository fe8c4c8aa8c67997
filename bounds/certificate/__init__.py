"""Floor 6: one call from a checkpoint and data to a report of every bound."""

from bounds.certificate.comparison import Comparison, compare
from bounds.certificate.evaluation import evaluate, report_on
from bounds.certificate.report import Report

__all__ = ["Comparison", "Report", "compare", "evaluate", "report_on"]
