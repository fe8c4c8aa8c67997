"""What a built site must be: python docs/check.py site. Links resolve, pages are light, nothing comes from elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

MOST = 1_000_000  # bytes of a page with all it loads
_LOADS = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "object": "data"}
_UNSET = re.compile(r"\$\\[a-zA-Z]|\\(?:frac|displaystyle|sqrt|mathbb|left|right|operatorname|begin)\b|\$\$")


@dataclass
class Page(HTMLParser):
    """What a page links to, loads and shows."""

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    _quiet: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element."""
        given = {key: value or "" for key, value in attrs}
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") not in ("stylesheet", "preload", "icon", "shortcut icon"):
            return
        if tag in _LOADS and given.get(_LOADS[tag]):
            self.loads.append(given[_LOADS[tag]])
        if tag in ("script", "style", "code", "pre", "math"):
            self._quiet.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Its end."""
        if self._quiet and self._quiet[-1] == tag:
            self._quiet.pop()

    def handle_data(self, data: str) -> None:
        """Text that a reader sees as prose."""
        if not self._quiet:
            self.text.append(data)


def faults(site: Path) -> Iterator[str]:
    """Everything that is wrong with a site, a line each."""
    made = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    pages = {path.resolve(): Page(path) for path in made}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for link in page.links:
            reason = _broken(path, link, pages)
            if reason:
                yield f"{name}: link {link!r} {reason}"
        for load in page.loads:
            if not load.startswith("data:") and _local(path, load) is None:
                yield f"{name}: loads {load!r}, which is not of this site or is missing"
        weight = _weight(path, page)
        if weight > MOST:
            yield f"{name}: weighs {weight:,} bytes with all it loads, more than {MOST:,}"
        for text in page.text:
            unset = _UNSET.search(text)
            if unset:
                yield f"{name}: formula that is not set, at {text[max(0, unset.start() - 20) : unset.end() + 40]!r}"


def _local(page: Path, reference: str) -> Path | None:
    """The file behind a reference of a page; None where it is elsewhere or missing."""
    parts = urlsplit(reference)
    if parts.scheme or parts.netloc:
        return None
    file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    return file if file.is_file() else None


def _broken(page: Path, link: str, pages: dict[Path, Page]) -> str | None:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    file = _local(page, link)
    if file is None:
        return "leads to nothing"
    anchor = unquote(parts.fragment)
    if anchor and file in pages and anchor not in pages[file].anchors:
        return "names a place that its page does not have"
    return None


def _weight(path: Path, page: Page) -> int:
    """Bytes of the page, its scripts, styles and pictures, and of the fonts that the styles preload."""
    files = {file for load in page.loads if (file := _local(path, load))}
    return path.stat().st_size + sum(file.stat().st_size for file in files)


def main() -> int:
    """Print the faults; 1 where there are any."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site")
    if not (site / "index.html").is_file():
        print(f"{site} holds no site", file=sys.stderr)
        return 2
    found = list(faults(site))
    print(
        "\n".join(found) or f"{len(list(site.rglob('*.html')))} pages: links resolve, nothing from elsewhere"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
