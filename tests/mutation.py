"""Change one constant, sign, count, comparison or refusal of the proofs at a time, and see which tests notice.

    python -m tests.mutation --count 300 --consistent --minutes 20 --output tests/results/mutation.json

Each mutant is one edit of one file of `bounds/proofs` or of a theorem with a kernel proof, and runs in a process forked
from one that has collected all tests. A change inside a function is put into the living function, any other one in place
of the file, whose dependents are loaded again. Of the tests those that call the function run until the first failure,
the ones first that caught others of its file, then the cheapest. For a mutant that no test notices, the conclusions of
all proofs are compared in direction: one that makes a bound smaller is unsound, one that changes no bound or makes it
larger is harmless.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import importlib
import json
import math
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import _lru_cache_wrapper, cache
from importlib import abc, util
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "proofs"
ALL_TESTS = (TESTS, ROOT / "tests" / "theorems")
SECONDS = 300
# What stands in the other modules was made by these files when it was imported: normal forms, terms and weights.
MADE_WHEN_IMPORTED = ("terms.py", "choices.py", "closed.py")


@dataclass(frozen=True)
class Mutant:
    """One edit: which file and line, what kind of change, what was written and what is written now."""

    file: str
    line: int
    kind: str
    before: str
    after: str


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: "caught" by a test, "refused" when it loads, or "survived"; how bounds moved."""

    mutant: Mutant
    verdict: str
    bounds: str
    by: str = ""


def files(kernel_alone: bool = False) -> list[Path]:
    """The kernel, the lemmas with their readings, and every theorem that the kernel proves."""
    kernel = sorted((ROOT / "bounds" / "proofs").rglob("*.py"))
    theorems = sorted((ROOT / "bounds" / "theorems").rglob("*.py"))
    proven = [path for path in theorems if "concluded(" in path.read_text()]
    shown = {"present.py", "typeset.py", "world.py", "__init__.py"}
    return [path for path in (*kernel, *(() if kernel_alone else proven)) if path.name not in shown]


_COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd}


class _Sites(ast.NodeVisitor):
    """Every place of a tree that can be changed, as functions that change it and say what they did."""

    def __init__(self) -> None:
        self.found: list[tuple[ast.AST, str, object]] = []

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.found.append((node, "flag", not node.value))
        elif isinstance(node.value, int | float):
            self.found.append((node, "constant", node.value + 1))
            if node.value not in (0, 1):
                self.found.append((node, "constant", node.value - 1))

    def visit_BinOp(self, node: ast.BinOp) -> None:
        changed = _COMPUTED.get(type(node.op))
        if changed is not None:
            self.found.append((node, "operator", changed()))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.USub | ast.Not):
            self.found.append((node, "sign", None))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        changed = _COMPARED.get(type(node.ops[0]))
        if changed is not None:
            self.found.append((node, "comparison", [changed(), *node.ops[1:]]))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.found.append((node, "connective", ast.Or() if isinstance(node.op, ast.And) else ast.And()))
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if any(isinstance(one, ast.Raise) for one in node.body):
            self.found.append((node, "refusal", ast.Constant(False)))
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        # Docstrings, annotations and defaults of printing are no part of what is proven.
        for statement in node.body:
            self.visit(statement)
        for default in node.args.defaults + [one for one in node.args.kw_defaults if one is not None]:
            self.visit(default)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)


_FIELDS = {
    "constant": "value",
    "flag": "value",
    "operator": "op",
    "comparison": "ops",
    "connective": "op",
    "refusal": "test",
}


def mutants(path: Path) -> list[tuple[Mutant, str]]:
    """Every mutant of a file with its whole source."""
    source = path.read_text()
    count = len(_sites(source)[1])
    found = []
    for number in range(count):
        tree, sites = _sites(source)
        node, kind, new = sites[number]
        before = ast.unparse(node) if not isinstance(node, ast.If) else ast.unparse(node.test)
        if kind == "sign":
            after = ast.unparse(node.operand)  # type: ignore[attr-defined]
            changed = ast.unparse(_without_sign(tree, node))
        else:
            setattr(node, _FIELDS[kind], new)
            after = ast.unparse(node) if not isinstance(node, ast.If) else "False"
            changed = ast.unparse(tree)
        name = str(path.relative_to(ROOT))
        found.append((Mutant(name, node.lineno, kind, before[:90], after[:90]), changed))
    return found


