r"""`pick_to_learn`: a head that picks its labels out of S, certified on the same labels by how few it picked.

err(h) ≤ ε(k, N, δ) = 1 − t with (δ/N) Σ_{m=k}^{N−1} [C(m,k)/C(N,k)] t^{−(N−m)} = 1, k of N rows picked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bounds.arguments import integer, maybe, number, shown, unknown
from bounds.assumptions.assumption import Assumption
from bounds.draws import uniforms
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.evidence.splits import part_items
from bounds.heads.linear import Head
from bounds.heads.picked import pick
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.picks import picked
from bounds.proofs.terms import E
from bounds.representations.on_demand import HELD, read
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.common import require_fixed_encoder
from bounds.theorems.vocabulary import PICKING, concluded, delta, wrong

_TIES = 9  # stream of the random numbers that order equal margins
_WORK = 2e12  # multiplications that all fits together may take


@dataclass(frozen=True)
class Picking:
    """The option `pick_to_learn`.

    Attributes:
        penalty: λ, on the sum of squares.
        prior_share: Share of S that the head starts from and that is not counted, 0 or more and below 1.
        batch: Rows picked at a time; None: by the sizes alone.
    """

    penalty: float = 0.1
    prior_share: float = 0.5
    batch: int | None = None

    @classmethod
    def of(cls, given: Any) -> Picking:
        """A mapping with these keys.

        Raises:
            InvalidOption: one sentence on what is wrong.
        """
        if not isinstance(given, Mapping):
            raise InvalidOption(
                f'The option `pick_to_learn` must map names to values, as {{"penalty": 0.1}}, got {shown(given)}.'
            )
        for key in given:
            if key not in _READ:
                raise unknown("The key of the option `pick_to_learn`", key, _READ)
        return cls(**{key: _READ[key](key, value) for key, value in given.items()})

    def at_a_time(self, count: int, dim: int, classes: int) -> int:
        """Rows picked at a time out of N, fixed by the sizes: one of every four hundred, more where fits are dear."""
        if self.batch is not None:
            return self.batch
        dearest = count * (2.0 * count * dim * classes + dim**3 / 3) / _WORK
        return max(count // 400, math.ceil(dearest))


def _share(name: str, value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == 0:
        return 0.0
    return float(number(0, 1, "be 0 or lie strictly between 0 and 1")(name, value))


_READ = {
    "penalty": number(0, 1e50, "be positive and finite"),
    "prior_share": _share,
    "batch": maybe(integer(1, 2**40, "a whole number of rows")),
}


@cache
def proof() -> Conclusion:
    """One step: what was never picked changed nothing, so it is a sample on which the head made no error."""
    return concluded(picked(wrong(PICKING), delta), E(wrong(PICKING)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    require_fixed_encoder(evidence)
    option = Picking.of(evidence.setting.options.get("pick_to_learn", {}))
    setting, n = evidence.setting, evidence.n
    if setting.num_classes < 2:
        raise NotApplicable("needs at least two classes.")
    used = min(n, max(2, HELD // evidence.labeled.dim))  # of a larger S a random part, which fits into memory
    count = used - round(option.prior_share * used)
    if count < 1:
        raise NotApplicable(f"needs a label that is no prior row; {option.prior_share:g} of {n} leaves none.")
    batch = option.at_a_time(count, evidence.labeled.dim, setting.num_classes)
    picks = memo(evidence, ("picks", option), lambda: _picked(evidence, option, batch, count, used))
    head = memo(evidence, ("picked head", option), lambda: picks[0])
    values = {"picks": picks[1], "n_Q": count, "delta": delta}
    note = (
        f"{picks[1]} of {count} rows picked, {batch} at a time, λ = {option.penalty:g}; "
        f"the head starts from {used - count} rows that are not counted"
        + (f"; {n - used:,} of {n:,} rows are left out" if used < n else "")
    )
    return Inputs.proven(proof(), values, {"delta": delta}, head, (note,), doubts=_repeats(evidence))


def _picked(evidence: Evidence, option: Picking, batch: int, count: int, used: int) -> tuple[Head, int]:
    items = part_items(evidence, 0, used)
    found = pick(
        read(evidence.labeled, items, evidence.device),
        evidence.labels_of(items),
        evidence.setting.num_classes,
        penalty=option.penalty,
        batch=batch,
        prior=evidence.row_ranks[items] >= count,
        ties=uniforms(evidence.setting.seed, items, _TIES, 1)[:, 0],
    )
    return found.head, len(found.rows)


def _repeats(evidence: Evidence) -> tuple[Assumption, ...]:
    if evidence.distinct is None:
        return ()
    repeated = evidence.n - evidence.distinct.n
    reason = (
        f"{repeated} rows of S repeat another one, and the two readings of them have two heads; declare repeats='drop' "
        "(copies) or 'keep' (the population repeats items)"
    )
    return (Assumption("A6", "unverifiable", reason),)


PICK_TO_LEARN = Theorem(
    name="pick_to_learn",
    title="a head that picks its labels, certified by how few it needed: nothing is held out",
    source="Campi and Garatti (2023); Paccagnan, Campi and Garatti (2023)",
    statement=r"\mathbb{P}(\arg\max W f(x) \ne y)",
    predictor="affine ridge head on a part of S and the rows it picked from the rest",
    inputs=_inputs,
    proof=proof,
    options=("pick_to_learn",),
    splits=True,
    texts={
        "picks": ("share of rows that the head needed", "representations that separate the classes"),
        "confidence": ("price of confidence", "more labels, a larger δ"),
    },
    axis=ERROR,
)
