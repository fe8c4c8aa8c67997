"""Change one constant, sign, count, comparison or refusal of the proofs at a time, and see which tests notice.

    python -m tests.mutation --count 300 --consistent --output tests/results/mutation.json

Each mutant is one edit of one file of `bounds/proofs` or of a theorem with a kernel proof, and runs in a process forked
from one that has imported everything and collected all tests. A change inside a function is put into the living function,
any other one in place of the file, and the package and its tests are loaded again. Of the tests those that call the
function run until the first failure, the ones first that caught others of its file, then the cheapest. For a mutant that
no test notices, the conclusions of all proofs are compared in direction: one that makes a bound smaller is unsound, one
that changes no bound or makes it larger is harmless.

`--plain` makes some of the changes once more in a copy of the tree where plain pytest runs, and compares what is said.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import gc
import hashlib
import importlib
import json
import math
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import _lru_cache_wrapper, cache
from importlib import util
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests.mutation_changes import ROOT, Mutant, consistent, files, mutants

TESTS = "tests/proofs"
ALL_TESTS = (TESTS, "tests/theorems")
# Processor time of one test, or of the values of all bounds, after which a change is said to have no end.
SECONDS = 120
# What stands in the other modules was made by these files when it was imported: normal forms, terms and weights.
MADE_WHEN_IMPORTED = ("terms.py", "choices.py", "closed.py")
PYTEST = ["-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin", "--rootdir", str(ROOT)]


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: "caught" by a test, "refused" when it loads, or "survived"; how bounds moved."""

    mutant: Mutant
    verdict: str
    bounds: str
    by: str = ""


# Functions that are called: every function of a file that is changed says so when it starts.

_SEEN = set[str]()


class _Watched(ast.NodeTransformer):
    """Each function starts by naming its place."""

    def __init__(self, file: str) -> None:
        self.file = file

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        place = ast.Constant(f"{self.file}:{_start(node)}")
        called = ast.Expr(ast.Call(ast.Name("__seen__", ast.Load()), [place], []))
        documented = ast.get_docstring(node, clean=False) is not None
        node.body.insert(int(documented), ast.copy_location(called, node.body[0]))
        return ast.fix_missing_locations(node)


def _compiled(file: str, source: str) -> CodeType:
    return compile(_Watched(file).visit(ast.parse(source)), str(ROOT / file), "exec")


