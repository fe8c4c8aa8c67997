"""`test_set_balanced`: the mean of the error rates of the classes, whatever the class frequencies of the test set."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from bounds.draws import uniforms
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import test_apart
from bounds.evidence.memo import memo
from bounds.evidence.outcomes import Outcomes, head_outcomes
from bounds.proofs.conclude import Conclusion
from bounds.proofs.terms import E, Episode
from bounds.summaries.constant_stakes import constant_stakes_upper
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.common import not_monotone
from bounds.theorems.vocabulary import EPISODES, W, concluded, episode_limit, wrong

BALANCED = Axis("balanced error", "mean of the error rates of the classes", "none", most=1.0)
ARRANGEMENTS = 100
_STREAM = 1000  # and above: of the arrangements, one a class


def episode_errors(outcomes: Outcomes, classes: int, arrangements: int, seed: int) -> Tensor:
    """Share of wrong items in each episode of one item a class, (B, r), r the items of the rarest class.

    Raises:
        NotApplicable: a class has no test item.
    """
    items = torch.bincount(outcomes.labels, minlength=classes)
    episodes = int(items.min())
    if episodes == 0:
        raise NotApplicable(f"needs a test item of each class; class {int(items.argmin())} has none.")
    total = torch.zeros(arrangements, episodes, dtype=torch.float64)
    for y in range(classes):
        wrong = outcomes.wrong[outcomes.labels == y].double()
        draws = uniforms(seed, np.arange(len(wrong)), _STREAM + y, arrangements)
        total += wrong[torch.from_numpy(np.argsort(draws, axis=0, kind="stable")[:episodes].T.copy())]
    return total / classes


@cache
def proof() -> Conclusion:
    """An episode holds one item of each class, so that its mean error is the balanced error."""
    return concluded(episode_limit(EPISODES, Episode(wrong(W))), E(Episode(wrong(W))))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    classes, seed = evidence.setting.num_classes, evidence.setting.seed
    if classes < 2:
        raise NotApplicable("needs at least two classes.")
    errors = memo(
        evidence,
        "episodes",
        lambda: episode_errors(head_outcomes(evidence), classes, ARRANGEMENTS, seed),
    )
    values = {"episode_error": float(errors.mean()), "episode_limit": constant_stakes_upper(errors, delta)}
    spread = float(errors.std(unbiased=False))
    note = (
        f"{errors.shape[1]} episodes of one item a class, {ARRANGEMENTS} arrangements, "
        f"sd between episodes {spread:.3g}"
    )
    row = {
        "episodes": errors.shape[1],
        "error": values["episode_error"],
        "spread": spread,
        "limit": values["episode_limit"],
    }
    return Inputs.proven(
        proof(),
        values,
        {"delta": delta},
        evidence.head,
        (note,),
        doubts=not_monotone(test_apart(evidence), assumption="H"),
        axis=replace(BALANCED, trivial=1 - 1 / classes),
        table={"all classes": row},
    )


TEST_SET_BALANCED = Theorem(
    name="test_set_balanced",
    title="balanced error on held-out labels: every class counts alike",
    source="this package; after Waudby-Smith and Ramdas (2024)",
    statement=r"\tfrac1K\sum_y\mathbb{P}(\arg\max W_S f(x) \ne y \mid y)",
    predictor="head W_S as given by `head`",
    inputs=_inputs,
    proof=proof,
    texts={
        "test_error": ("measured error of episodes of one item a class", "a better head"),
        "confidence": ("price of confidence", "more test items of the rarest class"),
    },
    axis=BALANCED,
)
