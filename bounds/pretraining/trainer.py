"""Trains an encoder with any objective; an epoch depends on (state, seed) alone, so runs resume exactly."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from bounds.arguments import checked, instance, maybe, nearest, shown, unknown, widths
from bounds.data.preprocessing import Preprocessing, as_preprocessing
from bounds.data.views import Augmentation, Recipe
from bounds.draws import permutation
from bounds.encoders.architectures import ResNet, SmallConvNet, build_encoder
from bounds.encoders.checkpoints import save_encoder
from bounds.errors import InvalidOption, TrainingCollapsed
from bounds.files import alone_in
from bounds.information.one_pass import monitor
from bounds.objectives.base import Objective
from bounds.objectives.gather import gather
from bounds.objectives.partial_labels import PartiallyLabeledVICReg
from bounds.objectives.registry import make_objective
from bounds.pretraining.folder import RunFolder
from bounds.pretraining.images import Images
from bounds.pretraining.model import SelfSupervised
from bounds.pretraining.monitor import entropies, features, ridge_probe, spread
from bounds.pretraining.optimizers import cosine_schedule, make_optimizer
from bounds.pretraining.parallel import Process, join
from bounds.pretraining.settings import Settings

_CHECK_EVERY = 50  # steps between looks at the loss: each look waits for the device
_NARROW = 8  # output channels
_VIEWED = 2000  # images of which two views are compared after an epoch


@dataclass(frozen=True)
class Pretrained:
    """What a run leaves.

    Attributes:
        encoder: The trained network, in eval mode, on the CPU.
        path: Its checkpoint, for `bounds.evaluate` or `bounds.load_encoder`.
        trajectory: Encoders kept on the way, the untrained one first.
        history: One dictionary an epoch: losses, learning rate, entropies, probe accuracy, seconds.

    Example:
        >>> import tempfile
        >>> from bounds.examples.digits import digits
        >>> from bounds.pretraining import pretrain
        >>> images = digits().pretrain[0][:64]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = pretrain("simclr", images, out=folder, epochs=1, batch_size=32, progress=False)
        ...     print(len(run.trajectory), bounds.load_encoder(run.path).dim)
        2 64
    """

    encoder: ResNet | SmallConvNet
    path: Path
    trajectory: tuple[Path, ...]
    history: tuple[dict[str, Any], ...]


@checked(
    recipe=maybe(instance(Recipe, "a `Recipe`")),
    projector=widths,
    preprocessing=as_preprocessing,
    objective=instance((str, Objective), "the name of an objective, or a module of `bounds.objectives`"),
)
def pretrain(
    objective: str | Objective,
    data: Any,
    *,
    out: str | os.PathLike[str],
    encoder: str | Mapping[str, Any] | ResNet | SmallConvNet = "small_convnet",
    epochs: int = 100,
    batch_size: int = 256,
    optimizer: Literal["sgd", "lars", "adamw"] = "sgd",
    lr: float | None = None,
    projector: Sequence[int] = (256, 256, 128),
    recipe: Recipe | None = None,
    preprocessing: Preprocessing | None = None,
    probe: Any = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    resume: bool = True,
    progress: bool = True,
    **settings: Any,
) -> Pretrained:
    """Train an encoder on pairs of augmented views and keep its checkpoints, log and state in `out`.

    On the CPU the result is a function of the arguments: a run killed and started again ends bit for bit
    where an uninterrupted one ends. Under torchrun every process takes its share of each batch; the
    objective sees the whole batch, batch norms see it on CUDA and their share on the CPU. `out` must then be
    visible to all processes.

    Args:
        objective: A name (`bounds.objectives.OBJECTIVES`) or a module.
        data: Images, anything `bounds.evaluate` takes; labels are only used by the probe and by
            `vicreg_partial`.
        out: Folder of the run.
        encoder: "small_convnet", "resnet18", "resnet34", "resnet50" (CIFAR stem), an `architecture`
            dictionary, or a network of `bounds.representations`, which is then trained itself.
        epochs: See `Settings`, as for `batch_size`, `optimizer`, `lr`, `projector`, `seed`.
        batch_size: Items a step, over all processes.
        optimizer: "sgd", "lars" or "adamw".
        lr: Peak learning rate.
        projector: Widths of the projector's layers.
        recipe: Augmentations; the default is chosen by the image size (`Augmentation`).
        preprocessing: Normalisation, and the size where images differ in it; None takes mean and standard
            deviation of the data.
        probe: Labeled images for the linear probe, fitted on four fifths of them and scored on the rest;
            None takes the labeled items of `data`.
        seed: Of everything random.
        device: Default CUDA where present.
        resume: Continue the run that `out` holds; False starts anew.
        progress: Show a progress bar.
        **settings: Other fields of `Settings`.

    Raises:
        InvalidOption: options outside their range, or `out` holds another run.
        InvalidData: images that cannot be read.
        TrainingCollapsed: the loss became NaN or infinite, or the embeddings lost their variance; the
            checkpoints up to the epoch before are kept.

    Example:
        >>> import tempfile
        >>> from bounds.examples.digits import digits
        >>> from bounds.pretraining import pretrain
        >>> images = digits().pretrain[0][:64]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = pretrain("vicreg", images, out=folder, epochs=2, batch_size=32, progress=False)
        >>> [epoch["epoch"] for epoch in run.history]
        [1, 2]
    """
    taken = [field.name for field in fields(Settings)]
    for name in settings:
        if name not in taken:
            raise unknown("`pretrain` got an unknown option:", name, taken)
    numbers = Settings(epochs, batch_size, optimizer, lr, projector=tuple(projector), seed=seed, **settings)
    with join(device) as process, torch.random.fork_rng(devices=_cuda_devices(process.device)):
        images = Images.load(data, size=None if preprocessing is None else preprocessing.size)
        run = _Run(process, numbers, images, objective, encoder, recipe, preprocessing, probe, RunFolder(out))
        with alone_in(out) if process.rank == 0 else nullcontext():
            run.start(resume)
            with tqdm(
                total=numbers.epochs * run.steps,
                initial=run.epoch * run.steps,
                unit="step",
                disable=not progress or process.rank > 0,
            ) as bar:
                while run.epoch < numbers.epochs:
                    run.train_epoch(bar)
        process.wait()
        return run.result()


class _Run:
    """The pieces of one run, and what happens to them in an epoch."""

    def __init__(
        self,
        process: Process,
        settings: Settings,
        images: Images,
        objective: str | Objective,
        encoder: str | Mapping[str, Any] | ResNet | SmallConvNet,
        recipe: Recipe | None,
        preprocessing: Preprocessing | None,
        probe: Any,
        folder: RunFolder,
    ) -> None:
        if settings.batch_size > len(images) or settings.batch_size % process.world:
            raise InvalidOption(
                f"`batch_size` must be at most the {len(images)} images and a multiple of the "
                f"{process.world} processes, got {settings.batch_size}."
            )
        self.process, self.settings, self.folder = process, settings, folder
        self.preprocessing = preprocessing or images.statistics()
        self.images = images.to(process.device)
        self.augment = Augmentation(recipe, seed=settings.seed)
        self.probe = self._probe_images(probe).to(process.device)
        self.labels = self._known_labels()
        self.steps = len(images) // settings.batch_size
        torch.manual_seed(settings.seed)
        self.network = _make_encoder(encoder, images.pixels.shape[1])
        loss = self._make_objective(objective) if isinstance(objective, str) else objective
        if isinstance(loss, PartiallyLabeledVICReg) and self.labels is None:
            raise InvalidOption("The objective uses labels and `data` has none; give (images, labels).")
        self.identity = json.dumps(
            {
                "settings": settings.to_json(),
                "objective": loss.describe(),
                "data": images.digest,
                "encoder": json.dumps(self.network.architecture),
                "preprocessing": self.preprocessing.to_json(),
                "recipe": repr(recipe),
                "processes": process.world,
            }
        )
        self.model = SelfSupervised(self.network, settings.projector, loss)
        self.layout = memory_layout(self.network, process.device)
        self.model.to(process.device).to(memory_format=self.layout)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(
            settings.optimizer,
            self.model,
            lr=settings.peak_lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
        self.parallel = process.parallel(self.model)
        self.epoch = 0
        self.history: list[dict[str, Any]] = []

    def start(self, resume: bool) -> None:
        """Take up the state in the folder, or write the untrained encoder."""
        state = self.folder.read_state(self.identity) if resume else None
        self.process.wait()  # all have looked before one writes
        if state is not None:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.epoch, self.history = state["epoch"], json.loads(state["history"])
            return
        if self.process.rank == 0:
            self.folder.make()
            for old in (self.folder.state, self.folder.encoder, self.folder.log, *self.folder.trajectory()):
                old.unlink(missing_ok=True)
            self._save_encoder(self.folder.trajectory_file(0))

    def train_epoch(self, bar: tqdm[Any]) -> None:
        """All steps of one epoch, then measure, check and save."""
        began = time.perf_counter()
        torch.manual_seed(self.settings.seed * 1_000_003 + self.epoch + 1)
        self.model.train()
        order = permutation(self.settings.seed, len(self.images), stream=self.epoch)
        totals: dict[str, Tensor] = {}
        for step in range(self.steps):
            parts, z = self._step(order, step)
            for name, value in parts.items():
                totals[name] = totals.get(name, 0) + value.detach()
            bar.update()
            if step % _CHECK_EVERY == 0 or step == self.steps - 1:
                self._refuse_collapse(totals, z if step == self.steps - 1 else None)
        losses = {name: float(value) / self.steps for name, value in totals.items()}
        self.epoch += 1
        row: dict[str, Any] = {"epoch": self.epoch, "loss": sum(losses.values()), "parts": losses}
        row |= {"lr": self.optimizer.param_groups[0]["lr"], "spread": float(spread(z))}
        row["seconds"] = round(time.perf_counter() - began, 3)
        if self.process.rank == 0:
            if self.epoch % self.settings.probe_every == 0 or self.epoch == self.settings.epochs:
                row |= self.measure()
            self.history.append(row)
            self._save()
            bar.set_postfix(
                {k: f"{row[k]:.3g}" for k in ("loss", "embedding_entropy_unit", "probe") if k in row}
            )

    def _step(self, order: np.ndarray, step: int) -> tuple[dict[str, Tensor], Tensor]:
        settings, process = self.settings, self.process
        share = settings.batch_size // process.world
        first = step * settings.batch_size + process.rank * share
        rows = order[first : first + share]
        index = torch.from_numpy(rows).to(self.images.pixels.device)
        batch = self.images.pixels[index].to(process.device, non_blocking=True)
        x1, x2 = (self._prepare(self.augment(batch, rows, 2 * self.epoch + view)) for view in (0, 1))
        labels = None if self.labels is None else self.labels[index].to(process.device)
        done = self.epoch * self.steps + step
        total = settings.epochs * self.steps
        for group in self.optimizer.param_groups:
            group["lr"] = settings.peak_lr * cosine_schedule(done, total, round(settings.warmup * total))
        with self._autocast():
            parts, z = self.parallel(x1, x2, labels)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.model.follow(settings.target_momentum, (done + 1) / total)
        return parts, z

    def _prepare(self, view: Tensor) -> Tensor:
        return self.preprocessing(view).contiguous(memory_format=self.layout)

    def _autocast(self) -> Any:
        wanted = self.settings.precision
        device = self.process.device.type
        if wanted == "bfloat16" or (wanted == "auto" and device == "cuda"):
            return torch.autocast(device, dtype=torch.bfloat16)
        return nullcontext()

    def _refuse_collapse(self, totals: dict[str, Tensor], z: Tensor | None) -> None:
        what = None
        if not all(bool(torch.isfinite(value)) for value in totals.values()):
            what = "the loss is not finite; lower the learning rate"
        elif z is not None and float(spread(gather(z))) < self.settings.collapse_below:
            what = "the embeddings of different images are all the same; strengthen what keeps them apart"
        if what:
            kept = [*self.folder.trajectory(), self.folder.encoder]
            last = kept[-1] if kept[-1].exists() else kept[0]
            raise TrainingCollapsed(
                f"Training collapsed in epoch {self.epoch + 1}: {what}. The last good checkpoint is {last}."
            )

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Entropies over at most `probe_limit` training images, label-free measures over fewer; the linear probe."""
        self.model.eval()
        device, limit = self.process.device, self.settings.probe_limit
        sample = permutation(self.settings.seed, len(self.images), stream=-1)[:limit]
        index = torch.from_numpy(sample).to(self.images.pixels.device)
        z = self._features(self.images.pixels[index], device)
        found = entropies(z, "representation") | entropies(self.model.projector(z), "embedding")
        found |= {f"representation_{name}": value for name, value in self._geometry(sample[:_VIEWED]).items()}
        if self.probe.labels is not None:
            labels = self.probe.labels.to(device)
            z = self._features(self.probe.pixels, device)
            cut = len(z) * 4 // 5
            classes = int(labels.max()) + 1
            found["probe"] = ridge_probe(z[:cut], labels[:cut], z[cut:], labels[cut:], classes)
        return found

    def _geometry(self, rows: np.ndarray) -> dict[str, float]:
        """`bounds.monitor` of two views of these images, the same two in every epoch."""
        if len(rows) < 2:
            return {}
        index = torch.from_numpy(rows).to(self.images.pixels.device)
        views = (self.augment(self.images.pixels[index], rows, view) for view in (-1, -2))
        return monitor(*(self._features(view, self.process.device) for view in views))

    def _features(self, pixels: Tensor, device: torch.device) -> Tensor:
        def encode(x: Tensor) -> Tensor:
            z: Tensor = self.model.encoder(self._prepare(x))
            return z

        with self._autocast():
            return features(encode, pixels, device)

    def _probe_images(self, probe: Any) -> Images:
        found = (
            self.images if probe is None else Images.load(probe, name="probe", size=self.preprocessing.size)
        )
        if found.labels is None:
            return found
        rows = torch.from_numpy(permutation(self.settings.seed, len(found), stream=-2)).to(
            found.labels.device
        )
        rows = rows[found.labels[rows] >= 0][: self.settings.probe_limit]
        if len(rows) < 10:
            return Images(found.pixels[:0], None, found.digest, found.prints[:0])
        return Images(found.pixels[rows], found.labels[rows], found.digest, found.prints[rows])

    def _make_objective(self, name: str) -> Objective:
        options = {}
        if name == "vicreg_partial" and self.images.labels is not None:
            options["num_classes"] = int(self.images.labels.max()) + 1
        return make_objective(name, self.settings.projector[-1], **options)

    def _known_labels(self) -> Tensor | None:
        """The labels an objective may see: a random share of them, -1 elsewhere."""
        if self.images.labels is None:
            return None
        order = permutation(self.settings.seed, len(self.images), stream=-3)
        hidden = torch.from_numpy(order[round(self.settings.labeled_share * len(order)) :])
        return self.images.labels.index_fill(0, hidden.to(self.images.labels.device), -1)

    def _save(self) -> None:
        every, epoch = self.settings.keep_every, self.epoch
        if epoch == self.settings.epochs or (every and epoch % every == 0):
            self._save_encoder(self.folder.trajectory_file(epoch))
        self._save_encoder(self.folder.encoder)
        self.folder.write_log(self.history)
        self.folder.write_state(
            {
                "identity": self.identity,
                "epoch": epoch,
                "history": json.dumps(self.history),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            }
        )

    def _save_encoder(self, path: Path) -> None:
        save_encoder(
            self.model.encoder,
            path,
            preprocessing=self.preprocessing,
            trained_on=self.images.prints,
            metadata={
                "objective": self.model.objective.describe(),
                "data_sha256": self.images.digest,
                "epoch": str(self.epoch),
                "seed": str(self.settings.seed),
                "settings": self.settings.to_json(),
                "torch": torch.__version__,
            },
        )

    def result(self) -> Pretrained:
        """The trained encoder and where everything is."""
        self.model.cpu().eval()
        return Pretrained(self.network, self.folder.encoder, self.folder.trajectory(), tuple(self.history))


