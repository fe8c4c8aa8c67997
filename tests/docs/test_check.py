"""The check of a built site finds each kind of fault, and nothing in a sound one."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))

import check

SOUND = '<a href="other.html#there">x</a><a href="https://elsewhere.org">y</a><math><mi>x</mi></math><code>\\frac</code>'


def site(folder: Path, page: str) -> list[str]:
    (folder / "index.html").write_text(page)
    (folder / "other.html").write_text('<p id="there">z</p>')
    return list(check.faults(folder))


def test_a_sound_site(tmp_path):
    assert site(tmp_path, SOUND) == []


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ('<a href="gone.html">x</a>', "leads to nothing"),
        ('<a href="other.html#gone">x</a>', "does not have"),
        ('<a href="#gone">x</a>', "does not have"),
        ('<script src="https://cdn.org/a.js"></script>', "not of this site"),
        ('<img src="gone.png">', "not of this site"),
        ('<link rel="stylesheet" href="//cdn.org/a.css">', "not of this site"),
        (r"<p>so $\frac{1}{2}$</p>", "not set"),
        (r"<p>\[ \sqrt{2} \]</p>", "not set"),
        ("<p>" + "x" * check.MOST + "</p>", "weighs"),
    ],
)
def test_each_fault_is_found(tmp_path, page, said):
    assert [said in fault for fault in site(tmp_path, page)] == [True]


def test_what_a_page_loads_counts_for_it(tmp_path):
    (tmp_path / "large.png").write_bytes(b"x" * check.MOST)
    assert "weighs" in site(tmp_path, '<img src="large.png">')[0]
