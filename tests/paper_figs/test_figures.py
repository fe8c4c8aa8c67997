"""The figure scripts: one command makes them all, each writes its picture and the numbers behind it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import bound_coverage
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


def record(objective: str, probe: float, entropies: list[float]) -> dict[str, object]:
    history = [{"loss": 1.0}] + [
        {"embedding_entropy_unit": value, "embedding_entropy_pairwise": value / 10} for value in entropies
    ]
    return {"objective": objective, "history": history, "test_probe": probe}


def test_saved_runs_are_preferred_and_two_runs_are_never_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "RESULTS", tmp_path)
    for label, name, probe in (
        ("cpu-2ep", "vicreg", 0.4),
        ("cpu-2ep", "byol", 0.3),
        ("cpu-2ep", "simclr", 0.2),
        ("gpu-400ep", "vicreg", 0.8),
        ("gpu-400ep", "vicreg_logdet", 0.9),
    ):
        settings = {"encoder": {"depth": 18, "width": 64}, "epochs": int(label[4:-2]), "images": 50_000}
        text = json.dumps(record(name, probe, [1.0, 2.0]) | {"settings": settings})
        (tmp_path / f"cifar10-{label}-{name}.json").write_text(text)
    label, rows = objectives.table(quick=False, seed=0)
    assert label == "CIFAR-10, ResNet-18 of width 64, 400 epochs of 50,000 images"
    assert list(rows["objective"]) == ["VICReg, LogDet entropy", "VICReg"]
    assert list(rows["entropy_logdet"]) == [2.0, 2.0]
    assert rows["probe_low"].isna().all()  # the number of test images was not saved
    assert r"VICReg, LogDet entropy & 90.0 & 2.0 & 0.20 \\" in objectives.latex(rows)


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
