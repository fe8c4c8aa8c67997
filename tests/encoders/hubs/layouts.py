"""State dicts in the layouts of their publishers, from other libraries' models with seeded random weights.

Names, prefixes and what lies beside the encoder follow the public code of DINO, DINOv2, DINOv3, MAE, MoCo v2 and v3,
I-JEPA, BEiT, ConvNeXt, SwAV, Barlow Twins, CLIP and torchvision.
"""

from __future__ import annotations

import re
from functools import cache

import torch
from torch import Tensor, nn

State = dict[str, Tensor]

_VIT = {
    r"^embeddings\.cls_token": "cls_token",
    r"^embeddings\.mask_token": "mask_token",
    r"^embeddings\.register_tokens": "register_tokens",
    r"^embeddings\.position_embeddings": "pos_embed",
    r"^embeddings\.patch_embeddings\.(projection\.)?": "patch_embed.proj.",
    r"^(encoder\.layer|model\.layer|layers)\.(\d+)\.": r"blocks.\2.",
    r"\.attention\.o_proj\.": ".attn.proj.",
    r"\.attention\.(.)_proj\.": r".attn.\1.",
    r"\.layernorm_before\.": ".norm1.",
    r"\.layernorm_after\.": ".norm2.",
    r"\.mlp\.up_proj\.": ".mlp.fc1.",
    r"\.mlp\.down_proj\.": ".mlp.fc2.",
    r"\.layer_scale(\d)\.lambda1": r".ls\1.gamma",
    r"\.lambda_(\d)": r".gamma_\1",
    r"^shared_position_bias\.": "rel_pos_bias.",
    r"^layernorm\.": "norm.",
    r"^pooler\.layernorm\.": "norm.",
}


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every weight at random, also those that begin at zero or one: a lost one would not be seen."""
    generator = torch.Generator().manual_seed(seed)
    kept = network.state_dict()  # not the tables a network computes for itself
    with torch.no_grad():
        for name, weight in [*network.named_parameters(), *network.named_buffers()]:
            if not weight.is_floating_point() or name not in kept:
                continue
            inputs = weight[0].numel() if weight.ndim else 1
            noise = torch.randn(weight.shape, generator=generator) * 0.5 / max(inputs, 4) ** 0.5
            if name.endswith("running_var"):
                weight.copy_(1 + noise.abs())
            elif (
                isinstance(network.get_submodule(name.rpartition(".")[0]), nn.BatchNorm2d)
                and "weight" in name
            ):
                weight.copy_(1 + noise)
            else:
                weight.add_(noise)
    return network.eval()


def renamed(state: State, rules: dict[str, str]) -> State:
    found = {}
    for name, value in state.items():
        for pattern, new in rules.items():
            name = re.sub(pattern, new, name)
        found[name] = value
    return found


def vit(network: nn.Module, bias: str = "qkv.bias") -> State:
    """transformers' names to those of DINO's `vision_transformer.py`, which all its descendants keep."""
    named = renamed(network.state_dict(), _VIT)
    state = {name: value for name, value in named.items() if ".attn." not in name or ".attn.proj." in name}
    for index in {name.split(".")[1] for name in named if name.startswith("blocks.")}:
        at = f"blocks.{index}.attn"
        weights = [named[f"{at}.{one}.weight"] for one in "qkv"]
        state[f"{at}.qkv.weight"] = torch.cat(weights)
        biases = [named.get(f"{at}.{one}.bias", torch.zeros(len(weights[0]))) for one in "qkv"]
        if bias == "qkv.bias":
            state[f"{at}.qkv.bias"] = torch.cat(biases)
        else:  # BEiT: keys have none
            state[f"{at}.q_bias"], state[f"{at}.v_bias"] = biases[0], biases[2]
    return state


def prefixed(state: State, prefix: str) -> State:
    return {prefix + name: value for name, value in state.items()}


def spare(state: State, **shapes: tuple[int, ...]) -> State:
    """With tensors beside the encoder: heads, decoders, projectors."""
    return state | {name.replace("__", "."): torch.ones(shape) for name, shape in shapes.items()}


def convnext(network: nn.Module) -> State:
    return renamed(
        network.state_dict(),
        {
            r"^embeddings\.patch_embeddings\.": "downsample_layers.0.0.",
            r"^embeddings\.layernorm\.": "downsample_layers.0.1.",
            r"^encoder\.stages\.(\d)\.downsampling_layer\.(\d)\.": r"downsample_layers.\1.\2.",
            r"^encoder\.stages\.(\d)\.layers\.(\d+)\.": r"stages.\1.\2.",
            r"\.layernorm\.": ".norm.",
            r"\.layer_scale_parameter": ".gamma",
            r"^layernorm\.": "norm.",
        },
    )


@cache
def moco_v3_positions(side: int, dim: int, temperature: float = 10000.0) -> Tensor:
    """sin and cos of the row's angles, then of the column's, patch by patch; nothing at the class token."""
    table = torch.zeros(1, 1 + side * side, dim)
    omega = temperature ** (-4 * torch.arange(dim // 4) / dim)
    for row in range(side):
        for column in range(side):
            waves = (wave(place * omega) for place in (row, column) for wave in (torch.sin, torch.cos))
            table[0, 1 + row * side + column] = torch.cat(list(waves))
    return table


def mae_positions(side: int, dim: int, token: bool = True) -> Tensor:
    """MAE's and I-JEPA's: the column's angles come first."""
    found = moco_v3_positions(side, dim)
    table = torch.cat([found[:, :, dim // 2 :], found[:, :, : dim // 2]], dim=2)
    return table if token else table[:, 1:]
