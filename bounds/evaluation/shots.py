"""few_shot(): how good a rule of m labels a class is, over m, and how sure."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any, Literal

import torch

from bounds.arguments import checked, data
from bounds.assumptions.declaration import Declared
from bounds.errors import NotApplicable
from bounds.evaluation.evaluation import evaluate, gathered
from bounds.report.few_shot import FewShotCurve
from bounds.theorems.bound import Bound
from bounds.theorems.few_shot.few_shot import FEW_SHOT
from bounds.theorems.repeated import attempted


@checked(shots=data, ways=data, rule=data, permutations=data)
def few_shot(
    representations: Any,
    labels: Any,
    *,
    shots: Any = (1, 5),
    ways: Any = "all",
    rule: Any = "mean",
    permutations: int | None = None,
    delta: float = 0.05,
    normalize: Literal["l2", "clip"] | None = "l2",
    class_prior: Any = None,
    num_classes: int | None = None,
    fresh: bool | None = None,
    declared: Declared | Mapping[str, Any] | None = None,
    device: str | torch.device | None = None,
    seed: int = 0,
) -> FewShotCurve:
    r"""Few-shot error over the number of shots, with limits that hold together at confidence 1 − δ.

    The error :math:`\mathrm{err}_m=\frac1K\sum_c\mathbb P(\text{the rule of } m \text{ fresh labels a class errs on a
    fresh item of class } c)`, on average over the labels too, is what is reported as few-shot accuracy. Its limit comes
    from disjoint episodes, so that it is one for fresh labels and items, where the usual interval over episodes drawn
    again and again from one pool is not.

    Args:
        representations: (N, d), of an encoder that was fixed before them (`fresh`).
        labels: (N,), at least m + 1 of each class.
        shots: m, or a list of m that share δ.
        ways: "all"; "pairs", the mean over two-way episodes of all pairs; or a number of classes drawn an episode.
        rule: "mean", the nearest class mean; ("ridge", λ) for (1/N)Σ‖Wz − e_y‖² + λ‖W‖_F²; ("knn", k). Ties are errors.
        permutations: B, over which the limit is averaged; None: 100, or fewer where classes and episodes are many.
        delta: Failure probability of all limits together.
        normalize, num_classes, declared, device, seed: As in `evaluate`.
        class_prior: The queries are weighted by it where it is given, for `ways="all"`; all classes alike otherwise.
        fresh: True declares that the encoder was fixed before these labels (A2).

    Raises:
        NotApplicable: a class has too few labels, with the number that is missing.
        InvalidData, InvalidOption: one sentence on what to change.

    Example:
        >>> import numpy as np
        >>> y = np.arange(60) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((60, 2))  # two classes well apart
        >>> curve = bounds.few_shot(z, y, shots=1, permutations=5, fresh=True)
        >>> curve.certified, float(curve.to_frame().loc[1, "error"])
        (True, 0.0)
    """
    asked: dict[str, Any] = {
        "delta": delta,
        "normalize": normalize,
        "class_prior": class_prior,
        "num_classes": num_classes,
        "fresh": fresh,
        "declared": declared,
        "device": device,
        "seed": seed,
        "progress": False,
        "options": {"few_shot": {"shots": shots, "ways": ways, "rule": rule, "permutations": permutations}},
    }
    given = {name: one.default for name, one in signature(evaluate).parameters.items()} | asked
    data = {"labeled": (representations, labels), "unlabeled": None, "test": None}
    # No report: that would fit a head on all labels, which costs more than the limit.
    found = attempted(FEW_SHOT, gathered(None, data, given).evidence, delta)
    if not isinstance(found, Bound):
        raise NotApplicable(f"`few_shot` {found}")
    return FewShotCurve(found)
