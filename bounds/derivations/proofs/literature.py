"""Proofs of the literature's bounds for the mean classifier: coverage, halves, reverse Jensen, batches."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import haochen_2021, inequalities, van_elst_2024
from bounds.derivations.algebra import equal
from bounds.derivations.chain import conclude
from bounds.derivations.contrastive import (
    blocks,
    delta_loss,
    infonce_loss,
    negatives,
    span,
    temperature,
)
from bounds.derivations.haochen_2021 import alignment, similarity
from bounds.derivations.lemmas import batches, classes, concentration, contrastive, pac_bayes, spectral
from bounds.derivations.lemmas import infonce as lemmas
from bounds.derivations.proofs.simclr import u_statistic_steps
from bounds.derivations.quantities import (
    contrastive_risk,
    cross_similarity,
    minus_alignment,
    minus_pair_alignment,
    pair_similarity,
    root_loss,
    supervised_risk,
)
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import B, TV_pairs, functions, m
from bounds.derivations.van_elst_2024 import divergence

_DOMAIN = {"span": (0.5, 2.0), "temperature": (0.5, 2.0), "coverage": (0.3, 0.9), "no_collision": (0.6, 0.99)}
_DOMAIN |= {"infonce_loss": (2.0, 3.0), "contrastive_risk": (2.0, 3.0), "log_collisions": (0.01, 0.2)}


def _sampled() -> list[Step]:
    """From the expected InfoNCE loss to its mean over blocks."""
    spread = lemmas.infonce_range(False)
    share = delta_loss / functions
    return [
        spread,
        *u_statistic_steps(
            contrastive_risk, infonce_loss, 1 / temperature, spread.statement.rhs, share, False
        ),
    ]


def _with(lemma: Step, bound: sp.Expr) -> Step:
    return Step(
        "from InfoNCE to the softmax",
        sp.Le(supervised_risk, bound, evaluate=False),
        f"{lemma.name}, solved for the softmax loss",
        "falsification",
        lambda: lemma.result,
        source=lemma.source,
    )


def van_elst() -> Derivation:
    """InfoNCE itself: McDiarmid over items, then a change of measure."""
    items = blocks * (negatives + 1)
    difference = batches.bounded_difference().statement.rhs
    price = sp.sqrt((divergence + sp.log(2 * items / delta_loss)) / (2 * (items - 1)))
    tail = batches.square_moment().statement.rhs.subs(batches.size, items)
    exponent = divergence - 2 * (items - 1) * price**2
    steps = [
        batches.bounded_difference(),
        concentration.mcdiarmid_theorem(),
        batches.square_moment(),
        pac_bayes.change_of_measure(),
        Step(
            "loss of a random encoder",
            sp.Le(contrastive_risk, infonce_loss + difference * price, evaluate=False),
            "change of measure on the squared deviation, Markov, Jensen",
            "symbolic",
            lambda: equal(tail * sp.exp(exponent), delta_loss),
            spends=delta_loss,
        ),
    ]
    return conclude(
        "van_elst_2024",
        contrastive_risk,
        steps,
        van_elst_2024.expression(),
        delta_loss,
        sizes=(blocks,),
        floor=None,
        grows=(infonce_loss, divergence, span),
        domain=_DOMAIN,
        whole=True,
    )


def haochen(*, conditioned_pairs: bool = False) -> Derivation:
    """Alignment from the pairs, similarity from all pairs of items, for every scale of the head at once."""
    aligned = minus_pair_alignment if conditioned_pairs else minus_alignment
    similar = pair_similarity if conditioned_pairs else cross_similarity
    share = delta_loss / 2 / functions
    lemma = spectral.scaled_means()
    radius = inequalities.hoeffding(B**4, share, blocks)
    steps = [
        spectral.root(),
        lemma,
        concentration.hoeffding_theorem(),
        concentration.hoeffding(
            "alignment of the pairs",
            aligned,
            -alignment,
            span,
            share,
            m,
            "One of two events; a union bound pays for J encoders.",
            spends=delta_loss / 2,
        ),
        contrastive.u_statistic(),
        concentration.concentrate(
            "similarity of the items",
            similar,
            similarity,
            radius,
            lambda x: concentration.hoeffding_tail(x, B**4, blocks),
            share,
            "Hoeffding over M disjoint blocks",
            spends=delta_loss / 2,
        ),
    ]
    if conditioned_pairs:
        steps += [
            classes.class_shift(),
            classes.shifted("classes of the pairs", minus_alignment, aligned, B**2, TV_pairs),
            contrastive.fixed_count_shift(),
            Step(
                "classes of pairs of items",
                sp.Le(cross_similarity, similar + B**4 * sp.Min(1, 1 / m + 2 * TV_pairs), evaluate=False),
                "fixed class counts, times the range",
                "falsification",
                lambda: contrastive.fixed_count_shift().result,
            ),
        ]
    return conclude(
        "haochen_2021",
        root_loss,
        steps,
        haochen_2021.expression(conditioned_pairs=conditioned_pairs),
        delta_loss,
        sizes=(m, blocks),
        floor=None,
        grows=(similarity, functions),
        domain={"p_min": (0.05, 0.2), "B": (0.9, 1.0), "alignment": (-0.1, 0.1), "head_scale": (0.1, 1.0)}
        | {"minus_alignment": (-0.1, 0.1), "minus_pair_alignment": (-0.1, 0.1)},
        whole=True,
        variant={"conditioned_pairs": conditioned_pairs},
    )
