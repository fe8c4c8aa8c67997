"""Every argument of every public call, checked once at the door: one rule for each name, one sentence for each fault."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import torch

from bounds.errors import InvalidOption

P = ParamSpec("P")
T = TypeVar("T")
Rule = Callable[
    [str, Any], Any
]  # name and value -> the value, in plain Python where it is a number; or it raises

_LONGEST = 80  # characters of a value in a message
_MANY = 12  # names beyond which a list hides the nearest


def checked(**own: Rule) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Check the arguments of a call by `RULES`, or by a rule of its own for what the name means here.

    Raises:
        InvalidOption: by the call, for a value no rule takes, and for names it does not have, with the nearest one.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        known = signature(function)
        rules = {name: own.get(name) or RULES.get(name) for name in known.parameters}

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                bound = known.bind(*args, **kwargs)
            except TypeError as err:
                raise InvalidOption(_misfit(function.__name__, known.parameters, kwargs, len(args))) from err
            for name, value in bound.arguments.items():
                rule = rules[name]
                if rule is not None:
                    bound.arguments[name] = rule(name, value)
            return function(*bound.args, **bound.kwargs)

        return call

    return decorate


def nearest(name: object, known: Iterable[str]) -> str:
    """A question that names the known name nearest to a misspelt one, or nothing."""
    found = difflib.get_close_matches(name.lower(), list(known), n=1) if isinstance(name, str) else []
    return f"; did you mean `{found[0]}`?" if found else ""


def unknown(what: str, name: object, known: Iterable[str]) -> InvalidOption:
    """One sentence for a name that does not exist, with the nearest one; all others where they are few or none is near."""
    names = list(known)
    hint = nearest(name, names)
    others = "" if hint and len(names) > _MANY else f"; known: {', '.join(names)}"
    return InvalidOption(f"{what} {shown(name)} is not known{others}{hint or '.'}")


def shown(value: object) -> str:
    """A value in a message, on one line, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a value whose own description fails
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({type(value).__name__})"


def _misfit(call: str, known: Mapping[str, Parameter], given: Mapping[str, Any], positional: int) -> str:
    names = [name for name in known if known[name].kind is not Parameter.VAR_KEYWORD]
    for name in given:
        if name not in names:
            return f"`{call}` has no argument `{name}`{nearest(name, names) or '.'}"
    places = [name for name in names if known[name].kind is not Parameter.KEYWORD_ONLY]
    if positional > len(places):
        return f"`{call}` takes {', '.join(places)} by position; name the other arguments."
    repeated = [name for name in places[:positional] if name in given]
    if repeated:
        return f"`{call}` got `{repeated[0]}` twice, by position and by name."
    needed = [name for name in names if known[name].default is Parameter.empty and name not in given]
    lacking = [name for name in needed if name not in places[:positional]]
    return f"`{call}` needs {', '.join(f'`{name}`' for name in lacking)}."


# Rules


def maybe(rule: Rule) -> Rule:
    """None, or what the rule takes."""
    return lambda name, value: None if value is None else rule(name, value)


def data(name: str, value: Any) -> Any:
    """Anything: judged where it is opened."""
    return value


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidOption(f"`{name}` must be True or False, got {shown(value)}.")
    return bool(value)


def integer(least: int, most: int | None = None, what: str = "an integer") -> Rule:
    """A whole number between two."""

    def rule(name: str, value: Any) -> int:
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or value < least or (most is not None and value > most):
            span = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise InvalidOption(f"`{name}` must be {what} {span}, got {shown(value)}.")
        return int(value)

    return rule


def number(low: float, high: float, what: str) -> Rule:
    """A finite real number strictly between two."""

    def rule(name: str, value: Any) -> float:
        try:
            found = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
        except OverflowError:
            found = math.inf
        if not low < found < high:
            raise InvalidOption(f"`{name}` must {what}, got {shown(value)}.")
        return found

    return rule


def one_of(*choices: str | None) -> Rule:
    """One of a few names."""

    def rule(name: str, value: Any) -> Any:
        if not (value is None or isinstance(value, str)) or value not in choices:
            hint = nearest(value, [c for c in choices if c]) if isinstance(value, str) else ""
            known = ", ".join(map(repr, choices))
            raise InvalidOption(f"`{name}` must be one of {known}, got {shown(value)}{hint or '.'}")
        return str(value) if value is not None else None

    return rule


def instance(kinds: type | tuple[type, ...], what: str) -> Rule:
    """An object of a type."""

    def rule(name: str, value: Any) -> Any:
        if not isinstance(value, kinds):
            kind = f"the class {value.__name__}" if isinstance(value, type) else shown(value)
            raise InvalidOption(f"`{name}` must be {what}, got {kind}.")
        return value

    return rule


