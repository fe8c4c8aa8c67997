"""What second to fourth moments of the classes say about the nearest mean of m shots a class."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.errors import InvalidStatistics
from bounds.summaries.readable import Readable


@dataclass(frozen=True)
class ClassShapes:
    r"""Moments of K classes: mean μ_c, covariance S_c, v_c = tr S_c, M4_c = E‖z‖⁴, κ_c = E z‖z‖² (z = f − μ_c).

    u is the unit vector from μ_i to μ_j, d their distance.

    Attributes:
        classes: Which classes these are, (K,); those with fewer than two items are left out.
        variance: v, (K,).
        cross: tr S_iS_j, (K, K); of a sample the upper limit √(tr S_i² tr S_j²), which needs no matrix.
        fourth: M4, (K,).
        along: uᵀS_iu, (K, K).
        skew: uᵀκ_i, (K, K).
        square: d², (K, K), of a sample less what the noise of the means adds; the diagonal is one.
    """

    classes: Tensor
    variance: Tensor
    cross: Tensor
    fourth: Tensor
    along: Tensor
    skew: Tensor
    square: Tensor

    @classmethod
    def of(cls, z: Tensor | Readable, labels: Tensor, classes: int) -> ClassShapes:
        """Of a sample: rows (n, d) with labels (n,); plug-in moments, covariances with n_c − 1.

        Raises:
            InvalidStatistics: fewer than two classes with two items.
        """
        labels = labels.long()
        counts = torch.bincount(labels, minlength=classes)
        kept = (counts >= 2).nonzero()[:, 0]
        size = counts[kept].double()
        found = cls._made(_Parts(z, labels, kept), kept, size / (size - 1))
        noise = found.variance / size
        square = found.square - noise[:, None] - noise[None, :]
        square.fill_diagonal_(1.0)
        return cls(**{**vars(found), "square": square})

    @classmethod
    def exact(cls, z: Tensor, labels: Tensor, weights: Tensor) -> ClassShapes:
        """Of a population of points (M, d) with labels and weights (M,): all moments as they are."""
        labels = labels.long()
        kept = torch.unique(labels)
        parts = _Parts(z, labels, kept, weights.double())
        found = cls._made(parts, kept, torch.ones(len(kept), dtype=torch.float64))
        matrices = [(rows * share[:, None]).T @ rows for rows, share, _ in parts]
        cross = torch.stack([torch.stack([(one * two).sum() for two in matrices]) for one in matrices])
        return cls(**{**vars(found), "cross": cross})

    @classmethod
    def _made(cls, parts: _Parts, kept: Tensor, inflate: Tensor) -> ClassShapes:
        names = ("variance", "second", "fourth", "projected", "skewed")
        found: dict[str, list[Tensor]] = {name: [] for name in names}
        if len(kept) < 2:
            raise InvalidStatistics("Moments of classes need two classes with at least two items each.")
        means = torch.stack([mean for _, _, mean in parts])
        middle = means.mean(0)
        centred = means - middle
        for (rows, share, mean), factor in zip(parts, inflate, strict=True):
            norms = rows.square().sum(1)
            weighted = rows * share.sqrt()[:, None]
            along = rows @ centred.T - (rows @ (mean - middle))[:, None]
            found["variance"].append(factor * (share * norms).sum())
            found["second"].append(factor**2 * _gram_square(weighted))
            found["fourth"].append((share * norms.square()).sum())
            found["projected"].append(factor * (share @ along.square()))
            found["skewed"].append((share * norms) @ along)
        square = torch.cdist(means, means, compute_mode="donot_use_mm_for_euclid_dist").square()
        square.fill_diagonal_(1.0)
        second = torch.stack(found["second"])
        positive = square.clamp_min(1e-300)  # of equal means nothing is divided: they project to zero
        return cls(
            kept,
            torch.stack(found["variance"]),
            (second[:, None] * second[None, :]).sqrt(),
            torch.stack(found["fourth"]),
            torch.stack(found["projected"]) / positive,
            torch.stack(found["skewed"]) / positive.sqrt(),
            square,
        )

    @property
    def pairs(self) -> Tensor:
        """Which entries are pairs of different classes, (K, K)."""
        return ~torch.eye(len(self.classes), dtype=torch.bool, device=self.classes.device)

    def advantage(self, shots: int) -> Tensor:
        """Mean of ‖f − μ̂_j‖² − ‖f − μ̂_i‖² over f of class i and its shots, in units of d², (K, K)."""
        v = self.variance / shots
        return 1 + (v[None, :] - v[:, None]) / self.square

    def spread(self, shots: int) -> dict[str, Tensor]:
        """Its variance in units of d⁴ by part, each (K, K); only `axis` survives more shots.

        `axis` is the item along the line of the means, `other_axis` the other mean along it, `cross` item against means,
        `square` the squared errors of the means, `skew` the third moments.
        """
        m, d2, second = float(shots), self.square, self.cross.diagonal()
        q = (self.fourth - self.variance.square() + 2 * (m - 1) * second) / m**3
        return {
            "axis": 4 * self.along / d2,
            "other_axis": 4 * self.along.T / (m * d2),
            "cross": 4 * (second[:, None] + self.cross) / (m * d2.square()),
            "square": (q[:, None] + q[None, :]) / d2.square(),
            "skew": -4 * self.skew.T / (m**2 * d2 * d2.sqrt()),
        }

    def snr(self, shots: int) -> Tensor:
        """The advantage over its standard deviation, (K, K); −∞ for a pair whose means the noise cannot tell apart."""
        variance = torch.stack(list(self.spread(shots).values())).sum(0)
        found = self.advantage(shots) / variance.clamp_min(1e-300).sqrt()
        return torch.where(self.square > 0, found, -torch.inf)


def cantelli(shapes: ClassShapes, shots: int, weights: Tensor | None = None) -> dict[str, float]:
    r"""Parts of Σ_i p_i min(1, Σ_{j≠i} W/(W + a²)), a pair with a ≤ 0 counted one: a bound where the moments are exact.

    Returns:
        The parts of W by name, as `ClassShapes.spread` has them, and `reversed`: pairs counted one.
    """
    a, spread = shapes.advantage(shots), shapes.spread(shots)
    total = torch.stack(list(spread.values())).sum(0)
    good = (a > 0) & (shapes.square > 0) & shapes.pairs
    shares = torch.where(good, total / (total + a.square()), 0.0)
    lost = (shapes.pairs & ~good).double()
    each = (shares + lost).sum(1)
    weight = _weights(shapes, weights) * torch.where(each > 1, 1 / each.clamp_min(1.0), 1.0)
    found = {
        name: float((weight[:, None] * torch.where(good, part / (total + a.square()), 0.0)).sum())
        for name, part in spread.items()
    }
    return {**found, "reversed": float((weight[:, None] * lost).sum())}


def printed(shapes: ClassShapes, shots: int) -> dict[str, float]:
    """The two summands of the printed theorem: what lies along the line of the means, and all that shots add."""
    m, d2 = float(shots), shapes.square
    V = (shapes.variance[:, None] + shapes.variance[None, :]) / d2
    theta = (shapes.fourth[:, None] + shapes.fourth[None, :]) / d2.square()
    roots = (
        (4 / m * (V.square() + V / 4)).sqrt(),
        (V / m).sqrt(),
        ((theta + 2 * (m - 1) * V.square()) / m**3).sqrt(),
    )
    below = shapes.advantage(shots).square()
    good = (shapes.square > 0) & (below > 0) & shapes.pairs
    parts = {"axis": 4 * shapes.along / d2, "shots_spread": (roots[0] + roots[1] + roots[2]).square()}
    lost = float((shapes.pairs & ~good).sum())
    K = len(shapes.classes)
    found = {name: float(torch.where(good, part / below, 0.0).sum()) / K for name, part in parts.items()}
    return {**found, "reversed": lost / K}


def conditional(
    z: Tensor | Readable,
    labels: Tensor,
    queries: Tensor,
    targets: Tensor,
    shots: int,
    *,
    weights: Tensor | None = None,
    shares: Tensor | None = None,
) -> float:
    r"""Mean over items x of min(1, Σ_j s²/(s² + a²)), a the mean and s² the variance of ‖x − μ̂_j‖² − ‖x − μ̂_i‖².

    A bound where the moments are those of the population; items must not have served for the moments.

    Args:
        z, labels: What the moments are taken from, (n, d) and (n,), or with `weights` (n,) a population.
        queries, targets: Items x and their classes; an item of a class without moments counts one.
        shots: m.
        shares: Weight of each item; 1/N by default.

    Raises:
        InvalidStatistics: fewer than two classes with two items.
    """
    labels, targets = labels.long(), targets.long()
    counts = torch.bincount(labels)
    kept = (counts >= (2 if weights is None else 1)).nonzero()[:, 0]
    if len(kept) < 2:
        raise InvalidStatistics("Moments of classes need two classes with at least two items each.")
    # In one tensor each: small ones, kept one by one, lie between the large ones that are freed, and memory grows.
    centre, spread = (
        torch.empty(len(targets), len(kept), dtype=torch.float64, device=labels.device) for _ in range(2)
    )
    for at, (index, (rows, share, mean)) in enumerate(
        zip(kept, _Parts(z, labels, kept, weights), strict=True)
    ):
        factor = 1.0 if weights is not None else float(counts[index] / (counts[index] - 1))
        norms, gap = rows.square().sum(1), queries.double() - mean
        v = factor * float((share * norms).sum())
        fourth = float((share * norms.square()).sum())
        weighted = rows * share.sqrt()[:, None]
        if len(rows) < rows.shape[1]:
            second = factor**2 * float((weighted @ weighted.T).square().sum())
            quadratic = factor * (gap @ weighted.T).square().sum(1)
        else:
            matrix = factor * weighted.T @ weighted
            second, quadratic = float(matrix.square().sum()), ((gap @ matrix) * gap).sum(1)
        third = gap @ (rows * (share * norms)[:, None]).sum(0)
        q = (fourth - v * v + 2 * (shots - 1) * second) / float(shots) ** 3
        centre[:, at] = gap.square().sum(1) + v / shots
        spread[:, at] = (4 * quadratic / shots - 4 * third / shots**2 + q).clamp_min(0.0)
    place = torch.full(
        (int(max(int(targets.max()), int(kept.max()))) + 1,), -1, dtype=torch.int64, device=labels.device
    )
    place[kept] = torch.arange(len(kept), device=labels.device)
    own = place[targets]
    known = own >= 0
    own = own.clamp_min(0)[:, None]
    a = centre - centre.gather(1, own)
    s2 = spread + spread.gather(1, own)
    each = torch.where(a > 0, s2 / (s2 + a.square()), 1.0).scatter(1, own, 0.0).sum(1).clamp_max(1.0)
    each = torch.where(known, each, 1.0)
    return float(each.mean() if shares is None else (shares * each).sum() / shares.sum())


def predicted(
    shapes: ClassShapes, shots: int, ways: str | int = "all", weights: Tensor | None = None
) -> float:
    r"""Few-shot error if the advantages were Gaussian, Φ(−SNR) for two classes.

    Of several rivals the advantages share the item and the mean of its class: they are taken to be correlated by ½, as
    for round classes whose means lie equally far apart, so that the item is named rightly with probability
    :math:`\int\varphi(t)\prod_j\Phi(\sqrt2\,\mathrm{SNR}_j+t)\,dt`. For `ways` a number of classes the rivals are an
    average choice, for "pairs" the value is the mean over ordered pairs.
    """
    snr, K = shapes.snr(shots), len(shapes.classes)
    if ways == "pairs":
        return float(torch.special.ndtr(-snr)[shapes.pairs].mean())
    rivals = (K if ways == "all" else int(ways)) - 1
    nodes = torch.linspace(-8.0, 8.0, 161, dtype=snr.dtype, device=snr.device)
    density = torch.exp(-nodes.square() / 2)
    density /= density.sum()
    right = torch.zeros(K, dtype=snr.dtype, device=snr.device)
    scaled, same = 2**0.5 * snr, ~shapes.pairs
    for t, weight in zip(nodes, density, strict=True):
        logs = _log_ndtr(scaled + t).masked_fill_(same, 0.0)
        right += weight * (logs.sum(1) * (rivals / (K - 1))).exp()
    return float(_weights(shapes, weights if ways == "all" else None) @ (1 - right).clamp(0.0, 1.0))


def near_orthogonality(
    z: Tensor, first: Tensor, second: Tensor, pair: tuple[int, int] = (0, 1), other: tuple[int, int] = (0, 1)
) -> Mapping[str, float]:
    r"""Cosine of the lines through two class means, of two labelings of the same items, and its limit.

    For independent labelings, the second with K₂ balanced classes, :math:`|u_1^\top u_2|\le\sqrt{2K_2}\,(d_1/d_2)
    \sqrt{\tilde V_1}`, :math:`\tilde V_1=\sum_aP(y_1=a)\,u_1^\top S_au_1/d_1^2` over all classes of the first: over the
    pair alone it is false.

    Args:
        z: (n, d).
        first, second: Labels (n,) of the two tasks.
        pair, other: Two classes of each.

    Returns:
        `cosine`, |u₁ᵀu₂|, and `limit`.

    Raises:
        InvalidStatistics: two classes of a pair have one mean, or no item.

    Source: Luthra, Salunkhe and Galanti (2026), Prop. 4.2, with the variance over all classes.
    """
    z = z.double()

    def line(labels: Tensor, two: tuple[int, int]) -> tuple[Tensor, float]:
        means = [z[labels == y].mean(0) for y in two]
        between = means[1] - means[0]
        length = float(torch.linalg.vector_norm(between))
        if not length > 0:
            raise InvalidStatistics(
                f"Classes {two[0]} and {two[1]} have no items or one mean: no line joins them."
            )
        return between / length, length

    (u1, d1), (u2, d2) = line(first, pair), line(second, other)
    along = z @ u1
    inside = torch.stack(
        [along[first == a].var(unbiased=False) * (first == a).sum() for a in torch.unique(first)]
    )
    directional = float(inside.sum()) / len(z) / d1**2
    K2 = len(torch.unique(second))
    return {"cosine": abs(float(u1 @ u2)), "limit": math.sqrt(2 * K2) * d1 / d2 * math.sqrt(directional)}


class _Parts:
    """Of each class its centred rows, their weights with sum one, and its mean; made anew each time, one at a time."""

    def __init__(
        self, z: Tensor | Readable, labels: Tensor, kept: Tensor, weights: Tensor | None = None
    ) -> None:
        self._z, self._weights = z, weights
        order = torch.argsort(labels, stable=True)
        ends = torch.bincount(labels).cumsum(0)[kept].tolist()
        counts = torch.bincount(labels)[kept].tolist()
        self._items = [order[end - count : end] for end, count in zip(ends, counts, strict=True)]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for own in self._items:
            rows = self._z[own].double()
            share = rows.new_ones(len(own)) if self._weights is None else self._weights[own].to(rows)
            share = share / share.sum()
            mean = share @ rows
            yield rows - mean, share, mean


def _gram_square(x: Tensor) -> Tensor:
    """‖xᵀx‖_F² = ‖xxᵀ‖_F², by halves of the smaller one, which is symmetric."""
    x = x.T if len(x) < x.shape[1] else x
    a, b = x.tensor_split(2, dim=1)
    parts = [weight * (one.T @ two).square().sum() for weight, one, two in ((1, a, a), (1, b, b), (2, a, b))]
    return torch.stack(parts).sum()


def _log_ndtr(x: Tensor) -> Tensor:
    """As `torch.special.log_ndtr`, twice as fast where Φ can be held."""
    found: Tensor = (torch.special.erfc(-(0.5**0.5) * x) / 2).log_()
    far = x < -37.0
    found[far] = torch.special.log_ndtr(x[far])
    return found


def _weights(shapes: ClassShapes, weights: Tensor | None) -> Tensor:
    K = len(shapes.classes)
    if weights is None:
        return shapes.variance.new_full((K,), 1.0 / K)
    chosen = weights.to(shapes.variance)[shapes.classes]
    return chosen / chosen.sum()