def _sites(source: str) -> tuple[ast.Module, list[tuple[ast.AST, str, object]]]:
    tree = ast.parse(source)
    visitor = _Sites()
    visitor.visit(tree)
    return tree, visitor.found


def _without_sign(tree: ast.Module, node: ast.AST) -> ast.Module:
    class Drop(ast.NodeTransformer):
        def visit_UnaryOp(self, one: ast.UnaryOp) -> ast.AST:
            self.generic_visit(one)
            return one.operand if one is node else one

    return Drop().visit(tree)


# Several places changed in the same way, as a careless edit would: statement and expression agree, and are wrong.
CONSISTENT: list[tuple[str, tuple[tuple[str, str, str], ...]]] = [
    (
        "Hoeffding without its 2, everywhere",
        (("bounds/proofs/lemmas/concentration.py", "(2 * count)", "(4 * count)"),),
    ),
    (
        "McDiarmid and kl at level 2 delta",
        (("bounds/proofs/lemmas/concentration.py", "sp.log(1 / share)", "sp.log(1 / (2 * share))"),),
    ),
    (
        "the distance of two views bounded by B",
        (("bounds/proofs/ranges.py", "return tau, ASSUMED", "return B, ASSUMED"),),
    ),
    (
        "losses of a ball without the label",
        (("bounds/proofs/ranges.py", "1 + head.args[1] * B", "head.args[1] * B"),),
    ),
    (
        "symmetrisation without its 2",
        (("bounds/proofs/lemmas/concentration.py", "2 * b / sp.sqrt(count)", "b / sp.sqrt(count)"),),
    ),
    (
        "contraction without its root of 2",
        (("bounds/proofs/lemmas/geometry.py", "sp.sqrt(2) * beta", "beta"),),
    ),
    (
        "Gaussian comparison with root 1",
        (("bounds/proofs/lemmas/geometry.py", "sp.sqrt(sp.pi / 2) * beta", "beta"),),
    ),
    ("balls of a single output", (("bounds/proofs/lemmas/geometry.py", "* sp.sqrt(K) * B", "* B"),)),
    (
        "radii at twice their weight",
        (("bounds/proofs/choices.py", "1 / ((sp.pi**2 / 3 - 1)", "2 / ((sp.pi**2 / 3 - 1)"),),
    ),
    (
        "encoders unpaid",
        (
            ("bounds/theorems/vicreg/theorem_2.py", "over=(RADII, ENCODERS)", "over=(RADII,)"),
            ("bounds/theorems/vocabulary.py", "over=(ENCODERS,)", "over=()"),
        ),
    ),
    (
        "radii unpaid",
        (
            ("bounds/theorems/vicreg/theorem_2.py", "over=(RADII, ENCODERS)", "over=(ENCODERS,)"),
            ("bounds/theorems/supervised/supervised.py", "over=(RADII,)", "over=()"),
        ),
    ),
    (
        "one share for two events",
        (("bounds/theorems/vicreg/theorem_2.py", "apart), d2, ENCODER_CLASS", "apart), d1, ENCODER_CLASS"),),
    ),
    (
        "the head fitted on S in Hoeffding's inequality on S",
        (
            (
                "bounds/theorems/vicreg/vicreg_certified.py",
                "residual(V) + Fresh(residual(V, z2))",
                "residual(W) + Fresh(residual(W, z2))",
            ),
        ),
    ),
    (
        "the reference head taken as independent of the pairs",
        (
            (
                "bounds/theorems/vocabulary.py",
                'V = Declared("V", "head", ("P", "f"))',
                'V = Declared("V", "head", ("f",))',
            ),
        ),
    ),
    (
        "invariance on S in place of the pairs",
        (("bounds/theorems/vicreg/theorem_2.py", "uniform(Mean(pairs, apart)", "uniform(Mean(S, apart)"),),
    ),
    (
        "a squared distance in place of a distance",
        (("bounds/theorems/vocabulary.py", "apart = Norm(z - z2)", "apart = Norm(z - z2) ** 2"),),
    ),
    (
        "parts of the triangle that do not add up",
        (("bounds/theorems/vicreg/vicreg_certified.py", "Apply(V, z2) - y\n", "Apply(V, z2) + y\n"),),
    ),
    (
        "the term of the reference head dropped",
        (("bounds/theorems/vicreg/vicreg_certified.py", ", Apply(V, z2) - y\n", "\n"),),
    ),
    (
        "the class term dropped",
        (
            (
                "bounds/theorems/vicreg/theorem_2.py",
                "bound if prior_known else bound.chain(class_frequencies(S, d5, K))",
                "bound",
            ),
        ),
    ),
    (
        "class frequencies of the pairs in place of those of S",
        (
            (
                "bounds/theorems/vicreg/theorem_2.py",
                "class_frequencies(S, d5, K)",
                "class_frequencies(pairs, d5, K)",
            ),
        ),
    ),
    (
        "the share of the classes given to the pairs",
        (
            (
                "bounds/theorems/vicreg/theorem_2.py",
                "class_frequencies(S, d5, K)",
                "class_frequencies(S, d2, K)",
            ),
        ),
    ),
    (
        "wrong rows of the clean sample in place of those of the given one",
        (("bounds/theorems/vocabulary.py", ".chain(more).lower(less)", ".lower(less)"),),
    ),
    (
        "a leaked row counts as right",
        (
            (
                "bounds/proofs/lemmas/concentration.py",
                "COPIED.at({a: Count(sample, 1 - term), b: Count(clean, 1 - term)})",
                "COPIED.at({a: Count(clean, 1 - term), b: Count(sample, 1 - term)})",
            ),
        ),
    ),
    (
        "one class in place of every class",
        (("bounds/theorems/counting/test_set_classes.py", ", over=(CLASSES,)", ""),),
    ),
    (
        "the grid of priors is not paid for",
        (("bounds/theorems/supervised/pac_bayes.py", ", over=(PRIORS,)", ""),),
    ),
    (
        "a wealth that may start at two",
        (("bounds/theorems/vocabulary.py", "sp.Add(*bets) / len(bets)", "2 * sp.Add(*bets) / len(bets)"),),
    ),
    (
        "InfoNCE per temperature squared",
        (("bounds/proofs/lemmas/contrastive.py", "1 / sp.Mul(-1,", "2 / sp.Mul(-1,"),),
    ),
    (
        "tuples of k items",
        (
            (
                "bounds/proofs/terms.py",
                "len({item.index for item in items(term)})) + hidden",
                "len({item.index for item in items(term)})) + hidden - 1",
            ),
        ),
    ),
    (
        "disagreement counted on the held-out items",
        (
            (
                "bounds/theorems/counting/reference_head.py",
                "counted(Mean(U, Differ",
                "counted(Mean(HELD_OUT, Differ",
            ),
        ),
    ),
    (
        "the held-out head fitted on all of S",
        (
            ("bounds/theorems/counting/held_out.py", "wrong(FITTED)", "wrong(W)"),
            ("bounds/theorems/counting/held_out.py", "    FITTED,\n", "    W,\n"),
        ),
    ),
    (
        "class counts fixed, and nobody told",
        (("bounds/theorems/vocabulary.py", "paired=True, fixed=fixed)", "paired=True)"),),
    ),
    (
        "kl on a loss that is not in [0, r]",
        (("bounds/proofs/lemmas/concentration.py", "if s.range.low != 0:", "if False:"),),
    ),
    (
        "projection allowed to reach 1 only",
        (("bounds/proofs/ranges.py", "sp.sqrt(2), NOTHING", "sp.S.One, NOTHING"),),
    ),
    (
        "minus the total variation",
        (("bounds/proofs/lemmas/reading.py", "b + width * variation", "b - width * variation"),),
    ),
]


