"""The code of the how-to pages runs; what needs weights or a network is marked `python no-run`."""

import re
import tomllib
from pathlib import Path

import pytest

import bounds
from bounds.theorems import THEOREMS

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs" / "howto").glob("*.md"))}


@pytest.mark.slow
@pytest.mark.parametrize("page", [name for name, text in PAGES.items() if "```python\n" in text])
def test_page_runs(page, tmp_path, monkeypatch):
    if page == "use-the-predictor.md":
        pytest.skip("goes on from a report and images of the reader's")
    monkeypatch.chdir(tmp_path)
    known = set(THEOREMS)
    try:
        exec(
            "\n".join(re.findall(r"^```python\n(.*?)^```", PAGES[page], flags=re.M | re.S)),
            {"__name__": "__main__"},
        )
    finally:
        for name in set(THEOREMS) - known:
            del THEOREMS[name]


def test_every_page_is_in_the_list():
    listed = re.findall(r"\]\(([\w-]+\.md)\)", PAGES["index.md"])
    assert sorted(listed) == sorted(set(PAGES) - {"index.md"})


def test_every_notebook_is_in_the_list_of_tutorials():
    listed = re.findall(
        r"\]\(\.\./\.\./notebooks/(\S+)\)", (ROOT / "docs" / "tutorials" / "index.md").read_text("utf-8")
    )
    assert listed == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_readme_leads_to_pages_that_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert "docs/trust.md" in links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_version_is_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), flags=re.M)
    assert cited is not None
    assert {project["version"], cited[1]} == {bounds.__version__}


def test_the_workflow_and_the_parts_are_one():
    """The public workflow runs what `.ci/run` runs, and names no part that is not there."""
    run = (ROOT / ".ci" / "run").read_text("utf-8")
    parts = set(re.search(r"^parts=\((.*)\)$", run, flags=re.M)[1].split())
    extra = set(re.search(r"^extra=\(([^)]*)\)", run, flags=re.M)[1].split())
    called = re.findall(
        r"- run: \.ci/run ?(.*)$", (ROOT / ".github/workflows/ci.yml").read_text("utf-8"), flags=re.M
    )
    assert "" in called  # all parts
    assert {"docs", "package"} <= parts
    assert set(" ".join(called).split()) <= extra | parts
