"""Proofs as pages of LaTeX."""

import re
import shutil
import subprocess

import pytest

from bounds.theorems.derive import derive, provable


@pytest.mark.parametrize("name", provable())
def test_the_page_is_ascii_with_all_that_opens_closed(name):
    page = derive(name).latex()
    assert page.isascii()
    bare = re.sub(r"\\[{}]", " ", page)
    for opened, closed in ((r"\\begin\{", r"\\end\{"), (r"\\\[", r"\\\]"), (r"\\left\b", r"\\right\b")):
        assert len(re.findall(opened, bare)) == len(re.findall(closed, bare)), opened
    depth = 0
    for sign in re.findall(r"[{}]", bare):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    assert depth == 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", ["test_set", "vicreg_certified", "simclr", "pac_bayes"])
def test_the_page_compiles(name, tmp_path):
    (tmp_path / "page.tex").write_text(derive(name).latex())
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
