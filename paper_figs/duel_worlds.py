"""How often duels, rankings and certificates to a target are wrong, in worlds made to break them -> results/duel_worlds.csv.

    python paper_figs/duel_worlds.py [--runs 2000] [--out paper_figs/results]

A row a world: runs, wrong verdicts of this package and of a naive rule on the same data. δ = 0.05 throughout. Predictor a
says class 0 and b class 1 on every item on which they differ, so that the label 0 speaks for a, 1 for b, 2 for neither.
Worlds of which the file has as many runs are not run again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import style

from bounds.duels.certification import Certification
from bounds.duels.duel import Duel
from bounds.duels.paired import paired
from bounds.duels.panel import Panel
from bounds.duels.ranking import Ranking
from bounds.duels.sequences import log_margin_e_values
from bounds.duels.signs import log_sign_e_value
from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper

DELTA = 0.05
World = Callable[[np.random.Generator], tuple[bool, bool]]
Seed = np.random.Generator


def _duel(labels: np.ndarray, rng: Seed, differ: np.ndarray | None = None, **given: object) -> Duel:
    """A duel on these items; `differ` says where a and b do."""
    n = len(labels)
    differ = np.ones(n, bool) if differ is None else differ
    options = {"delta": DELTA, "repeats": None, "seed": int(rng.integers(2**40))} | given
    first, leaked = options.pop("first", None), options.pop("leaked", None)
    panel = Panel.of(
        {"a": np.zeros(n, np.int32), "b": np.where(differ, 1, 0).astype(np.int32)}, first=first, leaked=leaked
    )
    return Duel(panel, **options)  # type: ignore[arg-type]


def _answered(duel: Duel, labels: np.ndarray) -> Duel:
    rows = duel.to_label
    duel.add(rows, labels[rows])
    return duel


def _peeking(signs: np.ndarray) -> bool:
    """The naive rule: an exact two-sided test after every label, from the fifth on."""
    from scipy.stats import binom

    plus = np.cumsum(signs == 1)
    n = np.cumsum(signs != 0)
    tail = np.minimum(binom.sf(plus - 1, n, 0.5), binom.cdf(plus, n, 0.5))
    return bool((2 * tail <= DELTA)[4:].any())


def _signs(labels: np.ndarray) -> np.ndarray:
    return (labels == 0).astype(int) - (labels == 1)


def _late(signs: np.ndarray) -> bool:
    """The sequential test on answers as they happen to come: whether "a is better" is said."""
    plus, minus = np.cumsum(signs == 1), np.cumsum(signs == -1)
    return bool((log_sign_e_value(plus, minus) >= np.log(2 / DELTA)).any())


def no_difference(rng: Seed) -> tuple[bool, bool]:
    """Both err equally often; an error in either direction."""
    labels = rng.choice(3, 500, p=[0.4, 0.4, 0.2])
    duel = _answered(_duel(labels, rng), labels)
    return duel.verdict != "undecided", _peeking(_signs(labels[duel.answers.order]))


def alternative(rng: Seed) -> tuple[bool, bool]:
    """B errs a little less: "a" is wrong."""
    labels = rng.choice(3, 500, p=[0.39, 0.41, 0.2])
    duel = _answered(_duel(labels, rng), labels)
    from scipy.stats import binom

    signs = _signs(labels[duel.answers.order])
    plus, n = np.cumsum(signs == 1), np.cumsum(signs != 0)
    naive = (binom.sf(plus - 1, n, 0.5) <= DELTA)[4:].any()
    return duel.verdict == "a", bool(naive)


def dependent_heads(rng: Seed) -> tuple[bool, bool]:
    """Two heads of equal error that fail on nearly the same items; the naive rule tests after every label."""
    hard = rng.random(2000) < 0.3
    labels = np.where(hard, rng.choice([0, 1], 2000), 2)
    duel = _duel(labels, rng, differ=hard)
    rows = duel.to_label
    for cut in np.array_split(rows, 20):
        duel.add(cut, labels[cut])
    order = duel.answers.order
    signs = _signs(labels[order])
    return duel.verdict != "undecided", _peeking(signs)


def adversarial_stopping(rng: Seed) -> tuple[bool, bool]:
    """Stopped where it looks best for either side: the largest wealth against the smallest p-value."""
    labels = rng.choice(2, 800)
    duel = _duel(labels, rng)
    rows = duel.to_label
    signs = _signs(labels[rows])
    walk = np.cumsum(signs)
    best = int(np.argmax(np.abs(walk) / np.sqrt(np.arange(1, 801)))) + 1
    duel.add(rows[:best], labels[rows[:best]])
    p = paired(np.zeros(best, np.int32), np.ones(best, np.int32), labels[rows[:best]], DELTA).p_value
    return duel.verdict != "undecided", p <= DELTA


def easy_answers_first(rng: Seed) -> tuple[bool, bool]:
    """Who labels answers what speaks for a first, and stops half way; answers in the way wait."""
    labels = rng.choice(2, 400, p=[0.5, 0.5])
    duel = _duel(labels, rng)
    rows = duel.to_label
    easy = rows[np.argsort(labels[rows], kind="stable")][:200]
    duel.add(easy, labels[easy])
    return duel.verdict == "a", _late(_signs(labels[easy]))


def omitted_answers(rng: Seed) -> tuple[bool, bool]:
    """Half of what speaks against a is answered "cannot tell"; the naive rule leaves such items out."""
    labels = rng.choice(2, 400)
    told = np.where((labels == 1) & (rng.random(400) < 0.5), -1, labels)
    duel = _duel(labels, rng)
    rows = duel.to_label
    duel.add(rows, [None if one < 0 else one for one in told[rows].tolist()])
    return duel.verdict == "a", _late(_signs(told[rows]))


def copies_in_items(rng: Seed) -> tuple[bool, bool]:
    """Somebody added copies of what speaks for a; undeclared. The naive rule reads rows."""
    labels = rng.choice(2, 300)
    plus = np.flatnonzero(labels == 0)
    rows = np.concatenate([np.arange(300), rng.choice(plus, 300)])
    duel = _answered(_duel(labels[rows], rng, first=rows), labels[rows])
    return duel.verdict == "a", _late(_signs(labels[rows][duel.answers.order]))


def atoms_in_items(rng: Seed) -> tuple[bool, bool]:
    """The population has an item that speaks for b, drawn half of the time; the naive rule reads distinct items."""
    rows = np.where(rng.random(600) < 0.5, 0, np.arange(600))
    rows[0] = 0
    labels = np.where(rows == 0, 1, 0)
    duel = _answered(_duel(labels, rng, first=rows), labels)
    order = duel.answers.order
    return duel.verdict == "a", _late(_signs(labels[order[rows[order] == order]]))


def copies_in_items_dropped(rng: Seed) -> tuple[bool, bool]:
    """The same copies, declared to be copies; the naive rule declares them the population's own."""
    labels = rng.choice(2, 300)
    plus = np.flatnonzero(labels == 0)
    rows = np.concatenate([np.arange(300), rng.choice(plus, 300)])
    said = [
        _answered(_duel(labels[rows], rng, first=rows, repeats=kind), labels[rows]).verdict == "a"
        for kind in ("drop", "keep")
    ]
    return said[0], said[1]


