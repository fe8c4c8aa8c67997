"""Text files that are whole or not there."""

from __future__ import annotations

from pathlib import Path

from bounds.files import whole_file


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text.

    Raises:
        CannotWrite: the folder is not there, is full, or may not be written.
    """
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
