"""Checkpoints in the layouts of their publishers give the outputs of transformers, open_clip, torchvision and timm."""

from __future__ import annotations

import re
from itertools import chain, combinations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bounds.data.preprocessing import Preprocessing
from bounds.encoders.checkpoints import load_encoder
from bounds.encoders.hubs.weights import prefixes
from bounds.encoders.state_dicts import flatten
from bounds.errors import InvalidCheckpoint, InvalidOption
from tests.encoders.hubs.layouts import (
    convnext,
    mae_positions,
    moco_v3_positions,
    prefixed,
    randomised,
    renamed,
    spare,
    vit,
)

pytestmark = pytest.mark.hubs

SMALL = {"hidden_size": 384, "num_hidden_layers": 4, "num_attention_heads": 6, "intermediate_size": 1536}
BASE = {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}
PLAIN = Preprocessing(channels=3)  # pixels as they are: the network alone is compared


def small_vit(transformers, **other):
    """ViT-S at 32 pixels: 4 or 16 patches."""
    settings = {
        **SMALL,
        "image_size": 32,
        "patch_size": 16,
        "layer_norm_eps": 1e-6,
        "qkv_bias": True,
        **other,
    }
    return randomised(transformers.ViTModel(transformers.ViTConfig(**settings), add_pooling_layer=False))


def positioned(network, table):
    """With these position embeddings."""
    with torch.no_grad():
        network.embeddings.position_embeddings.copy_(table)
    return network


def cls(network):
    return lambda x: network(pixel_values=x).last_hidden_state[:, 0]


def dino_backbone(t):
    network = small_vit(t)
    return vit(network), cls(network), {}


def dino_training(t):
    """Student and teacher, of which the teacher is evaluated."""
    network, other = small_vit(t), small_vit(t)
    teacher = prefixed(vit(network), "module.backbone.") | {"module.head.mlp.0.weight": torch.ones(8, 384)}
    student = prefixed(vit(randomised(other, 1)), "module.backbone.")
    return {"student": student, "teacher": teacher, "epoch": 3}, cls(network), {}


def dino_patch8(t):
    network = small_vit(t, patch_size=8)
    return prefixed(vit(network), "module."), cls(network), {}


def mae(t):
    """The whole autoencoder, whose decoder is left out."""
    network = positioned(small_vit(t, **BASE), mae_positions(2, 768))
    state = spare(vit(network), mask_token=(1, 1, 512), decoder_embed__weight=(512, 768), decoder_pos_embed=(1, 5, 512),
                  decoder_blocks__0__norm1__weight=(512,))  # fmt: skip
    return {"model": state}, cls(network), {}


def moco_v3(t):
    """ViT-S with twelve heads, and positions that are computed; base and momentum encoder."""
    network, other = (
        positioned(randomised(small_vit(t, num_attention_heads=12), seed), moco_v3_positions(2, 384))
        for seed in (0, 1)
    )
    state = spare(
        prefixed(vit(network), "module.base_encoder."), module__base_encoder__head__0__weight=(8, 384)
    )
    state |= prefixed(vit(other), "module.momentum_encoder.")
    return {"state_dict": state, "arch": "vit_small"}, cls(network), {}


def ijepa(t):
    """Context and target encoder, of which the target encoder is evaluated; no class token."""
    settings = {
        "num_hidden_layers": 4,
        "image_size": 32,
        "patch_size": 16,
        "layer_norm_eps": 1e-6,
        "qkv_bias": True,
    }

    def make(seed):
        made = randomised(t.IJepaModel(t.IJepaConfig(**settings, **BASE), add_pooling_layer=False), seed)
        return positioned(made, mae_positions(2, 768, token=False))

    network = make(0)
    state = {
        "encoder": prefixed(vit(make(1)), "module."),
        "predictor": {"module.predictor_embed.weight": torch.ones(8, 768)},
        "target_encoder": prefixed(vit(network), "module."),
    }
    return state, lambda x: network(pixel_values=x).last_hidden_state.mean(1), {}


def dinov2(t):
    settings = {**SMALL, "image_size": 56, "patch_size": 14, "num_hidden_layers": 12, "mlp_ratio": 4}
    network = randomised(t.Dinov2Model(t.Dinov2Config(**settings)))
    return vit(network), lambda x: network(pixel_values=x).pooler_output, {}


