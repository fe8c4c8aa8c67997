"""Checkpoints: published nestings load exactly, a bad file is one sentence, and no file ever runs code."""

import argparse
import hashlib
import json
import os
import pickle
from collections import OrderedDict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from bounds.data.preprocessing import CIFAR10, IMAGENET, Preprocessing
from bounds.encoders.architectures import ResNet, SmallConvNet, build_encoder
from bounds.encoders.checkpoints import Encoder, load_encoder, save_encoder
from bounds.encoders.state_dicts import find_encoders, flatten
from bounds.errors import InvalidCheckpoint, InvalidData, InvalidOption, UnsafeCheckpoint

IMAGES = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def trained(network, seed=0):
    """Weights and batch-norm statistics unlike those of a fresh network, different for each seed."""
    generator = torch.Generator().manual_seed(seed)
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(0.02 + 0.2 * torch.rand(value.shape, generator=generator))
        else:
            value.fill_(7)
    return network.eval()


RESNET = trained(ResNet(18, width=4))
WEIGHTS = {name: value.clone() for name, value in RESNET.state_dict().items()}
OTHER = trained(ResNet(18, width=4), seed=1).state_dict()
HEAD = {"fc.weight": torch.ones(10, 32), "fc.bias": torch.zeros(10)}


def under(prefix, weights):
    return {prefix + name: value for name, value in weights.items()}


def numbered(network):
    """The names that nn.Sequential(*network.children()) gives."""
    return nn.Sequential(*network.children()).state_dict()


NESTINGS = {
    "torchvision": WEIGHTS | HEAD,
    "lightning solo-learn": {
        "epoch": 3,
        "state_dict": under("backbone.", WEIGHTS)
        | under("projector.", HEAD)
        | {"classifier.weight": torch.ones(2)},
        "optimizer_states": [{"state": {0: {"momentum_buffer": torch.ones(2)}}}],
    },
    "vicreg": {"epoch": 1, "model": under("module.backbone.", WEIGHTS) | under("module.projector.", HEAD)},
    "barlow twins": under("", WEIGHTS),
    "swav": under("module.", WEIGHTS) | {"module.prototypes.weight": torch.ones(3, 3)},
    "simsiam": {"state_dict": under("module.encoder.", WEIGHTS | HEAD) | under("module.predictor.", HEAD)},
    "moco": {
        "arch": "resnet18",
        "state_dict": under("module.encoder_q.", WEIGHTS | HEAD)
        | under("module.encoder_k.", OTHER | HEAD)
        | {"module.queue": torch.ones(3, 5)},
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]},
    },
    "dino": {
        "student": under("module.backbone.", OTHER) | under("module.head.", HEAD),
        "teacher": under("backbone.", WEIGHTS) | under("head.", HEAD),
        "args": argparse.Namespace(arch="resnet18", lr=0.1),
    },
    "dino flat": under("teacher.backbone.", WEIGHTS) | under("student.backbone.", OTHER),
    "byol": under("online_encoder.net.", WEIGHTS)
    | under("target_encoder.net.", OTHER)
    | under("net.", OTHER),
    "byol networks": {
        "online_network": under("encoder.", WEIGHTS),
        "target_network": under("encoder.", OTHER),
    },
    "target only": {"target_encoder": under("module.", WEIGHTS)},
    "simclr convnet": under("convnet.", WEIGHTS) | under("projector.", HEAD),
    "vissl": {
        "classy_state_dict": {"base_model": {"model": {"trunk": under("_feature_blocks.", WEIGHTS)}}},
    },
    "model_state_dict": {"model_state_dict": under("resnet.", WEIGHTS)},
    "network": {"network": OrderedDict(under("model.", WEIGHTS))},
    "mmselfsup": {"meta": {"iter": 1}, "state_dict": under("backbone.", WEIGHTS) | under("neck.", HEAD)},
    "supcon": {
        "model": {f"encoder.module.{k.replace('downsample', 'shortcut')}": v for k, v in WEIGHTS.items()},
    },
    "momentum copy": under("momentum_backbone.", OTHER) | under("backbone.", WEIGHTS),
    "average copy": {"ema": under("module.", OTHER), "state_dict": under("module.", WEIGHTS)},
    "distilled": under("student.", OTHER) | under("backbone.", WEIGHTS),
    "semantic, not ema": under("semantic_encoder.", WEIGHTS) | under("k_encoder.", OTHER),
}  # fmt: skip


