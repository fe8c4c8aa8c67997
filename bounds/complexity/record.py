"""What an evaluation returns: a complexity, its class, its validity, the deviation its kind needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bounds.errors import InvalidOption, NotApplicable

NORMALISATION = "R = (1/sqrt m) E sup_f sum_i xi_i h_f(i): no absolute value, factor 2 outside"

Kind = Literal["empirical", "expected"]
Status = Literal["holds", "estimate", "unverifiable"]


@dataclass(frozen=True)
class Estimate:
    """A mean over sign draws with a non-asymptotic interval.

    Attributes:
        value: Mean over the draws.
        low: Lower confidence limit of what is estimated.
        high: Upper confidence limit; infinity for a one-sided statement.
        level: Confidence of [low, high] over the signs, given the data.
        draws: Number of sign draws.
        of: What is estimated: the complexity itself, or an upper or lower bound of it.

    Example:
        >>> import torch
        >>> from bounds.complexity import LinearHead, rademacher
        >>> data = torch.eye(4), torch.tensor([0, 1, 0, 1])
        >>> found = rademacher(data, LinearHead(beta=1.0), draws=50).monte_carlo
        >>> found.draws, found.low <= found.value <= found.high
        (50, True)
    """

    value: float
    low: float
    high: float
    level: float
    draws: int
    of: str


@dataclass(frozen=True)
class Gap:
    """How far means over the sample may lie below expectations, uniformly over the class.

    Attributes:
        complexity: 2 R / sqrt(m).
        confidence: The deviation that the kind of R requires.
        delta: Failure probability of the sum, what the Monte-Carlo limit spent included.
        formula: The sum in words.

    Example:
        >>> import torch
        >>> from bounds.complexity import Singleton, rademacher
        >>> gap = rademacher((torch.eye(4), torch.eye(4)), Singleton()).gap(tau=2.0, delta=0.05)
        >>> gap.complexity, round(gap.confidence, 3)  # τ √(ln(1/δ)/(2m))
        (0.0, 1.224)
    """

    complexity: float
    confidence: float
    delta: float
    formula: str

    @property
    def value(self) -> float:
        """The sum of both terms."""
        return self.complexity + self.confidence


@dataclass(frozen=True)
class Complexity:
    """Rademacher complexity of one named class on m items, in the normalisation `NORMALISATION`.

    Attributes:
        name: The class, with its parameters.
        description: The class in words.
        m: Number of items.
        kind: Whether `upper` bounds the complexity given the data, or also the expected one.
        upper: Upper bound, or None where no tractable one is known.
        upper_basis: Where `upper` comes from and when it holds.
        status: "holds" if `upper` is proved; otherwise why not is in `upper_basis`.
        delta: Probability over the signs with which `upper` may fail; 0 when it is deterministic.
        monte_carlo: Mean over sign draws, of the complexity or of its contraction bound.
        lower: Mean over sign draws of the best values found, where the supremum is not tractable.
        details: Further quantities of the class (norms of layers, trivial bounds, ...).
        normalisation: The convention of all the numbers above.

    Example:
        >>> import torch
        >>> from bounds.complexity import LinearHead, rademacher
        >>> found = rademacher((torch.eye(4), torch.tensor([0, 1, 0, 1])), LinearHead(beta=1.0), draws=20)
        >>> round(found.upper, 3), found.kind  # √2 β √(K mean‖z‖²) = 2
        (2.0, 'empirical')
    """

    name: str
    description: str
    m: int
    kind: Kind
    upper: float | None
    upper_basis: str
    status: Status = "holds"
    delta: float = 0.0
    monte_carlo: Estimate | None = None
    lower: Estimate | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    normalisation: str = NORMALISATION

    def gap(self, tau: float, delta: float) -> Gap:
        r"""The uniform deviation sup_f (E h_f - mean h_f) for functions h in [0, tau].

        An empirical complexity gives 2R/sqrt(m) + 3 tau sqrt(ln(2/delta)/(2m)), an expected one
        2R/sqrt(m) + tau sqrt(ln(1/delta)/(2m)) (Bartlett and Mendelson 2002; Mohri et al. 2018, Theorem 3.3).

        Args:
            tau: Range of the functions, in their unit.
            delta: Failure probability over the sample; what the signs spent comes on top.

        Returns:
            Both terms and the total failure probability.

        Raises:
            NotApplicable: the class has no proved upper bound.
            InvalidOption: tau or delta out of range.
        """
        if self.upper is None or self.status != "holds":
            raise NotApplicable(
                f"{self.name} has no proved upper bound ({self.upper_basis}); name another class."
            )
        if not (math.isfinite(tau) and tau >= 0):
            raise InvalidOption(f"`tau` must be a finite range of 0 or more, got {tau}.")
        if not 0 < delta < 1:
            raise InvalidOption(f"`delta` must lie between 0 and 1, got {delta}.")
        if self.kind == "empirical":
            confidence = 3 * tau * math.sqrt(math.log(2 / delta) / (2 * self.m))
            formula = "2R/sqrt(m) + 3 tau sqrt(ln(2/delta)/(2m))"
        else:
            confidence = tau * math.sqrt(math.log(1 / delta) / (2 * self.m))
            formula = "2R/sqrt(m) + tau sqrt(ln(1/delta)/(2m))"
        return Gap(2 * self.upper / math.sqrt(self.m), confidence, delta + self.delta, formula)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.description}", f"  {self.normalisation}; m = {self.m}, {self.kind}"]
        shown = "none" if self.upper is None else f"{self.upper:.6g}"
        lines.append(f"  upper        {shown}  ({self.status}; {self.upper_basis})")
        for label, estimate in (("Monte Carlo", self.monte_carlo), ("lower", self.lower)):
            if estimate is not None:
                lines.append(
                    f"  {label:<12} {estimate.value:.6g}  [{estimate.low:.6g}, {estimate.high:.6g}] at level "
                    f"{estimate.level:g}, {estimate.draws} draws, of {estimate.of}"
                )
        return "\n".join(lines)
