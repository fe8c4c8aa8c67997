"""Reports: what an evaluation found, as data, and every way to read it, the answer first."""

from bounds.report.catalogue import catalogue
from bounds.report.comparison import Comparison
from bounds.report.report import Report
from bounds.report.saving import schema
from bounds.report.verdict import Verdict

__all__ = ["Comparison", "Report", "Verdict", "catalogue", "schema"]
