"""What an adapter hands over: a network, how to read it, what it expects of images."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from bounds.data.preprocessing import Preprocessing
from bounds.errors import InvalidCheckpoint, MissingDependency

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Built:
    """A network of another library.

    Attributes:
        network: With its weights, or with random ones to be replaced from a file.
        call: What gives the library's own output, `call(network, images)`.
        call_for: The same for a `pool` that the caller asks for, where that is another method.
        pool: Of that output by default; None where it is vectors already.
        before: Tokens before those of patches.
        channels_last: Whether maps are (N, H, W, C).
        preprocessing: From the library's configuration.
        convert: From the publisher's names under one prefix to the network's own.
        said: What the library says that `describe` and the report show.
        loaded, ignored: Names of tensors, where the library read the file itself.
    """

    network: nn.Module
    preprocessing: Preprocessing | None
    call: Callable[[nn.Module, Tensor], Any] | None = None
    call_for: Callable[[nn.Module, Tensor], Any] | None = None
    pool: str | None = None
    before: int | None = None
    channels_last: bool = False
    convert: Callable[[dict[str, Tensor], nn.Module], dict[str, Tensor]] | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    loaded: Sequence[str] = ()
    ignored: Sequence[str] = ()


def library(name: str, what: str, extra: str) -> Any:
    """The module of an optional library.

    Raises:
        MissingDependency: it is not installed, or does not load; one sentence on what to install.
    """
    try:
        return importlib.import_module(name)
    except (
        ImportError,
        RuntimeError,
        AttributeError,
    ) as err:  # a build for another torch fails with RuntimeError
        raise MissingDependency(
            f"{what} needs the package `{name.split('.')[0]}`, which cannot be imported ({_line(err)}); "
            f"install it with `pip install 'ssl-bounds[{extra}]'`."
        ) from err


def no_weights(what: str, err: BaseException | None, remedy: str) -> InvalidCheckpoint:
    """The error for a name whose weights are not on this machine and cannot be fetched."""
    reason = "" if err is None else f" ({type(err).__name__}: {_line(err)})"
    return InvalidCheckpoint(
        f"{what} has no weights on this machine and they cannot be fetched{reason}; {remedy}"
    )


def _line(err: BaseException) -> str:
    said = " ".join(str(err).split())
    return said if len(said) <= 120 else f"{said[:120]}…"
