"""Predictors as folders of data: reading one runs no code, and every file is checked against its digest."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bounds.encoders.checkpoints import save_encoder
from bounds.errors import BoundsError, CorruptStore, InvalidInput, InvalidOption, NotApplicable
from bounds.files import whole_folder, write_tensors
from bounds.heads.decision import Decision
from bounds.heads.encoder_reference import EncoderReference, savable
from bounds.heads.fitted import FittedHead
from bounds.heads.knn import NeighbourHead
from bounds.heads.linear import Head
from bounds.heads.parts import PredictorParts
from bounds.representations.normalization import Normalization

DESCRIPTION = "predictor.json"
_FORMAT = {"format": "bounds-predictor", "version": 1}
_HEAD, _CERTIFICATE, _REPORT, _ENCODER = (
    "head.safetensors",
    "certificate.json",
    "report.json",
    "encoder.safetensors",
)


def write_parts(predictor: PredictorParts, folder: Path, copy_encoder: bool) -> None:
    """Write `predictor.json`, `head.safetensors`, `certificate.json`, `report.json`, whole or not at all.

    Raises:
        NotApplicable, InvalidOption: as `Predictor.save`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidOption(f"`{folder}` holds other files; give a new or empty folder for the predictor.")
    head, tensors = _head_to_plain(predictor.head)
    decision = predictor.decision
    if decision.noise is not None:
        tensors["noise"] = decision.noise
    with whole_folder(folder) as part:
        write_tensors(part / _HEAD, tensors)
        (part / _CERTIFICATE).write_text(_text(predictor.certificate), encoding="utf-8")
        (part / _REPORT).write_text(_text(predictor.report), encoding="utf-8")
        if copy_encoder:
            if predictor.encoder is None or not savable(predictor.encoder):
                raise InvalidOption(
                    "`copy_encoder=True` needs a ResNet or SmallConvNet of this package as encoder; leave it out to keep a "
                    "reference."
                )
            save_encoder(predictor.encoder, part / _ENCODER)
        reference = predictor.reference
        plain = {
            **_FORMAT,
            "head": head,
            "decision": {
                "projected": decision.projected,
                "top": decision.top,
                "threshold": decision.threshold,
                "seed": decision.seed,
            },
            "normalize": {"kind": predictor.normalization.kind, "radius": predictor.normalization.radius},
            "class_names": list(predictor.class_names),
            "dim": predictor.dim,
            "encoder": None if reference is None else reference.to_plain(),
            "files": {path.name: _digest(path) for path in sorted(part.iterdir())},
        }
        (part / DESCRIPTION).write_text(_text({**plain, "sha256": _own_digest(plain)}), encoding="utf-8")


