"""timm: `timm:NAME`, and folders that its `push_to_hf_hub` or `save_for_hf` wrote."""

from __future__ import annotations

import math
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bounds.arguments import shown
from bounds.data.preprocessing import Interpolation, Preprocessing
from bounds.encoders.checkpoint_files import read_checkpoint
from bounds.encoders.hubs.built import Built, library, no_weights
from bounds.encoders.hubs.weights import fill
from bounds.errors import InvalidCheckpoint, InvalidOption

_CHUNK = re.compile(r"^blocks\.\d+\.(\d+)\.")  # training checkpoints of DINOv2 keep blocks in chunks
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def build(name: str, options: dict[str, Any], *, own: bool) -> Built:
    """A model without its classifier; see `open_named`."""
    timm = library("timm", f"timm:{name}", "timm")
    folder = Path(name)
    if folder.is_dir():
        return _of_folder(timm, folder, options)
    plain = name.split(".")[0]
    if "/" in name or not timm.is_model(plain):
        near = get_close_matches(plain, timm.list_models(), n=3, cutoff=0.4)
        raise InvalidOption(f"timm has no model {shown(name)}; near it are {', '.join(near) or 'none'}.")
    published = timm.models.get_pretrained_cfg(name, allow_unregistered=True) if own else None
    if own and (published is None or not published.has_weights):
        raise InvalidCheckpoint(
            f"timm has no weights for {shown(name)}; give a file, as in "
            f'`load_encoder("weights.pth", architecture="timm:{name}")`, or "random" in its place.'
        )
    network = _created(timm, name, options, own)
    return _built(timm, network)


def _created(timm: Any, name: str, options: dict[str, Any], own: bool) -> nn.Module:
    try:
        network: nn.Module = timm.create_model(name, pretrained=own, **{"num_classes": 0, **options})
    except (TypeError, AssertionError, ValueError) as err:
        raise InvalidOption(f"timm cannot build {shown(name)} with {options}: {err}.") from err
    except Exception as err:
        if not own:
            raise
        remedy = (
            f"download its `model.safetensors` elsewhere and give it, as in "
            f'`load_encoder("model.safetensors", architecture="timm:{name}")`.'
        )
        raise no_weights(f"`timm:{name}`", err, remedy) from err
    return network


def _of_folder(timm: Any, folder: Path, options: dict[str, Any]) -> Built:
    file = next((folder / one for one in _WEIGHTS if (folder / one).is_file()), None)
    if file is None:
        raise InvalidCheckpoint(
            f"The folder `{folder.name}` has a configuration but none of {', '.join(_WEIGHTS)}."
        )
    network = _created(timm, f"local-dir:{folder}", options, own=False)
    built = _built(timm, network)
    tensors, _, digest = read_checkpoint(file)
    loaded, ignored, _prefix = fill(built, tensors, f"`{folder.name}/{file.name}`")
    return Built(
        **{**vars(built), "loaded": loaded, "ignored": ignored, "said": {**built.said, "sha256": digest}}
    )


def _built(timm: Any, network: nn.Module) -> Built:
    config = timm.data.resolve_model_data_config(network)
    pool = getattr(network, "global_pool", None)
    return Built(
        network,
        _preprocessing(config, network),
        call_for=_features,
        before=getattr(network, "num_prefix_tokens", None),
        channels_last=getattr(network, "output_fmt", "NCHW") == "NHWC",
        convert=_convert,
        said={"library": f"timm {timm.__version__}"} | ({"pool": pool} if isinstance(pool, str) else {}),
    )


def _features(network: Any, images: Tensor) -> Any:
    return network.forward_features(images)


def _preprocessing(config: dict[str, Any], network: Any) -> Preprocessing:
    channels, height, width = config["input_size"]
    grid = getattr(getattr(network, "patch_embed", None), "img_size", None)  # what the network was built for
    height, width = grid or (height, width)
    if height != width:
        raise InvalidOption(f"timm's model is made for {height}x{width} images; give a square `img_size`.")
    squash = config["crop_mode"] == "squash"
    interpolation: Interpolation = "bilinear" if config["interpolation"] == "bilinear" else "bicubic"
    return Preprocessing(
        tuple(config["mean"]),
        tuple(config["std"]),
        size=height,
        channels=channels if channels in (1, 3) else None,
        resize=None if squash or config["crop_pct"] >= 1 else math.floor(height / config["crop_pct"]),
        interpolation=interpolation,
        fit="squash" if squash else "crop",
    )


def _convert(tensors: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Publisher's names to timm's, by timm's own rules for the family."""
    tensors = {_CHUNK.sub(r"blocks.\1.", name): value for name, value in tensors.items()}
    rules = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    converted: dict[str, Tensor] = tensors if rules is None else rules(tensors, network)
    return converted
