"""Checkpoint -> `Encoder`: reads weights without ever running code from the file, and says what it read."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bounds.arguments import checked, maybe, options, target
from bounds.data.fingerprints import fingerprints
from bounds.data.preprocessing import CIFAR10, IMAGENET, Preprocessing, as_preprocessing
from bounds.encoders.architectures import ResNet, SmallConvNet, build_encoder
from bounds.encoders.checkpoint_files import read_checkpoint
from bounds.encoders.code_digest import modules_behind
from bounds.encoders.hubs import opening
from bounds.encoders.hubs.names import Spec, is_folder, is_named, parse
from bounds.encoders.hubs.opening import Reading
from bounds.encoders.hubs.recognise import recognise
from bounds.encoders.pooling import one_vector
from bounds.encoders.state_dicts import (
    architecture_name,
    build_with_weights,
    choose,
    find_encoders,
    fits_own,
    infer_architecture,
    is_finite,
    truncated,
)
from bounds.errors import BoundsError, InvalidCheckpoint, InvalidData, InvalidOption
from bounds.files import whole_file, write_tensors, writing

_RECORD = "bounds.trained_on"
_TOLD = ("library", "weights", "pool", "layer", "dtype", "compile")  # of the provenance, for people
Function = Callable[[Tensor], Any]


class Encoder(nn.Module):
    """Images -> representations (N, d), always as in evaluation mode, checked at every batch.

    Attributes:
        network: The network or callable inside.
        preprocessing: What is done to images first, or None: a callable gets them as they come, a network
            gets uint8 divided by 255 and all else as it comes.
        dim: Dimension d, or None until the first batch shows it.
        loaded: Names of the tensors in the file that make up the encoder.
        ignored: Names of all other tensors of the file: projectors, classifiers, optimizer, other encoders.
        provenance: Plain data for reports: `source`, and for files `sha256`, `architecture`, `prefix`,
            `metadata`, `preprocessing_assumed` (True where neither file nor caller said what the encoder
            expects).
        trained_on: Fingerprints of the images it was trained on, sorted uint64 (M,), where its file records them.

    Example:
        >>> import torch
        >>> from bounds.encoders import Encoder
        >>> encoder = Encoder(lambda images: images.flatten(1))
        >>> encoder(torch.ones(2, 1, 4, 4)).shape, encoder.dim
        (torch.Size([2, 16]), 16)
    """

    network: nn.Module | Function

    def __init__(
        self,
        network: nn.Module | Function,
        *,
        preprocessing: Preprocessing | None = None,
        loaded: Sequence[str] = (),
        ignored: Sequence[str] = (),
        provenance: Mapping[str, Any] | None = None,
        trained_on: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.trained_on = trained_on
        self.network = network
        self.preprocessing = preprocessing
        self.dim: int | None = network.dim if isinstance(network, ResNet | SmallConvNet) else None
        self.loaded, self.ignored = tuple(loaded), tuple(ignored)
        name = getattr(network, "__name__", type(network).__name__)
        self.provenance: dict[str, Any] = dict(provenance or {"source": name})
        self.training = False
        self.output_dtype: torch.dtype | None = None  # as the network returns it
        owner = getattr(network, "__self__", network)
        self._owner = (
            (owner,) if isinstance(owner, nn.Module) else ()
        )  # of a method such as model.encode_image
        behind = [network] if isinstance(network, nn.Module) else modules_behind(network)
        self._modules_behind = tuple(behind)

    @property
    def device(self) -> torch.device | None:
        """Where the weights of a network, or of the network whose method this is, lie; None without such."""
        first = next((w for one in self._owner for w in chain(one.parameters(), one.buffers())), None)
        return None if first is None else first.device

    def _apply(self, fn: Any, recurse: bool = True) -> Encoder:
        """What `to` does, also to the network whose method the encoder is."""
        for owner in self._owner:
            owner._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def train(self, mode: bool = True) -> Encoder:
        """Nothing: a certificate is about one fixed function."""
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Representations of a batch.

        Args:
            images: (N, C, H, W), uint8 or float in [0, 1]; moved to the encoder's device if need be.

        Returns:
            float32 (float64 where the callable returns that), (N, d).

        Raises:
            InvalidData: images that the preprocessing cannot take, or an output that is not N finite rows of
                one length.
        """
        given = images
        device, weights = self.device, self._weights_dtype()
        if device is not None:
            images = images.to(device)
        if self.preprocessing is not None:
            images = self.preprocessing(images)
        elif isinstance(self.network, nn.Module) and images.dtype == torch.uint8:
            images = images.float() / 255
        if weights is not None and images.is_floating_point():
            images = images.to(weights)
        if images.data_ptr() == given.data_ptr():
            images = images.clone()  # an encoder that works in place must not change the caller's data
        with evaluating(self._modules_behind):
            try:
                output = self.network(images)
            except BoundsError:
                raise
            except Exception as err:
                raise self._failed(images, err) from err
        return self._checked(output, len(images))

    def _weights_dtype(self) -> torch.dtype | None:
        """The floating point type of a network's first weight, which its input must have."""
        if not isinstance(self.network, nn.Module):
            return None
        return next((w.dtype for w in self.network.parameters() if w.is_floating_point()), None)

    def _failed(self, images: Tensor, err: Exception) -> InvalidData:
        reason = " ".join(str(err).split())
        reason = f"{type(err).__name__}: {reason[:200]}" if reason else type(err).__name__
        shape = f"{tuple(images.shape)} {str(images.dtype).removeprefix('torch.')}"
        advice = "give images or a `preprocessing` that fit it"
        if isinstance(err, MemoryError | torch.OutOfMemoryError) or "allocate memory" in reason:
            advice = "give a smaller `batch_size`"
        return InvalidData(
            f"The encoder {self.provenance['source']} failed on a batch of shape {shape} ({reason}); {advice}."
        )

    def _checked(self, output: Any, rows: int) -> Tensor:
        source = self.provenance["source"]
        if not isinstance(output, Tensor | np.ndarray | Sequence) or isinstance(output, tuple):
            output = one_vector(output, name=f"The encoder {source}")
        try:
            z = torch.as_tensor(output)
        except (TypeError, ValueError, RuntimeError) as err:
            raise InvalidData(
                f"The encoder {source} must return a tensor (N, d), got {type(output).__name__}."
            ) from err
        if z.layout != torch.strided:
            z = z.to_dense()
        if z.is_meta:
            raise InvalidData(f"The encoder {source} must return numbers, got a tensor of the device meta.")
        if z.ndim != 2 or len(z) != rows or z.shape[1] < 1 or not z.is_floating_point():
            raise InvalidData(
                f"The encoder {source} must return floating point numbers of shape ({rows}, d) "
                f"for {rows} images, got {tuple(z.shape)} {z.dtype}; flatten or pool its output "
                '(`bounds.load_encoder(..., pool="mean")`).'
            )
        if self.dim not in (None, z.shape[1]):
            raise InvalidData(
                f"The encoder {source} returned {z.shape[1]} dimensions where it has {self.dim} otherwise."
            )
        finite = torch.isfinite(z).all(dim=1)
        if not bool(finite.all()):
            row = int((~finite).nonzero()[0, 0])
            raise InvalidData(
                f"The encoder {source} returned NaN or infinity for image {row} of a batch of {rows}."
            )
        self.dim, self.output_dtype = int(z.shape[1]), z.dtype
        return z if z.dtype == torch.float64 else z.to(torch.float32)

    def describe(self) -> str:
        """Several lines for people: what was loaded, what was ignored, what the images should be."""
        lines = [self._title()]
        told = [f"{key} {self.provenance[key]}" for key in _TOLD if key in self.provenance]
        lines += [f"  read     {', '.join(told)}"] if told else []
        if self.loaded:
            prefix = self.provenance.get("prefix")
            lines.append(f"  loaded   {len(self.loaded)} tensors" + (f" under `{prefix}`" if prefix else ""))
            lines.append(f"  ignored  {_grouped(self.ignored, self.loaded) or 'nothing'}")
        if self.preprocessing is None:
            lines.append("  expects  images as they come" + (", uint8 divided by 255" if self.device else ""))
        else:
            p = self.preprocessing
            lines.append(
                f"  expects  uint8 or float in [0, 1]; channels {p.channels or 'as given'}, "
                f"size {p.size or 'as given'}{_geometry(p)}, mean {p.mean}, std {p.std}"
                + (" (assumed)" if self.provenance.get("preprocessing_assumed") else "")
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{self._title()}; {len(self.loaded)} tensors loaded, {len(self.ignored)} ignored>"

    def _title(self) -> str:
        architecture = self.provenance.get("architecture")
        kind = architecture_name(architecture) if architecture else type(self.network).__name__
        return f"Encoder {self.provenance['source']}: {kind} -> d = {self.dim or 'not known yet'}"


@checked(preprocessing=as_preprocessing)
def load_encoder(
    checkpoint: str | os.PathLike[str] | nn.Module | Function,
    *,
    architecture: str | Mapping[str, Any] | None = None,
    preprocessing: Preprocessing | None = None,
    prefix: str | None = None,
    pool: str | None = None,
    layer: str | None = None,
    dtype: torch.dtype | str | None = None,
    compile: bool = False,
    device: torch.device | str | None = None,
) -> Encoder:
    """Load an encoder, refusing every file that would have to run code.

    A file may be `.safetensors`, or `.pt`, `.pth`, `.ckpt`, `.pth.tar` written by `torch.save` from tensors
    and plain containers. The encoder, a ResNet-18/34/50 with torchvision's key names (or a `SmallConvNet`),
    is found under any prefix and in any nesting; depth, width, stem and input channels are read off names
    and shapes. Where several are in one file the one that papers evaluate is taken: teacher (DINO), then
    query (MoCo), then online (BYOL), then one without such a name, before student, target, key, momentum and
    average copies. Weights are float32 after loading.

    Models of other libraries, each an extra of this package, go by name: `timm:vit_small_patch14_dinov2`,
    `hf:facebook/dinov2-small`, `open_clip:ViT-B-32/laion2b_s34b_b79k`, `torchvision:resnet50`; with the library's
    weights, as far as they are on this machine or can be fetched. Folders of `save_pretrained` (transformers),
    `save_for_hf` (timm) and open_clip are read, and files in the layouts of DINO, DINOv2 and v3, MAE, MoCo v3,
    I-JEPA, BEiT, ConvNeXt and deeper ResNets are recognised by names and shapes and built with timm. Weights are never
    random but for "random" or "random:SEED" in place of a checkpoint, with an `architecture`. Preprocessing is that of
    the library's own configuration.

    Args:
        checkpoint: A path, a name, a network, or any callable from a batch of images to (N, d).
        architecture: Options of `build_encoder` that overrule those inferred. Shapes do not show a padding:
            give {"stem": "cifar-pad2"} for CIFAR checkpoints of solo-learn. Or a library's model whose weights the file
            holds, "timm:vit_base_patch16_224", or {"name": "timm:vit_base_patch16_224", "img_size": 96}.
        preprocessing: What the encoder expects; overrules the file's metadata. Where neither says: ImageNet
            statistics for an ImageNet stem, CIFAR-10's for a CIFAR stem, none for other than 3 channels, the
            size as it comes; `describe` then says "assumed".
        prefix: Where the encoder is, when a file holds several: "module.encoder_k".
        pool: What becomes of tokens, maps, or several outputs: "cls" (the first token), "mean" (over patches or space),
            "pooled" (what the network calls so), or the name of an output. None takes the library's own, or what the
            model's paper evaluates.
        layer: Name of a submodule whose output is taken in place of the network's: "blocks.10".
        dtype: Of weights and images, "bfloat16"; None leaves float32.
        compile: Whether `torch.compile` is used.
        device: Where to put the weights (a network given as `checkpoint` is moved); None leaves them on the
            CPU, or where they are.

    Returns:
        The encoder; `describe()` tells what was loaded, ignored and expected.

    Raises:
        UnsafeCheckpoint: a file that holds Python objects beyond tensors and plain containers.
        InvalidCheckpoint: no such file, not a checkpoint, no encoder in it, or weights missing, misshapen,
            not finite.
        InvalidOption: options that do not go with this kind of checkpoint, or a model that a library does not have.
        MissingDependency: the library is not installed.

    Example:
        >>> from bounds.examples.digits import CHECKPOINTS
        >>> encoder = bounds.load_encoder(CHECKPOINTS["VICReg"])
        >>> encoder.dim
        64
    """
    reading = Reading.of(pool, layer, dtype, compile)
    if isinstance(checkpoint, str | os.PathLike):
        encoder = _load(checkpoint, architecture, preprocessing, prefix, reading)
    elif not callable(checkpoint) or isinstance(checkpoint, type):
        raise InvalidOption(
            f"`checkpoint` must be a path, a torch.nn.Module or a callable, got {_kind(checkpoint)}."
        )
    elif architecture is not None or prefix is not None:
        raise InvalidOption(
            "`architecture` and `prefix` are for files; a network or callable is used as it is."
        )
    elif isinstance(checkpoint, Encoder):
        encoder = checkpoint
        if preprocessing is not None:
            encoder = _changed(
                checkpoint, checkpoint.network, {"preprocessing_assumed": False}, preprocessing
            )
        encoder = _read(encoder, reading)
    else:
        _check_weights(checkpoint)
        encoder = _read(Encoder(checkpoint, preprocessing=preprocessing), reading)
    return encoder if device is None else encoder.to(device)


@checked(path=target, metadata=maybe(options), preprocessing=as_preprocessing)
def save_encoder(
    module: nn.Module,
    path: str | os.PathLike[str],
    *,
    preprocessing: Preprocessing | None = None,
    metadata: Mapping[str, str] | None = None,
    trained_on: Tensor | np.ndarray | None = None,
) -> None:
    """Write an encoder as safetensors, whole or not at all, so that `load_encoder(path)` needs no options.

    Args:
        module: A `ResNet`, a `SmallConvNet`, or an `Encoder` around one.
        path: Where to; must end in `.safetensors`.
        preprocessing: What the encoder expects of images; by default that of the `Encoder`.
        metadata: More strings to keep in the file: objective, seed, data.
        trained_on: The images it was trained on, (M, C, H, W) as they were given, or their fingerprints, uint64 (M,):
            8 bytes an image are kept, by which `bounds.evaluate` finds them again among other data. By default those
            of the `Encoder`.

    Raises:
        InvalidOption: another kind of module, another ending, or metadata that is not strings or uses a
            reserved name.
        InvalidCheckpoint: weights that are NaN or infinite.

    Example:
        >>> import tempfile
        >>> from bounds.examples.digits import CHECKPOINTS
        >>> encoder = bounds.load_encoder(CHECKPOINTS["VICReg"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     bounds.save_encoder(encoder, f"{folder}/copy.safetensors", metadata={"note": "a copy"})
        ...     print(bounds.load_encoder(f"{folder}/copy.safetensors").dim == encoder.dim)
        True
    """
    if isinstance(module, Encoder):
        preprocessing = preprocessing or module.preprocessing
        trained_on = module.trained_on if trained_on is None else trained_on
    network = module.network if isinstance(module, Encoder) else module
    path = Path(path)
    if not isinstance(network, ResNet | SmallConvNet):
        raise InvalidOption(
            f"`module` must be a ResNet or a SmallConvNet of this package, got {type(network).__name__}."
        )
    if path.suffix != ".safetensors":
        raise InvalidOption(f"`path` must end in .safetensors, got {path.name}.")
    notes = {"format": "pt", "architecture": json.dumps(network.architecture)}
    if preprocessing is not None:
        notes["preprocessing"] = preprocessing.to_json()
    extra = dict(metadata or {})
    if {"format", "architecture", "preprocessing"} & set(extra) or not all(
        isinstance(item, str) for pair in extra.items() for item in pair
    ):
        raise InvalidOption(
            "`metadata` must map strings to strings, without `format`, `architecture`, `preprocessing`."
        )
    tensors = dict(network.state_dict())
    broken = [name for name, value in tensors.items() if not is_finite(value)]
    if broken:
        raise InvalidCheckpoint(f"Weights hold NaN or infinity: {truncated(broken)}; nothing was written.")
    if trained_on is not None:
        known = isinstance(trained_on, np.ndarray) and trained_on.dtype == np.uint64
        prints = np.unique(trained_on if known else fingerprints(torch.as_tensor(trained_on)))
        tensors[_RECORD] = torch.from_numpy(prints.view(np.int64))
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        write_tensors(part, tensors, notes | extra)


@contextmanager
def evaluating(networks: Sequence[nn.Module]) -> Iterator[None]:
    """Every submodule in evaluation mode inside, as it was afterwards."""
    training = [module for network in networks for module in network.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _load(
    given: str | os.PathLike[str],
    architecture: str | Mapping[str, Any] | None,
    preprocessing: Preprocessing | None,
    prefix: str | None,
    reading: Reading,
) -> Encoder:
    """From a name, the word "random", a folder or a file."""
    name, path = str(given), Path(given)
    if architecture is not None and opening.RANDOM.fullmatch(name) and not path.exists():
        return Encoder(**opening.of_random(name, architecture, reading, preprocessing))
    spec = None if architecture is None else parse(architecture)
    if is_named(given) or is_folder(path):
        if architecture is not None or prefix is not None:
            raise InvalidOption(
                f"{name!r} says which model it is; `architecture` and `prefix` are for files."
            )
        if is_named(given):
            return Encoder(**opening.named(name, reading, preprocessing))
        return Encoder(**opening.folder(path, reading, preprocessing))
    if spec is not None:
        return _of_library(path, *read_checkpoint(path), spec, preprocessing, prefix, reading)
    return _load_file(path, architecture, preprocessing, prefix, reading)  # type: ignore[arg-type]


def _of_library(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    digest: str,
    spec: Spec,
    preprocessing: Preprocessing | None,
    prefix: str | None,
    reading: Reading,
    assumed: Preprocessing | None = None,
) -> Encoder:
    facts = {"source": path.name, "sha256": digest, "metadata": metadata}
    return Encoder(
        **opening.file(spec, tensors, f"`{path.name}`", prefix, reading, preprocessing, facts, assumed)
    )


def _read(encoder: Encoder, reading: Reading) -> Encoder:
    """The encoder read in another way.

    Raises:
        InvalidOption: a callable, which only its owner can change.
    """
    if reading == Reading():
        return encoder
    if not isinstance(encoder.network, nn.Module):
        raise InvalidOption(
            "`pool`, `layer`, `dtype` and `compile` are for networks; a callable is used as it is."
        )
    return _changed(encoder, reading.of_network(encoder.network), reading.plain, encoder.preprocessing)


def _changed(
    old: Encoder, network: nn.Module | Function, facts: Mapping[str, Any], preprocessing: Preprocessing | None
) -> Encoder:
    return Encoder(
        network, preprocessing=preprocessing, loaded=old.loaded, ignored=old.ignored,
        provenance={**old.provenance, **facts}, trained_on=old.trained_on,
    )  # fmt: skip


def _load_file(
    path: Path,
    architecture: Mapping[str, Any] | None,
    preprocessing: Preprocessing | None,
    prefix: str | None,
    reading: Reading,
) -> Encoder:
    origin = f"`{path.name}`"
    tensors, metadata, digest = read_checkpoint(path)
    record = tensors.pop(_RECORD, None)
    try:
        stored = json.loads(metadata["architecture"]) if "architecture" in metadata else {}
        if not isinstance(stored, dict):
            raise ValueError("`architecture` is not a JSON object")
        if stored:
            build_encoder(stored, device="meta")
        if preprocessing is None and "preprocessing" in metadata:
            preprocessing = Preprocessing.from_json(metadata["preprocessing"])
    except ValueError as err:
        raise InvalidCheckpoint(f"{origin} has metadata that cannot be read: {err}.") from err

    wanted = stored | dict(architecture or {})
    found = [each for each in find_encoders(list(tensors)) if each.name == wanted.get("name", each.name)]
    if not stored and architecture is None and not any(fits_own(each, tensors) for each in found):
        known = recognise(tensors, origin)
        if known is not None:
            where = prefix or known.prefix
            return _of_library(
                path,
                tensors,
                metadata,
                digest,
                known.spec,
                preprocessing,
                where,
                reading,
                known.preprocessing,
            )
    if not found:
        raise InvalidCheckpoint(
            f"{origin} holds no ResNet-18/34/50 with torchvision's key names, no small ConvNet and no published layout; "
            f"its {len(tensors)} tensors: {truncated(list(tensors)) or 'none'}; name what it is, as in "
            '`architecture="timm:vit_base_patch16_224"`, or load it into your own network and pass that.'
        )
    chosen = choose(found, prefix, origin)
    if not stored:
        wanted = infer_architecture(chosen, tensors, origin) | wanted
    network = build_with_weights(wanted, chosen, tensors, origin)
    loaded = [chosen.sources[name] for name in network.state_dict() if name in chosen.sources]
    assumed = preprocessing is None
    if preprocessing is None:
        preprocessing = _assumed_preprocessing(network)
    elif preprocessing.channels is None and network.architecture["in_channels"] in (1, 3):
        preprocessing = replace(preprocessing, channels=network.architecture["in_channels"])
    encoder = Encoder(
        network.eval(),
        preprocessing=preprocessing,
        loaded=loaded,
        ignored=sorted(set(tensors) - set(loaded)),
        provenance={
            "source": path.name, "sha256": digest, "architecture": network.architecture,
            "prefix": chosen.prefix.strip("."), "metadata": metadata, "preprocessing_assumed": assumed,
            **({} if record is None else {"trained_on": f"{len(record)} images on record"}),
        },
        trained_on=None if record is None else record.numpy().view(np.uint64),
    )  # fmt: skip
    return _read(encoder, reading)


def _kind(checkpoint: Any) -> str:
    if isinstance(checkpoint, type):
        return f"the class {checkpoint.__name__}; make an object of it: {checkpoint.__name__}(...)"
    return type(checkpoint).__name__


def _check_weights(network: Any) -> None:
    """Refuse weights that are not there: shapes to be inferred later, tensors without values."""
    owner = getattr(network, "__self__", network)
    if not isinstance(owner, nn.Module):
        return
    for name, weight in chain(owner.named_parameters(), owner.named_buffers()):
        if nn.parameter.is_lazy(weight):
            raise InvalidCheckpoint(
                f"Weight `{name}` has no shape yet (a lazy module); run a batch through it first."
            )
        if weight.is_meta:
            raise InvalidCheckpoint(f"Weight `{name}` has no values (device meta); load weights first.")


def _assumed_preprocessing(network: ResNet | SmallConvNet) -> Preprocessing:
    channels = network.architecture["in_channels"]
    if channels == 3:
        return IMAGENET if network.architecture.get("stem") == "imagenet" else CIFAR10
    return Preprocessing(channels=1 if channels == 1 else None)


def _geometry(p: Preprocessing) -> str:
    if p.size is None:
        return ""
    resized = f" cut from {p.resize}" if p.resize else ""
    return f"{resized}{', squashed' if p.fit == 'squash' else ''} ({p.interpolation})"


def _grouped(ignored: Sequence[str], loaded: Sequence[str]) -> str:
    """Ignored names, cut at the first component that no loaded name shares, with counts."""
    shared = {name[:i] for name in loaded for i, letter in enumerate(name) if letter == "."}
    groups: Counter[str] = Counter()
    for name in ignored:
        cuts = [i for i, letter in enumerate(name) if letter == "."]
        groups[next((f"{name[:i]}.*" for i in cuts if name[:i] not in shared), name)] += 1
    return truncated([f"{group} ({count})" if count > 1 else group for group, count in groups.items()], 8)
