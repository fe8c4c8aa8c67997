"""A file's tensors into another library's network: every weight, or a list of those that do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from bounds.encoders.hubs.built import Built
from bounds.encoders.state_dicts import FoundEncoder, choose, is_finite, truncated
from bounds.errors import InvalidCheckpoint

# Names at the root of a network in the layouts that publishers use.
ANCHORS = (
    "patch_embed.proj.weight",
    "downsample_layers.0.0.weight",
    "stem.0.weight",
    "conv1.weight",
    "visual.conv1.weight",
    "visual.trunk.patch_embed.proj.weight",
)
_AS_GOOD = 0.9  # of the best prefix: copies of one encoder fit alike
_CLASSIFIERS = {"head", "heads", "fc", "classifier"}


def prefixes(names: Iterable[str], anchors: Iterable[str] = ANCHORS) -> list[str]:
    """What precedes one of these names in a file, each with its dot."""
    ends = tuple(anchors)
    found = {
        name.removesuffix(end) for name in names for end in ends if name == end or name.endswith(f".{end}")
    }
    return sorted(found)


def under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def fill(
    built: Built, tensors: Mapping[str, Tensor], origin: str, prefix: str | None = None
) -> tuple[list[str], list[str], str]:
    """Load a file's tensors into a network, all of them or none.

    The encoder is looked for under every prefix at which the network's first names stand; of several in one file the
    one that papers evaluate is taken (see `load_encoder`). Tensors that the network has no place for are left out where
    no loaded name shares their first component: classifiers, projectors, decoders.

    Args:
        built: The network, and the library's rule for its publishers' names.
        tensors: By their names in the file.
        origin: The file, for messages.
        prefix: Where the encoder is, when the caller says.

    Returns:
        Names in the file that were loaded, those that were not, and the prefix.

    Raises:
        InvalidCheckpoint: no encoder of this kind, or weights that are missing, superfluous, of another shape, or not
            finite: all are listed.
    """
    expected = built.network.state_dict()
    anchors = (*ANCHORS, *(name for name in expected if not _counts(name)))
    found = [FoundEncoder(one, "", {}) for one in prefixes(tensors, anchors)]
    scores = [_score(one, built, tensors, expected) for one in found]
    most = max(scores, default=0)
    near = [one for one, score in zip(found, scores, strict=True) if score and score >= _AS_GOOD * most]
    near.sort(key=lambda one: one.rank)
    if not near:
        raise InvalidCheckpoint(
            f"{origin} holds no tensor of this network, which begins with {truncated(list(expected), 3)}; its "
            f"{len(tensors)} tensors: {truncated(list(tensors)) or 'none'}."
        )
    chosen = choose(near, prefix, origin)
    converted = _converted(built, under(tensors, chosen.prefix))
    ignored = _check(expected, converted, chosen.prefix, origin)
    weights = {
        name: converted.get(name, torch.zeros_like(value)).to(value.dtype) for name, value in expected.items()
    }
    built.network.load_state_dict(weights, strict=True)
    left = {chosen.prefix + name for name in ignored}
    loaded = [name for name in tensors if name.startswith(chosen.prefix) and name not in left]
    return loaded, sorted(set(tensors) - set(loaded)), chosen.prefix.strip(".")


def _score(
    found: FoundEncoder, built: Built, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> float:
    """How many names of the network stand under a prefix; those of another shape, as in a text tower, by half."""
    converted = _converted(built, under(tensors, found.prefix))
    shared = [name for name in expected if name in converted]
    return sum(1.0 if converted[name].shape == expected[name].shape else 0.5 for name in shared)


def _converted(built: Built, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if built.convert is None:
        return tensors
    try:
        return built.convert(dict(tensors), built.network)
    except (KeyError, RuntimeError, AttributeError, ValueError, IndexError):  # not this family's layout
        return tensors


def _check(
    expected: Mapping[str, Tensor], converted: Mapping[str, Tensor], prefix: str, origin: str
) -> list[str]:
    """Names of spare tensors; all that is wrong is listed in one error."""
    roots = {name.partition(".")[0] for name in expected if "." in name and name in converted}
    spare = [name for name in converted if name not in expected]
    inside = [name for name in spare if name.partition(".")[0] in roots - _CLASSIFIERS]
    shared = [name for name in expected if name in converted]
    problems = {
        "missing": [prefix + name for name in expected if name not in converted and not _counts(name)],
        "not part of this network": [prefix + name for name in inside],
        "of the wrong shape": [
            f"{prefix}{name}: expected {tuple(expected[name].shape)}, got {tuple(converted[name].shape)}"
            for name in shared
            if expected[name].shape != converted[name].shape
        ],
        "NaN or infinite": [
            prefix + name
            for name in shared
            if converted[name].is_floating_point() and not is_finite(converted[name])
        ],
    }
    if any(problems.values()):
        listed = "; ".join(
            f"{len(names)} {kind} ({truncated(names)})" for kind, names in problems.items() if names
        )
        raise InvalidCheckpoint(f"{origin} does not fit the architecture: {listed}.")
    return [name for name in spare if name not in inside]


def _counts(name: str) -> bool:
    return name.endswith("num_batches_tracked")  # never read in evaluation mode, absent from old files
