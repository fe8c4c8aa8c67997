r"""`few_shot`: the error of the rule of m labels a class, on average over the m labels as well.

With H_bq the share of wrong queries in episode q of permutation b of S, C = {1, ½, ¼, ⅛},

    err_m ≤ min{p : (1/(B|C|)) Σ_b Σ_c Π_q [1 + c(p − H_bq)/(1 − p)] ≥ 1/δ}.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidStatistics, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.proofs.conclude import Conclusion
from bounds.proofs.terms import E
from bounds.representations.copies import fingerprints
from bounds.representations.on_demand import rows_of
from bounds.summaries.class_shapes import ClassShapes, predicted
from bounds.summaries.constant_stakes import constant_stakes_upper
from bounds.summaries.episodes import (
    Episodes,
    arrangement_digest,
    episode_errors,
    episodes_in,
    usual_upper,
)
from bounds.summaries.few_shot_rules import Mean
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.few_shot.options import FewShot
from bounds.theorems.vocabulary import SHOTS, concluded, episode_limit, missed

FEW_SHOT_ERROR = Axis(
    "few-shot error", "error of a rule of m labels a class, over the labels too", "none", most=1.0
)
STATEMENT = r"\mathrm{err}_m = \mathbb{E}\,\mathbb{P}(\text{the rule of } m \text{ shots a class errs})"


@cache
def proof() -> Conclusion:
    """Given the labels the episodes of a permutation are i.i.d.; bets on them have mean one, and so has their average."""
    return concluded(episode_limit(SHOTS, missed), E(missed))


def asked(evidence: Evidence) -> FewShot:
    """The option `few_shot`.

    Raises:
        InvalidOption: as `FewShot.of`.
    """
    return FewShot.of(evidence.setting.options.get("few_shot", {}), evidence.setting.num_classes)


def errors(evidence: Evidence, shots: int) -> tuple[Tensor, float]:
    """H of the option `few_shot` at m shots, (B, r), and the upper end of the usual interval.

    Raises:
        NotApplicable: fewer than two classes, or a class with too few labels.
    """
    found, setting = asked(evidence), evidence.setting
    labels, counts = _labels(evidence), evidence.classes.counts.cpu().numpy()
    if setting.num_classes < 2:
        raise NotApplicable("needs at least two classes.")
    if not episodes_in(counts, shots):
        short = [y for y in range(len(counts)) if counts[y] <= shots]
        names = setting.names_of_classes
        each = ", ".join(f"{names[y]} ({shots + 1 - counts[y]} missing)" for y in short[:5])
        more = f" and {len(short) - 5} classes more" if len(short) > 5 else ""
        raise NotApplicable(
            f"needs {shots + 1} labels of each class for {shots} shot{'s' if shots > 1 else ''} and a query; "
            f"too few of {each}{more}."
        )

    def make() -> tuple[Tensor, float]:
        rows = rows_of(evidence.labeled, evidence.device)
        given = (rows, labels, setting.num_classes, shots)
        weights = setting.prior if found.ways == "all" else None
        shared: dict[str, Any] = {
            "rule": found.rule,
            "ways": found.ways,
            "seed": setting.seed,
            "weights": weights,
            "prepared": found.rule.prepare(rows) if isinstance(rows, Tensor) else None,
        }
        permutations = found.arrangements(episodes_in(counts, shots), setting.num_classes)
        return (
            episode_errors(*given, permutations=permutations, **shared),
            usual_upper(*given, **shared),
        )

    return memo(evidence, ("few-shot episodes", found, shots), make)


def shapes(evidence: Evidence) -> ClassShapes | None:
    """Moments of the classes of S; None where they are too few."""

    def make() -> ClassShapes | None:
        labels = torch.from_numpy(_labels(evidence)).to(evidence.device)
        try:
            return ClassShapes.of(
                rows_of(evidence.labeled, evidence.device), labels, evidence.setting.num_classes
            )
        except InvalidStatistics:
            return None

    return memo(evidence, "class shapes", make)


def _labels(evidence: Evidence) -> np.ndarray:
    return evidence.labels_of(np.arange(evidence.n)).cpu().numpy()


def _rows(evidence: Evidence, delta: float) -> dict[int, dict[str, float]]:
    """By m: episodes, mean error, its spread, the usual interval's upper end, and the limit at δ over the number of m."""
    found: dict[int, dict[str, float]] = {}
    wanted = asked(evidence).shots
    for shots in wanted:
        H, usual = errors(evidence, shots)
        found[shots] = {
            "shots": shots,
            "episodes": H.shape[1],
            "error": float(H.mean()),
            "spread": float(H.std(unbiased=False)),
            "usual_upper": usual,
            **_prediction(evidence, shots),
            "limit": constant_stakes_upper(H, delta / len(wanted)),
        }
    return found


