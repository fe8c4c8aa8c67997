"""LogDet entropy: that of the Gaussian with the same covariance, which streams; an upper bound on h(Z)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce
from typing import Any, Literal

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.errors import InvalidOption
from bounds.evidence.distributed import all_merge
from bounds.information.records import Entropy
from bounds.information.rows import as_rows, row_chunks
from bounds.processes import ALONE, Processes
from bounds.representations.table import Representations
from bounds.summaries.covariance import Covariance
from bounds.summaries.units import moderate_unit

Shrinkage = Literal["oas", "ledoit-wolf"] | float | None


def chunked(data: Any, rows: int = 8192, processes: Processes = ALONE) -> Iterator[Tensor]:
    """This process's share of the first view in float64 chunks: Representations, tensor, array or memory map."""
    if isinstance(data, Representations):
        start, stop = processes.share(data.count)
        yield from (views[0] for views, _ in data.chunks(rows, start=start, stop=stop))
    else:
        whole = as_rows(data)
        yield from (part.double() for part in row_chunks(whole[slice(*processes.share(len(whole)))], rows))


def covariance(data: Any, rows: int = 8192, *, distributed: bool = False) -> Covariance:
    """Covariance in one pass over the rows, in memory of order d^2.

    Args:
        data: Z, (N, d).
        rows: Taken at a time.
        distributed: Whether the processes of a group share the rows.

    With `distributed`, every process of the torch.distributed group makes this same call and they share the rows.

    Example:
        >>> import torch
        >>> from bounds.information import covariance
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> covariance(z).count
        500
    """
    processes = Processes.chosen(distributed)
    data = data if isinstance(data, Representations) else as_rows(data)
    dim = data.dim if isinstance(data, Representations) else data.shape[1]

    def own() -> Covariance:
        return reduce(Covariance.update, chunked(data, rows, processes), Covariance.empty(dim))

    return all_merge(processes, processes.together("summing over rows", own))


def _steady(summary: Covariance, data: Any, rows: int, shrinkage: Shrinkage) -> tuple[Covariance, Any, float]:
    """The summary and its rows as they are, or both divided by a unit (the third) where squares leave float64."""
    sizes = summary.scatter.diagonal()
    finite = bool(torch.isfinite(sizes).all())
    ridge = isinstance(shrinkage, int | float) and shrinkage > 0  # holds small ones up
    if isinstance(data, Covariance) or (finite and (ridge or float(sizes.max()) > 1e-140)):
        return summary, data, 1.0
    whole = as_rows(data)
    unit = moderate_unit(whole)
    return (summary, data, 1.0) if unit == 1 else (covariance(whole / unit, rows), whole / unit, unit)


def oas_weight(summary: Covariance) -> float:
    """Weight of the scaled identity in oracle approximating shrinkage (Chen et al. 2010).

    Needs only traces of the covariance, hence the merged summary; derived for Gaussian data.
    """
    matrix = summary.matrix(unbiased=False)
    d, level = len(matrix), float(matrix.diagonal().mean())
    if level == 0:
        return 1.0
    power = float((matrix / level).square().mean())  # the weight has no unit
    denominator = (summary.count + 1) * (power - 1 / d)
    return 1.0 if denominator <= 0 else min(1.0, (power + 1) / denominator)


def ledoit_wolf_weight(summary: Covariance, data: Any, rows: int = 8192) -> float:
    """Weight of the scaled identity by Ledoit & Wolf (2004); a second pass for the fourth moments."""
    matrix, n, d = summary.matrix(unbiased=False), summary.count, len(summary.mean)
    level = float(matrix.diagonal().mean())
    if level == 0:
        return 1.0
    unit = math.sqrt(level)  # the weight has none
    fourth = math.fsum(
        float(((part - summary.mean) / unit).square().sum(dim=1).square().sum())
        for part in chunked(data, rows)
    )
    size = float((matrix / level).square().sum())
    spread = size / d - 1
    noise = (fourth / n - size) / (n * d)
    return 1.0 if spread <= 0 else max(0.0, min(noise, spread)) / spread


def shrunk(summary: Covariance, shrinkage: Shrinkage = None, data: Any = None) -> Tensor:
    """The covariance matrix after shrinkage: None, a ridge added to the diagonal, `oas` or `ledoit-wolf`.

    Raises:
        InvalidOption: another name, a negative ridge, or `ledoit-wolf` without the data for its second pass.
    """
    if shrinkage is None:
        return summary.matrix()
    if isinstance(shrinkage, str):
        if shrinkage == "oas":
            weight = oas_weight(summary)
        elif shrinkage == "ledoit-wolf" and data is not None:
            weight = ledoit_wolf_weight(summary, data)
        else:
            raise InvalidOption(
                f"`shrinkage` must be None, a ridge, 'oas' or (given data) 'ledoit-wolf', got {shown(shrinkage)}."
            )
        matrix = summary.matrix(unbiased=False)
        identity = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
        return (1 - weight) * matrix + weight * matrix.diagonal().mean() * identity
    if not shrinkage >= 0:
        raise InvalidOption(f"A ridge `shrinkage` must be at least zero, got {shrinkage}.")
    matrix = summary.matrix()
    return matrix + shrinkage * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)


