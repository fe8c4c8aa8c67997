"""Multinomial logistic regression with an l2 penalty: what papers call linear evaluation."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from bounds.errors import BoundsWarning, InvalidOption, NumericalError
from bounds.heads.kind import widened
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.linear import Head
from bounds.heads.losses import HeadLosses

PENALTIES = tuple(10.0**power for power in range(1, -7, -1))
FIFTH = 0.2
_FEWEST = 10  # rows from which a fifth can choose; below, λ = 10⁻³
_FALLBACK = 1e-3
_KEPT = 2**26  # numbers of rows that stay in memory (0.27 GB); more are read anew at every pass
_BLOCK = 4096  # rows of a product
_METRIC_ROWS, _METRIC_PASSES = 4, 3  # the metric is made from 4d rows, or as many as cost about three passes
_MEMORY = 6  # steps that L-BFGS remembers
_FINE = 1e-7  # share of the objective that is left to gain when a fit ends
_COARSE = 1e-5  # the same while λ is chosen
_CURVATURE = 0.5  # how far it may fall before the metric is renewed
_FLATTEST = 1e-10  # mean of p(1 − p) below which the metric stays
_MOST = 500  # passes of a fit


@dataclass(frozen=True)
class Logistic:
    """`head="logistic"` or `("logistic", λ)`: the minimiser of (1/n) Σ CE(Wz_i + b, y_i) + (λ/2)‖W‖_F².

    CE is the cross-entropy of the softmax in nats; the intercept b is free of penalty. In scikit-learn's terms
    C = 1/(nλ). Without λ it is that of 10¹ .. 10⁻⁶ with the fewest errors on a seeded fifth of the rows (then the smaller
    cross-entropy, then the larger λ), and the fit is repeated on all rows given. Classes without a row are never named.

    Full-batch L-BFGS (Liu and Nocedal 1989; scipy's) in the variables in which Böhning's (1992) bound on the Hessian,
    scaled by the mean of p(1 − p), is the identity; the metric is renewed as p(1 − p) falls. Products are in float32; a pass
    in float64 at the end says what is left to gain, and goes on where that is more than one part in ten million.
    """

    penalty: float | None = None
    refits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.penalty is not None and not 0 < self.penalty < float("inf"):
            raise InvalidOption(
                f"`head` must be ('logistic', λ) with λ positive and finite, got λ = {self.penalty}."
            )

    def fit(self, rows: LabeledRows) -> Head:
        """Several passes over the rows, which stay in memory where they fit.

        Raises:
            NumericalError: the objective is not finite.
        """
        penalty = self.penalty
        if penalty is None:
            penalty = _chosen(rows) if rows.count >= _FEWEST else _FALLBACK
        problem = _Problem(rows)
        return problem.head(problem.finished(penalty), f"logistic, λ = {penalty:.3g}")


@dataclass(frozen=True)
class Fit:
    """Where L-BFGS ended.

    Attributes:
        weight, bias: Over the classes with a row, in the variables of the rows as given.
        objective: (1/n)ΣCE + (λ/2)‖W‖², nats.
        gradient: Norm of the gradient in the metric of the fit; ½ of its square estimates what is left to gain.
        passes: Over the rows.
        converged: Whether the objective stopped falling before the passes ran out.
    """

    weight: Tensor
    bias: Tensor
    objective: float
    gradient: float
    passes: int
    converged: bool


def _chosen(rows: LabeledRows) -> float:
    """λ with the fewest errors on a fifth of the rows, each fit started where the one before ended."""
    aside, rest = rows.parted(FIFTH)
    problem = _Problem(rest)
    tried = []
    start: Fit | None = None
    for penalty in PENALTIES:
        start = problem.minimised(penalty, _COARSE, start)
        head = problem.head(start, "candidate")
        loss = error = 0.0
        for z, labels in aside.chunks():
            scores = head(z)
            loss += float(torch.nn.functional.cross_entropy(scores, labels, reduction="sum"))
            error += HeadLosses.of(head, [(z, labels)]).mistakes
        tried.append((error, loss, -penalty))
    return -min(tried)[2]


class _Problem:
    """The objective over given rows, and the metric in which it is well conditioned."""

    def __init__(self, rows: LabeledRows) -> None:
        self.rows = rows
        self.kept = self._read() if rows.count * rows.dim <= _KEPT else None
        counts = torch.zeros(rows.num_classes, dtype=torch.float64, device=rows.device)
        for _, labels in self._chunks(torch.float32):
            counts += torch.bincount(labels, minlength=rows.num_classes)
        counts = rows.total(counts)
        self.present = (counts > 0).nonzero()[:, 0]
        self.place = torch.cumsum((counts > 0).long(), 0) - 1  # of a class among those present
        self.mean, self.covariance = self._moments()

    def _read(self) -> tuple[Tensor, Tensor]:
        """This process's rows in float32, and their labels."""
        start, stop = self.rows.processes.share(self.rows.count)
        kept = torch.empty(stop - start, self.rows.dim, dtype=torch.float32, device=self.rows.device)
        labels = torch.empty(stop - start, dtype=torch.int64, device=self.rows.device)
        at = 0
        for z, y in self.rows.chunks(own=True):
            kept[at : at + len(z)], labels[at : at + len(z)] = z, y
            at += len(z)
        return kept, labels

    def _chunks(self, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
        if self.kept is not None and dtype == torch.float32:
            z, labels = self.kept
            yield from zip(torch.split(z, _BLOCK), torch.split(labels, _BLOCK), strict=True)
        else:
            for z, labels in self.rows.chunks(own=True):
                yield z.to(dtype), labels

    def _moments(self) -> tuple[Tensor, Tensor]:
        """Mean and covariance of so many random rows as cost a few passes: they only make the metric."""
        n, d = self.rows.count, self.rows.dim
        wanted = max(_METRIC_ROWS * d, _METRIC_PASSES * 2 * n * len(self.present) // d)
        sample = self.rows if wanted >= n else self.rows.parted(wanted / n)[0]
        sums = torch.zeros(d, dtype=torch.float64, device=self.rows.device)
        for z, _ in sample.chunks(own=True):
            sums += z.sum(0, dtype=torch.float64)
        mean = self.rows.total(sums) / sample.count
        squares = torch.zeros(d, d, dtype=torch.float64, device=self.rows.device)
        for z, _ in sample.chunks(own=True):
            centred = (z - mean).float()  # squares of an offset would leave nothing of a small variance
            squares += centred.T @ centred
        return mean, self.rows.total(squares) / sample.count

    def evaluate(
        self, weight: Tensor, bias: Tensor, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor, float, float]:
        """Gradients by W and b, mean cross-entropy, and the mean of p(1 − p) over rows and classes."""
        classes, d = weight.shape
        sums = torch.zeros(classes, d + 1, dtype=torch.float64, device=weight.device)
        loss = torch.zeros(2, dtype=torch.float64, device=weight.device)
        rounded, offset = weight.to(dtype), bias.to(dtype)
        for z, labels in self._chunks(dtype):
            own = self.place[labels][:, None]
            # Relative to the own score: losses near zero, of rows that are told apart well, keep their digits.
            scores = torch.nn.functional.linear(z, rounded, offset)
            scores -= scores.gather(1, own)
            scores.scatter_(1, own, -torch.inf)
            most = scores.amax(1, keepdim=True).clamp_min_(0.0)
            p = scores.sub_(most).exp_()
            others, itself = p.sum(1, keepdim=True), torch.exp(-most)
            losses = torch.where(most > 0, most + torch.log(itself + others), torch.log1p(others))
            p /= itself + others
            missing = others / (itself + others)
            loss[0] += losses.sum(dtype=torch.float64)
            loss[1] += (missing * (2.0 - missing)).sum(dtype=torch.float64)
            loss[1] -= torch.linalg.vector_norm(p, dtype=torch.float64).square()
            p.scatter_(1, own, -missing)
            sums[:, :d] += p.T @ z
            sums[:, d] += p.sum(0, dtype=torch.float64)
        n = self.rows.count
        sums, loss = self.rows.total(sums) / n, self.rows.total(loss) / n
        return sums[:, :d], sums[:, d], float(loss[0]), float(loss[1]) / classes

    def finished(self, penalty: float) -> Fit:
        """The minimiser at one λ: in float32, then as far as float64 finds more to gain."""
        near = self.minimised(penalty, _FINE)
        fit = self.minimised(penalty, _FINE, near, torch.float64)
        return replace(fit, passes=near.passes + fit.passes)

    def minimised(
        self, penalty: float, relative: float, start: Fit | None = None, dtype: torch.dtype = torch.float32
    ) -> Fit:
        """The minimiser at one λ, until at most about `relative` of the objective is left to gain."""
        d, classes = self.rows.dim, len(self.present)
        weight = self.mean.new_zeros(classes, d) if start is None else start.weight
        bias = self.mean.new_zeros(classes) if start is None else start.bias
        passes = 0
        while True:
            found = _Descent(self, penalty, dtype, weight, bias)
            done = found.run(relative, _MOST - passes)
            weight, bias = found.best
            passes += found.passes
            if done or passes >= _MOST:
                break
        objective, left = found.objective, found.left
        converged = left <= max(10 * relative, 1e-6) * objective
        if not converged and dtype == torch.float64:
            warnings.warn(
                f"Logistic regression at λ = {penalty:g} stopped after {passes} passes with about "
                f"{left / max(objective, 1e-300):.1g} of its objective left to gain; the head is certified as it is.",
                BoundsWarning,
                stacklevel=4,
            )
        return Fit(weight, bias, objective, math.sqrt(2 * left), passes, converged)

    def head(self, fit: Fit, name: str) -> Head:
        """Over all classes."""
        longest = 0.0
        if len(self.present) < self.rows.num_classes:
            for z, _ in self._chunks(torch.float32):
                longest = max(longest, float(torch.linalg.vector_norm(z, dim=1).max()))
            longest = max(float(one) for one in self.rows.processes.texts(repr(longest), "fitting a head"))
        return widened(fit.weight, fit.bias, self.present, self.rows.num_classes, longest, name)


class _Descent:
    """L-BFGS in one metric: W = U L⁻¹ with LLᵀ = cΣ + λI, which bounds the Hessian by about the identity.

    c is the mean of p(1 − p) where the descent begins. Variables and objective are divided by ‖g‖ and ‖g‖², g the gradient
    there: so the first step that scipy tries, of length one, is the gradient itself.
    """

    def __init__(
        self, problem: _Problem, penalty: float, dtype: torch.dtype, weight: Tensor, bias: Tensor
    ) -> None:
        self.problem, self.penalty, self.dtype = problem, penalty, dtype
        self.begin, self.best = (weight, bias), (weight, bias)
        self.passes = 0
        first = problem.evaluate(weight, bias, dtype)
        self.passes += 1
        self.seen = first[3]
        self.curvature = max(self.seen, _FLATTEST)
        covariance = problem.covariance
        metric = self.curvature * covariance
        metric.diagonal().add_(penalty + 1e-13 * self.curvature * float(covariance.trace()))
        self.factor = torch.linalg.cholesky(metric)
        self.lift = self.curvature**-0.5
        self.objective, gradient = self._assembled(weight, first)
        self.left = 0.5 * float(gradient.square().sum())
        self.scale = math.sqrt(2.0 * self.left)
        self.first: tuple[float, Tensor] | None = (self.objective, gradient)

    def run(self, relative: float, most: int) -> bool:
        """Whether this metric served to the end; else it is to be renewed."""
        from scipy.optimize import minimize

        if self.left <= relative * self.objective or self.scale == 0.0:
            return True
        renew = False
        before = self.objective

        def stop(_: Any) -> None:
            nonlocal renew, before
            gained, before = before - self.objective, self.objective
            renew = self.curvature > _FLATTEST and self.seen < _CURVATURE * self.curvature
            if renew or max(self.left, gained) <= relative * self.objective:
                raise StopIteration

        classes, d = self.begin[0].shape
        # Rounding ends a line search without a lower point: no more is to be had in this precision.
        minimize(
            self._value,
            np.zeros(classes * (d + 1)),
            jac=True,
            method="L-BFGS-B",
            callback=stop,
            options={"maxcor": _MEMORY, "ftol": 0.0, "gtol": 0.0, "maxfun": max(1, most), "maxiter": most},
        )
        return not renew

    def _value(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        classes, d = self.begin[0].shape
        if self.first is not None:
            (objective, gradient), self.first = self.first, None
        else:
            u = torch.from_numpy(flat).to(self.begin[0]).view(classes, d + 1) * self.scale
            step = torch.linalg.solve_triangular(self.factor, u[:, :d], upper=False, left=False)
            weight = self.begin[0] + step
            bias = self.begin[1] + u[:, d] * self.lift - step @ self.problem.mean
            found = self.problem.evaluate(weight, bias, self.dtype)
            self.passes += 1
            self.seen = found[3]
            objective, gradient = self._assembled(weight, found)
            if objective <= self.objective:
                self.best, self.objective = (weight, bias), objective
                self.left = 0.5 * float(gradient.square().sum())
        return objective / self.scale**2, (gradient / self.scale).flatten().cpu().numpy()

    def _assembled(self, weight: Tensor, found: tuple[Tensor, Tensor, float, float]) -> tuple[float, Tensor]:
        """Objective, and its gradient in the variables of the metric."""
        by_weight, by_bias, loss, _ = found
        objective = loss + 0.5 * self.penalty * float(weight.square().sum())
        if not math.isfinite(objective):
            raise NumericalError(f"Logistic regression at λ = {self.penalty:g} has no finite objective.")
        by_weight = by_weight + self.penalty * weight - by_bias[:, None] * self.problem.mean
        turned = torch.linalg.solve_triangular(self.factor.T, by_weight, upper=True, left=False)
        return objective, torch.cat([turned, (by_bias * self.lift)[:, None]], dim=1)


def fit_logistic(rows: LabeledRows, penalty: float) -> Fit:
    """The fit with its convergence, at one λ; `Logistic` keeps the head alone."""
    return _Problem(rows).finished(penalty)
