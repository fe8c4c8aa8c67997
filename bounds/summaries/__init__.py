"""One pass over rows to a small mergeable value, and the confidence limits on what it measured.

Every summary is a monoid: `update(batch)` and `merge(other)` return a new summary, any chunking and any merge
order give the same result to rounding, and the finished numbers are its properties.
"""

from bounds.summaries.classes import ClassMoments
from bounds.summaries.covariance import Covariance
from bounds.summaries.geometry import Geometry
from bounds.summaries.moments import Moments
from bounds.summaries.pairs import PairMoments
from bounds.summaries.within import WithinScatter

__all__ = ["ClassMoments", "Covariance", "Geometry", "Moments", "PairMoments", "WithinScatter"]
