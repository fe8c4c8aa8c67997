"""A digest of what a callable computes: its code, its constants, and every value it reaches, where it can be had."""

from __future__ import annotations

import dis
import functools
import hashlib
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice, np.generic)
_PLAIN_TORCH = (torch.dtype, torch.device, torch.Size, torch.memory_format, torch.layout)
_INSTALLED = [sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")]
_LIBRARIES = tuple(
    str(folder.resolve())
    for folder in (*map(Path, _INSTALLED), Path(__file__).parents[1], Path(torch.__file__).parent)
)


def code_sha256(function: Any) -> str:
    """SHA-256 of a callable: byte code, constants, defaults, and the values its code, closure and attributes reach.

    Of a module everything but its state dict (see `state_sha256`). Functions and classes of installed libraries enter
    by name, objects of compiled types by the name of their type alone: equal digests of those are no proof, and
    callers compare outputs as well. The digest depends neither on the process, nor on the order of sets, nor on line
    numbers; another version of Python may give another.
    """
    return _Digest(inside=isinstance(function, nn.Module)).of(function).hex()


def state_sha256(network: nn.Module) -> str:
    """SHA-256 of a module's state dict: tensors of any type, packed weights and extra state alike."""
    return _Digest().of(dict(network.state_dict())).hex()


def modules_behind(function: Any) -> list[nn.Module]:
    """The modules a callable refers to: its owner, what it is partial over, its closure, globals and attributes."""
    return [one for one in _reached(function, set(), 0) if isinstance(one, nn.Module)]


_DEEPEST = 3  # function of a function of an object that holds the network


def _reached(value: Any, seen: set[int], depth: int) -> Iterator[Any]:
    if id(value) in seen or depth > _DEEPEST:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module):
        yield value
        return
    for one in _parts(value):
        yield from _reached(one, seen, depth + 1)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, types.MethodType):
        yield from (value.__self__, value.__func__)
    elif isinstance(value, functools.partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, types.FunctionType):
        if not _is_library(value.__code__.co_filename):
            yield from (value.__defaults__ or ())
            yield from (value.__kwdefaults__ or {}).values()
            yield from _closure(value).values()
            yield from _globals(value).values()
        elif hasattr(value, "__wrapped__"):  # @torch.no_grad() and the like
            yield value.__wrapped__
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value
    elif not isinstance(value, type | types.ModuleType) and hasattr(value, "__dict__"):
        yield from vars(value).values()
        if callable(value) and not _is_library_type(type(value)):
            yield type(value).__call__


_DEEPEST_VALUE = 150  # levels of nesting, well below where Python ends recursion