def read_parts(folder: Path, encoder: Any) -> PredictorParts:
    """Read them back; see `load_predictor`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    plain = _read(folder / DESCRIPTION)
    if {key: plain.get(key) for key in _FORMAT} != _FORMAT:
        raise InvalidInput(
            f"`{folder}` holds no predictor of this version; write it again with `predictor.save`."
        )
    if plain.pop("sha256", None) != _own_digest(plain):
        raise CorruptStore(
            f"`{folder / DESCRIPTION}` was changed after it was saved; save the predictor again."
        )
    try:
        for name, digest in plain["files"].items():
            path = folder / Path(name).name
            if not path.is_file() or _digest(path) != digest:
                raise CorruptStore(
                    f"`{path}` is missing or was changed after it was saved; save the predictor again."
                )
        if not {_HEAD, _CERTIFICATE, _REPORT} <= set(plain["files"]):
            raise CorruptStore(f"`{folder}` lacks files of a predictor; save it again.")
        tensors = load_file(folder / _HEAD)
        reference = None if plain["encoder"] is None else EncoderReference(**plain["encoder"])
        chosen = dict(plain["decision"], noise=tensors.pop("noise", None))
        if chosen["threshold"] is not None:
            chosen["threshold"] = float(chosen["threshold"])
        head = _head_from_plain(plain["head"], tensors)
        made = PredictorParts(
            head=head,
            decision=Decision(**chosen),
            normalization=Normalization(**plain["normalize"]),
            class_names=tuple(plain["class_names"]),
            dim=int(plain["dim"]),
            certificate=_read(folder / _CERTIFICATE),
            report=_read(folder / _REPORT),
            reference=reference,
        )
        _require_consistent(made)
    except (KeyError, TypeError, AttributeError, ValueError, SafetensorError) as error:
        if isinstance(error, BoundsError):
            raise
        raise InvalidInput(
            f"`{folder / DESCRIPTION}` is not the description of a predictor: {error!r}."
        ) from error
    if reference is None and encoder is not None and encoder is not False:
        raise InvalidOption(
            f"{folder} was certified on representations; it has no encoder to replace by `encoder`."
        )
    if reference is None or encoder is False:
        return made
    copy = folder / _ENCODER
    loaded = reference.load(copy if _ENCODER in plain["files"] else None, encoder)
    return replace(made, encoder=loaded)


def _require_consistent(made: PredictorParts) -> None:
    """Shapes and ranges, so that a folder made by other means fails when it is loaded and not when it predicts."""
    classes, decision, head = len(made.class_names), made.decision, made.head
    if isinstance(head, Head):
        shapes = {"weight": (head.weight, (classes, made.dim)), "bias": (head.bias, (classes,))}
    elif isinstance(head, NeighbourHead):
        shapes = {"rows": (head.rows, (len(head.labels), made.dim))}
        in_range = head.labels.ndim == 1 and bool(((head.labels >= 0) & (head.labels < classes)).all())
        if not in_range or head.num_classes != classes or not 1 <= head.neighbours <= len(head.labels):
            raise ValueError("its neighbours and their labels do not fit its classes")
    if decision.noise is not None:
        shapes["noise"] = (decision.noise, (len(decision.noise), made.dim))
    for name, (values, shape) in shapes.items():
        if values is not None and not (
            values.dtype == torch.float64
            and tuple(values.shape) == shape
            and bool(torch.isfinite(values).all())
        ):
            raise ValueError(f"`{name}` must be finite, float64 and of shape {shape}")
    if type(decision.top) is not int or not 1 <= decision.top <= classes or type(decision.seed) is not int:
        raise ValueError("its decision does not fit its classes")
    if not all(isinstance(one, str) for one in made.class_names):
        raise ValueError("its class names are not text")


def _head_to_plain(head: FittedHead) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if isinstance(head, Head):
        bias = {} if head.bias is None else {"bias": head.bias}
        return {"kind": "linear", "name": head.name}, {"weight": head.weight, **bias}
    if isinstance(head, NeighbourHead):
        plain = {"neighbours": head.neighbours, "num_classes": head.num_classes}
        return {"kind": "knn", "name": head.name, **plain}, {"rows": head.rows, "labels": head.labels}
    raise NotApplicable(
        f"The head {head.name} cannot be saved as data, only with code that would run when it is loaded; use a "
        "linear or k-NN head, or keep the object."
    )


def _head_from_plain(plain: dict[str, Any], tensors: dict[str, Tensor]) -> FittedHead:
    if plain["kind"] == "linear":
        return Head(tensors["weight"], tensors.get("bias"), plain["name"])
    if plain["kind"] == "knn":
        return NeighbourHead(
            tensors["rows"], tensors["labels"], plain["neighbours"], plain["num_classes"], plain["name"]
        )
    raise InvalidInput(f"A predictor with a head of the kind {plain['kind']!r} is not known to this version.")


def _own_digest(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(_finite(dict(plain)), sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"`{path}` cannot be read as JSON: {error}.") from error
    if not isinstance(plain, dict):
        raise InvalidInput(f"`{path}` is not a JSON object.")
    return plain


def _text(plain: Any) -> str:
    return json.dumps(_finite(plain), indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
    """Infinities become the string "Infinity", as in reports."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return "Infinity" if isinstance(value, float) and math.isinf(value) and value > 0 else value
