"""Symbols of the checks: expectations and suprema that no data show."""

from __future__ import annotations

from bounds.derivations.symbols import symbol

# Classes
variation = symbol("variation", r"\mathrm{TV}", "half the l1 distance of class frequencies and prior")
root_gap = symbol("root_gap", r"\rho", "largest sqrt(p) - sqrt(p_hat) over classes")

# Letters of the lemmas
probability = symbol("probability", r"\mathbb P", "probability of the deviation")
deviation = symbol("deviation", "t", "size of a deviation")
spread = symbol("spread", "r", "range of a variable", positive=True)
trials = symbol("trials", "N", "number of independent variables", positive=True)
left_side = symbol("left_side", "a", "left side of an inequality")
right_side = symbol("right_side", "b", "right side of an inequality")

# Squared loss
square_loss = symbol("square_loss", r"\mathbb E\|Wf(x)-y\|^2", "expected squared loss")
sampled_class_part = symbol(
    "sampled_class_part",
    r"\textstyle\sum_y\hat p_y\|W\mu_y-e_y\|^2",
    "the same at the class frequencies of S",
)
mean_gap = symbol(
    "mean_gap",
    r"\big(\textstyle\sum_y\hat p_y\|\hat\mu_y-\mu_y\|^2\big)^{1/2}",
    "deviation of the class means",
)

# Errors

# Views and predictions

# Contrastive losses
contrastive_risk = symbol("contrastive_risk", r"L_{\mathrm{un}}", "expected contrastive loss")
supervised_risk = symbol(
    "supervised_risk", r"L_{\mathrm{sup}}^\mu", "loss of the mean classifier with the true class means"
)
minus_alignment = symbol(
    "minus_alignment", r"-\textstyle\sum_cp_c\|\mu_c\|^2", "alignment, negated", real=True
)
cross_similarity = symbol("cross_similarity", r"\mathbb E(f(x)^\top f(x^-))^2", "mean squared similarity")
