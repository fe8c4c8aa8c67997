"""Change one constant, sign, count, comparison or refusal of the proofs at a time, and see which tests notice.

    python tests/mutation.py --count 300 --seed 0 --output mutation.json

Each mutant is one edit of one file of `bounds/proofs` or of a theorem with a kernel proof. It is run in a process
forked from one that has everything imported: the mutated module's source is put in place of the file (an import hook),
the modules that depend on it are loaded again, and the tests of the kernel run until the first failure, after the
conclusions of all proofs were compared in direction: a mutant that no test notices and that makes a bound smaller is
unsound, one that changes no bound or makes it larger is harmless.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "proofs"
SECONDS = 300


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


def files() -> list[Path]:
    """The kernel, the lemmas with their readings, and every theorem that the kernel proves."""
    kernel = sorted((ROOT / "bounds" / "proofs").rglob("*.py"))
    theorems = sorted((ROOT / "bounds" / "theorems").rglob("*.py"))
    proven = [path for path in theorems if "concluded(" in path.read_text()]
    shown = {"present.py", "typeset.py", "world.py", "__init__.py"}
    return [path for path in (*kernel, *proven) if path.name not in shown]


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


def run(mutant: Mutant, sources: dict[str, str], reference: dict[str, list[float]]) -> Outcome:
    """What becomes of one mutant, in a forked process that is stopped after a while."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _quiet()
        signal.alarm(SECONDS)
        try:
            verdict = _verdict(sources, reference)
        except BaseException as reason:
            verdict = ("refused", "", f"{type(reason).__name__}: {reason}"[:120])
        os.write(write, json.dumps(verdict).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    verdict, moved, by = json.loads(text) if text else ("caught", "", "stopped: it ran too long")
    return Outcome(mutant, verdict, moved, by)


def _quiet() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)


def _verdict(sources: dict[str, str], reference: dict[str, list[float]]) -> tuple[str, str, str]:
    from importlib import abc, util

    class Finder(abc.MetaPathFinder):
        def find_spec(self, fullname: str, path: object, target: object = None) -> object:
            name = fullname.replace(".", "/") + ".py"
            if name not in sources:
                return None

            class Loader(abc.Loader):
                def exec_module(self, module: object) -> None:
                    exec(compile(sources[name], str(ROOT / name), "exec"), module.__dict__)

            return util.spec_from_loader(fullname, Loader(), origin=str(ROOT / name))

    for name in [
        one for one in sys.modules if one.startswith(("bounds.proofs", "bounds.theorems", "tests.proofs"))
    ]:
        del sys.modules[name]
    sys.meta_path.insert(0, Finder())
    moved = _moved(values(), reference)

    class First:
        by = ""

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed and not self.by:
                self.by = report.nodeid

    first = First()
    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", str(TESTS)], plugins=[first])
    return ("survived" if code == 0 else "caught", moved, first.by)


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


def main() -> None:
    """Draw mutants, run them, save and print what survived."""
    parser = argparse.ArgumentParser(description="Mutants of the proofs against the tests of the kernel.")
    parser.add_argument("--count", type=int, default=300, help="single changes drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--consistent", action="store_true", help="also the changes in several places at once"
    )
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop drawing after so long")
    parser.add_argument(
        "--output",
        type=Path,
        default=None,
        help="a JSON file for the result; mutants that it holds are not run again",
    )
    given = parser.parse_args()
    reference = values()
    drawn = [(mutant, {mutant.file: source}) for path in files() for mutant, source in mutants(path)]
    sites = len(drawn)
    if given.count:
        random.Random(given.seed).shuffle(drawn)
        drawn = drawn[: given.count]
    if given.consistent:
        drawn = consistent() + drawn
    start, outcomes = time.monotonic(), []
    known = {} if given.output is None or not given.output.exists() else _saved(given.output)
    for mutant, sources in drawn:
        if mutant not in known and time.monotonic() - start > 60 * given.minutes:
            break
        outcomes.append(known.get(mutant) or run(mutant, sources, reference))
        print(len(outcomes), outcomes[-1], flush=True)
    survivors = [one for one in outcomes if one.verdict == "survived"]
    for one in survivors:
        edit = one.mutant
        print(f"{edit.file}:{edit.line} {edit.kind}: {edit.before} -> {edit.after}; bounds {one.bounds}")
    counts = Counter(one.verdict for one in outcomes)
    print(f"{sites} sites; {len(outcomes)} run in {time.monotonic() - start:.0f} s: {dict(counts)}")
    if given.output is not None:
        result = {
            "sites": sites,
            "seed": given.seed,
            "counts": counts,
            "outcomes": [asdict(one) for one in outcomes],
        }
        given.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    sys.exit(any("fell" in one.bounds for one in survivors))


if __name__ == "__main__":
    main()
