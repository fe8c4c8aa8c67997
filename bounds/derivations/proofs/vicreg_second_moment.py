"""Proof of `vicreg_second_moment` and its ridge grid, with Pinelis or Klein and Rio (theory §3b, K8)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import inequalities
from bounds.derivations import vicreg_second_moment as expressions
from bounds.derivations.chain import conclude
from bounds.derivations.lemmas import classes, concentration, geometry, second_moment, vectors
from bounds.derivations.quantities import (
    class_part,
    expected_half_invariance,
    mean_gap,
    root_loss,
    sampled_class_part,
    variation,
)
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import (
    K,
    TV_pairs,
    V_head,
    W_norm,
    bias,
    class_excess,
    delta_1,
    delta_2,
    delta_5,
    half_invariance,
    heads,
    m,
    n,
    n_min,
    reach,
    tau,
    variance_total,
)


def class_steps(prior_known: bool) -> list[Step]:
    """From the prior to the class frequencies of S."""
    if prior_known:
        return [
            classes.class_shift(),
            Step(
                "known prior",
                sp.Le(class_part, sampled_class_part + class_excess, evaluate=False),
                "class shift, class by class: a number, no probability is spent",
                "falsification",
                lambda: classes.class_shift().result,
            ),
        ]
    return [
        classes.class_shift(),
        classes.shifted("classes", class_part, sampled_class_part, reach**2, variation),
        classes.weissman_theorem(),
        classes.weissman("class frequencies", variation, delta_5, n),
    ]


def mean_steps(concentration_of: expressions.Concentration) -> list[Step]:
    """The deviation of the class means."""
    step, variance = tau / sp.sqrt(n * n_min), variance_total / n
    note = "Given the labels of S; the event is free of the head."
    if concentration_of == "pinelis":
        radius = inequalities.pinelis(step, variance, delta_1)
        return [
            vectors.pinelis_theorem(),
            vectors.pinelis("deviation of the class means", mean_gap, radius, step, variance, delta_1, note),
        ]
    weak = tau**2 / (4 * n)
    radius = inequalities.klein_rio(step, variance, weak, delta_1)
    return [
        vectors.klein_rio_theorem(),
        vectors.klein_rio(
            "deviation of the class means", mean_gap, radius, step, variance, weak, delta_1, note
        ),
    ]


def proof(
    *,
    prior_known: bool = False,
    conditioned_pairs: bool = False,
    concentration: expressions.Concentration = "pinelis",
    name: str = "vicreg_second_moment",
) -> Derivation:
    """Identity, Minkowski, deviation of K class means, empirical Bernstein on the pairs."""
    spread = W_norm**2 * tau**2 / 2
    mean = half_invariance + (spread * TV_pairs if conditioned_pairs else 0)
    steps = [
        second_moment.root(),
        second_moment.identity(),
        *class_steps(prior_known),
        second_moment.reach_of_means(),
        second_moment.minkowski(),
        second_moment.step_size(),
        second_moment.class_variance(),
        *mean_steps(concentration),
        geometry.spectral_norm(),
        concentration_lemma(),
        pairs_step(mean, spread),
        geometry.argmax_error(),
    ]
    return conclude(
        name,
        root_loss,
        steps,
        expressions.expression(
            prior_known=prior_known, conditioned_pairs=conditioned_pairs, concentration=concentration
        ),
        sp.Add(delta_1, delta_2, *([] if prior_known else [delta_5])),
        sizes=(n, m),
        also_falls=(n_min,),
        floor=bias
        + half_invariance
        + (class_excess if prior_known else 0)
        + (spread * TV_pairs if conditioned_pairs else 0),
        grows=(K, W_norm, bias, half_invariance, V_head, variance_total, tau, heads, reach),
        variant={
            "prior_known": prior_known,
            "conditioned_pairs": conditioned_pairs,
            "concentration": concentration,
        },
    )


def concentration_lemma() -> Step:
    """The cited theorem used for the pairs."""
    return concentration.maurer_pontil_theorem()


def pairs_step(mean: sp.Expr, spread: sp.Expr) -> Step:
    """Half the invariance through each head of the grid."""
    return concentration.empirical_bernstein(
        "half the invariance",
        expected_half_invariance,
        mean,
        V_head,
        spread,
        delta_2 / heads,
        m,
        "S and the pairs are independent, so the head is fixed; each head of a grid gets an equal share.",
        spends=delta_2,
    )


def ridge(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """The same for the best of a grid of heads, as evaluated from a thousand labels on."""
    return proof(
        prior_known=prior_known,
        conditioned_pairs=conditioned_pairs,
        concentration="klein_rio",
        name="vicreg_second_moment_ridge",
    )
