"""No docstring or comment points at a page that a reader of the package does not have."""

import re
from pathlib import Path

import bounds

ROOT = Path(bounds.__file__).parents[1]
SOURCES = sorted((ROOT / "bounds").rglob("*.py"))


def test_pages_that_the_package_names_exist() -> None:
    missing = [
        (path.name, page)
        for path in SOURCES
        for page in re.findall(r"docs/[\w/-]+\.(?:md|ipynb)", path.read_text("utf-8"))
        if not (ROOT / page).exists()
    ]
    assert not missing


def test_no_file_cites_a_section_of_notes_that_are_not_here() -> None:
    cited = re.compile(r"\b(theory|design|notes)(\.md)?,? §")
    assert not [path.name for path in SOURCES if cited.search(path.read_text("utf-8"))]
