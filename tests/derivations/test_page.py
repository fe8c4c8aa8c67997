"""Proofs as pages of LaTeX."""

import shutil
import subprocess

import pytest

from bounds.theorems.derive import derive


def test_the_page_is_ascii_with_balanced_braces_and_environments():
    page = derive("test_set").latex()
    assert page.isascii()
    bare = page.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert page.count(r"\begin{") == page.count(r"\end{")
    assert page.count(r"\[") == page.count(r"\]")


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
