"""How a head is fitted on labeled rows, what it predicts, what it loses, and how a predictor is saved; one file a head."""

from bounds.heads.choice import head_kind, parse_head
from bounds.heads.fitted import FittedHead
from bounds.heads.kind import HeadKind
from bounds.heads.least_squares import LeastSquares
from bounds.heads.linear import Head
from bounds.heads.losses import HeadLosses
from bounds.heads.predictor import Predictions, Predictor, load_predictor
from bounds.heads.simplex import project_simplex

__all__ = [
    "FittedHead",
    "Head",
    "HeadKind",
    "HeadLosses",
    "LeastSquares",
    "Predictions",
    "Predictor",
    "head_kind",
    "load_predictor",
    "parse_head",
    "project_simplex",
]
