"""Any head, once fitted."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class FittedHead(ABC):
    """Any head, as fitted: representations to one score a class; the largest names the class.

    Example:
        >>> import torch
        >>> from bounds.heads import FittedHead, Head
        >>> isinstance(Head(torch.eye(2), None, "W").renamed("identity"), FittedHead)
        True
    """

    name: str

    @abstractmethod
    def __call__(self, z: Tensor) -> Tensor:
        """Scores (N, K), finite float64, for rows z (N, d) float64, on the device of the rows."""

    @abstractmethod
    def renamed(self, name: str) -> FittedHead:
        """The same head under another name."""

    def to(self, device: torch.device | str) -> FittedHead:
        """The same head with its tensors on a device."""
        return self
