"""Mutual information: Gaussian closed form, variational lower bounds, InfoNCE, and I(Z;X) itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.errors import InvalidData, InvalidOption
from bounds.information.gaussian import log_det_bias
from bounds.information.mixtures import mixture_entropy
from bounds.information.pairwise import BLOCK, log_sum_exp_both
from bounds.information.records import Entropy, InformationBounds, MutualInformation
from bounds.information.rows import as_pair, as_rows, unit_rows
from bounds.information.sphere import fit_concentration, log_peak

Critic = Literal["cosine", "dot"] | Callable[[Tensor, Tensor], Tensor]


def gaussian_information(
    z: Any, x: Any, *, noise: float = 0.0, correct_bias: bool = False, rows: int = 8192
) -> MutualInformation:
    r"""I(Z;X) of the Gaussian with the second moments of the rows, -(1/2) sum_i ln(1 - rho_i^2), in nats.

    The canonical correlations come from orthogonal factors, never from inverted covariances: QR of the
    centred [Z X] merged chunk by chunk, then bases of the two blocks of the triangle; the sines sqrt(1 -
    rho_i^2) are the singular values of what one basis leaves outside the other, accurate also as rho tends to
    one. Exact for jointly Gaussian rows; for others neither bound. The plug-in bias is about +d_z d_x / (2n),
    known exactly for Gaussian rows.

    Args:
        z: (n, d_z).
        x: (n, d_x), rows matched to those of `z`.
        noise: Variance of independent noise added to each dimension of `z`, exactly and without drawing it.
        correct_bias: Subtract the Wishart bias (as if there were no `noise`).
        rows: Rows in memory at a time.

    Returns:
        Estimate; +inf when one is a linear function of the other in some direction.

    Raises:
        InvalidData: rows that do not match, or n <= d_z + d_x, where the sample says nothing.
        InvalidOption: negative noise.

    Example:
        >>> import torch
        >>> from bounds.information import gaussian_information
        >>> z, x = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]]), torch.tensor([[2.0], [0.0], [0.0], [-2.0]])
        >>> round(gaussian_information(z, x).value, 3)  # ρ² = 1/2: −(1/2) ln(1 − ρ²)
        0.347
    """
    first, second = as_rows(z, "z", least=2), as_rows(x, "x", least=2)
    if len(first) != len(second):
        raise InvalidData(f"`z` and `x` must have matching rows, got {len(first)} and {len(second)}.")
    n, dz, dx = len(first), first.shape[1], second.shape[1]
    if n <= dz + dx:
        raise InvalidData(
            f"Canonical correlations of {dz} + {dx} dimensions need more than {dz + dx} rows, got {n}."
        )
    first, second = _centred(first), _centred(second)
    triangle = torch.zeros(0, dz + dx, dtype=torch.float64, device=first.device)
    for start in range(0, n, rows):
        chunk = [part[start : start + rows] for part in (first, second)]
        triangle = torch.linalg.qr(torch.cat([triangle, torch.cat(chunk, dim=1)]), mode="r").R
    if not noise >= 0:
        raise InvalidOption(f"`noise` is a variance, at least zero, got {noise}.")
    if noise:
        extra = math.sqrt((n - 1) * noise) * torch.eye(dz, dz + dx, dtype=torch.float64, device=first.device)
        triangle = torch.linalg.qr(torch.cat([triangle, extra]), mode="r").R
    value = information_of_triangle(triangle, dz)
    bias = 0.5 * (log_det_bias(n, dz) + log_det_bias(n, dx) - log_det_bias(n, dz + dx))
    note = (
        "bias removed, exact if jointly Gaussian"
        if correct_bias
        else f"plug-in bias {bias:+.3g} nats if jointly Gaussian"
    )
    return MutualInformation(
        value - bias if correct_bias else value,
        "estimate",
        "Gaussian, canonical correlations",
        note,
        n,
        dz + dx,
    )


def _centred(rows: Tensor) -> Tensor:
    """Rows less their mean in float64; columns that vary by no more than the spacing of their numbers become zero."""
    centred = rows.double() - rows[0].double()
    centred = centred - centred.mean(dim=0)
    spacing = torch.finfo(torch.float64).eps * rows.double().abs().amax(dim=0)
    return torch.where(centred.abs().amax(dim=0) > spacing, centred, 0.0)


def information_of_triangle(triangle: Tensor, dz: int) -> float:
    """-sum ln sin(theta_i) over the principal angles between the first `dz` columns of R and the others.

    Columns that depend linearly on earlier ones of their own block carry nothing and are dropped.
    """
    basis_z, basis_x = _orthonormal(triangle[:, :dz]), _orthonormal(triangle[:, dz:])
    if basis_z.shape[1] > basis_x.shape[1]:
        basis_z, basis_x = basis_x, basis_z
    residual = basis_z - basis_x @ (basis_x.T @ basis_z)
    residual = residual - basis_x @ (basis_x.T @ residual)
    sines = torch.linalg.svdvals(residual).clamp(max=1)
    if bool((sines <= 64 * torch.finfo(torch.float64).eps * math.sqrt(len(triangle))).any()):
        return math.inf
    return float(-sines.log().sum())


def _orthonormal(columns: Tensor) -> Tensor:
    """Orthonormal basis of the span; rank by 1e-10 of the largest singular value, columns at norm one."""
    largest = columns.abs().amax(dim=0)
    scaled: Tensor = columns[:, largest > 0] / largest[largest > 0]
    scaled = scaled / torch.linalg.vector_norm(scaled, dim=0)
    if scaled.shape[1] == 0:
        return scaled
    u, s, _ = torch.linalg.svd(scaled, full_matrices=False)
    kept: Tensor = u[:, s > 1e-10 * s[0]]
    return kept


def variational_information(
    data: Any, entropy: Entropy, *, q: Literal["gaussian", "vmf"] = "gaussian", scale: float | None = None
) -> MutualInformation:
    r"""I(Z;X') >= H(Z) + E ln q(z|x'), the decomposition behind VICReg and SimCLR, in nats.

    Gaussian q = N(f(x'), s I): E ln q = -(d/2) ln(2 pi s) - E|z - z'|^2 / (2s), minus the invariance term up
    to constants. von Mises-Fisher q = vMF(f(x'), kappa): E ln q = ln C_d(kappa) + kappa E cos, the cosine
    similarity.

    Args:
        data: Pairs (z, z'), two views.
        entropy: H(Z): of z with respect to Lebesgue measure for `gaussian`, on the sphere for `vmf`.
        q: The family of the conditional.
        scale: Variance s, or kappa; by default the maximiser of E ln q on these pairs.

    Returns:
        A `lower` bound if `entropy` is one (and the scale was given, or the fit of one number is neglected),
        else an `estimate`.

    Raises:
        InvalidOption: unknown q, an entropy for the other measure, or a scale that is not positive.
        InvalidData: views that coincide (the conditional degenerates).

    Example:
        >>> import torch
        >>> from bounds.information import sphere_mixture_entropy, variational_information
        >>> z = torch.eye(3)
        >>> uniform = sphere_mixture_entropy(z, kappa=0.0).lower  # ln 4π
        >>> found = variational_information((z, z), uniform, q="vmf", scale=1e-9)  # a q that knows nothing of z
        >>> found.kind, round(found.value, 6)
        ('lower', 0.0)
    """
    z, other = as_pair(data)
    n, d = z.shape
    on_sphere = "sphere" in entropy.method
    if q not in ("gaussian", "vmf") or on_sphere != (q == "vmf"):
        raise InvalidOption(
            f"`q` must be gaussian (entropy on R^d) or vmf (on the sphere), got {shown(q)} and {shown(entropy.method)}."
        )
    if scale is not None and not 0 < scale < math.inf:
        raise InvalidOption(f"`scale` must be positive and finite, got {scale}.")
    if q == "gaussian":
        squares = (z.double() - other.double()).square().sum(dim=1)
        s = scale if scale is not None else float(squares.mean()) / d
        if s == 0:
            raise InvalidData(
                "The two views coincide, so q(z|x') degenerates; give `scale` or different views."
            )
        logs = -0.5 * d * math.log(2 * math.pi * s) - squares / (2 * s)
        method = f"H(Z) + E ln q, Gaussian q, variance {s:.4g}"
    else:
        gaps = 0.5 * (unit_rows(z) - unit_rows(other)).square().sum(dim=1)  # 1 - cos, without cancellation
        gap = float(gaps.mean())
        if scale is None and gap <= 8 * torch.finfo(torch.float64).eps ** 2:
            raise InvalidData("The two views point the same way, so q(z|x') degenerates; give `scale`.")
        kappa = scale if scale is not None else fit_concentration(1 - gap, d, gap=gap)
        logs = float(log_peak(kappa, d)) - kappa * gaps
        method = f"H(Z) + E ln q, von Mises-Fisher q, kappa {kappa:.4g}"
    lower = entropy.kind == "lower"
    note = "a lower bound for the true H(Z)" if lower else f"no bound: H(Z) is an {entropy.kind}"
    return MutualInformation(
        entropy.value + float(logs.mean()),
        "lower" if lower else "estimate",
        method,
        note,
        n,
        d,
        float(logs.std() / n**0.5),
    )


def infonce_information(
    data: Any,
    *,
    temperature: float = 0.1,
    critic: Critic = "cosine",
    batch: int | None = None,
    block: int = BLOCK,
) -> MutualInformation:
    r"""InfoNCE lower bound on I(Z;Z'), in nats: ln B - L, with each pair against the B pairs of its batch.

    L = -E ln( exp s(z_i, z'_i) / sum_j exp s(z_i, z'_j) ), positives included in the sum, averaged over both
    views as anchors. In expectation over batches a lower bound for any critic s, and never above ln B: use
    large batches.

    Args:
        data: Pairs (z, z').
        temperature: Divides the score; kept out of the way of a callable critic with 1.
        critic: `cosine`, `dot`, or a function (a, b) -> (|a|, |b|) of scores, called on blocks.
        batch: Pairs a batch; all of them by default (then without a standard error). The last incomplete one
            is dropped.
        block: Rows on a side of a block.

    Raises:
        InvalidOption: temperature or batch out of range, unknown critic.
        InvalidData: no pairs.

    Reference:
        van den Oord, Li & Vinyals 2018 (arXiv:1807.03748); Poole et al. 2019.

    Example:
        >>> import torch
        >>> from bounds.information import infonce_information
        >>> z = torch.eye(4)
        >>> round(infonce_information((z, z), temperature=0.01).value, 3)  # no more than ln 4 from four pairs
        1.386
    """
    z, other = as_pair(data)
    n, d = z.shape
    size = n if batch is None else batch
    if not temperature > 0 or not 2 <= size <= n:
        raise InvalidOption(
            f"`temperature` must be positive and `batch` between 2 and {n}, got {temperature} and {size}."
        )
    if not callable(critic) and critic not in ("cosine", "dot"):
        raise InvalidOption(f"`critic` must be cosine, dot or a function, got {shown(critic)}.")
    if critic == "cosine":
        z, other = unit_rows(z), unit_rows(other)
    elif critic == "dot":
        z, other = z.double(), other.double()
    values = []
    for start in range(0, n - size + 1, size):
        a, b = z[start : start + size], other[start : start + size]
        if callable(critic):
            anchors = [_critic_loss(critic, a, b, temperature, block, swap) for swap in (False, True)]
        else:
            positives = float((a * b).sum(dim=1).mean()) / temperature
            anchors = [float(sums.mean()) - positives for sums in log_sum_exp_both(a / temperature, b, block)]
            anchors = [max(0.0, loss) for loss in anchors]  # a cross-entropy, but for rounding
        values.append(math.log(size) - 0.5 * sum(anchors))
    sample = torch.tensor(values, dtype=torch.float64)
    error = float(sample.std() / len(sample) ** 0.5) if len(sample) > 1 else None
    note = f"never above ln B = {math.log(size):.3g}"
    return MutualInformation(float(sample.mean()), "lower", f"InfoNCE, B={size}", note, n, d, error)


def _critic_loss(
    critic: Callable[[Tensor, Tensor], Tensor],
    a: Tensor,
    b: Tensor,
    temperature: float,
    block: int,
    swap: bool,
) -> float:
    """Mean cross-entropy with rows (swapped: columns) of the score matrix as anchors, a strip at a time."""
    total = 0.0
    for start in range(0, len(a), block):
        part = slice(start, start + block)
        scores = (critic(a, b[part]).T if swap else critic(a[part], b)).double() / temperature
        total += float((torch.logsumexp(scores, dim=1) - scores.diagonal(start)).sum())
    return total / len(a)


def input_information(data: Any, noise: float, *, block: int = BLOCK) -> InformationBounds:
    r"""Bounds on I(Z;X) for Z = f(x_i) + N(0, noise I), i uniform over the rows, in nats.

    A deterministic encoder of continuous inputs has infinite I(Z;X); the paper makes it finite by the noise
    of a Gaussian around each input (section 3), here given as a variance in representation space. Then
    I(Z;X) = H(mixture) - H(noise), bracketed by the pairwise bounds, and at most ln n.

    Args:
        data: (n, d) clean representations f(x_i).
        noise: Variance per dimension.
        block: Rows on a side of a block.

    Example:
        >>> import torch
        >>> from bounds.information import input_information
        >>> found = input_information(torch.tensor([[0.0], [100.0]]), noise=1.0)
        >>> round(found.lower.value, 3), round(found.upper.value, 3)  # two inputs told apart: ln 2
        (0.693, 0.693)
    """
    lower, upper = mixture_entropy(data, noise, block=block)
    own = 0.5 * lower.d * math.log(2 * math.pi * math.e * noise)
    note = f"for n = {lower.n} equally likely inputs; at most ln n = {math.log(lower.n):.3g}"
    return InformationBounds(
        MutualInformation(
            lower.value - own, "lower", f"pairwise, noise variance {noise:.4g}", note, lower.n, lower.d
        ),
        MutualInformation(
            upper.value - own, "upper", f"pairwise, noise variance {noise:.4g}", note, upper.n, upper.d
        ),
    )
