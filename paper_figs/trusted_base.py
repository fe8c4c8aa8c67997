"""The files that a proof rests on, and how large they are.

    python paper_figs/trusted_base.py

Trusted is what can make a fact or decide that one holds: terms with their ranges and dependence, the rules, what may be
published, how a term is read as a number; and the lemmas with their reading functions. Names of a bound's terms,
typesetting, worlds and searches for counterexamples stand outside: a wrong one shows a true bound badly or does not
notice a false lemma, and makes neither.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROOFS = ROOT / "bounds" / "proofs"
# Nothing rests on these: `conclude` checks that what `naming` returns adds up, the others run after the proof.
SHOWN = ("naming.py", "present.py", "typeset.py", "world.py")
LIMITS = {"kernel": 800, "lemmas": 1290}


def code_lines(path: Path) -> int:
    """Lines that hold code: no blank ones, comments or docstrings."""
    source = path.read_text("utf-8")
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    strings = {
        number
        for node in ast.walk(ast.parse(source))
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
        for number in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    blank = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    held = {
        number
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in blank
        for number in range(token.start[0], token.end[0] + 1)
    }
    return len(held - strings)


def files() -> dict[str, list[Path]]:
    """The files of each part."""
    kernel = [path for path in PROOFS.glob("*.py") if path.name not in SHOWN]
    return {"kernel": sorted(kernel), "lemmas": sorted((PROOFS / "lemmas").rglob("*.py"))}


def sizes() -> dict[str, dict[str, int]]:
    """Code lines by part and file."""
    return {
        part: {str(path.relative_to(ROOT)): size for path in paths if (size := code_lines(path))}
        for part, paths in files().items()
    }


def trusted_base() -> str:
    """Code lines of each part as a table of Markdown, for the trust page."""
    lines = ["| part | code lines | largest files |", "| --- | --- | --- |"]
    for part, found in sizes().items():
        largest = sorted(found, key=lambda name: -found[name])[:4]
        shown = ", ".join(f"`{Path(name).name}` {found[name]}" for name in largest)
        lines.append(f"| {part} | {sum(found.values()):,} of at most {LIMITS[part]:,} | {shown} |")
    return "\n".join(lines)


def main() -> None:
    """Print every file with its size, and each part with its limit."""
    for part, found in sizes().items():
        print(f"{part}: {sum(found.values())} code lines, at most {LIMITS[part]}")
        for name, size in found.items():
            print(f"  {size:5d}  {name}")


if __name__ == "__main__":
    main()
