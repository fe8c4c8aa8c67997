"""The command line writes whole reports, ends with one sentence on bad input, and leaves nothing half-written."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import bounds
from bounds.cli import app
from tests.worlds_small import gaussian_classes

WRITTEN = {"report.json", "report.html", "report.txt", "report.tex", "figure.pdf", "figure.png"}


@pytest.fixture
def files(tmp_path):
    x, y, a, b, yp = gaussian_classes(np.random.default_rng(3), 3, 6, 150, 80, separation=3.0)
    np.savez(tmp_path / "labeled.npz", x=x[:90], y=y[:90])
    np.savez(tmp_path / "pairs.npz", x1=a, x2=b, y=yp)
    np.savez(tmp_path / "test.npz", x=x[90:], y=y[90:])
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_evaluate_writes_the_same_report_as_the_python_call(files):
    out = files / "out"
    result = run(
        *("evaluate", "--labeled", files / "labeled.npz", "--unlabeled", files / "pairs.npz"),
        *("--test", files / "test.npz", "--pairs", "class", "--labeled-is-fresh", "--unlabeled-is-fresh"),
        *("--delta", 0.1, "--out", out),
    )
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == WRITTEN
    report = bounds.evaluate(
        None,
        files / "labeled.npz",
        files / "pairs.npz",
        test=files / "test.npz",
        pairs="class",
        labeled_is_fresh=True,
        unlabeled_is_fresh=True,
        delta=0.1,
    )
    saved = bounds.Report.from_json(out / "report.json")
    assert {b.name: b.value for b in saved} == {b.name: b.value for b in report}
    assert result.stdout.startswith("bounds report · ")
    assert saved.verdict.answer in " ".join(result.stdout.split())
    assert f"wrote {out / 'report.html'}" in result.stderr
    assert "vicreg_certified" in (out / "report.txt").read_text()
    again = run("report", out / "report.json", "--out", files / "again")
    assert again.exit_code == 0, again.output
    assert saved.verdict.answer in " ".join(again.stdout.split())
    for name in ("report.json", "report.html", "report.txt", "report.tex"):
        assert (files / "again" / name).read_text() == (out / name).read_text()
    one = run("report", out / "report.json", "--bound", "vicreg_certified")
    assert one.stdout.startswith("vicreg_certified · ")
    assert "labeled_residual" in one.stdout
    near = run("report", out / "report.json", "--bound", "vicreg_certifed")
    assert near.exit_code == 2
    assert "did you mean `vicreg_certified`?" in near.stderr
    for command in (
        ["report", out / "report.json"],
        ["plan", out / "report.json", "--target", 0.2, "--bound", "test_set"],
    ):
        assert json.loads(run(*command, "--json").stdout)
    both = run("compare", f"a={out / 'report.json'}", f"b={out / 'report.json'}", "--out", files / "both")
    assert both.exit_code == 0, both.output
    assert "the smallest certified error" in both.stdout
    assert {path.name for path in (files / "both").iterdir()} == {
        "comparison.html",
        "comparison.pdf",
        "comparison.png",
    }
    twice = run("compare", out / "report.json", out / "report.json")
    assert twice.exit_code == 2
    assert "name them" in twice.stderr


def test_provenance_names_versions_options_and_file_hashes(files):
    report = bounds.evaluate(None, files / "labeled.npz", files / "pairs.npz", delta=0.2)
    provenance = json.loads(report.to_json())["provenance"]
    assert provenance["options"]["delta"] == 0.2
    assert provenance["versions"]["bounds"] == bounds.__version__
    assert "sha256" in json.dumps(provenance["data"]["labeled"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--labeled", "missing.npz"], "missing.npz"),
        (["--labeled", "labeled.npz", "--delta", "2"], "`--delta` must lie"),
        (["--labeled", "labeled.npz", "--checkpoint", "labeled.npz"], "labeled.npz"),
        (["--labeled", "labeled.npz", "--bound", "unheard_of"], "unknown bounds"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_writes_nothing(files, monkeypatch, arguments, sentence):
    monkeypatch.chdir(files)
    result = run("evaluate", *arguments, "--out", "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert sentence in result.stderr
    assert not (files / "out").exists()


@pytest.mark.slow
def test_demo_compares_both_embedded_encoders(tmp_path):
    result = run("demo", "--out", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    names = {path.relative_to(tmp_path / "demo").as_posix() for path in (tmp_path / "demo").rglob("*.*")}
    assert {"comparison.html", "comparison.pdf", "vicreg/report.json", "simclr/report.html"} <= names
    report = bounds.Report.from_json(tmp_path / "demo" / "vicreg" / "report.json")
    assert all(
        report.assumptions[name].status == "holds" for name in ("A1", "A2", "A3", "A4", "A5", "A6", "A7")
    )
    assert report["vicreg_certified"].certified
    assert report.test_error is not None
    assert report.test_error < 0.15


def test_pretrain_leaves_a_checkpoint_that_evaluate_takes(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(96, 8, 8), dtype=np.uint8)
    labels = rng.integers(0, 3, size=96)
    np.savez(tmp_path / "images.npz", x=images, y=labels)
    result = run(
        *("pretrain", "vicreg", "--data", tmp_path / "images.npz", "--out", tmp_path / "run"),
        *("--epochs", 1, "--batch-size", 32, "--optimizer", "adamw"),
    )
    assert result.exit_code == 0, result.output
    checkpoint = result.stdout.splitlines()[0].removeprefix("wrote ")
    report = bounds.evaluate(
        checkpoint, (images, labels), (images, labels), pairs="class", bounds=["vicreg_direct"], batch_size=32
    )
    assert report["vicreg_direct"].value > 0
    refused = run("pretrain", "vicregg", "--data", tmp_path / "images.npz", "--out", tmp_path / "other")
    assert refused.exit_code == 2
    assert "error: " in refused.stderr


def test_plan_says_what_it_takes_or_what_stops_it(files):
    out = files / "out"
    names = ("vicreg_direct", "vicreg_second_moment", "test_set")
    result = run(
        *(
            "evaluate",
            "--labeled",
            files / "labeled.npz",
            "--unlabeled",
            files / "pairs.npz",
            "--test",
            files / "test.npz",
        ),
        *("--pairs", "class", "--out", out, *(part for name in names for part in ("--bound", name))),
    )
    assert result.exit_code == 0, result.output
    planned = run("plan", out / "report.json", "--target", 0.3, "--out", files / "plans")
    assert planned.exit_code == 0, planned.output
    plans = bounds.Report.from_json(out / "report.json").plan(target=0.3)
    assert set(plans) == set(names)
    for plan in plans.values():
        for need in plan.needs.values():
            assert need.reachable == (need.floor <= 0.3)
            assert (need.stopped_by is None) == need.reachable
    assert (files / "plans" / "plan_vicreg_direct.pdf").exists()
    assert run("plan", out / "report.json", "--target", -1).exit_code == 2


@pytest.mark.slow
def test_demo_of_real_images_holds_every_assumption_and_some_bounds_are_informative(tmp_path):
    result = run("demo", "--example", "cifar10", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    for method in ("vicreg", "simclr"):
        report = bounds.Report.from_json(tmp_path / method / "report.json")
        assert all(report.assumptions[f"A{i}"].status == "holds" for i in range(1, 8))
        certified = [bound for bound in report if bound.certified and bound.axis.name == "error"]
        assert any(not bound.vacuous for bound in certified)
        above = [
            b
            for b in report
            if b.certified and report.measured_for(b) is not None and "from below" not in b.axis.name
        ]
        assert all(bound.value >= report.measured_for(bound) for bound in above)


def parsed(*arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_measures_say_what_their_python_calls_say(files):
    pairs = np.load(files / "pairs.npz")
    found = parsed("describe", files / "pairs.npz")
    assert found["measures"]["rank"] == bounds.describe((pairs["x1"], pairs["x2"]))["rank"]
    swapped = parsed("swap-test", files / "pairs.npz")
    own = bounds.swap_test(pairs["x1"], pairs["x2"], pairs["y"])
    assert (swapped["p_value"], swapped["refuted"]) == (own.p_value, own.refuted)
    labeled = np.load(files / "labeled.npz")
    from bounds.complexity import LinearHead

    options = ("--function-class", "linear_head", "--beta", 2, "--draws", 20)
    upper = parsed("rademacher", files / "labeled.npz", *options)["upper"]
    assert upper == bounds.rademacher((labeled["x"], labeled["y"]), LinearHead(2.0), draws=20).upper
    assert run("rademacher", files / "labeled.npz", "--function-class", "linear_map").exit_code == 2
    of = {"shots": (2, 3), "rule": ("knn", 3), "ways": "pairs", "permutations": 5, "fresh": True}
    options = (
        "--shots",
        2,
        "--shots",
        3,
        "--rule",
        "knn:3",
        "--ways",
        "pairs",
        "--permutations",
        5,
        "--fresh",
    )
    curve = bounds.few_shot(labeled["x"], labeled["y"], **of).to_frame()
    shots = parsed("few-shot", files / "labeled.npz", *options)
    assert [row["shots"] for row in shots] == [2, 3]
    assert [row["limit"] for row in shots] == pytest.approx(list(curve.limit), rel=1e-9)
    assert "certified" in run("few-shot", files / "labeled.npz", *options).stdout
    rows = parsed(
        *("sweep", "--labeled", files / "labeled.npz", "--pairs", files / "pairs.npz", "--n", 30, "--n", 60),
        *("--repeats", 1, "--bound", "vicreg_direct", "--out", files / "sweep.csv"),
    )
    own = bounds.sweep(
        (labeled["x"], labeled["y"]),
        (pairs["x1"], pairs["x2"], pairs["y"]),
        n=[30, 60],
        repeats=1,
        bounds=["vicreg_direct"],
    )
    assert [row["value"] for row in rows] == pytest.approx(list(own.value), rel=1e-9)
    assert (files / "sweep.csv").exists()


def test_coverage_and_catalogue_and_derive(tmp_path):
    (row,) = parsed("coverage", "--bound", "test_set", "--trials", 20)
    assert row["trials"] == 20
    assert "did you mean `gaussian`?" in run("coverage", "--world", "gausian").stderr
    names = [row["name"] for row in parsed("catalogue")]
    assert set(names) == set(bounds.catalogue().index)
    out = tmp_path / "proof.tex"
    result = run("derive", "test_set", "--out", out)
    assert result.exit_code == 0, result.output
    assert out.read_text().startswith(r"\documentclass")
    proof = json.loads(run("derive", "test_set", "--json").stdout)
    assert proof["holds"]
    assert len(proof["steps"]) == len(bounds.derive("test_set").steps)
    near = run("derive", "test_st")
    assert near.exit_code == 2
    assert near.stderr == "error: The derivation 'test_st' is not known; did you mean `test_set`?\n"
    assert "known: arora_2019, bao_2022" in run("derive", "nothing like it").stderr


def test_an_interruption_says_how_to_go_on(files, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("bounds.evaluation.evaluate", interrupted)
    result = run("evaluate", "--labeled", files / "labeled.npz", "--out", files / "out")
    assert result.exit_code == 130
    assert "--save-representations" in result.stderr
    assert "Traceback" not in result.output


def test_help_groups_every_command_with_its_whole_sentence():
    import typer

    from bounds.cli import app
    from bounds.cli.groups import GROUPS

    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(typer.main.get_command(app).commands)
    said = run("--help").stdout
    assert "..." not in said[said.index(next(iter(GROUPS))) :]
    assert said.index("demo") < said.index("duel")  # where to begin comes first
    for title in GROUPS:
        assert f"{title}:" in said


def test_select_ranks_saved_pairs_as_the_python_call_does(tmp_path):
    rng = np.random.default_rng(0)
    tables = {}
    for name, noise in (("near", 0.1), ("far", 2.0)):
        x = rng.normal(size=(60, 4))
        views = x, x + noise * rng.normal(size=x.shape)
        np.savez(tmp_path / f"{name}.npz", x1=views[0], x2=views[1])
        tables[name] = views
    found = bounds.select(tables)
    said = parsed("select", tmp_path / "near.npz", tmp_path / "far.npz")
    assert (said["chosen"], list(said["scores"])) == (found.chosen, list(found.scores))
    assert said["scores"] == pytest.approx(dict(found.scores), rel=1e-6)
    assert str(found).splitlines()[0] in run("select", tmp_path / "near.npz", tmp_path / "far.npz").stdout
    again = run("select", tmp_path / "near.npz", tmp_path / "near.npz")
    assert again.exit_code == 2
    assert "called 'near'; name them" in again.stderr


def test_help_names_every_command_and_the_exit_codes():
    said = run("--help").stdout
    commands = {
        "evaluate",
        "compare",
        "report",
        "plan",
        "demo",
        "merge",
        "describe",
        "rademacher",
        "swap-test",
        "few-shot",
    }
    for command in commands | {
        "correlate",
        "sweep",
        "coverage",
        "catalogue",
        "derive",
        "pretrain",
        "predict",
    }:
        assert f" {command} " in said
    assert "Exit codes" in said
    assert "--install-completion" in said