class _Sources:
    """Loads the files that are changed: watched, and with other sources where there are any."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.sources = sources

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        file = fullname.replace(".", "/") + ".py"
        if file not in self.sources:
            return None
        source = self.sources[file]

        class Loader(SourceFileLoader):
            def get_code(self, name: str) -> CodeType:
                return _compiled(file, source)

        return util.spec_from_file_location(fullname, ROOT / file, loader=Loader(fullname, str(ROOT / file)))


def _start(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


@cache
def _functions(file: str) -> list[tuple[int, int, int]]:
    """First line, first line of the body, last line: defaults of arguments are made when the file is imported."""
    tree = ast.parse((ROOT / file).read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [(_start(node), node.body[0].lineno, node.end_lineno or 0) for node in found]


def _function(file: str, line: int) -> str:
    """The innermost function whose body holds a line."""
    around = [start for start, body, end in _functions(file) if body <= line <= end]
    return f"{file}:{max(around)}" if around else ""


@cache
def _called_when_imported(file: str) -> set[str]:
    """Functions of a file that its own statements call, themselves or through others of the file."""
    tree = ast.parse((ROOT / file).read_text())
    bodies = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting: list[ast.AST] = [
        node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    found = set[str]()
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in bodies:
                name = node.func.id
                if f"{file}:{_start(bodies[name])}" not in found:
                    found.add(f"{file}:{_start(bodies[name])}")
                    waiting.append(bodies[name])
    return found


def _reloads(edit: Mutant) -> bool:
    """Whether an edit has its effect when its file is imported, not when a function is called."""
    place = _function(edit.file, edit.line)
    made = Path(edit.file).name in MADE_WHEN_IMPORTED or place in _called_when_imported(edit.file)
    return not place or made


# Which tests may notice a change


@dataclass
class Tests:
    """What the tests cost and call, and which of them caught mutants so far.

    Attributes:
        seconds: Processor time of each test.
        calls: Functions of the files that are changed that each test calls, as "file:first line".
        caught: How many mutants of a file each test caught.
    """

    seconds: dict[str, float]
    calls: dict[str, set[str]]
    caught: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def known(cls, items: list[pytest.Item], at_once: int) -> Tests:
        """Measured once for each state of the sources, each file of tests in a process of its own."""
        of_files = defaultdict(list)
        for item in items:
            of_files[item.location[0]].append(item)
        saved = Path(tempfile.gettempdir()) / f"bounds-mutation-{digest(items)}.json"
        if not saved.exists():
            found = _forked(
                ((file, lambda some=some: _measured(some)) for file, some in of_files.items()), at_once
            )
            whole: dict[str, Any] = {}
            for _, one in found:
                whole |= one
            saved.write_text(json.dumps(whole))
        measured = json.loads(saved.read_text())
        return cls(
            {test: seconds for test, (seconds, _) in measured.items()},
            {test: set(called) for test, (_, called) in measured.items()},
        )

    def of(self, edits: Iterable[Mutant]) -> list[str]:
        """Tests that may notice any of some edits: likely ones first, then cheap ones.

        Kernel and lemmas are guarded by the tests of the kernel alone, theorems by all.
        """
        wanted, before = set[str](), Counter[str]()
        for edit in edits:
            wanted |= self._calling(edit)
            before.update(self.caught[edit.file])
        first = [test for test, _ in before.most_common(12) if test in wanted]
        return first + sorted(wanted - set(first), key=lambda test: self.seconds[test])

    def _calling(self, edit: Mutant) -> set[str]:
        guards = "" if "/theorems/" in edit.file else TESTS
        place = _function(edit.file, edit.line)

        def noticed_by(called: set[str]) -> bool:
            if not _reloads(edit):
                return place in called
            # What a file holds once it is imported: of a theorem all tests that use the file, of the kernel all that call
            # anything, as a flag or a default is looked at without a call.
            used = edit.file + ":" if "/theorems/" in edit.file else ""
            return any(one.startswith(used) for one in called)

        return {test for test, called in self.calls.items() if test.startswith(guards) and noticed_by(called)}


def digest(items: list[pytest.Item]) -> str:
    """Of the package and the tests: outcomes are of another tree where this is another."""
    sources = [*(ROOT / "bounds").rglob("*.py"), *{item.path for item in items}]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:16]


def _measured(items: list[pytest.Item]) -> dict[str, tuple[float, list[str]]]:
    """What each test costs and calls, when nothing is remembered."""
    found: dict[str, tuple[float, list[str]]] = {}
    for item, following in zip(items, [*items[1:], None], strict=True):
        _forget_results()
        _SEEN.clear()
        start = time.process_time()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        found[item.nodeid] = time.process_time() - start, sorted(_SEEN)
    return found


# A change in a living process


@cache
def _living() -> tuple[dict[CodeType, list[FunctionType]], list[Any]]:
    """Functions of the package by their code, and every cache of results."""
    functions = defaultdict(list)
    caches = []
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(str(ROOT / "bounds")):
            functions[one.__code__].append(one)
        elif isinstance(one, _lru_cache_wrapper) and str(one.__module__).startswith(("bounds", "tests")):
            caches.append(one)
    return functions, caches


def _forget_results() -> None:
    """Empty every cache of results, so that the next test computes what it needs."""
    for one in _living()[1]:
        one.cache_clear()


def _put(file: str, source: str) -> None:
    """Give every living function of a file the code that it has in another source.

    Raises:
        ValueError: the new code needs other variables of the function around it.
    """
    functions = _living()[0]
    for old, new in _codes(_compiled(file, (ROOT / file).read_text()), _compiled(file, source)):
        for one in functions.get(old, ()):
            one.__code__ = new


def _codes(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    yield old, new
    inside = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (old, new)]
    for name in {one.co_name for one in inside[0]}:
        # What an edit makes unreachable has no code of its own any more.
        for pair in zip(*([one for one in part if one.co_name == name] for part in inside), strict=False):
            yield from _codes(*pair)


def _load_again(sources: dict[str, str]) -> None:
    """Load the package, and later its tests, with other sources of some files."""
    for name in list(sys.modules):
        if name.startswith("bounds") or (name.startswith("tests.") and not name.startswith("tests.mutation")):
            del sys.modules[name]
    sys.meta_path.insert(0, _Sources(sources))
    # At once: pytest has a hook of its own for files that are named like tests, and theorems about test sets are.
    importlib.import_module("bounds.theorems")


def _ends_in_time() -> None:
    """End this process if what begins now takes too long."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)


