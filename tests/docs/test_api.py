"""Every public name is described, with every argument it takes, and its examples run."""

import doctest
import inspect
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import api

PUBLIC = {
    f"{room}.{name}": getattr(api.rooms()[room], name)
    for room, names in api.homes().items()
    for name in names
    if callable(getattr(api.rooms()[room], name))
}


def test_each_name_is_described_once():
    offered = [getattr(module, name) for module in api.rooms().values() for name in api.public(module)]
    listed = [name for names in api.homes().values() for name in names]
    assert len(listed) == len({id(one) for one in offered})


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_is_documented(name):
    one = PUBLIC[name]
    said = one.__doc__ or ""
    assert said.strip()
    assert not said.startswith(f"{one.__name__}(")  # what a dataclass without a docstring gets
    if inspect.isclass(one):
        for key, member in vars(one).items():
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if (
                inspect.isfunction(function)
                and not key.startswith("_")
                and function.__qualname__.startswith(one.__name__)
            ):
                assert function.__doc__, f"{name}.{key}"


@pytest.mark.parametrize("name", PUBLIC)
def test_every_argument_is_described(name):
    one = PUBLIC[name]
    said = inspect.getdoc(one) or ""
    given = (
        []
        if issubclass(type(one), type) and issubclass(one, Exception)
        else inspect.signature(one).parameters
    )
    unsaid = [
        key
        for key in given
        if key not in ("self", "cls", "args", "kwargs") and not re.search(rf"\b{key}\b", said)
    ]
    assert unsaid == []


def test_examples_of_public_names_run():
    finder, runner = (
        doctest.DocTestFinder(recurse=True),
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE),
    )
    tried = 0
    for name, one in PUBLIC.items():
        for example in finder.find(
            one, name, globs={"bounds": sys.modules["bounds"], **vars(sys.modules[one.__module__])}
        ):
            if example.examples:
                tried += 1
                runner.run(example)
    assert runner.summarize(verbose=False).failed == 0
    assert tried > 2


def test_text_becomes_restructured_text():
    assert api.escaped("‖a_b‖ * |c| `x`") == r"‖a\_b‖ \* \|c\| ``x``"
    assert api.escaped(":math:`x_1`") == ":math:`x_1`"
    lines = ["Args:", "    a, b: What", "        they are.", "    c: One.", "", "a, b: prose"]
    assert api.separated(lines) == [
        "Args:", "    a: What", "        they are.", "    b: What", "        they are.", "    c: One.", "", "a, b: prose"
    ]  # fmt: skip
    lines = [".. math:: a_b", "    * c", "d * e", ">>> f * g"]
    api.docstring(None, "function", "x", None, None, lines)
    assert lines == [".. math:: a_b", "    * c", r"d \* e", ">>> f * g"]
