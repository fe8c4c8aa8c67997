"""torchvision: `torchvision:NAME`, a classification model without its last linear layer."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from torch import nn

from bounds.data.preprocessing import Preprocessing
from bounds.encoders.hubs.built import Built, library, no_weights
from bounds.errors import InvalidOption


def build(name: str, options: dict[str, Any], *, own: bool) -> Built:
    """A model without its classifier; see `open_named`."""
    models = library("torchvision.models", f"torchvision:{name}", "torchvision")
    known = models.list_models(module=models)
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        raise InvalidOption(f"torchvision has no model {name!r}; near it are {', '.join(near) or 'none'}.")
    best = models.get_model_weights(name).DEFAULT
    try:
        network = models.get_model(name, weights=best if own else None, **options)
    except (TypeError, ValueError) as err:
        raise InvalidOption(f"torchvision cannot build {name!r} with {options}: {err}.") from err
    except Exception as err:
        if not own:
            raise
        file = best.url.rpartition("/")[2]
        remedy = (
            f"download `{file}` elsewhere and put it into torch.hub's folder `checkpoints`, or give it, as in "
            f'`load_encoder("{file}", architecture="torchvision:{name}")`.'
        )
        raise no_weights(f"`torchvision:{name}`", err, remedy) from err
    _without_classifier(network)
    said = {"library": "torchvision"} | ({"weights": str(best)} if own else {})
    return Built(network, _preprocessing(best.transforms()), said=said)


def _without_classifier(network: nn.Module) -> None:
    """The last linear layer becomes the identity."""
    last = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)][-1]
    parent, _, child = last.rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())


def _preprocessing(transform: Any) -> Preprocessing:
    size, resize = transform.crop_size[0], transform.resize_size[0]
    return Preprocessing(
        tuple(transform.mean),
        tuple(transform.std),
        size=size,
        channels=3,
        resize=resize if resize > size else None,
        interpolation="bilinear" if transform.interpolation.value == "bilinear" else "bicubic",
    )
