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

import bounds

PUBLIC = {
    f"{room}.{name}": getattr(api.rooms()[room], name)
    for room, names in api.homes().items()
    for name in names
    if callable(getattr(api.rooms()[room], name))
}
DOORS = [name for name, one in PUBLIC.items() if not (inspect.isclass(one) and issubclass(one, Exception))]


def examples(name: str) -> list[doctest.DocTest]:
    """Of a name and its members, with nothing imported but `bounds`."""
    found = doctest.DocTestFinder().find(PUBLIC[name], name, globs={"bounds": bounds})
    return [one for one in found if one.examples]


def test_each_name_is_described_once():
    offered = [getattr(module, name) for module in api.rooms().values() for name in api.public(module)]
    listed = [name for names in api.homes().values() for name in names]
    assert len(listed) == len({id(one) for one in offered})


def test_every_public_name_and_member_is_documented():
    bare = []
    for name, one in PUBLIC.items():
        said = one.__doc__ or ""
        if not said.strip() or said.startswith(
            f"{one.__name__}("
        ):  # what a dataclass without a docstring gets
            bare.append(name)
        for key, member in vars(one).items() if inspect.isclass(one) else ():
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            own = inspect.isfunction(function) and function.__qualname__.startswith(one.__name__)
            if own and not key.startswith("_") and not function.__doc__:
                bare.append(f"{name}.{key}")
    assert bare == []


def test_every_argument_is_described():
    unsaid = []
    for name, one in PUBLIC.items():
        said = inspect.getdoc(one) or ""
        error = inspect.isclass(one) and issubclass(one, Exception)
        for key, given in ({} if error else inspect.signature(one).parameters).items():
            many = given.kind in (given.VAR_POSITIONAL, given.VAR_KEYWORD)
            if key != "self" and not many and not re.search(rf"\b{key}\b", said):
                unsaid.append(f"{name}({key})")
    assert unsaid == []


def test_every_public_name_has_an_example():
    assert [name for name in DOORS if not (examples(name) and examples(name)[0].name == name)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", DOORS)
def test_example_runs_as_it_is_pasted(name):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in examples(name):
        runner.run(example)
    assert runner.summarize(verbose=False).failed == 0


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
