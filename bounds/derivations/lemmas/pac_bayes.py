"""PAC-Bayes: change of measure, the moment of Maurer (2004), and derandomisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.lemmas.exact import Array, binomial, largest_ratio
from bounds.derivations.quantities import trials
from bounds.derivations.search import falsify, simplex
from bounds.derivations.steps import Step

N = trials
posterior_mean, divergence, log_moment = sp.symbols("E_posterior KL log_E_prior_exp", real=True)


@cache
def change_of_measure() -> Step:
    """E_Q φ ≤ KL(Q‖P) + ln E_P e^φ."""
    statement = sp.Le(posterior_mean, divergence + log_moment, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        q, p, value = simplex(x[:, :3]), 0.01 + 0.99 * simplex(x[:, 3:6]), np.clip(x[:, 6:9], -20, 20)
        p = p / p.sum(1, keepdims=True)
        # Shifted so that both sides are positive and a relative margin means something.
        value = value - value.min(1, keepdims=True)
        ratio = np.where(q > 0, q * np.log(np.where(q > 0, q, 1.0) / p), 0.0)
        return {
            posterior_mean: (q * value).sum(1),
            divergence: ratio.sum(1),
            log_moment: np.log((p * np.exp(value)).sum(1)),
        }

    tight = np.array([[1.0, 1, 1, 1, 1, 1, 2, 2, 2]])
    return Step(
        "change of measure",
        statement,
        "Donsker-Varadhan",
        "falsification",
        lambda: falsify(statement, instances, 9, extremal=tight),
        source="Donsker and Varadhan (1975)",
        display=r"\mathbb E_{Q}\varphi\le\mathrm{KL}(Q\|P)+\ln\mathbb E_Pe^{\varphi}",
    )


@cache
def maurer_moment() -> Step:
    """E e^{N·kl(L̂‖L)} ≤ 2√N for N ≥ 8, exact for binomials (the extreme case, by convexity)."""
    moment = sp.Symbol("E_exp_N_kl", positive=True)
    bound = 2 * sp.sqrt(N)

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify(N, bound, "numpy")
        for size in (8, 9, 12, 30, 100, 1000, 5000):
            share = np.arange(size + 1) / size
            for p in (0.003, 0.05, 0.3, 0.5):
                with np.errstate(divide="ignore", invalid="ignore"):
                    kl = np.where(share > 0, share * np.log(share / p), 0.0)
                    kl += np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - p)), 0.0)
                weight = binomial(size, p)
                kept = weight > 0
                yield (
                    np.array([np.exp(np.log(weight[kept]) + size * kl[kept]).sum()]),
                    np.array([float(number(size))]),
                )

    return Step(
        "moment of the kl divergence",
        sp.Le(moment, bound, evaluate=False),
        "N >= 8; binomials are the extreme case by convexity",
        "cited",
        lambda: largest_ratio(cases(), "binomial moments"),
        source="Maurer (2004), Theorem 1",
        display=r"\mathbb Ee^{N\,\mathrm{kl}(\hat L\|L)}\le2\sqrt N\qquad(N\ge8)",
    )


@cache
def derandomisation() -> Step:
    """Where W errs, a random head has a margin ≤ γ = √2σ‖A⁻¹z‖Φ⁻¹(q) with probability ≥ q."""
    from scipy.special import ndtr, ndtri

    q, shown = sp.symbols("q P_margin_below_gamma", nonnegative=True)
    statement = sp.Le(q, shown, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        chance = 0.5 + 0.49 * np.abs(np.tanh(x[:, 0]))
        sigma, mean = np.exp(np.clip(x[:, 1], -5, 5)), -np.abs(x[:, 2])
        # The margin of a random head against the rival that beats the truth is N(mean <= 0, 2 sigma^2).
        gamma = np.sqrt(2) * sigma * ndtri(chance)
        return {q: chance, shown: ndtr((gamma - mean) / (np.sqrt(2) * sigma))}

    return Step(
        "derandomisation",
        statement,
        "where the mean head errs, some margin is Gaussian with mean at most 0 and variance 2 sigma^2 "
        "|A^-1 z|^2",
        "falsification",
        lambda: falsify(statement, instances, 3, extremal=np.array([[0.3, 0.0, 0.0]])),
        display=r"\arg\max Wz\ne y\ \Rightarrow\ \mathbb "
        r"P_{W'}\big(\mathrm{margin}(W'z)\le\gamma(z)\big)\ge q,"
        r"\qquad\gamma(z)=\sqrt2\sigma\|A^{-1}z\|\Phi^{-1}(q)",
    )
