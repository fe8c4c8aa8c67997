"""One call from a checkpoint and data to a report of every bound."""

from bounds.evaluation.comparing import compare
from bounds.evaluation.evaluation import evaluate
from bounds.evaluation.shots import few_shot
from bounds.evaluation.theorems import report_on

__all__ = ["compare", "evaluate", "few_shot", "report_on"]