def consistent() -> list[tuple[Mutant, dict[str, str]]]:
    """The consistent changes, with the sources of the files they touch.

    Raises:
        ValueError: a text to be changed is not in its file any more.
    """
    found = []
    for title, edits in CONSISTENT:
        sources: dict[str, str] = {}
        for name, before, after in edits:
            text = sources.get(name) or (ROOT / name).read_text()
            if before not in text:
                raise ValueError(f"{title}: {name} does not contain {before!r} any more.")
            sources[name] = text.replace(before, after)
        found.append((Mutant(edits[0][0], 0, "consistent", title, edits[0][2][:60]), sources))
    return found


@dataclass
class Tests:
    """What the tests of the kernel cost and call, and which of them caught mutants so far.

    Attributes:
        seconds: Processor time of each test.
        calls: Functions of the mutated files that each test calls, as "file:first line".
        caught: How many mutants of a file each test caught.
    """

    seconds: dict[str, float]
    calls: dict[str, list[str]]
    caught: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def known(cls, items: list[pytest.Item]) -> Tests:
        """Measured once for each state of the sources."""
        sources = [*(ROOT / "bounds").rglob("*.py"), *{item.path for item in items}]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:16]
        saved = Path(tempfile.gettempdir()) / f"bounds-mutation-{digest}.json"
        if not saved.exists():
            saved.write_text(json.dumps(_forked(lambda: _measured(items))))
        return cls(**json.loads(saved.read_text()))

    def of(self, edits: Iterable[Mutant], within: str = "") -> list[str]:
        """Tests that may notice any of some edits: likely ones first, then cheap ones."""
        wanted, before = set[str](), Counter[str]()
        for edit in edits:
            wanted |= {test for test in self._calling(edit) if test.startswith(within)}
            before.update(self.caught[edit.file])
        first = [test for test, _ in before.most_common(12) if test in wanted]
        return first + sorted(wanted - set(first), key=lambda test: self.seconds[test])

    def _calling(self, edit: Mutant) -> set[str]:
        place = _function(edit.file, edit.line)
        if place and not _reloads(edit):
            return {test for test, called in self.calls.items() if place in called}
        # What runs when the file is imported: all tests that use the file.
        prefix = edit.file + ":"
        return {test for test, called in self.calls.items() if any(one.startswith(prefix) for one in called)}


