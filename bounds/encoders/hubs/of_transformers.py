"""transformers: `hf:NAME` and folders of `save_pretrained`; vision models through `AutoModel`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bounds.data.preprocessing import Preprocessing
from bounds.encoders.hubs.built import Built, library, no_weights
from bounds.encoders.state_dicts import truncated
from bounds.errors import InvalidCheckpoint, InvalidOption

# What the papers and model cards evaluate, by `model_type`; all others are asked for.
_POOL = {
    "cls": ("vit", "deit", "dinov2", "dinov2_with_registers", "dinov3_vit", "vit_mae", "vit_msn"),
    "mean": ("ijepa",),
    "pooled": (
        *("beit", "data2vec-vision", "convnext", "convnextv2", "dinov3_convnext", "resnet", "regnet"),
        *("swin", "swinv2", "siglip_vision_model", "clip_vision_model", "efficientnet"),
    ),
}
_NO_CLASS_TOKEN = ("ijepa", "siglip_vision_model", "swin", "swinv2")
_INTERPOLATION = {2: "bilinear", 3: "bicubic"}  # of Pillow


def build(name: str, options: dict[str, Any], *, own: bool) -> Built:
    """A vision model; see `open_named`."""
    transformers = library("transformers", f"hf:{name}", "hf")
    folder = Path(name).is_dir()
    shown = f"`{Path(name).name}`" if folder else f"`hf:{name}`"
    remedy = (
        "put the files of its repository (config.json, model.safetensors, preprocessor_config.json) into a folder "
        "and give its path."
    )
    try:
        config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False, **options)
    except (OSError, ValueError) as err:
        raise no_weights(shown, err, remedy) from err
    if config.model_type == "vit_mae":
        config.mask_ratio = 0.0  # all patches, as for every use but pretraining
    network, missing, spare = _model(transformers, name, config, own, shown, remedy)
    both = hasattr(network, "get_image_features")
    if not both and getattr(network, "main_input_name", "") != "pixel_values":
        raise InvalidOption(f"{shown} is a {type(network).__name__}, which is no model of images.")
    pool = next((pool for pool, kinds in _POOL.items() if config.model_type in kinds), None)
    if both:
        pool = "pooled"
    random = [one for one in missing if not one.startswith("pooler.") or pool == "pooled"]
    if random:
        raise InvalidCheckpoint(
            f"{shown} lacks {len(random)} tensors of {type(network).__name__} ({truncated(random)}), which would be "
            "random; give a checkpoint of the whole model."
        )
    if missing:  # nothing that is used; an output that would be random is taken out of reach
        network.pooler = None
    vision = getattr(config, "vision_config", config)
    none = getattr(vision, "model_type", "") in _NO_CLASS_TOKEN
    before = 0 if none else 1 + getattr(vision, "num_register_tokens", 0) + (config.model_type == "deit")
    prepared, assumed = _preprocessing(transformers, name, vision)
    return Built(
        network,
        prepared,
        call=_image_features if both else _masked_nothing if config.model_type == "vit_mae" else _forward,
        call_for=_vision_tower if both else None,
        pool=pool,
        before=before,
        said={
            "library": f"transformers {transformers.__version__}",
            "preprocessing_assumed": assumed,
            **({"commit": config._commit_hash} if getattr(config, "_commit_hash", None) else {}),
        },
        loaded=[one for one in network.state_dict() if one not in missing],
        ignored=spare,
    )


def _model(
    transformers: Any, name: str, config: Any, own: bool, shown: str, remedy: str
) -> tuple[Any, list[str], list[str]]:
    try:
        if not own:
            return transformers.AutoModel.from_config(config), [], []
        network, info = transformers.AutoModel.from_pretrained(
            name, config=config, output_loading_info=True, dtype=torch.float32, trust_remote_code=False
        )
    except (OSError, ValueError) as err:
        raise no_weights(shown, err, remedy) from err
    misshapen = [str(one[0]) for one in info.get("mismatched_keys", ())]
    if misshapen:
        raise InvalidCheckpoint(f"{shown} has tensors of the wrong shape: {truncated(misshapen)}.")
    return network, sorted(info["missing_keys"]), sorted(info["unexpected_keys"])


def _forward(network: nn.Module, images: Tensor) -> Any:
    return network(pixel_values=images)


def _image_features(network: Any, images: Tensor) -> Any:
    return network.get_image_features(pixel_values=images)


def _vision_tower(network: Any, images: Tensor) -> Any:
    return network.vision_model(pixel_values=images)


def _masked_nothing(network: Any, images: Tensor) -> Any:
    """MAE's encoder shuffles patches by noise; here they stay in order."""
    count = network.embeddings.patch_embeddings.num_patches
    order = torch.arange(count, device=images.device, dtype=torch.float32).expand(len(images), -1)
    return network(pixel_values=images, noise=order)


def _preprocessing(transformers: Any, name: str, config: Any) -> tuple[Preprocessing, bool]:
    """From `preprocessor_config.json`; and whether it had to be assumed."""
    from transformers.image_processing_base import ImageProcessingMixin

    side = getattr(config, "image_size", 224)
    side = side if isinstance(side, int) else side[0]
    try:
        kept, _ = ImageProcessingMixin.get_image_processor_dict(name)
    except (OSError, ValueError):
        return Preprocessing((0.5,), (0.5,), size=side, channels=3, interpolation="bicubic"), True
    return from_processor(kept, side), False


def from_processor(kept: dict[str, Any], side: int) -> Preprocessing:
    """What an image processor's configuration says, for a network of `side` pixels.

    Raises:
        InvalidOption: images that would not be square.
    """
    mean, std = (kept.get(f"image_{one}") or default for one, default in (("mean", (0.0,)), ("std", (1.0,))))
    if kept.get("do_normalize") is False:
        mean, std = (0.0,), (1.0,)
    size, crop = kept.get("size", side), kept.get("crop_size", side)
    size = {"shortest_edge": size} if isinstance(size, int) and kept.get("do_center_crop") else size
    sizes = [_sides(one) for one in (size, crop)]
    if any(one[0] != one[1] for one in sizes):
        raise InvalidOption("The image processor makes images that are not square; give a `preprocessing`.")
    resized, cropped = sizes[0][0], sizes[1][0]
    fit, wanted = "squash", resized
    if isinstance(size, dict) and "shortest_edge" in size:
        fit, wanted = "crop", cropped if kept.get("do_center_crop") else resized
        share = kept.get("crop_pct")
        if share and resized < 384:  # ConvNeXt: a larger image is squashed, a smaller one cropped
            resized, wanted = math.floor(resized / share), resized
    elif kept.get("do_center_crop") and cropped != resized:
        fit, wanted = "crop", cropped
    return Preprocessing(
        tuple(mean),
        tuple(std),
        size=wanted,
        channels=3 if len(mean) in (1, 3) else None,
        resize=resized if fit == "crop" and resized > wanted else None,
        interpolation="bilinear" if _INTERPOLATION.get(kept.get("resample", 2)) == "bilinear" else "bicubic",
        fit="squash" if fit == "squash" else "crop",
    )


def _sides(size: Any) -> tuple[int, int]:
    if isinstance(size, dict):
        return (size["shortest_edge"],) * 2 if "shortest_edge" in size else (size["height"], size["width"])
    return (size, size) if isinstance(size, int) else (size[0], size[-1])
