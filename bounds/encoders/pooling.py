"""What a network returns for an image, many tokens, a map or several tensors, becomes one vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from bounds.arguments import shown
from bounds.errors import InvalidData, InvalidOption

POOLS = ("cls", "mean", "pooled")
_POOLED = ("pooler_output", "image_embeds", "x_norm_clstoken")
_TOKENS = ("last_hidden_state", "x_prenorm")
_SHOWN = 8


class Pooled(nn.Module):
    """A network and what is taken from it: images (N, C, H, W) -> (N, d).

    Args:
        network: Whose weights these are.
        call: What to run, `call(network, images)`; by default the network itself.
        pool: "cls", the first token; "mean", over the tokens of patches or over space; "pooled", what the network calls
            its pooled output; the name of an entry of its output; None: the output must be vectors.
        layer: Name of a submodule whose output is taken in place of the network's.
        before: Tokens before those of patches, for "mean"; None where unknown.
        channels_last: Whether maps are (N, H, W, C).
        dtype: Of weights and images; None leaves them.

    Raises:
        InvalidOption: no such layer.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        call: Callable[[nn.Module, Tensor], Any] | None = None,
        pool: str | None = None,
        layer: str | None = None,
        before: int | None = None,
        channels_last: bool = False,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if pool is not None and not isinstance(pool, str):
            raise InvalidOption(
                f"`pool` must be one of {', '.join(POOLS)} or the name of an output, got {shown(pool)}."
            )
        names = [name for name, _ in network.named_modules() if name]
        if layer is not None and layer not in names:
            near = get_close_matches(str(layer), names, n=3, cutoff=0.0)
            raise InvalidOption(
                f"`layer` {shown(layer)} is no part of the network; near it are {', '.join(near)}."
            )
        self.network, self.call, self.pool, self.layer = network, call, pool, layer
        self.before, self.channels_last, self.dtype = before, channels_last, dtype

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, d).

        Raises:
            InvalidData: an output that needs another `pool`, or one.
        """
        if self.dtype is not None:
            images = images.to(self.dtype)
        output = self._run(images) if self.layer is None else self._at_layer(images)
        return one_vector(output, self.pool, before=self.before, channels_last=self.channels_last)

    def _run(self, images: Tensor) -> Any:
        return self.network(images) if self.call is None else self.call(self.network, images)

    def _at_layer(self, images: Tensor) -> Any:
        kept: list[Any] = []
        hook = self.network.get_submodule(self.layer or "").register_forward_hook(
            lambda _module, _inputs, output: kept.append(output)
        )
        try:
            self._run(images)
        finally:
            hook.remove()
        if len(kept) != 1:
            raise InvalidOption(
                f"`layer` {shown(self.layer)} ran {len(kept)} times for a batch; name one that runs once."
            )
        return kept[0]


def one_vector(
    output: Any,
    pool: str | None = None,
    *,
    before: int | None = None,
    channels_last: bool = False,
    name: str = "The network",
) -> Tensor:
    """The vectors (N, d) of an output: a tensor, or a mapping, dataclass or sequence of tensors.

    Raises:
        InvalidData: one sentence that asks for `pool`, with what there is to choose from.
    """
    entries = _entries(output)
    if isinstance(output, Tensor):
        return _pooled(output, pool, before, channels_last)
    if not entries:
        raise InvalidData(f"{name} must return a tensor (N, d), got {type(output).__name__}.")
    if pool in entries:
        return _pooled(entries[pool], None, before, channels_last)
    if pool == "pooled":
        found = next((entries[name] for name in _POOLED if name in entries), None)
        if found is not None:
            return _pooled(found.flatten(1) if found.ndim == 4 else found, None, before, channels_last)
    if pool in ("cls", "mean"):
        named = [entries[name] for name in _TOKENS if name in entries]
        several = named or [one for one in entries.values() if one.ndim in (3, 4)]
        if len(several) == 1 or named:
            return _pooled(several[0], pool, before, channels_last)
    raise InvalidData(_question(name, type(output).__name__, entries, pool))


def _entries(output: Any) -> dict[str, Tensor]:
    """The tensors of an output by name; none where it is no container."""
    if isinstance(output, Mapping):
        pairs = [(str(key), value) for key, value in output.items()]
    elif is_dataclass(output) and not isinstance(output, type):
        pairs = [(field.name, getattr(output, field.name)) for field in fields(output)]
    elif isinstance(output, tuple | list):
        names = getattr(output, "_fields", range(len(output)))
        pairs = [(str(name), value) for name, value in zip(names, output, strict=True)]
    else:
        return {}
    return {name: value for name, value in pairs if isinstance(value, Tensor)}


def _pooled(z: Tensor, pool: str | None, before: int | None, channels_last: bool) -> Tensor:
    if z.ndim == 2 and pool in (None, "pooled"):
        return z
    if z.ndim == 4 and pool == "mean":
        return z.mean(dim=(1, 2) if channels_last else (2, 3))
    if z.ndim == 3 and pool == "cls":
        return z[:, 0]
    if z.ndim == 3 and pool == "mean":
        return z[:, _first_patch(z.shape[1]) if before is None else before :].mean(dim=1)
    raise InvalidData(_question("The network", "tensor", {"": z}, pool))


def _first_patch(tokens: int) -> int:
    """How many tokens come before those of a square of patches: 0 or 1."""
    found = [before for before in (0, 1) if round((tokens - before) ** 0.5) ** 2 == tokens - before]
    if len(found) != 1:
        raise InvalidData(
            f"The network returns {tokens} tokens, which are no square of patches with or without a class token; "
            "give a callable that averages the right ones."
        )
    return found[0]


def _question(name: str, kind: str, entries: Mapping[str, Tensor], pool: str | None) -> str:
    shapes = [f"{key} {_shape(value)}".strip() for key, value in list(entries.items())[:_SHOWN]]
    dims = {value.ndim for value in entries.values()}
    ways = [key for key, value in entries.items() if key and value.ndim == 2]
    ways += ["cls"] if 3 in dims else []
    ways += ["mean"] if dims & {3, 4} else []
    ways += ["pooled"] if set(entries) & set(_POOLED) else []
    choice = " or ".join(f'pool="{way}"' for way in dict.fromkeys(ways)) or "a callable that returns (N, d)"
    given = "" if pool is None else f", for which pool={shown(pool)} says nothing"
    return (
        f"{name} returns a {kind} with {', '.join(shapes) or 'no tensor'}{given}; a certificate is about one "
        f"vector an image: say which in `bounds.load_encoder(...)`, by {choice}."
    )


def _shape(value: Tensor) -> str:
    return f"({', '.join(['N', *map(str, value.shape[1:])])})"
