"""ResNets and the small ConvNet: published sizes, torchvision's names, a forward pass written another way."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from bounds.data.preprocessing import IMAGENET, Preprocessing
from bounds.encoders.architectures import (
    Bottleneck,
    ResNet,
    SmallConvNet,
    build_encoder,
    resnet18,
    resnet34,
    resnet50,
)
from bounds.errors import InvalidData, InvalidOption


def count(network):
    return sum(p.numel() for p in network.parameters())


def shake(network, seed=0):
    """Random batch-norm statistics and scales, so that no wrong order of operations goes unseen."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        noise = torch.rand(value.shape, generator=generator)
        value.copy_(0.5 + noise if name.endswith("running_var") or value.ndim == 1 else noise - 0.5)
    return network.eval()


def convolve(x, weight, stride, padding):
    """A convolution as a matrix product of patches."""
    n, _, h, w = x.shape
    k = weight.shape[2]
    out = ((h + 2 * padding - k) // stride + 1, (w + 2 * padding - k) // stride + 1)
    patches = F.unfold(x, k, padding=padding, stride=stride)
    return torch.einsum("op,npl->nol", weight.flatten(1), patches).reshape(n, -1, *out)


def normalise(x, weights, name):
    mean, var = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
    shape = (1, -1, 1, 1)
    scaled = (x - mean.view(shape)) / (var.view(shape) + 1e-5) ** 0.5
    return scaled * weights[f"{name}.weight"].view(shape) + weights[f"{name}.bias"].view(shape)


def relu(x):
    return (x + x.abs()) / 2


def pool(x):
    n, c, h, w = x.shape
    padded = F.pad(x, (1, 1, 1, 1), value=-torch.inf)
    patches = padded.unfold(2, 3, 2).unfold(3, 3, 2)
    return patches.amax(dim=(4, 5)).reshape(n, c, (h - 1) // 2 + 1, (w - 1) // 2 + 1)


def naive_resnet(weights, x, padding=1):
    """Reads only the state dict: stem by the kernel's size, blocks by the names."""
    w = {name: value.double() for name, value in weights.items()}
    x = x.double()
    if w["conv1.weight"].shape[2] == 7:
        x = pool(relu(normalise(convolve(x, w["conv1.weight"], 2, 3), w, "bn1")))
    else:
        x = relu(normalise(convolve(x, w["conv1.weight"], 1, padding), w, "bn1"))
    for stage in (1, 2, 3, 4):
        block = 0
        while f"layer{stage}.{block}.conv1.weight" in w:
            at = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            deep = f"{at}.conv3.weight" in w
            steps = ((1, 1, 0), (2, stride, 1), (3, 1, 0)) if deep else ((1, stride, 1), (2, 1, 1))
            y = x
            for index, s, padding in steps:
                y = normalise(convolve(y, w[f"{at}.conv{index}.weight"], s, padding), w, f"{at}.bn{index}")
                y = y if index == len(steps) else relu(y)
            if f"{at}.downsample.0.weight" in w:
                x = normalise(convolve(x, w[f"{at}.downsample.0.weight"], stride, 0), w, f"{at}.downsample.1")
            x = relu(x + y)
            block += 1
    return x.sum(dim=(2, 3)) / (x.shape[2] * x.shape[3])


@pytest.mark.parametrize(
    ("maker", "parameters", "dim"),
    [(resnet18, 11_176_512, 512), (resnet34, 21_284_672, 512), (resnet50, 23_508_032, 2048)],
)
def test_parameter_counts_are_the_published_ones_without_the_classifier(maker, parameters, dim):
    network = maker()
    assert count(network) == parameters
    assert network.dim == dim


def test_key_names_and_order_are_torchvisions():
    keys = list(resnet18().state_dict())
    batch_norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert keys[:7] == ["conv1.weight", *(f"bn1.{k}" for k in batch_norm), "layer1.0.conv1.weight"]
    assert len(keys) == 122 - 2  # 122 in the published file, two of them the classifier's
    assert "layer2.0.downsample.0.weight" in keys
    assert "layer2.0.downsample.1.running_var" in keys
    assert "layer1.0.downsample.0.weight" not in keys
    deep = resnet50().state_dict()
    assert len(deep) == 320 - 2
    assert deep["layer1.0.downsample.0.weight"].shape == (256, 64, 1, 1)
    assert deep["layer4.2.conv3.weight"].shape == (2048, 512, 1, 1)


@pytest.mark.parametrize("stem", ["imagenet", "cifar"])
@pytest.mark.parametrize("depth", [18, 34, 50])
def test_forward_agrees_with_a_naive_one_that_reads_only_the_state_dict(depth, stem):
    network = shake(ResNet(depth, stem=stem, width=4)).double()
    images = torch.rand(2, 3, 37, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        network(images.double()), naive_resnet(network.state_dict(), images), rtol=1e-9, atol=0
    )


def test_the_stride_of_a_bottleneck_is_in_its_3x3_convolution():
    block = Bottleneck(8, 4, 2)
    assert (block.conv1.stride, block.conv2.stride, block.conv3.stride) == ((1, 1), (2, 2), (1, 1))


def test_small_convnet_agrees_with_three_patch_products():
    network = shake(SmallConvNet(2, 4, 6)).double()
    x = images = torch.rand(3, 2, 9, 8, generator=torch.Generator().manual_seed(2)).double()
    w = network.state_dict()
    for index, stride in ((0, 1), (3, 2), (6, 2)):
        x = relu(normalise(convolve(x, w[f"features.{index}.weight"], stride, 1), w, f"features.{index + 1}"))
    torch.testing.assert_close(network(images), x.mean(dim=(2, 3)), rtol=1e-12, atol=0)


def test_small_convnet_is_small_and_no_resnet_by_its_names():
    assert count(SmallConvNet()) == 9 * (32 + 32 * 64 + 64 * 64) + 2 * (32 + 64 + 64) == 55_904
    assert not {key.split(".")[0] for key in SmallConvNet().state_dict()} & {"conv1", "bn1", "layer1"}


@pytest.mark.parametrize("side", [8, 32])
def test_features_are_pooled_and_non_negative(side):
    z = SmallConvNet().eval()(torch.rand(5, 1, side, side))
    assert z.shape == (5, 64)
    assert bool((z >= 0).all())


@pytest.mark.parametrize(
    "network",
    [resnet18(width=8), resnet50(stem="cifar", width=4, in_channels=1), SmallConvNet(3, 8, 16)],
)
def test_architecture_rebuilds_the_network(network):
    again = build_encoder(network.architecture)
    assert again.architecture == network.architecture
    again.load_state_dict(network.state_dict(), strict=True)


def test_architecture_on_the_meta_device_holds_no_memory():
    assert all(p.is_meta for p in build_encoder(resnet18(width=4).architecture, device="meta").parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResNet(20), "`depth` must be one of"),
        (lambda: ResNet(18, stem="small"), "`stem` must be"),
        (lambda: resnet18(width=0), "`width` must be a positive integer"),
        (lambda: resnet18(in_channels=1.5), "`in_channels` must be a positive integer"),
        (lambda: SmallConvNet(dim=-1), "`dim` must be a positive integer"),
        (lambda: build_encoder({"name": "vit"}), "must be one of"),
        (lambda: build_encoder({"name": "resnet"}), "wrong options"),
        (lambda: build_encoder({"name": "small_convnet", "depth": 3}), "wrong options"),
        (
            lambda: build_encoder({"name": "resnet", "depth": 18, "width": 10**12}, device="meta"),
            "wrong options",
        ),
    ],
)
def test_impossible_architectures_are_refused(make, message):
    with pytest.raises(InvalidOption, match=message):
        make()


