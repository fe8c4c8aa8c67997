"""A corpus of hostile inputs over all public calls and commands: each is refused in one sentence that names its place."""

import functools
import math
import types
import warnings
from fractions import Fraction
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from typer.main import get_command

import bounds
from bounds import arguments, memory
from bounds.cli import app
from bounds.complexity import LinearMap
from bounds.encoders.architectures import SmallConvNet
from bounds.errors import BoundsError, InvalidInput, InvalidOption
from bounds.evidence import load_summaries, merge_summaries
from bounds.heads.predictor import Predictor
from bounds.objectives import make_objective
from bounds.pretraining import pretrain
from bounds.representations.merging import merge_folders
from bounds.worlds import WORLDS, coverages

pytestmark = pytest.mark.usefixtures("one_thread")

R = np.random.default_rng(0)
Z, Y = R.standard_normal((24, 4)).astype(np.float32), np.arange(24) % 2
IMAGES = R.integers(0, 255, (24, 3, 8, 8), dtype=np.uint8)
NETWORK = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Undescribed:
    """A value that cannot even be printed."""

    def __repr__(self):
        raise RuntimeError("no description")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a file in it that is in the way of folders, and a report."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "file").write_text("x")
    report().to_json(folder / "report.json")
    predictor().save(folder / "predictor")
    np.savez(folder / "labeled.npz", x=Z, y=Y)
    np.savez(folder / "pairs.npz", x1=Z, x2=Z + 1, y=Y)
    np.savez(folder / "unlabeled.npz", x1=Z, x2=Z + 1)
    np.savez(folder / "images.npz", x=IMAGES, y=Y)
    return folder


@functools.cache
def report():
    return bounds.evaluate(None, (Z, Y), bounds=["held_out"], progress=False)


def predictor():
    return report()["held_out"].predictor


# What no argument of a kind can be. Strings of files are made relative to the folder of the test.
NUMBERS = [
    None,
    "0.5",
    "x",
    math.nan,
    math.inf,
    -math.inf,
    -1,
    0,
    [0.5],
    {},
    1j,
    b"1",
    Undescribed(),
    Z,
    torch.ones(2),
    True,
]
PROBABILITIES = [*NUMBERS, 10**400, 1, 1.0, 2, 1e300]
HUGE = 10**30
WHOLE = [
    None,
    "2",
    "x",
    2.0,
    1.5,
    math.nan,
    math.inf,
    -1,
    [2],
    {},
    Undescribed(),
    np.float64(2),
    True,
    HUGE,
    Z,
]
POSITIVE = [*WHOLE, 0]
NUMBERS_OF = [v for v in POSITIVE if v is not None and v is not HUGE]
FLAGS = [1, 0, "yes", "True", [], math.nan, Undescribed(), 2.0]
TEXTS = ["", " ", 5, b"x", [], True, Undescribed()]
LONG = "x" * 5000  # no file has such a name; a null byte, which no command line can hold, is for calls alone
PATHS = ["", " ", 5, b"x", [], True, "\0", LONG, "/proc/none/x", "{file}/x", "{file}", Undescribed()]
CHOICES = ["", "x", 5, [], True, Undescribed(), b"l2"]
DEVICES = [
    "",
    "gpu",
    "cuda:99",
    "cud",
    "meta",
    5,
    [],
    b"cpu",
    True,
    "cpu:7",
    "cpu:",
    Undescribed(),
    torch.device("cuda:98"),
]
MAPPINGS = [5, "x", [], [("a", 1)], True, {5: 1}, Undescribed(), lambda x: x]

ARRAYS = [None, 5, "x", [], Z[0], Z[:5], Z[:, :0], Z * np.nan, Z.astype(str), Z.astype(object), Undescribed()]

EVALUATE = {
    "delta": PROBABILITIES,
    "pairs": [*CHOICES, None, "augmentations"],
    "labeled_is_fresh": FLAGS,
    "unlabeled_is_fresh": FLAGS,
    "normalize": [*CHOICES, "L2", False],
    "radius": [*NUMBERS, 1e300, 1e-300],
    "head": [
        None,
        "",
        "svm",
        5,
        ("ridge",),
        ("ridge", 0),
        ("ridge", "1"),
        ("ridge", math.nan),
        ("ridge", True),
        Undescribed(),
        [],
    ],
    "class_prior": [
        "uniform",
        5,
        [0.5],
        [0.5, 0.6],
        [1.5, -0.5],
        [math.nan, 1],
        ["a", "b"],
        {},
        {0.5},
        [[0.5, 0.5]],
        Undescribed(),
    ],
    "residual": [*CHOICES, None, "Mean"],
    "nonnegative": [*FLAGS, None],
    "constants": [*CHOICES, None],
    "function_class": ["x", 0, -1, 2.5, True, [], Undescribed(), {}],
    "holdout": PROBABILITIES[1:],
    "declared": [
        5,
        "x",
        [],
        {"look": 1},
        {"looks": 0},
        {"repeats": "x"},
        {5: 1},
        {"groups": Y},
        Undescribed(),
    ],
    "renumber": [*FLAGS, None],
    "fresh": FLAGS,
    "bounds": [
        [],
        [[]],
        ["x"],
        "x",
        5,
        [5],
        [None],
        ["held_out", "held_out"],
        {"held_out": 1},
        True,
        ["held_outt"],
        Undescribed(),
    ],
    "options": [*MAPPINGS, {"temprature": 1.0}, {"x": 1}],
    "simultaneous": [*FLAGS, None],
    "num_classes": [v for v in POSITIVE if v is not None] + [1, 10**9, 2**62],
    "preprocessing": [lambda x: x, {"mean": 0.5}, "imagenet", 5, [], True, "x", {"means": 0.5}],
    "architecture": ["resnet18", {"name": "resnet"}, 5, [], lambda x: x],
    "prefix": ["", "encoder", 5, []],
    "size": [8, 0, "8", 10**9, 2.5],
    "save_representations": PATHS,
    "autocast": [*FLAGS, None],
    "device": DEVICES,
    "batch_size": POSITIVE,
    "seed": [*WHOLE, 2**64],
    "progress": FLAGS,
    "distributed": [*FLAGS, None, True],
    "name": TEXTS,
    "detla": [0.1],
    "bound": ["held_out"],
}
CHECKPOINTS = [5, [], {}, True, b"x", "", "missing.pth", nn.Linear, SmallConvNet, nn.LazyLinear(3), nn.Linear(2, 3, device="meta"),
               nn.Linear(7, 3), nn.Conv2d(1, 2, 3), lambda: 0, lambda x: None, lambda x: 1 / 0, Undescribed(), "{file}"]  # fmt: skip
