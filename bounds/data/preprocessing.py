"""What an encoder expects of its images: geometry, channels, mean and standard deviation; travels as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from bounds.arguments import shown, unknown
from bounds.errors import InvalidData, InvalidOption

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, the grey of PIL and of torchvision
_SLACK = 1e-3  # how far resampling may take a float image outside [0, 1]
_GEOMETRY = {"resize": None, "interpolation": "bilinear", "fit": "crop"}


Interpolation = Literal["bilinear", "bicubic"]
Fit = Literal["crop", "squash"]


@dataclass(frozen=True)
class Geometry:
    """Images -> squares of `size` pixels, float32 in [0, 1]; those that have this size already stay.

    Attributes:
        size, resize, interpolation, fit: As for `Preprocessing`.

    Raises:
        InvalidOption: a value outside these ranges.
    """

    size: int
    resize: int | None = None
    interpolation: Interpolation = "bilinear"
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        if type(self.size) is not int or self.size < 1:
            raise InvalidOption(
                f"`size` must be a positive number of pixels or None, got {shown(self.size)}."
            )
        if self.resize is not None and (type(self.resize) is not int or self.resize < self.size):
            raise InvalidOption(
                f"`resize` must be a number of pixels of at least `size` ({self.size}), got {shown(self.resize)}."
            )
        for name, choices in (("interpolation", ("bilinear", "bicubic")), ("fit", ("crop", "squash"))):
            if getattr(self, name) not in choices:
                raise InvalidOption(
                    f"`{name}` must be one of {', '.join(map(repr, choices))}, got {shown(getattr(self, name))}."
                )

    @classmethod
    def of(cls, size: int | Geometry | None) -> Geometry | None:
        """A side in pixels as the plain geometry."""
        return size if size is None or isinstance(size, Geometry) else cls(size)

    def plain(self) -> Any:
        """For JSON: the side alone where all else is the default."""
        return self.size if self == Geometry(self.size) else asdict(self)

    def __call__(self, images: Tensor) -> Tensor:
        """(N, C, H, W), uint8 or float in [0, 1] -> (N, C, size, size).

        Raises:
            InvalidData: another shape or type, or float pixels outside [0, 1].
        """
        x = to_unit_interval(images)
        if x.shape[2:] == (self.size, self.size):
            return x
        if self.fit == "squash":
            return self._resampled(x, (self.size, self.size))
        height, width = x.shape[2:]
        short, wanted = min(height, width), self.resize or self.size
        if short != wanted:
            x = self._resampled(x, (int(wanted * height / short), int(wanted * width / short)))
        top, left = (
            round((side - self.size) / 2) for side in x.shape[2:]
        )  # to the pixel as torchvision does
        return x[:, :, top : top + self.size, left : left + self.size]

    def _resampled(self, x: Tensor, shape: tuple[int, int]) -> Tensor:
        x = F.interpolate(x, size=shape, mode=self.interpolation, antialias=True, align_corners=False)
        return x.clamp(0, 1) if self.interpolation == "bicubic" else x  # cubic kernels overshoot


@dataclass(frozen=True)
class Preprocessing:
    """Images -> resized, channels adapted, (x − mean) / std, float32; x in [0, 1].

    Attributes:
        mean: One number for all channels, or one per channel; unit: pixel value in [0, 1].
        std: The same; positive.
        size: Side in pixels of the square image the encoder sees, or None to keep the size as it comes.
            Where the size differs, the shorter side is resized to it (bilinear, antialiased) and the central
            square kept.
        channels: 1 (grey) or 3 (RGB), or None to keep them as they come. RGB -> grey is the BT.601 luma.
        resize: What the shorter side is resized to before the central square of `size` is cut out, as for 256 -> 224;
            None: `size` itself.
        interpolation: "bilinear" or "bicubic", antialiased.
        fit: "crop" as said; "squash" resizes both sides to `size`, whatever the shape.

    Raises:
        InvalidOption: a value outside these ranges.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    size: int | None = None
    channels: int | None = None
    resize: int | None = None
    interpolation: Interpolation = "bilinear"
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        if self.channels not in (None, 1, 3):
            raise InvalidOption(f"`channels` must be 1 (grey), 3 (RGB) or None, got {shown(self.channels)}.")
        if self.size is not None and (type(self.size) is not int or self.size < 1):
            raise InvalidOption(
                f"`size` must be a positive number of pixels or None, got {shown(self.size)}."
            )
        if self.size is not None:
            Geometry(self.size, self.resize, self.interpolation, self.fit)
        elif any(getattr(self, name) != default for name, default in _GEOMETRY.items()):
            raise InvalidOption("`resize`, `interpolation` and `fit` need a `size` to bring images to.")
        for name in ("mean", "std"):
            value = getattr(self, name)
            values = (value,) if isinstance(value, int | float) else value
            try:
                values = tuple(float(v) for v in values)
            except (TypeError, ValueError) as err:
                raise InvalidOption(
                    f"`{name}` must be a number or one number per channel, got {shown(value)}."
                ) from err
            object.__setattr__(self, name, values)
            if len(values) not in {1, self.channels or len(values)} or not all(map(math.isfinite, values)):
                raise InvalidOption(
                    f"`{name}` must hold one finite number or one per channel, got {shown(value)}."
                )
        if min(self.std) <= 0:
            raise InvalidOption(f"`std` must be positive, got {self.std}.")

    @property
    def geometry(self) -> Geometry | None:
        """How images are brought to size, or None where they stay as they come."""
        if self.size is None:
            return None
        return Geometry(self.size, self.resize, self.interpolation, self.fit)

    def __call__(self, images: Tensor) -> Tensor:
        """Prepare a batch, on the device where it lies.

        Args:
            images: (N, C, H, W), uint8 in 0..255 or floating point in [0, 1]; C is 1 or 3.

        Returns:
            float32, (N, channels, size, size).

        Raises:
            InvalidData: another shape or type, or float pixels outside [0, 1] (NaN included).
        """
        x = to_unit_interval(images)
        if self.channels is not None and x.shape[1] != self.channels:
            x = _adapt_channels(x, self.channels)
        if self.geometry is not None:
            x = self.geometry(x)
        if max(len(self.mean), len(self.std)) not in (1, x.shape[1]):
            raise InvalidData(
                f"Images have {x.shape[1]} channels where the preprocessing has {len(self.mean)} means; "
                "give images with as many channels or set `channels`."
            )
        mean, std = (x.new_tensor(v).view(1, -1, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std

    def to_json(self) -> str:
        """The JSON string kept in the metadata of a safetensors file; a plain geometry is left out."""
        kept = asdict(self)
        return json.dumps({key: value for key, value in kept.items() if _GEOMETRY.get(key, ...) != value})

    @classmethod
    def from_json(cls, text: str) -> Preprocessing:
        """Read `to_json` back.

        Raises:
            InvalidOption: not such a string.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            return cls(**fields)
        except (ValueError, TypeError) as err:
            raise InvalidOption(
                f"The preprocessing metadata must be JSON with `mean`, `std`, `size`, `channels`: {err}."
            ) from err


IMAGENET = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), channels=3)
CIFAR10 = Preprocessing((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), channels=3)
_COMMON = {"imagenet": IMAGENET, "cifar10": CIFAR10}


def as_preprocessing(name: str, value: Any) -> Preprocessing | None:
    """The rule of the argument: a `Preprocessing`, its fields in a mapping, the name of a common one, or None.

    Raises:
        InvalidOption: anything else.
    """
    if value is None or isinstance(value, Preprocessing):
        return value
    if isinstance(value, str) and value in _COMMON:
        return _COMMON[value]
    if isinstance(value, Mapping):
        known = [one.name for one in fields(Preprocessing)]
        for key in value:
            if key not in known:
                raise unknown(f"The field of `{name}`", key, known)
        return Preprocessing(**value)
    raise InvalidOption(
        f"`{name}` must be a `Preprocessing(mean, std, size, channels)`, a mapping of these, 'imagenet' or 'cifar10' "
        f"(a transform goes into a callable given as `checkpoint`, or into your data set), got {shown(value)}."
    )


def to_unit_interval(images: Tensor) -> Tensor:
    """Images (N, C, H, W), uint8 or float in [0, 1] -> float32 in [0, 1], C in {1, 3}.

    Raises:
        InvalidData: another shape or type, or float pixels outside [0, 1] (NaN included).
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] not in (1, 3):
        got = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise InvalidData(f"`images` must be a tensor (N, C, H, W) with 1 or 3 channels, got {got}.")
    if images.dtype == torch.uint8:
        return images.to(torch.float32) / 255
    if not images.is_floating_point():
        raise InvalidData(
            f"`images` must be uint8 in 0..255 or floating point in [0, 1], got {images.dtype}."
        )
    x = images.to(torch.float32)
    if x.numel():
        low, high = (float(v) for v in torch.aminmax(x))
        if not (low >= -_SLACK and high <= 1 + _SLACK):
            raise InvalidData(
                f"Float `images` must lie in [0, 1], got values from {low:g} to {high:g}; "
                "rescale them, or give uint8, and let the preprocessing normalise."
            )
    return x


def _adapt_channels(x: Tensor, channels: int) -> Tensor:
    if channels == 3:
        return x.expand(-1, 3, -1, -1)
    return (x * x.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
