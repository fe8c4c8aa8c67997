"""Which of timm's architectures a bare state dict holds, read off its names and shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from bounds.data.preprocessing import IMAGENET, Preprocessing
from bounds.encoders.hubs.names import Spec
from bounds.encoders.hubs.weights import prefixes, under
from bounds.errors import InvalidCheckpoint

Shapes = Mapping[str, tuple[int, ...]]

# Width -> size word of timm's names and attention heads; the shapes of a transformer do not show its heads.
_WIDTHS = {192: ("tiny", 3), 384: ("small", 6), 768: ("base", 12), 1024: ("large", 16), 1280: ("huge", 16),
           1408: ("giant", 16), 1536: ("giant", 24)}  # fmt: skip
_CONVNEXT: dict[tuple[int, ...], dict[int, str]] = {
    (3, 3, 9, 3): {96: "tiny"},
    (3, 3, 27, 3): {96: "small", 128: "base", 192: "large", 256: "xlarge"},
    (2, 2, 6, 2): {40: "atto", 48: "femto", 64: "pico", 80: "nano"},
}
_RESNETS: dict[tuple[int, ...], str] = {(3, 4, 23, 3): "resnet101", (3, 8, 36, 3): "resnet152"}
_WIDE: dict[tuple[int, ...], str] = {(3, 4, 6, 3): "wide_resnet50_2", (3, 4, 23, 3): "wide_resnet101_2"}


@dataclass(frozen=True)
class Recognised:
    """An architecture, the images it was published for, and where the encoder is if its paper says which of several."""

    spec: Spec
    preprocessing: Preprocessing
    prefix: str | None = None


def recognise(tensors: Mapping[str, Tensor], origin: str) -> Recognised | None:
    """The architecture that these tensors are of, or None where no published layout is found.

    Of several encoders in a file all must be of one architecture, as teacher and student are.

    Raises:
        InvalidCheckpoint: a layout whose names and shapes leave more than one function possible.
    """
    found: list[Recognised] = []
    for prefix in prefixes(tensors):
        inner = under(tensors, prefix)
        shapes = {
            re.sub(r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.", k): tuple(v.shape) for k, v in inner.items()
        }
        for layout in (_clip, _vit, _convnext, _resnet):
            one = layout(shapes, prefix, origin)
            if one is not None:
                found.append(one)
                break
    if not found:
        return None
    if any(one != found[0] for one in found):
        names = ", ".join(sorted({str(one.spec) for one in found}))
        raise InvalidCheckpoint(
            f"{origin} holds encoders of several architectures ({names}); give one as `architecture`."
        )
    target = next((one for one in prefixes(tensors) if one.startswith("target_encoder.")), None)
    ijepa = (
        found[0].spec.options.get("class_token") is False
    )  # evaluates its target encoder (arXiv:2301.08243)
    return replace(found[0], prefix=target) if ijepa and target else found[0]


def _clip(shapes: Shapes, prefix: str, origin: str) -> Recognised | None:
    if "visual.conv1.weight" not in shapes and not ("conv1.weight" in shapes and "class_embedding" in shapes):
        return None
    inside = "visual." if "visual.conv1.weight" in shapes else ""
    conv = shapes[f"{inside}conv1.weight"]
    embedding = shapes.get(f"{inside}proj", (0, 0))[1] if f"{inside}proj" in shapes else 0
    raise InvalidCheckpoint(
        f"{origin} is a CLIP image tower (width {conv[0]}, patch {conv[-1]}, embedding {embedding or 'unknown'}), whose "
        'activation its names do not tell: give `architecture="open_clip:ViT-B-32-quickgelu"` (OpenAI\'s weights) or '
        '"open_clip:ViT-B-32" (most others), with the size it has.'
    )


def _vit(shapes: Shapes, prefix: str, origin: str) -> Recognised | None:
    patches = shapes.get("patch_embed.proj.weight", ())
    if len(patches) != 4 or "blocks.0.attn.qkv.weight" not in shapes:
        return None
    width, channels, patch, _ = patches
    if width not in _WIDTHS:
        return None
    size, heads = _WIDTHS[width]
    options: dict[str, Any] = {"num_heads": heads, "depth": _depth(shapes), "patch_size": patch}
    options |= {} if channels == 3 else {"in_chans": channels}
    for rule in (_dinov3, _beit, _dinov2, _plain):
        name = rule(shapes, prefix, size, patch, options)
        if name is not None:
            break
    else:
        return None
    side = options.get("img_size", 224)
    prepared = Preprocessing(
        IMAGENET.mean,
        IMAGENET.std,
        size=side,
        channels=3 if channels == 3 else None,
        resize=256 if side == 224 else None,
        interpolation="bicubic",
    )
    if channels != 3:
        prepared = Preprocessing(
            size=side, channels=channels if channels == 1 else None, interpolation="bicubic"
        )
    return Recognised(Spec("timm", name, options), prepared)


def _dinov3(shapes: Shapes, prefix: str, size: str, patch: int, options: dict[str, Any]) -> str | None:
    if "storage_tokens" not in shapes:
        return None
    bias = "_qkvb" if "blocks.0.attn.qkv.bias" in shapes else ""
    plus = "_plus" if "blocks.0.mlp.w1.weight" in shapes else ""
    for fixed in ("num_heads", "depth", "patch_size"):
        del options[fixed]  # of the name
    options |= {"global_pool": "token", "img_size": 224}
    return f"vit_{size}{plus}_patch{patch}_dinov3{bias}"


def _beit(shapes: Shapes, prefix: str, size: str, patch: int, options: dict[str, Any]) -> str | None:
    shared = shapes.get("rel_pos_bias.relative_position_bias_table")
    own = shapes.get("blocks.0.attn.relative_position_bias_table")
    table = shared or own
    if table is None:
        return None
    options["img_size"] = patch * ((math.isqrt(table[0] - 3) + 1) // 2)
    options |= {"use_shared_rel_pos_bias": shared is not None, "use_rel_pos_bias": own is not None}
    options |= {"global_pool": "avg" if "fc_norm.weight" in shapes else "token"}
    return f"beit_{size}_patch16_224" if size in ("base", "large") else None


def _dinov2(shapes: Shapes, prefix: str, size: str, patch: int, options: dict[str, Any]) -> str | None:
    if "blocks.0.ls1.gamma" not in shapes:
        return None
    registers = shapes.get("register_tokens", (1, 0, 0))[1]
    options["img_size"] = patch * _grid(shapes, 1)
    for fixed in ("num_heads", "depth"):
        del options[fixed]
    if registers:
        options["reg_tokens"] = registers
    return f"vit_{size}_patch14_reg4_dinov2" if registers else f"vit_{size}_patch14_dinov2"


def _plain(shapes: Shapes, prefix: str, size: str, patch: int, options: dict[str, Any]) -> str | None:
    """DINO, MAE, MoCo v3, iBOT and supervised transformers; I-JEPA's without a class token."""
    if "pos_embed" not in shapes or "blocks.0.norm1.weight" not in shapes or "attn_pool.latent" in shapes:
        return None  # the last pool by attention, as SigLIP does
    token = "cls_token" in shapes
    options["img_size"] = patch * _grid(shapes, int(token))
    ratio = shapes["blocks.0.mlp.fc1.weight"][0] / shapes["blocks.0.norm1.weight"][0]
    options |= {} if ratio == 4 else {"mlp_ratio": ratio}
    if not token:
        options |= {"class_token": False, "global_pool": "avg", "fc_norm": False}
    elif "fc_norm.weight" in shapes:
        options |= {"global_pool": "avg", "fc_norm": True}
    moco = re.search(r"(^|\.)(base|momentum)_encoder\.", prefix)
    if moco and size == "small":
        options["num_heads"] = 12  # MoCo v3's own ViT-S (arXiv:2104.02057, section 4)
    return f"vit_{size}_patch{14 if size in ('huge', 'giant') else 16}_224"


