"""evaluate(): checkpoint + labeled + unlabeled data -> every applicable bound, in one report."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from bounds.arguments import checked
from bounds.certificate import declared
from bounds.certificate.limits import afford_classes
from bounds.certificate.provenance import provenance
from bounds.certificate.quantities import measured_losses, quantities
from bounds.certificate.report import Report
from bounds.errors import InvalidData, InvalidOption, NotApplicable
from bounds.processes import Processes
from bounds.representations.extraction import Extracted, extract
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.statistics.evidence import Evidence
from bounds.statistics.setting import Assumption, Setting
from bounds.theorems import Bound, Theorem, check_options, select


@checked()
def evaluate(
    checkpoint: Any,
    labeled: Any,
    unlabeled: Any = None,
    *,
    delta: float = 0.05,
    pairs: Literal["augmentation", "class"] = "augmentation",
    labeled_is_fresh: bool | None = None,
    unlabeled_is_fresh: bool | None = None,
    normalize: Literal["l2", "clip"] | None = "l2",
    radius: float = 1.0,
    head: str | tuple[str, float] = "min_norm",
    class_prior: Any = None,
    residual: Literal["mean", "frobenius"] = "mean",
    nonnegative: bool = False,
    constants: Literal["printed", "counted"] = "printed",
    function_class: Any = None,
    holdout: float = 0.1,
    test: Any = None,
    bounds: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    simultaneous: bool = False,
    num_classes: int | None = None,
    preprocessing: Any = None,
    architecture: Any = None,
    prefix: str | None = None,
    size: int | None = None,
    save_representations: str | Path | None = None,
    autocast: bool = False,
    device: str | torch.device | None = None,
    batch_size: int = 256,
    seed: int = 0,
    progress: bool | None = None,
    distributed: bool = False,
    name: str | None = None,
) -> Report:
    r"""Every generalization bound that these data allow for a linear head on a frozen encoder.

    Args:
        checkpoint: A path (`.safetensors`, `.pt`, `.pth`, `.ckpt`), an `nn.Module`, a callable batch -> (N, d), or
            None when the data already are representations.
        labeled: S: `(x, y)`, a Dataset, a DataLoader, or a path, glob or list of paths. Of `(x1, x2, y)`, two views of
            each item, the first is the sample; `augmentation_risk` uses both.
        unlabeled: S̄: the same without labels (views are made by augmentation), a pair `(x1, x2)`, or `(x1, x2, y)`;
            with `pairs="class"` and labels, disjoint pairs are drawn within classes. None: only bounds on S.
        delta: Failure probability of each bound, or of all together with `simultaneous`.
        pairs: How the pairs are, or were, made. Augmentation pairs violate A1.
        labeled_is_fresh, unlabeled_is_fresh: Was the encoder fixed before seeing them (A2, A3)? None: unverifiable.
        normalize, radius: ‖f‖ ≤ B = radius by l2 normalisation or clipping (A4); None leaves f alone.
        head: "min_norm" for W_S = Y_SᵀZ_S†, or ("ridge", λ) for (1/n)Σ‖Wz − y‖² + λ‖W‖_F².
        class_prior: p when known: "balanced" or K numbers; the class term is then a number.
        residual: r̂_S in §2 and §3; `vicreg` always has the Frobenius form.
        nonnegative: f ≥ 0 by construction, so that τ = √2·B. Refuted by the data if a value is negative.
        constants: Logarithms of `vicreg` as printed (4δ/3, never certified) or counted (at 3δ/4, grid paid for).
        function_class: Where the encoder was chosen on S̄ among J encoders fixed before S̄ (checkpoints of a run,
            seeds): J, a list of them, or their `bounds.rademacher`. The theorems then pay for the choice.
        holdout: Share of S that bounds which need a held-out part keep aside.
        test: `(x, y)` or any labeled data: measured loss and error beside the bounds, and `test_set`.
        bounds: Names of the bounds wanted; all by default.
        options: Settings of single theorems, by name (`temperature`, `negatives`, ...); see their docstrings.
        simultaneous: Share δ over all bounds, so that they hold together.
        num_classes: K; inferred from the labels by default. Classes absent from S count.
        preprocessing, architecture, prefix: For checkpoints that do not carry them, or hold several encoders; see
            `bounds.load_encoder`. A mapping with `mean`, `std`, `size`, `channels`, or "imagenet" or "cifar10", will do
            for a `Preprocessing`.
        size: Side in pixels to bring images to; None takes the encoder's own.
        save_representations: A folder to keep the representations in; it can be given as data later, and an
            interrupted run resumes from it.
        autocast: Mixed precision in the encoder.
        device, batch_size, seed, progress: Where and how the encoder runs; `seed` fixes views and pairs.
        distributed: Every process of the torch.distributed group makes this same call; they share the work, need a file
            system in common, and get the same report (torchrun with `bounds evaluate` sets this).
        name: Title of the report.

    Returns:
        The report. Bounds that do not apply are listed with the reason.

    Raises:
        InvalidData, InvalidOption, InvalidCheckpoint, UnsafeCheckpoint: one sentence on what to change.
    """
    data_arguments = ("checkpoint", "labeled", "unlabeled", "test")
    declared_options = {key: value for key, value in locals().items() if key not in data_arguments}
    theorems = select(None if bounds is None else list(bounds))
    processes = Processes.chosen(distributed)
    normalization = Normalization(normalize, radius)
    check_options(options, theorems)

    encoder = _load(checkpoint, preprocessing, architecture, prefix, size, device)
    common: dict[str, Any] = {
        "device": device,
        "batch_size": batch_size,
        "seed": seed,
        "progress": sys.stderr.isatty() if progress is None else progress,
        "processes": processes,
        "autocast": autocast,
        "num_classes": num_classes,
        "size": size,
    }
    folder = None if save_representations is None else Path(save_representations)

    def gather(role: str, data: Any, **more: Any) -> Extracted:
        save = None if folder is None else folder / role
        return extract(encoder, data, role=role, save=save, **common, **more)

    parts: dict[str, Extracted] = {"labeled": gather("labeled", labeled)}
    if unlabeled is not None:
        known = class_prior is not None
        parts["unlabeled"] = gather("unlabeled", unlabeled, views=2, pairs=pairs, class_prior_known=known)
    if test is not None:
        parts["test"] = gather("test", test)
    _check_dimensions(parts)

    tables = {role: normalization.apply(part.representations) for role, part in parts.items()}
    classes = _count_classes(tables.values(), num_classes)
    afford_classes(classes, tables["labeled"].dim)
    drawn = parts["unlabeled"].class_pairs if "unlabeled" in parts else None
    evidence = Evidence(
        Setting(
            num_classes=classes,
            radius=radius,
            tau=(np.sqrt(2.0) if nonnegative else 2.0) * radius,
            assumptions={},
            prior=declared.class_prior(class_prior, classes),
            head=head,
            residual=residual,
            constants=constants,
            conditioned_pairs=drawn is not None and drawn.conditioned,
            function_class=declared.encoder_choice(function_class),
            holdout=holdout,
            seed=seed,
            options=dict(options or {}),
        ),
        tables["labeled"],
        tables.get("unlabeled"),
        tables.get("test"),
        device="cpu" if device is None and not torch.cuda.is_available() else device or "cuda",
        processes=processes,
    )
    assumptions = _assumptions(
        evidence, normalization, parts, pairs, labeled_is_fresh, unlabeled_is_fresh, nonnegative
    )
    evidence = replace(evidence, setting=replace(evidence.setting, assumptions=assumptions))
    title = name or _title(checkpoint)
    record = provenance(parts, declared_options, encoder, evidence)
    report = report_on(evidence, theorems, delta, title, simultaneous, record)
    # No process leaves, and removes what it shares, before the others are done.
    processes.texts("", "at the end")
    return report


def report_on(
    evidence: Evidence,
    theorems: Sequence[Theorem],
    delta: float,
    name: str,
    simultaneous: bool = False,
    record: Mapping[str, Any] | None = None,
) -> Report:
    """Evaluate theorems on evidence: the part of `evaluate` after the encoder has run.

    With `simultaneous`, δ is divided by the number of theorems asked for, which is known before the data.
    """
    level = delta / len(theorems) if simultaneous else delta
    found: dict[str, Bound] = {}
    refused: dict[str, str] = {}
    for theorem in theorems:
        try:
            found[theorem.name] = theorem.evaluate(evidence, level)
        except NotApplicable as reason:
            refused[theorem.name] = str(reason)
    best, candidates = _best(evidence, theorems, found, delta)
    return Report(
        name=name,
        delta=delta,
        simultaneous=simultaneous,
        bounds=found,
        not_applicable=refused,
        quantities=quantities(evidence),
        measured=measured_losses(evidence, found),
        assumptions=evidence.setting.assumptions,
        best=best,
        candidates=candidates,
        provenance={**(record or {}), "head": evidence.head.name},
        evidence=evidence,
    )


def _best(
    evidence: Evidence, theorems: Sequence[Theorem], found: Mapping[str, Bound], delta: float
) -> tuple[Bound | None, tuple[str, ...]]:
    """Smallest certified error rate, each candidate at δ over their number, so that the choice is paid for."""
    chosen = [
        theorem
        for theorem in theorems
        if theorem.name in found
        and found[theorem.name].certified
        and found[theorem.name].error_rate is not None
    ]
    names = tuple(theorem.name for theorem in chosen)
    if not chosen:
        return None, names
    candidates = []
    for theorem in chosen:
        with suppress(NotApplicable):  # a few theorems need more data at a smaller δ
            candidates.append(theorem.evaluate(evidence, delta / len(chosen)))
    if not candidates:
        return None, names
    best = min(candidates, key=lambda bound: bound.error_rate or 0.0)
    note = f"chosen after looking, from {len(chosen)} certified bounds at δ/{len(chosen)} each: valid at δ = {delta:g}"
    return replace(best, notes=(*best.notes, note)), names


def _assumptions(
    evidence: Evidence,
    normalization: Normalization,
    parts: Mapping[str, Extracted],
    pairs: str,
    labeled_is_fresh: bool | None,
    unlabeled_is_fresh: bool | None,
    nonnegative: bool,
) -> dict[str, Assumption]:
    setting = evidence.setting
    same = (
        "unlabeled" in parts and parts["unlabeled"].provenance["data"] == parts["labeled"].provenance["data"]
    )

    def largest() -> float:
        seen = evidence.classes.max_norm
        return seen if evidence.pairs is None else max(seen, evidence.pair_moments.max_norm)

    bounded = declared.boundedness(normalization, largest)
    if nonnegative and any(
        _has_negative(table) for table in (evidence.labeled, evidence.pairs) if table is not None
    ):
        bounded = Assumption(
            "A4", "violated", "nonnegative=True was declared, but a representation has a negative value"
        )
    found = [
        *declared.pair_assumptions(pairs if evidence.pairs is not None else None),
        declared.freshness("A2", labeled_is_fresh, "labeled_is_fresh", "labeled"),
        declared.freshness("A3", unlabeled_is_fresh, "unlabeled_is_fresh", "unlabeled"),
        bounded,
        Assumption("A5", "holds", "declared: the label is the class"),
        declared.items(setting.conditioned_pairs, setting.prior is not None),
        declared.independence(evidence.labeled, evidence.pairs, same),
        Assumption("H", "holds", "declared: test items were used for nothing else"),
        declared.constants(setting.constants),
    ]
    return {one.name: one for one in found}


def _has_negative(table: Representations) -> bool:
    return any(bool((view < 0).any()) for views, _ in table.chunks() for view in views)


def _count_classes(tables: Iterable[Representations], num_classes: int | None) -> int:
    largest = max(int(table.labels.max()) for table in tables if table.labels is not None)
    if num_classes is None:
        return largest + 1
    if largest >= num_classes:
        raise InvalidData(
            f"A label is {largest}, but `num_classes` = {num_classes} allows 0 to {num_classes - 1}."
        )
    return num_classes


def _check_dimensions(parts: Mapping[str, Extracted]) -> None:
    dims = {role: part.representations.dim for role, part in parts.items()}
    if len(set(dims.values())) > 1:
        raise InvalidData(
            f"All representations must have one dimension, got {dims}; use one encoder for all."
        )


def _load(
    checkpoint: Any, preprocessing: Any, architecture: Any, prefix: str | None, size: int | None, device: Any
) -> Any:
    if checkpoint is None:
        given = {"preprocessing": preprocessing, "architecture": architecture, "prefix": prefix, "size": size}
        for option, value in given.items():
            if value is not None:
                raise InvalidOption(
                    f"`{option}` is for a checkpoint; without one the data are representations."
                )
        return None
    from bounds.representations.checkpoints import load_encoder

    return load_encoder(
        checkpoint, preprocessing=preprocessing, architecture=architecture, prefix=prefix, device=device
    )


def _title(checkpoint: Any) -> str:
    if checkpoint is None:
        return "representations"
    if isinstance(checkpoint, str | Path):
        return Path(checkpoint).name
    return getattr(checkpoint, "__name__", type(checkpoint).__name__)
