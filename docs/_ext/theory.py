"""The theory section: a page for every file of lemmas, what each assumption says and where it is decided, all symbols."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from assumed import assumptions, read_refuters, slug
from written import plain, replace, table

import bounds.assumptions
import bounds.proofs.lemmas
from bounds.assumptions.assumption import TITLES
from bounds.derivations.symbols import LATEX, MEANING
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.typeset import latex
from bounds.theorems import THEOREMS
from bounds.theorems.duels import claims

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Entry:
    """A lemma: the file it lies in, its name there, who reads instances of it, and the proofs that use it.

    Attributes:
        file, constant: Where it is written.
        lemma: Itself; of a dictionary each member is one.
        readers: Functions of the file that fill its placeholders: name to the first line of what they say.
        instance: A fact that it made in a proof, the shortest.
        theorems: Public names.
    """

    file: str
    constant: str
    lemma: Lemma
    readers: dict[str, str]
    instance: Fact | None = None
    theorems: list[str] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Of its place on the page of its file."""
        return "lemma-" + re.sub(r"[\W_]+", "-", f"{self.file} {self.constant}".lower()).strip("-")

    @property
    def link(self) -> str:
        """Its name as a link, from any page."""
        return f"[{plain(self.lemma.name)}](#{self.anchor})"


@cache
def lemmas() -> tuple[Entry, ...]:
    """Every lemma of the package, file by file, and what proofs make of it."""
    found = [entry for name in files() for entry in _of_file(name)]
    known: dict[tuple[str, str], list[Entry]] = {}
    for entry in found:
        known.setdefault((entry.lemma.name, entry.lemma.source), []).append(entry)
    for theorem, fact in _facts():
        # A reading may keep a part of a lemma whole, under the lemma's name and source.
        for entry in known.get((fact.lemma.name, fact.lemma.source), []) if fact.lemma is not None else []:
            if theorem not in entry.theorems:
                entry.theorems.append(theorem)
            if entry.instance is None or len(str(fact)) < len(str(entry.instance)):
                entry.instance = fact
    return tuple(found)


def files() -> list[str]:
    """Files of lemmas by name."""
    return sorted(one.name for one in pkgutil.iter_modules(bounds.proofs.lemmas.__path__))


def used_by(theorem: str) -> list[Entry]:
    """Lemmas that the proofs of a theorem, or of the claims of duels, use."""
    return [entry for entry in lemmas() if theorem in entry.theorems]


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"bounds.proofs.lemmas.{name}")


def _of_file(name: str) -> Iterator[Entry]:
    """The lemmas that a file assigns, not those that it imports, in its order."""
    module = _module(name)
    tree = ast.parse(inspect.getsource(module))
    for node in tree.body:
        for target in node.targets if isinstance(node, ast.Assign) else []:
            held = getattr(module, target.id, None) if isinstance(target, ast.Name) else None
            members = held.values() if isinstance(held, dict) else [held]
            several = len(members) > 1
            for number, one in enumerate(members, 1):
                if isinstance(one, Lemma):
                    constant = f"{target.id}-{number}" if several else target.id
                    yield Entry(name, constant, one, _readers(module, tree, target.id))


def _readers(module: ModuleType, tree: ast.Module, constant: str) -> dict[str, str]:
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            if constant in names:
                found[node.name] = (ast.get_docstring(node) or "").split("\n")[0]
    return found


LEMMAS = """
A lemma is an inequality in placeholders, with the function that reads an instance of it off a term: nobody types a
range, a count or a share by hand. *Cited* is a theorem of the literature, tested where its two sides can be computed;
*proven* one whose proof is its note, its test and random worlds. In the statements $a$ and $b$ are the two
quantities, $r$ is a range, $N$ a number of items, $\\delta$ the share of the failure probability.
""".strip()
CITED = """
These theorems are taken from the literature. Each is compared with exact distributions in small cases, or searched
for a counterexample, where its two sides can be computed; and its test fails when a constant is smaller than that of
the source. What no test can show is that they hold in all other cases: for that the source answers. Everything else
in a proof is a rule of [the kernel](kernel.md), or a lemma whose proof is its note.
""".strip()
ASSUMED = """
A bound is certified where every assumption that its proof used holds. No list is typed: the kernel collects them
while it makes the facts, A1 where both views of a pair enter a mean, A4 where a range is needed, A2, A3 and A7 where
two things have to be independent, K and prior where classes are counted. Each is declared by whoever has the data,
and the data can refute some.
""".strip()
SYMBOLS = """
Every symbol that a formula of a report or the check of a lemma may hold, with the name under which its number stands
in `bound.symbols`.
""".strip()

DUELS = "duels"  # the claims of duels, which have a page of their own in the atlas


def _facts() -> Iterator[tuple[str, Fact]]:
    """Every fact of every proof, in all its variants."""
    for name, theorem in THEOREMS.items():
        if theorem.proof is not None:
            for options in _variants(theorem.proof):
                for fact in theorem.proof(**options).fact.steps:
                    yield name, fact
    for claim in (claims.better, claims.not_worse, claims.below, claims.above):
        for fact in claim().steps:
            yield DUELS, fact


def _variants(proof: Any) -> Iterator[dict[str, object]]:
    hints, options = get_type_hints(proof), list(inspect.signature(proof).parameters)
    choices = [(False, True) if hints[key] is bool else get_args(hints[key]) for key in options]
    return (dict(zip(options, one, strict=True)) for one in product(*choices))


# -- pages


