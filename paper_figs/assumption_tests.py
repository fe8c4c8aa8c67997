"""Size and power of the tests of assumptions, by simulation -> results/assumption_tests.csv.

Size: 2,000 draws in which the null is true; the share of p-values at most 5 %, and at most the test's own level: 10⁻⁴,
at which an assumption reads "violated", or 0.005, at which the comparison of labeled and test rows warns. Power: draws
from worlds that break it.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import style
import torch

from bounds.assumptions.assumption import LEVEL
from bounds.assumptions.exchangeable import WARNING, exchangeable
from bounds.assumptions.one_law import crossed_views, one_law
from bounds.assumptions.regular import too_regular
from bounds.assumptions.swap import swap_test
from bounds.data.pairing import class_pairs
from bounds.representations.table import Representations

RESULT = Path(__file__).with_name("results") / "assumption_tests.csv"
Generator = np.random.Generator
Draw = Callable[[Generator], float]
_CENTRES = np.random.default_rng(5).normal(size=(5, 8))


class Case(NamedTuple):
    """A test in a world: its p-value as a function of a generator, and the level at which a report speaks."""

    test: str
    world: str
    null: bool
    p_value: Draw
    level: float = LEVEL


def _class_rows(rng: Generator, y: np.ndarray, spread: float = 1.0) -> np.ndarray:
    return _CENTRES[y] + spread * rng.normal(size=(len(y), 8))


def _seed(rng: Generator) -> int:
    return int(rng.integers(2**31))


def _pairs(kind: str, m: int) -> Callable[[Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    def draw(rng: Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        y = rng.integers(0, 5, m)
        first = _class_rows(rng, y)
        if kind == "class pairs":
            return first, _class_rows(rng, y), y
        if kind == "class pairs with ties":
            return _CENTRES[y] + rng.integers(0, 2, (m, 8)), _CENTRES[y] + rng.integers(0, 2, (m, 8)), y
        if kind == "class pairs of a pool":
            pool = rng.integers(0, 5, 2 * m)
            x = _class_rows(rng, pool)
            pairs = class_pairs(pool, seed=_seed(rng), class_prior_known=False, name="pool")
            return x[pairs.first], x[pairs.second], pairs.labels
        if kind == "near-duplicate views":
            return first, first + 0.3 * rng.normal(size=(m, 8)), y
        if kind == "sub-cluster pairs":
            cluster = rng.integers(0, 3, m)
            shift = 1.5 * np.random.default_rng(6).normal(size=(5, 3, 8))[y, cluster]
            return first + shift, _class_rows(rng, y) + shift, y
        if kind == "opposite views":  # A1 fails, one law holds
            return first, 2 * _CENTRES[y] - first, y
        raise ValueError(kind)

    return draw


def _swap(kind: str, m: int, labels: bool) -> Draw:
    draw = _pairs(kind, m)

    def p_value(rng: Generator) -> float:
        x1, x2, y = draw(rng)
        return swap_test(x1, x2, y if labels else None, num_classes=5, seed=_seed(rng)).p_value

    return p_value


def _crossed(kind: str, m: int, shift: float = 0.0) -> Draw:
    draw = _pairs(kind, m)

    def p_value(rng: Generator) -> float:
        x1, x2, y = draw(rng)
        return crossed_views(Representations((x1, x2 + shift), y), _seed(rng)).p_value

    return p_value


def _law(n: int, labels: bool, shift: float = 0.0, prior: float = 0.2) -> Draw:
    def p_value(rng: Generator) -> float:
        first = rng.integers(0, 5, n)
        second = np.where(rng.random(n) < prior, 0, rng.integers(1, 5, n))
        tables = [
            Representations((_class_rows(rng, y) + s,), y if labels else None)
            for y, s in ((first, 0.0), (second, shift))
        ]
        return one_law(*tables, seed=_seed(rng)).p_value

    return p_value


def _regular(n: int, classes: int, balanced: bool = False) -> Draw:
    def p_value(rng: Generator) -> float:
        y = np.arange(n) % classes if balanced else rng.integers(0, classes, n)
        return too_regular(np.bincount(y, minlength=classes)).p_value

    return p_value


def _exchangeable(kind: str, n: int) -> Draw:
    def p_value(rng: Generator) -> float:
        x = rng.normal(size=(n, 8)) + 0.5
        z = rng.normal(size=(n, 8)) + 0.5
        if kind == "T centred by itself":
            z -= z.mean(0)
        if kind == "groups of 5 in T":
            z = np.repeat(z[::5], 5, 0) + 0.2 * rng.normal(size=(n, 8))
        return exchangeable(Representations((x,)), Representations((z,)), _seed(rng)).p_value

    return p_value


def cases() -> list[Case]:
    """Every test in every world."""
    found = []
    for kind in ("class pairs", "class pairs with ties", "class pairs of a pool"):
        found.append(Case("swap test", f"{kind}, m = 200", True, _swap(kind, 200, True)))
        found.append(Case("nearest partner", f"{kind}, m = 200", True, _swap(kind, 200, False)))
    for kind in ("near-duplicate views", "sub-cluster pairs"):
        for m in (30, 60, 100, 250, 500):
            found.append(Case("swap test", f"{kind}, m = {m}", False, _swap(kind, m, True)))
            found.append(Case("nearest partner", f"{kind}, m = {m}", False, _swap(kind, m, False)))
    for kind in ("class pairs", "opposite views"):
        found.append(Case("first against second views", f"{kind}, m = 200", True, _crossed(kind, 200)))
    for shift in (0.2, 0.5):
        found += [
            Case(
                "first against second views",
                f"second shifted by {shift:g}, m = {m}",
                False,
                _crossed("class pairs", m, shift),
            )
            for m in (100, 500)
        ]
    for labels in (True, False):
        word = "with labels" if labels else "without labels"
        found.append(Case("one law", f"same law {word}, n = 200", True, _law(200, labels)))
        found += [
            Case("one law", f"shifted by {shift:g} {word}, n = {n}", False, _law(n, labels, shift))
            for shift in (0.2, 0.5)
            for n in (100, 500)
        ]
    found += [
        Case("one law", f"prior .35 for .2 with labels, n = {n}", False, _law(n, True, 0.0, 0.35))
        for n in (100, 500)
    ]
    found += [
        Case("too regular", f"i.i.d., K = {K}, n = {n}", True, _regular(n, K))
        for n, K in ((20, 10), (50, 10), (50, 2))
    ]
    found += [
        Case("too regular", f"balanced, K = {K}, n = {n}", False, _regular(n, K, True))
        for n, K in ((20, 10), (50, 10), (500, 2))
    ]
    found.append(Case("exchangeability", "same law, n = 100", True, _exchangeable("same law", 100), WARNING))
    found += [
        Case("exchangeability", f"{kind}, n = {n}", False, _exchangeable(kind, n), WARNING)
        for kind in ("T centred by itself", "groups of 5 in T")
        for n in (50, 100)
    ]
    return found


def rejections(case: Case, draws: int) -> tuple[int, int]:
    """How many of the p-values are at most 5 %, and at most the test's own level."""
    start = zlib.crc32(f"{case.test}, {case.world}".encode())
    values = np.array([case.p_value(np.random.default_rng([start, draw])) for draw in range(draws)])
    return int((values <= 0.05).sum()), int((values <= case.level).sum())


