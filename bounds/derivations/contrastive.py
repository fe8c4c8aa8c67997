"""Symbols and steps that contrastive bounds share: U-statistics, class counts, vector contraction."""

from __future__ import annotations

import sympy as sp

from bounds.derivations.inequalities import hoeffding
from bounds.derivations.symbols import B, K, functions, symbol

# Sizes and declared numbers
negatives = symbol("negatives", "k", "number of negatives per anchor", positive=True)
blocks = symbol("blocks", "M", "⌊m/(k + 1)⌋, disjoint tuples of items in the U-statistic", positive=True)
scale = symbol(
    "scale", "s", "scale of f, from a grid paid for; the arg max does not depend on it", positive=True
)
scales = symbol("scales", r"|\mathcal{S}|", "number of scales in the grid", positive=True)
temperature = symbol("temperature", "t", "temperature of the softmax", positive=True)
span = symbol("span", "r", "range of f(x)ᵀf(x′): 2B², or B² where f ≥ 0", positive=True)
delta_loss = symbol("delta_loss", r"\delta_L", "share of δ: contrastive loss over the pairs", positive=True)
triples = symbol(
    "triples",
    r"\mathcal{R}_S(\mathcal{F})",
    "E sup_f Σ⟨σ, (f(x), f(x⁺), f(x⁻)..)⟩ over M tuples; 0 when f is fixed",
)

delta_collision = symbol(
    "delta_collision", r"\delta_C", "share of δ: probability of a collision, from class counts", positive=True
)

# What was measured, and what the class prior says
contrastive_loss = symbol("contrastive_loss", r"\hat L_{\mathrm{un}}", "mean contrastive loss, at scale s")
infonce_loss = symbol("infonce_loss", r"\hat L_{\mathrm{nce}}", "mean InfoNCE loss with k negatives, nats")
rounding = symbol("rounding", r"\epsilon", "bound on the rounding error of the mean contrastive loss")
collision = symbol("collision", r"\tau_k", "P(one of k negatives has the anchor's class); k = 1: τ_c = Σp²")
collision_low = symbol("collision_low", r"\tau_-", "lower confidence limit of τ_c by the class counts of S")
collision_high = symbol("collision_high", r"\tau_+", "upper confidence limit of τ_c by the class counts of S")
no_collision = symbol(
    "no_collision", r"(1-\tau_k)", "P(none of k negatives has the anchor's class)", positive=True
)
log_collisions = symbol(
    "log_collisions", r"\mathrm{Col}", "E ln(1 + number of negatives of the anchor's class)"
)
coverage = symbol("coverage", "v", "P(k + 1 uniform draws show every class)", positive=True)
coverage_of_others = symbol(
    "coverage_of_others",
    "v'",
    "P(k uniform draws from the other K − 1 classes show each of them)",
    positive=True,
)
augmentation_gap = symbol(
    "augmentation_gap",
    "-d",
    "mean of max(0, zᵀ(z̄ − μ_y)): what views of one item are closer than their class",
)
p_min = symbol("p_min", r"p_{\min}", "smallest class probability", positive=True)


def u_statistic(spread: sp.Expr, delta: sp.Expr) -> sp.Expr:
    r"""Radius r √(ln(1/δ)/(2M)): Hoeffding for a U-statistic of order k + 1, as for M independent values.

    The U-statistic is an average over orders of the items of means over M disjoint tuples (Hoeffding 1963,
    §5). Centring each tuple at its own mean, the same holds for items that are independent but not identical.
    """
    return hoeffding(spread, delta, blocks)


def vector_contraction(lipschitz: sp.Expr) -> sp.Expr:
    r"""2√2·√6·Lip·B·R_S(F)/M: symmetrisation, and contraction of (u, v, w_j) ↦ ℓ({uᵀ(v − w_j)}).

    ℓ is Lip-Lipschitz in the max norm with gradient a ≤ 0, Σ|a_j| ≤ Lip; the gradients (Σa_j(v − w_j),
    Σa_j u, −a_j u) have norm at most Lip·√(4 + 1 + 1)·B, whatever k. Source: Maurer (2016), Corollary 4.
    """
    return 2 * sp.sqrt(2) * sp.sqrt(6) * lipschitz * B * triples / blocks


def log_plus_exp(constant: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """ln(c + e^x) for x ≥ 0, in a form that cannot overflow."""
    return exponent + sp.log(1 + constant * sp.exp(-exponent))


def share_of_functions(delta: sp.Expr) -> sp.Expr:
    """δ over the finitely many functions that may have been chosen on S̄."""
    return delta / functions


def task_size(draws: sp.Expr) -> sp.Expr:
    """ln(K/draws): from the softmax over `draws` terms of a batch to that over K classes, uniform prior."""
    return sp.log(K / draws)