class _Digest:
    """Digests by recursion over values; one that was met before enters as its number, which also ends cycles."""

    def __init__(self, inside: bool = False) -> None:
        self._inside = inside  # of a module, whose state dict holds the weights of its parts
        self._depth = 0
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # keeps ids from being used again

    def of(self, value: Any) -> bytes:
        sha = hashlib.sha256(type(value).__qualname__.encode())
        if isinstance(value, _PLAIN + _PLAIN_TORCH):
            sha.update(repr(value).encode())
            return sha.digest()
        if id(value) in self._seen:
            sha.update(f"seen {self._seen[id(value)]}".encode())
            return sha.digest()
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        self._depth += 1
        for part in self._content(value) if self._depth <= _DEEPEST_VALUE else ():
            sha.update(part)
        self._depth -= 1
        return sha.digest()

    def _content(self, value: Any) -> Iterator[bytes]:
        if isinstance(value, Tensor):
            yield from _tensor(value)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            yield f"{value.dtype.str} {value.shape}".encode()
            yield np.ascontiguousarray(value).tobytes()
        elif isinstance(value, set | frozenset):
            yield from sorted(_Digest().of(one) for one in value)
        elif isinstance(value, Mapping):
            if all(isinstance(key, _PLAIN) for key in value):
                yield from self._named({repr(key): one for key, one in value.items()})
            else:
                yield from (self.of(one) for item in value.items() for one in item)
        elif isinstance(value, list | tuple):
            yield from (self.of(one) for one in value)
        elif isinstance(value, types.CodeType):
            yield from (value.co_code, self.of(value.co_consts), self.of(value.co_names))
            yield self.of(value.co_varnames[: value.co_argcount + value.co_kwonlyargcount])
        elif isinstance(value, types.FunctionType):
            yield from self._function(value)
        elif isinstance(value, types.MethodType):
            yield from (self.of(value.__self__), self.of(value.__func__))
        elif isinstance(value, functools.partial):
            yield from (self.of(value.func), self.of(value.args), self.of(value.keywords))
        elif isinstance(value, types.ModuleType):
            yield value.__name__.encode()
            file = getattr(value, "__file__", None)
            if file and not _is_library(file) and Path(file).is_file():
                yield Path(file).read_bytes()
        elif isinstance(value, type):
            yield from self._class(value)
        elif isinstance(value, nn.Module):
            yield from self._module(value)
        else:
            yield self.of(type(value))
            yield f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}".encode()
            yield from self._named(_attributes(value))

    def _named(self, items: Mapping[str, Any]) -> Iterator[bytes]:
        for name in sorted(items):
            yield name.encode()
            yield self.of(items[name])

    def _function(self, value: types.FunctionType) -> Iterator[bytes]:
        if _is_library(value.__code__.co_filename):
            yield f"{value.__module__}.{value.__qualname__}".encode()
            yield self.of(getattr(value, "__wrapped__", None))
            return
        yield self.of(value.__code__)
        yield from (self.of(value.__defaults__), self.of(value.__kwdefaults__))
        yield from self._named(_closure(value))
        yield from self._named(_globals(value))

    def _class(self, kind: type) -> Iterator[bytes]:
        yield f"{kind.__module__}.{kind.__qualname__}".encode()
        if _is_library_type(kind):
            return
        yield from (self.of(base) for base in kind.__bases__)
        skipped = (
            "__dict__",
            "__weakref__",
            "__doc__",
            "__module__",
            "__firstlineno__",
            "__static_attributes__",
        )
        yield from self._named(
            {k: v for k, v in vars(kind).items() if k not in (*skipped, "__annotations__")}
        )

    def _module(self, network: nn.Module) -> Iterator[bytes]:
        yield self.of(type(network))
        if isinstance(network, torch.jit.ScriptModule):
            yield str(network.inlined_graph).encode()
        if not self._inside:
            yield state_sha256(network).encode()
        held = dict(vars(network))
        for name in (
            "training",
            "_parameters",
            "_buffers",
        ):  # always evaluated; the others are in the state dict
            held.pop(name, None)
        for name in network._non_persistent_buffers_set:
            held[f"buffer {name}"] = network._buffers.get(name)
        # Hooks are kept under numbers that count all hooks of the process.
        hooks = {
            name: list(held.pop(name).values()) for name in list(held) if "_hooks" in name and held[name]
        }
        before, self._inside = self._inside, True
        yield from self._named(held | hooks)
        self._inside = before


def _tensor(value: Tensor) -> Iterator[bytes]:
    yield str(value.dtype).encode()
    if not (value.is_meta or nn.parameter.is_lazy(value)):
        yield str(tuple(value.shape)).encode()
        yield _bytes(value)


def _bytes(value: Tensor) -> bytes:
    if value.is_quantized:
        value = value.dequantize()
    if value.layout != torch.strided:
        value = value.to_dense()
    raw: bytes = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return raw


def _closure(function: types.FunctionType) -> dict[str, Any]:
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue
    return found


def _globals(function: types.FunctionType) -> dict[str, Any]:
    """The global values that the code, or code inside it, reads."""
    known = function.__globals__
    return {name: known[name] for name in _global_names(function.__code__) if name in known}


@functools.lru_cache(maxsize=1024)
def _global_names(code: types.CodeType) -> frozenset[str]:
    names = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    inner = (_global_names(one) for one in code.co_consts if isinstance(one, types.CodeType))
    return frozenset(names).union(*inner)


def _attributes(value: Any) -> dict[str, Any]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    held = {name: getattr(value, name) for name in slots if isinstance(name, str) and hasattr(value, name)}
    held.pop("__dict__", None)
    held.pop("__weakref__", None)
    return held | dict(getattr(value, "__dict__", {}))


def _is_library(file: str) -> bool:
    if file.startswith("<"):
        return file.startswith("<frozen")
    return str(Path(file).resolve()).startswith(_LIBRARIES)


def _is_library_type(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if kind.__module__ == "builtins":
        return True
    return file is not None and _is_library(file)
