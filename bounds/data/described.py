"""`bounds.load_data`: data whose columns have unusual names, or some of whose images are broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bounds.arguments import checked, maybe, one_of, text
from bounds.data.columns import Columns


@dataclass(frozen=True)
class Described:
    """Data and how to read them; goes wherever data go: `labeled`, `unlabeled`, `test`.

    Attributes:
        data: A path, a glob, a list of paths, or a data set of `datasets`.
        columns: Which columns are items and labels.
        broken: "refuse" or "skip".
    """

    data: Any
    columns: Columns
    broken: Literal["refuse", "skip"] = "refuse"


@checked(image=maybe(text), label=maybe(text), broken=one_of("refuse", "skip"))
def load_data(
    data: Any,
    *,
    image: str | None = None,
    label: str | None = None,
    broken: Literal["refuse", "skip"] = "refuse",
) -> Described:
    """Data with a column map and a rule for broken images; nothing is read yet.

    Args:
        data: A path, glob, URL or list of these, or a data set of `datasets`: what `labeled` takes besides arrays.
        image: Name of the column, array or (in WebDataset shards) extension that holds the items.
        label: Name of the column, array, extension or entry of `.json` that holds the labels.
        broken: What becomes of images that cannot be decoded: "refuse" ends with the first one's name; "skip" leaves
            them out, after one reading of all, and the report says how many and what share they are. A certificate
            then speaks about images that decode.

    Returns:
        To be given as `labeled`, `unlabeled` or `test`.

    Raises:
        InvalidOption: an option outside its choices; the data's own errors come when they are opened.

    Example:
        >>> images = bounds.load_data("photos/*.png", broken="skip")  # nothing is read yet
        >>> images.broken
        'skip'
    """
    return Described(data, Columns(image, label), broken)
