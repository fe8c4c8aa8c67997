"""Summaries as plain numbers: to a safetensors file and back, and merged from files; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Protocol, Self

from torch import Tensor

from bounds.errors import CorruptStore, InvalidData, InvalidOption
from bounds.files import whole_file, write_tensors
from bounds.heads.least_squares import LeastSquares
from bounds.heads.linear import Head
from bounds.heads.losses import HeadLosses
from bounds.heads.margins import MarginTable
from bounds.processes import as_bytes
from bounds.summaries.class_shapes import ClassShapes
from bounds.summaries.classes import ClassMoments
from bounds.summaries.covariance import Covariance
from bounds.summaries.geometry import Geometry
from bounds.summaries.moments import Moments
from bounds.summaries.pairs import PairMoments
from bounds.summaries.spectral import SpectralMoments
from bounds.summaries.totals import Totals
from bounds.summaries.within import WithinScatter

KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        *(ClassMoments, Covariance, Geometry, HeadLosses, LeastSquares, MarginTable, Moments, PairMoments),
        *(SpectralMoments, Totals, WithinScatter),
    )
}
KEPT: dict[str, type[Any]] = {**KINDS, "Head": Head, "ClassShapes": ClassShapes}  # also what does not merge
_FORMAT = "bounds-summaries-1"


class Summary(Protocol):
    """A monoid: what streams, merges and adds up."""

    def merge(self, other: Self, /) -> Self:
        """The summary of both streams."""
        ...


def to_plain(summary: Any, tensors: list[Tensor], kinds: Mapping[str, type[Any]] = KINDS) -> Any:
    """The summary as JSON, its tensors appended to `tensors` and replaced by their place there.

    Raises:
        InvalidOption: it is none of the kinds.
    """
    if isinstance(summary, Tensor):
        tensors.append(summary)
        return {"tensor": len(tensors) - 1}
    if summary is None or isinstance(summary, bool | int | float | str):
        return summary
    if isinstance(summary, LeastSquares):
        summary = summary.reduced()
    if isinstance(summary, tuple):
        return {"tuple": [to_plain(one, tensors, kinds) for one in summary]}
    if is_dataclass(summary) and type(summary).__name__ in kinds:
        values = {one.name: to_plain(getattr(summary, one.name), tensors, kinds) for one in fields(summary)}
        return {"kind": type(summary).__name__, "fields": values}
    raise InvalidOption(f"A {type(summary).__name__} cannot be saved; give one of {', '.join(kinds)}.")


def from_plain(plain: Any, tensors: Sequence[Tensor]) -> Any:
    """The inverse of `to_plain`."""
    if not isinstance(plain, dict):
        return plain
    if "tensor" in plain:
        return tensors[plain["tensor"]]
    if "tuple" in plain:
        return tuple(from_plain(one, tensors) for one in plain["tuple"])
    return KEPT[plain["kind"]](**{name: from_plain(one, tensors) for name, one in plain["fields"].items()})


def pack(summary: Any) -> Tensor:
    """The summary, or another of the kinds that are kept, as bytes, uint8 (N,), on the CPU."""
    from safetensors.torch import save

    tensors: list[Tensor] = []
    plain = to_plain(summary, tensors, KEPT)
    named = {str(i): one.detach().cpu().contiguous().clone() for i, one in enumerate(tensors)}
    return as_bytes(save(named | {"plain": as_bytes(json.dumps(plain).encode())}))


def unpack(packed: Tensor) -> Any:
    """The inverse of `pack`."""
    from safetensors.torch import load

    named = load(packed.cpu().numpy().tobytes())
    plain = json.loads(named.pop("plain").numpy().tobytes())
    return from_plain(plain, [named[str(i)] for i in range(len(named))])


def save_summaries(
    path: str | os.PathLike[str], summaries: Mapping[str, Summary], options: Mapping[str, Any] | None = None
) -> None:
    """Write named summaries of a part of the data, to be merged with those of other parts.

    Args:
        path: A `.safetensors` file; renamed into place when it is whole.
        summaries: By name, for instance {"least_squares": ..., "classes": ...}.
        options: Plain data that say how they were made (encoder, normalisation, ...); only summaries made with
            equal options merge.

    Raises:
        InvalidOption: something that is no summary.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from bounds.evidence import load_summaries, save_summaries
        >>> from bounds.summaries import Covariance
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_summaries(f"{folder}/a.safetensors", {"rows": Covariance.from_rows(torch.eye(3))}, {"part": 1})
        ...     summaries, options = load_summaries(f"{folder}/a.safetensors")
        >>> summaries["rows"].count, options
        (3, {'part': 1})
    """
    tensors: list[Tensor] = []
    plain = {name: to_plain(one, tensors) for name, one in summaries.items()}
    header = {
        "format": _FORMAT,
        "summaries": json.dumps(plain),
        "options": json.dumps(options or {}, sort_keys=True),
    }
    with whole_file(path) as part:
        write_tensors(part, {str(i): one.clone() for i, one in enumerate(tensors)}, header)


def load_summaries(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(summaries, options) as `save_summaries` wrote them.

    Args:
        path: A file of `save_summaries`.

    Raises:
        CorruptStore: the file is damaged or something else.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from bounds.evidence import load_summaries, save_summaries
        >>> from bounds.summaries import Covariance
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_summaries(f"{folder}/a.safetensors", {"rows": Covariance.from_rows(torch.eye(3))})
        ...     summaries, options = load_summaries(f"{folder}/a.safetensors")
        >>> list(summaries)
        ['rows']
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != _FORMAT:
                raise ValueError("it has another format")
            tensors = [file.get_tensor(str(i)) for i in range(len(file.keys()))]
        plain = json.loads(header["summaries"])
        return {name: from_plain(one, tensors) for name, one in plain.items()}, json.loads(header["options"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, IndexError) as err:
        raise CorruptStore(f"{path} does not hold saved summaries ({err}); save them again.") from err


def merge_summaries(paths: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> dict[str, Any]:
    """Merge files of summaries of disjoint parts of the data into one file of the same kind.

    Nothing in a summary says which rows it has seen: the parts must be disjoint, and equal files are refused.

    Args:
        paths: Files of `save_summaries`, of disjoint parts.
        out: The file to write.

    Returns:
        The merged summaries by name.

    Raises:
        InvalidOption: files made with different options, with other names in them, or twice the same file.
        InvalidData: summaries of different dimensions.
        CorruptStore: a damaged file.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from bounds.evidence import merge_summaries, save_summaries
        >>> from bounds.summaries import Covariance
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, rows in (("a", torch.eye(3)), ("b", torch.ones(2, 3))):
        ...         save_summaries(f"{folder}/{name}.safetensors", {"rows": Covariance.from_rows(rows)})
        ...     parts = [f"{folder}/a.safetensors", f"{folder}/b.safetensors"]
        ...     print(merge_summaries(parts, f"{folder}/all.safetensors")["rows"].count)
        5
    """
    if not paths:
        raise InvalidOption("There is nothing to merge; give at least one file of summaries.")
    digests = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths if Path(path).is_file()]
    if len(set(digests)) < len(digests):
        raise InvalidOption("Two of the files to merge are equal; each part of the data must be given once.")
    parts = [load_summaries(path) for path in paths]
    (first, options), *rest = parts
    for path, (summaries, others) in zip(list(paths)[1:], rest, strict=True):
        if others != options:
            differing = sorted(key for key in {*options, *others} if options.get(key) != others.get(key))
            raise InvalidOption(
                f"{path} was made with other {', '.join(differing)} than {paths[0]}; they cannot merge."
            )
        if summaries.keys() != first.keys():
            raise InvalidOption(f"{path} holds {sorted(summaries)}, but {paths[0]} holds {sorted(first)}.")
        for name, one in summaries.items():
            if shapes(one) != shapes(first[name]):
                raise InvalidData(
                    f"{path} has {name!r} of another dimension or number of classes than {paths[0]}."
                )
    merged = {name: reduce(lambda a, b: a.merge(b), [part[0][name] for part in parts]) for name in first}
    save_summaries(out, merged, options)
    return merged


def shapes(summary: Any) -> Any:
    """What must agree for two summaries to merge: kinds, and shapes but for the rows of a triangular factor."""
    if isinstance(summary, LeastSquares):
        return ("LeastSquares", summary.dim, summary.num_classes)
    if isinstance(summary, Tensor):
        return tuple(summary.shape)
    if isinstance(summary, tuple):
        return tuple(shapes(one) for one in summary)
    if is_dataclass(summary):
        return (type(summary).__name__, *(shapes(getattr(summary, one.name)) for one in fields(summary)))
    return None