def _reloads(edit: Mutant) -> bool:
    """Whether an edit has its effect when its file is imported, not when a function is called."""
    return not _function(edit.file, edit.line) or Path(edit.file).name in MADE_WHEN_IMPORTED


@cache
def _functions(file: str) -> list[tuple[int, int]]:
    tree = ast.parse((ROOT / file).read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [
        (min([node.lineno, *(one.lineno for one in node.decorator_list)]), node.end_lineno or 0)
        for node in found
    ]


def _function(file: str, line: int) -> str:
    """The innermost function around a line."""
    around = [start for start, end in _functions(file) if start <= line <= end]
    return f"{file}:{max(around)}" if around else ""


def _measured(items: list[pytest.Item]) -> dict[str, Any]:
    """What each test costs and calls; every file of tests starts with nothing remembered."""
    prefix, called = str(ROOT / "bounds") + os.sep, set[str]()

    def seen(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if code.co_filename.startswith(prefix):
            called.add(f"{code.co_filename.removeprefix(str(ROOT) + os.sep)}:{code.co_firstlineno}")

    seconds, calls, file = dict[str, float](), dict[str, list[str]](), ""
    for item, following in zip(items, [*items[1:], None], strict=True):
        if file != item.location[0]:
            _forget_results()
            file = item.location[0]
        called.clear()
        start = time.process_time()
        sys.settrace(seen)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        sys.settrace(None)
        seconds[item.nodeid] = time.process_time() - start
        calls[item.nodeid] = sorted(called)
    return {"seconds": seconds, "calls": calls}


def _forget_results() -> None:
    """Empty every cache of results, so that the next test computes what it needs."""
    for one in gc.get_objects():
        if isinstance(one, _lru_cache_wrapper) and str(one.__module__).startswith(("bounds", "tests")):
            one.cache_clear()


def _forget_modules() -> None:
    for name in list(sys.modules):
        if name.startswith(("bounds.proofs", "bounds.theorems", "tests.proofs")):
            del sys.modules[name]


def _put(file: str, source: str) -> None:
    """Give every living function of a file the code that it has in another source.

    Raises:
        ValueError: the new code needs other variables of the function around it.
    """
    path = str(ROOT / file)
    code = compile((ROOT / file).read_text(), path, "exec"), compile(source, path, "exec")
    new = dict(_codes(*code))
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__ in new:
            one.__code__ = new[one.__code__]


def _codes(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    yield old, new
    inside = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (old, new)]
    for name in {one.co_name for one in inside[0]}:
        # What an edit makes unreachable has no code of its own any more.
        for pair in zip(*([one for one in part if one.co_name == name] for part in inside), strict=False):
            yield from _codes(*pair)


def _forked(work: Callable[[], Any]) -> Any:
    """What a function returns in a process of its own, None where that is stopped for taking too long."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _quiet()
        try:
            with os.fdopen(write, "w") as pipe:
                json.dump(work(), pipe)
        finally:
            os._exit(0)  # whatever happens, the child never goes on as its parent
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def run(
    mutant: Mutant,
    sources: dict[str, str],
    reference: dict[str, list[float]],
    tests: Tests,
    items: dict[str, pytest.Item],
) -> Outcome:
    """What becomes of one mutant, in a forked process that is stopped after a while."""
    places = [mutant] if mutant.line else [replace(mutant, file=file) for file in sources]

    def noticed() -> str:
        if not any(map(_reloads, places)):
            with suppress(ValueError):
                for file, source in sources.items():
                    _put(file, source)
                _forget_results()
                return _first_failure([items[test] for test in tests.of(places)])
        _load_again(sources)
        return _first_failure_of_files(tests.of(places, str(TESTS.relative_to(ROOT))))

    def work() -> tuple[str, str, str]:
        signal.alarm(SECONDS)
        try:
            by = noticed()
            if by:
                return "caught", "", by
            if not any(map(_reloads, places)):
                _load_again(sources)
            return "survived", _moved(values(), reference), ""
        except BaseException as reason:
            return "refused", "", f"{type(reason).__name__}: {reason}"[:120]

    verdict, moved, by = _forked(work) or ("caught", "", "stopped: it ran too long")
    if verdict == "caught":
        tests.caught[mutant.file][by] += 1
    return Outcome(mutant, verdict, moved, by)


class _First:
    """The first test that failed."""

    by = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.by:
            self.by = report.nodeid


def _first_failure(chosen: list[pytest.Item]) -> str:
    first = _First()
    for item, following in zip(chosen, [*chosen[1:], None], strict=True):
        if not first.by:
            item.config.pluginmanager.register(first, "first failure")
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            item.config.pluginmanager.unregister(first)
    return first.by


def _first_failure_of_files(chosen: list[str]) -> str:
    """As of items, in tests that are collected again: first the likely ones, file by file."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin", "--rootdir", str(ROOT)]
    files: dict[str, list[str]] = {}
    for test in chosen:
        files.setdefault(test.split("::")[0], []).append(test)
    for some in files.values():
        first = _First()
        if pytest.main([*options, *some], plugins=[first]) != 0:
            return first.by or "a file of tests that does not load"
    return ""


def _quiet() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)


