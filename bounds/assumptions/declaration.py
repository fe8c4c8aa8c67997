"""What the caller vouches for about copies and the test items: the option `declared`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from bounds.arguments import checked, integer, shown
from bounds.errors import InvalidOption

_LOOKS = integer(1, 10**6, "a whole number")


@dataclass(frozen=True)
class Declared:
    """What the caller vouches for, beyond the options of `evaluate`; a dict of the same keys does as well.

    Attributes:
        test_is_fresh: Were encoder and head fixed before the test items (H)? None: unverifiable.
        repeats: What equal items in S, T and among the pairs are. None: unknown, every bound uses a count that is right
            for i.i.d. rows and for added copies, or is not certified. "keep": the population itself repeats items.
            "drop": the population has no atoms, so that they are copies; one of each is kept.
        overlap: "added": test items that the head was made from were added to the test set, none replaced one.
        looks: J, how many certificates will be read off this test set; each bound on it is evaluated at δ/J.
        groups: One integer a row of the test data (patient, film, scene), or the name of a column that has it; one
            row of each group, chosen by the seed, is used.

    Raises:
        InvalidOption: another value.

    Example:
        >>> bounds.Declared(test_is_fresh=True, looks=3).looks
        3
    """

    test_is_fresh: bool | None = None
    repeats: Literal["keep", "drop"] | None = None
    overlap: Literal["added"] | None = None
    looks: int = 1
    groups: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for option, choices in (
            ("test_is_fresh", (None, True, False)),
            ("repeats", (None, "keep", "drop")),
            ("overlap", (None, "added")),
        ):
            value = getattr(self, option)
            if not any(value is one or (isinstance(one, str) and value == one) for one in choices):
                raise InvalidOption(
                    f"`{option}` in `declared` must be one of {', '.join(map(repr, choices))}, got {shown(value)}."
                )
        _LOOKS("looks` in `declared", self.looks)

    @classmethod
    @checked()
    def of(cls, value: Declared | Mapping[str, Any] | None) -> Declared:
        """The option `declared`.

        Raises:
            InvalidOption: neither a `Declared` nor a dict of its fields.
        """
        if isinstance(value, Declared):
            return value
        if value is None:
            return cls()
        names = [one.name for one in fields(cls)]
        if not isinstance(value, Mapping) or not set(value) <= set(names):
            raise InvalidOption(
                f"`declared` must be a bounds.Declared or a dict with keys among {', '.join(names)}, got {shown(value)}."
            )
        return cls(**value)
