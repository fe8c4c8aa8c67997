"""Data through the encoder, batch by batch, into a table of representations; images are never kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from bounds.arguments import checked, folder, integer, maybe, one_of
from bounds.data.arrays import ArraySource
from bounds.data.base import Batch, Source
from bounds.data.checks import every_label
from bounds.data.class_names import Names
from bounds.data.pairing import ClassPairs, Rows, class_pairs
from bounds.data.prefetch import prefetched, to_device, transferred
from bounds.data.preprocessing import Geometry
from bounds.data.views import Augmentation, Recipe
from bounds.encoders.checkpoints import Encoder, load_encoder
from bounds.encoders.code_digest import code_sha256, state_sha256
from bounds.encoders.one_image import ROWS, check_one_image, tolerance
from bounds.errors import InvalidData, InvalidInput
from bounds.files import alone_in
from bounds.processes import ALONE, Processes
from bounds.representations.inputs import open_source
from bounds.representations.resuming import check_first_rows, check_items, identifies
from bounds.representations.store import RepresentationStore, StoreWriter
from bounds.representations.table import Representations
from bounds.representations.together import extract_together

Pairs = Literal["augmentation", "class"]
Checkpoint = Encoder | nn.Module | Callable[[Tensor], Any] | str | os.PathLike[str] | None


@dataclass(frozen=True)
class Extracted:
    """Representations of one role, and how they came about.

    Attributes:
        representations: The table; for pairs two views.
        made: How the second view came: "augmentation", "class", "given" by the data, or None for one view.
        class_pairs: Which items were paired, when `made` is "class".
        num_classes: The number of classes stated by the caller or declared by the data, else None.
        class_names: Name of each class where the data have names, in the order of the labels.
        provenance: Plain data for reports: data, encoder, seed, options.
        notes: What was left out or is out of the ordinary, in sentences.
    """

    representations: Representations
    made: Literal["augmentation", "class", "given"] | None
    class_pairs: ClassPairs | None
    num_classes: int | None
    provenance: dict[str, Any]
    class_names: Names | None = None
    notes: tuple[str, ...] = ()


@checked(role=one_of("labeled", "unlabeled", "test"), views=integer(1, 2), save=maybe(folder))
def extract(
    encoder: Checkpoint,
    data: Any,
    *,
    role: str,
    views: int = 1,
    pairs: Pairs = "augmentation",
    class_prior_known: bool = False,
    recipe: Recipe | None = None,
    size: int | None = None,
    num_classes: int | None = None,
    seed: int = 0,
    batch_size: int = 256,
    start: int = 0,
    stop: int | None = None,
    device: torch.device | str | None = None,
    autocast: bool = False,
    progress: bool = True,
    save: str | os.PathLike[str] | None = None,
    processes: Processes = ALONE,
) -> Extracted:
    """Representations f(x) of each item, or of two views of it.

    Batches are read ahead by a thread and pass through the encoder in evaluation and inference mode. The
    vectors go to `save`, or to a temporary folder that is deleted with the result; vectors in arrays are used
    in place when there is no encoder.

    Args:
        encoder: What `load_encoder` takes or returns; None when the data are representations.
        data: Whatever `open_source` takes, or a source.
        role: "labeled", "unlabeled" or "test": for messages; all but "unlabeled" need labels.
        views: 1, or 2 for pairs. Labeled data may hold two views all the same; the first is the sample.
        pairs: Where the second view comes from if the data have one: two augmentations of each image, or
            two items of one class (which needs labels; see `class_pairs`). Data given as pairs stay.
        class_prior_known: For class pairs; see `class_pairs`.
        recipe: Of the augmentation; None takes the default of `Augmentation`.
        size: Side in pixels to bring images to; None takes the encoder's own.
        num_classes: Number of classes; labels beyond are refused.
        seed: Of augmentations and class pairs; both depend on (seed, row), never on `batch_size`.
        batch_size: Images that pass through the encoder at once.
        start: First row to take; a process of several takes its own range.
        stop: Row after the last.
        device: None takes CUDA if present (a callable that is not a module then gets CPU tensors).
        autocast: Whether to run the encoder in bfloat16.
        progress: Whether to show a bar.
        save: Folder to keep the representations in; an interrupted run with equal arguments goes on there.
        processes: Those that share the work; all get the whole table (see `extract_together`).

    Raises:
        InvalidInput: missing files, unknown types, images without an encoder.
        InvalidData: data that cannot be used (naming the row), or an encoder's output that is not finite.
        InvalidOption: options that do not go together, or a folder that holds something else.
        CorruptStore: a saved shard that differs from its checksum.
    """
    source = data if isinstance(data, Source) else open_source(data, name=role, num_classes=num_classes)
    known = encoder if encoder is None or isinstance(encoder, Encoder) else load_encoder(encoder)
    run, made = _prepared(source, known, role, views, pairs, recipe, size, seed, device, autocast)
    labels_needed = run.labels_needed
    identity = run.identity() | {"rows": [start, stop]}
    provenance = identity | {"role": role, "pairs": made, "seed": seed, "device": str(run.device)}
    whole = save is None and (start, stop) == (0, None)
    if known is None and whole and isinstance(source, ArraySource) and source.indexable:
        keys, kind = source.all_fingerprints(), source.fingerprinted
        table = Representations(source.arrays, source.labels, role, fingerprints=keys, fingerprinted=kind)
        notes = source.notes
        if labels_needed and source.labels is not None:
            every_label(source.labels, source.where)
    else:
        store = run.store(identity, save, batch_size, start, stop, progress, processes)
        # Together: a temporary folder goes with the store of the process that made it, the others read before that.
        table = processes.together(f"reading `{role}`", lambda: store.representations(role))
        notes = (*source.notes, *(f"{source.where}: {note}" for note in store.notes))
    if not labels_needed and table.labels is not None and (missing := int((table.labels < 0).sum())):
        notes = (*notes, f"{source.where}: {missing} items have the label -1, none: no label of them is used")
        table = replace(table, labels=None)
    if made != "class" or table.labels is None:
        return Extracted(table, made, None, source.num_classes, provenance, source.class_names, notes)
    chosen = class_pairs(table.labels, seed=seed, class_prior_known=class_prior_known, name=role)
    pool, found = table.views[0], table.fingerprints
    both = None if found is None else np.concatenate([found[chosen.first], found[chosen.second]], axis=1)
    two = Rows(pool, chosen.first), Rows(pool, chosen.second)
    table = replace(table, views=two, labels=chosen.labels, fingerprints=both)
    return Extracted(table, made, chosen, source.num_classes, provenance, source.class_names, notes)


def extract_part(
    encoder: Encoder | None,
    source: Source,
    folder: str | os.PathLike[str],
    rows: tuple[int, int],
    *,
    role: str,
    views: int = 1,
    pairs: Pairs = "augmentation",
    size: int | None = None,
    seed: int = 0,
    batch_size: int = 256,
    device: torch.device | str | None = None,
    autocast: bool = False,
    known: dict[str, Any] | None = None,
) -> None:
    """Fill a folder with the representations of some rows, as `extract` with `start`, `stop` and `save` does.

    Batches begin at the first row: parts whose ends are multiples of `batch_size` hold, bit by bit, what one process
    would have written.

    Args:
        encoder, source, role, views, pairs, size, seed, batch_size, device, autocast: As for `extract`.
        folder: Where to; what a killed process left there is continued.
        rows: First row, and the row after the last.
        known: The fingerprint of the source, where it was taken already.
    """
    run, _ = _prepared(source, encoder, role, views, pairs, None, size, seed, device, autocast)
    run.store(run.identity(known) | {"rows": list(rows)}, folder, batch_size, *rows, False, ALONE)


def _prepared(
    source: Source,
    encoder: Encoder | None,
    role: str,
    views: int,
    pairs: str,
    recipe: Recipe | None,
    size: int | None,
    seed: int,
    device: torch.device | str | None,
    autocast: bool,
) -> tuple[_Run, Literal["augmentation", "class", "given"] | None]:
    made = _second_view(source, role, views, pairs, encoder)
    augment = Augmentation(recipe, seed=seed) if made == "augmentation" else None
    labels_needed = role != "unlabeled" or made == "class"
    return _Run(source, encoder, augment, size, device, autocast, labels_needed), made


def _second_view(
    source: Source, role: str, views: int, pairs: str, encoder: Encoder | None
) -> Literal["augmentation", "class", "given"] | None:
    if encoder is None and source.kind == "images":
        raise InvalidInput(f"{source.where} holds images; give a checkpoint (None is for vectors (N, d)).")
    if encoder is not None and encoder.preprocessing is not None and source.kind == "vectors":
        raise InvalidData(
            f"{source.where} holds vectors (N, d) where the encoder expects images; "
            "give no checkpoint if they are representations already."
        )
    if role != "unlabeled" and not source.has_labels:
        raise InvalidData(f"{source.where} has no labels{source.found}; give (x, y).")
    if views == 1:
        if source.views == 2 and role != "labeled":
            raise InvalidData(f"{source.where} has two views of each item; give one, as (x, y) or x.")
        return "given" if source.views == 2 else None
    if source.views == 2:
        return "given"
    if pairs == "class":
        if not source.has_labels:
            raise InvalidData(
                f"{source.where} has no labels{source.found}, but class pairs need them; give (x, y)."
            )
        return "class"
    if source.kind == "vectors":
        raise InvalidData(
            f"{source.where} holds one representation of each item, which cannot be augmented; "
            'give (x1, x2), or labels and pairs="class".'
        )
    return "augmentation"


class _Run:
    """One pass of a source through an encoder (or past it, when there is none)."""

    def __init__(
        self,
        source: Source,
        encoder: Encoder | None,
        augment: Augmentation | None,
        size: int | None,
        device: torch.device | str | None,
        autocast: bool,
        labels_needed: bool,
    ) -> None:
        self.source, self.encoder, self.augment, self.autocast = source, encoder, augment, autocast
        self.labels_needed = labels_needed
        expected = None if encoder is None else encoder.preprocessing
        self.channels = 3 if expected is not None and expected.channels == 3 else None
        given = Geometry.of(size)
        self.size = given if given is not None or expected is None else expected.geometry
        # Images are brought to size before they are augmented, whether their sizes differ or not: the views
        # of an item then never depend on the images it shares a batch with.
        self.unit_range = bool(expected or augment or self.size)
        self.as_given = expected is None and self.size is None
        self.device = _place(encoder, device)
        self._checked = False

    def identity(self, known: dict[str, Any] | None = None) -> dict[str, Any]:
        """What decides the stored numbers: equal identity, equal rows."""
        return {
            "data": self.source.fingerprint() if known is None else known,
            "encoder": _describe(self.encoder),
            "augmentation": self.augment.description() if self.augment else None,
            "size": None if self.size is None else self.size.plain(),
            "autocast": self.autocast,
        }

    def store(
        self,
        identity: dict[str, Any],
        save: str | os.PathLike[str] | None,
        batch_size: int,
        start: int,
        stop: int | None,
        progress: bool,
        processes: Processes,
    ) -> RepresentationStore:
        """Encode what is not in the folder yet."""
        end = self.source.count if stop is None else stop

        def write(writer: StoreWriter, first: int, last: int | None) -> None:
            self._write(writer, batch_size, first, last, progress)

        def begin(folder: Path, one: dict[str, Any], first: int) -> StoreWriter:
            return self._begin(folder, one, first, save is not None, batch_size)

        if processes.world > 1:
            folder = extract_together(
                processes, identity, save, (start, end), write, begin, self.source.where
            )
            store = RepresentationStore.open(folder, verify=False)
            if save is None and processes.rank == 0:
                weakref.finalize(store, shutil.rmtree, folder.parent, ignore_errors=True)
            return store
        folder = Path(tempfile.mkdtemp(prefix="bounds-") if save is None else save)
        try:
            with alone_in(folder):
                writer = begin(folder, identity, start)
                if not writer.complete:
                    write(writer, start, stop)
            store = RepresentationStore.open(folder, verify=False)  # the writer has just verified it
        except BaseException:
            if save is None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        if save is None:
            weakref.finalize(store, shutil.rmtree, folder, ignore_errors=True)
        return store

    def _begin(
        self, folder: Path, identity: dict[str, Any], start: int, durable: bool, batch_size: int
    ) -> StoreWriter:
        """A writer for the folder; what it holds already was made from these items by this encoder."""
        names = self.source.class_names
        writer = StoreWriter(folder, identity, class_names=names, durable=durable)
        if writer.rows:
            stored, few = writer.stored, min(ROWS, writer.rows)
            if not identifies(self.source):
                batches = self._read(batch_size, start, start + writer.rows)
                with contextlib.closing(prefetched(batches)) as ahead:
                    check_items(stored, ahead, self.source.where)
            check_first_rows(stored, self.vectors(next(self._read(few, start, start + few))))
        return writer

    def _read(self, batch_size: int, start: int, stop: int | None) -> Iterator[Batch]:
        return self.source.batches(
            batch_size,
            start=start,
            stop=stop,
            size=self.size,
            channels=self.channels,
            unit_range=self.unit_range,
        )

    def _write(
        self, writer: StoreWriter, batch_size: int, start: int, stop: int | None, progress: bool
    ) -> None:
        """Encode rows start..stop, but for those that are there."""
        from tqdm.auto import tqdm

        end = self.source.count if stop is None else stop
        batches = self._read(batch_size, start + writer.rows, stop)
        total = None if end is None else end - start
        with (
            contextlib.closing(prefetched(transferred(batches, self._moved, self.device))) as ahead,
            tqdm(
                total=total, initial=writer.rows, desc=self.source.where, unit=" items", disable=not progress
            ) as bar,
        ):
            for batch in ahead:
                labels = None if batch.labels is None else batch.labels.numpy()
                if self.labels_needed and labels is not None:
                    every_label(labels, self.source.where, batch.first_row)
                found = tuple(z.numpy() for z in self.vectors(batch))
                writer.append(found, labels, batch.fingerprints, self.source.fingerprinted, batch.turned)
                bar.update(batch.count)
        writer.finish()

    def _moved(self, batch: Batch) -> Batch:
        return replace(batch, views=tuple(to_device(x, self.device) for x in batch.views))

    @torch.inference_mode()
    def vectors(self, batch: Batch) -> tuple[Tensor, ...]:
        """The representations of a batch, one tensor or two, on the CPU."""
        if self.encoder is None:
            return tuple(x.cpu().float() if x.dtype == torch.bfloat16 else x.cpu() for x in batch.views)
        views = [to_device(x, self.device) for x in batch.views]
        if self.source.kind == "images":
            views = self._views(views, batch)
        rows = f"rows {batch.first_row} to {batch.first_row + batch.count - 1} of {self.source.where}"
        try:
            made = tuple(self._encode(x) for x in views)
            if not self._checked:
                self._check(views[0], made[0])
            return made
        except InvalidData as err:
            if self.source.kind == "vectors" and err.__cause__ is not None:
                raise InvalidData(
                    f"{self.source.where} holds vectors (N, d), which the encoder does not take ({err.__cause__}); "
                    "give no checkpoint if they are representations already."
                ) from err
            raise InvalidData(f"{str(err).removesuffix('.')} ({rows}).") from err

    def _encode(self, images: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            z: Tensor = self._known(images)
        return z.cpu()

    @property
    def _known(self) -> Encoder:
        if self.encoder is None:
            raise InvalidInput(f"{self.source.where} needs an encoder.")
        return self.encoder

    def _check(self, images: Tensor, z: Tensor) -> None:
        """Once, on the first batch."""
        encoder = self._known
        allowed = tolerance(encoder.network, encoder.output_dtype, self.autocast)
        check_one_image(self._encode, images, z, allowed, encoder.provenance["source"])
        self._checked = True

    def _views(self, views: list[Tensor], batch: Batch) -> list[Tensor]:
        dtype = views[0].dtype
        if self.size is not None:
            views = [self.size(x) for x in views]
        if self.augment is not None:
            rows = np.arange(batch.first_row, batch.first_row + batch.count)
            views = [self.augment(views[0], rows, view) for view in (0, 1)]
            if self.as_given and dtype == torch.uint8:  # what has no preprocessing gets the type it knows
                views = [(x * 255).round().to(torch.uint8) for x in views]
        return views


def _place(encoder: Encoder | None, device: torch.device | str | None) -> torch.device:
    if device is None and torch.cuda.is_available() and encoder is not None and encoder.device is not None:
        device = "cuda"
    if encoder is None:
        return torch.device("cpu")
    if device is None:
        return encoder.device or torch.device("cpu")
    encoder.to(device)
    return torch.device(device)


def _describe(encoder: Encoder | None) -> dict[str, Any] | None:
    if encoder is None:
        return None
    note = dict(encoder.provenance)
    if encoder.preprocessing is not None:
        note["preprocessing"] = encoder.preprocessing.to_json()
    if isinstance(encoder.network, nn.Module):
        note["weights_sha256"] = state_sha256(encoder.network)
    note["code_sha256"] = code_sha256(encoder.network)
    return note
