"""The reference of every public name, from its docstring."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from written import replace

import bounds

# What `bounds` itself offers, then the rooms behind it that say what is public.
_TOP = "bounds"


def rooms() -> dict[str, ModuleType]:
    """The package, then each room with public names, by their dotted name."""
    found = {_TOP: bounds}
    for name in sorted(bounds._MODULES):
        module = importlib.import_module(f"bounds.{name}")
        if public(module):
            found[module.__name__] = module
    return found


def public(module: ModuleType) -> list[str]:
    """Names that a room offers; the classes of a file that lists none."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return [name for name in listed if not name.startswith("__")]
    return [
        name
        for name, one in vars(module).items()
        if inspect.isclass(one) and one.__module__ == module.__name__ and not name.startswith("_")
    ]


def homes() -> dict[str, list[str]]:
    """Room to the names that are described there, each name once: where `bounds` offers it, else where it is written."""
    found = rooms()
    places: dict[int, str] = {}
    for dotted, module in found.items():
        for name in public(module):
            one = getattr(module, name)
            written_here = getattr(one, "__module__", "").startswith(f"{dotted}.") and dotted != _TOP
            if id(one) not in places or (written_here and places[id(one)] != _TOP):
                places[id(one)] = dotted
    return {
        dotted: [name for name in public(module) if places[id(getattr(module, name))] == dotted]
        for dotted, module in found.items()
    }


def write(folder: Path) -> None:
    """A page a room, the names that the package offers on the first."""
    made: dict[str, str | bytes] = {}
    for dotted, names in homes().items():
        module = rooms()[dotted]
        elsewhere = [name for name in public(module) if name not in names]
        made[f"{dotted}.rst"] = _page(dotted, module, names, elsewhere)
    listed = "\n   ".join(rooms())
    made["index.rst"] = (
        "API reference\n=============\n\nEvery public name, from its docstring. Shapes are in parentheses; entropies are in "
        f"nats; errors are classes of ``bounds.errors``.\n\n.. toctree::\n   :maxdepth: 1\n\n   {listed}\n"
    )
    replace(folder, made)


def _page(dotted: str, module: ModuleType, names: list[str], elsewhere: list[str]) -> str:
    said = escaped((module.__doc__ or "").strip())
    also = (
        f"\n\nAlso here, described elsewhere: {', '.join(f'``{name}``' for name in elsewhere)}."
        if elsewhere
        else ""
    )
    parts = [f"{dotted}\n{'=' * len(dotted)}\n\n{said}{also}\n"]
    parts += [_entry(dotted, name, getattr(module, name)) for name in names]
    return "\n".join(parts)


def _entry(dotted: str, name: str, one: Any) -> str:
    title = f"{name}\n{'-' * len(name)}\n\n"
    if inspect.isclass(one):
        return (
            f"{title}.. autoclass:: {dotted}.{name}\n   :members:\n   :exclude-members: from_dict, to_dict\n"
        )
    if callable(one):
        return f"{title}.. autofunction:: {dotted}.{name}\n"
    kind = type(one).__name__
    return f"{title}.. py:data:: {dotted}.{name}\n   :type: {kind}\n\n   {_said(one)}\n"


def _said(one: Any) -> str:
    if isinstance(one, dict):
        return "Names: " + ", ".join(f"``{key}``" for key in one) + "."
    if isinstance(one, (tuple, list, frozenset, set)):
        return "Members: " + ", ".join(f"``{member}``" for member in one) + "."
    return f"``{str(one)[:200]}``"


def escaped(text: str) -> str:
    """Prose with bars and stars of formulas, as text of reStructuredText; code between backticks stays."""
    return "".join(
        one
        if one.startswith(("``", ":"))
        else f"`{one}`"
        if one.startswith("`")
        else re.sub(r"([\\*|_])", r"\\\1", one)
        for one in re.split(r"(:[a-z]+:`[^`]*`|``[^`]*``|`[^`]*`)", text)
    )


def docstring(app: Any, what: str, name: str, one: Any, options: Any, lines: list[str]) -> None:
    """Before napoleon reads it: one entry a name, code between single backticks, signs of reStructuredText as text."""
    lines[:] = separated(lines)
    code, directive = False, -1  # inside a doctest; indentation of the directive that a line belongs to
    for i, line in enumerate(lines):
        text = line.lstrip()
        depth = len(line) - len(text)
        if text and depth <= directive:
            directive = -1
        if text.startswith(".. "):
            directive = depth
        code = text.startswith((">>>", "...")) or (code and text != "")
        if not code and directive < 0:
            lines[i] = escaped(line)


_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields|Example|Examples):$")
_SEVERAL = re.compile(r"^    (\w+(?:, \*{0,2}\w+)+): (.*)$")


def separated(lines: list[str]) -> list[str]:
    """`a, b: text` of a section as an entry for each name, so that each gets its type."""
    found: list[str] = []
    section = ""
    i = 0
    while i < len(lines):
        begun = _SECTION.match(lines[i])
        section = begun[1] if begun else "" if lines[i] and not lines[i].startswith(" ") else section
        several = _SEVERAL.match(lines[i]) if section in ("Args", "Attributes", "Raises") else None
        if several is None:
            found.append(lines[i])
            i += 1
            continue
        end = i + 1
        while end < len(lines) and lines[end].startswith("      "):
            end += 1
        for one in several[1].split(", "):
            found += [f"    {one}: {several[2]}", *lines[i + 1 : end]]
        i = end
    return found
