r"""`luthra_2026`, `luthra_2026_exact`, `luthra_2026_conditional`: few-shot error from moments of the classes; estimates.

With M = ‖f − μ̂_j‖² − ‖f − μ̂_i‖² for f of class i, err_m ≤ Σ_i p_i Σ_{j≠i} P(M ≤ 0). The printed theorem limits the variance
of M by Minkowski and uses Chebyshev; the exact form has the variance itself, W, and Cantelli: min(1, Σ_j W/(W + a²)) with
a = E M. Given the item the same holds with the mean and variance over the shots alone. Moments of S stand for those of the
classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from bounds.derivations import luthra_2026 as derivation
from bounds.derivations.expression import Expression
from bounds.errors import InvalidStatistics, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.splits import held_out_count, part_items
from bounds.representations.on_demand import read, rows_of
from bounds.summaries.class_shapes import ClassShapes, cantelli, conditional, printed
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.few_shot.few_shot import STATEMENT, asked, shapes

_QUERIES = 2000  # items over which the conditional form is averaged, at most

SOURCE = "Luthra, Salunkhe and Galanti (2026), arXiv:2603.03530, Thm 4.1"


def _shapes(evidence: Evidence) -> ClassShapes:
    found = shapes(evidence)
    if found is None:
        raise NotApplicable("undefined here: moments need two classes with at least two labels each.")
    return found


def _note(evidence: Evidence, shots: int) -> str:
    known = len(_shapes(evidence).classes)
    left = evidence.setting.num_classes - known
    out = f"; {left} classes with fewer than two labels are left out" if left else ""
    return f"{shots} shot{'s' if shots > 1 else ''}, {known}-way; moments of S stand for those of the classes{out}"


def _inputs_with(
    expression: Callable[[], Expression], parts: Callable[[Evidence, int], dict[str, float]]
) -> Callable[[Evidence, float], Inputs]:
    def inputs(evidence: Evidence, delta: float) -> Inputs:
        shots = asked(evidence).shots[0]
        values = {f"{name}_part": number for name, number in parts(evidence, shots).items()}
        return Inputs(expression(), values, {}, None, (_note(evidence, shots),))

    return inputs


def _exact(evidence: Evidence, shots: int) -> dict[str, float]:
    return cantelli(_shapes(evidence), shots, evidence.setting.prior)


def _printed(evidence: Evidence, shots: int) -> dict[str, float]:
    return printed(_shapes(evidence), shots)


def _conditional(evidence: Evidence, shots: int) -> dict[str, float]:
    count = held_out_count(evidence)
    fitted, asked_for = part_items(evidence, count, evidence.n), part_items(evidence, 0, count)[:_QUERIES]
    z, y = rows_of(evidence.labeled, evidence.device, fitted), evidence.labels_of(fitted)
    queries = read(evidence.labeled, asked_for, evidence.device)
    targets = evidence.labels_of(asked_for)
    prior = evidence.setting.prior
    K = evidence.setting.num_classes
    seen = torch.bincount(targets, minlength=K).double()
    wanted = seen.new_full((K,), 1.0 / K) if prior is None else prior.to(seen)
    try:
        found = conditional(z, y, queries, targets, shots, shares=(wanted / seen.clamp_min(1.0))[targets])
    except InvalidStatistics as reason:
        raise NotApplicable(f"undefined here: {reason}") from reason
    return {"conditional": found}


LUTHRA_2026 = Theorem(
    name="luthra_2026",
    title="few-shot error from moments of the classes (Luthra, Salunkhe and Galanti 2026)",
    source=SOURCE,
    statement=STATEMENT,
    predictor="nearest mean of m labels of each class, on average over them",
    assumptions=("A2",),
    inputs=_inputs_with(derivation.printed, _printed),
    options=("few_shot",),
    texts={
        "axis": (
            "spread of items along the lines between class means: stays with any number of shots",
            "neural collapse",
        ),
        "other_axis": ("noise of the other class's mean along that line", "more shots"),
        "cross": (
            "items against the noise of the means, in all directions",
            "more shots, fewer directions of spread",
        ),
        "square": ("squared noise of the means", "more shots"),
        "skew": ("third moments of the classes", "more shots"),
        "shots_spread": ("all that shots average", "more shots"),
        "reversed": ("pairs of classes that the noise of the shots reverses", "more shots"),
        "conditional": ("mean over items of the limit given the item", "more shots, wider margins"),
    },
    axis=Axis("few-shot error", "error of the nearest mean of m labels a class, over the labels too", "none"),
    kind="estimate",
)

LUTHRA_2026_EXACT = replace(
    LUTHRA_2026,
    name="luthra_2026_exact",
    title="the same with the exact variance and Cantelli's inequality, term by term",
    source=f"this package, from {SOURCE}",
    inputs=_inputs_with(derivation.exact, _exact),
)

LUTHRA_2026_CONDITIONAL = replace(
    LUTHRA_2026,
    name="luthra_2026_conditional",
    title="the same given the item, averaged over items that served for no moment",
    source=f"this package, from {SOURCE}",
    inputs=_inputs_with(derivation.conditional, _conditional),
)
