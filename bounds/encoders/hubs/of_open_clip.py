"""open_clip: the image tower of `open_clip:MODEL` or `open_clip:MODEL/TAG`, and folders of `push_to_hf_hub`."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from bounds.data.preprocessing import Preprocessing
from bounds.encoders.hubs.built import Built, library, no_weights
from bounds.errors import InvalidCheckpoint, InvalidOption


def build(name: str, options: dict[str, Any], *, own: bool) -> Built:
    """The image tower, whose output is the embedding that is compared with texts; see `open_named`."""
    clip = library("open_clip", f"open_clip:{name}", "open_clip")
    tag = None
    if Path(name).is_dir():
        model, own = f"local-dir:{name}", True
    else:
        model, _, tag = name.partition("/")
        known = clip.list_models()
        if model not in known:
            near = get_close_matches(model, known, n=3, cutoff=0.4)
            raise InvalidOption(f"open_clip has no model {model!r}; near it are {', '.join(near) or 'none'}.")
        tag = _tag(clip, model, tag) if own else None
    try:
        whole: Any = clip.create_model(model, pretrained=tag, load_weights=own, **options)
    except (TypeError, AssertionError) as err:
        raise InvalidOption(f"open_clip cannot build {name!r} with {options}: {err}.") from err
    except Exception as err:
        if not own:
            raise
        remedy = (
            f'give its file, as in `load_encoder("open_clip_model.safetensors", architecture="open_clip:{model}")`, '
            "or a folder with open_clip_config.json."
        )
        raise no_weights(f"`open_clip:{name}`", err, remedy) from err
    tower = whole.visual
    return Built(
        tower,
        _preprocessing(clip.get_model_preprocess_cfg(whole)),
        call=_embedding,
        said={"library": f"open_clip {clip.__version__}"} | ({"weights": tag} if tag else {}),
        loaded=[f"visual.{one}" for one in tower.state_dict()] if own else (),
        ignored=[one for one in whole.state_dict() if not one.startswith("visual.")] if own else (),
    )


def _tag(clip: Any, model: str, tag: str) -> str:
    tags = clip.list_pretrained_tags_by_model(model)
    if tag in tags:
        return tag
    if tag:
        raise InvalidOption(
            f"open_clip has no weights {tag!r} of {model}; it has {', '.join(tags) or 'none'}."
        )
    if len(tags) == 1:
        return str(tags[0])
    if not tags:
        raise InvalidCheckpoint(
            f'open_clip has no weights for {model!r}; give a file with `architecture="open_clip:{model}"`.'
        )
    raise InvalidOption(
        f"open_clip has several weights of {model}; choose one, as in 'open_clip:{model}/{tags[0]}' "
        f"({', '.join(tags)})."
    )


def _embedding(network: nn.Module, images: Tensor) -> Any:
    found = network(images)
    return found[0] if isinstance(found, tuple) else found  # CoCa returns its tokens beside it


def _preprocessing(config: dict[str, Any]) -> Preprocessing:
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else size
    if height != width or config.get("resize_mode") == "longest":
        raise InvalidOption(
            "open_clip pads or makes images that are not square for this model; give a `preprocessing`."
        )
    return Preprocessing(
        tuple(config["mean"]),
        tuple(config["std"]),
        size=height,
        channels=3,
        interpolation="bilinear" if config.get("interpolation") == "bilinear" else "bicubic",
        fit="squash" if config.get("resize_mode") == "squash" else "crop",
    )
