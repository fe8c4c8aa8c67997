"""Proofs of `vicreg_certified`, `vicreg_direct`, `vicreg_best` and `trivial_reference` (theory §2, §3)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import vicreg_certified
from bounds.derivations.chain import conclude
from bounds.derivations.expression import Expression
from bounds.derivations.lemmas import classes, complexity, concentration, geometry, theorem2
from bounds.derivations.quantities import (
    expected_invariance,
    head_complexity,
    loss,
    mean_residual_ref,
    mean_residual_S,
    phi_mean,
    phi_sum,
    sample_loss,
    shift,
    variation,
)
from bounds.derivations.steps import Derivation, Result, Step
from bounds.derivations.symbols import (
    R_F,
    TV_S,
    B,
    K,
    TV_pairs,
    W_norm,
    beta,
    c,
    delta_1,
    delta_2,
    delta_3,
    delta_4,
    delta_5,
    functions,
    invariance,
    kappa_ref,
    kappa_S,
    m,
    n,
    residual_ref,
    residual_S,
    tau,
    weight_j,
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


def certified(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """Theory §2, steps 1 to 8."""
    steps = [
        *transfer(True),
        *class_steps(prior_known),
        *invariance_steps(conditioned_pairs),
        concentration.hoeffding(
            "reference head on S",
            phi_sum,
            2 * phi_mean,
            2 * kappa_ref,
            delta_3,
            n,
            "The reference head does not depend on S (A7); each item contributes a value in [0, 2 kappa].",
        ),
        *reference_steps(conditioned_pairs, delta_4 * weight_j / functions, delta_4),
        *residual_steps(residual_S, residual_ref),
    ]
    shares = [delta_1, delta_2, delta_3, delta_4] + ([] if prior_known else [delta_5])
    floor = residual_S + c * invariance + 2 * residual_ref
    return conclude(
        "vicreg_certified",
        loss,
        steps,
        vicreg_certified.certified(prior_known=prior_known, conditioned_pairs=conditioned_pairs),
        sp.Add(*shares),
        sizes=(n, m),
        floor=floor + fixed_counts(c * tau + 2 * (1 + beta * B), kappa_S, prior_known, conditioned_pairs),
        grows=(K, R_F, c, invariance, residual_S, residual_ref, beta, tau, functions),
        variant={"prior_known": prior_known, "conditioned_pairs": conditioned_pairs},
    )


def direct(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """Theory §3: the reference head is zero."""
    steps = [
        *transfer(False),
        *class_steps(prior_known),
        *invariance_steps(conditioned_pairs),
        *residual_steps(residual_S, None),
    ]
    return conclude(
        "vicreg_direct",
        loss,
        steps,
        vicreg_certified.direct(prior_known=prior_known, conditioned_pairs=conditioned_pairs),
        sp.Add(delta_1, delta_2, *([] if prior_known else [delta_5])),
        sizes=(n, m),
        floor=residual_S
        + W_norm * invariance
        + fixed_counts(W_norm * tau, kappa_S, prior_known, conditioned_pairs),
        grows=(K, R_F, W_norm, invariance, residual_S, tau),
        variant={"prior_known": prior_known, "conditioned_pairs": conditioned_pairs},
    )


def fixed_counts(pairs: sp.Expr, labeled: sp.Expr, prior_known: bool, conditioned: bool) -> sp.Expr:
    """What known class counts add, whatever the sample sizes."""
    return (labeled * TV_S if prior_known else 0) + (pairs * TV_pairs if conditioned else 0)


def best(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """The smaller of the two on the events of §2."""
    first = certified(prior_known=prior_known, conditioned_pairs=conditioned_pairs)
    second = direct(prior_known=prior_known, conditioned_pairs=conditioned_pairs)
    spent = {step.spends for step in first.steps}
    smaller = sp.Min(first.expression.total, second.expression.total)

    def check_events() -> Result:
        extra = [step for step in second.steps if step.spends not in spent]
        return Result(not extra, "each event of vicreg_direct is one of vicreg_certified, at the same share")

    steps = [
        *first.steps,
        *(step for step in second.steps[:4] if step.name != "spectral norm"),
        second["the chain is the bound"],
        Step(
            "common events",
            sp.Le(second.failure, first.failure, evaluate=False),
            "both bounds hold on the same event",
            "symbolic",
            check_events,
        ),
        Step(
            "the smaller of the two",
            sp.Le(loss, smaller, evaluate=False),
            "both hold at once",
            "symbolic",
            lambda: first["the chain is the bound"].result & second["the chain is the bound"].result,
            display=r"\text{the smaller of \texttt{vicreg\_certified} and \texttt{vicreg\_direct}}",
        ),
    ]
    return Derivation(
        "vicreg_best", loss, tuple(steps), Expression({"smaller": smaller}), first.failure, first.variant
    )


def trivial(*, conditioned_pairs: bool = False) -> Derivation:
    """The one-line reference: E‖φ‖ + c·B."""
    steps = [
        theorem2.one_line_reference(),
        concentration.mcdiarmid_theorem(),
        complexity.symmetrisation(),
        *reference_steps(conditioned_pairs, delta_4 * weight_j / functions, delta_4),
        *residual_steps(None, residual_ref),
    ]
    return conclude(
        "trivial_reference",
        loss,
        steps,
        vicreg_certified.trivial(conditioned_pairs=conditioned_pairs),
        delta_4,
        sizes=(n, m),
        floor=residual_ref + c * B + ((1 + beta * B) * TV_pairs if conditioned_pairs else 0),
        grows=(K, c, residual_ref, beta, B),
        variant={"conditioned_pairs": conditioned_pairs},
    )
