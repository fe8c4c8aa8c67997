"""An encoder is one function of one image, and stored representations are used only by what made them."""

import functools
import subprocess
import sys
import types

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from bounds.data.preprocessing import Preprocessing
from bounds.encoders.checkpoints import load_encoder
from bounds.encoders.code_digest import code_sha256
from bounds.errors import InvalidCheckpoint, InvalidData, InvalidOption
from bounds.representations import extraction
from bounds.representations.extraction import extract

RNG = np.random.default_rng(0)
N = 40
X = RNG.random((N, 3, 8, 8), dtype=np.float32)
Y = np.arange(N) % 4


def features(encoder, data=(X, Y), **options):
    made = extract(encoder, data, role="labeled", **{"progress": False, "batch_size": 16} | options)
    return made.representations.views[0][:]


def convnet(*tail, norm=None):
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), norm or nn.BatchNorm2d(6), *tail, nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


# One function of one image


class Tower(nn.Module):
    """Image and text towers of one model, as CLIP has them."""

    def __init__(self):
        super().__init__()
        self.visual = convnet(nn.Dropout(0.5))

    def encode_image(self, x, scale=1.0):
        return scale * self.visual(x)

    def forward(self, x, text):
        raise NotImplementedError("needs text")


TOWER = Tower()


class Wrapper:
    """A callable object that holds the model, and no module itself."""

    def __init__(self, model):
        self.model = model

    def __call__(self, x):
        return self.model.encode_image(x)


@torch.no_grad()
def decorated(x):
    return TOWER.encode_image(x)


@pytest.mark.parametrize(
    "encoder",
    [
        TOWER.encode_image,
        functools.partial(TOWER.encode_image, scale=1.0),
        lambda x: TOWER.encode_image(x),
        (lambda model: lambda x: model.encode_image(x))(TOWER),
        lambda x, model=TOWER: model.encode_image(x),
        Wrapper(TOWER),
        decorated,
        {"model": TOWER}["model"].visual.forward,
    ],
    ids=["method", "partial", "global", "closure", "default", "object", "decorated", "forward"],
)
def test_a_model_in_training_mode_is_evaluated_however_it_is_wrapped_and_given_back(encoder):
    TOWER.eval()
    with torch.inference_mode():
        expected = TOWER.encode_image(torch.from_numpy(X)).numpy()
    TOWER.train()
    before = {name: value.clone() for name, value in TOWER.state_dict().items()}
    np.testing.assert_allclose(features(encoder), expected, rtol=1e-5, atol=1e-6)
    assert all(module.training for module in TOWER.modules())
    assert all(torch.equal(value, before[name]) for name, value in TOWER.state_dict().items())


def counter(x, calls=[]):  # noqa: B006
    calls.append(1)
    return x.mean((2, 3)) * len(calls)


class Held:
    """A callable object that holds a function."""

    def __init__(self, function):
        self.function = function

    def __call__(self, x):
        return self.function(x)


