"""What is needed to make the same report again: versions, device, file hashes, options."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from bounds.arguments import shown
from bounds.evidence.evidence import Evidence
from bounds.representations.extraction import Extracted
from bounds.version import __version__


def provenance(
    parts: Mapping[str, Extracted], options: Mapping[str, Any], encoder: Any, evidence: Evidence
) -> dict[str, Any]:
    """Everything needed to make the same report again."""
    import scipy
    import sympy

    return {
        "versions": {
            "bounds": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "sympy": sympy.__version__,
        },
        "device": str(evidence.device),
        "checkpoint": None if encoder is None else _plain(encoder.provenance),
        "data": {role: _plain(part.provenance["data"]) for role, part in parts.items()},
        "options": {key: _plain(value) for key, value in options.items()},
    }


def _plain(value: Any) -> Any:
    """Options and fingerprints as plain Python."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray | torch.Tensor):
        return _plain(value.tolist())
    if hasattr(value, "__dataclass_fields__"):
        return _plain(asdict(value))
    try:
        return str(value)
    except Exception:  # a value whose own description fails
        return shown(value)
