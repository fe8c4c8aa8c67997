"""What was measured on the test items, by head; a head that was not measured says why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from bounds.arguments import nearest, shown

_KEEP = "declared={'repeats': 'keep'}"


class Measured(dict[str, Mapping[str, float]]):
    """Head name to its losses.

    Args:
        losses: Of the heads that were measured.
        quantities: Of the report; N is there where test items were given, N_measured are those that no head was made from.
    """

    def __init__(self, losses: Mapping[str, Mapping[str, float]], quantities: Mapping[str, float]) -> None:
        super().__init__(losses)
        self._given, self._apart = (
            quantities.get("N", 0),
            quantities.get("N_measured", quantities.get("N", 0)),
        )

    def __missing__(self, head: str) -> NoReturn:
        """The reason.

        Raises:
            KeyError: always.
        """
        if not self._given:
            reason = "there are no test items; evaluate with `test=(x, y)`"
        elif not self._apart:
            reason = (
                f"all {self._given:.0f} test items are copies of what the head or the encoder was made from, where an error "
                f"says nothing about new items; give other test items, or {_KEEP} where the population repeats items"
            )
        else:
            reason = f"this report measured {', '.join(self)}{nearest(head, self)}"
        raise KeyError(f"the head {shown(head)} was not measured: {reason}")