class _First:
    """The first test that failed, of some in this order."""

    def __init__(self, order: list[str]) -> None:
        self.by = ""
        self.place = {test: number for number, test in enumerate(order)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self.place]
        items[:] = sorted(chosen, key=lambda item: self.place[item.nodeid])

    def pytest_runtest_logstart(self) -> None:
        _ends_in_time()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.by:
            self.by = report.nodeid


def _first_failure(chosen: list[pytest.Item]) -> str:
    first = _First([])
    for item, following in zip(chosen, [*chosen[1:], None], strict=True):
        if not first.by:
            item.config.pluginmanager.register(first, "first failure")
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            item.config.pluginmanager.unregister(first)
    return first.by


def _first_failure_collected(chosen: list[str]) -> str:
    """As of items, in tests that are collected again: the likely ones, then all."""
    for some in (chosen[:12], chosen[12:]):
        if not some:
            continue
        first = _First(some)
        paths = [str(ROOT / one) for one in dict.fromkeys(test.split("::")[0] for test in some)]
        if pytest.main(["-x", *PYTEST, *paths], plugins=[first]) not in (0, 5):
            return first.by or "a file of tests that does not load"
    return ""


# Every mutant in a process of its own


def _forked(works: Iterable[tuple[Any, Callable[[], Any]]], at_once: int = 1) -> Iterator[tuple[Any, Any]]:
    """What functions return, each in a process of its own; None where that is stopped for taking too long."""
    waiting, running = iter(works), dict[int, tuple[Any, int, bytearray]]()
    while True:
        while len(running) < at_once and (following := next(waiting, None)) is not None:
            key, work = following
            read, pid = _started(work)
            running[read] = key, pid, bytearray()
        if not running:
            return
        for read in select.select(list(running), [], [])[0]:
            key, pid, text = running[read]
            more = os.read(read, 1 << 16)
            text += more
            if not more:
                del running[read]
                os.close(read)
                os.waitpid(pid, 0)
                yield key, json.loads(text) if text else None


def _started(work: Callable[[], Any]) -> tuple[int, int]:
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return read, child
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(null, stream)
        said = json.dumps(work())
        with os.fdopen(write, "w") as pipe:
            pipe.write(said)
    finally:
        os._exit(0)  # whatever happens, the child never goes on as its parent


def become(
    mutant: Mutant,
    sources: dict[str, str],
    reference: dict[str, tuple[dict[str, list[float]], list[str]]],
    tests: Tests,
    items: dict[str, pytest.Item],
) -> Callable[[], tuple[str, str, str]]:
    """What becomes of one mutant, to be found out in a process of its own."""
    places = [mutant] if mutant.line else [replace(mutant, file=file) for file in sources]
    chosen, reloads = tests.of(places), any(map(_reloads, places))
    functions = {_function(place.file, place.line) for place in places}
    moved = {name for name, (_, called) in reference.items() if reloads or functions & set(called)}

    def noticed() -> str:
        if not reloads:
            with suppress(ValueError):
                for file, source in sources.items():
                    _put(file, source)
                _forget_results()
                return _first_failure([items[test] for test in chosen])
        _ends_in_time()
        _load_again(sources)
        return _first_failure_collected(chosen)

    def work() -> tuple[str, str, str]:
        try:
            by = noticed()
            if by:
                return "caught", "", by
            _ends_in_time()
            _forget_results()
            before = {key: numbers for name in moved for key, numbers in reference[name][0].items()}
            return "survived", _moved(values(moved), before), ""
        except BaseException as reason:
            return "refused", "", f"{type(reason).__name__}: {reason}"[:120]

    return work