def test_preprocessing_of_uint8_equals_that_of_the_same_floats_and_the_formula():
    images = torch.randint(0, 256, (4, 3, 6, 6), dtype=torch.uint8)
    out = IMAGENET(images)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, IMAGENET(images.double() / 255))
    torch.testing.assert_close(out[:, 1], (images[:, 1] / 255 - 0.456) / 0.224)


def test_preprocessing_adapts_channels():
    grey = torch.rand(2, 1, 5, 5)
    torch.testing.assert_close(Preprocessing(channels=3)(grey), grey.repeat(1, 3, 1, 1))
    rgb = torch.rand(2, 3, 5, 5)
    luma = 0.299 * rgb[:, 0] + 0.587 * rgb[:, 1] + 0.114 * rgb[:, 2]
    torch.testing.assert_close(Preprocessing(channels=1)(rgb)[:, 0], luma)


@given(st.integers(1, 24), st.integers(1, 24), st.integers(1, 24))
def test_resizing_gives_a_square_and_keeps_a_constant_image(height, width, size):
    out = Preprocessing(size=size)(torch.full((1, 1, height, width), 0.25))
    assert out.shape == (1, 1, size, size)
    torch.testing.assert_close(out, torch.full_like(out, 0.25))


def test_resizing_keeps_the_middle_of_a_wide_image():
    image = torch.zeros(1, 1, 8, 24)
    image[..., 8:16] = 1.0
    torch.testing.assert_close(Preprocessing(size=8)(image), torch.ones(1, 1, 8, 8))


