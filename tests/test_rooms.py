"""The house: a room imports only from rooms below it, files of a room never in a circle."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import bounds

ROOT = Path(bounds.__file__).parent

# From the ground up. Rooms on one floor do not know each other.
FLOORS: list[set[str]] = [
    {"errors", "version"},
    {"arguments", "files", "memory", "draws", "rendering"},
    {"processes", "correlation", "summaries"},
    {"data"},
    {"encoders"},
    {"representations"},
    {"heads"},
    {"assumptions"},
    {"objectives"},
    {"evidence"},
    {"complexity", "derivations", "information"},
    {"metrics", "proofs"},
    {"pretraining", "theorems"},
    {"duels"},
    {"report", "selection", "worlds"},
    {"evaluation", "sweeps"},
    {"examples"},
    {"cli"},
    {"__main__"},
]


@cache
def _imports() -> dict[str, set[str]]:
    files = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path for path in ROOT.rglob("*.py")
    }
    names = {name.removesuffix(".__init__"): name for name in files}
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                wanted = [
                    f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in names else node.module
                    for alias in node.names
                ]
            else:
                continue
            found[name] |= {names[one] for one in wanted if one in names} - {name}
    return found


def _room(name: str) -> str:
    return name.split(".")[1]


def _floor(room: str) -> int:
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))


def test_every_room_stands_on_a_floor() -> None:
    rooms = {_room(name) for name in _imports()} - {"__init__"}
    assert rooms == set().union(*FLOORS)


def test_no_import_runs_up() -> None:
    up = [
        f"{name} -> {other}"
        for name, others in _imports().items()
        if name != "bounds.__init__"  # the front door of the house: it names what lies behind it
        for other in others
        if _room(other) != _room(name) and _floor(_room(other)) >= _floor(_room(name))
    ]
    assert up == []


def test_no_circle_between_files() -> None:
    try:
        TopologicalSorter(_imports()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("room", sorted(path.parent.name for path in ROOT.glob("*/__init__.py")))
def test_a_room_says_what_it_is_for(room: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8")))
    assert said is not None
    assert said.splitlines()[0].endswith((".", "..."))
