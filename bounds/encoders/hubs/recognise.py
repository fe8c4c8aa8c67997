"""Which of timm's architectures a bare state dict holds, read off its names and shapes, and values where these decide.

Names and shapes show neither heads nor activation, pooling or order of norms. What is taken for granted is what all
published encoders of a layout have in common; where two of them differ and no value tells them apart, the file is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from bounds.data.preprocessing import IMAGENET, Preprocessing
from bounds.encoders.hubs.names import Spec
from bounds.encoders.hubs.positions import kind_of
from bounds.encoders.hubs.weights import prefixes, under
from bounds.encoders.state_dicts import truncated
from bounds.errors import InvalidCheckpoint

Shapes = Mapping[str, tuple[int, ...]]

# Width -> size word of timm's names and attention heads, which the shapes of a transformer do not show.
_WIDTHS = {192: ("tiny", 3), 384: ("small", 6), 768: ("base", 12), 1024: ("large", 16), 1280: ("huge", 16),
           1408: ("giant", 16), 1536: ("giant", 24)}  # fmt: skip
# Widths of which there are encoders with other heads: MoCo v3's, and those of MAE by others, with 12.
_NARROW = (192, 384)
# What stands beside an encoder is no part of it if its name has one of these words, or one that begins so.
_BESIDE = ("aux", "bn", "center", "centre", "cls_pt_layers", "ema", "encoder", "fc", "key", "linear", "lm", "local_cls_norm",
           "logit", "loss", "mask", "masked", "mim", "mlp", "momentum", "online", "queue", "query", "student", "target",
           "teacher", "text")  # fmt: skip
_BESIDE_BEGIN = ("classifier", "decod", "head", "pred", "proj", "prototype", "optim", "sched")
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


@dataclass(frozen=True)
class _Root:
    """The tensors under one prefix of a file."""

    tensors: Mapping[str, Tensor]
    prefix: str
    origin: str

    @cached_property
    def shapes(self) -> Shapes:
        """Shapes by name; blocks in chunks, as training checkpoints of DINOv2 keep them, without their chunks."""
        return {
            re.sub(r"^blocks\.\d+\.(\d+)\.", r"blocks.\1.", name): tuple(value.shape)
            for name, value in self.tensors.items()
        }

    def refused(
        self, what: str, architecture: Mapping[str, Any] | str, when: str = "if it is that"
    ) -> InvalidCheckpoint:
        """An error that says which architecture to give."""
        return InvalidCheckpoint(
            f"{self.origin} {what}: give `architecture={architecture!r}` {when}, or what it is."
        )


def recognise(tensors: Mapping[str, Tensor], origin: str) -> Recognised | None:
    """The architecture that these tensors are of, or None where no published layout is found.

    Of several encoders in a file all must be of one architecture, as teacher and student are.

    Raises:
        InvalidCheckpoint: a layout whose names, shapes and values leave more than one function possible.
    """
    found: list[Recognised] = []
    roots = [_Root(under(tensors, prefix), prefix, origin) for prefix in prefixes(tensors)]
    for root in roots:
        for layout in (_clip, _vit, _convnext, _resnet):
            one = layout(root)
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
    # I-JEPA and MSN evaluate the target encoder (arXiv:2301.08243, 2204.07141), BYOL the online one.
    online = any("online" in root.prefix for root in roots)
    target = next((root.prefix for root in roots if re.search(r"(^|\.)target_encoder\.", root.prefix)), None)
    return found[0] if online or target is None else replace(found[0], prefix=target)


def _clip(root: _Root) -> Recognised | None:
    shapes = root.shapes
    if "visual.conv1.weight" not in shapes and not ("conv1.weight" in shapes and "class_embedding" in shapes):
        return None
    inside = "visual." if "visual.conv1.weight" in shapes else ""
    conv = shapes[f"{inside}conv1.weight"] or (0,)
    embedding = (shapes.get(f"{inside}proj") or (0,))[-1]
    raise InvalidCheckpoint(
        f"{root.origin} is a CLIP image tower (width {conv[0]}, patch {conv[-1]}, embedding {embedding or 'unknown'}), "
        'whose activation its names do not tell: give `architecture="open_clip:ViT-B-32-quickgelu"` (OpenAI\'s weights) or '
        '"open_clip:ViT-B-32" (most others), with the size it has.'
    )


def _alone(root: _Root, parts: tuple[str, ...], spec: Spec) -> None:
    """Refuse tensors that stand beside the parts of an encoder and could be one: registers, a norm before the blocks.

    Also a tower of open_clip, whose output goes through what stands beside it.
    """
    if root.prefix.endswith("visual.trunk."):
        raise root.refused("is the image tower of open_clip's model of two", "open_clip:convnext_base_w")
    unknown = [
        name
        for name in dict.fromkeys(name.partition(".")[0] for name in root.shapes)
        if name not in parts and not _beside(name)
    ]
    unknown += [name for name in root.shapes if name.startswith("head.pre_logits.")]
    if unknown:
        what = f"has {truncated(unknown)} beside the layout it has, which may be a part of the encoder"
        raise root.refused(what, spec.architecture, "if it is none")


def _beside(name: str) -> bool:
    words = (name, *name.split("_"))
    return any(word in _BESIDE or word.startswith(_BESIDE_BEGIN) for word in words)


def _vit(root: _Root) -> Recognised | None:
    shapes = root.shapes
    patches, depth = shapes.get("patch_embed.proj.weight", ()), _depth(shapes)
    if len(patches) != 4 or patches[2] != patches[3] or "blocks.0.attn.qkv.weight" not in shapes:
        return None
    width, channels, patch, _ = patches
    if width not in _WIDTHS or not depth:
        return None
    size, heads = _WIDTHS[width]
    options: dict[str, Any] = {"num_heads": heads, "depth": depth, "patch_size": patch}
    options |= {} if channels == 3 else {"in_chans": channels}
    rules = ((rule(root, size, patch, options), own) for rule, own in _RULES.items())
    name, own = next((found for found in rules if found[0] is not None), (None, ()))
    if name is None:
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
    spec = Spec("timm", name, options)
    norms = ("norm", "fc_norm")
    if all(f"{norm}.weight" in shapes for norm in norms):
        raise root.refused("has two last norms, `norm` and `fc_norm`", spec.architecture)
    parts = ("cls_token", "pos_embed", "patch_embed", "blocks", *norms)
    _alone(root, (*parts, *own), spec)
    return Recognised(spec, prepared)


def _dinov3(root: _Root, size: str, patch: int, options: dict[str, Any]) -> str | None:
    shapes = root.shapes
    if "storage_tokens" not in shapes:
        return None
    bias = "_qkvb" if "blocks.0.attn.qkv.bias" in shapes else ""
    plus = "_plus" if "blocks.0.mlp.w1.weight" in shapes else ""
    for fixed in ("num_heads", "depth", "patch_size"):
        del options[fixed]  # of the name
    options |= {"global_pool": "token", "img_size": 224}
    name = f"vit_{size}{plus}_patch{patch}_dinov3{bias}"
    periods = root.tensors.get("rope_embed.periods")
    if periods is not None:
        usual = 100.0 ** (torch.arange(16) / 16)  # of heads of 64
        if periods.shape != usual.shape or not torch.allclose(periods.float(), usual, rtol=0.02):
            raise root.refused(
                "has another rotary embedding than DINOv3's", {"name": f"timm:{name}", **options}
            )
    return name


def _beit(root: _Root, size: str, patch: int, options: dict[str, Any]) -> str | None:
    shapes = root.shapes
    shared = shapes.get("rel_pos_bias.relative_position_bias_table")
    own = shapes.get("blocks.0.attn.relative_position_bias_table")
    table = shared or own or (0,)
    side = math.isqrt(max(table[0] - 3, 0))  # 2s - 1 distances along each side, and three of the class token
    if side % 2 == 0 or side**2 != table[0] - 3 or size not in ("base", "large"):
        return None
    options["img_size"] = patch * (side + 1) // 2
    options |= {"use_shared_rel_pos_bias": shared is not None, "use_rel_pos_bias": own is not None}
    options |= {"use_abs_pos_emb": True} if "pos_embed" in shapes else {}
    options |= {"global_pool": "avg" if "fc_norm.weight" in shapes else "token"}
    return f"beit_{size}_patch16_224"


def _dinov2(root: _Root, size: str, patch: int, options: dict[str, Any]) -> str | None:
    """DINOv2 and what keeps its layer scale."""
    shapes = root.shapes
    grid = _grid(shapes, 1)
    if "blocks.0.ls1.gamma" not in shapes or "cls_token" not in shapes or not grid:
        return None  # DeiT III embeds no position of the class token
    registers = math.prod(shapes.get("register_tokens", (0, 0))[:-1])
    options["img_size"] = patch * grid
    for fixed in ("num_heads", "depth"):
        del options[fixed]
    if "fc_norm.weight" in shapes:
        options |= {"global_pool": "avg", "fc_norm": True}
    if registers:
        options["reg_tokens"] = registers
    return f"vit_{size}_patch14_reg4_dinov2" if registers else f"vit_{size}_patch14_dinov2"


def _plain(root: _Root, size: str, patch: int, options: dict[str, Any]) -> str | None:
    """DINO, MAE, MoCo v3, iBOT and supervised transformers; I-JEPA's without a class token."""
    shapes = root.shapes
    token = "cls_token" in shapes
    grid, inner = _grid(shapes, int(token)), shapes.get("blocks.0.mlp.fc1.weight")
    if not grid or not inner or "blocks.0.norm1.weight" not in shapes or "blocks.0.ls1.gamma" in shapes:
        return None
    options["img_size"] = patch * grid
    width = shapes["pos_embed"][2]
    ratio = inner[0] / width if int(width * (inner[0] / width)) == inner[0] else (inner[0] + 0.5) / width
    options |= {} if ratio == 4 else {"mlp_ratio": ratio}  # timm multiplies and cuts
    if not token:
        options |= {"class_token": False, "global_pool": "avg", "fc_norm": False}
    elif "fc_norm.weight" in shapes:
        options |= {"global_pool": "avg", "fc_norm": True}
    name = f"vit_{size}_patch{14 if size in ('huge', 'giant') else 16}_224"
    kind = kind_of(root.tensors["pos_embed"], int(token))
    if not token and kind == "learned":  # SigLIP's without its pooling have another activation
        what = "is a transformer without class token that learned its positions, which I-JEPA's did not"
        raise root.refused(what, {"name": f"timm:{name}", **options})
    # SLIP's and its SimCLR's ViT-S has MoCo v3's heads and learns its positions (arXiv:2112.12750).
    of_twelve = re.search(r"(^|\.)((base|momentum)_encoder|visual)\.", root.prefix) is not None
    if width in _NARROW and kind == "moco v3":
        options["num_heads"] = 12  # arXiv:2104.02057, section 4; solo-learn's ViT-Ti likewise
    elif width in _NARROW and (kind != "learned" or of_twelve or not token):
        heads = options["num_heads"]
        what = f"is a transformer of width {width} with {heads} heads or 12, which nothing in it tells"
        raise root.refused(what, {"name": f"timm:{name}", **options})
    return name


