"""NT-Xent, the loss of SimCLR: find the other view of an item among all other views of the batch."""

from __future__ import annotations

import torch
from torch import Tensor

from bounds.objectives.base import Objective, check_positive, directions


class NTXent(Objective):
    r"""Normalised temperature-scaled cross entropy over the 2N views of a batch.

    .. math:: \frac{1}{2N} \sum_{a} -\ln \frac{e^{\cos(z_a, z_{a'})/t}}{\sum_{b \ne a} e^{\cos(z_a, z_b)/t}}

    a runs over both views of every item, a' is the other view of the same item. In nats; independent of the
    scale of each row; between 0 and ln(2N − 1) + 2/t. Parts: `alignment` = −mean cos(z, z')/t, `contrast` =
    the mean log-sum.

    Args:
        temperature: t.

    Raises:
        InvalidOption: a temperature that is not positive.

    Reference:
        Chen, Kornblith, Norouzi, Hinton, "SimCLR", ICML 2020, equation (1), arXiv:2002.05709.

    Example:
        >>> import torch
        >>> from bounds.objectives import NTXent
        >>> z = torch.eye(2)
        >>> round(float(NTXent(temperature=1.0)(z, z)), 4)  # ln(e + 2) - 1
        0.5514
    """

    def __init__(self, temperature: float = 0.5) -> None:
        super().__init__()
        check_positive(temperature=temperature)
        self.temperature = temperature

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """Minus the mean positive similarity, and the mean log-sum over all others."""
        z = directions(torch.cat([z1, z2]))
        similarity = z @ z.T / self.temperature
        itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
        positive = similarity.diagonal(len(z1))  # row i of the first views against row i of the second
        return {
            "alignment": -positive.mean(),
            "contrast": similarity.masked_fill(itself, -torch.inf).logsumexp(dim=1).mean(),
        }