@given(
    st.lists(st.floats(-2, 2), min_size=3, max_size=3), st.floats(0.01, 9), st.none() | st.integers(1, 512)
)
def test_preprocessing_survives_json(mean, std, size):
    original = Preprocessing(tuple(mean), (std,), size, 3)
    assert Preprocessing.from_json(original.to_json()) == original


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"std": 0.0}, "`std` must be positive"),
        ({"mean": (0.1, 0.2), "channels": 3}, "`mean` must hold one finite number or one per channel"),
        ({"mean": float("nan")}, "`mean` must hold"),
        ({"mean": "dark"}, "`mean` must be a number"),
        ({"size": 0}, "`size` must be a positive number"),
        ({"channels": 4}, "`channels` must be 1"),
    ],
)
def test_impossible_preprocessing_is_refused(options, message):
    with pytest.raises(InvalidOption, match=message):
        Preprocessing(**options)


@pytest.mark.parametrize("text", ["", "[]", '{"colour": 1}', '{"std": -1}'])
def test_preprocessing_metadata_that_is_not_such_is_refused(text):
    with pytest.raises(InvalidOption):
        Preprocessing.from_json(text)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(3, 8, 8), r"must be a tensor \(N, C, H, W\)"),
        (torch.rand(2, 8, 8, 3), "1 or 3 channels"),
        ([[1.0]], "got list"),
        (torch.ones(1, 1, 2, 2, dtype=torch.int64), "got torch.int64"),
        (torch.full((1, 1, 2, 2), 255.0), r"must lie in \[0, 1\]"),
        (torch.full((1, 1, 2, 2), torch.nan), r"must lie in \[0, 1\]"),
    ],
)
def test_impossible_images_are_refused(images, message):
    with pytest.raises(InvalidData, match=message):
        Preprocessing()(images)


def test_images_with_other_channels_than_means_are_refused():
    with pytest.raises(InvalidData, match="1 channels where the preprocessing has 3"):
        Preprocessing((0.1, 0.2, 0.3), (1.0, 1.0, 1.0))(torch.rand(1, 1, 4, 4))


def test_the_padded_cifar_stem_differs_in_padding_only():
    network = shake(ResNet(18, stem="cifar-pad2", width=4)).double()
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)).double()
    expected = naive_resnet(network.state_dict(), images, padding=2)
    torch.testing.assert_close(network(images), expected, rtol=1e-9, atol=0)
    plain = ResNet(18, stem="cifar", width=4).double().eval()
    plain.load_state_dict(network.state_dict())
    assert not torch.allclose(plain(images), expected)
