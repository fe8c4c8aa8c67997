"""The bounds of one evaluation or several as data, with the plans they lead to; text, HTML and figures read it."""

from bounds.report.comparison import Comparison
from bounds.report.report import Report

__all__ = ["Comparison", "Report"]
