"""The search of the site knows words: numbers of tables, symbols and digests are not searched for and weigh a lot."""

from __future__ import annotations

import re
from typing import Any

from sphinx.search.en import SearchEnglish

_NO_WORD = re.compile(r"\d|_|.$|\D\D$|[0-9a-f]{32}|.{41}|[a-z]\d[a-z_]+\d")


class Words(SearchEnglish):
    """English without symbols of a letter or two, private names, digits, digests, and cells of tables run together."""

    def word_filter(self, word: str) -> bool:
        """Whether the index keeps a word."""
        return super().word_filter(word.lower()) and not _NO_WORD.match(word)


def setup(app: Any) -> dict[str, Any]:
    """In place of Sphinx's own English."""
    app.add_search_language(Words)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
