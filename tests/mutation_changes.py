"""The changes of the proofs that `mutation` tries: of one place, and of several places in the same way."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Mutant:
    """One edit: which file and line, what kind of change, what was written and what is written now."""

    file: str
    line: int
    kind: str
    before: str
    after: str


def files() -> list[Path]:
    """The kernel, the lemmas with their readings, every theorem that the kernel proves, and the facts that several share."""
    kernel = sorted((ROOT / "bounds" / "proofs").rglob("*.py"))
    theorems = sorted((ROOT / "bounds" / "theorems").rglob("*.py"))
    proven = [path for path in theorems if re.search(r"concluded\(|-> Fact|-> tuple\[Fact", path.read_text())]
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
