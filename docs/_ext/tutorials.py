"""The notebooks as pages, with the outputs they were last run with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from written import replace

HEAVY = 150_000  # characters of an output that would make a page heavy; its text says the same in less


def write(notebooks: Path, folder: Path) -> None:
    """Put them beside the page that lists them."""
    kept = {"index.md": (folder / "index.md").read_bytes()}
    replace(folder, kept | {path.name: light(path) for path in sorted(notebooks.glob("*.ipynb"))})


def light(notebook: Path) -> str:
    """The notebook; where an output is heavy and has a text as well, that text alone."""
    found = json.loads(notebook.read_text("utf-8"))
    for cell in found["cells"]:
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            if "text/plain" in shown and len("".join(shown.get("text/html", ""))) > HEAVY:
                del shown["text/html"]
    return json.dumps(found, ensure_ascii=False)


def inside(app: Any, name: str, source: list[str]) -> None:
    """Links to notebooks of the repository lead to their pages."""
    source[0] = source[0].replace("](../../notebooks/", "](../tutorials/")
