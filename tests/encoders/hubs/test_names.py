"""Models of other libraries by name, folder and file: their own outputs, preprocessing, and what is said offline."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import bounds
from bounds.data.preprocessing import Preprocessing
from bounds.encoders.checkpoints import load_encoder
from bounds.encoders.hubs.of_transformers import from_processor
from bounds.errors import InvalidCheckpoint, InvalidOption
from tests.encoders.hubs.layouts import randomised

pytestmark = pytest.mark.hubs

TINY = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
IMAGES = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(2))


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No network, an empty cache."""
    import huggingface_hub.constants as hub

    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def prepared(encoder, images=IMAGES):
    """What the network inside gets."""
    return encoder.preprocessing(images)


@pytest.mark.parametrize("pool", [None, "cls", "mean"])
def test_timm_random_by_explicit_wish(pool):
    spec = {"name": "timm:vit_tiny_patch16_224", "img_size": 32}
    encoder = load_encoder("random:3", architecture=spec, pool=pool)
    again = load_encoder("random:3", architecture=spec, pool=pool)
    other = load_encoder("random:4", architecture=spec, pool=pool)
    with torch.inference_mode():
        z = encoder(IMAGES)
        assert torch.equal(z, again(IMAGES))
        assert not torch.allclose(z, other(IMAGES), rtol=0.1)
        network = encoder.network.network
        tokens = network.forward_features(prepared(encoder))
        wanted = {None: network(prepared(encoder)), "cls": tokens[:, 0], "mean": tokens[:, 1:].mean(1)}[pool]
    assert torch.allclose(z, wanted, atol=1e-6)
    assert "random" in encoder.describe()
    assert "timm 1." in encoder.describe()


def test_timm_layer_of_a_channels_last_network():
    encoder = load_encoder(
        "random", architecture={"name": "timm:swin_tiny_patch4_window7_224", "img_size": 32}, pool="mean"
    )
    with torch.inference_mode():
        maps = encoder.network.network.forward_features(prepared(encoder))
        assert torch.allclose(encoder(IMAGES), maps.mean((1, 2)), atol=1e-6)
        assert maps.shape[-1] == encoder.dim


def test_timm_preprocessing_is_the_librarys(tmp_path):
    import timm

    encoder = load_encoder("random", architecture={"name": "timm:resnet18", "num_classes": 0})
    config = timm.data.resolve_model_data_config(encoder.network.network)
    transform = timm.data.create_transform(**config, is_training=False)
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(0, 256, (12, 15, 3)), np.ones((25, 25, 1))).astype(np.uint8)
    image = Image.fromarray(smooth)
    ours = encoder.preprocessing(torch.from_numpy(smooth).permute(2, 0, 1)[None])[0]
    theirs = transform(image)
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().mean() < 0.01  # Pillow rounds to 8 bits


def test_timm_folder(tmp_path):
    import timm

    network = randomised(timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=7))
    timm.models.save_for_hf(network, tmp_path / "model", model_args={"img_size": 32})
    encoder = load_encoder(tmp_path / "model")
    with torch.inference_mode():
        wanted = network.forward_head(network.forward_features(prepared(encoder)), pre_logits=True)
        assert torch.allclose(encoder(IMAGES), wanted, atol=1e-5)
    assert encoder.ignored == ("head.bias", "head.weight")


@pytest.mark.parametrize("kind", ["dinov2", "vit", "vit_mae", "convnext", "clip", "ijepa"])
def test_transformers_folder(kind, tmp_path):
    import transformers as t

    sizes = {"image_size": 32, "patch_size": 8}
    made = {
        "dinov2": lambda: t.Dinov2Model(t.Dinov2Config(**TINY, **sizes)),
        "vit": lambda: t.ViTModel(t.ViTConfig(**TINY, **sizes)),
        "vit_mae": lambda: t.ViTMAEModel(t.ViTMAEConfig(**TINY, **sizes)),
        "convnext": lambda: t.ConvNextModel(
            t.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1])
        ),
        "ijepa": lambda: t.IJepaModel(t.IJepaConfig(**TINY, **sizes)),
        "clip": lambda: t.CLIPModel(
            t.CLIPConfig(
                vision_config={**TINY, **sizes},
                text_config={
                    **TINY,
                    "vocab_size": 99,
                    "bos_token_id": 1,
                    "eos_token_id": 2,
                    "pad_token_id": 0,
                },
                projection_dim=12,
            )
        ),
    }
    network = randomised(made[kind]())
    network.save_pretrained(tmp_path / "model")
    processor = {"do_resize": True, "size": {"shortest_edge": 36}, "do_center_crop": True,
                 "crop_size": {"height": 32, "width": 32}, "image_mean": [0.4, 0.5, 0.6],
                 "image_std": [0.2, 0.3, 0.2], "resample": 3, "do_normalize": True}  # fmt: skip
    (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps(processor))
    encoder = load_encoder(tmp_path / "model")
    assert encoder.preprocessing == Preprocessing(
        (0.4, 0.5, 0.6), (0.2, 0.3, 0.2), size=32, channels=3, resize=36, interpolation="bicubic"
    )
    x = prepared(encoder)
    with torch.inference_mode():
        found = encoder(IMAGES)
        if kind == "vit_mae":
            network.config.mask_ratio = 0.0
            noise = torch.arange(16.0).expand(3, -1)
            wanted = network(pixel_values=x, noise=noise).last_hidden_state[:, 0]
        elif kind == "clip":
            wanted = network.get_image_features(pixel_values=x).pooler_output
        elif kind == "convnext":
            wanted = network(pixel_values=x).pooler_output
        elif kind == "ijepa":
            wanted = network(pixel_values=x).last_hidden_state.mean(1)
        else:
            wanted = network(pixel_values=x).last_hidden_state[:, 0]
    assert torch.allclose(found, wanted, atol=1e-5)
    assert "read     library transformers" in encoder.describe()