def text(name: str, value: Any) -> str:
    """A string with something in it."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidOption(f"`{name}` must be a text that is not empty, got {shown(value)}.")
    return value


def path(name: str, value: Any) -> Path:
    """A path that the file system can take; whether anything is there is for the caller to see."""
    if (
        not isinstance(value, str | os.PathLike)
        or isinstance(os.fspath(value), bytes)
        or not str(value).strip()
    ):
        raise InvalidOption(f"`{name}` must be a path, got {shown(value)}.")
    where = Path(value)
    reason: str | None = "a zero character" if "\0" in str(value) else None
    try:
        where.exists()
    except OSError as err:
        reason = err.strerror
    if reason is not None:
        raise InvalidOption(
            f"`{name}` is no path that the file system takes ({reason}), got {shown(str(value))}."
        )
    return where


def target(name: str, value: Any) -> Path:
    """A path where a file or folder can be written: its nearest parent is a folder that allows it."""
    where = path(name, value)
    try:
        # Names too long for the file system are found by asking for each of them.
        there = next(one for one in (where, *where.absolute().parents) if one.exists())
    except OSError as err:
        raise InvalidOption(f"`{name}` cannot be written ({err.strerror}): {shown(str(value))}.") from err
    if there != where and not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise InvalidOption(f"`{name}` cannot be written: {there} is not a folder that allows it.")
    return where


def file(name: str, value: Any) -> Path:
    """A file that can be written, in a folder that is there."""
    where = target(name, value)
    if where.is_dir() or not where.absolute().parent.is_dir():
        raise InvalidOption(
            f"Cannot write `{name}` {shown(str(value))}: it must be a file in a folder that exists; "
            "create its folder first."
        )
    return where


def folder(name: str, value: Any) -> Path:
    """A folder that is there or can be made."""
    where = target(name, value)
    if where.exists() and not (where.is_dir() and os.access(where, os.W_OK | os.X_OK)):
        raise InvalidOption(f"`{name}` must be a folder that can be written, got {shown(str(value))}.")
    return where


def several(rule: Rule, what: str) -> Rule:
    """A list of values, none of them twice."""

    def checked_list(name: str, value: Any) -> list[Any]:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            raise InvalidOption(f"`{name}` must be a list of {what}, got {shown(value)}.")
        values = [rule(name, one) for one in value]
        if not values:
            raise InvalidOption(f"`{name}` is an empty list; give {what}.")
        repeated = [one for i, one in enumerate(values) if one in values[:i]]
        if repeated:
            raise InvalidOption(f"`{name}` names {shown(repeated[0])} twice; give each once.")
        return values

    return checked_list


def device(name: str, value: Any) -> Any:
    """A device that is present: "cpu", "cuda", "cuda:1", "mps", or a torch.device."""
    possible = [*_devices()]
    try:
        wanted = torch.device(value) if isinstance(value, str | torch.device) else None
    except RuntimeError:
        wanted = None
    if wanted is None:
        hint = ""
        if isinstance(value, str):
            hint = nearest(
                {"gpu": "cuda", "nvidia": "cuda"}.get(value.lower(), value), ("cpu", "cuda", "mps")
            )
        raise InvalidOption(
            f"`{name}` must be one of {', '.join(possible)} on this machine, got {shown(value)}{hint or '.'}"
        )
    here = str(wanted) if wanted.index is None or wanted.type == "cuda" else wanted.type
    if here not in possible or (wanted.type != "cuda" and wanted.index not in (None, 0)):
        raise InvalidOption(
            f"`{name}` = {str(wanted)!r} is not there; this machine has {', '.join(possible)}."
        )
    return value


def _devices() -> list[str]:
    found = ["cpu"]
    if torch.cuda.is_available():
        found += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    return found + (["mps"] if torch.backends.mps.is_available() else [])


def class_prior(name: str, value: Any) -> Any:
    """None, "balanced", or one number for each class."""
    if value is None or (isinstance(value, str) and value == "balanced"):
        return value
    wrong = InvalidOption(f"`{name}` must be None, 'balanced' or an array of K numbers, got {shown(value)}.")
    if isinstance(value, str | bytes | Mapping | set):
        raise wrong
    try:
        numbers = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
        if numbers.dtype.kind not in "iuf" or numbers.ndim != 1 or not np.isfinite(numbers).all():
            raise wrong
    except (TypeError, ValueError, RuntimeError) as err:
        raise wrong from err
    return value


def options(name: str, value: Any) -> dict[str, Any]:
    """A mapping from names to values."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidOption(
            f'`{name}` must map names to values, as {{"temperature": 0.5}}, got {shown(value)}.'
        )
    return dict(value)


def architecture(name: str, value: Any) -> Any:
    """Options of `build_encoder` in a mapping, or the name of a library's model."""
    if isinstance(value, str) and ":" in value:
        return value
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidOption(
            f'`{name}` must be a mapping such as {{"name": "resnet", "depth": 18, "stem": "cifar"}}, or a name such as '
            f"'timm:vit_small_patch16_224', got {shown(value)}."
        )
    return dict(value)


