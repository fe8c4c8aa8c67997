"""Change one constant of the limits, distances, summaries and heads at a time, and see which tests notice.

    python -m tests.mutation_numerics --out tests/results/mutation_numerics.json

The whole tree is copied once; each change is made there and the tests of its room run, in a process forked from one that
has the libraries imported, until the first failure. A change that no test notices is one that nothing guards.

What is found is written after each change, and a run that goes on keeps what still holds: the outcomes of changes whose
file and tests say what they said then.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 600
LIMITS = ("tests/summaries", "tests/test_edges_numbers.py")
DISTANCES = ("tests/information", "tests/test_edges_numbers.py", "tests/test_edges_scale.py")
HEADS = (
    "tests/heads/test_simplex.py",
    "tests/heads/test_heads.py",
    "tests/heads/test_ties.py",
    "tests/test_edges_scale.py",
    "tests/heads/test_predictors.py",
)
PAC_BAYES = ("tests/theorems/supervised/test_pac_bayes.py",)
CONTRASTIVE = ("tests/summaries", "tests/test_wrong_certificates.py", "tests/evidence/test_contrastive.py")
STAKES = (
    "tests/summaries/test_constant_stakes.py",
    "tests/summaries/test_episodes.py",
    "tests/theorems/few_shot/test_few_shot.py",
)
PICKS = ("tests/theorems/supervised/test_pick_to_learn.py", "tests/heads/test_ties.py")
COPIES = ("tests/test_leaks.py", "tests/theorems/counting/test_counting.py")
OBJECTIVES = ("tests/objectives", "tests/test_edges_numbers.py")


@dataclass(frozen=True)
class Change:
    """What a file of the package says, what it says instead, and the tests that should notice."""

    what: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Which test noticed the change, none where it survived; a digest of what was changed and of its tests."""

    what: str
    file: str
    noticed_by: str
    seconds: float
    of: str


