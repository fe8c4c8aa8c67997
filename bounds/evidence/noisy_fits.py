"""Fits to labels with noise, all on one factorisation: what robustness, rationality and memorisation are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bounds.draws import uniforms
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.evidence.saved import KEPT
from bounds.heads.linear import require_linear
from bounds.heads.min_norm import MinNorm
from bounds.heads.ridge import Ridge
from bounds.summaries.decision import decide
from bounds.summaries.totals import Totals

NOISE = 0.05  # as in the paper
FITS = 20
_COLUMNS = 512  # of scores computed together
SCORED = 20_000  # rows on which accuracies are measured: with twenty fits, 0.1 % of standard error and less
_STREAM, _SAMPLE = 11, 12  # of the random numbers that corrupt labels, and that choose the rows to score


@dataclass(frozen=True)
class NoisyFits:
    """Accuracies on S against the clean labels, averaged over fits to labels of which a share η was replaced.

    The fits see all rows; accuracies and information are of all rows, or of about 20,000 drawn from more.

    Attributes:
        noise: η, the probability that a label is replaced by a uniformly drawn *other* class.
        fits: Number of noisy fits T.
        scored: Number of rows that accuracies and information are of.
        train: Accuracy of the clean fit.
        noisy_train: Accuracy of the noisy fits on all rows.
        corrupted: Accuracy of the noisy fits on the rows whose label they saw replaced.
        information: I(ŷ − y; ỹ − y) in nats, differences modulo K pooled over rows and fits, Miller-Madow corrected.
    """

    noise: float
    fits: int
    scored: int
    train: float
    noisy_train: float
    corrupted: float
    information: float


KEPT["NoisyFits"] = NoisyFits


def noisy_fits(evidence: Evidence, noise: float = NOISE, fits: int = FITS) -> NoisyFits:
    """Fit the head to `fits` noisy versions of the labels of S; two passes over S, whatever their number.

    Raises:
        InvalidOption: unless 0 < noise < 1 and fits ≥ 1.
        NotApplicable: for another head than least squares, with one class, or where no label happened to be replaced.
    """
    if not (0 < noise < 1 and fits >= 1):
        raise InvalidOption(f"Noisy fits need 0 < noise < 1 and at least one fit, got {noise} and {fits}.")
    if not isinstance(evidence.kind, MinNorm | Ridge):
        raise NotApplicable(f"needs a least-squares head, and the head here is {evidence.head.name}.")
    if evidence.setting.num_classes < 2:
        raise NotApplicable("needs at least two classes to replace labels.")
    return memo(evidence, ("noisy fits", noise, fits), lambda: _fit(evidence, noise, fits))


def pooled_information(table: Tensor) -> float:
    """Mutual information of a table of counts (R, C) in nats, less the Miller-Madow bias, not below zero.

    The plug-in value is biased upwards by about (r − 1)(c − 1)/(2N), r and c the rows and columns in use; one table
    per row of S, from a few fits, would be mostly bias.
    """
    total = float(table.sum())
    joint = table.double() / total
    rows, columns = joint.sum(1, keepdim=True), joint.sum(0, keepdim=True)
    inside = joint > 0
    plug_in = float((joint[inside] * (joint / (rows * columns).clamp_min(1e-300))[inside].log()).sum())
    bias = (int((rows > 0).sum()) - 1) * (int((columns > 0).sum()) - 1) / (2 * total)
    return max(0.0, plug_in - bias)


def _fit(evidence: Evidence, noise: float, fits: int) -> NoisyFits:
    classes = evidence.setting.num_classes
    to_left, back = _solver(evidence)
    # A noisy head differs from the clean one by the replaced labels alone: only their rows have to be solved for.
    moved = torch.zeros(fits, classes, to_left.shape[1], dtype=torch.float64, device=to_left.device)
    for z, labels, noisy in _noisy_chunks(evidence, noise, fits):
        replaced = noisy != labels[:, None]
        rows = replaced.any(1).nonzero()[:, 0]
        left = z[rows] @ to_left
        for t in range(fits):
            inside = replaced[rows, t]
            moved[t].index_add_(0, noisy[rows[inside], t], left[inside])
            moved[t].index_add_(0, labels[rows[inside]], -left[inside])
    weights = require_linear(evidence.head).weight + evidence.merged(Totals(moved)).values @ back
    group = max(1, _COLUMNS // classes)
    share = min(1.0, SCORED / evidence.n)
    right, right_corrupted, corrupted, clean, scored = 0, 0, 0, 0, 0
    table = torch.zeros(classes * classes, dtype=torch.int64)
    for z, labels, noisy in _noisy_chunks(evidence, noise, fits, share):
        scored += len(z)
        clean += int((decide(evidence.head(z)) == labels).sum())
        for first in range(0, fits, group):
            scores = z @ weights[first : first + group].flatten(0, 1).T
            for t, part in enumerate(torch.split(scores, classes, dim=1), first):
                decided, replaced = decide(part), noisy[:, t] != labels
                hit = decided == labels
                right, right_corrupted = right + int(hit.sum()), right_corrupted + int((hit & replaced).sum())
                corrupted += int(replaced.sum())
                shift = (decided.clamp_min(0) - labels) % classes * classes + (noisy[:, t] - labels) % classes
                table += torch.bincount(shift.cpu(), minlength=classes * classes)
    counts = evidence.merged(Totals(torch.tensor([right, right_corrupted, corrupted, clean, scored])))
    right, right_corrupted, corrupted, clean, scored = counts.values.tolist()
    table = evidence.merged(Totals(table)).values
    if corrupted == 0:
        raise NotApplicable(
            f"needs noisy labels, but none of {scored} was replaced at noise {noise}; add labels."
        )
    information = pooled_information(table.reshape(classes, classes))
    return NoisyFits(
        noise, fits, scored, clean / scored, right / (scored * fits), right_corrupted / corrupted, information
    )


def _solver(evidence: Evidence) -> tuple[Tensor, Tensor]:
    """(d, r) and (r, d) with W = Yᵀ(Z·left)·right for any labels Y: rows of the left singular vectors, then gains."""
    squares = evidence.least_squares
    _, s, vh = squares.svd
    kept = s > squares.default_rtol() * s[0]
    s, vh = s[kept], vh[kept]
    penalty = evidence.kind.penalty if isinstance(evidence.kind, Ridge) else 0.0
    gains = s / (s.square() + squares.count * penalty)
    return vh.T / s, gains[:, None] * vh


def _noisy_chunks(
    evidence: Evidence, noise: float, fits: int, share: float = 1.0
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(z (N, d), labels (N,), noisy labels (N, T)) of this process; the noise belongs to the row and the fit.

    With a share below one, of rows that a coin of their own chooses.
    """
    classes, start = evidence.setting.num_classes, evidence.processes.share(evidence.n)[0]
    for (z, *_), labels in evidence.own_chunks(evidence.labeled):
        if labels is None:
            continue
        rows = np.arange(start, start + len(z))
        start += len(z)
        if share < 1:
            kept = np.flatnonzero(uniforms(evidence.setting.seed, rows, _SAMPLE, 1)[:, 0] < share)
            if not len(kept):
                continue
            rows, index = rows[kept], torch.from_numpy(kept).to(z.device)
            z, labels = z[index], labels[index]
        draws = torch.from_numpy(uniforms(evidence.setting.seed, rows, _STREAM, 2 * fits)).to(z.device)
        other = (labels[:, None] + 1 + (draws[:, fits:] * (classes - 1)).long()) % classes
        yield z, labels, torch.where(draws[:, :fits] < noise, other, labels[:, None])
