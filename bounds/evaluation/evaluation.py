"""evaluate(): checkpoint + labeled + unlabeled data -> every applicable bound, in one report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from bounds.arguments import checked
from bounds.assumptions.declaration import Declared
from bounds.assumptions.declared import class_prior as prior_of
from bounds.assumptions.encoder_choice import encoder_choice
from bounds.assumptions.groups import one_a_group
from bounds.errors import InvalidOption
from bounds.evaluation.assumptions import Given, declare
from bounds.evaluation.classes import Classes
from bounds.evaluation.loading import extract_roles, load
from bounds.evaluation.options import check_keys
from bounds.evaluation.progress import bar_wanted
from bounds.evaluation.provenance import provenance
from bounds.evaluation.theorems import report_on
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept import Kept
from bounds.evidence.setting import Setting
from bounds.evidence.thinning import chosen_rows
from bounds.heads import head_kind
from bounds.processes import Processes
from bounds.report.deployment import Deployment
from bounds.report.report import Report
from bounds.representations.extraction import Extracted
from bounds.representations.normalization import Normalization
from bounds.theorems import select

_DATA = ("checkpoint", "labeled", "unlabeled", "test")


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
    head: Any = "min_norm",
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
    renumber: bool = False,
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
    fresh: bool | None = None,
    declared: Declared | Mapping[str, Any] | None = None,
) -> Report:
    r"""Every generalization bound that these data allow for a head on a frozen encoder.

    Args:
        checkpoint: A path (`.safetensors`, `.pt`, `.pth`, `.ckpt`), an `nn.Module`, a callable batch -> (N, d), or
            None when the data already are representations.
        labeled: S: `(x, y)`, a Dataset, a DataLoader, or a path, glob or list of paths. Of `(x1, x2, y)`, two views of
            each item, the first is the sample; `augmentation_risk` uses both.
        unlabeled: S̄: the same without labels (views are made by augmentation), a pair `(x1, x2)`, or `(x1, x2, y)`;
            with `pairs="class"` and labels, disjoint pairs are drawn within classes. None: only bounds on S.
        test: `(x, y)` or any labeled data: measured loss and error beside the bounds, and `test_set`.
        num_classes: K; inferred from the labels and class names by default. Classes absent from S count; 1/K is used
            only if given.
        renumber: Labels are identifiers, not indices: classes are numbered in the order of those that occur.
        pairs: How the pairs are, or were, made. Augmentation pairs violate A1.
        labeled_is_fresh, unlabeled_is_fresh: Was the encoder fixed before seeing them (A2, A3)? None: unverifiable.
        class_prior: p when known: "balanced" or K numbers; the class term is then a number. Refuted by class counts of
            S or of i.i.d. pairs that are improbable under it (p ≤ 10⁻⁴).
        nonnegative: f ≥ 0 by construction, so that τ = √2·B. Refuted by the data if a value is negative.
        function_class: Where the encoder was chosen on S̄ among J encoders fixed before S̄ (checkpoints of a run,
            seeds): J, a list of them, or their `bounds.rademacher`. The theorems then pay for the choice.
        normalize, radius: ‖f‖ ≤ B = radius by l2 normalisation or clipping (A4); None leaves f alone.
        head: "min_norm" for W_S = Y_SᵀZ_S†; ("ridge", λ) for (1/n)Σ‖Wz − y‖² + λ‖W‖_F²; ("logistic", λ) for
            (1/n)ΣCE + (λ/2)‖W‖² with a free intercept, "logistic" with λ chosen on a fifth of S; "nearest_mean";
            ("knn", k); a scikit-learn classifier; a callable rows -> scores. Bounds say which heads they speak about.
        residual: r̂_S in §2 and §3; `vicreg` always has the Frobenius form.
        constants: Logarithms of `vicreg` as printed (4δ/3, never certified) or counted (at 3δ/4, grid paid for).
        holdout: Share of S that bounds which need a held-out part keep aside; None: each theorem's own, fixed by n.
        delta: Failure probability of each bound, or of all together with `simultaneous`.
        simultaneous: Share δ over all bounds whose inputs are given, so that they hold together.
        bounds: Names of the bounds wanted; all by default.
        options: Settings of single theorems, by name (`temperature`, `negatives`, ...); see their docstrings.
        preprocessing, architecture, prefix: For checkpoints that do not carry them, or hold several encoders; see
            `bounds.load_encoder`. For a `Preprocessing` a mapping of its fields, "imagenet" or "cifar10" will do.
        size: Side in pixels to bring images to; None takes the encoder's own.
        save_representations: A folder to keep the representations in; it can be given as data later, and an
            interrupted run resumes from it, also with what took long of the bounds.
        autocast: Mixed precision in the encoder.
        device, batch_size, seed, progress: Where and how the encoder runs; `seed` fixes views and pairs; bars by default
            on a terminal, for the encoder and for the bounds.
        distributed: Every process of the torch.distributed group makes this same call; they share the work, need a file
            system in common, and get the same report (torchrun with `bounds evaluate` sets this).
        name: Title of the report.
        fresh: True declares that encoder and head were fixed before all data: A2, A3 and H at once; the options
            `labeled_is_fresh`, `unlabeled_is_fresh` and `test_is_fresh` of `declared` win where they are given.
        declared: What else you vouch for about copies and the test items: a `bounds.Declared`, or a dict of its fields.

    Returns:
        The report. Bounds that do not apply, or fail, are listed with the reason; bounds that cannot be true are withheld.

    Raises:
        InvalidData, InvalidOption, InvalidCheckpoint, UnsafeCheckpoint: one sentence on what to change.

    Example:
        >>> from bounds.examples.digits import CHECKPOINTS, digits
        >>> data = digits()
        >>> report = bounds.evaluate(
        ...     CHECKPOINTS["VICReg"], data.labeled, test=data.test, fresh=True, bounds=["test_set"], progress=False
        ... )
        >>> report["test_set"].certified
        True
        >>> round(report["test_set"].value, 3)
        0.048
    """
    given = {key: value for key, value in locals().items() if key not in _DATA}
    theorems = select(bounds)
    check_keys(options or {}, theorems)
    head_kind(head)
    found = gathered(checkpoint, {"labeled": labeled, "unlabeled": unlabeled, "test": test}, given)
    evidence = found.evidence
    record = provenance(found.parts, given, found.encoder, evidence)
    kept = None
    if save_representations is not None and evidence.processes.world == 1:
        tables = [part.representations for part in found.parts.values()]
        kept = Kept.of(Path(save_representations), record, tables)
        evidence.keep_in(kept)
    deployment = Deployment(
        found.encoder,
        checkpoint,
        found.normalization,
        evidence.setting.names_of_classes,
        evidence.labeled.dim,
    )
    title = name or _title(checkpoint)
    report = report_on(
        evidence,
        theorems,
        delta,
        title,
        simultaneous,
        record,
        deployment,
        found.classes.notes,
        bar_wanted(progress),
    )

    # No process leaves, and removes what it shares, before the others are done.
    evidence.processes.texts("", "at the end")
    if kept is not None:
        kept.finished()
        evidence.keep_in(None)
    return report


@dataclass(frozen=True)
class Gathered:
    """Data after the encoder has run.

    Attributes:
        encoder: What was loaded; None for representations.
        parts, classes: Of each role, and of all.
        normalization: Of the representations.
        evidence: All of it, with what was declared decided.
    """

    encoder: Any
    parts: Mapping[str, Extracted]
    classes: Classes
    normalization: Normalization
    evidence: Evidence


def gathered(checkpoint: Any, data: Mapping[str, Any], given: Mapping[str, Any]) -> Gathered:
    """The part of `evaluate` before any theorem.

    Args:
        checkpoint: The encoder.
        data: "labeled", "unlabeled" and "test", None where there is none.
        given: The other arguments of `evaluate`, all of them, checked.

    Raises:
        As `evaluate`.
    """
    normalization = Normalization(given["normalize"], given["radius"])
    processes = Processes.chosen(given["distributed"])
    vouched, fresh = Declared.of(given["declared"]), given["fresh"]
    if vouched.groups is not None and data["test"] is None:
        raise InvalidOption("`groups` in `declared` are those of test items; give `test`.")
    encoder = load(checkpoint, given)
    parts, classes = extract_roles(encoder, data, processes, given)
    if vouched.test_is_fresh is None:
        vouched = replace(vouched, test_is_fresh=fresh)
    record_of_training = getattr(encoder, "trained_on", None)
    evidence = _evidence(
        parts, classes, normalization, processes, given, vouched, data["test"], record_of_training
    )
    told = Given(
        pairs=given["pairs"],
        labeled_is_fresh=fresh if given["labeled_is_fresh"] is None else given["labeled_is_fresh"],
        unlabeled_is_fresh=fresh if given["unlabeled_is_fresh"] is None else given["unlabeled_is_fresh"],
        nonnegative=given["nonnegative"],
        num_classes=given["num_classes"] is not None or not isinstance(given["class_prior"], str | None),
        balanced=isinstance(given["class_prior"], str),
        same_source="unlabeled" in parts
        and parts["unlabeled"].provenance["data"] == parts["labeled"].provenance["data"],
        normalization=normalization,
    )
    return Gathered(encoder, parts, classes, normalization, declare(evidence, told))


def _evidence(
    parts: Mapping[str, Extracted],
    classes: Classes,
    normalization: Normalization,
    processes: Processes,
    given: Mapping[str, Any],
    vouched: Declared,
    test: Any,
    trained_on: np.ndarray | None,
) -> Evidence:
    """The normalised tables and what was declared about them; the assumptions are not decided yet."""
    tables = {role: normalization.apply(part.representations) for role, part in parts.items()}
    if vouched.groups is not None and "test" in tables:
        kept = one_a_group(vouched.groups, test, tables["test"].count, given["seed"])
        tables["test"] = chosen_rows(tables["test"], kept)
    drawn = parts["unlabeled"].class_pairs if "unlabeled" in parts else None
    device = given["device"] or ("cuda" if torch.cuda.is_available() else "cpu")
    setting = Setting(
        num_classes=classes.count,
        radius=normalization.radius,
        tau=(np.sqrt(2.0) if given["nonnegative"] else 2.0) * normalization.radius,
        assumptions={},
        prior=prior_of(given["class_prior"], classes.count),
        conditioned_pairs=drawn is not None and drawn.conditioned,
        function_class=encoder_choice(given["function_class"]),
        options=dict(given["options"] or {}),
        declared=vouched,
        trained_on=trained_on,
        class_names=classes.names,
        **{name: given[name] for name in ("head", "residual", "constants", "holdout", "seed")},
    )
    return Evidence(
        setting, tables["labeled"], tables.get("unlabeled"), tables.get("test"), device=device, processes=processes
    )  # fmt: skip


def _title(checkpoint: Any) -> str:
    if checkpoint is None:
        return "representations"
    if isinstance(checkpoint, str | Path):
        return Path(checkpoint).name
    return getattr(checkpoint, "__name__", type(checkpoint).__name__)
