"""Inequalities between norms that the proofs use, each searched for a counterexample."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp
import torch

from bounds.derivations.search import Array, falsify
from bounds.derivations.steps import Result, Step
from bounds.heads.simplex import project_simplex

moved, weight, length, first, second, value = sp.symbols(
    "norm_Wv norm_W norm_v norm_Pu_minus_Pv norm_u_minus_v norm_u_minus_e", nonnegative=True
)


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


def project(scores: Array) -> Array:
    """The package's own projection on the simplex, on the last axis."""
    flat = torch.tensor(scores.reshape(-1, scores.shape[-1]))
    value: Array = project_simplex(flat).numpy().reshape(scores.shape)
    return value


def one_hot(parameters: Array, classes: int) -> Array:
    """A class per row, by the sign pattern of one parameter."""
    value: Array = np.eye(classes)[np.floor(np.abs(parameters) * 7).astype(int) % classes]
    return value


@cache
def spectral_norm() -> Step:
    """‖W v‖ ≤ ‖W‖₂‖v‖."""
    statement = sp.Le(moved, weight * length, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        matrix, vector = x[:, :4].reshape(-1, 2, 2), x[:, 4:]
        return {moved: norm(apply(matrix, vector)), weight: spectral(matrix), length: norm(vector)}

    return Step(
        "spectral norm",
        statement,
        "definition of the operator norm",
        "falsification",
        lambda: falsify(statement, instances, 6),
        note="The second factor is free of the head, so no uniformity over heads is needed.",
        display=r"\|\tilde W(f(\bar x)-f(x))\| \le \|\tilde W\|_2\,\|f(\bar x)-f(x)\|",
    )


@cache
def simplex_projection() -> tuple[Step, Step, Step]:
    """The three properties of the Euclidean projection on the simplex (theory: K1)."""
    best, at_winner = sp.symbols("largest_Pu Pu_at_arg_max_of_u", nonnegative=True)
    shorter = sp.Le(first, second, evaluate=False)
    ranged = sp.Le(value, sp.sqrt(2), evaluate=False)
    kept = sp.Le(best, at_winner, evaluate=False)

    def lipschitz(x: Array) -> Mapping[sp.Symbol, Array]:
        u, v = x[:, :3], x[:, 3:]
        return {first: norm(project(u) - project(v)), second: norm(u - v)}

    def spread(x: Array) -> Mapping[sp.Symbol, Array]:
        return {value: norm(project(x[:, :3]) - one_hot(x[:, 3], 3))}

    def order(x: Array) -> Mapping[sp.Symbol, Array]:
        # If the arg max of u is not that of its projection, the projected score of it lies below the largest.
        projected = project(x)
        top = np.take_along_axis(projected, x.argmax(-1)[:, None], -1)[:, 0]
        return {best: projected.max(-1), at_winner: top}

    def fixes_vertices() -> Result:
        vertices = np.eye(5)
        return Result(bool((project(vertices) == vertices).all()), "fixes every one-hot vector of 5 classes")

    return (
        Step(
            "projection is 1-Lipschitz",
            shorter,
            "projection on a convex set",
            "falsification",
            lambda: falsify(shorter, lipschitz, 6) & fixes_vertices(),
            display=r"\|\Pi u-\Pi v\|\le\|u-v\|,\qquad \Pi e_y=e_y",
        ),
        Step(
            "projection has range sqrt 2",
            ranged,
            "diameter of the simplex",
            "falsification",
            lambda: falsify(ranged, spread, 4, extremal=np.array([[9.0, -9.0, 0.0, 1 / 7 + 0.01]])),
            display=r"\|\Pi u-e_y\|\le\sqrt2",
        ),
        Step(
            "projection keeps the arg max",
            kept,
            "sort and threshold",
            "falsification",
            lambda: falsify(kept, order, 4),
            display=r"\arg\max\Pi u\supseteq\arg\max u",
        ),
    )


@cache
def triangle() -> Step:
    """‖Πu − e‖ ≤ ‖Πv − e‖ + ‖Πu − Πv‖."""
    whole, through, gap = sp.symbols("norm_Pu_minus_e norm_Pv_minus_e norm_Pu_minus_Pv", nonnegative=True)
    statement = sp.Le(whole, through + gap, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        u, v, label = project(x[:, :3]), project(x[:, 3:6]), one_hot(x[:, 6], 3)
        return {whole: norm(u - label), through: norm(v - label), gap: norm(u - v)}

    return Step(
        "triangle inequality, item by item",
        statement,
        "triangle inequality",
        "falsification",
        lambda: falsify(statement, instances, 7),
        display=r"\|\Pi Wf-y\|\le\|\Pi W^*f-y\|+\|\Pi Wf-\Pi W^*f\|",
    )


@cache
def loss_range() -> Step:
    """‖W z − e_y‖ ≤ 1 + ‖W‖₂‖z‖."""
    residual = sp.Symbol("norm_Wv_minus_e", nonnegative=True)
    statement = sp.Le(residual, 1 + weight * length, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        matrix, vector, label = x[:, :4].reshape(-1, 2, 2), x[:, 4:6], one_hot(x[:, 6], 2)
        return {residual: norm(apply(matrix, vector) - label), weight: spectral(matrix), length: norm(vector)}

    tight = np.array([[1.0, 0, 0, 1.0, -1.0, 0, 0.01]])
    return Step(
        "range of the loss",
        statement,
        "triangle inequality",
        "falsification",
        lambda: falsify(statement, instances, 7, extremal=tight),
        display=r"\|Wf(x)-e_y\|\le 1+\|W\|_2B=:\kappa",
    )


@cache
def argmax_error() -> Step:
    """An arg-max error costs at least 1/√2 in norm, so error ≤ √2·E‖·‖ and ≤ 2·E‖·‖²."""
    statement = sp.Le(1 / sp.sqrt(2), value, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        # The truth has the second largest score, the nearest case in which it does not win.
        ordered = np.sort(x, axis=1)
        return {value: norm(ordered - np.eye(x.shape[1])[-2])}

    tight = np.array([[0.5, 0.5, 0.0]])
    return Step(
        "arg-max error",
        statement,
        "the scores of truth and winner cannot both be right",
        "falsification",
        lambda: falsify(statement, instances, 3, extremal=tight),
        display=r"\arg\max_k u_k\ne y\ \Rightarrow\ \|u-e_y\|\ge 1/\sqrt2",
    )


@cache
def jensen(size: str) -> Step:
    """A mean is at most the root mean square."""
    mean, mean_square = sp.symbols("mean_r mean_r_squared", nonnegative=True)
    statement = sp.Le(mean, sp.sqrt(mean_square), evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        return {mean: np.abs(x).mean(1), mean_square: (x**2).mean(1)}

    def check() -> Result:
        r = sp.symbols("r1:5", nonnegative=True)
        gap = sum(v**2 for v in r) / 4 - (sum(r) / 4) ** 2
        squares = sum((v - w) ** 2 for i, v in enumerate(r) for w in r[i + 1 :]) / 16
        exact = sp.expand(gap - squares) == 0
        return Result(exact, "the gap of squares of four terms is a sum of squares") & falsify(
            statement, instances, 5
        )

    return Step(
        f"Jensen, {size}",
        statement,
        "Jensen's inequality",
        "symbolic",
        check,
        display=rf"\tfrac1{size}\textstyle\sum_i\|r_i\|\le\big(\tfrac1{size}\sum_i\|r_i\|^2\big)^{{1/2}}",
    )


@cache
def projector_residual() -> Step:
    """The residual of the minimum-norm head is P_Z Y, and P_Z is an orthogonal projector."""

    def check() -> Result:
        y = sp.Matrix(4, 2, sp.symbols("y1:9", real=True))
        full = sp.Matrix([[1, 2, 0, 1], [0, 1, 1, 3]])
        deficient = sp.Matrix([[1, 2, 0, 5], [2, 4, 0, 10], [0, 1, 1, 1]])
        wide = sp.Matrix([[1, 0, 2, 0], [0, 1, 0, 3], [1, 1, 1, 1], [0, 0, 1, 1], [2, 0, 0, 1]])
        t = sp.Symbol("t", positive=True)
        for z in (full, deficient, wide, sp.Matrix([[1, t, 0, 2]])):
            # Columns are samples, as in the paper: Z is d x n.
            pseudo = _pseudo_inverse(z)
            projector = (sp.eye(4) - pseudo * z).applyfunc(sp.cancel)
            residual = (y.T - y.T * pseudo * z).T
            zero = [
                projector * projector - projector,
                projector - projector.T,
                z * projector,
                residual - projector * y,
            ]
            if any(matrix.applyfunc(sp.cancel) != sp.zeros(*matrix.shape) for matrix in zero):
                return Result(False, f"fails for Z = {z}")
        return Result(
            True, "P P = P = P^T, Z P = 0, Y - Z^T W^T = P Y for full rank, rank-deficient and n < d"
        )

    size, dim, outputs = sp.symbols("n d K", integer=True, positive=True)
    labels, inputs = sp.MatrixSymbol("Y", size, outputs), sp.MatrixSymbol("Z", dim, size)
    head, projector = sp.MatrixSymbol("W", outputs, dim), sp.MatrixSymbol("P_Z", size, size)
    return Step(
        "least-squares residual",
        sp.Eq(labels - inputs.T * head.T, projector * labels, evaluate=False),
        "normal equations, Moore-Penrose",
        "symbolic",
        check,
        display=r"Y-Z^\top W^\top=P_ZY,\qquad P_Z=I-Z^\top(ZZ^\top)^\dagger Z=P_Z^\top=P_Z^2,\qquad"
        r" \textstyle\sum_i\|Wf(x_i)-y_i\|^2=\|P_ZY\|_F^2",
    )


def _pseudo_inverse(z: sp.Matrix) -> sp.Matrix:
    """Z⁺ by a rank factorisation Z = C F: Fᵀ(F Fᵀ)⁻¹(Cᵀ C)⁻¹Cᵀ."""
    left, right = z.rank_decomposition()
    return (right.T * (right * right.T).inv() * (left.T * left).inv() * left.T).applyfunc(sp.cancel)
