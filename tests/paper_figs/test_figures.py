"""The figure scripts: one command makes them all, each writes its picture and the numbers behind it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import bound_coverage
import entropy_training
import objectives
import pages
import regenerate
import runs
import style
import term_stacks


@pytest.mark.parametrize(
    ("name", "tables"),
    [pytest.param("c_factor", ["c_factor"], marks=pytest.mark.slow), ("term_stacks", ["term_stacks"])],
)
def test_quick_figure_writes_pdf_png_and_numbers_with_their_origin(
    name: str, tables: list[str], tmp_path: Path
) -> None:
    assert regenerate.main(["--quick", "--only", name, "--out", str(tmp_path), "--data", "absent"]) == 0
    assert (tmp_path / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    for table in tables:
        text = (tmp_path / f"{table}.csv").read_text()
        assert text.startswith(f"# script: {name}.py\n")
        assert {"# commit:", "# date:", "# versions:", "# settings:"} <= {
            " ".join(line.split()[:2]) for line in text.splitlines() if line.startswith("#")
        }
        assert len(pd.read_csv(tmp_path / f"{table}.csv", comment="#"))
    assert not list(tmp_path.glob("*.part*"))


def test_pages_show_the_tables_of_the_saved_results() -> None:
    shown = {name for page in pages.pages() for name in pages.TABLES if name in page.read_text("utf-8")}
    assert shown == set(pages.TABLES)
    for page in pages.pages():
        assert pages.filled(page.read_text("utf-8")) == page.read_text("utf-8")


def test_failing_figure_is_reported_and_the_others_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(term_stacks, "table", lambda quick: 1 / 0)
    chosen = ["--only", "term_stacks", "--only", "pairwise_distances"]
    assert regenerate.main(["--quick", *chosen, "--out", str(tmp_path), "--data", "absent"]) == 1
    assert "failed: term_stacks" in capsys.readouterr().err
    summary = pd.read_csv(tmp_path / "pairwise_distances_summary.csv", comment="#")
    assert list(summary["data"]) == ["digits (scikit-learn)"]


def test_every_figure_has_a_script_that_can_be_run_by_itself() -> None:
    folder = Path(regenerate.__file__).parent
    for name in regenerate.FIGURES:
        text = (folder / f"{name}.py").read_text()
        assert f"python paper_figs/{name}.py" in text
        assert "def main(argv: list[str] | None = None)" in text


def test_unknown_figure_is_refused() -> None:
    with pytest.raises(SystemExit):
        regenerate.main(["--only", "nothing"])


def test_stacks_end_at_the_bound_also_under_a_root(tmp_path: Path) -> None:
    rows = term_stacks.table(quick=True)
    ends = rows.groupby(["encoder", "row"]).agg(total=("share", "sum"), ratio=("ratio", "first"))
    assert ends["total"].to_numpy() == pytest.approx(ends["ratio"].to_numpy())


def record(objective: str, probe: float, entropies: list[float], seed: int = 0) -> dict[str, object]:
    history = [{"loss": 1.0}] + [
        {"embedding_entropy_unit": value, "embedding_entropy_pairwise": value / 10} for value in entropies
    ]
    provenance = {"seed": seed}
    return {"objective": objective, "history": history, "test_probe": probe, "provenance": provenance}


def save(folder: Path, run: str, encoder: dict[str, object], *records: dict[str, object]) -> None:
    for one in records:
        seed, name = one["provenance"]["seed"], one["objective"]  # type: ignore[index]
        settings = {"encoder": encoder, "epochs": len(one["history"]), "images": 50_000}  # type: ignore[arg-type]
        text = json.dumps(one | {"settings": settings})
        (folder / f"cifar10-{run}-seed{seed}-{name}.json").write_text(text)


def test_saved_runs_are_preferred_and_two_runs_are_never_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    resnet = {"depth": 18, "width": 64}
    save(tmp_path, "cpu", resnet, *(record(name, 0.4, [1.0, 2.0, 3.0]) for name in ("vicreg", "byol")))
    save(tmp_path, "gpu", resnet, record("vicreg", 0.8, [1.0, 2.0]), record("vicreg_logdet", 0.9, [1.0, 2.0]))
    rows = objectives.table(quick=False, seed=0)
    assert set(rows["runs"]) == {"CIFAR-10, ResNet-18 of width 64, 3 epochs of 50,000 images"}
    assert list(rows["objective"]) == ["VICReg, LogDet entropy", "VICReg"]
    assert list(rows["entropy_logdet"]) == [2.0, 2.0]
    assert rows["probe_low"].isna().all()  # the number of test images was not saved
    assert r"VICReg, LogDet entropy & 90.0 & 2.0 & 0.20 \\" in objectives.latex(rows)


def test_seeds_of_a_run_are_shown_together_and_runs_as_long_beside_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    probes = {"vicreg": (0.5, 0.6), "simclr": (0.9, 0.1)}
    made = [
        record(name, probe, [1.0, 2.0 + seed, 4.0 + seed], seed)
        for name, found in probes.items()
        for seed, probe in enumerate(found)
    ]
    save(tmp_path, "a_convnet", {"width": 16}, record("byol", 0.7, [1.0, 2.0, 3.0]))
    save(tmp_path, "claims", {"depth": 18, "width": 16}, *made)
    save(tmp_path, "short", {"depth": 18, "width": 16}, record("byol", 0.99, [1.0]))
    rows = objectives.table(quick=False, seed=0)
    assert list(rows["objective"]) == [
        "VICReg",
        "VICReg",
        "SimCLR",
        "SimCLR",
        "BYOL",
    ]  # by the mean of the seeds
    assert list(rows["seed"]) == [0, 1, 0, 1, 0]
    table = objectives.latex(rows)
    assert r"ResNet-18 of width 16, 4 epochs of 50,000 images, 2 seeds} \\" in table
    assert r"ConvNet of width 16, 4 epochs of 50,000 images} \\" in table
    assert r"VICReg & 55.0 & 4.5 & 0.45 \\" in table
    label, entropies = entropy_training.table(quick=False, seed=0)
    assert label == "CIFAR-10, ResNet-18 of width 16, 4 epochs of 50,000 images"
    assert list(entropies.query("objective == 'vicreg' and epoch == 4")["embedding_entropy_unit"]) == [4, 5]


def test_saved_trajectory_is_flattened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    one = {"epoch": 3, "test_error": 0.5, "quantities": {"c": 2.0}, "vicreg": {"value": 7.0, "vacuous": True}}
    saved = {"run": "r", "trajectories": {"simclr": [one]}}
    (tmp_path / "cifar10-r-bounds.json").write_text(json.dumps(saved))
    label, rows = runs.trajectories(quick=False, seed=0)
    assert label == "CIFAR-10, run r"
    expected = {"objective": "simclr", "epoch": 3, "test_error": 0.5, "c": 2.0, "vicreg": 7.0}
    assert rows.to_dict("records") == [expected]


def test_saved_coverage_is_drawn_without_running_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "coverage.csv"
    saved.write_text("# commit: abc\nbound,trials\nvicreg,1000\n")
    monkeypatch.setattr(bound_coverage, "SAVED", saved)
    source, rows = bound_coverage.table(quick=False, seed=0, trials=None)
    assert source == "coverage.csv"
    assert rows.to_dict("records") == [{"bound": "vicreg", "trials": 1000}]


@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0], [5.0, 1.0, 5.5], [3.0]])
def test_labels_are_spread_apart_and_keep_their_order(values: list[float]) -> None:
    placed = style.spread(values, 2.0)
    pairs = sorted(zip(values, placed, strict=True))
    assert all(b[1] - a[1] >= 2.0 - 1e-6 for a, b in zip(pairs, pairs[1:], strict=False))
    assert sum(placed) == pytest.approx(sum(values))