def write(docs: Path) -> None:
    """All generated pages of the section."""
    refuters = read_refuters((docs / "explanation" / "certified.md").read_text("utf-8"))
    folder = docs / "theory"
    pages = {f"{name}.md": lemma_page(name) for name in files() if any(e.file == name for e in lemmas())}
    replace(folder / "lemmas", {"index.md": lemmas_page(), **pages})
    for name, page in (
        ("assumptions", assumptions_page(refuters)),
        ("cited", cited_page()),
        ("symbols", symbols_page()),
    ):
        # Each says what other pages say already, which the search finds there.
        (folder / f"{name}.md").write_text("---\nnosearch: true\n---\n\n" + page, "utf-8")


def _theorem_links(entry: Entry) -> str:
    links = [
        "[the claims of duels](../../atlas/duels.md)"
        if name == DUELS
        else f"[`{name}`](../../atlas/theorems/{name}.md)"
        for name in entry.theorems
    ]
    return ", ".join(links) or "no registered theorem"


def lemma_page(name: str) -> str:
    """The lemmas of one file."""
    own = [entry for entry in lemmas() if entry.file == name]
    said = plain(inspect.cleandoc(_module(name).__doc__ or ""))
    test = f"tests/proofs/lemmas/test_{name}.py"
    guard = f"Guarded by `{test}`." if (ROOT / test).exists() else "**No test guards them.**"
    head = (
        f"# {name.replace('_', ' ').capitalize()}\n\n{said}\n\nIn `bounds/proofs/lemmas/{name}.py`. {guard}"
    )
    return "\n\n".join([head, *map(_lemma, own)]) + "\n"


def _lemma(entry: Entry) -> str:
    lemma = entry.lemma
    how = {
        "cited": f"Cited: {plain(lemma.source)}.",
        "proven": f"Proven, with its note and test for the proof: {plain(lemma.source)}.",
    }[lemma.kind]
    law = " It holds for independent items of unequal law." if lemma.unequal else ""
    parts = [
        f"({entry.anchor})=\n## {plain(lemma.name[:1].upper() + lemma.name[1:])}",
        f"$${latex(lemma.left)} \\le {latex(lemma.right)}$$",
    ]
    parts.append(f"{how}{law} {plain(lemma.note)}".strip())
    parts += [f"Read by `{name}`: {plain(said)}" for name, said in entry.readers.items()]
    if entry.instance is not None:
        fact = entry.instance
        parts += ["An instance:", f"$${latex(fact.lhs)} \\le {latex(fact.rhs)}$$"]
    if lemma.check is not None:
        found = lemma.check()
        parts.append(f"<small>Check {'holds' if found.holds else '**fails**'}: {plain(found.detail)}</small>")
    parts.append(f"Used by {_theorem_links(entry)}.")
    return "\n\n".join(parts)


def lemmas_page() -> str:
    """Every lemma by file."""
    rows = [
        [
            entry.link,
            entry.lemma.kind,
            plain(entry.lemma.source),
            str(len([name for name in entry.theorems if name != DUELS])),
        ]
        for entry in lemmas()
    ]
    shown = [name for name in files() if any(entry.file == name for entry in lemmas())]
    return (
        f"# Lemmas\n\n{LEMMAS}\n\n"
        + table(["lemma", "", "source", "theorems"], rows)
        + "\n\n```{toctree}\n:hidden:\n\n"
        + "\n".join(shown)
        + "\n```\n"
    )


def cited_page() -> str:
    """What is taken from the literature."""
    rows = [
        [entry.link, plain(entry.lemma.source), "yes" if entry.lemma.check is not None else "no"]
        for entry in lemmas()
        if entry.lemma.kind == "cited"
    ]
    return (
        f"# What is cited and not proven\n\n{CITED}\n\n"
        + table(["theorem", "source", "compared with exact cases"], rows)
        + "\n"
    )


def _deciders() -> dict[str, dict[str, str]]:
    """Assumption to the files of `bounds/assumptions` that speak of it in their first line, which is given."""
    found: dict[str, dict[str, str]] = {}
    for one in pkgutil.iter_modules(bounds.assumptions.__path__):
        module = importlib.import_module(f"bounds.assumptions.{one.name}")
        first = (module.__doc__ or "").split("\n")[0].replace("′", "'")
        for name in TITLES:
            if re.search(rf"(?<![\w']){re.escape(name)}(?![\w'])", first):
                found.setdefault(name, {})[one.name] = first.partition(": ")[2] or first
    return found


def assumptions_page(refuters: Mapping[str, tuple[str, str]]) -> str:
    """What each assumption says, how it is declared, what refutes it, where it is decided, who needs it."""
    deciders, parts = _deciders(), []
    for name in assumptions():
        declared, refuted = refuters.get(name, ("its theorem", "nothing"))
        needing = [theorem.name for theorem in THEOREMS.values() if name in theorem.needs]
        decided = "".join(
            f"\n- `bounds/assumptions/{one}.py`: {plain(said)}"
            for one, said in deciders.get(name, {}).items()
        )
        lines = [
            f"## {name}\n\n**{plain(TITLES.get(name, name))}**",
            f"Declared by {declared}. Refuted by {refuted}."
            + f" [How surely it is refuted, and what breaks without it](../atlas/assumptions/{slug(name)}.md).",
            *([decided.strip()] if decided else []),
            "Needed by " + ", ".join(f"[`{one}`](../atlas/theorems/{one}.md)" for one in needing) + "."
            if needing
            else "Needed by no registered theorem.",
        ]
        parts.append("\n\n".join(lines))
    return f"# Assumptions\n\n{ASSUMED}\n\n" + "\n\n".join(parts) + "\n"


def symbols_page() -> str:
    """Every symbol of the reports' formulas."""
    rows = [[f"${LATEX[name]}$", f"`{name}`", plain(meaning)] for name, meaning in MEANING.items()]
    return f"# Symbols\n\n{SYMBOLS}\n\n" + table(["", "name", "meaning"], rows) + "\n"
