"""`agreement`, `agreement_no_holdout`: few labels say on which side of ½ each class errs, unlabeled pairs the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from bounds.derivations import agreement as derivation
from bounds.derivations.expression import Expression
from bounds.evidence.evidence import Evidence
from bounds.evidence.gaussian_heads import FEWEST, SHIFTS, GaussianHead, search
from bounds.evidence.kept_apart import class_counts
from bounds.evidence.splits import fitting_head, held_out_count
from bounds.evidence.votes import disagreement_counts
from bounds.heads.fitted import FittedHead
from bounds.proofs.conclude import Conclusion
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.agreement import ClassLimit, agree, in_each_class
from bounds.proofs.lemmas.concentration import class_frequencies, counted
from bounds.proofs.lemmas.pac_bayes import derandomised, pac_bayes
from bounds.proofs.lemmas.reading import class_shift
from bounds.proofs.terms import Declared, E, Given, InCell, Mean, Remainder
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import pair_total_variation, require_fixed_encoder
from bounds.theorems.counting.counts import something_counted
from bounds.theorems.supervised.pac_bayes import QUANTILES, Array, gaussian_columns, gaussian_values, quantile
from bounds.theorems.vocabulary import (
    CLASSES,
    CLEAN_HELD_OUT_OF_CLASS,
    COUNTED_OF_CLASS,
    FITTED,
    HELD_OUT_OF_CLASS,
    PRIORS,
    K,
    S,
    W,
    concluded,
    counted_despite_copies,
    deltas,
    disagree,
    known_pairs,
    narrow,
    weight,
    wrong,
)

_KINKS = 64
_TEXTS = {
    "disagreement": (
        "how often the head decides differently on the two views of a pair",
        "a more invariant head",
    ),
    "class_limits": ("what the labels leave open about the error of each class", "more labels per class"),
}


_d1, _d2, _, _, _d5, _ = deltas


def _held_out_limit() -> Fact:
    """u_y = CP⁺ over the held-out items of a class, K of them at δ₂ together."""
    term = InCell(CLASSES.chosen, wrong(FITTED))
    return counted_despite_copies(
        HELD_OUT_OF_CLASS, CLEAN_HELD_OUT_OF_CLASS, term, _d2, "class_limits", over=(CLASSES,)
    )


def _training_limit() -> Fact:
    """u_y from the training labels of a class: derandomised PAC-Bayes, K of them at δ₂ together."""
    term = InCell(CLASSES.chosen, narrow(W))
    random = pac_bayes(Mean(COUNTED_OF_CLASS, term), _d2, "class_limits", over=(CLASSES, PRIORS))
    return derandomised(term).expect().chain(random)


@cache
def proof(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Conclusion:
    """λ·D⁺ + Σ_y p_y max(0, u_y − 2λu_y(1 − u_y)): each class of pairs disagrees with probability ≥ 2e_y(1 − e_y)."""
    return _agreed(_held_out_limit(), FITTED, prior_known, conditioned_pairs)


@cache
def no_holdout(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Conclusion:
    """The same with limits from the labels that the head was fitted on."""
    return _agreed(_training_limit(), W, prior_known, conditioned_pairs)


@cache
def _class_limit(limits: Callable[[], Fact], head: Declared) -> Expression:
    """u_y, which the multiplier is chosen by."""
    return concluded(limits(), E(InCell(CLASSES.chosen, wrong(head)))).expression


def _agreed(limits: Fact, head: Declared, prior_known: bool, conditioned_pairs: bool) -> Conclusion:
    pairs = known_pairs(conditioned_pairs)
    bound = agree(in_each_class(limits), weight).expect()
    bound = bound.chain(counted(Mean(pairs, disagree(head)), _d1, "disagreement"))
    if not prior_known:
        left = Remainder(ClassLimit(Given(wrong(head))), weight)
        bound = bound.chain(class_shift(left, S), class_frequencies(S, _d5, K, smaller=True))
    return concluded(bound, E(wrong(head)))


def _split(evidence: Evidence, delta: float) -> dict[str, float]:
    known = evidence.setting.prior is not None
    return shares(delta, "delta_1", "delta_2", *(() if known else ("delta_5",)))


def _inputs_for(
    proof: Callable[..., Conclusion],
    evidence: Evidence,
    head: FittedHead,
    limits: list[float],
    split: dict[str, float],
    notes: tuple[str, ...] = (),
) -> Inputs:
    """The bound from one upper limit of the error per class, at the best multiplier."""
    setting = evidence.setting
    known = setting.prior is not None
    prior = evidence.frequencies if setting.prior is None else setting.prior.tolist()
    u = np.asarray(limits)
    differing = something_counted(disagreement_counts(evidence, head))
    shared = {
        "K": setting.num_classes,
        "n": evidence.n,
        "m": differing.trials,
        "disagreements": differing.mistakes,
        "TV_pairs": pair_total_variation(evidence),
        **split,
    }
    proven = proof(prior_known=known, conditioned_pairs=setting.conditioned_pairs)
    expression = proven.expression

    def values(multiplier: float) -> dict[str, float]:
        left = derivation.class_remainders(u, multiplier)
        return {
            **shared,
            "multiplier": multiplier,
            "class_part": float(np.dot(prior, left)),
            "class_spread": float(left.max() - left.min()),
        }

    # Convex in λ, piecewise linear with a kink where a class drops out; any λ ≥ 0 is valid.
    some = np.quantile(u[u < 1.0], np.linspace(0, 1, _KINKS), method="nearest") if (u < 1.0).any() else u[:0]
    kinks = {0.0, *(0.5 / (1.0 - some)).tolist()}
    best = min(
        (values(kink) for kink in kinks), key=lambda one: expression.combined(expression.evaluate(one))
    )
    return Inputs.proven(proven, best, split, head, notes + differing.notes)


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    require_fixed_encoder(evidence)
    split = _split(evidence, delta)
    count = held_out_count(evidence, purpose="siding")
    head = fitting_head(evidence, count)
    limit = _class_limit(_held_out_limit, FITTED)
    limits = []
    classes, notes = class_counts(evidence, head, count)
    for one in classes:
        values = {
            "class_items": one.trials,
            "class_mistakes": one.mistakes,
            "K": evidence.setting.num_classes,
            "delta_2": split["delta_2"],
        }
        limits.append(limit.combined(limit.evaluate(values), most=1.0) if one.trials else 1.0)
    return _inputs_for(proof, evidence, head, limits, split, notes)


def _no_holdout_inputs(evidence: Evidence, delta: float) -> Inputs:
    require_fixed_encoder(evidence)
    split = _split(evidence, delta)
    classes = evidence.setting.num_classes
    limit = _class_limit(_training_limit, W)
    per_class = {"K": float(classes), "delta_2": split["delta_2"]}

    def upper(head: GaussianHead, shift: float, items: float, soft: float) -> float:
        shared = gaussian_values(head, split["delta_2"], len(SHIFTS)) | per_class
        values = {**shared, "n_Q": items, "margin_error": soft, "quantile": quantile(shift)}
        return limit.combined(limit.evaluate(values))

    def typical(heads: list[GaussianHead], errors: Array) -> Array:
        """A class of average size and error stands for all in the search."""
        columns = gaussian_columns(heads, split["delta_2"], len(SHIFTS))
        columns["n_Q"] = columns["n_Q"] / classes
        return limit.compared({**columns, **per_class, "margin_error": errors, "quantile": QUANTILES})

    head, table, shift = search(evidence, SHIFTS, typical)
    limits = [
        min(1.0, upper(head, shift, items, soft)) if items >= FEWEST else 1.0
        for items, soft in zip(table.counts.tolist(), table.class_errors(shift).tolist(), strict=True)
    ]
    return _inputs_for(no_holdout, evidence, evidence.head, limits, split)


AGREEMENT = Theorem(
    name="agreement",
    title="agreement on class pairs, class errors limited by held-out labels",
    source="this package; Clopper and Pearson (1934)",
    statement=r"\mathbb{P}(\arg\max W f(x) \ne y)",
    predictor="head as given by `head`, on S without the held-out part",
    inputs=_inputs,
    proof=proof,
    splits=True,
    texts=_TEXTS,
    axis=ERROR,
)

AGREEMENT_NO_HOLDOUT = Theorem(
    name="agreement_no_holdout",
    title="agreement on class pairs, class errors limited by derandomised PAC-Bayes",
    source="this package; Maurer (2004), Thm 5",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`, on all of S",
    inputs=_no_holdout_inputs,
    proof=no_holdout,
    texts=_TEXTS,
    axis=ERROR,
)
