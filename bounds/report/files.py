"""Text files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bounds.errors import InvalidOption


def write_text(path: str | Path, text: str) -> None:
    """Write under a temporary name, then rename: a reader never sees half a file.

    Raises:
        InvalidOption: if the folder does not exist or cannot be written.
    """
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
    except OSError as error:
        raise InvalidOption(f"Cannot write `{target}`: {error.strerror}; create its folder first.") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
