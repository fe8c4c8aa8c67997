"""Linear heads on representations: how they are fitted, what they predict, what they lose."""

from bounds.heads.least_squares import LeastSquares
from bounds.heads.linear import Head
from bounds.heads.losses import HeadLosses
from bounds.heads.simplex import project_simplex

__all__ = ["Head", "HeadLosses", "LeastSquares", "project_simplex"]
