"""Proof of `vicreg_sharp`: projection, kl limits, fresh second views (theory §2, last paragraph)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import vicreg_sharp
from bounds.derivations.chain import conclude
from bounds.derivations.lemmas import classes, concentration, geometry, theorem2
from bounds.derivations.quantities import (
    expected_invariance,
    pair_invariance,
    pair_variation,
    phi_fresh,
    phi_mean,
    phi_pairs,
    projected_loss,
    sample_loss,
    shift,
    variation,
)
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import (
    TV_S,
    K,
    TV_pairs,
    c,
    delta_1,
    delta_2,
    delta_3,
    delta_4,
    delta_5,
    delta_6,
    invariance,
    kappa_ref,
    kappa_S,
    m,
    n,
    phi_S,
    phi_second,
    projected_S,
    tau,
)

# Means lie below their ranges, as they do on data.
_DOMAIN = {
    "tau": (1.9, 2.0),
    "invariance": (0.1, 0.8),
    "expected_invariance": (0.1, 0.8),
    "pair_invariance": (0.1, 0.8),
    "kappa_ref": (6.0, 6.9),
    "phi_second": (0.5, 1.0),
    "phi_mean": (0.5, 1.0),
    "phi_pairs": (0.5, 1.0),
    "TV_pairs": (0.0, 0.1),
    "TV_S": (0.0, 0.1),
}


def _frequencies(
    name: str, quantity: sp.Symbol, known: sp.Expr | None, share: sp.Expr, count: sp.Expr
) -> list[Step]:
    if known is not None:
        return [classes.known_prior(f"{name}, known", quantity, known)]
    radius = vicreg_sharp.total_variation(K, share, count)
    lemmas = [classes.weissman_theorem(), classes.variation_mean(), concentration.mcdiarmid_theorem()]
    return [*lemmas, classes.smaller_variation(name, quantity, radius, share, count)]


def _invariance(conditioned: bool) -> list[Step]:
    """From distances on S to those of the pairs."""
    measured = pair_invariance if conditioned else expected_invariance
    steps = [
        concentration.kl_limit(
            "labeled items",
            shift,
            vicreg_sharp.upper_average(expected_invariance, tau, delta_1, n),
            expected_invariance,
            tau,
            delta_1,
            n,
        ),
        concentration.kl_limit(
            "pairs",
            measured,
            vicreg_sharp.upper_mean(invariance, tau, delta_2, m),
            invariance,
            tau,
            delta_2,
            m,
        ),
    ]
    if conditioned:
        note = "The class counts of the pairs are fixed."
        steps.append(
            classes.shifted("classes of the pairs", expected_invariance, measured, tau, TV_pairs, note)
        )
    return steps


def _reference() -> list[Step]:
    """The reference head on fresh inputs of the classes of S, from fresh second views of the pairs."""
    return [
        concentration.kl_limit(
            "reference head on S",
            phi_fresh,
            vicreg_sharp.upper_average(phi_mean, kappa_ref, delta_3, n),
            phi_mean,
            kappa_ref,
            delta_3,
            n,
            "The other half of step 6, the residual on the items themselves, is observed.",
        ),
        classes.shifted("classes of the second views", phi_mean, phi_pairs, kappa_ref, pair_variation),
        concentration.kl_limit(
            "fresh second views",
            phi_pairs,
            vicreg_sharp.upper_mean(phi_second, kappa_ref, delta_4, m),
            phi_second,
            kappa_ref,
            delta_4,
            m,
            "Given the classes of the pairs, second views are independent of a head fitted on first views: "
            "no head class.",
        ),
    ]


def proof(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """Theorem 2 for the projected head and one fixed representation (A3)."""
    counted = prior_known or conditioned_pairs
    steps = [
        theorem2.decomposition(True),
        theorem2.triangle(True),
        geometry.spectral_norm(),
        *geometry.simplex_projection(),
        theorem2.average(reference=True, projected=True),
        geometry.loss_range(),
        classes.class_shift(),
        classes.shifted(
            "classes", projected_loss, sample_loss, kappa_S, variation, "At most sqrt 2 once projected."
        ),
        *_frequencies("class frequencies", variation, TV_S if prior_known else None, delta_5, n),
        concentration.kl_theorem(),
        *_invariance(conditioned_pairs),
        *_reference(),
        *_frequencies(
            "class frequencies of the pairs", pair_variation, TV_pairs if counted else None, delta_6, m
        ),
    ]
    unknown = [] if prior_known else [delta_5] if conditioned_pairs else [delta_5, delta_6]
    floor = projected_S + phi_S + c * invariance + phi_second
    shift_of_pairs = c * tau * TV_pairs if conditioned_pairs else sp.Integer(0)
    return conclude(
        "vicreg_sharp",
        projected_loss,
        _once(steps),
        vicreg_sharp.expression(prior_known=prior_known, conditioned_pairs=conditioned_pairs),
        sp.Add(delta_1, delta_2, delta_3, delta_4, *unknown),
        sizes=(n, m),
        floor=floor
        + shift_of_pairs
        + (kappa_ref * TV_pairs if counted else 0)
        + (kappa_S * TV_S if prior_known else 0),
        grows=(K, c, phi_S, projected_S, kappa_S),
        domain=_DOMAIN,
        whole=True,
        variant={"prior_known": prior_known, "conditioned_pairs": conditioned_pairs},
    )


def _once(steps: list[Step]) -> list[Step]:
    """Each lemma where it is first used."""
    return list(dict.fromkeys(steps))
