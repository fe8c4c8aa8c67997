"""evaluate(): checkpoint + labeled + unlabeled data -> every applicable bound, in one report."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from bounds.assumptions import Given, statuses
from bounds.assumptions.groups import one_a_group
from bounds.certificate import declared as given_options
from bounds.certificate.best import applicable, best, weights
from bounds.certificate.provenance import provenance
from bounds.certificate.quantities import measured_losses, quantities
from bounds.certificate.report import Report
from bounds.errors import InvalidData, InvalidOption, NotApplicable
from bounds.processes import Processes
from bounds.representations.extraction import Extracted, extract
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.statistics.distinct import Repeats
from bounds.statistics.evidence import Evidence
from bounds.statistics.kept_apart import copies
from bounds.statistics.setting import Declared, Setting
from bounds.statistics.thinning import chosen_rows
from bounds.theorems import Bound, Theorem, select
from bounds.theorems.repeated import evaluated


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
    holdout: float | None = None,
    test: Any = None,
    bounds: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    simultaneous: bool = False,
    num_classes: int | None = None,
    preprocessing: Any = None,
    architecture: Any = None,
    save_representations: str | Path | None = None,
    autocast: bool = False,
    device: str | torch.device | None = None,
    batch_size: int = 256,
    seed: int = 0,
    progress: bool | None = None,
    distributed: bool = False,
    name: str | None = None,
    fresh: bool | None = None,
    declared: Declared | Mapping[str, Any] | None = None,
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
        holdout: Share of S that bounds which need a held-out part keep aside; None: each theorem's own, fixed by n.
        test: `(x, y)` or any labeled data: measured loss and error beside the bounds, and `test_set`.
        bounds: Names of the bounds wanted; all by default.
        options: Settings of single theorems, by name (`temperature`, `negatives`, ...); see their docstrings.
        simultaneous: Share δ over all bounds whose inputs are given, so that they hold together.
        num_classes: K; inferred from the labels by default. Classes absent from S count.
        preprocessing, architecture: For checkpoints that do not carry them; see `bounds.load_encoder`.
        save_representations: A folder to keep the representations in; it can be given as data later, and an
            interrupted run resumes from it.
        autocast: Mixed precision in the encoder.
        device, batch_size, seed, progress: Where and how the encoder runs; `seed` fixes views and pairs.
        distributed: Every process of the torch.distributed group makes this same call; they share the work, need a file
            system in common, and get the same report (torchrun with `bounds evaluate` sets this).
        name: Title of the report.
        fresh: True declares that encoder and head were fixed before all data: A2, A3 and H at once; the options
            `labeled_is_fresh`, `unlabeled_is_fresh` and `test_is_fresh` of `declared` win where they are given.
        declared: What else you vouch for about copies and the test items: a `bounds.Declared`, or a dict of its fields.

    Returns:
        The report. Bounds that do not apply are listed with the reason.

    Raises:
        InvalidData, InvalidOption, InvalidCheckpoint, UnsafeCheckpoint: one sentence on what to change.
    """
    data_arguments = ("checkpoint", "labeled", "unlabeled", "test")
    stated = {key: value for key, value in locals().items() if key not in data_arguments}
    vouched = Declared.of(declared)
    if vouched.test_is_fresh is None:
        vouched = replace(vouched, test_is_fresh=fresh)
    theorems = select(None if bounds is None else list(bounds))
    processes = Processes.chosen(distributed)
    normalization = Normalization(normalize, radius)
    _check_options(delta, pairs, head, residual, constants, holdout, batch_size)

    encoder = _load(checkpoint, preprocessing, architecture, device)
    common: dict[str, Any] = {
        "device": device,
        "batch_size": batch_size,
        "seed": seed,
        "progress": sys.stderr.isatty() if progress is None else progress,
        "processes": processes,
        "autocast": autocast,
        "num_classes": num_classes,
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
    if vouched.groups is not None and "test" in tables:
        kept = one_a_group(vouched.groups, test, tables["test"].count, seed)
        tables["test"] = chosen_rows(tables["test"], kept)
    classes = _count_classes(tables.values(), num_classes)
    drawn = parts["unlabeled"].class_pairs if "unlabeled" in parts else None
    evidence = Evidence(
        Setting(
            num_classes=classes,
            radius=radius,
            tau=(np.sqrt(2.0) if nonnegative else 2.0) * radius,
            assumptions={},
            prior=given_options.class_prior(class_prior, classes),
            head=head,
            residual=residual,
            constants=constants,
            conditioned_pairs=drawn is not None and drawn.conditioned,
            function_class=given_options.encoder_choice(function_class),
            holdout=holdout,
            seed=seed,
            options=dict(options or {}),
            declared=vouched,
            trained_on=getattr(encoder, "trained_on", None),
        ),
        tables["labeled"],
        tables.get("unlabeled"),
        tables.get("test"),
        device="cpu" if device is None and not torch.cuda.is_available() else device or "cuda",
        processes=processes,
    )
    given = Given(
        pairs=pairs,
        labeled_is_fresh=fresh if labeled_is_fresh is None else labeled_is_fresh,
        unlabeled_is_fresh=fresh if unlabeled_is_fresh is None else unlabeled_is_fresh,
        nonnegative=nonnegative,
        num_classes=num_classes is not None,
        same_source="unlabeled" in parts
        and parts["unlabeled"].provenance["data"] == parts["labeled"].provenance["data"],
        normalization=normalization,
    )
    evidence = _declared(evidence, given)
    title = name or _title(checkpoint)
    record = provenance(parts, stated, encoder, evidence)
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

    With `simultaneous`, δ is shared by weights fixed before the data over the theorems whose inputs are given.
    """
    share = weights(applicable(theorems, evidence)) if simultaneous else {}
    found: dict[str, Bound] = {}
    refused: dict[str, str] = {}
    for theorem in theorems:
        try:
            found[theorem.name] = evaluated(theorem, evidence, delta * share.get(theorem.name, 1.0))
        except NotApplicable as reason:
            refused[theorem.name] = str(reason)
    smallest, candidates = best(evidence, theorems, found, delta)
    return Report(
        name=name,
        delta=delta,
        simultaneous=simultaneous,
        bounds=found,
        not_applicable=refused,
        quantities=quantities(evidence),
        measured=measured_losses(evidence, found),
        assumptions=evidence.setting.assumptions,
        best=smallest,
        candidates=candidates,
        provenance={**(record or {}), "head": evidence.head.name},
        evidence=evidence,
    )


def _declared(evidence: Evidence, given: Given) -> Evidence:
    """The evidence with the status of every assumption, its repeated rows dropped or set apart as declared."""
    repeats = evidence.setting.declared.repeats
    if repeats != "keep":
        found = Repeats.of(evidence.labeled, copies(evidence))
        given = replace(given, repeated=found.repeated, relabeled=found.relabeled)
        if found.repeated:
            distinct = replace(evidence, labeled=found.distinct(evidence.labeled))
            if repeats == "drop":
                evidence = distinct
            else:
                distinct = distinct.assuming(statuses(distinct, given))
                evidence = replace(evidence, distinct=distinct)
    return evidence.assuming(statuses(evidence, given))


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


def _check_options(
    delta: float,
    pairs: str,
    head: object,
    residual: str,
    constants: str,
    holdout: float | None,
    batch_size: int,
) -> None:
    if not (isinstance(delta, int | float) and 0 < delta < 1):
        raise InvalidOption(f"`delta` must lie strictly between 0 and 1, got {delta!r}.")
    for option, value, choices in (
        ("pairs", pairs, ("augmentation", "class")),
        ("residual", residual, ("mean", "frobenius")),
        ("constants", constants, ("printed", "counted")),
    ):
        if value not in choices:
            raise InvalidOption(f"`{option}` must be one of {', '.join(map(repr, choices))}, got {value!r}.")
    ridge = isinstance(head, tuple | list) and len(head) == 2 and head[0] == "ridge"
    if head != "min_norm" and not (ridge and isinstance(head[1], int | float) and 0 < head[1] < float("inf")):  # type: ignore[index]
        raise InvalidOption(f"`head` must be 'min_norm' or ('ridge', λ) with λ > 0, got {head!r}.")
    if holdout is not None and not 0 < holdout < 1:
        raise InvalidOption(f"`holdout` must lie strictly between 0 and 1, got {holdout!r}.")
    if not (isinstance(batch_size, int) and batch_size >= 1):
        raise InvalidOption(f"`batch_size` must be a positive whole number, got {batch_size!r}.")


def _load(checkpoint: Any, preprocessing: Any, architecture: Any, device: Any) -> Any:
    if checkpoint is None:
        return None
    from bounds.representations.checkpoints import load_encoder

    return load_encoder(checkpoint, preprocessing=preprocessing, architecture=architecture, device=device)


def _title(checkpoint: Any) -> str:
    if checkpoint is None:
        return "representations"
    if isinstance(checkpoint, str | Path):
        return Path(checkpoint).name
    return getattr(checkpoint, "__name__", type(checkpoint).__name__)