def by_hints(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values for parameters of a function that are annotated as bool or as a choice of names."""
    hints = get_type_hints(function)
    found = dict(given)
    for name, value in given.items():
        hint = hints.get(name)
        if hint is bool:
            found[name] = flag(name, value)
        elif get_origin(hint) is Literal:
            found[name] = one_of(*get_args(hint))(name, value)
    return found


def _fit_range(name: str, value: Any) -> tuple[int, int]:
    pair = isinstance(value, tuple | list) and len(value) == 2
    if not pair or not all(isinstance(one, Integral) for one in value) or not 1 <= value[0] < value[1]:
        raise InvalidOption(f"`{name}` must be (first, last) with first < last, from 1, got {shown(value)}.")
    return int(value[0]), int(value[1])


def widths(name: str, value: Any) -> tuple[int, ...]:
    """Widths of layers, from the first to the last."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidOption(f"`{name}` must be a list of widths, got {shown(value)}.")
    return tuple(integer(1, 2**20)(name, one) for one in value)


def sizes(name: str, value: Any) -> dict[str, int]:
    """Numbers of items by name."""
    if not isinstance(value, Mapping):
        raise InvalidOption(
            f"`{name}` must map names to numbers of items, as {{'n': 100}}, got {shown(value)}."
        )
    for key in value:
        if key not in ("n", "m", "N"):
            raise InvalidOption(f"`{name}` takes n, m and N, got {shown(key)}.")
    return {key: integer(1, _MOST_ITEMS)(f"{name}[{key!r}]", one) for key, one in value.items()}


def as_mapping(what: str) -> Rule:
    """A mapping with at least one entry."""

    def rule(name: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise InvalidOption(f"`{name}` must map names to {what}, got {shown(value)}.")
        if not value:
            raise InvalidOption(f"`{name}` needs at least one of {what}.")
        odd = [key for key in value if not isinstance(key, str)]
        if odd:
            raise InvalidOption(f"`{name}` must have names as keys, got {shown(odd[0])}.")
        return value

    return rule


_MOST_ITEMS = 2**40
_SEED = integer(0, 2**63 - 1)
PROBABILITY = number(0, 1, "lie strictly between 0 and 1")
# A failure probability is divided among events, and every share must be a positive number.
DELTA = number(1e-301, 1, "lie strictly between 0 and 1, and above 1e-301 so that shares of it are numbers")

# What a name means wherever it is an argument. Data, checkpoints and function classes are judged where they are opened.
RULES: dict[str, Rule] = {
    "delta": DELTA,
    "level": PROBABILITY,
    "holdout": maybe(PROBABILITY),
    "pairs": one_of("augmentation", "class"),
    "normalize": one_of("l2", "clip", None),
    "residual": one_of("mean", "frobenius"),
    "constants": one_of("printed", "counted"),
    "precision": one_of("float32", "float64"),
    "optimizer": one_of("sgd", "lars", "adamw"),
    "radius": number(1e-50, 1e50, "be positive, between 1e-50 and 1e50 so that its powers are finite"),
    "class_prior": class_prior,
    "options": maybe(options),
    "architecture": maybe(architecture),
    "save_representations": maybe(folder),
    "out": folder,
    "device": maybe(device),
    "name": maybe(text),
    "prefix": maybe(text),
    "pool": maybe(text),
    "layer": maybe(text),
    "compile": flag,
    "size": maybe(integer(1, 2**14, "a positive number of pixels,")),
    "num_classes": maybe(integer(1)),
    "batch_size": integer(1, _MOST_ITEMS, "a positive integer,"),
    "epochs": integer(1, _MOST_ITEMS),
    "lr": maybe(number(0, math.inf, "be positive and finite")),
    "seed": _SEED,
    "draws": integer(1),
    "trials": integer(1),
    "repeats": integer(1, 10**6),
    "search": integer(0, 10**6),
    "rows": integer(1, _MOST_ITEMS),
    "block": integer(1, _MOST_ITEMS),
    "workers": integer(1, 4096),
    "fit_range": maybe(_fit_range),
    "t": number(0, 1e6, "be positive and at most 1e6"),
    "gamma": number(0, 1e6, "be positive and at most 1e6"),
    "measure": maybe(text),
    "sizes": maybe(sizes),
    "n": maybe(several(integer(1, _MOST_ITEMS), "sizes")),
    "m": maybe(several(integer(1, _MOST_ITEMS), "sizes")),
    "K": maybe(several(integer(2, _MOST_ITEMS), "numbers of classes")),
    "labeled_is_fresh": maybe(flag),
    "unlabeled_is_fresh": maybe(flag),
    "fresh": maybe(flag),
    "renumber": flag,
    "nonnegative": flag,
    "simultaneous": flag,
    "autocast": flag,
    "progress": maybe(flag),
    "resume": flag,
    "distributed": flag,
}
