"""`pac_bayes`, `pac_bayes_deterministic`: a Gaussian around the head, its prior learned on a part of S."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bounds.evidence.evidence import Evidence
from bounds.evidence.gaussian_heads import GRID, SHIFTS, GaussianHead, search
from bounds.heads.decision import Decision
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.pac_bayes import Gibbs, derandomised, pac_bayes
from bounds.proofs.terms import E, Mean
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.vocabulary import COUNTED, PRIORS, W, concluded, narrow, wrong, y, z
from bounds.theorems.vocabulary import delta as share

Array = NDArray[np.float64]
SOURCE = (
    "Maurer (2004), Thm 5; prior from a part of S after Ambroladze, Parrado-Hernandez and Shawe-Taylor (2007)"
)


@cache
def randomised() -> Conclusion:
    """The error of a head drawn around W, anew for each item or once; the grid of priors is paid for."""
    error = Gibbs(W, PRIORS.chosen, z, y)
    return concluded(pac_bayes(Mean(COUNTED, error), share, over=(PRIORS,)), E(error))


@cache
def deterministic() -> Conclusion:
    """Where W errs, a random head has a margin of at most γ(z) = √2σ‖A⁻¹z‖Φ⁻¹(q) with probability at least q."""
    bound = derandomised(narrow(W)).expect().chain(pac_bayes(Mean(COUNTED, narrow(W)), share, over=(PRIORS,)))
    return concluded(bound, E(wrong(W)))


def gaussian_values(head: GaussianHead, delta: float, shifts: int) -> dict[str, float]:
    """Symbols of the divergence and of the grid, with `shifts` thresholds per head."""
    return {
        "n_Q": head.count,
        "sigma": head.sigma,
        "head_shift": head.distance,
        "grid": len(GRID) * shifts,
        "delta": delta,
    }


def gaussian_columns(heads: list[GaussianHead], delta: float, shifts: int) -> dict[str, Array]:
    """The same of many heads, each symbol a column (H, 1)."""
    rows = [gaussian_values(head, delta, shifts) for head in heads]
    return {name: np.array([[row[name]] for row in rows]) for name in rows[0]}


def quantile(shift: float) -> float:
    """The q with √2Φ⁻¹(q) = shift, rounded down."""
    return 0.5 * (1.0 + math.erf(0.5 * shift)) * (1.0 - 1e-15)


QUANTILES = np.array([quantile(shift) for shift in SHIFTS])


def _note(head: GaussianHead, share: str = "") -> tuple[str, ...]:
    outside, ridge, noise = head.key
    return (
        f"prior from {1 - outside:.0%} of S, covariance ridge {ridge:g}, typical noise {noise:.3g} per score{share}; "
        "chosen from a grid paid for in δ",
    )


def _randomised(evidence: Evidence, delta: float) -> Inputs:
    def compared(heads: list[GaussianHead], errors: Array) -> Array:
        return expression.compared({**gaussian_columns(heads, delta, 1), "gibbs_error": errors})

    expression = randomised().expression
    head, table, shift = search(evidence, (0.0,), compared)
    values = {**gaussian_values(head, delta, 1), "gibbs_error": table.error(shift)}
    noise = Decision(noise=head.sigma * head.metric.inverse_root, seed=evidence.setting.seed)
    return Inputs.proven(
        randomised(), values, {"delta": delta}, None, _note(head), decision=noise, random=evidence.head
    )


def _deterministic(evidence: Evidence, delta: float) -> Inputs:
    def compared(heads: list[GaussianHead], errors: Array) -> Array:
        columns = gaussian_columns(heads, delta, len(SHIFTS))
        return expression.compared({**columns, "margin_error": errors, "quantile": QUANTILES})

    expression = deterministic().expression
    head, table, shift = search(evidence, SHIFTS, compared)
    values = {
        **gaussian_values(head, delta, len(SHIFTS)),
        "margin_error": table.error(shift),
        "quantile": quantile(shift),
    }
    note = _note(head, f", q = {quantile(shift):.3f}")
    return Inputs.proven(deterministic(), values, {"delta": delta}, evidence.head, note)


PAC_BAYES = Theorem(
    name="pac_bayes",
    title="PAC-Bayes, randomised Gaussian head, prior from a part of S",
    source=SOURCE,
    statement=r"\mathbb{E}_{W'\sim N(W_S,\sigma^2A^{-2})}\,\mathbb{P}(\arg\max W' f(x) \ne y)",
    predictor="random head: Gaussian around the head on S; twice the bound holds for the head itself",
    inputs=_randomised,
    proof=randomised,
    texts={"gibbs_error": ("error of the random head on Q, no sampling", "larger margins")},
    axis=ERROR,
)

PAC_BAYES_DETERMINISTIC = Theorem(
    name="pac_bayes_deterministic",
    title="PAC-Bayes, derandomised by margins",
    source="this package, from " + SOURCE,
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`",
    inputs=_deterministic,
    proof=deterministic,
    texts={
        "margin_error": ("chance that a random head's margin is below γ on Q, over q", "larger margins"),
    },
    axis=ERROR,
)
