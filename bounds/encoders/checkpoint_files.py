"""Reads the tensors of a checkpoint file; no code of the file ever runs."""

from __future__ import annotations

import argparse
import hashlib
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bounds.encoders.state_dicts import flatten
from bounds.errors import InvalidCheckpoint, UnsafeCheckpoint

SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".pth.tar", ".bin")


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, str], str]:
    """Tensors by dotted name, safetensors metadata (empty for other formats), and the SHA-256 of the file.

    Raises:
        UnsafeCheckpoint: a file that holds Python objects beyond tensors and plain containers.
        InvalidCheckpoint: no such file, another ending, empty, or damaged.
    """
    if not path.is_file():
        raise InvalidCheckpoint(f"There is no checkpoint file at `{path}`.")
    if not path.name.endswith(SUFFIXES):
        raise InvalidCheckpoint(f"`{path.name}` must end in one of {', '.join(SUFFIXES)}.")
    if path.stat().st_size == 0:
        raise InvalidCheckpoint(f"`{path.name}` is empty; copy or download it again.")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if path.suffix == ".safetensors":
        return *_read_safetensors(path), digest
    return flatten(_read_torch(path)), {}, digest


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys())}, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as err:
        raise InvalidCheckpoint(
            f"`{path.name}` is not a whole safetensors file; copy or download it again."
        ) from err


def _read_torch(path: Path) -> Any:
    try:
        # Training scripts keep their command line in an argparse.Namespace: a bare record, nothing runs.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # a damaged pickle can raise almost anything
        refused = re.search(r"GLOBAL ([\w.]+)", str(err))
        pickled = isinstance(err, pickle.UnpicklingError) and path.open("rb").read(2)[:1] in (b"\x80", b"P")
        if refused or pickled or "TorchScript" in str(err):
            held = f" ({refused[1]})" if refused else ""
            raise UnsafeCheckpoint(
                f"`{path.name}` holds Python objects{held} and would have to run code to load, so it is "
                "refused; where you trust it, load it and export the weights with "
                "`safetensors.torch.save_file(model.state_dict(), path)`."
            ) from err
        raise InvalidCheckpoint(
            f"`{path.name}` is not a whole checkpoint written by torch.save; copy or download it again."
        ) from err
