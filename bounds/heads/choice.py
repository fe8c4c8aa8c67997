"""What a user writes for `head`, as a kind of head."""

from __future__ import annotations

from typing import Any

from bounds.arguments import shown
from bounds.errors import InvalidOption
from bounds.heads.estimator import Estimator
from bounds.heads.given import Given
from bounds.heads.kind import HeadKind
from bounds.heads.knn import NearestNeighbours
from bounds.heads.logistic import Logistic
from bounds.heads.min_norm import MinNorm
from bounds.heads.nearest_mean import NearestMean
from bounds.heads.ridge import Ridge

KINDS: dict[str, type[Any]] = {
    "min_norm": MinNorm,
    "ridge": Ridge,
    "logistic": Logistic,
    "nearest_mean": NearestMean,
    "knn": NearestNeighbours,
}
_ARGUMENT = {"ridge": float, "logistic": float, "knn": int}
_CHOICES = (
    "'min_norm', ('ridge', λ), 'logistic', ('logistic', λ), 'nearest_mean', ('knn', k), a scikit-learn classifier, or a "
    "callable from rows (N, d) to scores (N, K)"
)


def head_kind(choice: Any) -> HeadKind:
    """The kind of head that `choice` names.

    Args:
        choice: "min_norm"; ("ridge", λ); "logistic" (λ chosen on a fifth of the rows) or ("logistic", λ);
            "nearest_mean"; "knn" (k = 20) or ("knn", k); a scikit-learn classifier; a callable (N, d) -> (N, K); or a kind.

    Raises:
        InvalidOption: anything else, or a parameter out of range.

    Example:
        >>> from bounds.heads import head_kind
        >>> head_kind(("ridge", 0.1)), head_kind(("knn", 5))
        (Ridge(penalty=0.1), NearestNeighbours(neighbours=5))
    """
    name, *arguments = choice if isinstance(choice, tuple | list) and choice else (choice,)
    if isinstance(name, str):
        number = _ARGUMENT.get(name)
        wanted = 1 if name == "ridge" else 0
        fits = name in KINDS and wanted <= len(arguments) <= (number is not None)
        if not fits or not all(_is_number(one, whole=number is int) for one in arguments):
            raise InvalidOption(f"`head` must be {_CHOICES}, got {shown(choice)}.")
        made: HeadKind = KINDS[name](*(number(one) for one in arguments if number is not None))
        return made
    if not arguments and isinstance(
        choice, MinNorm | Ridge | Logistic | NearestMean | NearestNeighbours | Estimator | Given
    ):
        kind: HeadKind = choice
        return kind
    if not arguments and not isinstance(choice, type):
        if hasattr(choice, "fit") and hasattr(choice, "predict"):
            return Estimator(choice)
        if callable(choice):
            return Given(choice)
    raise InvalidOption(f"`head` must be {_CHOICES}, got {shown(choice)}.")


def parse_head(text: str) -> Any:
    """A choice from the command line.

    Args:
        text: `logistic`, `ridge:1e-3`, `knn:20`.

    Raises:
        InvalidOption: another name, or a parameter that is no number.

    Example:
        >>> from bounds.heads import parse_head
        >>> parse_head("ridge:1e-3")
        ('ridge', 0.001)
    """
    name, colon, argument = text.partition(":")
    if not colon:
        choice: Any = name
    else:
        try:
            choice = (name, _ARGUMENT.get(name, float)(argument))
        except ValueError as error:
            raise InvalidOption(
                f"`--head {text}`: `{argument}` is not a number that `{name}` takes."
            ) from error
    head_kind(choice)
    return choice


def _is_number(value: Any, *, whole: bool) -> bool:
    return isinstance(value, int if whole else int | float) and not isinstance(value, bool)
