"""Norms and heads of stacked random instances."""

from __future__ import annotations

import numpy as np

from bounds.derivations.search import Array


def norm(vectors: Array) -> Array:
    """Euclidean norms of the last axis."""
    value: Array = np.sqrt((vectors**2).sum(-1))
    return value


def spectral(matrices: Array) -> Array:
    """Largest singular values of 2 x 2 matrices (N, 2, 2), in closed form."""
    square = (matrices**2).sum((-1, -2))
    determinant = matrices[..., 0, 0] * matrices[..., 1, 1] - matrices[..., 0, 1] * matrices[..., 1, 0]
    value: Array = np.sqrt((square + np.sqrt(np.maximum(square**2 - 4 * determinant**2, 0.0))) / 2)
    return value


def apply(matrices: Array, vectors: Array) -> Array:
    """W v for stacked 2 x 2 matrices and vectors."""
    value: Array = np.einsum("nij,nj->ni", matrices, vectors)
    return value


def one_hot(parameters: Array, classes: int) -> Array:
    """A class per row, by the sign pattern of one parameter."""
    value: Array = np.eye(classes)[np.floor(np.abs(parameters) * 7).astype(int) % classes]
    return value
