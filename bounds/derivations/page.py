"""A proof as a page of LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bounds.derivations.printing import latex_of

if TYPE_CHECKING:
    from bounds.derivations.steps import Derivation, Step

_PREAMBLE = r"""\documentclass{article}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\usepackage{amsmath,amssymb}
\setlength{\parindent}{0pt}
\begin{document}
"""
_SPECIAL = {character: "\\" + character for character in "&%#_{}$"} | {
    "\\": r"\textbackslash{}",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}


def escape(text: str) -> str:
    """Plain text inside LaTeX."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _display(formula: str) -> str:
    return f"\\[\n{formula}\n\\]\n"


def _step(number: int, step: Step) -> str:
    source = f", {escape(step.source)}" if step.source else ""
    note = f" {escape(step.note)}" if step.note else ""
    mark = "holds" if step.holds else "FAILS"
    return (
        f"\\textbf{{{number}. {escape(step.name)}}} ({escape(step.rule)}{source}).{note}\n"
        + _display(step.latex)
        + f"{{\\small \\emph{{{step.kind} check}}: {mark}; {escape(step.result.detail)}.}}\n\n\\medskip\n"
    )


def latex_page(derivation: Derivation) -> str:
    """The whole chain, then the bound term by term."""
    terms = "".join(
        f"\\texttt{{{escape(name)}}}\n{_display(derivation.expression.latex(name))}"
        for name in derivation.expression.terms
    )
    how = "the square root of the sum" if derivation.expression.combine == "root" else "the sum"
    return (
        _PREAMBLE
        + f"\\section*{{\\texttt{{{escape(derivation.title)}}}}}\n"
        + f"Except with probability ${latex_of(derivation.failure)}$, ${derivation.goal_latex}$ is "
        + f"at most {'minus ' * derivation.lower}{how} of the terms at the end of this page.\n\n\\medskip\n"
        + "".join(_step(number, step) for number, step in enumerate(derivation.steps, 1))
        + f"\\subsection*{{The bound: {how} of}}\n{terms}"
        + "\\end{document}\n"
    )
