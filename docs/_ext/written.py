"""Writing generated pages: a file is touched only where its text changes, and what is no longer made goes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def replace(folder: Path, pages: Mapping[str, str | bytes]) -> None:
    """The folder holds exactly these files, all of them made."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        data = text.encode() if isinstance(text, str) else text
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def plain(text: str) -> str:
    """Text of anybody's, so that Markdown shows it as it stands; code between backticks stays code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        one if one.startswith("`") else re.sub(r"([\\*_<>|$\[\]{}~#])", r"\\\1", one) for one in parts
    )


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown; a bar inside a cell is written as an entity."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("\n", " ") for cell in line) + " |" for line in lines)