def dinov2_chunks(t):
    """A training checkpoint: teacher under its name, blocks in chunks of four."""
    state, expected, _ = dinov2(t)
    chunked = {
        ".".join(["blocks", str(int(parts[1]) // 3), *parts[1:]]) if parts[0] == "blocks" else name: value
        for name, value in state.items()
        for parts in [name.split(".")]
    }
    return {"teacher": prefixed(chunked, "backbone.")}, expected, {}


def dinov2_registers(t):
    settings = {
        **SMALL,
        "image_size": 56,
        "patch_size": 14,
        "num_hidden_layers": 12,
        "mlp_ratio": 4,
        "num_register_tokens": 4,
    }
    network = randomised(t.Dinov2WithRegistersModel(t.Dinov2WithRegistersConfig(**settings)))
    return vit(network), lambda x: network(pixel_values=x).pooler_output, {}


def dinov3(t):
    settings = {
        **SMALL,
        "image_size": 224,
        "patch_size": 16,
        "num_hidden_layers": 12,
        "num_register_tokens": 4,
    }
    network = randomised(t.DINOv3ViTModel(t.DINOv3ViTConfig(**settings)))
    state = vit(network)
    state["storage_tokens"] = state.pop("register_tokens")
    state |= {f"blocks.{i}.attn.qkv.bias_mask": torch.ones(1152) for i in range(12)}
    state["rope_embed.periods"] = 100 ** (2 * torch.arange(16) / 32)
    return state, lambda x: network(pixel_values=x).pooler_output, {}


def beit(t):
    settings = {"image_size": 32, "patch_size": 16, "num_hidden_layers": 3, "layer_norm_eps": 1e-6,
                "use_mean_pooling": False, "use_shared_relative_position_bias": True, "use_mask_token": True}  # fmt: skip
    network = randomised(t.BeitModel(t.BeitConfig(**settings), add_pooling_layer=False))
    state = spare(vit(network, "beit"), lm_head__weight=(8, 768), lm_head__bias=(8,))
    return {"model": {k: v for k, v in state.items() if "index" not in k}}, cls(network), {}


def convnext_tiny(t):
    network = randomised(t.ConvNextModel(t.ConvNextConfig()))
    state = spare(convnext(network), head__weight=(10, 768), head__bias=(10,))
    return {"model": state}, lambda x: network(pixel_values=x).pooler_output, {}


def clip_openai(t):
    """OpenAI's names of both towers; the activation must be said."""
    import open_clip

    whole = randomised(open_clip.create_model("ViT-S-32-alt", load_weights=False, force_quick_gelu=True))
    state = {name.removeprefix("text."): value for name, value in whole.state_dict().items()}
    return (
        state,
        whole.encode_image,
        {"architecture": {"name": "open_clip:ViT-S-32-alt", "force_quick_gelu": True}},
    )


def clip_module(t):
    """open_clip's own training checkpoint."""
    import open_clip

    whole = randomised(open_clip.create_model("ViT-S-32-alt", load_weights=False))
    state = {"state_dict": prefixed(whole.state_dict(), "module."), "epoch": 1, "name": "run"}
    return state, whole.encode_image, {"architecture": "open_clip:ViT-S-32-alt"}


def resnet(name, prefix):
    def make(t):
        import torchvision

        network = randomised(torchvision.models.get_model(name))
        network.fc = nn.Identity()
        return prefix(network.state_dict()), network, {}

    return make


def moco_v2(state):
    other = {name: value + 0.1 for name, value in state.items() if value.is_floating_point()}
    both = prefixed(state, "module.encoder_q.") | prefixed(other, "module.encoder_k.")
    return {"state_dict": spare(both, module__encoder_q__fc__0__weight=(8, 8), module__queue=(8, 8))}


def swav(state):
    return spare(
        prefixed(state, "module."),
        module__projection_head__0__weight=(8, 8),
        module__prototypes__weight=(8, 8),
    )


def vicreg(state):
    return {"model": spare(prefixed(state, "module.backbone."), module__projector__0__weight=(8, 8))}


def timm_supervised(t):
    """A timm checkpoint of a network that only its name tells."""
    import timm

    network = randomised(timm.create_model("swin_tiny_patch4_window7_224", num_classes=0, img_size=56))
    options = {"name": "timm:swin_tiny_patch4_window7_224", "img_size": 56}
    return {"state_dict": network.state_dict()}, network, {"architecture": options}


LAYOUTS = {
    "DINO backbone": (dino_backbone, 32),
    "DINO training": (dino_training, 32),
    "DINO patch 8": (dino_patch8, 32),
    "MAE": (mae, 32),
    "MoCo v3": (moco_v3, 32),
    "I-JEPA": (ijepa, 32),
    "DINOv2": (dinov2, 56),
    "DINOv2 training": (dinov2_chunks, 56),
    "DINOv2 registers": (dinov2_registers, 56),
    "DINOv3": (dinov3, 224),
    "BEiT": (beit, 32),
    "ConvNeXt": (convnext_tiny, 64),
    "CLIP OpenAI": (clip_openai, 224),
    "CLIP open_clip": (clip_module, 224),
    "MoCo v2": (resnet("resnet50", moco_v2), 64),
    "SwAV": (resnet("resnet50", swav), 64),
    "VICReg wide": (resnet("wide_resnet50_2", vicreg), 64),
    "torchvision": (resnet("resnet101", dict), 64),
    "timm": (timm_supervised, 56),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_gives_the_librarys_outputs(name, tmp_path):
    import transformers

    make, side = LAYOUTS[name]
    state, expected, options = make(transformers)
    path = tmp_path / "checkpoint.pth"
    torch.save(state, path)
    del state
    encoder = load_encoder(path, preprocessing=PLAIN, **options)
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        wanted = expected(images)
        found = encoder(images)
    assert found.shape == wanted.shape
    gap = (found - wanted).norm(dim=1) / wanted.norm(dim=1)
    assert gap.max() < 1e-5, gap
    assert (found[0] - found[1]).norm() > 1e-3 * found[0].norm()  # the images make a difference


TOLD = [name for name in LAYOUTS if "CLIP" not in name and name not in ("timm", "VICReg wide", "torchvision")]


@pytest.mark.parametrize("name", TOLD)
def test_without_some_of_its_prefixes_a_layout_gives_the_same_outputs_or_is_refused(name, tmp_path):
    """Any of the words before the names may be gone, as scripts that save an encoder drop them."""
    import transformers

    make, side = LAYOUTS[name]
    state, expected, _ = make(transformers)
    tensors = {key: value.contiguous() for key, value in flatten(state).items()}
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        wanted = expected(images)
    save_file(tensors, tmp_path / "whole.safetensors")
    prefix = load_encoder(tmp_path / "whole.safetensors", preprocessing=PLAIN).provenance["prefix"]
    alone = {
        key: value for key, value in tensors.items() if f"{key}.".startswith(f"{prefix}." if prefix else "")
    }
    outer = {
        re.split(r"(?:^|\.)layer\d\.", root)[0] for root in prefixes(tensors)
    }  # ResNets have conv1 in each block
    words = sorted({word for root in outer for word in root.split(".")} - {""})
    for gone in chain.from_iterable(combinations(words, n) for n in range(len(words) + 1)):
        for kept in (tensors, alone):
            file = {without(key, words, gone): value for key, value in kept.items()}
            if len(file) < len(kept):
                continue  # two encoders under one name
            save_file(file, tmp_path / "some.safetensors")
            try:
                encoder = load_encoder(tmp_path / "some.safetensors", preprocessing=PLAIN)
            except InvalidCheckpoint as err:
                refusals = {str(err)}
            else:
                refusals = set()
                with torch.inference_mode():
                    gap = (encoder(images) - wanted).norm(dim=1) / wanted.norm(dim=1)
                assert gap.max() < 1e-5, (gone, kept is alone, gap)
            assert not refusals or (kept is tensors and "holds several encoders" in refusals.pop()), gone


def without(name, words, gone):
    """A tensor's name without some of the words that it begins with."""
    parts = name.split(".")
    first = next(i for i, part in enumerate(parts) if part not in words)
    return ".".join([part for part in parts[:first] if part not in gone] + parts[first:])


@pytest.mark.parametrize("heads", [6, 12])
@pytest.mark.parametrize("kind", ["moco v3", "mae", "learned"])
def test_a_transformer_of_width_384_is_never_read_with_other_heads(kind, heads, tmp_path):
    """Names and shapes are those of DINO's ViT-S; only the positions tell."""
    import transformers

    network = small_vit(transformers, num_attention_heads=heads)
    if kind != "learned":
        positioned(network, moco_v3_positions(2, 384) if kind == "moco v3" else mae_positions(2, 384))
    torch.save(vit(network), tmp_path / "a.pth")
    if kind == "mae":
        with pytest.raises(InvalidCheckpoint, match=r"6 heads or 12.*timm:vit_small_patch16_224"):
            load_encoder(tmp_path / "a.pth")
        options = {"name": "timm:vit_small_patch16_224", "num_heads": heads, "depth": 4, "img_size": 32}
        encoder = load_encoder(tmp_path / "a.pth", architecture=options, preprocessing=PLAIN)
    else:
        encoder = load_encoder(tmp_path / "a.pth", preprocessing=PLAIN)
        published = {"moco v3": 12, "learned": 6}[kind]
        assert encoder.provenance["architecture"]["num_heads"] == published
        if heads != published:
            return  # such an encoder is nobody's
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        assert torch.allclose(encoder(images), cls(network)(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (
            "beit_base_patch16_224",
            {"img_size": 32, "depth": 2, "use_abs_pos_emb": True, "global_pool": "token"},
        ),
        ("beit_base_patch16_224", {"img_size": 32, "depth": 2}),
        ("vit_small_patch14_dinov2", {"img_size": 28, "global_pool": "avg", "fc_norm": True}),
        ("vit_small_patch14_dinov2", {"img_size": 32, "patch_size": 16}),
        ("vit_base_patch16_224", {"img_size": 32, "depth": 2, "global_pool": "avg"}),
    ],
)
def test_what_a_layout_leaves_open_is_read_as_it_is(name, options, tmp_path):
    import timm

    network = randomised(timm.create_model(name, num_classes=0, **options))
    torch.save(network.state_dict(), tmp_path / "a.pth")
    encoder = load_encoder(tmp_path / "a.pth", preprocessing=PLAIN)
    images = torch.rand(2, 3, options["img_size"], options["img_size"])
    with torch.inference_mode():
        assert torch.allclose(encoder(images), network(images), atol=1e-5)


def test_assumed_preprocessing_is_shown(tmp_path):
    import transformers

    state, _, _ = dino_backbone(transformers)
    save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "dino.safetensors")
    encoder = load_encoder(tmp_path / "dino.safetensors")
    assert encoder.preprocessing.size == 32
    assert "(assumed)" in encoder.describe()
    assert "vit_small_patch16_224" in encoder.describe()


@pytest.fixture
def dino(tmp_path):
    import transformers

    state, _, _ = dino_backbone(transformers)
    return state, tmp_path / "dino.pth"


def test_missing_weights_are_listed_and_never_random(dino):
    state, path = dino
    del state["blocks.3.attn.proj.weight"], state["norm.bias"]
    torch.save(state, path)
    with pytest.raises(InvalidCheckpoint, match=r"2 missing \(blocks\.3\.attn\.proj\.weight, norm\.bias\)"):
        load_encoder(path)


def test_weights_inside_that_have_no_place_are_listed(dino):
    state, path = dino
    state["blocks.3.attn.q_norm.weight"] = torch.ones(64)
    torch.save(state, path)
    with pytest.raises(InvalidCheckpoint, match=r"1 not part of this network \(blocks\.3\.attn\.q_norm"):
        load_encoder(path)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("vit_base_patch16_siglip_224", {"img_size": 32, "depth": 2}, "learned its positions"),
        ("vit_large_patch16_siglip_gap_512", {"img_size": 32, "depth": 2}, "learned its positions"),
        ("vit_base_patch16_reg4_gap_256", {"img_size": 32, "depth": 2}, "learned its positions"),
        ("vit_base_patch16_clip_quickgelu_224", {"img_size": 32, "depth": 2}, "has norm_pre beside"),
        ("vit_pe_spatial_tiny_patch16_512", {"img_size": 32, "depth": 2}, "has norm_pre beside"),
        ("convnext_tiny_hnf", {}, "has norm_pre beside"),
        ("convnext_tiny", {"head_hidden_size": 8}, r"has head\.pre_logits\.fc"),
        ("deit3_small_patch16_224", {"img_size": 32}, "no published layout"),
        ("flexivit_small", {"img_size": 32, "depth": 2}, "no published layout"),
        ("aimv2_large_patch14_224", {"img_size": 28, "depth": 2}, "no published layout"),
        ("vit_relpos_small_patch16_224", {"img_size": 32, "depth": 2}, "no published layout"),
        ("samvit_base_patch16", {"img_size": 32, "depth": 2}, "no published layout"),
        ("deit_small_distilled_patch16_224", {"img_size": 32, "depth": 2}, "no published layout"),
        ("vit_small_patch16_224", {"img_size": 32, "depth": 2, "reg_tokens": 4}, "no published layout"),
        ("vit_small_patch16_224", {"img_size": (32, 64), "depth": 2}, "no published layout"),
        ("vit_small_patch16_224", {"img_size": 32, "depth": 2, "qk_norm": True}, r"k_norm\.bias"),
        ("swin_tiny_patch4_window7_224", {}, "no published layout"),
        ("resnext50_32x4d", {}, "does not fit ResNet-50"),
        ("resnet50d", {}, r"17 missing \(conv1\.weight"),
        ("seresnet101", {}, r"132 not part of this network \(layer1\.0\.se"),
    ],
)
def test_what_only_resembles_a_published_layout_is_refused(name, options, said, tmp_path):
    import timm

    torch.save(timm.create_model(name, num_classes=0, **options).state_dict(), tmp_path / "a.pth")
    with pytest.raises(InvalidCheckpoint, match=said):
        load_encoder(tmp_path / "a.pth")


def test_several_encoders_are_asked_about(tmp_path):
    import timm

    small, tiny = (
        timm.create_model(f"vit_{size}_patch16_224", num_classes=0, img_size=32, depth=2).state_dict()
        for size in ("small", "tiny")
    )
    torch.save({"a": small, "b": tiny}, tmp_path / "a.pth")
    with pytest.raises(InvalidCheckpoint, match="vit_small_patch16_224, timm:vit_tiny_patch16_224"):
        load_encoder(tmp_path / "a.pth")
    torch.save({"a": small, "b": dict(small)}, tmp_path / "b.pth")
    with pytest.raises(InvalidCheckpoint, match="`a`, `b`; choose one with `prefix`"):
        load_encoder(tmp_path / "b.pth")
    assert load_encoder(tmp_path / "b.pth", prefix="b").provenance["prefix"] == "b"


def test_nan_and_wrong_shapes_are_listed(dino):
    state, path = dino
    state["norm.bias"][0] = float("nan")
    state["blocks.2.mlp.fc1.bias"] = torch.ones(7)
    torch.save(state, path)
    with pytest.raises(InvalidCheckpoint, match=r"wrong shape \(blocks\.2.*1 NaN or infinite \(norm\.bias\)"):
        load_encoder(path)


def test_clip_without_its_activation_is_asked_for(tmp_path):
    state, _, _ = clip_openai(None)
    torch.save(state, tmp_path / "clip.pt")
    with pytest.raises(InvalidCheckpoint, match="quickgelu"):
        load_encoder(tmp_path / "clip.pt")


def test_another_architecture_than_the_files_is_refused(dino):
    state, path = dino
    torch.save(state, path)
    with pytest.raises(InvalidCheckpoint, match="does not fit the architecture"):
        load_encoder(path, architecture="timm:vit_base_patch16_224")
    with pytest.raises(InvalidOption, match="vit_small_patch16_224"):
        load_encoder(path, architecture="timm:vit_smal_patch16_224")


def test_rules_rename_every_tensor():
    """The test's own renaming leaves no name of transformers behind."""
    import transformers

    state, _, _ = beit(transformers)
    assert not [name for name in state["model"] if "attention" in name or "layernorm" in name]
    assert renamed({"a.b": torch.ones(1)}, {r"^a\.": "c."}).keys() == {"c.b"}
