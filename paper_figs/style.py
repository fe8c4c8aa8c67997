"""One look for all figures: column widths, a colour-blind-safe palette, and files that name their origin."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito, ordered so that neighbours differ in lightness as well as hue.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#F0E442")
COLUMN, PAGE = 3.3, 6.9  # inches: one column, two columns
ROOT = Path(__file__).resolve().parents[1]

RC = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,  # text stays text
    "ps.fonttype": 42,
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw without a display, in the common style, and leave the global settings as they were."""
    import matplotlib as mpl

    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of the dates within fonts
    mpl.use("Agg")
    with mpl.rc_context({**RC, "axes.prop_cycle": mpl.cycler(color=PALETTE)}):
        yield


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options every figure script has: --quick, --out, --data, --seed."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help="a small version of the figure, in seconds")
    made.add_argument("--out", type=Path, default=Path("figures"), help="folder for the files")
    made.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("BOUNDS_DATA", ROOT.parent / "shared" / "data")),
        help="folder of image data sets (default: $BOUNDS_DATA)",
    )
    made.add_argument("--seed", type=int, default=0)
    return made


def provenance(**settings: Any) -> dict[str, Any]:
    """What a reader needs to make the file again: script, settings, versions, commit, date."""
    import matplotlib as mpl
    import numpy as np
    import torch

    return {
        "script": Path(sys._getframe(1).f_code.co_filename).name,
        # Folders by their name alone: where they lay on one machine helps nobody.
        "settings": {
            key: value.name if isinstance(value, Path) else value for key, value in settings.items()
        },
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "versions": {"numpy": np.__version__, "torch": torch.__version__, "matplotlib": mpl.__version__},
    }


def commit() -> str:
    """The commit of this checkout, marked where files differ from it; `unknown` outside a checkout."""
    try:
        asked = ("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12")
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def save(figure: Figure, name: str, out: Path) -> tuple[Path, Path]:
    """Write `name`.pdf and `name`.png into `out`, each whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    paths = out / f"{name}.pdf", out / f"{name}.png"
    for path in paths:
        partial = path.with_suffix(f".part{path.suffix}")
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else None
        figure.savefig(partial, metadata=metadata)
        os.replace(partial, path)
    return paths


def write_csv(frame: pd.DataFrame, name: str, out: Path, provenance: Mapping[str, Any]) -> Path:
    """Write the numbers of a figure with its provenance as `# key: value` lines above (read: comment="#")."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.csv"
    partial = path.with_suffix(".part.csv")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        for key, value in provenance.items():
            stream.write(f"# {key}: {value if isinstance(value, str) else json.dumps(value)}\n")
        frame.to_csv(stream, index=False, lineterminator="\n")
    os.replace(partial, path)
    return path


def publish(
    draw: Callable[[pd.DataFrame], Figure],
    rows: pd.DataFrame,
    name: str,
    options: argparse.Namespace,
    **notes: Any,
) -> None:
    """Write the numbers, then the figure drawn from nothing but them."""
    script = Path(draw.__code__.co_filename).name
    origin = provenance(**vars(options)) | {"script": script, **notes}
    write_csv(rows, name, options.out, origin)
    with paper_style():
        save(draw(rows), name, options.out)


def end_label(axes: Axes, x: float, y: float, text: str, color: str, **moved: Any) -> None:
    """Name a curve at its right end, in its colour."""
    axes.annotate(
        text,
        (x, y),
        (4, moved.get("up", 0)),
        textcoords="offset points",
        color=color,
        fontsize=7,
        va="center",
    )


def spread(values: list[float], least: float) -> list[float]:
    """Positions near `values`, in their order, at least `least` apart: for labels that would overlap."""
    order = sorted(range(len(values)), key=values.__getitem__)
    placed = list(values)
    for _ in range(200):
        for low, high in pairwise(order):
            short = least - (placed[high] - placed[low])
            if short > 1e-12:
                placed[low] -= short / 2
                placed[high] += short / 2
    return placed


def end_labels(axes: Axes, ends: Mapping[str, tuple[float, float, str]], points: float = 8.0) -> None:
    """Name curves at their right ends (x, y, colour), apart from each other; call when the limits are set."""
    axes.figure.draw_without_rendering()
    height = {
        name: axes.transData.transform((x, y))[1] * 72 / axes.figure.dpi for name, (x, y, _) in ends.items()
    }
    for (name, (x, y, color)), up in zip(ends.items(), spread(list(height.values()), points), strict=True):
        end_label(axes, x, y, name, color, up=up - height[name])
