"""The zoo: a balanced design, a runner that continues, and the statistics of Jiang et al. on cases known by hand."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kendalltau

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import zoo
import zoo_analysis
import zoo_grid
from zoo_images import Split

import bounds

GRID = list(zoo_grid.grid())


def test_every_beginning_is_balanced_over_objectives_and_data() -> None:
    assert Counter(one.data for one in GRID)["cifar10"] >= 72
    assert Counter(one.data for one in GRID)["mnist"] >= 36
    assert len({one.name for one in GRID}) == len(GRID)
    for count in range(1, len(GRID) + 1):
        objectives = Counter(one.objective for one in GRID[:count])
        assert max(objectives.values()) - min(objectives[name] for name in zoo_grid.WEIGHTS) <= 1
        data = Counter(one.data for one in GRID[: min(count, 72)])
        assert data["cifar10"] - data["mnist"] in range(7)


def test_every_variant_differs_from_its_base_in_one_thing() -> None:
    base = {(one.data, one.objective): one for one in GRID if one.variant == "base"}
    seen = set()
    for one in GRID:
        other = base[one.data, one.objective]
        changed = {key for key in vars(one) if vars(one)[key] != vars(other)[key]} - {"variant"}
        assert len(changed) == (one.variant != "base"), one.name
        seen.add(str(replace(one, variant="")))
    assert len(seen) == len(GRID)


def test_every_axis_of_the_analysis_is_one_field_of_the_grid() -> None:
    known = {one.variant for one in GRID}
    for changed in zoo_analysis.AXES.values():
        assert set(changed) <= known


def test_the_runner_skips_what_is_done_and_what_others_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randint(0, 256, (260, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    y = torch.arange(260) % 10
    monkeypatch.setattr(zoo, "saved_split", lambda *_: Split((x, y), (x, y), (x, y), (x, y)))
    small = [
        replace(zoo_grid.configuration("mnist", name, "base"), epochs=1, projector=(8, 8))
        for name in ("vicreg", "byol")
    ]
    monkeypatch.setattr(zoo, "grid", lambda: iter(small))
    assert zoo.run(Path("absent"), tmp_path / "work", tmp_path / "out", minutes=5, limit=1) == 1
    assert zoo.run(Path("absent"), tmp_path / "work", tmp_path / "out", minutes=5) == 1
    assert zoo.run(Path("absent"), tmp_path / "work", tmp_path / "out", minutes=5) == 0
    for one in small:
        record = json.loads((tmp_path / "out" / f"{one.name}.json").read_text())
        assert record["configuration"]["objective"] == one.objective
        assert len(record["curve"]) == 1
        encoder = bounds.load_encoder(tmp_path / "out" / f"{one.name}.safetensors", device="cpu")
        assert encoder(x[:5]).shape == (5, 64)
        assert (tmp_path / "out" / f"{one.name}.safetensors").stat().st_size < 80_000  # two bytes a weight
    assert not list((tmp_path / "out").glob(".*"))
    assert not [one for one in (tmp_path / "work").iterdir() if one.is_dir()]


def test_a_run_without_finite_loss_leaves_a_record_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randint(0, 256, (130, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    y = torch.arange(130) % 10
    monkeypatch.setattr(zoo, "saved_split", lambda *_: Split((x, y), (x, y), (x, y), (x, y)))
    wild = replace(zoo_grid.configuration("mnist", "vicreg", "base"), epochs=3, projector=(8, 8), lr=1e30)
    monkeypatch.setattr(zoo, "grid", lambda: iter([wild]))
    assert zoo.run(Path("absent"), tmp_path / "work", tmp_path / "out", minutes=5) == 1
    assert "not finite" in json.loads((tmp_path / "out" / f"{wild.name}.json").read_text())["failed"]
    assert not (tmp_path / "out" / f"{wild.name}.safetensors").exists()


def frame(variants: tuple[str, ...] = ("base", "weak", "short", "wide")) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"data": "cifar10", "objective": o, "variant": v}
            for v in variants
            for o in ("vicreg", "simclr", "byol")
        ]
    )


def once(count: int) -> np.ndarray:
    return np.ones((3, count))


def test_tau_is_kendalls_and_its_interval_that_of_the_resamples() -> None:
    rng = np.random.default_rng(0)
    error = rng.integers(0, 6, 15).astype(float)
    score = rng.integers(0, 6, 15) - error
    tau, low, high = zoo_analysis.tau_interval(score, error, once(15))
    assert tau == pytest.approx(kendalltau(score, -error).statistic) == low == high
    weights = rng.multinomial(15, np.full(15, 1 / 15), size=300).astype(float)
    drawn = []
    for one in weights:
        rows = np.repeat(np.arange(15), one.astype(int))
        drawn.append(kendalltau(score[rows], -error[rows]).statistic)
    _, low, high = zoo_analysis.tau_interval(score, error, weights)
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))


def test_regret_is_what_the_choice_costs() -> None:
    error = np.array([0.3, 0.1, 0.2])
    assert zoo_analysis.regret_interval(-error, error, once(3)) == (0, 0, 0)
    assert zoo_analysis.regret_interval(error, error, once(3))[0] == pytest.approx(0.2)
    assert zoo_analysis.regret_interval(np.array([1, 1, 0]), error, once(3))[0] == pytest.approx(0.1)
    without_best = np.array([[1.0, 0, 1], [1, 0, 2]])
    assert zoo_analysis.regret_interval(-error, error, without_best)[1:] == (0, 0)


def test_granulated_tau_looks_at_one_change_at_a_time() -> None:
    table = frame()
    rng = np.random.default_rng(1)
    error = rng.random(len(table))
    assert zoo_analysis.granulated(-error, error, table) == 1
    assert zoo_analysis.granulated(error, error, table) == -1
    # An offset for each objective leaves every group but the one of the bases as it was.
    offset = 10 * pd.factorize(table["objective"])[0]
    by_axis = dict(zoo_analysis.groups(table))
    assert set(by_axis) == {"augmentation", "epochs", "encoder", "objective"}
    bases = by_axis["objective"]
    of_bases = kendalltau(-error[bases] - offset[bases], -error[bases]).statistic
    assert zoo_analysis.granulated(-error - offset, error, table) == pytest.approx((3 + of_bases) / 4)


def test_conditional_information_of_copies_strangers_and_confounded_scores() -> None:
    table = frame(("base", "weak", "short", "wide", "narrow", "strong", "long", "slow"))
    rng = np.random.default_rng(2)
    error = rng.random(len(table))
    assert zoo_analysis.conditional_information(error**3, error, table) == pytest.approx(1)
    assert zoo_analysis.conditional_information(-error, error, table) == pytest.approx(1)
    assert zoo_analysis.conditional_information(np.zeros(len(table)), error, table) == 0
    # A score that only knows the objective says something about the error, nothing given the objective.
    objective = pd.factorize(table["objective"])[0].astype(float)
    confounded = objective + 0.1 * rng.random(len(table))
    assert zoo_analysis.conditional_information(objective, confounded, table) < 1e-12


def test_conditional_information_equals_the_plain_form() -> None:
    table = frame()
    rng = np.random.default_rng(3)
    error, score = rng.random(len(table)), rng.integers(0, 5, len(table)).astype(float)
    n, shares = len(table), []
    for column in (None, "objective", "variant"):
        counts: Counter[tuple[object, float, float]] = Counter()
        for i in range(n):
            for j in range(n):
                if i != j:
                    cell = None if column is None else (table[column][i], table[column][j])
                    counts[cell, np.sign(score[i] - score[j]), np.sign(error[i] - error[j])] += 1
        total = sum(counts.values())

        def share(*where: object, counts: Counter = counts, total: int = total) -> float:
            return (
                sum(v for k, v in counts.items() if all(w is ... or w == k[i] for i, w in enumerate(where)))
                / total
            )

        information = sum(
            c / total * np.log(c / total * share(u, ..., ...) / (share(u, x, ...) * share(u, ..., y)))
            for (u, x, y), c in counts.items()
        )
        entropy = -sum(
            c / total * np.log(share(u, ..., y) / share(u, ..., ...)) for (u, x, y), c in counts.items()
        )
        shares.append(information / entropy)
    assert zoo_analysis.conditional_information(score, error, table) == pytest.approx(min(shares))


def test_analysis_makes_table_figure_and_study(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = []
    for one in GRID[:48]:
        error = rng.random()
        rows.append({"encoder": one.name, "data": one.data, "objective": one.objective, "variant": one.variant,
                     "probe_error": error, "rank_me": 1 - error, "alpha_req": 1 + error, "self_cluster": rng.random(),
                     "cdnv": error + 0.1 * rng.random(), "bound.held_out": error + 0.01})  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "zoo.csv", index=False)
    zoo_analysis.main(
        [
            "--quick",
            "--out",
            str(tmp_path),
            "--table",
            str(tmp_path / "zoo.csv"),
            "--study",
            str(tmp_path / "study.json"),
        ]
    )
    found = pd.read_csv(tmp_path / "zoo_analysis.csv", comment="#").set_index(["measure", "data"])
    for measure in ("rank_me", "alpha_req_from_1", "held_out"):
        for data in ("cifar10", "mnist"):
            assert found.loc[(measure, data), ["tau", "granulated_tau", "regret"]].tolist() == [1, 1, 0]
    study = json.loads((tmp_path / "study.json").read_text())
    assert study["best"] in ("rank_me", "alpha_req_from_1")
    assert study["encoders"] == 48
    assert study["crossed"]["mnist"]["chosen_on"] == "cifar10"
    assert (tmp_path / "zoo_analysis.pdf").read_bytes().startswith(b"%PDF")


SAVED = zoo_analysis.RESULTS / "zoo.csv"


def test_the_study_of_select_is_what_the_saved_table_gives(tmp_path: Path) -> None:
    from bounds.selection.select import STUDY

    zoo_analysis.main(
        [
            "--draws",
            "20",
            "--no-terms",
            "--targets",
            "probe_error",
            "--out",
            str(tmp_path),
            "--study",
            str(tmp_path / "s"),
        ]
    )
    made, kept = json.loads((tmp_path / "s").read_text()), json.loads(STUDY.read_text(encoding="utf-8"))
    assert made["best"] == kept["best"]
    for measure, by_data in kept["measures"].items():
        for data, one in by_data.items():
            for name in ("tau", "regret", "encoders"):
                assert made["measures"][measure][data][name] == one[name]
            assert one["tau_low"] <= one["tau"] <= one["tau_high"]


def test_the_saved_encoders_are_those_of_the_table() -> None:
    table = pd.read_csv(SAVED, comment="#")
    assert set(table["encoder"]) <= {one.name for one in GRID}
    for name in table["encoder"]:
        record = json.loads((zoo.ZOO / f"{name}.json").read_text(encoding="utf-8"))
        assert "curve" in record
        assert (zoo.ZOO / f"{name}.safetensors").exists()
