"""The LaTeX table holds a row a bound by family, and somebody else's words stay words."""

import re
import shutil
import subprocess

import pytest

from bounds.report.latex import escape
from tests.report.conftest import HOSTILE, hostile


def test_a_row_a_bound_and_a_head_a_family(whole):
    table = whole.to_latex()
    families = whole.verdict.families
    assert table.count(r"\\") == len(whole) + len(families) + 1
    assert table.count(r"\midrule") == len(families)
    assert r"\texttt{vicreg\_certified}" in table
    assert table.splitlines()[1] == "% " + whole.verdict.answer.replace("%", "percent")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_name_is_a_command(whole, text):
    table = hostile(whole, text).to_latex()
    assert table.isascii() or all(one < "\u0250" for one in table)
    body = [line for line in table.splitlines() if not line.startswith("%")]
    assert all(line.startswith((r"\begin", r"\end", r"\toprule", r"\midrule", r"\bottomrule", "bound", r"\multicolumn",
                                r"\texttt")) for line in body)  # fmt: skip
    commands = set(re.findall(r"\\([A-Za-z]+)", "\n".join(body)))
    assert not {"input", "write", "include", "def", "csname"} & commands
    for line in body:
        assert len(re.findall(r"(?<!\\)&", line)) in (0, 5)
        assert not re.search(r"(?<!\\)[#%_]", line)
        assert line.count("{") - line.count(r"\{") == line.count("}") - line.count(r"\}")


def macros(nodes):
    """Every command and environment in a parsed table, and the characters of its text."""
    from pylatexenc import latexwalker as walker

    for node in nodes:
        if isinstance(node, walker.LatexCharsNode):
            yield "text", node.chars
        elif isinstance(node, walker.LatexGroupNode):
            yield from macros(node.nodelist)
        elif isinstance(node, walker.LatexEnvironmentNode):
            yield "environment", node.environmentname
            yield from macros(node.nodelist)
        elif isinstance(node, walker.LatexMathNode):
            yield "math", node.latex_verbatim()
        elif isinstance(node, walker.LatexMacroNode):
            yield "macro", node.macroname
            yield from macros([one for one in node.nodeargd.argnlist if one] if node.nodeargd else [])
        elif isinstance(node, walker.LatexSpecialsNode):
            yield "special", node.specials_chars


OURS = {"environment": {"tabular"}, "math": {r"$\le$", r"$\lambda$", r"$\delta$", "$'$", "$-$", r"$\infty$"}}
OURS["macro"] = {"toprule", "midrule", "bottomrule", "multicolumn", "emph", "texttt", "ldots", "\\"}
OURS["macro"] |= {"&", "%", "#", "_", "{", "}", "$", *(f"text{one}" for one in (
    "backslash", "asciicircum", "asciitilde", "less", "greater", "bar", "quotedbl"))}  # fmt: skip
OURS["special"] = {"&", "--", "``", "''", "!`", "?`", "---"}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_parser_finds_no_command_but_ours(whole, text):
    walker = pytest.importorskip("pylatexenc.latexwalker")
    context = walker.get_default_latex_context_db()

    def found(table):
        return list(macros(walker.LatexWalker(table, context, tolerant_parsing=False).get_latex_nodes()[0]))

    parsed = found(hostile(whole, text).to_latex())
    for kind, allowed in OURS.items():
        assert {one for name, one in parsed if name == kind} <= allowed
    assert not any("|" in one for kind, one in parsed if kind == "text")
    assert ("macro", "input") in found(r"\input{x}")
    with pytest.raises(walker.LatexWalkerParseError):
        found(r"\begin{tabular}{l} {a \end{tabular}")


def test_every_special_character_is_plain():
    assert escape(r"\a_b{c}") == r"\textbackslash{}a\_b\{c\}"
    assert escape("a\nb\u202ec") == "a b?c"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_sets_it(whole, tmp_path):
    page = (
        r"\documentclass{article}\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}\usepackage{booktabs}"
        r"\begin{document}\tiny " + hostile(whole, HOSTILE[2]).to_latex() + r"\end{document}"
    )
    (tmp_path / "page.tex").write_text(page)
    subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"], cwd=tmp_path, check=True
    )