def _load_again(sources: dict[str, str]) -> None:
    """Load the proofs and theorems, and later their tests, with other sources of some files."""

    class Finder(abc.MetaPathFinder):
        def find_spec(self, fullname: str, path: object, target: object = None) -> object:
            name = fullname.replace(".", "/") + ".py"
            if name not in sources:
                return None

            class Loader(abc.Loader):
                def exec_module(self, module: object) -> None:
                    exec(compile(sources[name], str(ROOT / name), "exec"), module.__dict__)

            return util.spec_from_loader(fullname, Loader(), origin=str(ROOT / name))

    _forget_modules()
    sys.meta_path.insert(0, Finder())
    # At once: pytest has a hook of its own for files that are named like tests, and theorems about test sets are.
    importlib.import_module("bounds.theorems")


def values() -> dict[str, list[float]]:
    """Every proven bound at fixed numbers, over the options of its proof."""
    from inspect import signature
    from itertools import product
    from typing import get_args, get_type_hints

    theorems = importlib.import_module("bounds.theorems").THEOREMS
    found: dict[str, list[float]] = {}
    for name, theorem in theorems.items():
        if theorem.proof is None:
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
    rng = random.Random(seed)

    class Numbers(dict):  # type: ignore[type-arg]
        def get(self, name: str, default: object = None) -> float:
            if name not in self:
                sizes = {
                    "n": 400,
                    "m": 900,
                    "N": 80,
                    "K": 7,
                    "functions": 3,
                    "negatives": 5,
                    "blocks": 60,
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


def _saved(path: Path) -> dict[Mutant, Outcome]:
    """The outcomes of an earlier run, which goes on where it stopped."""
    plain = json.loads(path.read_text())["outcomes"]
    found = [Outcome(**{**one, "mutant": Mutant(**one["mutant"])}) for one in plain]
    return {one.mutant: one for one in found}


def _save(path: Path, sites: int, seed: int, outcomes: list[Outcome]) -> None:
    result = {
        "sites": sites,
        "seed": seed,
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
        "--kernel", action="store_true", help="kernel and lemmas alone, with their tests alone"
    )
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop drawing after so long")
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

    importlib.import_module("bounds.theorems")  # before pytest's own hook
    loop = Loop()
    ignored = f"--ignore={TESTS / 'test_mutation.py'}"
    tests = (TESTS,) if given.kernel else ALL_TESTS
    pytest.main(["-q", "-s", "-p", "no:cacheprovider", ignored, *map(str, tests)], plugins=[loop])
    survivors = [one for one in loop.outcomes if one.verdict == "survived"]
    for one in survivors:
        edit = one.mutant
        print(f"{edit.file}:{edit.line} {edit.kind}: {edit.before} -> {edit.after}; bounds {one.bounds}")
    print(dict(Counter(one.verdict for one in loop.outcomes)))
    sys.exit(any("fell" in one.bounds for one in survivors))


def _study(given: argparse.Namespace, collected: list[pytest.Item]) -> list[Outcome]:
    items = {item.nodeid: item for item in collected}
    reference, tests = _forked(values), Tests.known(collected)
    drawn = [
        (mutant, {mutant.file: source}) for path in files(given.kernel) for mutant, source in mutants(path)
    ]
    sites = len(drawn)
    if given.count:
        random.Random(given.seed).shuffle(drawn)
        drawn = drawn[: given.count]
    if given.consistent:
        drawn = consistent() + drawn
    known = {} if given.output is None or not given.output.exists() else _saved(given.output)
    for one in known.values():
        if one.verdict == "caught":
            tests.caught[one.mutant.file][one.by] += 1
    start, outcomes = time.monotonic(), [known[mutant] for mutant, _ in drawn if mutant in known]
    for mutant, sources in drawn:
        if mutant in known:
            continue
        if time.monotonic() - start > 60 * given.minutes:
            break
        outcomes.append(run(mutant, sources, reference, tests, items))
        print(len(outcomes), outcomes[-1], flush=True)
        if given.output is not None:
            _save(given.output, sites, given.seed, outcomes)
    return outcomes


if __name__ == "__main__":
    main()
