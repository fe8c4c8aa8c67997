"""What is certified is what predicts: every predictor through its folder, over populations with known truth."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.naive_bayes import GaussianNB
from typer.testing import CliRunner

import bounds
from bounds.cli import app
from bounds.encoders.one_image import ROWS
from bounds.errors import (
    BoundsWarning,
    CorruptStore,
    InvalidCheckpoint,
    InvalidData,
    InvalidInput,
    InvalidOption,
    NotApplicable,
)
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.heads import saved
from bounds.heads.decision import Decision, score_gap
from bounds.heads.prediction_file import predict_to_file
from bounds.heads.saved import DESCRIPTION
from bounds.report.deployment import Deployment
from bounds.report.report import Report
from bounds.representations.normalization import Normalization
from bounds.summaries.decision import decide, named
from bounds.theorems import THEOREMS
from bounds.worlds import WORLDS
from bounds.worlds.truth import target

pytestmark = pytest.mark.usefixtures("one_thread")
FRESH = {"labeled_is_fresh": True, "unlabeled_is_fresh": True}


def losses(found, labels):
    return np.linalg.norm(found.scores - np.eye(found.scores.shape[1])[labels], axis=1)


def by_class(found, labels, weights):
    wrong = found.labels != labels
    return [np.average(wrong[labels == y], weights=weights[labels == y]) for y in np.unique(labels)]


# From the left-hand side of a theorem: the same quantity from labels and scores of predictions alone.
MEASURES = {
    r"\mathbb{E}\|W_S f(x) - y\|": lambda f, y, w: w @ losses(f, y),
    r"\sqrt{\mathbb{E}\|W f(x) - y\|^2}": lambda f, y, w: math.sqrt(w @ losses(f, y) ** 2),
    r"\sqrt{\mathbb{E}\|W f(x) + b - y\|^2}": lambda f, y, w: math.sqrt(w @ losses(f, y) ** 2),
    r"\mathbb{E}\|\Pi(W_S f(x)) - y\|": lambda f, y, w: w @ losses(f, y),
    r"\mathbb{P}(\arg\max W_S f(x) \ne y)": lambda f, y, w: w @ (f.labels != y),
    r"\mathbb{P}(\arg\max W f(x) \ne y)": lambda f, y, w: w @ (f.labels != y),
    r"\max_y\mathbb{P}(\arg\max W_S f(x) \ne y \mid y)": lambda f, y, w: max(by_class(f, y, w)),
    r"\tfrac1K\sum_y\mathbb{P}(\arg\max W_S f(x) \ne y \mid y)": lambda f, y, w: np.mean(by_class(f, y, w)),
    r"\mathbb{P}(y \notin \mathrm{top}_k W_S f(x))": lambda f, y, w: w @ (f.sets != y[:, None]).all(1),
    r"\mathbb{P}(\arg\max W_S f(x) \ne y \mid s(f(x)) > t)": lambda f, y, w: (
        w @ ((f.labels != y) & f.answered) / (w @ f.answered)
    ),
    r"\mathbb{E}\|g(x)-e_y\|^2": lambda f, y, w: w @ losses(f, y) ** 2,
}
RANDOM = r"\mathbb{E}_{W'\sim N(W_S,\sigma^2A^{-2})}\,\mathbb{P}(\arg\max W' f(x) \ne y)"


def deployed(sample, bound):
    evidence = sample.evidence
    plain = Normalization(None, evidence.setting.radius)
    return replace(
        bound,
        deployment=Deployment(None, None, plain, evidence.setting.names_of_classes, evidence.labeled.dim),
    )


@pytest.mark.parametrize(
    "head", ["min_norm", ("ridge", 0.1), "logistic", "nearest_mean", ("knn", 7)], ids=str
)
def test_every_certificates_predictor_has_the_true_value_that_the_certificate_bounds(head, tmp_path):
    world = WORLDS["known_prior"]().with_options(head=head, options={"top_k": 1, "target": 0.3})
    sample = world.sample(np.random.default_rng(1), 150, 120, 100)
    labels, weights = sample.labels.numpy(), sample.weights.numpy()
    checked = set()
    for name, theorem in THEOREMS.items():
        try:
            found = theorem.found(sample.evidence, 0.01)
            bound = deployed(sample, theorem.evaluate(sample.evidence, 0.01))
        except NotApplicable:
            continue
        if bound.model is None or theorem.statement not in MEASURES:
            continue
        bound.predictor.save(tmp_path / name)
        predictions = bounds.load_predictor(tmp_path / name).predict(sample.z)
        measured = MEASURES[theorem.statement](predictions, labels, weights)
        assert measured == pytest.approx(target(theorem)(found, sample), rel=1e-9, abs=1e-12), name
        if bound.certified:
            assert (measured >= bound.value) if found.expression.below else (measured <= bound.value), name
            checked.add(name)
    counting = {one for one in THEOREMS if one.startswith("test_set")} | {"held_out"}
    assert counting <= checked
    if head == "min_norm":
        assert {
            "vicreg_best",
            "supervised_projected",
            "pac_bayes_deterministic",
            "centred_head_error",
        } <= checked


def test_a_certificate_about_a_random_head_samples_it_by_seed_and_row(tmp_path):
    sample = WORLDS["gaussian"]().sample(np.random.default_rng(1), 200, 60, 60)
    theorem = THEOREMS["pac_bayes"]
    bound = deployed(sample, theorem.evaluate(sample.evidence, 0.05))
    truth = target(theorem)(theorem.found(sample.evidence, 0.05), sample)
    bound.predictor.save(tmp_path / "p")
    predictor = bounds.load_predictor(tmp_path / "p")
    copies = 40
    found = predictor.predict(sample.z.repeat(copies, 1))
    labels, weights = sample.labels.numpy(), sample.weights.numpy()
    errors = np.array([weights @ (part != labels) for part in np.split(found.labels, copies)])
    assert errors.mean() == pytest.approx(truth, abs=5 * errors.std() / math.sqrt(copies))
    assert truth <= bound.value
    assert np.array_equal(predictor.predict(sample.z).labels, found.labels[: len(labels)])
    assert not np.array_equal(found.labels[: len(labels)], found.labels[len(labels) : 2 * len(labels)])
    assert "random" in repr(predictor)
    assert theorem.statement == RANDOM


def test_bounds_about_no_head_say_so():
    report = bounds.evaluate(
        None, (np.eye(4).repeat(5, 0), np.arange(4).repeat(5)), (np.eye(4), np.eye(4)), **FRESH
    )
    with pytest.raises(NotApplicable, match="no head that can be used"):
        _ = report["simclr"].predictor
    again = Report.from_dict(report.to_dict())
    with pytest.raises(NotApplicable):
        _ = again["supervised"].predictor
    assert again.to_dict() == report.to_dict()
    assert again["supervised"].about == report["supervised"].about


# Through an encoder


@pytest.fixture(scope="module")
def report():
    split = digits()
    return bounds.evaluate(
        CHECKPOINTS["VICReg"], split.labeled, test=split.test, head="logistic", options={"top_k": 2}, **FRESH
    )


@pytest.mark.parametrize("copy", [False, True])
def test_images_and_representations_give_the_certified_test_error(report, copy, tmp_path):
    images, labels = digits().test
    predictor = report["test_set"].predictor
    predictor.save(tmp_path / "p", copy_encoder=copy)
    loaded = bounds.load_predictor(tmp_path / "p")
    found = loaded.predict(images)
    assert (found.labels != labels).mean() == pytest.approx(report.test_error)
    z = bounds.load_encoder(CHECKPOINTS["VICReg"])(torch.from_numpy(images)[:, None])
    vectors = loaded.predict(z)
    assert np.array_equal(vectors.labels, found.labels)
    assert vectors.scores == pytest.approx(found.scores, abs=1e-5)
    assert torch.equal(loaded(z), torch.from_numpy(vectors.scores))
    assert loaded.certificate["value"] == report["test_set"].value
    assert loaded.report["bounds"].keys() == report.bounds.keys()
    assert (
        bounds.load_predictor(tmp_path / "p", encoder=False).predict(z).names[0]
        == f"class {vectors.labels[0]}"
    )


def test_the_best_certificate_has_a_predictor(report, tmp_path):
    report.best.predictor.save(tmp_path / "p")
    assert json.loads((tmp_path / "p" / "certificate.json").read_text())["name"] == report.best.name


def test_selective_and_top_k_predictors_abstain_and_name_sets(report):
    images, labels = digits().test
    chosen = report["test_set_selective"].predictor.predict(images)
    assert 0 < chosen.answered.sum() < len(labels)
    assert set(chosen.labels[~chosen.answered]) == {-1}
    assert chosen.names.count(None) == int((~chosen.answered).sum())
    measured = report["test_set_selective"].terms["test_error"].value
    assert (chosen.labels != labels)[chosen.answered].mean() == pytest.approx(measured)
    pairs = report["test_set_top_k"].predictor.predict(images)
    assert pairs.sets.shape == (len(labels), 2)
    assert (pairs.sets != labels[:, None]).all(1).mean() == pytest.approx(
        report["test_set_top_k"].terms["test_error"].value
    )
    assert "top" in pairs.to_frame()


@pytest.mark.parametrize("name", ["head.safetensors", "certificate.json", "report.json"])
def test_a_changed_or_missing_file_is_refused(report, name, tmp_path):
    report["test_set"].predictor.save(tmp_path / "p")
    path = tmp_path / "p" / name
    if path.suffix == ".safetensors":
        tensors = load_file(path)
        tensors["weight"] = tensors["weight"] + 1e-9
        save_file(tensors, path)
    else:
        path.write_text(path.read_text().replace("1", "2", 1))
    with pytest.raises(CorruptStore, match="changed after"):
        bounds.load_predictor(tmp_path / "p")
    path.unlink()
    with pytest.raises(CorruptStore, match="missing"):
        bounds.load_predictor(tmp_path / "p")


def test_another_encoder_is_refused_in_one_sentence(report, tmp_path):
    own = tmp_path / "encoder.safetensors"
    shutil.copy(CHECKPOINTS["VICReg"], own)
    split = digits()
    made = bounds.evaluate(own, split.labeled, test=split.test, bounds=["test_set"])
    made["test_set"].predictor.save(tmp_path / "p")
    shutil.copy(CHECKPOINTS["SimCLR"], own)
    with pytest.raises(InvalidCheckpoint, match="not the one that was certified"):
        bounds.load_predictor(tmp_path / "p")
    assert bounds.load_predictor(tmp_path / "p", encoder=CHECKPOINTS["VICReg"]).encoder is not None
    own.unlink()
    with pytest.raises(InvalidCheckpoint, match="not there any more"):
        bounds.load_predictor(tmp_path / "p")


def test_an_encoder_given_as_an_object_must_be_given_again(tmp_path):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 8)).eval()
    split = digits()
    made = bounds.evaluate(
        network, (split.labeled[0][:, None], split.labeled[1]), head="nearest_mean", **FRESH
    )
    made["held_out"].predictor.save(tmp_path / "p")
    with pytest.raises(InvalidOption, match="given as an object"):
        bounds.load_predictor(tmp_path / "p")
    images = split.test[0][:, None]
    loaded = bounds.load_predictor(tmp_path / "p", encoder=network)
    assert np.array_equal(loaded.predict(images).labels, made["held_out"].predictor.predict(images).labels)
    other = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 8))
    with pytest.raises(InvalidCheckpoint, match="not the one"):
        bounds.load_predictor(tmp_path / "p", encoder=other)


def test_heads_that_only_code_can_restore_are_not_saved(tmp_path):
    split = digits()
    x = split.labeled[0].reshape(500, -1) / 255.0
    for head in (GaussianNB(), lambda z: z[:, :10]):
        made = bounds.evaluate(None, (x, split.labeled[1]), test=(x[:50], split.labeled[1][:50]), head=head)
        assert len(made["test_set"].predictor.predict(x)) == 500
        with pytest.raises(NotApplicable, match="cannot be saved as data"):
            made["test_set"].predictor.save(tmp_path / "p")
        assert not (tmp_path / "p").exists()


def test_folders_that_are_no_predictor_and_folders_in_use_are_refused(report, tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        bounds.load_predictor(tmp_path)
    for text in (
        "[]",
        "{}",
        '{"format": "bounds-predictor", "version": 1}',
        '{"format": "bounds-predictor", "version": 9}',
    ):
        (tmp_path / "predictor.json").write_text(text)
        with pytest.raises((InvalidInput, CorruptStore)):
            bounds.load_predictor(tmp_path)
    with pytest.raises(InvalidOption, match="holds other files"):
        report["test_set"].predictor.save(tmp_path)


def test_vectors_of_another_dimension_are_refused(report):
    with pytest.raises(InvalidData, match="dimension"):
        report["test_set"].predictor.predict(np.zeros((3, 5)))


# To a file


def test_the_command_line_predicts_and_goes_on_after_a_stop(report, tmp_path, monkeypatch):
    images, _ = digits().test
    report["test_set"].predictor.save(tmp_path / "p")
    np.savez(tmp_path / "images.npz", x=images)
    out = tmp_path / "predictions.parquet"
    result = CliRunner().invoke(
        app,
        [
            "predict",
            "--model",
            str(tmp_path / "p"),
            "--data",
            str(tmp_path / "images.npz"),
            "--out",
            str(out),
        ],
    )
    assert result.exit_code == 0, result.output
    frame = pd.read_parquet(out)
    found = report["test_set"].predictor.predict(images)
    assert frame["label"].tolist() == found.labels.tolist()
    assert np.array_equal(np.stack(frame["scores"]), found.scores)
    assert frame["class"].tolist() == found.names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images.npz", "p", "predictions.parquet"]

    predictor = report["test_set"].predictor
    monkeypatch.setattr(type(predictor), "_of_table", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        predict_to_file(predictor, images, tmp_path / "again.parquet")
    kept = tmp_path / "again.parquet.representations"
    assert (kept / "manifest.json").exists()
    assert not (tmp_path / "again.parquet").exists()
    monkeypatch.undo()
    encoded, forward = [], type(predictor.encoder).forward
    monkeypatch.setattr(
        type(predictor.encoder), "forward", lambda self, x: encoded.append(len(x)) or forward(self, x)
    )
    assert predict_to_file(predictor, images, tmp_path / "again.parquet") == len(images)
    assert max(encoded) == ROWS  # a few alone, to see that the same encoder made them
    assert not kept.exists()
    assert pd.read_parquet(tmp_path / "again.parquet")["label"].tolist() == frame["label"].tolist()


def test_another_ending_or_folder_is_refused(report, tmp_path):
    for out in (tmp_path / "a.csv", tmp_path / "none" / "a.parquet"):
        with pytest.raises(InvalidOption, match="parquet"):
            predict_to_file(report["test_set"].predictor, digits().test[0], out)


def test_nobody_answered_is_a_column_of_strings_all_the_same(report, tmp_path):
    silent = replace(report["test_set"].predictor, decision=Decision(threshold=math.inf))
    predict_to_file(silent, digits().test[0], tmp_path / "a.parquet")
    frame = pd.read_parquet(tmp_path / "a.parquet")
    assert frame["class"].isna().all()
    assert not frame["answered"].any()


def test_the_gap_of_a_single_class_is_infinite():
    assert score_gap(torch.zeros(2, 1)).tolist() == [math.inf, math.inf]


# Ties


def test_a_tie_is_no_answer_and_counts_as_the_error_that_the_certificate_counted(tmp_path):
    """A collapsed encoder: every class has the same score, and the order of classes says nothing."""
    z, labels = np.ones((40, 3)), np.repeat(np.arange(4), 10)
    made = bounds.evaluate(
        None,
        (z, labels),
        test=(z[:20], labels[:20]),
        head=lambda rows: torch.zeros(len(rows), 4),
        options={"top_k": 2},
        bounds=["test_set", "test_set_top_k"],
    )
    for bound in made.bounds.values():
        assert bound.terms["test_error"].value == pytest.approx(1.0)
        found = bound.predictor.predict(z)
        assert set(found.labels) == {-1}
        assert not found.answered.any()
        assert found.names == [None] * 40
        assert (found.sets == -1).all()


def test_sets_name_a_class_only_where_no_class_outside_has_its_score():
    scores = torch.tensor([[3.0, 2.0, 2.0, 1.0], [2.0, 3.0, 3.0, 1.0], [4.0, 3.0, 2.0, 1.0]]).double()
    assert named(scores, 2).tolist() == [[0, -1], [1, 2], [0, 1]]
    assert named(scores, 1)[:, 0].tolist() == decide(scores).tolist() == [0, -1, 0]
    for size in range(1, 4):
        for y in range(4):
            rank = (scores >= scores[:, y : y + 1]).sum(1) - 1
            assert torch.equal((named(scores, size) == y).any(1), rank < size)


# Folders that somebody else wrote


def rewritten(folder, change):
    """The description with a change and a digest that fits it, as a hostile folder would have it."""
    plain = json.loads((folder / DESCRIPTION).read_text())
    del plain["sha256"]
    change(plain)
    (folder / DESCRIPTION).write_text(json.dumps({**plain, "sha256": saved._own_digest(plain)}))


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.update(dim="many"),
        lambda plain: plain.update(dim=3),
        lambda plain: plain.update(class_names=5),
        lambda plain: plain.update(class_names=["a", "b"]),
        lambda plain: plain.update(class_names=list(range(10))),
        lambda plain: plain.update(files=[]),
        lambda plain: plain.update(encoder={"path": "x"}),
        lambda plain: plain["head"].update(kind="pickle"),
        lambda plain: plain["normalize"].update(kind="no such"),
        lambda plain: plain["normalize"].update(radius=-1.0),
        lambda plain: plain["decision"].update(top=0),
        lambda plain: plain["decision"].update(top=11),
        lambda plain: plain["decision"].update(threshold="high"),
        lambda plain: plain["decision"].update(seed=None),
        lambda plain: plain["decision"].update(surprise=1),
    ],
)
def test_a_description_that_makes_no_sense_is_refused_when_it_is_loaded(report, change, tmp_path):
    report["test_set"].predictor.save(tmp_path / "p")
    rewritten(tmp_path / "p", change)
    with pytest.raises((InvalidInput, CorruptStore, InvalidOption)):
        bounds.load_predictor(tmp_path / "p")


def test_a_changed_description_is_refused(report, tmp_path):
    report["test_set"].predictor.save(tmp_path / "p")
    path = tmp_path / "p" / DESCRIPTION
    path.write_text(path.read_text().replace("class 3", "class 5"))
    with pytest.raises(CorruptStore, match="changed after"):
        bounds.load_predictor(tmp_path / "p")


def test_weights_that_are_not_finite_or_no_safetensors_are_refused(report, tmp_path):
    for at, spoiled in enumerate((b"not tensors", None)):
        folder = tmp_path / str(at)
        report["test_set"].predictor.save(folder)
        path = folder / "head.safetensors"
        if spoiled is None:
            tensors = load_file(path)
            tensors["weight"][0, 0] = math.nan
            save_file(tensors, path)
        else:
            path.write_bytes(spoiled)
        rewritten(folder, lambda plain, path=path: plain["files"].update({path.name: saved._digest(path)}))
        with pytest.raises(InvalidInput):
            bounds.load_predictor(folder)


def test_an_infinite_threshold_survives_the_folder(report, tmp_path):
    silent = replace(report["test_set"].predictor, decision=Decision(threshold=math.inf))
    silent.save(tmp_path / "p")
    assert not bounds.load_predictor(tmp_path / "p").predict(digits().test[0]).answered.any()


def test_a_function_as_encoder_is_taken_with_a_warning(tmp_path):
    split = digits()
    x, y = split.labeled[0], split.labeled[1]

    def encode(images):
        return images.flatten(1).float()[:, :20]

    made = bounds.evaluate(encode, (x[:, None], y), head="nearest_mean", bounds=["held_out"], **FRESH)
    made["held_out"].predictor.save(tmp_path / "p")
    with pytest.warns(BoundsWarning, match="cannot be checked"):
        loaded = bounds.load_predictor(tmp_path / "p", encoder=encode)
    assert np.array_equal(
        loaded.predict(x[:, None]).labels, made["held_out"].predictor.predict(x[:, None]).labels
    )


# Names of classes


def test_names_of_classes_travel_from_the_data_into_tables_folder_and_predictions(tmp_path):
    rng = np.random.default_rng(0)
    for part in ("labeled", "test"):
        for name in ("ant", "bee", "wasp"):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for j in range(12):
                shade = {"ant": 40, "bee": 120, "wasp": 200}[name]
                Image.fromarray(rng.integers(shade - 30, shade + 30, (8, 8), dtype=np.uint8)).save(
                    folder / f"{j}.png"
                )
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(6)).eval()
    network(torch.zeros(1, 1, 8, 8))
    made = bounds.evaluate(
        network,
        tmp_path / "labeled",
        test=tmp_path / "test",
        head="nearest_mean",
        bounds=["test_set", "test_set_classes"],
        labeled_is_fresh=True,
    )
    assert list(made["test_set_classes"].table) == ["ant", "bee", "wasp"]
    made["test_set"].predictor.save(tmp_path / "p")
    found = bounds.load_predictor(tmp_path / "p", encoder=network).predict(tmp_path / "test")
    assert found.class_names == ("ant", "bee", "wasp")
    assert set(found.to_frame()["class"]) <= {"ant", "bee", "wasp", None}


class Tokens(torch.nn.Module):
    """Four tokens an image, read as one of them or as their mean."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(16, 6)

    def forward(self, x):
        return self.linear(x.flatten(1).reshape(len(x), 4, 16))


def test_the_same_weights_read_in_another_way_are_another_encoder(tmp_path):
    rng, network = np.random.default_rng(0), Tokens()
    images, y = rng.normal(size=(60, 1, 8, 8)).astype(np.float32), np.arange(60) % 3
    mean = bounds.load_encoder(network, pool="mean")
    report = bounds.evaluate(
        mean,
        (images[:30], y[:30]),
        test=(images[30:], y[30:]),
        fresh=True,
        bounds=["test_set"],
        progress=False,
    )
    report["test_set"].predictor.save(tmp_path / "saved")
    expected = report["test_set"].predictor.predict(images).scores
    for same in (mean, network):
        loaded = bounds.load_predictor(tmp_path / "saved", encoder=same)
        np.testing.assert_array_equal(loaded.predict(images).scores, expected)
    with pytest.raises(InvalidCheckpoint, match="how its output is read"):
        bounds.load_predictor(tmp_path / "saved", encoder=bounds.load_encoder(network, pool="cls"))