def _convnext(shapes: Shapes, prefix: str, origin: str) -> Recognised | None:
    stem = shapes.get("downsample_layers.0.0.weight") or shapes.get("stem.0.weight")
    depths = _stages(shapes, r"stages\.(\d)\.(?:blocks\.)?(\d+)\.(?:dwconv|conv_dw)\.weight")
    word = None if stem is None else _CONVNEXT.get(depths, {}).get(stem[0])
    if word is None:
        return None
    second = any(".grn." in name for name in shapes)
    prepared = Preprocessing(
        IMAGENET.mean, IMAGENET.std, size=224, channels=3, resize=256, interpolation="bicubic"
    )
    return Recognised(Spec("timm", f"convnext{'v2' if second else ''}_{word}"), prepared)


def _resnet(shapes: Shapes, prefix: str, origin: str) -> Recognised | None:
    """ResNets deeper or wider than this package's own."""
    depths = _stages(shapes, r"layer(\d)\.(\d+)\.conv3\.weight")
    inner = shapes.get("layer1.0.conv1.weight", (0,))[0]
    name = _RESNETS.get(depths) if inner == 64 else _WIDE.get(depths) if inner == 128 else None
    if name is None or shapes.get("layer1.0.conv2.weight", (0, 0))[1] != inner:  # grouped: ResNeXt
        return None
    prepared = Preprocessing(IMAGENET.mean, IMAGENET.std, size=224, channels=3, resize=256)
    return Recognised(Spec("timm", name), prepared)


def _stages(shapes: Shapes, pattern: str) -> tuple[int, ...]:
    seen = {match.groups() for match in (re.fullmatch(pattern, name) for name in shapes) if match}
    stages = sorted({stage for stage, _ in seen})
    return tuple(sum(stage == one for one, _ in seen) for stage in stages)


def _depth(shapes: Shapes) -> int:
    return 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("blocks."))


def _grid(shapes: Shapes, before: int) -> int:
    return math.isqrt(shapes["pos_embed"][1] - before)