def written(origin: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the result, where they are of this commit and these draws."""
    said = {f"# commit: {origin['commit']}", f"# settings: {json.dumps(origin['settings'])}"}
    lines = RESULT.read_text("utf-8").splitlines() if RESULT.exists() else []
    if origin["commit"].endswith("-dirty") or not said <= set(lines):
        return []
    return pd.read_csv(RESULT, comment="#").to_dict("records")


def main(null_draws: int = 2000, power_draws: int = 200) -> pd.DataFrame:
    """The table, written as it grows; a run goes on with what the same commit wrote."""
    torch.set_num_threads(1)
    origin = style.provenance(null_draws=null_draws, power_draws=power_draws)
    rows = written(origin)
    known = {(row["test"], row["world"]) for row in rows}
    for case in cases():
        if (case.test, case.world) in known:
            continue
        draws = null_draws if case.null else power_draws
        loose, strict = rejections(case, draws)
        rows.append(
            {
                "test": case.test,
                "world": case.world,
                "null": case.null,
                "draws": draws,
                "level": case.level,
                "at 5 %": loose / draws,
                "at its level": strict / draws,
            }
        )
        style.write_csv(pd.DataFrame(rows), RESULT.stem, RESULT.parent, origin)
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main(*(int(arg) for arg in sys.argv[1:]))
