"""What is measured while training: entropies, a closed-form linear probe, the spread of the embeddings."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from bounds.heads.least_squares import LeastSquares
from bounds.objectives.entropy import logdet_entropy, pairwise_entropy
from bounds.summaries.decision import decide

_PENALTIES = tuple(10.0**k for k in range(-5, 2))  # times tr Cov(z) / d


def spread(z: Tensor) -> Tensor:
    """Root mean variance of the rows brought to norm √d: 1 when spread over the sphere, 0 when collapsed."""
    unit = F.normalize(z.float()) * z.shape[1] ** 0.5
    deviation: Tensor = unit.var(dim=0, correction=0).mean().sqrt()
    return deviation


def entropies(z: Tensor, name: str) -> dict[str, float]:
    """Entropies of (N, d), nats: LogDet as it is and of rows of norm √d, pairwise on the unit sphere.

    Only the values of unit rows compare objectives: a scale s alone adds d ln s to the other.
    """
    z = z.double()
    unit = F.normalize(z)
    return {
        f"{name}_entropy": float(logdet_entropy(z)),
        f"{name}_entropy_unit": float(logdet_entropy(z.shape[1] ** 0.5 * unit)),
        f"{name}_entropy_pairwise": float(pairwise_entropy(unit[:2000], 0.25)),
    }


@torch.no_grad()
def features(
    encode: Callable[[Tensor], Tensor], pixels: Tensor, device: torch.device, batch: int = 512
) -> Tensor:
    """`encode` over uint8 images in batches, in order, float32 on `device`."""
    return torch.cat([encode(pixels[i : i + batch].to(device)).float() for i in range(0, len(pixels), batch)])


@torch.no_grad()
def ridge_probe(z: Tensor, labels: Tensor, test_z: Tensor, test_labels: Tensor, num_classes: int) -> float:
    """Accuracy on the test rows of the affine ridge head fitted on (z, labels), in closed form.

    The penalty is chosen among seven on the last fifth of the training rows; the test rows choose nothing.

    Args:
        z: Training representations (N, d), in random order.
        labels: Class indices (N,).
        test_z: (M, d).
        test_labels: (M,).
        num_classes: K.

    Example:
        >>> import torch
        >>> from bounds.pretraining import ridge_probe
        >>> labels = torch.arange(20) % 2
        >>> z = torch.eye(2)[labels]
        >>> ridge_probe(z, labels, z, labels, num_classes=2)
        1.0
    """
    labels, test_labels, cut = labels.long(), test_labels.long(), max(1, len(z) * 4 // 5)

    def fit(rows: slice) -> LeastSquares:
        return LeastSquares.empty(z.shape[1], num_classes, z.device).update(z[rows].double(), labels[rows])

    def accuracy(model: LeastSquares, penalty: float, x: Tensor, y: Tensor) -> float:
        head = model.ridge(penalty * (model.mean_square_scale or 1.0), intercept=True)
        return float((decide(head(x.double())) == y).double().mean())

    part = fit(slice(0, cut))
    best = max(_PENALTIES, key=lambda penalty: accuracy(part, penalty, z[cut:], labels[cut:]))
    return accuracy(fit(slice(None)), best, test_z, test_labels)
