"""The encoders a checkpoint is loaded into: ResNet-18/34/50 with torchvision's key names, a small ConvNet."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bounds.arguments import nearest, shown
from bounds.errors import InvalidOption
from bounds.memory import require_memory

Stem = Literal["imagenet", "cifar", "cifar-pad2"]
_STEMS = {"imagenet": (7, 2, 3), "cifar": (3, 1, 1), "cifar-pad2": (3, 1, 2)}  # kernel, stride, padding
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """relu(x' + bn(conv3x3(relu(bn(conv3x3(x)))))), x' = x or its 1x1 projection (He et al. 2016, fig. 5)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(inputs, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, width, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions, four times the channels out; the 3x3 has the stride, as in torchvision."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(inputs, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _conv(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, 4 width, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet(nn.Module):
    """Residual network without its classifier: images -> pooled features, f ≥ 0 (arXiv:1512.03385).

    Args:
        depth: 18, 34 or 50.
        stem: "imagenet" (7x7 convolution of stride 2, then 3x3 max pooling), "cifar" (3x3 of stride 1, no
            pooling), or "cifar-pad2" (the same with padding 2, as solo-learn trains it).
        width: Channels of the first stage; the published networks have 64.
        in_channels: Channels of the images.

    Attributes:
        dim: Dimension d of the features: 8 width, times 4 at depth 50.
        architecture: What `build_encoder` needs to make this network again.

    Raises:
        InvalidOption: a depth, stem, width or channel count outside these.
    """

    def __init__(self, depth: int, *, stem: Stem = "imagenet", width: int = 64, in_channels: int = 3) -> None:
        super().__init__()
        if depth not in BLOCKS:
            raise InvalidOption(f"`depth` must be one of {sorted(BLOCKS)}, got {shown(depth)}.")
        if stem not in _STEMS:
            raise InvalidOption(f"`stem` must be one of {sorted(_STEMS)}, got {shown(stem)}.")
        _require_positive(width=width, in_channels=in_channels)
        block = Bottleneck if depth == 50 else BasicBlock
        kernel, stride, padding = _STEMS[stem]
        self.conv1 = nn.Conv2d(in_channels, width, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if stem == "imagenet" else nn.Identity()
        inputs = width
        for stage, blocks in enumerate(BLOCKS[depth]):
            inner = width * 2**stage
            layer = nn.Sequential()
            for index in range(blocks):
                layer.append(block(inputs, inner, 2 if stage > 0 and index == 0 else 1))
                inputs = inner * block.expansion
            self.add_module(f"layer{stage + 1}", layer)
        self.dim = inputs
        self.architecture: dict[str, Any] = {
            "name": "resnet", "depth": depth, "stem": stem, "width": width, "in_channels": in_channels
        }  # fmt: skip
        _initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, dim), averaged over space."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(images)), inplace=True))
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        pooled: Tensor = x.mean(dim=(2, 3))
        return pooled


class SmallConvNet(nn.Module):
    """Three 3x3 convolutions with batch norm and ReLU, strides 1, 2, 2, averaged over space: f ≥ 0.

    For 8x8 digits and 32x32 images; 55,904 parameters at one input channel.

    Args:
        in_channels: Channels of the images.
        width: Channels of the first convolution; the second has twice as many.
        dim: Channels of the third, the dimension of the features.

    Attributes:
        dim: Dimension d of the features.
        architecture: What `build_encoder` needs to make this network again.

    Raises:
        InvalidOption: a size that is not a positive integer.
    """

    def __init__(self, in_channels: int = 1, width: int = 32, dim: int = 64) -> None:
        super().__init__()
        _require_positive(in_channels=in_channels, width=width, dim=dim)
        self.dim = dim
        self.architecture: dict[str, Any] = {
            "name": "small_convnet", "in_channels": in_channels, "width": width, "dim": dim
        }  # fmt: skip
        self.features = nn.Sequential()
        for inputs, outputs, stride in ((in_channels, width, 1), (width, 2 * width, 2), (2 * width, dim, 2)):
            self.features.extend(
                (_conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
            )
        _initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, dim), averaged over space."""
        maps: Tensor = self.features(images)
        return maps.mean(dim=(2, 3))


resnet18 = partial(ResNet, 18)
resnet34 = partial(ResNet, 34)
resnet50 = partial(ResNet, 50)


def build_encoder(architecture: Mapping[str, Any], *, device: str = "cpu") -> ResNet | SmallConvNet:
    """A fresh network from an `architecture` dictionary; weights are random, or absent on the device "meta".

    Raises:
        InvalidOption: an unknown name, or options that network does not take.
    """
    options = dict(architecture)
    name = options.pop("name", None)
    makers: dict[str, type[ResNet] | type[SmallConvNet]] = {"resnet": ResNet, "small_convnet": SmallConvNet}
    if not isinstance(name, str) or name not in makers:
        hint = nearest(name, makers) or "."
        raise InvalidOption(
            f"`architecture['name']` must be one of {sorted(makers)}, got {shown(name)}{hint}"
        )
    try:
        with torch.device("meta"):
            weights = sum(weight.numel() for weight in makers[name](**options).parameters())
        if device != "meta":
            require_memory(4 * weights, f"A {name} with {options}", "give a smaller width")
        with torch.device(device):
            return makers[name](**options)
    except (TypeError, RuntimeError) as err:  # RuntimeError: sizes that no memory holds
        raise InvalidOption(f"`architecture` has the wrong options for {name}, {options}: {err}.") from err


def _require_positive(**sizes: int) -> None:
    for name, value in sizes.items():
        if type(value) is not int or value < 1:
            raise InvalidOption(f"`{name}` must be a positive integer, got {shown(value)}.")


@torch.no_grad()
def _initialise(network: nn.Module) -> None:
    """He initialisation of convolutions; batch norms start as the identity."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