def assert_is(encoder, network=RESNET):
    mine = encoder.network.state_dict()
    assert all(torch.equal(mine[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize("name", NESTINGS)
def test_published_nestings_load_exactly(name, tmp_path):
    torch.save(NESTINGS[name], tmp_path / "x.pth")
    encoder = load_encoder(tmp_path / "x.pth")
    assert_is(encoder)
    everything = set(flatten(NESTINGS[name]))
    assert set(encoder.loaded) | set(encoder.ignored) == everything
    assert len(encoder.loaded) == len(WEIGHTS)
    assert len(encoder.loaded) + len(encoder.ignored) == len(everything)
    torch.testing.assert_close(encoder(IMAGES), RESNET(IMAGENET(IMAGES)))


@given(st.lists(st.sampled_from(["module", "backbone", "encoder", "model", "f", "0", "net"]), max_size=5))
def test_any_prefix_is_found(parts):
    prefix = "".join(f"{part}." for part in parts)
    found = find_encoders(list(under(prefix, WEIGHTS | HEAD)))
    assert [each.prefix for each in found] == [prefix]
    assert set(found[0].sources) == set(WEIGHTS)


@pytest.mark.parametrize("prefix", ["", "module.f.", "backbone."])
def test_numbered_children_are_mapped(prefix, tmp_path):
    names = numbered(RESNET)
    assert {"0.weight", "1.running_var", "3.0.conv1.weight"} <= set(names)
    for shift in (0, 1):  # 1: with the ReLU a torchvision network has among its children
        moved = {
            (f"{int(k.split('.')[0]) + shift}.{k.split('.', 1)[1]}" if int(k[0]) > 1 else k): v
            for k, v in names.items()
        }
        torch.save({"state_dict": under(prefix, moved) | HEAD}, tmp_path / "x.ckpt")
        encoder = load_encoder(tmp_path / "x.ckpt")
        assert_is(encoder)
        assert len(encoder.ignored) == 2


@pytest.mark.parametrize(
    ("depth", "stem", "width", "channels"),
    [
        (18, "cifar", 4, 3),
        (18, "imagenet", 8, 1),
        (34, "imagenet", 4, 3),
        (50, "cifar", 4, 1),
        (50, "imagenet", 4, 3),
    ],
)
def test_depth_stem_width_and_channels_are_inferred(depth, stem, width, channels, tmp_path):
    network = trained(ResNet(depth, stem=stem, width=width, in_channels=channels))
    torch.save(under("module.", network.state_dict()), tmp_path / "x.pt")
    encoder = load_encoder(tmp_path / "x.pt")
    assert encoder.provenance["architecture"] == network.architecture
    assert_is(encoder, network)
    assert encoder.dim == network.dim


def test_small_convnet_is_recognised_under_a_prefix(tmp_path):
    network = trained(SmallConvNet(3, 4, 6))
    torch.save({"model": under("module.encoder.", network.state_dict()) | HEAD}, tmp_path / "x.pt")
    encoder = load_encoder(tmp_path / "x.pt")
    assert encoder.provenance["architecture"] == network.architecture
    assert_is(encoder, network)


def test_prefix_chooses_another_encoder(tmp_path):
    torch.save(NESTINGS["moco"], tmp_path / "x.pth")
    for prefix in ("encoder_k", "module.encoder_k.", "state_dict.module.encoder_k"):
        encoder = load_encoder(tmp_path / "x.pth", prefix=prefix)
        assert torch.equal(encoder.network.state_dict()["conv1.weight"], OTHER["conv1.weight"])
    with pytest.raises(
        InvalidCheckpoint, match=r"no encoder under the prefix `teacher`.*encoder_q.*encoder_k"
    ):
        load_encoder(tmp_path / "x.pth", prefix="teacher")


def test_exact_prefix_comes_before_longer_ones(tmp_path):
    torch.save(NESTINGS["byol"], tmp_path / "x.pth")
    assert load_encoder(tmp_path / "x.pth", prefix="net").provenance["prefix"] == "net"


def test_encoders_that_nothing_tells_apart_are_not_chosen_silently(tmp_path):
    torch.save(under("lightness.", WEIGHTS) | under("colour.", OTHER), tmp_path / "x.pth")
    with pytest.raises(InvalidCheckpoint, match=r"several encoders, `colour`, `lightness`; choose one"):
        load_encoder(tmp_path / "x.pth")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_are_float32_after_loading(dtype, tmp_path):
    narrow = {k: v.to(dtype) if v.is_floating_point() else v for k, v in WEIGHTS.items()}
    save_file(narrow, tmp_path / "x.safetensors")
    encoder = load_encoder(tmp_path / "x.safetensors")
    assert {v.dtype for v in encoder.network.state_dict().values()} == {torch.float32, torch.int64}
    torch.testing.assert_close(encoder.network.conv1.weight, narrow["conv1.weight"].float(), rtol=0, atol=0)


def test_batch_counters_may_be_absent(tmp_path):
    torch.save({k: v for k, v in WEIGHTS.items() if "num_batches" not in k}, tmp_path / "x.pth")
    torch.testing.assert_close(load_encoder(tmp_path / "x.pth")(IMAGES), RESNET(IMAGENET(IMAGES)))


def test_legacy_and_tar_named_files_load(tmp_path):
    torch.save({"state_dict": WEIGHTS}, tmp_path / "x.pth.tar", _use_new_zipfile_serialization=False)
    assert_is(load_encoder(tmp_path / "x.pth.tar"))


# Bad weights


def broken(**changes):
    weights = {k: v.clone() for k, v in WEIGHTS.items()}
    for key, value in changes.items():
        name = key.replace("__", ".")
        if value is None:
            del weights[name]
        else:
            weights[name] = value
    return weights


def without(part):
    return {name: value for name, value in WEIGHTS.items() if part not in name}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (broken(layer4__1__conv2__weight=None), r"1 missing \(m\.layer4\.1\.conv2\.weight\)"),
        (broken(conv1__weight=None), r"1 missing \(m\.conv1\.weight\)"),
        (broken(bn1__running_var=None, bn1__weight=None), r"2 missing \(m\.bn1\.weight, m\.bn1\.run"),
        (without("layer4.1"), r"ResNet-18 .*10 missing .*and 4 more"),
        (broken(bn1__bias=torch.ones(5)), r"1 wrong .*m\.bn1\.bias: expected \(4,\), got \(5,\)"),
        (broken(bn1__bias=torch.ones(4, dtype=torch.int32)), r"wrong shape or type .*torch\.int32"),
        (broken(bn1__bias=torch.ones(4, dtype=torch.cfloat)), r"wrong shape or type .*complex"),
        (broken(bn1__bias=torch.ones(4).to_sparse()), r"1 wrong shape or type"),
        (broken(bn1__bias=torch.ones(4, device="meta")), r"1 wrong shape or type"),
        (broken(bn1__bias=torch.tensor([1, 2, 3, torch.nan])), r"1 NaN or infinite \(m\.bn1\.bias\)"),
        (broken(layer1__0__conv1__weight=torch.full((4, 4, 3, 3), torch.inf)), r"1 NaN or infinite"),
        (broken(conv1__bias=torch.ones(4)), r"1 not part of this network \(m\.conv1\.bias\)"),
        (broken(layer1__2__conv1__weight=torch.ones(4, 4, 3, 3)), r"1 not part of this network"),
        (broken(conv1__weight=torch.ones(4, 3, 5, 5)), r"shape \(4, 3, 5, 5\), .*; a ResNet begins with"),
        (broken(conv1__weight=torch.ones(1).expand(10**12, 3, 7, 7)), r"shape \(10{12}, 3, 7, 7\)"),
        (broken(bn1__bias=torch.ones(1).expand(4)), r"1 wrong shape or type"),
        (HEAD, r"no ResNet.*its 2 tensors: m\.fc\.bias, m\.fc\.weight"),
        ({}, r"its 0 tensors: none"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_listed(weights, message, tmp_path):
    torch.save(under("m.", weights), tmp_path / "x.pth")
    with pytest.raises(InvalidCheckpoint, match=message) as caught:
        load_encoder(tmp_path / "x.pth")
    assert "\n" not in str(caught.value)


def test_architecture_overrules_the_inferred_one(tmp_path):
    torch.save(WEIGHTS, tmp_path / "x.pth")
    with pytest.raises(InvalidCheckpoint, match=r"does not fit ResNet-34 .*80 missing"):
        load_encoder(tmp_path / "x.pth", architecture={"depth": 34})
    with pytest.raises(InvalidOption, match="`depth` must be one of"):
        load_encoder(tmp_path / "x.pth", architecture={"depth": 20})


# Files that are not checkpoints, and files that would run code


class Payload:
    """Creates a file when unpickled: what an attack would look like."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch '{self.target}'",)


def hostile_files(folder, target):
    payload = Payload(target)
    torch.save({"state_dict": WEIGHTS | {"x": payload}}, folder / "zip.pt")
    torch.save(payload, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    for protocol in (0, 2, 5):
        (folder / f"raw{protocol}.ckpt").write_bytes(pickle.dumps(payload, protocol=protocol))
    (folder / "renamed.safetensors").write_bytes(pickle.dumps(payload))
    (folder / "inst.pt").write_bytes(f"(S\"touch '{target}'\"\nios\nsystem\n.".encode())
    return sorted(folder.iterdir())


def test_hostile_pickles_are_refused_and_never_executed(tmp_path):
    target, folder = tmp_path / "owned", tmp_path / "files"
    folder.mkdir()
    files = hostile_files(folder, target)
    pickle.loads((folder / "raw2.ckpt").read_bytes())  # the payload does work, where it is let run
    assert target.exists()
    target.unlink()
    for file in files:
        with pytest.raises(InvalidCheckpoint):
            load_encoder(file)
        assert not target.exists(), file.name


@pytest.mark.parametrize("name", ["zip.pt", "legacy.pth", "raw0.ckpt", "raw2.ckpt", "raw5.ckpt"])
def test_refused_pickles_say_how_to_export(name, tmp_path):
    hostile_files(tmp_path, tmp_path / "owned")
    with pytest.raises(UnsafeCheckpoint, match=r"run code .*safetensors\.torch\.save_file") as caught:
        load_encoder(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_pickled_module_is_refused_by_name(tmp_path):
    torch.save(RESNET, tmp_path / "x.pt")
    with pytest.raises(UnsafeCheckpoint, match=r"bounds\.encoders\.architectures\.ResNet"):
        load_encoder(tmp_path / "x.pt")


def cut(path, share=0.6):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.9999])
@pytest.mark.parametrize("name", ["x.safetensors", "x.pt", "legacy.pt"])
def test_truncated_files_are_refused(name, share, tmp_path):
    path = tmp_path / name
    if name == "x.safetensors":
        save_file(WEIGHTS, path)
    else:
        torch.save(WEIGHTS, path, _use_new_zipfile_serialization=name == "x.pt")
    cut(path, share)
    with pytest.raises(InvalidCheckpoint, match=r"`.*` (is not a whole|holds Python)"):
        load_encoder(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize(
    "content", [b"this is text, not a checkpoint\n", b"<!DOCTYPE html>", b"\x93NUMPY", b"x" * 3]
)
def test_files_of_another_kind_are_refused(suffix, content, tmp_path):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match="is not a whole") as caught:
        load_encoder(path)
    assert not isinstance(caught.value, UnsafeCheckpoint)
    assert caught.value.__cause__ is not None


@given(st.binary(min_size=1, max_size=300))
def test_no_bytes_end_in_another_error(tmp_path, content):
    for name in ("x.pt", "x.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidCheckpoint):
            load_encoder(tmp_path / name)


def test_empty_missing_and_oddly_named_files_are_refused(tmp_path):
    (tmp_path / "empty.pt").touch()
    (tmp_path / "x.onnx").write_bytes(b"1")
    with pytest.raises(InvalidCheckpoint, match=r"`empty\.pt` is empty"):
        load_encoder(tmp_path / "empty.pt")
    with pytest.raises(InvalidCheckpoint, match="There is no checkpoint file"):
        load_encoder(str(tmp_path / "nothing.pt"))
    with pytest.raises(InvalidCheckpoint, match="There is no checkpoint file"):
        load_encoder(tmp_path)
    with pytest.raises(InvalidCheckpoint, match=r"must end in one of \.safetensors"):
        load_encoder(tmp_path / "x.onnx")


@pytest.mark.parametrize(
    "metadata",
    [
        {"architecture": "{"},
        {"architecture": "[1]"},
        {"architecture": '{"name": "vit"}'},
        {"architecture": '{"name": "resnet", "depth": 18, "width": 1000000000000}'},
        {"preprocessing": '{"std": 0}'},
    ],
)
def test_metadata_that_makes_no_sense_is_refused(metadata, tmp_path):
    save_file(WEIGHTS, tmp_path / "x.safetensors", metadata=metadata)
    with pytest.raises(InvalidCheckpoint, match="metadata that cannot be read"):
        load_encoder(tmp_path / "x.safetensors")


def test_a_file_that_contains_itself_ends():
    loop = {"conv1.weight": torch.ones(1)}
    loop["again"] = loop
    assert list(flatten(loop)) == ["conv1.weight"]


def test_nesting_has_no_depth_limit():
    deep = {"w": torch.ones(1)}
    for _ in range(5000):
        deep = {"a": deep}
    assert len(flatten(deep)) == 1


# The Encoder


def test_save_and_load_round_trip(tmp_path):
    network = trained(SmallConvNet(1, 4, 6))
    preprocessing = Preprocessing((0.3,), (0.2,), size=8, channels=1)
    path = tmp_path / "deep" / "x.safetensors"
    save_encoder(network, path, preprocessing=preprocessing, metadata={"objective": "vicreg", "seed": "3"})
    encoder = load_encoder(path)
    assert_is(encoder, network)
    assert encoder.preprocessing == preprocessing
    assert encoder.provenance["metadata"]["objective"] == "vicreg"
    assert encoder.provenance["preprocessing_assumed"] is False
    assert encoder.provenance["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    json.dumps(encoder.provenance)
    assert [p.name for p in path.parent.iterdir()] == ["x.safetensors"]
    save_encoder(encoder, path)  # from the Encoder itself, over the old file
    again = load_encoder(path)
    assert again.preprocessing == preprocessing
    torch.testing.assert_close(again(IMAGES), encoder(IMAGES), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("module", "name", "metadata", "message"),
    [
        (nn.Linear(2, 2), "x.safetensors", {}, "must be a ResNet or a SmallConvNet"),
        (RESNET, "x.pt", {}, r"must end in \.safetensors"),
        (RESNET, "x.safetensors", {"seed": 1}, "must map strings to strings"),
        (RESNET, "x.safetensors", {"format": "1"}, "must map strings to strings"),
    ],
)
def test_what_cannot_be_saved_leaves_no_file(module, name, metadata, message, tmp_path):
    with pytest.raises(InvalidOption, match=message):
        save_encoder(module, tmp_path / name, metadata=metadata)
    assert not list(tmp_path.iterdir())


def test_nan_weights_are_not_saved(tmp_path):
    network = SmallConvNet()
    with torch.no_grad():
        network.features[3].weight[0] = torch.nan
    with pytest.raises(InvalidCheckpoint, match=r"NaN or infinity: features\.3\.weight"):
        save_encoder(network, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_an_interrupted_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    save_encoder(RESNET, path)
    before = path.read_bytes()

    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_encoder(RESNET, path, metadata={"new": "1"})
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_preprocessing_of_the_argument_comes_before_the_files_and_both_before_assumptions(tmp_path):
    path = tmp_path / "x.safetensors"
    save_encoder(RESNET, path, preprocessing=Preprocessing((0.1,), (0.2,)))
    assert load_encoder(path).preprocessing == Preprocessing((0.1,), (0.2,), channels=3)
    mine = Preprocessing((0.4,), (0.5,), 16, 3)
    assert load_encoder(path, preprocessing=mine).preprocessing == mine
    for stem, assumed in (("imagenet", IMAGENET), ("cifar", CIFAR10)):
        torch.save(ResNet(18, stem=stem, width=4).state_dict(), tmp_path / "x.pt")
        encoder = load_encoder(tmp_path / "x.pt")
        assert encoder.preprocessing == assumed
        assert encoder.provenance["preprocessing_assumed"]
        assert "(assumed)" in encoder.describe()


def test_describe_and_repr_say_what_was_loaded_ignored_and_expected(tmp_path):
    torch.save(NESTINGS["moco"], tmp_path / "moco.pth")
    encoder = load_encoder(tmp_path / "moco.pth")
    text = encoder.describe()
    assert "moco.pth: ResNet-18 (imagenet stem, width 4, in channels 3) -> d = 32" in text
    assert "120 tensors under `state_dict.module.encoder_q`" in text
    assert "state_dict.module.encoder_k.* (122)" in text
    assert "state_dict.module.encoder_q.fc.* (2)" in text
    assert "state_dict.module.queue" in text
    assert "size as given" in text
    assert "\n" not in repr(encoder)
    assert "120 tensors loaded" in repr(encoder)


def test_a_module_is_evaluated_without_changing_its_training_flags():
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12), nn.Dropout(0.5))
    network[1].eval()
    before = [m.training for m in network.modules()]
    encoder = load_encoder(network)
    images = torch.rand(4, 3, 2, 2)
    torch.testing.assert_close(encoder(images), images.flatten(1) / (1 + 1e-5) ** 0.5)
    assert [m.training for m in network.modules()] == before == [True, True, False, True]
    assert int(network[1].num_batches_tracked) == 0
    assert encoder.dim == 12
    with pytest.raises(InvalidData, match="running_mean should contain"):
        encoder(torch.rand(4, 3, 5, 5))
    assert [m.training for m in network.modules()] == before


def test_train_does_not_touch_an_encoder():
    encoder = load_encoder(nn.Sequential(nn.Flatten(), nn.Dropout(0.9)))
    assert not encoder.train().training
    images = torch.rand(2, 1, 3, 3)
    torch.testing.assert_close(encoder(images), images.flatten(1))


def test_a_module_gets_uint8_as_unit_floats_and_floats_as_they_are():
    encoder = load_encoder(nn.Flatten())
    pixels = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    torch.testing.assert_close(encoder(pixels), pixels.flatten(1) / 255)
    torch.testing.assert_close(encoder(pixels * 1.0), pixels.flatten(1) * 1.0)


def test_a_callable_gets_images_untouched_unless_preprocessing_is_given():
    seen = []

    def encode(images):
        seen.append(images)
        return images.flatten(1).numpy() * 1.0

    pixels = torch.randint(0, 256, (2, 3, 4, 4), dtype=torch.uint8)
    encoder = load_encoder(encode)
    assert encoder.dim is None
    assert encoder(pixels).dtype == torch.float64
    assert encoder.dim == 48
    assert torch.equal(seen[0], pixels)
    assert seen[0].data_ptr() != pixels.data_ptr()
    load_encoder(encode, preprocessing=IMAGENET)(pixels)
    torch.testing.assert_close(seen[1], IMAGENET(pixels))
    again = load_encoder(encoder, preprocessing=IMAGENET)
    assert again.preprocessing == IMAGENET
    assert load_encoder(encoder) is encoder
    assert "not known" in repr(again)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (torch.rand(2, 3, 1, 1), r"must return floating point numbers of shape \(2, d\)"),
        (torch.rand(3, 5), r"for 2 images, got \(3, 5\)"),
        (torch.rand(2, 0), r"got \(2, 0\)"),
        (torch.ones(2, 5, dtype=torch.int64), "torch.int64"),
        ("features", "must return a tensor"),
        ({"features": 1}, "got dict"),
        (torch.tensor([[1.0], [torch.nan]]), "NaN or infinity for image 1 of a batch of 2"),
    ],
)
def test_impossible_outputs_are_refused(output, message):
    with pytest.raises(InvalidData, match=message):
        load_encoder(lambda images: output)(torch.rand(2, 3, 4, 4))


def test_an_output_that_changes_its_dimension_is_refused():
    encoder = load_encoder(lambda images: images.flatten(1))
    encoder(torch.rand(2, 1, 4, 4))
    with pytest.raises(InvalidData, match="25 dimensions where it has 16 otherwise"):
        encoder(torch.rand(2, 1, 5, 5))


def test_options_for_files_are_refused_elsewhere():
    with pytest.raises(InvalidOption, match="are for files"):
        load_encoder(nn.Flatten(), prefix="backbone")
    with pytest.raises(InvalidOption, match=r"must be a path, a torch\.nn\.Module or a callable, got int"):
        load_encoder(3)
    with pytest.raises(InvalidOption, match="got NoneType"):
        load_encoder(None)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_images_follow_the_encoder_to_its_device(tmp_path):
    save_encoder(RESNET, tmp_path / "x.safetensors")
    encoder = load_encoder(tmp_path / "x.safetensors", device="cuda")
    assert encoder(IMAGES).device.type == "cuda"
    torch.testing.assert_close(encoder(IMAGES).cpu(), RESNET(IMAGENET(IMAGES)), rtol=1e-3, atol=1e-3)


def test_an_encoder_is_rebuilt_from_its_provenance(tmp_path):
    save_encoder(RESNET, tmp_path / "x.safetensors")
    encoder = load_encoder(tmp_path / "x.safetensors")
    assert isinstance(encoder, Encoder)
    assert build_encoder(encoder.provenance["architecture"]).dim == encoder.dim