def _changes() -> list[Change]:
    found = [
        (
            LIMITS,
            "bounds/summaries/limits.py",
            [
                (
                    "the upper kl inverse of zero rounded down",
                    "-math.expm1(-budget) * (1 + 4 * _EPS)",
                    "-math.expm1(-budget) * (1 - 4 * _EPS)",
                ),
                (
                    "the lower kl inverse of one rounded up",
                    "math.exp(-budget) * (1 - 2 * _EPS)",
                    "math.exp(-budget) * (1 + 2 * _EPS)",
                ),
                (
                    "rounding of kl taken on the wrong side",
                    "(1 - 64 * _EPS) >= budget",
                    "(1 + 64 * _EPS) >= budget",
                ),
                (
                    "Clopper-Pearson at 2 delta",
                    "tail_log_odds(mistakes, trials, min(delta, 0.5)",
                    "tail_log_odds(mistakes, trials, min(2 * delta, 0.5)",
                ),
                (
                    "the lower limit of one mistake more",
                    "-tail_log_odds(trials - mistakes, trials",
                    "-tail_log_odds(trials - mistakes - 1, trials",
                ),
                ("upper limits rounded down", "p * (1 + slack) if p <= q", "p * (1 - slack) if p <= q"),
                ("lower limits rounded up", "p * (1 - slack) if p <= q", "p * (1 + slack) if p <= q"),
                (
                    "upper limits near one rounded down",
                    "math.nextafter(1.0 - q * (1 - slack), 2.0)",
                    "math.nextafter(1.0 - q * (1 + slack), 0.0)",
                ),
                (
                    "the pull of unit vectors",
                    "0.5 * (sum(v * v for v in rest)",
                    "0.4 * (sum(v * v for v in rest)",
                ),
                (
                    "subsets of classes counted with the empty one",
                    "2.0 ** (1.0 - classes)",
                    "2.0 ** (-classes)",
                ),
            ],
        ),
        (
            ("tests/summaries", "tests/theorems/counting/test_prediction_powered.py"),
            "bounds/summaries/betting.py",
            [
                (
                    "a bet that sees the value it bets on",
                    "torch.cat([spread.new_tensor([0.25]), spread[:-1]])",
                    "spread",
                ),
                ("a wealth of half is enough", "math.log(1 / delta) + 1e-9", "math.log(0.5 / delta) + 1e-9"),
                ("prior variance of one quarter", "(0.25 + (x - mean)", "(1.25 + (x - mean)"),
            ],
        ),
        (
            STAKES,
            "bounds/summaries/constant_stakes.py",
            [
                (
                    "a wealth of half of what is needed",
                    "math.log(1 / delta) + math.log(len(stakes)",
                    "math.log(0.5 / delta) + math.log(len(stakes)",
                ),
                ("stakes not shared", "math.log(len(stakes) * len(values))", "math.log(len(values))"),
                ("arrangements not shared", "math.log(len(stakes) * len(values))", "math.log(len(stakes))"),
                (
                    "bets that win a tenth too much",
                    "(chosen * (p - levels) / (1.0 - p))",
                    "(1.1 * chosen * (p - levels) / (1.0 - p))",
                ),
                ("a larger first stake", "STAKES = (1.0, 0.5", "STAKES = (1.0, 0.6"),
                (
                    "the limit from below",
                    "(low, middle) if reached(middle) else (middle, high)\n    return high",
                    "(low, middle) if reached(middle) else (middle, high)\n    return low - 1e-9",
                ),
            ],
        ),
        (
            STAKES,
            "bounds/summaries/episodes.py",
            [
                (
                    "a query among the shots",
                    "np.arange(r * (shots + 1))",
                    "np.arange(r * (shots + 1)) // 2 * 2",
                ),
                ("one episode too many", "int(counts.min()) // (shots + 1)", "int(counts.min()) // shots"),
                ("pairs counted twice", "width * (width - 1))", "2 * width * (width - 1))"),
                (
                    "ways that take the same classes each time",
                    "groups = np.take_along_axis(groups, least[:, :, None], axis=1)",
                    "groups = groups[:, :ways]",
                ),
            ],
        ),
        (
            STAKES,
            "bounds/theorems/few_shot/few_shot.py",
            [
                (
                    "numbers of shots at all of delta each",
                    "constant_stakes_upper(H, delta / len(wanted))",
                    "constant_stakes_upper(H, delta)",
                ),
                (
                    "the smaller of two readings of copies",
                    "max(row, other[m], key=",
                    "min(row, other[m], key=",
                ),
            ],
        ),
        (
            PICKS,
            "bounds/theorems/supervised/pick_to_learn.py",
            [
                ("rows of the prior counted", '"n_Q": count', '"n_Q": n'),
                ("a pick not counted", '"picks": picks[1]', '"picks": max(0, picks[1] - 1)'),
                (
                    "fewer rows counted than are not in the prior",
                    "prior=evidence.row_ranks[items] >= count",
                    "prior=evidence.row_ranks[items] >= max(1, count // 2)",
                ),
                ("repeats not doubted", "if evidence.distinct is None:", "if evidence.distinct is not None:"),
            ],
        ),
        (
            PICKS,
            "bounds/heads/picked.py",
            [
                ("stops with a row still wrong", "if not len(candidates):", "if len(candidates) < 2:"),
                (
                    "the best of the wrong rows first",
                    "torch.argsort(margins, stable=True)",
                    "torch.argsort(-margins, stable=True)",
                ),
                ("twice the penalty", "penalty * torch.eye(dim", "2 * penalty * torch.eye(dim"),
                (
                    "a pick fitted twice",
                    "taken[worst] = True",
                    "moment = moment + products\n        taken[worst] = True",
                ),
            ],
        ),
        (
            COPIES,
            "bounds/evidence/kept_apart.py",
            [
                ("leaked rows counted right", "else wrong | self.leaked\n", "else wrong\n"),
                (
                    "components with a wrong row counted right",
                    "good = ~self._touched(wrong | self.leaked)",
                    "good = ~(wrong | self.leaked)",
                ),
                ("leaked rows wrong for a lower limit", "right = ~wrong | self.leaked", "right = ~wrong"),
                (
                    "repeats of a loss enter as nothing",
                    "entered = np.full(len(values), largest)",
                    "entered = np.zeros(len(values))",
                ),
                (
                    "leaked losses as they are",
                    "np.maximum.at(worst, inverse, np.where(self.leaked, largest, values))",
                    "np.maximum.at(worst, inverse, values)",
                ),
                (
                    "losses from below over components alone",
                    'trials = len(smallest) if self.repeats == "drop" else len(values)',
                    "trials = len(smallest)",
                ),
            ],
        ),
        (
            LIMITS,
            "bounds/summaries/moments.py",
            [("variance over n", "self.scatter / (self.count - 1)", "self.scatter / self.count")],
        ),
        (
            CONTRASTIVE,
            "bounds/summaries/collisions.py",
            [
                (
                    "probability of no collision rounded up",
                    "log.exp() * (1 - slack)",
                    "log.exp() * (1 + slack)",
                ),
                (
                    "log of collisions without the item itself",
                    "log_weight.exp() * j.log1p()",
                    "log_weight.exp() * j.log()",
                ),
            ],
        ),
        (
            DISTANCES,
            "bounds/information/distances.py",
            [
                (
                    "a histogram that ends before the largest distance",
                    "spread * (1 + 1e-6)",
                    "spread * (1 - 1e-2)",
                ),
                ("each row paired with itself", ".triu(1)", ".triu(0)"),
                ("shells of half the radius", "self.nearest < 2 * radius", "self.nearest < radius"),
                ("a noise of half the size", "-self.nearest / (2 * noise)", "-self.nearest / noise"),
            ],
        ),
        (
            DISTANCES,
            "bounds/information/sphere.py",
            [
                (
                    "the area of a sphere in one more dimension",
                    "- math.lgamma(0.5 * d)",
                    "- math.lgamma(0.5 * (d + 1))",
                ),
                ("half angles without their half", "np.sqrt(0.5 * (1 + cosines))", "np.sqrt(1 + cosines)"),
                ("a table read from above", ".ceil_()", ".floor_()"),
                ("the gap of a concentration twice as large", "gap = 0.5 * float(", "gap = float("),
            ],
        ),
        (
            DISTANCES,
            "bounds/information/measures.py",
            [
                ("uniformity over all pairs and the diagonal", "math.log(n * (n - 1))", "math.log(n * n)"),
                ("exponents of 800 in one sum", "_DECADE = 80.0", "_DECADE = 800.0"),
            ],
        ),
        (
            DISTANCES,
            "bounds/information/mixtures.py",
            [
                (
                    "a divergence that is not zero at equal variances",
                    "(ratio - 1 - ratio.log())",
                    "(ratio - ratio.log())",
                ),
                (
                    "the mean variance of a pair doubled",
                    "values / (2 * (vi + vj))",
                    "values / (4 * (vi + vj))",
                ),
            ],
        ),
        (
            HEADS,
            "bounds/heads/logistic.py",
            [
                ("fits that end early", "_FINE = 1e-7", "_FINE = 1e-2"),
                ("twice the penalty", "loss + 0.5 * self.penalty", "loss + self.penalty"),
            ],
        ),
        (
            HEADS,
            "bounds/heads/knn.py",
            [
                ("another temperature", "TEMPERATURE = 0.07", "TEMPERATURE = 0.08"),
                ("products of float32 taken as exact", "error = 2.0 *", "error = 0.0 *"),
            ],
        ),
        (
            HEADS,
            "bounds/heads/nearest_mean.py",
            [("the nearest mean by twice its square", "bias = -0.5 *", "bias = -1.0 *")],
        ),
        (
            HEADS,
            "bounds/heads/least_squares.py",
            [("directions of a thousandth dropped", "max(1e-12, max(self.count", "max(1e-3, max(self.count")],
        ),
        (
            HEADS,
            "bounds/heads/simplex.py",
            [
                (
                    "a simplex of sum two",
                    "(above.sum(1, keepdim=True) - 1.0)",
                    "(above.sum(1, keepdim=True) - 2.0)",
                )
            ],
        ),
        (
            PAC_BAYES,
            "bounds/heads/margins.py",
            [
                (
                    "a quadrature that may err downwards",
                    "QUADRATURE_TOLERANCE = 1e-9",
                    "QUADRATURE_TOLERANCE = 0.0",
                ),
                ("a normal tail cut at three", "_REACH = 8.5", "_REACH = 3.0"),
            ],
        ),
        (
            OBJECTIVES,
            "bounds/objectives/pairwise.py",
            [("the default width of a Gaussian", "** 0.5 / 4 if", "** 0.5 / 2 if")],
        ),
    ]
    return [Change(what, file, *edit, tests) for tests, file, rows in found for what, *edit in rows]


