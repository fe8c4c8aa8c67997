"""Floor 2: vectors to small mergeable summaries.

Every summary is a monoid: `update(batch)` and `merge(other)` return a new summary, any chunking and any merge
order give the same result to rounding, and the finished numbers are its properties.
"""

from bounds.statistics.classes import ClassMoments
from bounds.statistics.covariance import Covariance
from bounds.statistics.heads import Head, HeadLosses, project_simplex
from bounds.statistics.least_squares import LeastSquares
from bounds.statistics.moments import Moments
from bounds.statistics.pairs import PairMoments
from bounds.statistics.saved import load_summaries, merge_summaries, save_summaries

__all__ = [
    "ClassMoments",
    "Covariance",
    "Head",
    "HeadLosses",
    "LeastSquares",
    "Moments",
    "PairMoments",
    "load_summaries",
    "merge_summaries",
    "project_simplex",
    "save_summaries",
]
