"""VICReg with partial labels: the labeled part of the batch adds the residual term of Theorem 2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bounds.errors import InvalidData
from bounds.objectives.base import check_positive, check_weights
from bounds.objectives.gather import gather
from bounds.objectives.vicreg import VICReg


class PartiallyLabeledVICReg(VICReg):
    r"""VICReg on every item, and the labeled residual on the items whose class is known.

    .. math:: \mathrm{VICReg}(Z, Z') + \frac{\rho}{2} [R(Z_S) + R(Z'_S)], \quad
        R(Z_S) = \tfrac{1}{\sqrt n} \min_W (\|Y_S - Z_S W\|_F^2 + n\,\epsilon\,\|W\|_F^2)^{1/2}

    R decreases to Theorem 2's (1/√n)‖P_{Z_S} Y_S‖_F as ε → 0 and is never below it; ε > 0 keeps it smooth
    where Z_S loses rank, and alive where n ≤ d (there the projection itself is identically zero). Parts:
    VICReg's, and `labels`.

    Args:
        num_classes: K.
        labels: ρ.
        ridge: ε, in squared units of the embedding.
        **vicreg: Options of `VICReg`.

    Raises:
        InvalidOption: a negative weight or `ridge` not positive.
        InvalidData: labels outside −1..K−1, or not one per row.

    Reference:
        Shwartz-Ziv, Balestriero, Kawaguchi, Rudner, LeCun, NeurIPS 2023, arXiv:2303.00633, Theorem 2 in the
        partially observed setting; the ridge is ours.

    Example:
        >>> import torch
        >>> from bounds.objectives import PartiallyLabeledVICReg
        >>> z, labels = torch.eye(4)[:, :2], torch.tensor([0, 1, -1, -1])  # −1: class unknown
        >>> sorted(PartiallyLabeledVICReg(num_classes=2).parts(z, z, labels=labels))
        ['covariance', 'invariance', 'labels', 'variance']
    """

    def __init__(
        self, num_classes: int, labels: float = 25.0, *, ridge: float = 1e-3, **vicreg: float
    ) -> None:
        super().__init__(**vicreg)
        check_weights(labels=labels)
        check_positive(num_classes=num_classes, ridge=ridge)
        self.num_classes, self.labels, self.ridge = num_classes, labels, ridge

    def forward(self, z1: Tensor, z2: Tensor, labels: Tensor) -> Tensor:  # type: ignore[override]
        """The scalar loss; `labels` (N,) holds class indices, −1 where unknown."""
        return torch.stack(list(self.parts(z1, z2, labels).values())).sum()

    def parts(self, z1: Tensor, z2: Tensor, labels: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        """VICReg's parts and `labels`, zero where no item of the batch is labeled."""
        if labels.shape != z1.shape[:1] or labels.is_floating_point():
            raise InvalidData(
                f"`labels` must be {len(z1)} integers, one per row, got {labels.dtype} {tuple(labels.shape)}."
            )
        labels = labels.long()
        if len(labels) and not -1 <= int(labels.min()) <= int(labels.max()) < self.num_classes:
            raise InvalidData(
                f"`labels` must lie in -1..{self.num_classes - 1}, -1 for unknown; "
                f"got {int(labels.min())}..{int(labels.max())}."
            )
        terms = super().parts(z1, z2)
        labels = gather(labels)
        known = labels >= 0
        with torch.autocast(z1.device.type, enabled=False):
            residuals = [self._residual(gather(z)[known], labels[known]) for z in (z1, z2)]
        return terms | {"labels": self.labels / 2 * (residuals[0] + residuals[1])}

    def _residual(self, z: Tensor, labels: Tensor) -> Tensor:
        if len(labels) == 0:
            return z.sum()  # zero, connected to the graph
        z = z if z.dtype == torch.float64 else z.float()
        return ridge_residual(z, F.one_hot(labels, self.num_classes).to(z.dtype), self.ridge)


def ridge_residual(z: Tensor, y: Tensor, ridge: float) -> Tensor:
    r"""min_W √(‖Y − Z W‖²_F/n + ε‖W‖²_F), differentiable once in Z.

    The minimiser comes from a QR factor of [Z; √(nε) I], in float64; by the envelope theorem the gradient at
    the minimum is that of the objective at fixed W, so nothing is differentiated through the factorisation.

    Args:
        z: (n, d).
        y: (n, K).
        ridge: ε.
    """
    n, d = z.shape
    with torch.no_grad():
        damping = (n * ridge) ** 0.5 * torch.eye(d, dtype=torch.float64, device=z.device)
        q, r = torch.linalg.qr(torch.cat([z.double(), damping]))
        w = torch.linalg.solve_triangular(r, q[:n].T @ y.double(), upper=True).to(z.dtype)
    value: Tensor = ((y - z @ w).square().sum() / n + ridge * w.square().sum()).sqrt()
    return value