DATA = [
    None, 5, "", "missing.npz", [], {}, b"x", True, (), (Z,), (Z, Y, Y, Y), (Z, Y[:5]), (Z, Y - 1), (Z, Y + 0.5), (Z, Y.astype(str)),
    (Z[:0], Y[:0]), (Z[:, :0], Y), (Z[0], Y), (Z[0, 0], 1), (Z * np.nan, Y), (Z * np.inf, Y), (Z.astype(complex), Y), (Z.astype(object), Y),
    (torch.from_numpy(Z).to_sparse(), Y), (torch.from_numpy(Z).to("meta"), Y), (Z, torch.from_numpy(Y).to("meta")), (Z, [None] * 24),
    (Z.tolist(), Y), (Z, Y * 10**9), (Z, Y * 2**62), (Z, np.full(24, np.nan)), (IMAGES, Y), ("a", "b"), Undescribed(), lambda: Z,
    np.array(5), np.array("x"), Z, "{file}", "*.nothing", (Z.astype("datetime64[s]"), Y), iter([Z]), (Z, Y.reshape(1, -1)),
]  # fmt: skip


DATA_OF_EVALUATE = dict.fromkeys(("checkpoint", "labeled"), DATA)


def fill(value, place):
    return value.replace("{file}", str(place / "file")) if isinstance(value, str) else value