CHANGES = _changes()


def changed(source: str, change: Change) -> str:
    """The source with the change made, which must have exactly one place.

    Raises:
        ValueError: if the text is not there, or more than once.
    """
    if source.count(change.before) != 1:
        raise ValueError(
            f"{change.file} says {change.before!r} {source.count(change.before)} times, not once."
        )
    return source.replace(change.before, change.after)


def digest(change: Change, tree: Path) -> str:
    """Of the change, its file and its tests: the outcome is another's where this is."""
    seen = hashlib.sha256(repr(change).encode())
    for part in (change.file, *change.tests):
        for path in sorted((tree / part).rglob("*.py")) or [tree / part]:
            seen.update(path.read_bytes())
    return seen.hexdigest()[:16]


def kept(out: Path | None, tree: Path) -> dict[Change, Outcome]:
    """The outcomes of an earlier run that still hold."""
    if out is None or not out.exists():
        return {}
    earlier = {
        (one["what"], one["file"], one["of"]): Outcome(**one)
        for one in json.loads(out.read_text())["outcomes"]
    }
    found = {change: earlier.get((change.what, change.file, digest(change, tree))) for change in CHANGES}
    return {change: outcome for change, outcome in found.items() if outcome is not None}


def saved(outcomes: dict[Change, Outcome], out: Path) -> None:
    """Write what is known of every change so far, in their order, whole or not at all."""
    known = [outcomes[change] for change in CHANGES if change in outcomes]
    found = {
        "changes": len(CHANGES),
        "tried": len(known),
        "survived": [one.what for one in known if not one.noticed_by],
        "outcomes": [asdict(one) for one in known],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".part")
    partial.write_text(json.dumps(found, indent=1) + "\n")
    os.replace(partial, out)