def atoms_in_items_kept(rng: Seed) -> tuple[bool, bool]:
    """The same population, declared to repeat items; the naive rule declares them copies."""
    rows = np.where(rng.random(600) < 0.5, 0, np.arange(600))
    rows[0] = 0
    labels = np.where(rows == 0, 1, 0)
    said = [
        _answered(_duel(labels, rng, first=rows, repeats=kind), labels).verdict == "a"
        for kind in ("keep", "drop")
    ]
    return said[0], said[1]


def both_kinds_of_repeats(rng: Seed) -> tuple[bool, bool]:
    """An item that speaks for b is drawn a third of the time, and copies of what speaks for a were added; fixed size.

    Nothing that reads items one by one holds here; the naive rule is McNemar's exact test on rows.
    """
    drawn = np.where(rng.random(200) < 1 / 3, 0, np.arange(200))
    drawn[0] = 0
    labels = np.where(drawn == 0, 1, rng.choice(2, 200, p=[0.75, 0.25])[drawn])
    rows = np.concatenate([drawn, rng.choice(drawn[labels == 0], 60)])
    labels = labels[np.concatenate([np.arange(200), rows[200:]])]
    duel = _answered(_duel(labels, rng, first=_least(rows)), labels)
    from scipy.stats import binom

    plus = int((labels == 0).sum())
    return duel.fixed_size.p_first <= DELTA, bool(binom.sf(plus - 1, len(rows), 0.5) <= DELTA)


