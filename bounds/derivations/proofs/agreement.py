"""Proofs of `agreement` and `agreement_no_holdout`: pairs measure, labels only locate (theory §5b)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import agreement
from bounds.derivations import pac_bayes as head_derivation
from bounds.derivations.agreement import (
    class_items,
    class_limit,
    class_mistakes,
    class_part,
    class_spread,
    disagreements,
    multiplier,
)
from bounds.derivations.algebra import equal
from bounds.derivations.chain import conclude
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.inequalities import unequal_trials
from bounds.derivations.lemmas import classes, concentration, counts, pairs_of_views
from bounds.derivations.lemmas.pairs_of_views import limit_y, weight
from bounds.derivations.pac_bayes import grid, margin_error
from bounds.derivations.proofs import pac_bayes
from bounds.derivations.quantities import (
    class_error,
    class_leftover,
    disagreement,
    error,
    margin_risk,
    pair_disagreement,
    variation,
)
from bounds.derivations.steps import Derivation, Result, Step
from bounds.derivations.symbols import K, TV_pairs, delta, delta_1, delta_2, delta_5, m, n
from bounds.derivations.vicreg_sharp import total_variation

_DOMAIN = {"disagreements": (5, 25), "m": (40, 5000), "class_mistakes": (0, 9), "class_items": (10, 50)}


def _classes(prior_known: bool) -> list[Step]:
    if prior_known:
        return [classes.known_prior("known prior", class_leftover, class_part)]
    return [
        pairs_of_views.spread_shift(),
        Step(
            "classes",
            sp.Le(class_leftover, class_part + class_spread * variation, evaluate=False),
            "class shift by the range",
            "falsification",
            lambda: pairs_of_views.spread_shift().result,
        ),
        classes.weissman_theorem(),
        classes.variation_mean(),
        concentration.mcdiarmid_theorem(),
        classes.smaller_variation("class frequencies", variation, total_variation(K, delta_5, n), delta_5, n),
    ]


def _pairs(conditioned: bool) -> list[Step]:
    steps = [counts.clopper_pearson_theorem()]
    level, quantity = delta_1, disagreement
    if conditioned:
        level, quantity = unequal_trials(delta_1), pair_disagreement
        steps += [
            classes.class_shift(),
            classes.shifted("classes of the pairs", disagreement, pair_disagreement, sp.Integer(1), TV_pairs),
            counts.unequal_trials_theorem(),
        ]
    limit = clopper_pearson(disagreements, m, level)
    return [
        *steps,
        counts.clopper_pearson("pairs", quantity, limit, disagreements, m, delta_1, conditioned),
    ]


def _remainder() -> Step:
    """The class part the theorem evaluates is the one of the lemma."""

    def check() -> Result:
        lemma = pairs_of_views.lagrange().statement.rhs - pairs_of_views.lagrange().statement.rhs.subs(
            limit_y, 0
        )
        return equal(
            lemma.subs({limit_y: class_limit, weight: multiplier}),
            agreement.class_remainder(),
            {"class_limit": (0.0, 1.0)},
        )

    return Step(
        "what a class limit leaves",
        sp.Eq(class_part, agreement.class_remainder(), evaluate=False),
        "ends of the interval, class by class",
        "symbolic",
        check,
        display=r"v_y=\max(0,u_y-2\lambda u_y(1-u_y)),\qquad\textstyle\sum_yp_ye_y\le\lambda D+\sum_yp_yv_y",
    )


def _proof(name: str, limits: list[Step], prior_known: bool, conditioned_pairs: bool) -> Derivation:
    steps = [
        pairs_of_views.class_agreement(),
        pairs_of_views.lagrange(),
        _remainder(),
        Step(
            "error by classes",
            sp.Le(error, multiplier * disagreement + class_leftover, evaluate=False),
            "the two steps above, averaged over classes",
            "falsification",
            lambda: pairs_of_views.class_agreement().result & pairs_of_views.lagrange().result,
        ),
        *_pairs(conditioned_pairs),
        *limits,
        *_classes(prior_known),
    ]
    return conclude(
        name,
        error,
        list(dict.fromkeys(steps)),
        agreement.expression(prior_known=prior_known, conditioned_pairs=conditioned_pairs),
        sp.Add(delta_1, delta_2, *([] if prior_known else [delta_5])),
        sizes=(n, m),
        floor=None,
        grows=(K, class_part, class_spread, disagreements, multiplier),
        domain=_DOMAIN,
        whole=True,
        variant={"prior_known": prior_known, "conditioned_pairs": conditioned_pairs},
    )


def held_out(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """Class errors limited by held-out labels."""
    limit = agreement.held_out_limit().total
    steps = [
        counts.clopper_pearson_theorem(),
        counts.clopper_pearson(
            "held-out items of one class",
            class_error,
            limit,
            class_mistakes,
            class_items,
            delta_2 / K,
            note="One limit u_y per class, K of them at delta_2 together.",
            spends=delta_2,
        ),
    ]
    return _proof("agreement", steps, prior_known, conditioned_pairs)


def no_holdout(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """Class errors limited by derandomised PAC-Bayes on the training labels outside the prior's part."""
    bound = pac_bayes.bound(margin_risk, margin_error, delta / grid, delta_2)

    def check() -> Result:
        limit = margin_risk / head_derivation.quantile
        total = limit.subs(margin_risk, head_derivation.upper(margin_error))
        return equal(total, agreement.training_limit().total, pac_bayes.DOMAIN)

    steps = [
        *pac_bayes.derandomised(class_error),
        *bound,
        Step(
            "limit of one class",
            sp.Eq(class_limit, agreement.training_limit().total, evaluate=False),
            "PAC-Bayes on the items of one class, at delta = delta_2/K",
            "symbolic",
            check,
        ),
    ]
    return _proof("agreement_no_holdout", steps, prior_known, conditioned_pairs)
