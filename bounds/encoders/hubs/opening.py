"""From a name, a folder or a file's tensors to what an `Encoder` of another library's network is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bounds.arguments import shown
from bounds.data.preprocessing import Preprocessing
from bounds.encoders.hubs.built import Built
from bounds.encoders.hubs.names import Spec, of_folder, open_named, parse
from bounds.encoders.hubs.weights import fill
from bounds.encoders.pooling import Pooled
from bounds.errors import InvalidOption

RANDOM = re.compile(r"random(?::(?P<seed>\d+))?")


@dataclass(frozen=True)
class Reading:
    """How a network is read: the options of `load_encoder` for it.

    Attributes:
        pool, layer: See `Pooled`.
        dtype: Of weights and images; None leaves them.
        compile: Whether `torch.compile` is used.

    Raises:
        InvalidOption: a type that is not floating point, or options that do not go together.
    """

    pool: str | None = None
    layer: str | None = None
    dtype: torch.dtype | None = None
    compile: bool = False

    @classmethod
    def of(
        cls, pool: str | None, layer: str | None, dtype: torch.dtype | str | None, compile: bool
    ) -> Reading:
        """With the type by name or as it is."""
        kind = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
        if dtype is not None and not (isinstance(kind, torch.dtype) and kind.is_floating_point):
            raise InvalidOption(f"`dtype` must be float32, bfloat16, float16 or float64, got {shown(dtype)}.")
        if compile and layer is not None:
            raise InvalidOption("`compile` takes whole networks; give it without `layer`.")
        return cls(pool, layer, kind, compile)

    @property
    def plain(self) -> dict[str, Any]:
        """For provenance; defaults are left out."""
        kind = None if self.dtype is None else str(self.dtype).removeprefix("torch.")
        said = {"pool": self.pool, "layer": self.layer, "dtype": kind, "compile": self.compile or None}
        return {key: value for key, value in said.items() if value is not None}

    def of_network(self, network: nn.Module) -> nn.Module:
        """A network that the caller or this package built, read in this way."""
        return network if self == Reading() else self._finished(Pooled(network, **self._pooled))

    def of_built(self, built: Built) -> nn.Module:
        """A library's network; its own pooling where none is asked for."""
        call = built.call if self.pool is None or built.call_for is None else built.call_for
        pool = self.pool or (built.pool if self.layer is None else None)
        pooled = Pooled(
            built.network,
            call=call,
            before=built.before,
            channels_last=built.channels_last,
            **{**self._pooled, "pool": pool},
        )
        return self._finished(pooled)

    @property
    def _pooled(self) -> dict[str, Any]:
        return {"pool": self.pool, "layer": self.layer, "dtype": self.dtype}

    def _finished(self, network: nn.Module) -> nn.Module:
        network = network.eval()
        if self.dtype is not None:
            network = network.to(self.dtype)
        if self.compile:
            network.compile()
        return network


def named(name: str, reading: Reading, preprocessing: Preprocessing | None) -> dict[str, Any]:
    """A library's model with the library's weights, as arguments of `Encoder`."""
    spec = parse(name)
    if spec is None:
        raise InvalidOption(f"{shown(name)} names no model of a library.")
    return _encoder(open_named(spec, "own"), spec, reading, preprocessing, {"source": name})


def of_random(name: str, architecture: str | Mapping[str, Any], reading: Reading,
              preprocessing: Preprocessing | None) -> dict[str, Any]:  # fmt: skip
    """A library's model with random weights, which only the word "random" gives."""
    spec = parse(architecture)
    if spec is None:
        raise InvalidOption(
            "Random weights are for `architecture`s of other libraries; use `build_encoder` for the own."
        )
    seed = RANDOM.fullmatch(name)
    built = open_named(spec, f"random:{(seed and seed['seed']) or 0}")
    return _encoder(built, spec, reading, preprocessing, {"source": f"{name} {spec}"})


def folder(path: Path, reading: Reading, preprocessing: Preprocessing | None) -> dict[str, Any]:
    """A folder that a library saved a model in."""
    spec = of_folder(path)
    built = open_named(spec, "own" if spec.family != "timm" else "none")
    return _encoder(built, spec, reading, preprocessing, {"source": path.name})


def file(
    spec: Spec,
    tensors: Mapping[str, Tensor],
    origin: str,
    prefix: str | None,
    reading: Reading,
    preprocessing: Preprocessing | None,
    facts: Mapping[str, Any],
    assumed: Preprocessing | None = None,
) -> dict[str, Any]:
    """A file's tensors in a library's network.

    Args:
        spec: Which network.
        tensors: By their names in the file.
        origin: The file, for messages.
        prefix: Where the encoder is, when the caller says.
        reading: How it is read.
        preprocessing: By the caller.
        facts: For provenance.
        assumed: Preprocessing where neither caller nor architecture says, only the layout.
    """
    built = open_named(spec, "none")
    loaded, ignored, where = fill(built, tensors, origin, prefix)
    made = _encoder(built, spec, reading, preprocessing or assumed, {**facts, "prefix": where})
    made["provenance"]["preprocessing_assumed"] = preprocessing is None and assumed is not None
    return made | {"loaded": loaded, "ignored": ignored}


def _encoder(
    built: Built,
    spec: Spec,
    reading: Reading,
    preprocessing: Preprocessing | None,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    said = {"preprocessing_assumed": False, **built.said}
    if built.pool is not None and reading.layer is None:
        said["pool"] = built.pool
    if preprocessing is not None:
        said["preprocessing_assumed"] = False
    return {
        "network": reading.of_built(built),
        "preprocessing": preprocessing or built.preprocessing,
        "loaded": list(built.loaded),
        "ignored": list(built.ignored),
        "provenance": {**facts, "architecture": spec.architecture, **said, **reading.plain},
    }
