"""Finds an encoder inside any nesting of tensors: where and what it is, whether every weight is there."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bounds.encoders.architectures import BLOCKS, ResNet, SmallConvNet, build_encoder
from bounds.errors import InvalidCheckpoint

# Two encoders in one file: the one papers evaluate comes first (DINO: teacher; MoCo: query; BYOL: online).
# Words of the prefix between dots and underscores; "" stands for a prefix with none of them.
_PREFERENCE = ("teacher", "q", "query", "online", "", "student", "target", "k", "key", "momentum", "ema")
_STAGE = re.compile(r"(?P<prefix>(?:.*\.)?)layer[1-4]\.0\.conv1\.weight")
_NUMBERED = re.compile(r"(?P<prefix>(?:.*\.)?)(?P<index>\d+)\.0\.conv1\.weight")
_SMALL = re.compile(r"(?P<prefix>(?:.*\.)?)features\.0\.weight")
_SMALL_ALSO = ("features.1.running_mean", "features.3.weight", "features.6.weight")
_RESNET_PART = re.compile(r"(?:conv1|bn1|layer[1-4])\.")


@dataclass(frozen=True)
class FoundEncoder:
    """One encoder of a state dict: its tensors under canonical names, and where each came from.

    Attributes:
        prefix: What precedes the encoder's own names in the file.
        name: "resnet" or "small_convnet".
        sources: Canonical name -> name in the file.
    """

    prefix: str
    name: str
    sources: dict[str, str]

    @property
    def rank(self) -> int:
        """Place in the order of preference; smaller is better."""
        words = set(re.split(r"[._]", self.prefix.lower())) - {""}
        ranks = [rank for rank, word in enumerate(_PREFERENCE) if word in words]
        return min(ranks, default=_PREFERENCE.index(""))


def flatten(checkpoint: Any) -> dict[str, Tensor]:
    """Every tensor in dictionaries nested to any depth, under its dotted path; all else is left out.

    Each dictionary is read once, so that a file which refers to itself ends.
    """
    found: dict[str, Tensor] = {}
    pending: list[tuple[str, Any]] = [("", checkpoint)]
    seen: set[int] = set()
    while pending:
        path, value = pending.pop()
        if isinstance(value, Tensor):
            found[path] = value.detach()
        elif isinstance(value, Mapping) and id(value) not in seen:
            seen.add(id(value))
            pending += [(f"{path}.{key}" if path else str(key), item) for key, item in value.items()]
    return dict(sorted(found.items()))


def find_encoders(names: Sequence[str]) -> list[FoundEncoder]:
    """All encoders whose tensors have these names, best first.

    Recognised: torchvision's ResNet names, the same as the numbered children of an `nn.Sequential` ("0."
        convolution,
    "1." norm, then four stages), the projection called "shortcut" for "downsample", and `SmallConvNet`.
    """
    present = set(names)
    found: list[FoundEncoder] = []
    for prefix in sorted({match["prefix"] for match in map(_STAGE.fullmatch, names) if match}):
        found.append(FoundEncoder(prefix, "resnet", _resnet_sources(names, prefix, {})))
    first_stage: dict[str, int] = {}
    for match in filter(None, map(_NUMBERED.fullmatch, names)):
        index = int(match["index"])
        first_stage[match["prefix"]] = min(index, first_stage.get(match["prefix"], index))
    for prefix, first in sorted(first_stage.items()):
        if f"{prefix}0.weight" in present:
            children = {"0": "conv1", "1": "bn1"} | {str(first + i): f"layer{i + 1}" for i in range(4)}
            found.append(FoundEncoder(prefix, "resnet", _resnet_sources(names, prefix, children)))
    for match in filter(None, map(_SMALL.fullmatch, names)):
        prefix = match["prefix"]
        if all(prefix + key in present for key in _SMALL_ALSO):
            inside = (name for name in names if name.startswith(f"{prefix}features."))
            found.append(
                FoundEncoder(prefix, "small_convnet", {name.removeprefix(prefix): name for name in inside})
            )
    return sorted(found, key=lambda encoder: encoder.rank)


def choose(found: Sequence[FoundEncoder], prefix: str | None, origin: str) -> FoundEncoder:
    """The encoder under `prefix`, or the preferred one.

    Raises:
        InvalidCheckpoint: none there, or several that nothing tells apart.
    """
    if prefix is not None:
        wanted = prefix.strip(".")
        exact = [each for each in found if each.prefix.strip(".") == wanted]
        under = exact or [each for each in found if each.prefix.endswith(f".{wanted}.")]
        if not under:
            raise InvalidCheckpoint(
                f"{origin} has no encoder under the prefix `{wanted}`; "
                f"it has {_quoted([each.prefix for each in found])}."
            )
        found = under
    best = [each for each in found if each.rank == found[0].rank]
    if len(best) > 1:
        raise InvalidCheckpoint(
            f"{origin} holds several encoders, {_quoted([each.prefix for each in best])}; "
            "choose one with `prefix`."
        )
    return best[0]


def infer_architecture(encoder: FoundEncoder, tensors: Mapping[str, Tensor], origin: str) -> dict[str, Any]:
    """Depth, stem, width and input channels, read off the names and shapes.

    A stem whose kernel is 3 is taken to have stride 1, padding 1 and no pooling after it ("cifar"): shapes do
    not show these.

    Raises:
        InvalidCheckpoint: a first convolution that no supported stem has.
    """
    shapes = {name: tuple(tensors[source].shape) for name, source in encoder.sources.items()}
    if encoder.name == "small_convnet":
        first, last = shapes["features.0.weight"], shapes["features.6.weight"]
        if len(first) != 4 or len(last) != 4:
            raise InvalidCheckpoint(f"{origin} has no small ConvNet: `features.0.weight` has shape {first}.")
        return {"name": "small_convnet", "in_channels": first[1], "width": first[0], "dim": last[0]}

    blocks = [
        len({name.split(".")[1] for name in shapes if name.startswith(f"layer{i}.")}) for i in (1, 2, 3, 4)
    ]
    bottleneck = any(re.fullmatch(r"layer\d\.\d+\.conv3\.weight", name) for name in shapes)
    depths = [50] if bottleneck else [18, 34]
    depth = min(depths, key=lambda d: sum(abs(a - b) for a, b in zip(blocks, BLOCKS[d], strict=True)))
    architecture = {"name": "resnet", "depth": depth, "stem": "imagenet", "width": 64, "in_channels": 3}
    stem = shapes.get("conv1.weight")
    if stem is None:
        return architecture  # the missing weight is reported with all others
    source = encoder.sources["conv1.weight"]
    if len(stem) != 4 or stem[2:] not in ((7, 7), (3, 3)) or min(stem) < 1 or not _readable(tensors[source]):
        raise InvalidCheckpoint(
            f"{origin}: `{source}` has shape {stem}, {tensors[source].dtype}; "
            "a ResNet begins with a dense 7x7 (imagenet) or 3x3 (cifar) convolution."
        )
    return architecture | {
        "stem": "imagenet" if stem[2] == 7 else "cifar", "width": stem[0], "in_channels": stem[1]
    }  # fmt: skip


def build_with_weights(
    architecture: Mapping[str, Any], encoder: FoundEncoder, tensors: Mapping[str, Tensor], origin: str
) -> ResNet | SmallConvNet:
    """The network of this architecture with these weights, in float32; nothing is left at random.

    Raises:
        InvalidCheckpoint: weights that are missing, superfluous, of the wrong shape or type, or not finite:
            all are listed.
    """
    network = build_encoder(architecture, device="meta")  # a file cannot ask for memory that it does not fill
    problems: dict[str, list[str]] = {"missing": [], "wrong shape or type": [], "NaN or infinite": []}
    weights: dict[str, Tensor] = {}
    expected = network.state_dict()
    for name, wanted in expected.items():
        counter = name.endswith("num_batches_tracked")  # never read in eval mode, absent from old files
        source = encoder.sources.get(name)
        if source is None:
            if counter:
                weights[name] = torch.zeros(wanted.shape, dtype=wanted.dtype)
            else:
                problems["missing"].append(encoder.prefix + name)
            continue
        value = tensors[source]
        if value.shape != wanted.shape or not _readable(value, counter):
            problems["wrong shape or type"].append(
                f"{source}: expected {tuple(wanted.shape)}, got {tuple(value.shape)} {value.dtype}"
            )
            continue
        weights[name] = value.to(wanted.dtype).contiguous()
        if not is_finite(weights[name]):
            problems["NaN or infinite"].append(source)
    problems["not part of this network"] = [s for name, s in encoder.sources.items() if name not in expected]
    if any(problems.values()):
        listed = "; ".join(
            f"{len(names)} {kind} ({truncated(names)})" for kind, names in problems.items() if names
        )
        raise InvalidCheckpoint(f"{origin} does not fit {architecture_name(architecture)}: {listed}.")
    network.load_state_dict(weights, strict=True, assign=True)
    return network


def fits_own(encoder: FoundEncoder, tensors: Mapping[str, Tensor]) -> bool:
    """Whether names and shapes are those of a network of this package, not of a deeper, wider or grouped ResNet."""
    if encoder.name != "resnet":
        return True
    shapes = {name: tuple(tensors[source].shape) for name, source in encoder.sources.items()}
    blocks = tuple(
        len({name.split(".")[1] for name in shapes if name.startswith(f"layer{i}.")}) for i in (1, 2, 3, 4)
    )
    stem, inner = shapes.get("conv1.weight", (0,)), shapes.get("layer1.0.conv1.weight", (0,))
    grouped = shapes.get("layer1.0.conv2.weight", (0, 0))[1:2] != inner[:1]
    return blocks in BLOCKS.values() and stem[:1] == inner[:1] and not grouped


def architecture_name(architecture: Mapping[str, Any]) -> str:
    """For people: "ResNet-50 (imagenet stem, width 64, in channels 3)"."""
    if ":" in str(architecture.get("name")):
        options = [f"{key} {value}" for key, value in architecture.items() if key != "name"]
        return str(architecture["name"]) + (f" ({', '.join(options)})" if options else "")
    details = {key: value for key, value in architecture.items() if key not in ("name", "depth", "stem")}
    words = [f"{key.replace('_', ' ')} {value}" for key, value in details.items()]
    if architecture.get("name") == "resnet":
        words.insert(0, f"{architecture.get('stem')} stem")
        return f"ResNet-{architecture.get('depth')} ({', '.join(words)})"
    return f"small ConvNet ({', '.join(words)})"


def is_finite(value: Tensor) -> bool:
    """No NaN, no infinity: in one pass, as a float64 sum of float32 numbers cannot overflow."""
    return math.isfinite(value.sum(dtype=torch.float64))


def truncated(names: Sequence[str], limit: int = 6) -> str:
    """The first few names and how many more there are."""
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f", and {more} more" if more > 0 else "")


def _readable(value: Tensor, counter: bool = False) -> bool:
    """Dense numbers that the file really holds: not sparse, no shell, not one number spread over a shape."""
    return (
        value.layout == torch.strided
        and not value.is_meta
        and (value.is_floating_point() or counter)
        and value.untyped_storage().nbytes() >= value.nbytes
    )


def _resnet_sources(names: Sequence[str], prefix: str, children: Mapping[str, str]) -> dict[str, str]:
    """Canonical ResNet name -> name in the file; `children` renames first components (numbered variants)."""
    sources = {}
    for name in names:
        if name.startswith(prefix):
            head, _, rest = name.removeprefix(prefix).partition(".")
            canonical = f"{children.get(head, '') if children else head}.{rest}".replace(
                ".shortcut.", ".downsample."
            )
            if _RESNET_PART.match(canonical):
                sources[canonical] = name
    return sources


def _quoted(prefixes: Sequence[str]) -> str:
    return truncated([f"`{prefix.strip('.')}`" for prefix in prefixes])