def memory_layout(network: nn.Module, device: torch.device) -> torch.memory_format:
    """Channels last, which is faster, except for narrow convolutions on the CPU.

    Below eight output channels oneDNN's backward pass of a channels-last convolution writes outside its memory (torch
    2.13, AVX-512), which ends the process sooner or later.
    """
    widths = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    narrow = device.type == "cpu" and min(widths, default=_NARROW) < _NARROW
    return torch.contiguous_format if narrow else torch.channels_last


def _make_encoder(
    encoder: str | Mapping[str, Any] | ResNet | SmallConvNet, channels: int
) -> ResNet | SmallConvNet:
    if isinstance(encoder, ResNet | SmallConvNet):
        return encoder
    if isinstance(encoder, Mapping):
        return build_encoder({"in_channels": channels, **encoder})
    if isinstance(encoder, str) and encoder == "small_convnet":
        return SmallConvNet(in_channels=channels)
    if isinstance(encoder, str) and encoder in ("resnet18", "resnet34", "resnet50"):
        return ResNet(int(encoder[6:]), stem="cifar", in_channels=channels)
    known = ["small_convnet", "resnet18", "resnet34", "resnet50"]
    raise InvalidOption(
        f"`encoder` must be {', '.join(known)} or a network of this package, got {shown(encoder)}"
        f"{nearest(encoder, known) or '.'}"
    )


def _cuda_devices(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []
