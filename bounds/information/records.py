"""Records of entropies and mutual informations: a value in nats that says what kind of number it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bounds.arguments import shown
from bounds.errors import InvalidOption, NumericalError

Kind = Literal["upper", "lower", "estimate"]


@dataclass(frozen=True)
class Nats:
    """An amount of information, in nats.

    Attributes:
        value: The number; -inf for a distribution without density (a singular covariance), never NaN.
        kind: `upper` or `lower` when the method bounds the quantity, `estimate` when it does neither.
        method: How it was computed.
        bias: What the number does to the truth, and when to trust it.
        n: Number of samples or mixture components behind it.
        d: Dimension of the representation.
        standard_error: Of `value` over samples, where the method gives one.

    Raises:
        InvalidOption: `kind` is not one of the three.
        NumericalError: the value is NaN.
    """

    value: float
    kind: Kind
    method: str
    bias: str
    n: int
    d: int
    standard_error: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("upper", "lower", "estimate"):
            raise InvalidOption(f"`kind` must be upper, lower or estimate, got {shown(self.kind)}.")
        if math.isnan(self.value):
            raise NumericalError(
                f"{self.method} gave NaN on {self.n} x {self.d} representations; check them for overflow."
            )

    @property
    def bits(self) -> float:
        """The value in bits."""
        return self.value / math.log(2)

    def __str__(self) -> str:
        error = "" if self.standard_error is None else f" ± {self.standard_error:.2g}"
        return (
            f"{self.value:.4f}{error} nats ({self.kind}; {self.method}; n={self.n}, d={self.d}; {self.bias})"
        )


class Entropy(Nats):
    """Differential entropy h(Z) in nats; with respect to Lebesgue unless `method` names the sphere.

    Attributes:
        value: In nats.
        kind: Whether it is exact, an upper or lower bound, or an estimate.
        method: How it was computed.
        bias: In which direction it errs, in words.
        n, d: Rows and columns.
        standard_error: Of `value`, where it has one.

    Example:
        >>> import torch
        >>> from bounds.information import log_det_entropy
        >>> found = log_det_entropy(torch.randn(4000, 1, generator=torch.Generator().manual_seed(0)))
        >>> found.kind, round(found.value, 2)  # (1/2) ln(2πe) = 1.42 for N(0, 1)
        ('upper', 1.41)
    """


class MutualInformation(Nats):
    """Mutual information in nats.

    Attributes:
        value: In nats.
        kind: Whether it is exact, an upper or lower bound, or an estimate.
        method: How it was computed.
        bias: In which direction it errs, in words.
        n, d: Rows and columns.
        standard_error: Of `value`, where it has one.

    Example:
        >>> import torch
        >>> from bounds.information import gaussian_information
        >>> z, x = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]]), torch.tensor([[2.0], [0.0], [0.0], [-2.0]])
        >>> found = gaussian_information(z, x)
        >>> found.kind, round(found.value, 3)
        ('estimate', 0.347)
    """


class EntropyBounds(NamedTuple):
    """The two sides of one bracket: `lower` and `upper`.

    Example:
        >>> import torch
        >>> from bounds.information import mixture_entropy
        >>> found = mixture_entropy(torch.zeros(1, 1), 1.0)  # one Gaussian: both sides are (1/2) ln(2πe)
        >>> round(found.lower.value, 3), round(found.upper.value, 3)
        (1.419, 1.419)
    """

    lower: Entropy
    upper: Entropy


class InformationBounds(NamedTuple):
    """The two sides of one bracket: `lower` and `upper`.

    Example:
        >>> import torch
        >>> from bounds.information import input_information
        >>> found = input_information(torch.tensor([[0.0], [1.0]]), noise=0.1)
        >>> round(found.lower.value, 2), round(found.upper.value, 2)
        (0.44, 0.69)
    """

    lower: MutualInformation
    upper: MutualInformation
