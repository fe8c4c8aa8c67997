"""Pictures of the built site with a palette of 256 colours where that makes the file smaller: plots look the same."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image


def shrink(folder: Path) -> None:
    """Every PNG of a folder."""
    for path in sorted(folder.glob("*.png")):
        made = io.BytesIO()
        with Image.open(path) as picture:
            if picture.convert("RGBA").getextrema()[3] != (255, 255):
                continue  # a palette would lose what shines through
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
        if made.tell() < path.stat().st_size:
            path.write_bytes(made.getvalue())


def _finished(app: Any, exception: Exception | None) -> None:
    if exception is None:
        shrink(Path(app.outdir) / "_images")


def setup(app: Any) -> dict[str, Any]:
    """Register the step after the build."""
    app.connect("build-finished", _finished)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