def _prediction(evidence: Evidence, shots: int) -> dict[str, float]:
    """What moments predict, for the nearest mean."""
    option, moments = asked(evidence), shapes(evidence)
    if not isinstance(option.rule, Mean) or moments is None:
        return {}
    return {"predicted": predicted(moments, shots, option.ways, evidence.setting.prior)}


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    option = asked(evidence)
    rows, first = _rows(evidence, delta), option.shots[0]
    own, _ = errors(evidence, first)
    if evidence.distinct is not None:
        # Copies or the population's: the larger limit of the two readings, shots by shots.
        other = _rows(evidence.distinct, delta)
        rows = {m: max(row, other[m], key=lambda one: one["limit"]) for m, row in rows.items()}
    classes = evidence.setting.num_classes
    weighted = option.ways == "all" and evidence.setting.prior is not None
    share = delta / len(option.shots)
    labels = f"{first} label{'s' if first > 1 else ''} a class"
    note = (
        f"{labels}, {_ways(option, classes)}, {option.about}: {own.shape[1]} episodes, {len(own)} permutations, "
        f"sd between episodes {rows[first]['spread']:.3g}"
    )
    return Inputs.proven(
        proof(),
        {"episode_error": rows[first]["error"], "episode_limit": rows[first]["limit"]},
        {"delta": share} if len(rows) == 1 else {f"delta_{m}": share for m in rows},
        None,
        (note,),
        axis=replace(
            FEW_SHOT_ERROR,
            unit=f"error of the {option.about} of {labels}, {_ways(option, classes)}, over the labels too"
            + ("; classes weighted as declared" if weighted else ""),
            trivial=1 - 1 / option.width(classes),
        ),
        table={f"{m} shots": row for m, row in rows.items()},
        episodes=None
        if evidence.distinct is not None
        else Episodes.of(own, _digest(evidence, option, len(own))),
    )


def _ways(option: FewShot, classes: int) -> str:
    if option.ways == "pairs":
        return "two-way, all pairs of classes"
    return f"{option.width(classes)}-way"


def _digest(evidence: Evidence, option: FewShot, permutations: int) -> str:
    prior = evidence.setting.prior
    weights = None if prior is None or option.ways != "all" else prior.tolist()
    return arrangement_digest(
        _labels(evidence),
        fingerprints(evidence.labeled) if evidence.labeled.fingerprinted == "images" else None,
        option.shots[0],
        option.ways,
        permutations,
        evidence.setting.seed,
        weights,
    )


FEW_SHOT = Theorem(
    name="few_shot",
    title="error of a rule made from m labels a class, by betting on disjoint episodes",
    source="this package; after Waudby-Smith and Ramdas (2024)",
    statement=STATEMENT,
    predictor="a rule made from m fresh labels of each class, on average over them",
    inputs=_inputs,
    proof=proof,
    options=("few_shot",),
    texts={
        "episodes": ("measured error over disjoint episodes", "representations whose classes lie apart"),
        "confidence": ("price of confidence", "more labels of the rarest class: more episodes"),
    },
    axis=FEW_SHOT_ERROR,
)