def plain(mutant: Mutant, sources: dict[str, str]) -> bool:
    """Whether plain pytest notices a change, made in a copy of the tree."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in ("bounds", "tests", "pyproject.toml", "paper_figs"):
            copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copied(ROOT / name, tree / name)  # type: ignore[operator]
        for file, source in sources.items():
            (tree / file).write_text(source)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *ALL_TESTS]
        environment = os.environ | {"PYTHONPATH": folder, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "0"}
        return bool(subprocess.run(command, cwd=tree, env=environment, capture_output=True).returncode)


def _reference() -> dict[str, tuple[dict[str, list[float]], list[str]]]:
    """The numbers of each theorem's proofs, and the functions that proving them calls."""
    found = {}
    for name in importlib.import_module("bounds.theorems").THEOREMS:
        _forget_results()
        _SEEN.clear()
        found[name] = values({name}), sorted(_SEEN)
    return found


def values(chosen: Collection[str]) -> dict[str, list[float]]:
    """The proven bounds of some theorems at fixed numbers, over the options of their proofs."""
    from inspect import signature
    from itertools import product
    from typing import get_args, get_type_hints

    theorems = importlib.import_module("bounds.theorems").THEOREMS
    found: dict[str, list[float]] = {}
    for name, theorem in theorems.items():
        if theorem.proof is None or name not in chosen:
            continue
        hints = get_type_hints(theorem.proof)
        choices = [
            (False, True) if hints[key] is bool else get_args(hints[key])
            for key in signature(theorem.proof).parameters
        ]
        for choice in product(*choices):
            expression = theorem.proof(
                **dict(zip(signature(theorem.proof).parameters, choice, strict=True))
            ).expression
            key = f"{name} {choice}"
            # Whether its requirements hold at these numbers is no matter: only how the formula moves.
            free = replace(expression, requires=())
            found[key] = [_at(free, numbers) for numbers in NUMBERS]
    return found


def _at(expression: Any, numbers: dict[str, float]) -> float:
    """The bound at numbers drawn without regard to its domain; infinite outside of that."""
    try:
        return float(expression.combined(expression.evaluate(numbers)))
    except (ArithmeticError, ValueError):
        return math.inf


def _numbers(seed: int) -> dict[str, float]:
    class Numbers(dict):  # type: ignore[type-arg]
        def get(self, name: str, default: object = None) -> float:
            if name not in self:
                rng = random.Random(f"{seed} {name}")  # whatever was asked for before
                sizes = {
                    "n": 400,
                    "m": 900,
                    "N": 80,
                    "K": 7,
                    "functions": 3,
                    "negatives": 1,
                    "blocks": 450,  # of pairs, and of tuples of one and k items
                    "scales": 4,
                }
                small = name.startswith("delta") or name in ("collision", "p_min", "coverage")
                self[name] = sizes.get(name, rng.uniform(0.01, 0.1) if small else rng.uniform(0.5, 1.2))
            return float(super().__getitem__(name))

    start = {"radius_index": 3.0, "W_frobenius": 1.1, "frobenius_ref": 1.1, "mistakes": 7.0, "differing": 5.0}
    return Numbers(start)


NUMBERS = [_numbers(seed) for seed in range(3)]


def _moved(now: dict[str, list[float]], before: dict[str, list[float]]) -> str:
    """Whether any bound fell, any rose, or none moved."""
    missing = set(before) - set(now)
    pairs = [(a, b) for key in before if key in now for a, b in zip(now[key], before[key], strict=True)]
    fell = any(a < b - 1e-9 * abs(b) for a, b in pairs)
    rose = any(a > b + 1e-9 * abs(b) for a, b in pairs)
    changed = [word for word, true in (("fell", fell), ("rose", rose), ("missing", missing)) if true]
    return ", ".join(changed) or "unchanged"


def _saved(path: Path | None, of: str) -> dict[Mutant, Outcome]:
    """The outcomes of an earlier run of the same tree, which goes on where it stopped."""
    if path is None or not path.exists() or (earlier := json.loads(path.read_text())).get("of") != of:
        return {}
    found = [Outcome(**{**one, "mutant": Mutant(**one["mutant"])}) for one in earlier["outcomes"]]
    return {one.mutant: one for one in found}