def log_det(matrix: Tensor) -> tuple[float, int]:
    """Log determinant (-inf when singular to rounding) and numerical rank of a covariance.

    Of the correlations, so that the units of the columns do not decide the rank.
    """
    scale = matrix.diagonal().clamp(min=0).sqrt()
    kept = scale > 0
    if not bool(kept.any()):
        return -math.inf, 0
    scale = scale[kept]
    eigenvalues = torch.linalg.eigvalsh(matrix[kept][:, kept] / scale[:, None] / scale)
    positive = eigenvalues > len(matrix) * torch.finfo(matrix.dtype).eps * eigenvalues[-1]
    rank = int(positive.sum())
    if rank < len(matrix):
        return -math.inf, rank
    return float(eigenvalues.log().sum() + 2 * scale.log().sum()), rank


def log_det_bias(n: int, d: int) -> float:
    """E[ln det S] - ln det Sigma, S the sample covariance of n > d Gaussian rows (Wishart); else -inf."""
    if n <= d:
        return -math.inf
    degrees = n - 1
    digamma = torch.digamma((degrees - torch.arange(d, dtype=torch.float64)) / 2)
    return float((digamma + math.log(2 / degrees)).sum())


def log_det_entropy(
    data: Any,
    *,
    shrinkage: Shrinkage = None,
    correct_bias: bool = False,
    rows: int = 8192,
    distributed: bool = False,
) -> Entropy:
    r"""Entropy of the Gaussian with the covariance of the rows, (1/2) ln det(2 pi e Sigma), in nats.

    Among all densities with one covariance the Gaussian has the largest entropy, so with the true Sigma this
    bounds h(Z) from above; VICReg's variance and covariance terms are a proxy of it. From n rows the log
    determinant is biased *down* (exactly known for Gaussian rows); shrinkage biases it up and keeps it finite
    when n <= d.

    Args:
        data: Representations, tensor or array (N, d); read in chunks (twice for `ledoit-wolf`). A
            `Covariance` also.
        shrinkage: None; a ridge added to the diagonal (squared unit of the data); `oas` (Chen et al. 2010,
            from the merged summary); `ledoit-wolf` (2004).
        correct_bias: Subtract the Wishart bias; only with `shrinkage=None` and n > d.
        rows: Rows in memory at a time.
        distributed: Every process of the torch.distributed group makes this same call and they share the pass over the
            rows (not the second one, of `ledoit-wolf`).

    Returns:
        Entropy of kind `upper`; -inf where the covariance is singular (the bias note gives its rank).

    Raises:
        InvalidOption: unknown shrinkage, or a correction that has no meaning.
        InvalidData: NaN, infinity, or fewer than two rows.

    Example:
        >>> import torch
        >>> from bounds.information import log_det_entropy
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> found = log_det_entropy(z)
        >>> found.kind, round(found.value, 2)
        ('upper', 4.33)
    """
    summary = data if isinstance(data, Covariance) else covariance(data, rows, distributed=distributed)
    summary, data, unit = _steady(summary, data, rows, shrinkage)
    n, d = summary.count, len(summary.mean)
    if correct_bias and (shrinkage is not None or n <= d):
        raise InvalidOption(
            "`correct_bias` needs n > d and `shrinkage=None`; the Wishart bias is known only there."
        )
    within = shrinkage / unit / unit if isinstance(shrinkage, int | float) else shrinkage
    value, rank = log_det(shrunk(summary, within, None if isinstance(data, Covariance) else data))
    value = 0.5 * (d * math.log(2 * math.pi * math.e) + value) + d * math.log(unit)
    bias = 0.5 * log_det_bias(n, d)
    if correct_bias:
        value, note = value - bias, "bias removed, exact if the rows are Gaussian"
    elif shrinkage is not None:
        note = f"shrinkage {shrinkage} biases it up"
    elif rank < d:
        note = f"the covariance has rank {rank} of {d}: no density; shrink, or project to the support"
    else:
        note = f"plug-in bias {bias:+.3g} nats if the rows are Gaussian"
    return Entropy(value, "upper", f"LogDet, shrinkage={shrinkage}", note, n, d)
