"""Steps of Theorem 2 that the proof of its printed form uses."""

from __future__ import annotations

import sympy as sp

from bounds.derivations.lemmas import classes, complexity, concentration, geometry, theorem2
from bounds.derivations.quantities import (
    expected_invariance,
    head_complexity,
    loss,
    mean_residual_ref,
    mean_residual_S,
    phi_mean,
    sample_loss,
    shift,
    variation,
)
from bounds.derivations.steps import Step
from bounds.derivations.symbols import (
    R_F,
    TV_S,
    B,
    TV_pairs,
    beta,
    delta_1,
    delta_2,
    delta_5,
    invariance,
    kappa_S,
    m,
    n,
    tau,
)


def transfer(reference: bool) -> list[Step]:
    """From the loss on fresh inputs of the classes of S to residual, invariance and reference residuals."""
    return [
        theorem2.decomposition(reference),
        theorem2.triangle(reference),
        geometry.spectral_norm(),
        theorem2.average(reference=reference),
    ]


def class_steps(prior_known: bool) -> list[Step]:
    """From the classes of S to the prior."""
    change = classes.shifted(
        "classes", loss, sample_loss, kappa_S, variation, "The loss lies in [0, kappa_S]."
    )
    radius = (
        [classes.known_prior("known prior", variation, TV_S)]
        if prior_known
        else [classes.weissman_theorem(), classes.weissman("class frequencies", variation, delta_5, n)]
    )
    return [geometry.loss_range(), classes.class_shift(), change, *radius]


def invariance_steps(
    conditioned_pairs: bool, labeled: sp.Expr = delta_1, pairs: sp.Expr = delta_2
) -> list[Step]:
    """From distances on S to the measured invariance, at the two given shares of δ."""
    mean = invariance + 2 * R_F / sp.sqrt(m) + (tau * TV_pairs if conditioned_pairs else 0)
    note = (
        "The class counts of the pairs are fixed; the class shift adds tau TV." if conditioned_pairs else ""
    )
    return [
        concentration.hoeffding_theorem(),
        concentration.hoeffding("labeled items", shift, expected_invariance, tau, labeled, n),
        complexity.symmetrisation(),
        complexity.massart(),
        concentration.mcdiarmid_theorem(),
        concentration.mcdiarmid("pairs", expected_invariance, mean, tau, pairs, m, R_F, note),
    ]


def reference_steps(conditioned_pairs: bool, share: sp.Expr, level: sp.Expr) -> list[Step]:
    """Step 7: the residual of the fitted reference head, uniformly over heads of its radius.

    `share` is the part of `level` that this radius gets.
    """
    kappa = 1 + beta * B
    mean = (
        mean_residual_ref + 2 * head_complexity / sp.sqrt(m) + (kappa * TV_pairs if conditioned_pairs else 0)
    )
    return [
        complexity.vector_contraction(),
        concentration.mcdiarmid(
            "reference head on the pairs",
            phi_mean,
            mean,
            kappa,
            share,
            m,
            head_complexity,
            "Uniform over heads with Frobenius norm at most beta, because the reference head was fitted on "
            "these pairs.",
            spends=level,
        ),
        complexity.radius_grid(),
        *complexity.head_ball(),
    ]


def residual_steps(labeled: sp.Expr | None, reference: sp.Expr | None) -> list[Step]:
    """Step 8: mean residuals are at most what is reported: themselves, or their root mean squares."""
    chosen = [
        (mean_residual_S, labeled, "residual on S"),
        (mean_residual_ref, reference, "residual on the pairs"),
    ]
    return [geometry.jensen("N"), geometry.projector_residual()] + [
        Step(
            name,
            sp.Le(mean, reported, evaluate=False),
            "Jensen's inequality (equality where the mean itself is reported)",
            "symbolic",
            lambda: geometry.jensen("N").result,
        )
        for mean, reported, name in chosen
        if reported is not None
    ]


def fixed_counts(pairs: sp.Expr, labeled: sp.Expr, prior_known: bool, conditioned: bool) -> sp.Expr:
    """What known class counts add, whatever the sample sizes."""
    return (labeled * TV_S if prior_known else 0) + (pairs * TV_pairs if conditioned else 0)