def _save(path: Path, about: dict[str, Any], outcomes: list[Outcome]) -> None:
    result = about | {
        "counts": Counter(one.verdict for one in outcomes),
        "outcomes": [asdict(one) for one in outcomes],
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    part.replace(path)


def main() -> None:
    """Draw mutants, run them, save and print what survived."""
    parser = argparse.ArgumentParser(description="Mutants of the proofs against the tests of the kernel.")
    parser.add_argument("--count", type=int, default=300, help="single changes drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--consistent", action="store_true", help="also the changes in several places at once"
    )
    parser.add_argument(
        "--kernel", action="store_true", help="the tests of the kernel alone, and what they may notice"
    )
    parser.add_argument("--at-once", type=int, default=1, help="processes that run mutants")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop drawing after so long")
    parser.add_argument("--most-survive", type=float, default=math.inf, help="more survivors are an error")
    parser.add_argument("--plain", type=int, default=0, help="changes that plain pytest tries as well")
    parser.add_argument(
        "--output",
        type=Path,
        default=None,
        help="a JSON file for the result; mutants that it holds are not run again",
    )
    given = parser.parse_args()

    class Loop:
        """In place of running the tests once: each mutant runs those it needs."""

        outcomes: list[Outcome]

        def pytest_runtestloop(self, session: pytest.Session) -> bool:
            self.outcomes = _study(given, session.items)
            return True

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    builtins.__seen__ = _SEEN.add  # type: ignore[attr-defined]
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in files()}
    sys.meta_path.insert(0, _Sources(sources))  # type: ignore[arg-type]
    for file in sources:  # before pytest's own hook, and before a function imports it
        importlib.import_module(file.removesuffix(".py").replace("/", "."))
    loop = Loop()
    tests = (TESTS,) if given.kernel else ALL_TESTS
    pytest.main(["-s", *PYTEST, *(str(ROOT / one) for one in tests)], plugins=[loop])
    survivors = [one for one in loop.outcomes if one.verdict == "survived"]
    for one in survivors:
        edit = one.mutant
        print(f"{edit.file}:{edit.line} {edit.kind}: {edit.before} -> {edit.after}; bounds {one.bounds}")
    print(dict(Counter(one.verdict for one in loop.outcomes)))
    sys.exit(_failed(loop.outcomes, given.most_survive))


def _failed(outcomes: list[Outcome], most: float) -> bool:
    """Whether a survivor makes a bound smaller, or too many survive."""
    survivors = [one for one in outcomes if one.verdict == "survived"]
    return len(survivors) > most or any("fell" in one.bounds for one in survivors)


def _study(given: argparse.Namespace, collected: list[pytest.Item]) -> list[Outcome]:
    items = {item.nodeid: item for item in collected}
    drawn = [(mutant, {mutant.file: source}) for path in files() for mutant, source in mutants(path)]
    _living()
    gc.freeze()  # so that a child copies no page of it
    about = {"sites": len(drawn), "seed": given.seed, "of": digest(collected)}
    tests = Tests.known(collected, given.at_once)
    if given.kernel:
        drawn = [one for one in drawn if tests.of([one[0]])]
    if given.count:
        random.Random(given.seed).shuffle(drawn)
        drawn = drawn[: given.count]
    if given.consistent:
        drawn = consistent() + drawn
    sources = dict(drawn)
    known = _saved(given.output, about["of"])
    outcomes = [known[mutant] for mutant in sources if mutant in known]
    ((_, reference),) = _forked([("", _reference)])
    for one in outcomes:
        if one.verdict == "caught":
            tests.caught[one.mutant.file][one.by] += 1
    start = time.monotonic()
    print(f"{len(items)} tests are known", flush=True)
    works = (
        (mutant, become(mutant, source, reference, tests, items))
        for mutant, source in drawn
        if mutant not in known and time.monotonic() - start < 60 * given.minutes
    )
    for mutant, found in _forked(works, given.at_once):
        verdict, moved, by = found or ("caught", "", "stopped: it ran too long")
        outcomes.append(Outcome(mutant, verdict, moved, by))
        if verdict == "caught":
            tests.caught[mutant.file][by] += 1
        print(len(outcomes), f"{time.monotonic() - start:.0f} s", outcomes[-1], flush=True)
        if given.output is not None:
            _save(given.output, about, outcomes)
    for one in outcomes[: given.plain]:
        if plain(one.mutant, sources[one.mutant]) == (one.verdict == "survived"):
            raise RuntimeError(f"Plain pytest does not say that {one.mutant} {one.verdict}.")
        print("plain pytest agrees:", one, flush=True)
    return outcomes


if __name__ == "__main__":
    main()