def refuse(call, *named):
    """The call ends with one sentence of ours that names one of these."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(BoundsError) as refused:
            call()
    sentence = str(refused.value)
    assert sentence.endswith((".", ")", "?")), sentence
    assert "\n" not in sentence
    assert len(sentence) < 1600
    assert not named or any(name in sentence for name in named), sentence


def spent(made):
    """What a call gives part by part is taken to the end."""
    return list(made) if isinstance(made, types.GeneratorType) else made


def thinned(i, name):
    """A default run tries every third of the values; all of them are tried where slow tests run."""
    return pytest.mark.slow if (i + len(name)) % 3 else ()


def cases(table):
    return [
        pytest.param(name, value, id=f"{name}-{i}", marks=thinned(i, name))
        for name, values in table.items()
        for i, value in enumerate(values)
    ]


@pytest.mark.parametrize(("name", "value"), cases(EVALUATE))
def test_options_of_evaluate(name, value, place):
    if name == "num_classes" and type(value) is int and value == 1:
        named = ("num_classes", "from 0 to 0")
    else:
        named = (
            f"`{name}`",
            "The setting in `options`",
            "`distributed=True`",
            "cannot be a folder",
            "Cannot write",
        )
    refuse(
        lambda: bounds.evaluate(
            None, (Z, Y), **{"progress": False, "bounds": ["held_out"], name: fill(value, place)}
        ),
        *named,
    )


@pytest.mark.parametrize("value", CHECKPOINTS, ids=range(len(CHECKPOINTS)))
def test_checkpoints(value, place):
    refuse(lambda: bounds.evaluate(fill(value, place), (IMAGES, Y), progress=False, bounds="held_out"))


@pytest.mark.parametrize("value", DATA, ids=range(len(DATA)))
@pytest.mark.parametrize("role", ["labeled", "unlabeled", "test"])
def test_data(value, role, place):
    if (value is None and role != "labeled") or (
        role == "unlabeled" and isinstance(value, tuple) and value[:1] == ()
    ):
        pytest.skip("no data of this role is a choice")
    given = {"labeled": (Z, Y), role: fill(value, place)}
    labeled = given.pop("labeled")
    refuse(
        lambda: bounds.evaluate(None, labeled, **given, progress=False, bounds="held_out"),
        "`labeled`",
        "`unlabeled`",
        "`test`",
        "`num_classes`",
    )


def test_preprocessing_of_an_encoder_is_a_mapping_a_name_or_an_object():
    for value in (
        "cifar10",
        {"mean": (0.5,) * 3, "std": (0.5,) * 3},
        bounds.data.preprocessing.CIFAR10,
    ):
        made = bounds.evaluate(NETWORK, (IMAGES, Y), preprocessing=value, bounds="held_out", progress=False)
        assert "held_out" in made
    for value in (
        "cifar",
        {"means": 0.5},
        {"mean": "x"},
        {"std": 0},
        lambda x: x,
        5,
        [],
        nn.Identity(),
        {5: 1},
    ):
        refuse(
            lambda value=value: bounds.evaluate(NETWORK, (IMAGES, Y), preprocessing=value),
            "`preprocessing`",
            "`mean`",
            "`std`",
        )


@functools.cache
def world():
    return WORLDS["gaussian"]()


CALLS = {
    "compare": (
        lambda **k: bounds.compare(**{"entries": {"a": report()}} | k),
        {"entries": [[report()], {}, 5, "x", {5: report()}, None, {"a": 5}], "labeled": [(Z, Y)], "delta": [0.1], "x": [1]},
    ),
    "duel": (
        lambda **k: bounds.duel(**{"a": Y, "b": 1 - Y} | k),
        {"a": [None, 5, "x", [], {}, Y[:5], Y - 2, Y + 0.5, Y.astype(str), Z, lambda x: x, report(), Undescribed()], "b": [Y[:5], [0] * 24 + [1]], "labeled": [(Z, Y), 5], "margin": [*NUMBERS[1:7], 1, 1.5, True], "delta": PROBABILITIES, "repeats": [*CHOICES, True], "seed": WHOLE, "head": ["svm", 5], "num_classes": [0, -1, "2", 1], "names": ["ab", ("a",), ("a", "a"), 5, ("a", 5), ("", "b")], "device": DEVICES, "batch_size": POSITIVE, "progress": FLAGS},
    ),
    "rank": (
        lambda **k: bounds.rank(**{"predictors": {"a": Y, "b": 1 - Y}} | k),
        {"predictors": [*MAPPINGS, {}, {"a": Y}, {"a": Y, "b": Y[:5]}, {"a": Y, "b": "x"}], "labeled": [(Z, Y), 5], "goal": CHOICES, "delta": PROBABILITIES, "repeats": [*CHOICES, True], "seed": WHOLE, "head": ["svm"], "num_classes": [0, -1, "2", 1], "device": DEVICES, "batch_size": POSITIVE, "progress": FLAGS},
    ),
    "certify": (
        lambda **k: bounds.certify(**{"predictor": Y} | k),
        {"predictor": [None, 5, "x", [], {}, Y - 2, Y + 0.5, Z, lambda x: x, Undescribed()], "target": PROBABILITIES, "delta": PROBABILITIES, "repeats": [*CHOICES, True], "seed": WHOLE, "num_classes": [0, -1, "2", 1], "name": TEXTS, "device": DEVICES, "batch_size": POSITIVE, "progress": FLAGS},
    ),
    "Duel.interval_at": (lambda **k: bounds.duel(Y, 1 - Y).interval_at(**k), {"delta": PROBABILITIES}),
    "Duel.error_of_b": (
        lambda **k: bounds.duel(Y, 1 - Y).error_of_b(**{"error_of_a": 0.1, "delta_of_a": 0.02, "delta": 0.03} | k),
        {"error_of_a": [None, "x", -1, 2, math.nan, True], "delta_of_a": PROBABILITIES, "delta": [*PROBABILITIES, 0.99]},
    ),
    "load_encoder": (
        lambda **k: bounds.load_encoder(**{"checkpoint": NETWORK} | k),
        {
            "checkpoint": CHECKPOINTS[:11],
            "architecture": ["resnet18", {"name": "resnet"}, 5],
            "preprocessing": ["x", 5, {"size": 0}],
            "prefix": ["", 5, "x"],
            "pool": [5, []],
            "layer": ["nowhere", 5, []],
            "dtype": ["x", 5, "int64", []],
            "compile": [*FLAGS, None],
            "device": DEVICES,
            "chekpoint": [5],
        },
    ),
    "save_encoder": (
        lambda **k: bounds.save_encoder(**{"module": SmallConvNet(), "path": "x.safetensors"} | k),
        {"module": [5, None, NETWORK, SmallConvNet, "x"], "path": [v for v in PATHS if v != "{file}"] + ["x.pt"], "metadata": [*MAPPINGS, {"a": 1}, {"format": "x"}]},
    ),
    "derive": (
        lambda **k: bounds.derive(**{"name": "held_out"} | k),
        {"name": [None, 5, "", "vicregg", [], True, Undescribed()], "prior_known": ["x"], "x": [1]},
    ),
    "derive vicreg": (
        lambda **k: bounds.derive("vicreg_certified", **k),
        {"constants": ["x", 5, None, []], "prior_known": ["x", 1, None], "conditioned_pairs": ["x", 2.0]},
    ),
    "register": (lambda **k: bounds.register(**k), {"theorem": [5, None, "x", bounds.Theorem, [], Undescribed()], "x": [5]}),
    "rademacher": (
        lambda **k: bounds.rademacher(**{"data": (Z, Z), "function_class": LinearMap(1.0)} | k),
        {
            "data": [None, 5, "x", [], (Z, Z[:3]), (Z[0], Z[0]), Z * np.nan, (Z.astype(str), Z)],
            "function_class": [None, 5, "x", LinearMap, [], Undescribed()],
            "draws": POSITIVE,
            "seed": WHOLE,
            "level": PROBABILITIES,
            "delta": PROBABILITIES[1:],
            "search": WHOLE,
            "rows": POSITIVE,
            "device": DEVICES,
            "precision": CHOICES,
            "distributed": [True, *FLAGS],
            "drawz": [5],
        },
    ),
    "coverage": (
        lambda **k: bounds.coverage(**{"bound": "held_out", "world": world(), "trials": 1} | k),
        {
            "bound": [None, 5, "x", [], Undescribed()],
            "world": [None, 5, "gaussian", [], Undescribed()],
            "delta": PROBABILITIES,
            "trials": POSITIVE,
            "seed": WHOLE,
            "sizes": [*MAPPINGS, {"n": 0}, {"n": "x"}, {"x": 5}],
        },
    ),
    "coverages": (
        lambda **k: list(coverages(**{"bounds": ["held_out"], "worlds": [world()], "trials": 1} | k)),
        {"bounds": ["x", [], [5]], "worlds": [5, "gaussian", [5], None], "workers": POSITIVE, "delta": [0, 1, None], "trials": [0, None]},
    ),
    "correlate": (
        lambda **k: bounds.correlate(**{"reports": [{"a": i, "test_error": i % 2} for i in range(4)]} | k),
        {
            "reports": [None, 5, "x", [], [5], [{}], [{"a": 1}] * 4],
            "against": [*TEXTS, "none"],
            "level": PROBABILITIES,
            "draws": POSITIVE,
            "seed": WHOLE,
        },
    ),
    "few_shot": (
        lambda **k: bounds.few_shot(**{"representations": Z, "labels": Y, "shots": 1} | k),
        {
            "representations": [v for v in ARRAYS if not (isinstance(v, np.ndarray) and v.shape[1:] == (0,))],
            "labels": [None, 5, "x", Y[:5], Y + 0.5, np.eye(24), np.zeros(24, int), Undescribed()],
            "shots": [*(v for v in POSITIVE if not isinstance(v, list)), [], [1, 1], [1, "x"], 1.5, 10**6],
            "ways": ["x", 0, 1, 99, 2.5, [], Undescribed()],
            "rule": ["x", ("ridge",), ("ridge", 0), ("ridge", -1.0), ("knn", 0), ("knn", 1.5), 5, [], Undescribed()],
            "permutations": [v for v in POSITIVE if v is not None],
            "delta": PROBABILITIES,
            "normalize": ["x", 5, [], True, Undescribed()],
            "class_prior": ["x", 5, [0.5], [0.5, 0.6], [-1, 2], Undescribed()],
            "num_classes": [0, 1, "x", 2.5, True, Undescribed()],
            "fresh": FLAGS,
            "declared": MAPPINGS[:-1],
            "device": DEVICES,
            "seed": WHOLE,
            "shot": [5],
        },
    ),
    "describe": (
        lambda **k: bounds.describe(**{"representations": Z} | k),
        {
            "representations": [None, 5, "x", [], {}, Z[0], Z[:1], Z * np.nan, Z.astype(str), (Z, Z[:3]), Undescribed()],
            "fit_range": [5, "x", (1,), (5, 1), (0, 3), (1, 2.5), [], (1, 10**9), Undescribed()],
            "labels": [5, "x", Y[:5], Y + 0.5, Y.astype(str), np.eye(24), Undescribed()],
            "gamma": NUMBERS,
            "t": NUMBERS,
            "delta": NUMBERS,
            "block": POSITIVE,
            "name": TEXTS,
        },
    ),
    "sweep": (
        lambda **k: bounds.sweep(**{"labeled": (Z, Y), "pairs": (Z, Z + 1, Y), "bounds": ["vicreg_direct"], "repeats": 1} | k),
        {
            "labeled": [None, 5, "x", (), (Z,), (Z, Z), (Z[0], Y), ("a", "b"), (Z, Y - 1), (Z, Y[:3])],
            "pairs": [None, 5, "x", (Z,), (Z, Y), (Z, Z[:3])],
            "n": [[0], ["x"], 5, [], [10**9], [2.5], [5, 5], True],
            "m": [[0], ["x"], 5, [], [10**9]],
            "K": [[1], ["x"], 5, [], [10**9]],
            "repeats": POSITIVE,
            "bounds": [[], ["x"], 5, "x"],
            "setting": [5, "x", {}],
            "delta": PROBABILITIES,
            "seed": WHOLE,
            "device": DEVICES,
            "progress": FLAGS,
        },
    ),
    "plot_sweep": (
        lambda **k: bounds.plot_sweep(**{"frame": None, "x": "n"} | k),
        {"frame": [None, 5, "x", {}], "x": [None, 5, "d", []], "y": [None, 5, "x"]},
    ),
    "swap_test": (
        lambda **k: bounds.swap_test(**{"x1": Z, "x2": Z + 1, "y": Y} | k),
        {
            "x1": ARRAYS,
            "x2": ARRAYS,
            "y": [5, "x", Y[:5], Y - 1, Y + 0.5, Y.astype(str), [None] * 24, np.eye(24), Undescribed()],
            "num_classes": NUMBERS_OF,
            "seed": WHOLE,
        },
    ),
    "load_predictor": (
        lambda **k: bounds.load_predictor(**{"folder": "none"} | k),
        {"folder": [*PATHS, "missing", "."], "encoder": [5, "missing.pth"]},
    ),
    "Declared": (bounds.Declared, {"test_is_fresh": FLAGS, "repeats": CHOICES, "overlap": CHOICES, "looks": NUMBERS_OF}),
    "Declared.of": (bounds.Declared.of, {"value": [5, "x", [], {"look": 2}, {"looks": 0}, {5: 1}, Undescribed()]}),
    "Comparison": (bounds.Comparison, {"reports": [*MAPPINGS, {}, {"a": 5}, {"a": None}]}),
    "Comparison.to_html": (
        lambda **k: bounds.Comparison({"a": report()}).to_html(**k),
        {"path": [v for v in PATHS if v != "{file}"] + ["missing/x.html"]},
    ),
    "Bound.from_dict": (bounds.Bound.from_dict, {"plain": [5, [], {}, {"axis": 5}, {"axis": {}, "terms": 5}, None, "x"]}),
    **{
        f"Theorem.{name}": (
            lambda name=name, **k: getattr(bounds.theorems.THEOREMS["held_out"], name)(
                **{"evidence": report().evidence, "delta": 0.1} | k
            ),
            {"delta": PROBABILITIES},
        )
        for name in ("level", "evaluate", "attempt", "found")
    },
    "Report.measured_for": (lambda **k: report().measured_for(**k), {"bound": [None, 5, "held_out", bounds.Bound]}),
    **{
        f"Predictor.{name}": (
            lambda name=name, **k: getattr(predictor(), name)(**{"data": Z} | k),
            {
                "data": [None, 5, "", "missing.npz", Z[:, :2], Z * np.nan, IMAGES, [], Undescribed()],
                "batch_size": POSITIVE,
                "device": DEVICES,
                "progress": FLAGS,
                **({"save": [v for v in PATHS if v != LONG]} if name == "stream" else {}),
            },
        )
        for name in ("predict", "stream")
    },
    "Predictor.save": (lambda **k: predictor().save(**{"folder": "p"} | k), {"folder": [*PATHS, "."], "copy_encoder": [*FLAGS, True]}),
    "Report.plan": (lambda **k: report().plan(**{"target": 0.1} | k), {"target": NUMBERS, "bounds": [["x"], 5, [5], [None], "x", ["vicreg"], []]}),
    "Report.to_json": (lambda **k: report().to_json(**k), {"path": [v for v in PATHS if v != "{file}"] + ["missing/x.json"]}),
    "load_data": (
        lambda **k: bounds.evaluate(NETWORK, bounds.load_data(**{"data": "images.npz"} | k), progress=False),
        {"data": [None, 5, "", "missing.npz", [], Undescribed()], "image": [*TEXTS, "nowhere"], "label": [*TEXTS, "nowhere"], "broken": [*CHOICES, None]},
    ),
    "monitor": (lambda **k: bounds.monitor(**{"x1": Z} | k), {"x1": [*ARRAYS[:4], Z[0], Z[:1], Z * np.nan, Z.astype(str)], "x2": [5, "x", [], Z[:5], Z * np.nan]}),
    "select": (
        lambda **k: bounds.select(**{"encoders": {"a": (Z, Z + 1)}} | k),
        {
            "encoders": [None, 5, "x", [], {}, {"a": 5}, {"a": (Z, Z[:3])}, ["missing.pth"], [5], Undescribed()],
            "labeled": [(Z, Y)],
            "measure": ["x", 5, [], "rank_mee", Undescribed()],
            "device": DEVICES,
            "batch_size": POSITIVE,
            "seed": WHOLE,
            "progress": FLAGS,
        },
    ),
    "Report.to_text": (lambda **k: report().to_text(**k), {"path": [v for v in PATHS if v != "{file}"] + ["missing/x.txt"]}),
    "Report.plot": (lambda **k: report().plot(**k), {"style": ["x", 5, {"x": 5}, "missing.mplstyle", Undescribed()]}),
    "Comparison.plot": (lambda **k: bounds.Comparison({"a": report()}).plot(**k), {"style": ["x", 5, {"x": 5}]}),
    "Report.to_html": (lambda **k: report().to_html(**k), {"path": [v for v in PATHS if v != "{file}"] + ["missing/x.html"]}),
    "Report.from_json": (lambda **k: bounds.Report.from_json(**k), {"path": [*PATHS, None, "missing.json", "."]}),
    "Report.from_dict": (
        lambda **k: bounds.Report.from_dict(k["plain"]),
        {
            "plain": [
                None, 5, [], {}, {"format": 1}, {"format": 2}, {"format": 1, "bounds": 5},
                *({**report_dict, key: wrong} for report_dict in [{"format": 1}] for key in ("bounds", "best") for wrong in (5, [], "x")),
            ]
        },
    ),
    "make_objective": (lambda **k: make_objective(**{"name": "vicreg", "dim": 4} | k), {"name": [None, 5, "vicregg", [], Undescribed()], "x": [1]}),
    "merge_folders": (lambda **k: merge_folders(**k, out="out"), {"folders": [[], ["missing"], ["{file}"]]}),
    "merge_summaries": (lambda **k: merge_summaries(**k, out="out.safetensors"), {"paths": [[], ["missing.safetensors"]]}),
    "load_summaries": (load_summaries, {"path": ["missing.safetensors", "."]}),
    "pretrain": (
        lambda **k: pretrain(**{"objective": "vicreg", "data": (IMAGES, Y), "out": "run", "epochs": 1, "batch_size": 8, "progress": False} | k),
        {
            "objective": ["vicregg", 5, None, [], NETWORK],
            "data": [None, 5, "missing.npz", (Z, Y), IMAGES[:0], []],
            "out": PATHS,
            "encoder": ["resnet", 5, None, {"name": "resnet", "depth": 18, "width": 10**6}, {"name": "vit"}, NETWORK, "resnet181"],
            "epochs": POSITIVE,
            "batch_size": [*POSITIVE, 1],
            "optimizer": CHOICES,
            "lr": [v for v in NUMBERS if v is not None],
            "projector": [5, "x", [], [0], ["a"], [2.5], None],
            "recipe": [5, "x", {}],
            "preprocessing": ["x", 5, {"size": 0}],
            "seed": WHOLE,
            "device": DEVICES,
            "resume": FLAGS,
            "momentum": ["x", 2, -1, None, math.nan],
            "epoch": [5],
            "warmup": ["x", 1],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("call", "name", "value"),
    [
        pytest.param(call, name, value, id=f"{call}-{name}-{i}", marks=thinned(i, call + name))
        for call, (_, table) in CALLS.items()
        for name, values in table.items()
        for i, value in enumerate(values)
    ],
)
def test_arguments_of_every_other_call(call, name, value, place, monkeypatch):
    monkeypatch.chdir(place)
    if isinstance(value, list):
        value = [fill(one, place) for one in value]
    made = CALLS[call][0]
    refuse(lambda: spent(made(**{name: fill(value, place)})))
    assert not (place / "x.safetensors").exists()


COMMANDS = {
    "duel": {
        "--head": ["x", "knn:0"],
        "--num-classes": ["0", "1", "x"],
        "--checkpoint": ["", "missing.pth", "file", "."],
        "--labeled": ["missing.npz", "file"],
        "--margin": ["1", "-1", "nan", "x"],
        "--unlabeled": ["missing", "file"],
        "--answers": ["missing", "file"],
        "--ask": ["file/x", LONG],
        "--sheet": ["file/x", LONG],
        "--count": ["0", "-1", "x"],
        "--delta": ["0", "1", "nan", "x"],
        "--repeats": ["x"],
        "--seed": ["-1", "x"],
        "--device": ["gpu", "x"],
        "--batch-size": ["0", "x"],
        "--state": ["file/x", "file", LONG, "/proc/none/x"],
        "--nonsense": ["x"],
    },
    "rank": {
        "--head": ["x", "knn:0"],
        "--goal": ["x", ""],
        "--num-classes": ["0", "1", "x"],
        "--checkpoint": ["", "missing.pth", "file", "."],
        "--labeled": ["missing.npz", "file"],
        "--unlabeled": ["missing", "file"],
        "--answers": ["missing", "file"],
        "--ask": ["file/x", LONG],
        "--sheet": ["file/x", LONG],
        "--count": ["0", "-1", "x"],
        "--delta": ["0", "1", "nan", "x"],
        "--repeats": ["x"],
        "--seed": ["-1", "x"],
        "--device": ["gpu", "x"],
        "--batch-size": ["0", "x"],
        "--state": ["file/x", "file", LONG, "/proc/none/x"],
        "--nonsense": ["x"],
    },
    "certify": {
        "--model": ["", "missing", "file"],
        "--target": ["0", "1", "nan", "x"],
        "--unlabeled": ["missing", "file"],
        "--answers": ["missing", "file"],
        "--ask": ["file/x", LONG],
        "--sheet": ["file/x", LONG],
        "--count": ["0", "-1", "x"],
        "--delta": ["0", "1", "nan", "x"],
        "--repeats": ["x"],
        "--seed": ["-1", "x"],
        "--device": ["gpu", "x"],
        "--batch-size": ["0", "x"],
        "--state": ["file/x", "file", LONG, "/proc/none/x"],
        "--nonsense": ["x"],
    },
    "evaluate": {
        "--labeled": ["", "missing.npz", "file", ".", "*.nothing", "\udcff"],
        "--checkpoint": ["", "missing.pth", "file", "labeled.npz", "."],
        "--unlabeled": ["missing", "labeled.npz"],
        "--test": ["missing", "images.npz"],
        "--delta": ["0", "1", "-1", "nan", "inf", "x", ""],
        "--pairs": ["x", ""],
        "--normalize": ["x"],
        "--radius": ["0", "-1", "nan", "inf", "1e300", "x"],
        "--head": ["", "x", "ridge", "ridge:0", "ridge:-1", "ridge:nan", "ridge:x", "knn:0", "knn:1.5", "min_norm:1"],
        "--repeats": ["x"],
        "--overlap": ["x"],
        "--looks": ["0", "-1", "x"],
        "--groups": ["", "column"],
        "--engine": ["x", ""],
        "--residual": ["x"],
        "--constants": ["x"],
        "--bound": ["", "x", "held_outt"],
        "--num-classes": ["0", "-1", "1", "1000000000", "2.5", "x", "4611686018427387904"],
        "--save-representations": ["file", "file/x", "/proc/none/x"],
        "--holdout": ["0", "1", "nan", "x"],
        "--device": ["gpu", "cuda:99", "", "x"],
        "--batch-size": ["0", "-1", "x", "2.5"],
        "--seed": ["-1", "x", "99999999999999999999"],
        "--prefix": ["encoder", ""],
        "--size": ["0", "-1", "x", "8"],
        "--preprocessing": ["imagenet", "x", ""],
        "--out": ["file", "file/x", "/proc/none/x"],
        "--nonsense": ["x"],
    },
    "plan": {"REPORT": ["missing.json", "file", ".", "labeled.npz"], "--target": ["0", "-1", "nan", "x"], "--bound": ["x", "vicreg"], "--out": ["file", "file/x"]},
    "merge": {"PARTS": ["missing", "file", ".", "labeled.npz", "missing.safetensors"]},
    "describe": {"DATA": ["missing.npz", "file", "", "images.npz"], "--checkpoint": ["missing.pth", "file"], "--device": ["gpu", "cuda:99"], "--batch-size": ["0", "x"]},
    "rademacher": {
        "DATA": ["missing.npz", "file", "", "images.npz"],
        "--function-class": ["x", "linear_map", "finite_class"],
        "--beta": ["0", "-1", "nan", "x"],
        "--num-classes": ["0", "x", "1"],
        "--outputs": ["0", "x"],
        "--radius": ["0", "-1", "nan", "x"],
        "--draws": ["0", "-1", "x", "1000000000000"],
        "--seed": ["-1", "x"],
    },
    "swap-test": {"PAIRS": ["missing.npz", "file", "labeled.npz"], "--checkpoint": ["missing.pth"], "--num-classes": ["0", "x"], "--seed": ["-1", "x"], "--device": ["gpu"]},
    "few-shot": {
        "LABELED": ["missing.npz", "file", "", "images.npz", "unlabeled.npz"],
        "--checkpoint": ["missing.pth", "file"],
        "--shots": ["0", "-1", "x", "12"],
        "--ways": ["0", "1", "3", "x", ""],
        "--rule": ["x", "ridg:1", "ridge:x", "ridge:-1", "knn:0", "knn:1.5", ""],
        "--permutations": ["0", "-1", "x"],
        "--delta": ["0", "1", "nan", "x"],
        "--device": ["gpu", "cuda:99"],
        "--batch-size": ["0", "x"],
        "--seed": ["-1", "x"],
        "--out": ["file/x", "none/x.csv"],
    },
    "select": {
        "ENCODERS": ["missing.npz", "file", "", "labeled.npz"],
        "--unlabeled": ["missing.npz", "file"],
        "--labeled": ["labeled.npz", "missing"],
        "--measure": ["", "x", "rankm"],
        "--device": ["gpu", "cuda:99"],
        "--batch-size": ["0", "x"],
        "--seed": ["-1", "x"],
    },
    "correlate": {"REPORTS": ["missing.json", "file", "report.json"], "--against": ["", "none"], "--level": ["0", "1", "nan", "x"], "--out": ["file/x", "none/x.csv"]},
    "sweep": {
        "--labeled": ["missing.npz", "file", "images.npz"],
        "--pairs": ["missing.npz", "file", "labeled.npz"],
        "-n": ["0", "x", "100000"],
        "-m": ["0", "x", "100000"],
        "-K": ["1", "x", "100000"],
        "--repeats": ["0", "-1", "x"],
        "--bound": ["", "x", "vicregg"],
        "--delta": ["0", "1", "nan", "x"],
        "--seed": ["-1", "x"],
        "--out": ["none/x.csv"],
    },
    "coverage": {"--bound": ["", "x"], "--world": ["", "x", "gausian"], "--delta": ["0", "1", "nan", "x"], "--trials": ["0", "-1", "x"], "--seed": ["-1", "x"], "--workers": ["0", "-1", "x"], "--out": ["none/x.csv"]},
    "compare": {
        "CHECKPOINT": ["missing.json", "file", "a=missing.pth", "", "labeled.npz"],
        "--labeled": ["missing.npz"],
        "--unlabeled": ["missing.npz"],
        "--test": ["missing.npz"],
        "--delta": ["0", "nan", "x"],
        "--pairs": ["x"],
        "--bound": ["x"],
        "--out": ["file", "file/x"],
    },
    "report": {"REPORT": ["missing.json", "file", ".", "labeled.npz"], "--out": ["file/x"], "--bound": ["x", ""]},
    "catalogue": {"--out": ["file/x", "none/x.csv"]},
    "derive": {"NAME": ["", "vicregg", "5"], "--out": ["file/x", "none/x.tex"]},
    "predict": {
        "--model": ["", "missing", "file", "."],
        "--data": ["", "missing.npz", "file", "images.npz"],
        "--out": ["", "x.csv", "none/x.parquet", "file/x.parquet", "/proc/none/x.parquet"],
        "--encoder": ["missing.pth", "file"],
        "--device": ["gpu", "cuda:99"],
        "--batch-size": ["0", "-1", "x"],
    },
    "demo": {"--example": ["x"], "--delta": ["0", "2", "x"], "--out": ["file", "file/x"]},
    "pretrain": {
        "OBJECTIVE": ["vicregg", ""],
        "--data": ["missing.npz", "labeled.npz", "file", ""],
        "--out": ["file", "file/x"],
        "--encoder": ["x", "resnet", "resnet19"],
        "--width": ["0", "-1", "1000000", "x"],
        "--epochs": ["0", "-1", "x"],
        "--batch-size": ["0", "1", "x"],
        "--optimizer": ["x"],
        "--lr": ["0", "-1", "nan", "x"],
        "--keep-every": ["-1", "x"],
        "--seed": ["-1", "x"],
        "--device": ["gpu", "cuda:99"],
    },
}  # fmt: skip
COMMAND = get_command(app)


# Calls that write files, or take seconds where what they are given is right.
WRITING = {"save_encoder", "Predictor.save", "Predictor.stream", "Report.to_json", "Report.to_html", "Report.to_text", "Comparison.to_html",
           "merge_folders", "merge_summaries", "pretrain", "coverages", "coverage", "register", "load_summaries"}  # fmt: skip


def run(capsys, *words):
    """How a command with these words ends, and what it says; an error that is not caught is one of the test."""
    with pytest.raises(SystemExit) as ended:
        COMMAND.main(list(words), prog_name="bounds")
    return ended.value.code, capsys.readouterr().err


SOUND = {
    "duel": {
        "--state": "duel.json",
        "--checkpoint": ["a.safetensors", "b.safetensors"],
        "--labeled": "images.npz",
        "--unlabeled": "images.npz",
    },
    "rank": {
        "--state": "rank.json",
        "--checkpoint": ["a.safetensors", "b.safetensors"],
        "--labeled": "images.npz",
        "--unlabeled": "images.npz",
    },
    "certify": {"--state": "certify.json", "--model": "predictor", "--unlabeled": "labeled.npz"},
    "evaluate": {"--labeled": "labeled.npz", "--out": "out"},
    "plan": {"REPORT": "report.json", "--target": "0.1"},
    "merge": {"PARTS": "file", "--out": "merged"},
    "describe": {"DATA": "labeled.npz"},
    "rademacher": {"DATA": "labeled.npz", "--function-class": "linear_head", "--beta": "1"},
    "swap-test": {"PAIRS": "pairs.npz"},
    "few-shot": {"LABELED": "labeled.npz"},
    "select": {"ENCODERS": "pairs.npz"},
    "correlate": {"REPORTS": "report.json"},
    "sweep": {
        "--labeled": "labeled.npz",
        "--pairs": "pairs.npz",
        "--repeats": "1",
        "--bound": "vicreg_direct",
    },
    "coverage": {"--bound": "held_out", "--world": "gaussian", "--trials": "1"},
    "compare": {"CHECKPOINT": "report.json"},
    "report": {"REPORT": "report.json"},
    "catalogue": {},
    "derive": {"NAME": "held_out"},
    "predict": {"--model": "predictor", "--data": "labeled.npz", "--out": "x.parquet"},
    "demo": {"--out": "demo"},
    "pretrain": {
        "OBJECTIVE": "vicreg",
        "--data": "images.npz",
        "--out": "run",
        "--epochs": "1",
        "--batch-size": "8",
    },
}


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        pytest.param(command, option, value, id=f"{command} {option} {i}", marks=thinned(i, option))
        for command, table in COMMANDS.items()
        for option, values in table.items()
        for i, value in enumerate(values)
    ],
)
def test_commands_end_with_a_sentence_and_no_traceback(command, option, value, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    given = SOUND[command] | {option: value}
    if option == "--width":
        given["--encoder"] = "resnet18"
    words = [
        word
        for name, one in given.items()
        for value in ([one] if isinstance(one, str) else one)
        for word in ([value] if name.isupper() else [name, value])
    ]
    code, said = run(capsys, command, *words)
    assert code == 2, said
    assert "Traceback" not in said
    assert said.strip()
    assert not (place / "out").exists()


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=3)
    | st.sampled_from([Undescribed, nn.Linear, Z, torch.ones(2), np.array("x"), 1j, ..., slice(3), Path()])
)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=60)
@given(data=st.data())
def test_anything_as_any_argument_of_any_call_is_taken_or_refused_in_a_sentence(data, place):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.chdir(place)
        warnings.simplefilter("ignore")
        name = data.draw(st.sampled_from(["evaluate", *sorted(set(CALLS) - WRITING)]))
        if name == "evaluate":
            option = data.draw(
                st.sampled_from(sorted(set(EVALUATE) - {"save_representations", "num_classes"}))
            )
            given = {"checkpoint": None, "labeled": (Z, Y), "bounds": ["held_out"], "progress": False}
            call = functools.partial(bounds.evaluate, **given | {option: data.draw(ANYTHING)})
        else:
            made, table = CALLS[name]
            option = data.draw(st.sampled_from(sorted(table)))
            call = functools.partial(made, **{option: data.draw(ANYTHING)})
        sentence = ""
        try:
            spent(call())
        except BoundsError as refused:
            sentence = str(refused)
        assert "\n" not in sentence


def test_every_option_of_every_command_is_in_the_corpus():
    for name, command in COMMAND.commands.items():
        valued = [p for p in command.params if not getattr(p, "is_flag", False)]
        options = {p.opts[0] if p.opts[0].startswith("-") else p.opts[0].upper() for p in valued}
        assert options - {"--name"} <= set(COMMANDS[name]) | {"--out"}, name


def test_advice_on_the_command_line_speaks_of_its_options(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    given = ["evaluate", "--labeled", "labeled.npz", "--out", "out"]
    assert "`--num-classes` must be" in run(capsys, *given, "--num-classes", "0")[1]
    said = run(capsys, *given, "--bound", "held_outt")[1]
    assert "`--bound` names unknown bounds" in said
    assert "did you mean `held_out`?" in said


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: bounds.evaluate(None, (Z, Y), detla=0.1), "did you mean `delta`?"),
        (
            lambda: bounds.evaluate(None, (Z, Y), bounds=["vicreg_certifed"]),
            "did you mean `vicreg_certified`?",
        ),
        (lambda: bounds.evaluate(None, (Z, Y), options={"temprature": 1}), "did you mean `temperature`?"),
        (lambda: bounds.evaluate(None, (Z, Y), pairs="augment"), "did you mean `augmentation`?"),
        (lambda: bounds.evaluate(None, (Z, Y), device="gpu"), "did you mean `cuda`?"),
        (lambda: bounds.derive("vicregs"), "did you mean `vicreg`?"),
        (lambda: bounds.derive("vicreg_certified", residual="mean"), "did you mean `residuals`?"),
        (lambda: make_objective("barlowtwins", 4), "did you mean `barlow_twins`?"),
        (lambda: bounds.compare({"a": NETWORK}, (IMAGES, Y), num_class=2), "did you mean `num_classes`?"),
    ],
)
def test_unknown_names_suggest_the_nearest(call, hint):
    with pytest.raises(InvalidOption) as refused:
        call()
    assert hint in str(refused.value)


def test_numbers_of_other_kinds_are_the_same_numbers():
    expected = bounds.evaluate(
        None, (Z, Y), delta=0.25, seed=3, num_classes=2, radius=2.0, progress=False, bounds=["held_out"]
    )
    for kind in (np.float32, np.float64, Fraction, lambda v: np.array([v])[0]):
        made = bounds.evaluate(
            None,
            (Z, Y),
            delta=kind(0.25),
            seed=np.int64(3),
            num_classes=np.uint8(2),
            radius=kind(2),
            progress=np.bool_(False),
            bounds=("held_out",),
        )
        assert made["held_out"].value == expected["held_out"].value
        assert made.to_json()


def test_other_byte_orders_are_the_same_numbers():
    expected = bounds.evaluate(None, (Z, Y), bounds="held_out", progress=False)["held_out"].value
    for kind in (">f4", ">f8"):
        assert (
            bounds.evaluate(None, (Z.astype(kind), Y.astype(">i8")), bounds="held_out", progress=False)[
                "held_out"
            ].value
            == expected
        )


def test_what_exceeds_memory_is_refused_with_both_sizes(monkeypatch):
    with pytest.raises(
        InvalidOption, match=r"`num_classes` = 1,000,000,000 .* needs 256 GB of memory where .* are free"
    ):
        bounds.evaluate(None, (Z, Y), num_classes=10**9)
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    with pytest.raises(InvalidOption, match=r"needs 1.2 kB of memory where 1 kB are free; give fewer"):
        memory.require_memory(1200, "`x` = 5", "give fewer")
    memory.require_memory(1000, "`x` = 5", "give fewer")


def test_free_memory_is_between_nothing_and_the_machine():
    total = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0]) * 1024
    assert 0 < memory.available_memory() <= total


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.lists(st.integers(), max_size=2)
)
def test_each_rule_takes_a_value_or_refuses_it_in_one_sentence(value):
    for name, rule in arguments.RULES.items():
        sentence = f"`{name}`"
        try:
            rule(name, value)
        except InvalidInput as refused:
            sentence = str(refused)
        assert f"`{name}`" in sentence
        assert "\n" not in sentence


def public_calls():
    """Functions of the package by name, and the methods of its classes that take arguments."""
    for name in bounds.__all__[1:]:
        call = getattr(bounds, name)
        if not isinstance(call, type) and signature(call).parameters:
            yield name, call
    for kind in (*(getattr(bounds, name) for name in bounds.__all__[1:]), Predictor):
        for name, held in vars(kind).items() if isinstance(kind, type) else ():
            call = getattr(held, "__func__", held)  # of a class method
            if (
                isinstance(call, types.FunctionType)
                and not name.startswith("_")
                and name not in getattr(kind, "__dataclass_fields__", {})
                and len(signature(call).parameters) > 1
            ):
                yield f"{kind.__name__}.{name}", call


# Judged by what opens them, which other tests are about, or passed on to a call that is in the corpus.
ELSEWHERE = {"self", "cls", "variant", "ax", "evidence", "unlabeled", "options", "test", "trained_on", "preprocessing",
             "encoder"}  # fmt: skip


@pytest.mark.parametrize(("name", "call"), [pytest.param(*one, id=one[0]) for one in public_calls()])
def test_every_argument_of_every_public_call_is_in_the_corpus_and_at_a_door(name, call):
    given = EVALUATE | DATA_OF_EVALUATE if name == "evaluate" else CALLS[name][1]
    assert set(signature(call).parameters) - ELSEWHERE <= set(given)
    with pytest.raises(InvalidOption, match=r"has no argument `nonsense`|does not take the options"):
        call(**{one: None for one in signature(call).parameters if one in ("self", "cls")}, nonsense=1)


def test_the_corpus_is_large():
    calls = sum(len(values) for _, table in CALLS.values() for values in table.values())
    commands = sum(len(values) for table in COMMANDS.values() for values in table.values())
    assert sum(map(len, EVALUATE.values())) + calls + commands + len(CHECKPOINTS) + 3 * len(DATA) >= 400
