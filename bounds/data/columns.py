"""Which columns, arrays or entries of a file are the items and which their labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from bounds.arguments import shown
from bounds.data.checks import pick_keys
from bounds.errors import InvalidOption


@dataclass(frozen=True)
class Columns:
    """A caller's names; None where the usual ones are looked for (see `pick_keys`)."""

    image: str | None = None
    label: str | None = None

    def pick(self, keys: Iterable[str], where: str) -> tuple[tuple[str, ...], str | None]:
        """The views and the label, or None, among these names.

        Raises:
            InvalidOption: a name that is not there.
            InvalidData: nothing that could be meant.
        """
        present = list(keys)
        for option, name in (("image", self.image), ("label", self.label)):
            if name is not None and name not in present:
                near = get_close_matches(name, present, n=3, cutoff=0.0)
                raise InvalidOption(
                    f"`{option}` names {shown(name)}, which {where} lacks; it has {', '.join(near) or 'nothing'}."
                )
        if self.image is None:
            usual = [name for name in present if name != self.label]
            views, label = pick_keys(usual, where)
            return views, self.label or label
        if self.label is not None:
            return (self.image,), self.label
        _, label = pick_keys(["x", *(name for name in present if name in ("y", "label"))], where)
        return (self.image,), label


ANY = Columns()
