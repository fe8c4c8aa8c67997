"""The commands: ask, answer, go on; the state is one file, and nothing is lost."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import bounds
from bounds.cli import app
from bounds.encoders.architectures import SmallConvNet

RUN = CliRunner()
R = np.random.default_rng(0)
IMAGES = R.integers(0, 255, (60, 3, 8, 8), dtype=np.uint8)
TRUTH = IMAGES[:, 0].mean((1, 2)).argsort().argsort() // 20


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    import torch

    folder = tmp_path_factory.mktemp("duel")
    for seed, name in enumerate("abc"):
        torch.manual_seed(seed)
        bounds.save_encoder(SmallConvNet(), folder / f"{name}.safetensors")
    np.savez(folder / "labeled.npz", x=IMAGES[:20], y=TRUTH[:20])
    np.savez(folder / "items.npz", x=IMAGES[20:])
    z = IMAGES.reshape(60, -1)[:, :5].astype(np.float32)
    report = bounds.evaluate(None, (z[:30], TRUTH[:30]), bounds=["held_out"], progress=False)
    report["held_out"].predictor.save(folder / "model")
    np.savez(folder / "rows.npz", x=z[30:])
    return folder


def command(place, *words):
    found = RUN.invoke(app, [str(place / word[1:]) if word.startswith("@") else word for word in words])
    return found.exit_code, found.output


def fill(path, to, offset, count=None):
    rows = list(csv.DictReader(path.open()))
    for row in rows[:count]:
        row["label"] = str(TRUTH[offset + int(row["item"])])
    with to.open("w") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return len(rows)


@pytest.mark.parametrize("kind", ["duel", "rank"])
def test_encoders_are_compared_in_several_steps(kind, place):
    state, ask = place / f"{kind}.json", place / f"{kind}.csv"
    names = "ab" if kind == "duel" else "abc"
    begin = [
        kind,
        "--state",
        f"@{kind}.json",
        *(w for n in names for w in ("--checkpoint", f"@{n}.safetensors")),
    ]
    begin += [
        "--labeled",
        "@labeled.npz",
        "--unlabeled",
        "@items.npz",
        "--head",
        "nearest_mean",
        "--num-classes",
        "3",
    ]
    begin += ["--goal", "order"] if kind == "rank" else ["--margin", "0.01"]
    code, said = command(place, *begin, "--ask", f"@{kind}.csv", "--sheet", f"@{kind}.html", "--count", "4")
    assert code == 0, said
    options = json.loads(state.read_text())["options"]
    assert options == ({"goal": "order"} if kind == "rank" else {"margin": 0.01})
    assert "a" in said
    assert (place / f"{kind}.html").read_text().count("<img") == 4
    assert fill(ask, place / "answers.csv", 20, 3) == 4
    code, said = command(
        place, kind, "--state", f"@{kind}.json", "--answers", "@answers.csv", "--ask", f"@{kind}.csv"
    )
    assert code == 0, said
    assert len(json.loads(state.read_text())["answers"]) == 3
    assert "3 labels" in said
    fill(ask, place / "answers.csv", 20)
    assert command(place, kind, "--state", f"@{kind}.json", "--answers", "@answers.csv")[0] == 0
    # A contradiction is shown, and the state stays as it was.
    before = state.read_bytes()
    rows = list(csv.DictReader((place / "answers.csv").open()))
    rows[0]["label"] = str((int(rows[0]["label"]) + 1) % 3)
    (place / "wrong.csv").write_text("item,label\n" + "".join(f"{r['item']},{r['label']}\n" for r in rows))
    code, said = command(place, kind, "--state", f"@{kind}.json", "--answers", "@wrong.csv")
    assert code == 2
    assert "was answered" in said
    assert state.read_bytes() == before
    code, said = command(place, *begin)
    assert code == 2
    assert "is there already" in said


def test_a_target_is_certified_in_several_steps(place):
    begin = [
        "certify",
        "--state",
        "@certify.json",
        "--model",
        "@model",
        "--unlabeled",
        "@rows.npz",
        "--target",
        "0.9",
    ]
    code, said = command(place, *begin, "--ask", "@ask.csv")
    assert code == 0, said
    assert "more labels decide" in said
    fill(place / "ask.csv", place / "answers.csv", 30)
    code, said = command(place, "certify", "--state", "@certify.json", "--answers", "@answers.csv")
    assert code == 0, said
    code, said = command(place, "duel", "--state", "@certify.json")
    assert code == 2
    assert "bounds certify" in said
    code, said = command(place, "duel", "--state", "@none.json")
    assert code == 2
    assert "to go on from" in said
