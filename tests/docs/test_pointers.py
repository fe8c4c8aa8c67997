"""Nothing that a reader of the package finds points at a file that is not there."""

import re
from pathlib import Path

import bounds

ROOT = Path(bounds.__file__).parents[1]
SOURCES = sorted((ROOT / "bounds").rglob("*.py"))
READ = [
    *SOURCES,
    *sorted((ROOT / "docs" / "_ext").glob("*.py")),
    *sorted((ROOT / "paper_figs").glob("*.py")),
    *sorted((ROOT / "tests").rglob("*.py")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", ".ci/run", "pyproject.toml")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "atlas" not in path.parts),
]
POINTER = re.compile(r"(?<![\w/.-])(?:bounds|docs|notebooks|paper_figs|tests)/[\w/.-]+\.(?:py|md|ipynb)\b")
# Made by the build of the site, or by a test in a folder of its own.
MADE = re.compile(r"^docs/(?:atlas|api|gallery)/|/a\.py$")


def test_files_that_are_named_exist() -> None:
    missing = [
        (str(path.relative_to(ROOT)), named)
        for path in READ
        for named in POINTER.findall(path.read_text("utf-8"))
        if not MADE.search(named) and not (ROOT / named).exists()
    ]
    assert missing == []


def test_pointers_are_found() -> None:
    text = "see `docs/trust.md`, {}/a_b/test_c.py: and x/docs/no.md".format("tests")
    assert POINTER.findall(text) == ["docs/trust.md", "/".join(("tests", "a_b", "test_c.py"))]


def test_no_file_cites_a_section_of_notes_that_are_not_here() -> None:
    cited = re.compile(r"\b(?:theory|design|notes)(?:\.md)?(?:,? §|: [A-Z]\d)", flags=re.I)
    assert not [path.name for path in SOURCES if cited.search(path.read_text("utf-8"))]
    assert cited.search("(theory: K4)")
    assert cited.search("Theory §2")