# In this order; and the tensors at the root that only this one has.
_RULES = {
    _dinov3: ("storage_tokens", "rope_embed"),
    _beit: ("rel_pos_bias",),
    _dinov2: ("register_tokens",),
    _plain: (),
}


def _convnext(root: _Root) -> Recognised | None:
    shapes = root.shapes
    stem = shapes.get("downsample_layers.0.0.weight") or shapes.get("stem.0.weight")
    depths = _stages(shapes, r"stages\.(\d)\.(?:blocks\.)?(\d+)\.(?:dwconv|conv_dw)\.weight")
    word = _CONVNEXT.get(depths, {}).get(stem[0]) if stem else None
    if word is None:
        return None
    second = any(".grn." in name for name in shapes)
    prepared = Preprocessing(
        IMAGENET.mean, IMAGENET.std, size=224, channels=3, resize=256, interpolation="bicubic"
    )
    spec = Spec("timm", f"convnext{'v2' if second else ''}_{word}")
    _alone(root, ("downsample_layers", "stem", "stages", "norm"), spec)
    return Recognised(spec, prepared)


def _resnet(root: _Root) -> Recognised | None:
    """ResNets deeper or wider than this package's own."""
    shapes = root.shapes
    depths = _stages(shapes, r"layer(\d)\.(\d+)\.conv3\.weight")
    inner = (shapes.get("layer1.0.conv1.weight") or (0,))[0]
    name = _RESNETS.get(depths) if inner == 64 else _WIDE.get(depths) if inner == 128 else None
    if name is None or shapes.get("layer1.0.conv2.weight", ())[1:2] != (inner,):  # grouped: ResNeXt
        return None
    prepared = Preprocessing(IMAGENET.mean, IMAGENET.std, size=224, channels=3, resize=256)
    spec = Spec("timm", name)
    _alone(root, ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"), spec)
    return Recognised(spec, prepared)


def _stages(shapes: Shapes, pattern: str) -> tuple[int, ...]:
    seen = {match.groups() for match in (re.fullmatch(pattern, name) for name in shapes) if match}
    stages = sorted({stage for stage, _ in seen})
    return tuple(sum(stage == one for one, _ in seen) for stage in stages)


def _depth(shapes: Shapes) -> int:
    """Blocks, numbered from 0."""
    numbers = [re.match(r"blocks\.(\d+)\.", name) for name in shapes]
    return 1 + max((int(one[1]) for one in numbers if one), default=-1)


def _grid(shapes: Shapes, before: int) -> int:
    """Side of the square of patches whose positions are embedded behind those of `before` tokens, 0 where it is none."""
    width = shapes["patch_embed.proj.weight"][0]
    found = shapes.get("pos_embed", ())
    side = math.isqrt(max(found[1] - before, 0)) if len(found) == 3 else 0
    return side if found == (1, before + side**2, width) else 0
