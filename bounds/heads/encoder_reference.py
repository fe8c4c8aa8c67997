"""How a saved predictor finds its encoder again, and knows it."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bounds.data.preprocessing import Preprocessing
from bounds.encoders.architectures import ResNet, SmallConvNet
from bounds.encoders.checkpoints import Encoder, load_encoder
from bounds.encoders.hubs.names import is_folder, is_named
from bounds.encoders.hubs.opening import RANDOM
from bounds.errors import BoundsWarning, InvalidCheckpoint, InvalidOption

_READING = ("pool", "layer", "dtype", "compile")


@dataclass(frozen=True)
class EncoderReference:
    """Where the encoder came from, and the digests that tell it from others.

    Attributes:
        path: Of its file, absolute, or the name of a library's model; None for a network or callable given as an object.
        sha256: Of the file.
        weights_sha256: Of names and values of the weights; None for a callable that shows none.
        architecture, prefix, preprocessing, reading: What `load_encoder` needs to read the file in the same way.
    """

    path: str | None
    sha256: str | None
    weights_sha256: str | None
    architecture: Mapping[str, Any] | None
    prefix: str | None
    preprocessing: str | None
    reading: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, encoder: Encoder, given: Any) -> EncoderReference:
        """Of an encoder loaded from `given`, a path or an object."""
        file = None
        if isinstance(given, str | os.PathLike):
            file = Path(given).resolve() if Path(given).exists() else given  # else a library's name
        note = encoder.provenance
        expected = encoder.preprocessing
        return cls(
            None if file is None else str(file),
            note.get("sha256"),
            weights_digest(encoder),
            note.get("architecture"),
            note.get("prefix"),
            None if expected is None else expected.to_json(),
            _reading(encoder),
        )

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def load(self, copy: Path | None, given: Any) -> Encoder | None:
        """The encoder: `given` by the caller, else the copy beside the predictor, else the file where it was.

        Raises:
            InvalidCheckpoint: it is not the one that was certified.
            InvalidOption: it is an object that only the caller can give.
        """
        prepared = None if self.preprocessing is None else Preprocessing.from_json(self.preprocessing)
        if given is not None and not isinstance(given, str | os.PathLike):
            encoder = (
                load_encoder(given) if isinstance(given, Encoder) else load_encoder(given, **self.reading)
            )
            if encoder.preprocessing is None and prepared is not None:
                encoder = load_encoder(encoder, preprocessing=prepared)
        else:
            path = given or copy or self.path
            if path is None:
                raise InvalidOption(
                    "The encoder was given as an object, which is not in the folder; pass it as `encoder=` to load the "
                    "predictor, or `encoder=False` to predict from representations."
                )
            unnamed = not is_named(path) and not RANDOM.fullmatch(str(path))
            if given is None and copy is None and unnamed and not Path(path).exists():
                raise InvalidCheckpoint(
                    f"The encoder `{path}` is not there any more; pass its new place as `encoder=`."
                )
            built: dict[str, Any] = (
                {}
                if path == copy or is_named(path) or is_folder(path)
                else {"architecture": self.architecture, "prefix": self.prefix or None}
            )
            encoder = load_encoder(path, preprocessing=prepared, **built, **self.reading)
        own = (weights_digest(encoder), _prepared(encoder), _reading(encoder))
        if own != (self.weights_sha256, self.preprocessing, dict(self.reading)):
            raise InvalidCheckpoint(
                f"The encoder {encoder.provenance['source']} is not the one that was certified: its weights, its "
                "preprocessing or how its output is read differ; give the same checkpoint."
            )
        if self.weights_sha256 is None:
            warnings.warn(
                f"The encoder {encoder.provenance['source']} shows no weights: whether it is the one that "
                "was certified cannot be checked.",
                BoundsWarning,
                stacklevel=5,
            )
        return encoder


def savable(encoder: Encoder) -> bool:
    """Whether the encoder can be written beside the predictor."""
    return isinstance(encoder.network, ResNet | SmallConvNet)


def weights_digest(encoder: Encoder) -> str | None:
    """SHA-256 over names, types, shapes and values of the weights; None for a callable that shows none."""
    if not isinstance(encoder.network, nn.Module):
        return None
    sha = hashlib.sha256()
    for name, weight in sorted(encoder.network.state_dict().items()):
        sha.update(f"{name} {weight.dtype} {tuple(weight.shape)} ".encode())
        sha.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _prepared(encoder: Encoder) -> str | None:
    return None if encoder.preprocessing is None else encoder.preprocessing.to_json()


def _reading(encoder: Encoder) -> dict[str, Any]:
    return {key: encoder.provenance[key] for key in _READING if key in encoder.provenance}