class Of(nn.Module):
    """A module that is a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


UNFIT = {
    "batch norm without running statistics": convnet(norm=nn.BatchNorm2d(6, track_running_stats=False)),
    "functional dropout": lambda x: F.dropout(x.mean((2, 3)), 0.5),
    "noise": lambda x: x.mean((2, 3)) + 1e-3 * torch.randn(len(x), 3),
    "centred on its batch": lambda x: (z := x.mean((2, 3))) - z.mean(0),
    "attention over the batch": lambda x: torch.softmax((z := x.mean((2, 3))) @ z.T, 1) @ z,
    "whitened by its batch": lambda x: x.mean((2, 3)) / x.std(),
    "depends on how many": lambda x: x.mean((2, 3)) * len(x),
    "has a memory": counter,
    "rows exchanged": lambda x: x.mean((2, 3)).flip(0),
}


@pytest.mark.parametrize("batch_size", [5, 16, 256])
@pytest.mark.parametrize("name", UNFIT)
def test_what_is_no_function_of_one_image_is_refused_with_the_difference(name, batch_size):
    with pytest.raises(InvalidCheckpoint, match=r"is not a function of one image: .* differs by"):
        features(UNFIT[name], batch_size=batch_size)


WRAPPED = {
    "itself": lambda f: f,
    "lambda": lambda f: lambda x: f(x),
    "partial": lambda f: functools.partial(f),
    "object": Held,
    "method": lambda f: Held(f).__call__,
    "module": lambda f: Of(f).train(),
    "in place": lambda f: lambda x: f(x.mul_(1.0)),
    "without gradients": torch.no_grad(),
}


@settings(max_examples=40)
@given(
    body=st.sampled_from([None, *UNFIT]),
    wrapped=st.sampled_from(sorted(WRAPPED)),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    rows=st.integers(3, 12),
    batch_size=st.integers(3, 12),
)
def test_a_drawn_encoder_is_a_function_of_one_image_or_refused(body, wrapped, scale, rows, batch_size):
    def encoder(x):
        return scale * (x.mean((2, 3)) if body is None else UNFIT[body](x))

    data, held = (X[:rows].copy(), Y[:rows]), X[:rows].copy()
    if body is None:
        z = features(WRAPPED[wrapped](encoder), data, batch_size=batch_size)
        np.testing.assert_allclose(z, scale * held.mean((2, 3)), rtol=1e-5)
    else:
        with pytest.raises(InvalidCheckpoint, match="is not a function of one image"):
            features(WRAPPED[wrapped](encoder), data, batch_size=batch_size)
    np.testing.assert_array_equal(data[0], held)


def test_an_encoder_that_drops_the_axis_of_a_single_image_is_refused():
    with pytest.raises(InvalidData, match=r"must return floating point numbers of shape \(1, d\)"):
        features(lambda x: x.mean((2, 3)).squeeze())


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_fixed_functions_pass_with_few_images_and_any_batch(rows):
    for encoder in (
        convnet(),
        lambda x: x.mean((2, 3)),
        lambda x: 0 * x.mean((2, 3)),
        convnet(norm=nn.GroupNorm(2, 6)),
    ):
        for batch_size in (1, 2, 256):
            assert features(encoder, (X[:rows], Y[:rows]), batch_size=batch_size).shape[0] == rows


@pytest.mark.parametrize("data", ["numpy", "torch", "dataset"])
@pytest.mark.parametrize("views", [1, 2])
def test_an_encoder_that_works_in_place_leaves_the_data_alone(data, views):
    def encoder(x):
        return x.sub_(0.5).div_(0.25).mean((2, 3))

    held = X.copy()
    given = {
        "numpy": (held, Y),
        "torch": (torch.from_numpy(held), Y),
        "dataset": torch.utils.data.TensorDataset(torch.from_numpy(held), torch.from_numpy(Y)),
    }[data]
    if views == 2:
        extract(encoder, given, role="unlabeled", views=2, progress=False)
    else:
        np.testing.assert_allclose(
            features(encoder, given), ((X - 0.5) / 0.25).mean((2, 3)), rtol=1e-4, atol=1e-5
        )
    np.testing.assert_array_equal(held, X)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("pixels", ["uint8", "float32", "float64"])
def test_weights_of_another_type_get_images_of_that_type(dtype, pixels):
    x = (X * 255).astype(np.uint8) if pixels == "uint8" else X.astype(pixels)
    exact = features(convnet(), (x, Y))
    np.testing.assert_allclose(features(convnet().to(dtype), (x, Y)), exact, atol=3e-2, rtol=3e-2)


class ExtraState(nn.Linear):
    def get_extra_state(self):
        return {"scale": 1.0}

    def set_extra_state(self, state):
        pass


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (nn.Sequential(nn.Flatten(), nn.LazyLinear(4)), "has no shape yet"),
        (nn.Sequential(nn.Flatten(), nn.Linear(192, 4, device="meta")), r"has no values \(device meta\)"),
        (nn.Linear, "got the class Linear; make an object of it"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(10, 4)),
            r"failed on a batch of shape \(16, 3, 8, 8\) float32",
        ),
        (nn.Conv2d(1, 4, 3), "failed on a batch of shape"),
        (lambda x: x.no_such_method(), "AttributeError"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda: 1, "TypeError"),
        (lambda x: None, "must return a tensor"),
        (lambda x: {"features": x.mean((2, 3))}, "say which in"),
        (lambda x: x.mean((2, 3)).to("meta"), "must return"),
        (lambda x: x.mean((2, 3)).long(), "must return floating point"),
        (lambda x: x.mean((2, 3)).to(torch.complex64), "must return floating point"),
        (lambda x: x, "flatten or pool its output"),
        (lambda x: x.mean((2, 3)) / 0, "NaN or infinity"),
        (lambda x: np.array([None] * len(x)), "must return"),
    ],
)
def test_encoders_that_cannot_be_used_are_refused_in_one_sentence(network, sentence):
    with pytest.raises((InvalidCheckpoint, InvalidData, InvalidOption), match=sentence) as refused:
        features(network)
    assert "\n" not in str(refused.value)


def test_extra_state_and_sparse_outputs_are_used():
    network = nn.Sequential(nn.Flatten(), ExtraState(192, 4))
    assert features(network).shape == (N, 4)
    np.testing.assert_allclose(features(lambda x: x.mean((2, 3)).to_sparse()), X.mean((2, 3)), rtol=1e-5)


# Stored representations and what made them


SCALE = 2.0


def by_global(x):
    return x.mean((2, 3)) * SCALE


class Power(nn.Module):
    def __init__(self, power):
        super().__init__()
        self.power = power

    def forward(self, x):
        return x.mean((2, 3)) ** self.power


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return x.mean((2, 3)) * self.factor


class Slotted:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return x.mean((2, 3)) * self.factor


def hooked(factor):
    network = Power(1)
    network.register_forward_hook(lambda module, args, output: factor * output)
    return network


def buffered(factor):
    network = Power(1)
    network.register_buffer("factor", torch.tensor(float(factor)), persistent=False)
    network.forward = lambda x: network.factor * x.mean((2, 3))
    return network


def rebound(factor):
    """A function like `by_global` in a module where the global has another value."""
    space = {"SCALE": factor}
    return types.FunctionType(by_global.__code__, space)


def defined(factor):
    space = {"__name__": "user"}
    exec(f"def encoder(x):\n    return [x.mean((2, 3)) * {factor} for _ in range(1)][0]", space)
    return space["encoder"]


FAMILIES = {
    "constant": defined,
    "closure": lambda k: lambda x: k * x.mean((2, 3)),
    "default": lambda k: lambda x, k=k: k * x.mean((2, 3)),
    "keyword default": lambda k: lambda x, *, k=k: k * x.mean((2, 3)),
    "global": rebound,
    "partial": lambda k: functools.partial(lambda x, k: k * x.mean((2, 3)), k=k),
    "object": Scaled,
    "slots": Slotted,
    "method": lambda k: Scaled(k).__call__,
    "module attribute": Power,
    "module in a lambda": lambda k: (lambda network: lambda x: network(x))(Power(k)),
    "hook": hooked,
    "buffer": buffered,
    "array": lambda k: (lambda a: lambda x: x.mean((2, 3)) * torch.from_numpy(a))(np.full(3, k, np.float32)),
    "tensor in a dictionary": lambda k: (lambda d: lambda x: x.mean((2, 3)) * d["k"])(
        {"k": torch.full((3,), k)}
    ),
    "weights": lambda k: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), filled(nn.Linear(3, 3), k)),
    "weights in a lambda": lambda k: (lambda n: lambda x: n(x.mean((2, 3))))(filled(nn.Linear(3, 3), k)),
    "layer's option": lambda k: convnet(nn.LeakyReLU(k)),
    "builtin": lambda k: (lambda f: lambda x: f(x.mean((2, 3))))(
        [torch.sin, torch.cos, torch.tanh, torch.exp][int(k) % 4]
    ),
}


def filled(layer, value):
    for weight in layer.parameters():
        nn.init.constant_(weight, value)
    return layer


@settings(max_examples=25)
@given(family=st.sampled_from(sorted(FAMILIES)), one=st.integers(1, 4), two=st.integers(1, 4))
def test_a_folder_serves_the_encoder_that_made_it_and_no_other(tmp_path_factory, family, one, two):
    folder, make = tmp_path_factory.mktemp("store") / "s", FAMILIES[family]
    made = features(make(float(one)), save=folder)
    if one == two:
        np.testing.assert_array_equal(features(make(float(two)), save=folder), made)
    else:
        with pytest.raises(InvalidOption, match="give another folder"):
            features(make(float(two)), save=folder)


def test_equal_weights_with_another_activation_are_another_encoder(tmp_path):
    features(convnet(nn.ReLU()), save=tmp_path)
    with pytest.raises(InvalidOption, match="made with other encoder"):
        features(convnet(nn.Tanh()), save=tmp_path)


def test_code_that_cannot_be_read_is_told_apart_by_the_first_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "code_sha256", lambda function: "cannot be read")
    features(lambda x: x.mean((2, 3)), save=tmp_path)
    features(lambda x: x.mean((2, 3)) * (1 + 1e-6), save=tmp_path)  # what another device may give
    with pytest.raises(InvalidOption, match="holds other representations of its first items"):
        features(lambda x: -x.mean((2, 3)), save=tmp_path)


@pytest.mark.slow
def test_the_digest_of_code_is_the_same_in_every_process(tmp_path):
    script = tmp_path / "digest.py"
    script.write_text(
        "import torch\nfrom torch import nn\nfrom bounds.encoders.code_digest import code_sha256\n"
        "names = {'a', 'b', 'c', 'd'}\ntorch.manual_seed(0)\nnetwork = nn.Sequential(nn.Linear(2, 2), nn.ReLU())\n"
        "network[0].register_forward_hook(lambda m, a, o: o)\n"
        "print(code_sha256(lambda x: (network(x), names, {'a', 'b', 'c'} & {x})))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_values_that_hold_themselves_have_a_digest():
    knot = Scaled(1.0)
    knot.me = [knot]
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert code_sha256(knot) != code_sha256(Scaled(1.0))
    assert len(code_sha256(lambda x: (deep, x))) == 64


class Items(Dataset):
    def __init__(self, x=X, y=Y):
        self.x, self.y = torch.from_numpy(x), y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        return self.x[row], int(self.y[row])


def loader(x=X, y=Y):
    return DataLoader(Items(x, y), batch_size=7)


class Jittered(Items):
    def __getitem__(self, row):
        x, y = super().__getitem__(row)
        return x + 0.01 * torch.rand(()) if row else x, y


def mean(x):
    return x.float().mean((2, 3))


CHANGES = {
    "a pixel": lambda x, y, row: x[row, 0, 0].__setitem__(0, 1 - x[row, 0, 0, 0]),
    "a label": lambda x, y, row: y.__setitem__(row, 3 - y[row]),
    "two items exchanged": lambda x, y, row: x.__setitem__([row, 0], x[[0, row]]),
}


@settings(max_examples=12)
@given(
    make=st.sampled_from([Items, loader]),
    change=st.sampled_from(sorted(CHANGES)),
    row=st.integers(1, N - 1),
    shards=st.sampled_from([5, 16, 8192]),
    batch_size=st.integers(1, 20),
)
def test_a_changed_item_or_label_of_a_data_set_is_noticed(
    tmp_path_factory, make, change, row, shards, batch_size
):
    folder, writer = tmp_path_factory.mktemp("store") / "s", extraction.StoreWriter
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extraction, "StoreWriter", lambda *a, **k: writer(*a, **k, shard_rows=shards))
        made = features(mean, make(), save=folder)
        np.testing.assert_array_equal(features(mean, make(), save=folder, batch_size=batch_size), made)
        x, y = X.copy(), Y.copy()
        CHANGES[change](x, y, row)
        with pytest.raises(InvalidOption, match=r"other items or labels than rows \d+ to \d+|other data"):
            features(mean, make(x, y), save=folder, batch_size=batch_size)


def test_a_data_set_that_gives_other_items_each_time_is_no_ground_to_go_on_from(tmp_path):
    features(mean, Jittered(), save=tmp_path)
    with pytest.raises(InvalidOption, match="other items or labels"):
        features(mean, Jittered(), save=tmp_path)


def test_a_replaced_image_file_of_the_same_size_is_noticed(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(6):
            pixels = RNG.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{i}.bmp")
    features(mean, tmp_path / "data", save=tmp_path / "store")
    features(mean, tmp_path / "data", save=tmp_path / "store")
    Image.fromarray(RNG.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(tmp_path / "data" / "b" / "5.bmp")
    with pytest.raises(InvalidOption, match="other items or labels than rows 0 to 11"):
        features(mean, tmp_path / "data", save=tmp_path / "store")


def test_fewer_items_than_were_stored_are_noticed_after_an_interruption(tmp_path):
    class Stream(torch.utils.data.IterableDataset):
        def __init__(self, rows):
            self.rows = rows

        def __iter__(self):
            return iter([(torch.from_numpy(x), int(y)) for x, y in zip(X[: self.rows], Y)])

    features(mean, Stream(30), save=tmp_path)
    with pytest.raises(InvalidOption, match=r"other items or labels|more items than"):
        features(mean, Stream(20), save=tmp_path)


def test_preprocessing_is_part_of_what_made_the_representations(tmp_path):
    network = convnet()
    features(load_encoder(network, preprocessing=Preprocessing(channels=3)), save=tmp_path)
    with pytest.raises(InvalidOption, match="made with other encoder"):
        features(load_encoder(network, preprocessing=Preprocessing(mean=(0.5,), channels=3)), save=tmp_path)
