"""The option `function_class`: the encoder was chosen on S̄ among J, in place of A3 for the one encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bounds.arguments import shown
from bounds.errors import InvalidOption


@dataclass(frozen=True)
class EncoderChoice:
    """The encoder was chosen on S̄ among J encoders fixed before S̄, in place of A3 for the one encoder.

    Attributes:
        members: J.

    Example:
        >>> from bounds.assumptions import EncoderChoice
        >>> round(EncoderChoice(members=8).upper_on(tau=2.0), 3)  # (τ/2)·√(2 ln 8)
        2.039
    """

    members: int

    def upper_on(self, tau: float) -> float:
        """R̃_m(F) ≤ (τ/2)·√(2 ln J) whatever the data: Massart's lemma around the midpoint of [0, τ]."""
        return 0.5 * tau * math.sqrt(2 * math.log(self.members))


def encoder_choice(function_class: Any) -> EncoderChoice | None:
    """The option `function_class`: J, the J encoders themselves, or their complexity as `bounds.rademacher` gives it.

    Raises:
        InvalidOption: anything that does not say how many encoders the choice was among.
    """
    if function_class is None:
        return None
    found = getattr(function_class, "details", {}).get("members", function_class)
    members = len(found) if isinstance(found, list | tuple) else found
    if isinstance(members, bool) or not isinstance(members, int) or members < 1:
        raise InvalidOption(
            "`function_class` must be the number of encoders chosen among, a list of them, or the complexity of a "
            f"FiniteClass; got {shown(function_class)}."
        )
    return EncoderChoice(members)
