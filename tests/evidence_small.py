"""Evidence from arrays, without the encoder and the report around it."""

import torch

from bounds.assumptions.assumption import TITLES, Assumption
from bounds.evidence.evidence import Evidence
from bounds.evidence.setting import Setting
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations


def evidence_of(pairs, labeled=None, *, classes=None, radius=1.0, nonnegative=False, a1="holds", **setting):
    """Evidence of pairs (x1, x2[, y]) and labeled (x, y); by default the first views are labeled."""
    first, second, *rest = pairs
    labels = rest[0] if rest else None
    labeled = (first, labels) if labeled is None else labeled
    statuses = {name: Assumption(name, "holds", "declared") for name in TITLES}
    statuses["A1"] = Assumption("A1", a1, "declared")
    prior = setting.pop("prior", None)
    normalize = Normalization("l2", radius)
    return Evidence(
        Setting(
            int(labeled[1].max()) + 1 if classes is None else classes,
            radius,
            (2**0.5 if nonnegative else 2.0) * radius,
            statuses,
            prior=None if prior is None else torch.as_tensor(prior, dtype=torch.float64),
            **setting,
        ),
        normalize.apply(Representations((labeled[0],), labeled[1])),
        normalize.apply(Representations((first, second), labels)),
    )