def _least(keys: np.ndarray) -> np.ndarray:
    """The first row of each key."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first[inverse]


def margin_at_its_edge(rng: Seed) -> tuple[bool, bool]:
    """A is worse by just the margin; the naive rule reads the disagreements last."""
    n, margin = 1000, 0.1
    labels = rng.choice(3, n, p=[0.05, 0.15, 0.8])
    differ = labels < 2
    duel = _answered(_duel(labels, rng, differ=differ, margin=margin), labels)
    signs = _signs(labels)
    first = np.concatenate([signs[~differ], signs[differ]]).astype(float)
    naive = (log_margin_e_values(first, margin) >= np.log(2 / DELTA)).any()
    return bool({"a", "a not worse"} & duel.claims), bool(naive)


def copies_of_labeled_rows(rng: Seed) -> tuple[bool, bool]:
    """A quarter of the items are training rows of a, which it has by heart; elsewhere both err equally often."""
    leaked = rng.random(400) < 0.25
    labels = np.where(leaked, 0, rng.choice(2, 400))
    duel = _duel(labels, rng, leaked=leaked)
    order = duel.answers.order
    return _answered(duel, labels).verdict == "a", _late(_signs(labels[order]))


def one_certifies_another(rng: Seed) -> tuple[bool, bool]:
    """A never errs, b errs on just the items that copy training rows; the naive rule leaves these out."""
    leaked = rng.random(400) < 0.25
    labels = np.zeros(400, int)
    limits = [
        _answered(_duel(labels[rows], rng, differ=leaked[rows], leaked=here), labels[rows]).error_of_b(
            0.0, DELTA / 2, DELTA / 2
        )
        for rows, here in ((np.arange(400), leaked), (np.flatnonzero(~leaked), None))
    ]
    return limits[0] < 0.25, limits[1] < 0.25


def interval_at_any_time(rng: Seed) -> tuple[bool, bool]:
    """Δ leaves the interval at one of 10 stops; the naive rule is the fixed-size interval at each."""
    n, p = 900, (0.3, 0.3)
    labels = rng.choice(3, n, p=[*p, 1 - sum(p)])
    differ = labels < 2
    duel = _duel(labels, rng, differ=differ)
    rows = duel.to_label
    share = len(rows) / n
    missed = naive = False
    for cut in np.array_split(rows, 10):
        duel.add(cut, labels[cut])
        bottom, top = duel.interval
        missed |= not bottom <= p[0] - p[1] <= top
        plus, t = int((labels[rows[: duel.labels]] == 0).sum()), duel.labels
        upper = 2 * clopper_pearson_upper(plus, t, DELTA / 2) - 1
        lower = 2 * clopper_pearson_lower(plus, t, DELTA / 2) - 1
        naive |= not share * lower <= p[0] - p[1] <= share * upper
    return missed, naive


def target_at_its_edge(rng: Seed) -> tuple[bool, bool]:
    """The error rate is the target, certified is wrong; the naive rule is Clopper-Pearson after every label."""
    target, n = 0.1, 600
    wrong = (rng.random(n) < target).astype(int)
    panel = Panel.of({"h": np.zeros(n, np.int32)})
    one = Certification(panel, target=target, delta=DELTA, repeats=None, seed=int(rng.integers(2**40)))
    rows = one.to_label
    one.add(rows, wrong[rows])
    from scipy.stats import binom

    k = np.cumsum(wrong[rows])
    naive = (binom.cdf(k, np.arange(1, n + 1), target) <= DELTA).any()
    return one.verdict == "certified", bool(naive)


def best_of_five(rng: Seed) -> tuple[bool, bool]:
    """Five equally good predictors, the first is protected; the naive rule asks the items first that look bad for it."""
    n, j = 300, 5
    right = rng.random((j, n)) < 0.7
    labels = np.zeros(n, int)
    columns = {str(i): np.where(right[i], 0, i + 1).astype(np.int32) for i in range(j)}
    one = Ranking(Panel.of(columns), delta=DELTA, repeats=None, seed=int(rng.integers(2**40)))
    rows = one.to_label
    while len(rows):
        one.add(rows[:100], labels[rows[:100]])
        rows = one.to_label
    looks = np.argsort(right[0] + 0.5 * rng.random(n), kind="stable")
    wealth = np.zeros(n)
    for i in range(1, j):
        sign = right[i, looks].astype(int) - right[0, looks]
        wealth += np.exp(log_sign_e_value(np.cumsum(sign == 1), np.cumsum(sign == -1))) / (j - 1)
    return "0" not in one.best, bool((wealth >= 1 / DELTA).any())


def order_of_five(rng: Seed) -> tuple[bool, bool]:
    """Five equally good predictors, of which no order is true; the naive rule pays for one pair."""
    n, j = 300, 5
    right = rng.random((j, n)) < 0.7
    labels = np.zeros(n, int)
    columns = {str(i): np.where(right[i], 0, i + 1).astype(np.int32) for i in range(j)}
    one = Ranking(Panel.of(columns), goal="order", delta=DELTA, repeats=None, seed=int(rng.integers(2**40)))
    rows = one.to_label
    one.add(rows, labels[rows])
    naive = False
    for i in range(j):
        for k in range(j):
            sign = right[i, rows].astype(int) - right[k, rows]
            wealth = log_sign_e_value(np.cumsum(sign == 1), np.cumsum(sign == -1))
            naive |= bool((wealth >= np.log(1 / DELTA)).any())
    return bool(one.order), naive


WORLDS: dict[str, World] = {
    "no difference": no_difference,
    "alternative": alternative,
    "dependent heads": dependent_heads,
    "adversarial stopping": adversarial_stopping,
    "easy answers first": easy_answers_first,
    "omitted answers": omitted_answers,
    "copies in U": copies_in_items,
    "atoms in U": atoms_in_items,
    "copies in U, declared": copies_in_items_dropped,
    "atoms in U, declared": atoms_in_items_kept,
    "both kinds of repeats": both_kinds_of_repeats,
    "margin at its edge": margin_at_its_edge,
    "copies of S in U": copies_of_labeled_rows,
    "one certifies another": one_certifies_another,
    "interval at any time": interval_at_any_time,
    "target at its edge": target_at_its_edge,
    "best of five": best_of_five,
    "order of five": order_of_five,
}


def run(name: str, runs: int, seed: int = 0) -> tuple[int, int]:
    """How often this package, and the naive rule, are wrong."""
    generator = np.random.default_rng([seed, *name.encode()])
    found = np.array([WORLDS[name](generator) for _ in range(runs)])
    return int(found[:, 0].sum()), int(found[:, 1].sum())


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    options = parser.parse_args(argv)
    path = options.out / "duel_worlds.csv"
    saved = pd.read_csv(path, comment="#") if path.exists() else pd.DataFrame({"world": [], "runs": []})
    rows = saved[(saved["runs"] >= options.runs) & saved["world"].isin(WORLDS)].to_dict("records")
    for name, world in WORLDS.items():
        if name in {row["world"] for row in rows}:
            continue
        wrong, naive = run(name, options.runs)
        said = " ".join((world.__doc__ or "").split())
        made = {"world": name, "runs": options.runs, "wrong": wrong, "naive": naive, "commit": style.commit()}
        rows.append(made | {"what": said})
        print(f"{name:24} {wrong / options.runs:.4f} {naive / options.runs:.4f}", flush=True)
        rows.sort(key=lambda row: list(WORLDS).index(row["world"]))
        frame = pd.DataFrame(rows)  # written after each world: an interruption loses one
        notes = style.provenance(script=Path(__file__).name, runs=options.runs, delta=DELTA)
        style.write_csv(frame, "duel_worlds", options.out, notes)


if __name__ == "__main__":
    main()
