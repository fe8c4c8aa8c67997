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
_KEPT = (
    2**26
)  # numbers of rows that stay in memory, in both precisions (0.8 GB); more are read anew at every pass
_ROWS = 2048
_RELATIVE = 1e-10  # decrease of the objective at which a fit ends
_COARSE = 1e-6  # the same while λ is chosen
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
    scaled by the mean of p(1 − p), is the identity; the metric is renewed as p(1 − p) falls. Products are in float32 until
    the objective stops falling, then in float64.

    Raises:
        InvalidOption: unless λ is positive and finite.
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
        n, d = rows.count, rows.dim
        sums = torch.zeros(d + 1, d, dtype=torch.float64, device=rows.device)
        counts = torch.zeros(rows.num_classes, dtype=torch.float64, device=rows.device)
        self.longest = 0.0
        for z, labels in self._chunks(torch.float32):
            sums[0] += z.sum(0, dtype=torch.float64)
            sums[1:] += z.T @ z
            counts += torch.bincount(labels, minlength=rows.num_classes)
            self.longest = max(self.longest, float(torch.linalg.vector_norm(z, dim=1).max()))
        self.longest = max(float(one) for one in rows.processes.texts(repr(self.longest), "fitting a head"))
        sums, counts = rows.total(sums), rows.total(counts)
        self.mean = sums[0] / n
        covariance = sums[1:] / n - self.mean[:, None] * self.mean
        values, self.basis = torch.linalg.eigh(covariance)
        self.variances = values.clamp_min(0.0)
        self.present = (counts > 0).nonzero()[:, 0]
        self.place = torch.cumsum((counts > 0).long(), 0) - 1  # of a class among those present

    def _read(self) -> tuple[Tensor, Tensor, Tensor]:
        """This process's rows in float32 and in float64, and their labels."""
        start, stop = self.rows.processes.share(self.rows.count)
        kept = torch.empty(stop - start, self.rows.dim, dtype=torch.float64, device=self.rows.device)
        labels = torch.empty(stop - start, dtype=torch.int64, device=self.rows.device)
        at = 0
        for z, y in self.rows.chunks(own=True):
            kept[at : at + len(z)], labels[at : at + len(z)] = z, y
            at += len(z)
        return kept.float(), kept, labels

    def _chunks(self, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
        if self.kept is not None:
            single, double, labels = self.kept
            z = single if dtype == torch.float32 else double
            yield from zip(torch.split(z, _ROWS), torch.split(labels, _ROWS), strict=True)
        else:
            for z, labels in self.rows.chunks(own=True):
                yield z.to(dtype), labels

    def evaluate(
        self, weight: Tensor, bias: Tensor, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor, float, float]:
        """Gradients by W and b, mean cross-entropy, and the mean of p(1 − p) over rows and classes."""
        classes, d = weight.shape
        sums = torch.zeros(classes, d + 1, dtype=torch.float64, device=weight.device)
        loss = torch.zeros(2, dtype=torch.float64, device=weight.device)
        turned, offset = weight.to(dtype).T.contiguous(), bias.to(dtype)
        for z, labels in self._chunks(dtype):
            own = self.place[labels][:, None]
            # Relative to the own score: losses near zero, of rows that are told apart well, keep their digits.
            scores = torch.addmm(offset, z, turned)
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
        """The minimiser at one λ: near it in float32, then in float64."""
        near = self.minimised(penalty, _COARSE)
        fit = self.minimised(penalty, _RELATIVE, near, torch.float64)
        return replace(fit, passes=near.passes + fit.passes)

    def minimised(
        self, penalty: float, relative: float, start: Fit | None = None, dtype: torch.dtype = torch.float32
    ) -> Fit:
        """The minimiser at one λ, until a pass gains less than `relative` of the objective."""
        from scipy.optimize import minimize

        d, classes = self.rows.dim, len(self.present)
        weight = self.mean.new_zeros(classes, d) if start is None else start.weight
        bias = self.mean.new_zeros(classes) if start is None else start.bias
        seen = self.evaluate(weight, bias, dtype)[3]
        passes = 1
        while True:
            # Where the metric bounds the Hessian by the identity: W V D + b' of centred rows, D = (cΛ + λ)^½.
            curvature = max(seen, _FLATTEST)
            scale, lift = (curvature * self.variances + penalty).rsqrt(), curvature**-0.5

            def moved(flat: np.ndarray, scale: Tensor = scale, lift: float = lift) -> tuple[Tensor, Tensor]:
                u = torch.from_numpy(flat).to(self.mean).view(classes, d + 1)
                weight = (u[:, :d] * scale) @ self.basis.T
                return weight, u[:, d] * lift - weight @ self.mean

            def value(
                flat: np.ndarray, scale: Tensor = scale, lift: float = lift
            ) -> tuple[float, np.ndarray]:
                nonlocal seen, passes
                weight, bias = moved(flat)
                by_weight, by_bias, loss, seen = self.evaluate(weight, bias, dtype)
                passes += 1
                by_weight = by_weight + penalty * weight - by_bias[:, None] * self.mean
                gradient = torch.cat([(by_weight @ self.basis) * scale, (by_bias * lift)[:, None]], dim=1)
                objective = loss + 0.5 * penalty * float(weight.square().sum())
                if not math.isfinite(objective):
                    raise NumericalError(f"Logistic regression at λ = {penalty:g} has no finite objective.")
                return objective, gradient.flatten().cpu().numpy()

            def flatter(_: Any, used: float = curvature) -> None:
                if used > _FLATTEST and seen < _CURVATURE * used and passes < _MOST:
                    raise StopIteration

            begin = torch.cat(
                [(weight @ self.basis) / scale, ((bias + weight @ self.mean) / lift)[:, None]], 1
            )
            options = {"maxcor": 10, "ftol": relative, "gtol": 0.0, "maxfun": max(1, _MOST - passes)}
            found = minimize(
                value,
                begin.flatten().cpu().numpy(),
                jac=True,
                method="L-BFGS-B",
                callback=flatter,
                options=options,
            )
            weight, bias = moved(found.x)
            if found.status != 99:  # 99: the metric is to be renewed
                break
        gradient = float(np.linalg.norm(found.jac))
        # A line search that finds no lower point has met the rounding of float32, which is convergence.
        converged = passes < _MOST or 0.5 * gradient**2 <= 1e-6 * found.fun
        if not converged and dtype == torch.float64:
            warnings.warn(
                f"Logistic regression at λ = {penalty:g} stopped after {passes} passes with about "
                f"{0.5 * gradient**2 / max(found.fun, 1e-300):.1g} of its objective left to gain; the head is "
                "certified as it is.",
                BoundsWarning,
                stacklevel=4,
            )
        return Fit(weight, bias, float(found.fun), gradient, passes, converged)

    def head(self, fit: Fit, name: str) -> Head:
        """Over all classes."""
        return widened(fit.weight, fit.bias, self.present, self.rows.num_classes, self.longest, name)


def fit_logistic(rows: LabeledRows, penalty: float) -> Fit:
    """The fit with its convergence, at one λ; `Logistic` keeps the head alone."""
    return _Problem(rows).finished(penalty)