def tried(change: Change, tree: Path) -> Outcome:
    """Make the change in the tree, run its tests, and put the file back.

    Raises:
        RuntimeError: where the tests could not run.
    """
    path, began, of = tree / change.file, time.monotonic(), digest(change, tree)
    honest = path.read_text()
    path.write_text(changed(honest, change))
    said = tree / "noticed.txt"
    said.unlink(missing_ok=True)
    try:
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)  # a change may make a loop endless: that is noticed too
            _run(change, tree, said)
        _, status = os.waitpid(child, 0)
    finally:
        path.write_text(honest)
    if os.WIFSIGNALED(status):
        noticed = f"stopped by signal {os.WTERMSIG(status)}"
    else:
        noticed = said.read_text() if said.exists() else ""
        if bool(noticed) != bool(os.WEXITSTATUS(status)):
            raise RuntimeError(
                f"The tests {change.tests} did not run: pytest ended with {os.WEXITSTATUS(status)}."
            )
    return Outcome(change.what, change.file, noticed, round(time.monotonic() - began, 1), of)


def _run(change: Change, tree: Path, said: Path) -> None:
    """In the child: run the tests, write the name of the first that fails, and end."""
    import pytest

    class First:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed and not said.exists():
                said.write_text(report.nodeid)

    for name in [one for one in sys.modules if one.split(".")[0] == "tests"]:
        del sys.modules[name]  # those of the copy are meant
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    code = pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *change.tests], plugins=[First()])
    os._exit(int(code))


def main() -> None:
    """Every change, or those whose words hold one given; ends with 1 where one survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of what a change says of itself, or of its file")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sys.dont_write_bytecode = True  # a file is changed and put back within the resolution of its time
    here = {str(ROOT), "", str(Path.cwd())}
    sys.path[:] = [place for place in sys.path if place not in here]
    import hypothesis  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import sympy  # noqa: F401
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for part in ("bounds", "tests"):
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", tree)
        os.environ["PYTHONPATH"] = str(tree)
        outcomes = kept(options.out, tree)
        asked = [one for one in CHANGES if options.only in one.what or options.only in one.file]
        for change in asked:
            if change in outcomes:
                continue
            one = outcomes[change] = tried(change, tree)
            print(f"{one.what}: {one.noticed_by or 'SURVIVED'} ({one.seconds} s)", flush=True)
            if options.out is not None:
                saved(outcomes, options.out)
    survived = [change.what for change in asked if not outcomes[change].noticed_by]
    print(f"{len(asked)} changes, {len(survived)} survived")
    sys.exit(bool(survived))


if __name__ == "__main__":
    main()