def test_transformers_without_some_weights_is_refused(tmp_path):
    import transformers as t
    from safetensors.torch import load_file, save_file

    t.ViTModel(t.ViTConfig(**TINY, image_size=32, patch_size=8)).save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    pooler = {name: state.pop(name) for name in list(state) if name.startswith("pooler.")}
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    load_encoder(tmp_path)  # its pooler is not what is read
    with pytest.raises(bounds.errors.InvalidData, match="pool"):
        load_encoder(tmp_path, pool="pooled")(IMAGES)  # and would be random
    assert pooler
    state.pop("layernorm.weight")
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InvalidCheckpoint, match="lacks 1 tensors"):
        load_encoder(tmp_path)


def test_processor_configurations():
    squash = {
        "size": {"height": 224, "width": 224},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "resample": 2,
    }
    assert from_processor(squash, 224) == Preprocessing(
        (0.5,) * 3, (0.5,) * 3, size=224, channels=3, fit="squash"
    )
    small = {"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 3}
    assert from_processor(small, 224).resize == 256
    with pytest.raises(InvalidOption, match="not square"):
        from_processor({"size": {"height": 224, "width": 192}}, 224)


def test_torchvision_and_open_clip():
    import open_clip
    import torchvision

    encoder = load_encoder("random:1", architecture="torchvision:resnet18")
    assert encoder.preprocessing.resize == 256
    with torch.inference_mode():
        assert encoder(IMAGES).shape == (3, 512)
    assert isinstance(encoder.network.network, torchvision.models.ResNet)
    clip = load_encoder("random", architecture="open_clip:ViT-S-32-alt")
    assert clip.preprocessing.mean == open_clip.OPENAI_DATASET_MEAN
    with torch.inference_mode():
        assert clip(IMAGES).shape == (3, 256)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("timm:vit_small_patch14_dinov2", "model.safetensors"),
        ("hf:facebook/dinov2-small", "into a folder"),
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", "open_clip_config.json"),
    ],
)
def test_offline_is_one_sentence_on_where_to_put_the_file(name, said):
    with pytest.raises(InvalidCheckpoint, match="no weights on this machine") as error:
        load_encoder(name)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_torchvision_offline(monkeypatch):
    def refused(*_args, **_named):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", refused)
    with pytest.raises(InvalidCheckpoint, match=r"resnet18-f37072fd\.pth.*checkpoints"):
        load_encoder("torchvision:resnet18")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("timm:vit_smal_patch16_224", "vit_small_patch16_224"),
        ("open_clip:ViT-B-33", "ViT-B-32"),
        ("torchvision:resnet19", "resnet18"),
        ("open_clip:ViT-B-32", "choose one"),
    ],
)
def test_misspelt_names_suggest_the_nearest(name, near):
    with pytest.raises(InvalidOption, match=near):
        load_encoder(name)


def test_a_report_and_its_predictor_know_the_encoder(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
    y = np.arange(60) % 3
    x[np.arange(60), :, :, y] = 255
    spec = {"name": "timm:vit_tiny_patch16_224", "img_size": 32}
    encoder = load_encoder("random:3", architecture=spec, pool="mean")
    report = bounds.evaluate(
        encoder, (x[:30], y[:30]), test=(x[30:], y[30:]), bounds=["test_set"], fresh=True
    )
    assert report.provenance["checkpoint"]["architecture"]["name"] == spec["name"]
    assert report.provenance["checkpoint"]["pool"] == "mean"
    report["test_set"].predictor.save(tmp_path / "model")
    again = bounds.load_predictor(tmp_path / "model", encoder=encoder)
    assert (again.predict(x[30:]).labels == report["test_set"].predictor.predict(x[30:]).labels).all()
