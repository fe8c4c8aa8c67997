"""Proofs of `pac_bayes` and `pac_bayes_deterministic` (theory §5, §5b)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import pac_bayes as expressions
from bounds.derivations.chain import conclude
from bounds.derivations.lemmas import pac_bayes
from bounds.derivations.pac_bayes import gibbs_error, grid, head_shift, margin_error, n_Q, quantile, sigma
from bounds.derivations.quantities import error, gibbs, margin_risk
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import delta

DOMAIN = {"gibbs_error": (0.05, 0.4), "margin_error": (0.05, 0.4), "quantile": (0.55, 0.95)}
DOMAIN |= {"gibbs": (0.05, 0.4), "margin_risk": (0.05, 0.4), "sigma": (0.5, 3.0), "head_shift": (0.1, 3.0)}


def bound(quantity: sp.Symbol, mean: sp.Symbol, share: sp.Expr, spends: sp.Expr) -> list[Step]:
    """Change of measure, moment and inversion for one [0, 1] loss of the random head."""
    kl = head_shift**2 / (2 * sigma**2)
    return [
        pac_bayes.change_of_measure(),
        pac_bayes.maurer_moment(),
        pac_bayes.gaussian_divergence(),
        pac_bayes.kl_bound(
            "random head on Q",
            quantity,
            expressions.upper(mean),
            mean,
            kl,
            share,
            n_Q,
            spends,
            "The prior comes from P; each point of the grid gets an equal share. No sampling: the mean is "
            "a quadrature.",
        ),
    ]


def randomised() -> Derivation:
    """The head drawn at random around W."""
    steps = bound(gibbs, gibbs_error, delta / grid, delta)
    return conclude(
        "pac_bayes",
        gibbs,
        steps,
        expressions.randomised(),
        delta,
        sizes=(n_Q,),
        floor=gibbs_error,
        grows=(gibbs_error, head_shift, grid),
        also_falls=(sigma,),
        domain=DOMAIN,
        whole=True,
    )


def derandomised(quantity: sp.Symbol) -> list[Step]:
    """From an error of W itself to a small margin of the random head."""
    return [
        pac_bayes.derandomisation(),
        Step(
            "from the head to random heads",
            sp.Le(quantity, margin_risk / quantile, evaluate=False),
            "derandomisation, averaged over items: an error of W has probability at least q of a margin "
            "below gamma",
            "falsification",
            lambda: pac_bayes.derandomisation().result,
        ),
    ]


def deterministic() -> Derivation:
    """W itself."""
    return conclude(
        "pac_bayes_deterministic",
        error,
        [*derandomised(error), *bound(margin_risk, margin_error, delta / grid, delta)],
        expressions.deterministic(),
        delta,
        sizes=(n_Q,),
        floor=margin_error / quantile,
        grows=(margin_error, head_shift, grid),
        also_falls=(sigma, quantile),
        domain=DOMAIN,
        whole=True,
    )
