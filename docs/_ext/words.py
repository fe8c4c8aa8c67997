"""The search of the site knows words: numbers of tables, symbols and digests are not searched for and weigh a lot."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sphinx.search.en import SearchEnglish

_NO_WORD = re.compile(r"\d|_|.$|\D\D$|[0-9a-f]{32}|.{41}|[a-z]\d[a-z_]+\d")


class Words(SearchEnglish):
    """English without symbols of a letter or two, private names, digits, digests, and cells of tables run together."""

    def word_filter(self, word: str) -> bool:
        """Whether the index keeps a word."""
        return super().word_filter(word.lower()) and not _NO_WORD.match(word)


def _once(app: Any, failure: Exception | None) -> None:
    """Without the entries of the general index: each is an object or a title, which the search finds as well."""
    index = Path(app.outdir) / "searchindex.js"
    if failure is None and index.is_file():
        start, end = "Search.setIndex(", ")"
        text = index.read_text(encoding="utf-8").removeprefix(start).removesuffix(end)
        found = json.dumps({**json.loads(text), "indexentries": {}}, separators=(",", ":"), sort_keys=True)
        index.write_text(start + found + end, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """In place of Sphinx's own English."""
    app.add_search_language(Words)
    app.connect("build-finished", _once)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
