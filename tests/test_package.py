"""The package imports at the cost of torch, and ships what it needs."""

import subprocess
import sys
from pathlib import Path

import pytest

import bounds

HEAVY = (
    "matplotlib",
    "seaborn",
    "sympy",
    "sklearn",
    "scipy",
    "kornia",
    "pandas",
    "pyarrow",
    "torchmetrics",
    "typer",
)


def test_import_loads_nothing_heavy_beside_torch():
    code = (
        "import sys, torch; before = set(sys.modules); import bounds; "
        "print([m for m in sorted({n.split('.')[0] for n in set(sys.modules) - before})])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not [name for name in HEAVY if f"'{name}'" in loaded]


def test_public_names_resolve_and_others_raise():
    for name in bounds.__all__:
        assert getattr(bounds, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = bounds.no_such_name


def test_embedded_checkpoints_are_small():
    folder = Path(bounds.__file__).parent / "examples"
    assert sum(path.stat().st_size for path in folder.glob("digits_*.safetensors")) < 1_000_000
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) < 9_000_000
