"""Every symbol of the theory, once: its sympy assumptions, its LaTeX and what it stands for."""

from __future__ import annotations

import sympy as sp

from bounds.errors import InvalidOption

SYMBOLS: dict[str, sp.Symbol] = {}
LATEX: dict[str, str] = {}
MEANING: dict[str, str] = {}


def symbol(name: str, latex: str, meaning: str, **assumptions: bool) -> sp.Symbol:
    """Declare a symbol by name, LaTeX and meaning; non-negative unless said otherwise.

    Raises:
        InvalidOption: if the name already stands for something else.
    """
    if (LATEX.get(name, latex), MEANING.get(name, meaning)) != (latex, meaning):
        raise InvalidOption(f"The symbol `{name}` already stands for: {MEANING[name]}; choose another name.")
    SYMBOLS[name] = sp.Symbol(name, **(assumptions or {"nonnegative": True}))
    LATEX[name] = latex
    MEANING[name] = meaning
    return SYMBOLS[name]


def _positive(name: str, latex: str, meaning: str) -> sp.Symbol:
    return symbol(name, latex, meaning, positive=True)


# Sizes
n = _positive("n", "n", "number of labeled items, |S|")
m = _positive("m", "m", "number of pairs, |S̄|")
K = _positive("K", "K", "number of classes")
B = _positive("B", "B", "bound on ‖f(x)‖, fixed before the data")
tau = _positive("tau", r"\tau", "sup ‖f(x) − f(x′)‖: 2B, or √2·B where f ≥ 0")

# Confidence
delta = _positive("delta", r"\delta", "failure probability of the whole statement")
delta_1 = _positive("delta_1", r"\delta_1", "share of δ: labeled items against their classes (step 4)")
delta_2 = _positive("delta_2", r"\delta_2", "share of δ: invariance over the pairs (step 5)")
delta_3 = _positive("delta_3", r"\delta_3", "share of δ: reference residual over the labeled items (step 6)")
delta_4 = _positive("delta_4", r"\delta_4", "share of δ: reference residual over the pairs (step 7)")
delta_5 = _positive("delta_5", r"\delta_5", "share of δ: class frequencies of the labeled items (step 3)")
delta_6 = _positive("delta_6", r"\delta_6", "share of δ: class frequencies of the pairs")
target = _positive("target", "t", "error rate that is to be certified or refuted")
weight_j = _positive("weight_j", "w_j", "weight of β_j in the grid of head radii")
functions = _positive(
    "functions", "J", "number of functions in a finite class chosen on S̄; 1 when f is fixed"
)

# Heads
c = symbol("c", "c", "‖W_S − W*‖₂, distance of the two heads in spectral norm")
W_norm = symbol("W_norm", r"\|W_S\|_2", "spectral norm of the head fitted on S")
kappa_S = symbol(
    "kappa_S", r"\kappa_S", "bound on ‖W_S f − y‖: 1 + ‖W_S‖₂B, or √2 after projection on the simplex"
)
kappa_ref = symbol("kappa_ref", r"\kappa_{\bar S}", "bound on ‖φ‖: 1 + ‖W_S̄‖₂B")
W_frobenius = symbol("W_frobenius", r"\|W_S\|_F", "Frobenius norm of the head fitted on S")
frobenius_ref = symbol("frobenius_ref", r"\|W_{\bar S}\|_F", "Frobenius norm of the reference head")
radius_index = symbol("radius_index", "j", "number of the head radius 2^j in its grid", integer=True)
beta = _positive("beta", r"\beta", "radius of the head class {‖W‖_F ≤ β}")

# What was measured
invariance = symbol("invariance", r"\hat I", "(1/m) Σ‖f(x⁺) − f(x⁺⁺)‖")
PY_S = symbol("PY_S", r"\|P_{Z_S}Y_S\|_F", "norm of the least-squares residual on S")
PY_ref = symbol("PY_ref", r"\|P_{Z_{\bar S}}Y_{\bar S}\|_F", "norm of the least-squares residual on S̄")
residual_S = symbol("residual_S", r"\hat r_S", "mean residual norm of the head on S")
residual_ref = symbol("residual_ref", r"\hat r_{\bar S}", "mean residual norm of the reference head on S̄")
rms_S = symbol("rms_S", r"\hat r^{\,2}_S", "root mean square residual of the head on S")
rms_ref = symbol("rms_ref", r"\hat r^{\,2}_{\bar S}", "root mean square residual of the reference head on S̄")
projected_S = symbol("projected_S", r"\hat r^{\Pi}_S", "(1/n) Σ‖Π(W_S f(x_i)) − y_i‖")
phi_S = symbol("phi_S", r"\hat\varphi_S", "(1/n) Σ‖y_i − W* f(x_i)‖ on the labeled items")
phi_second = symbol(
    "phi_second", r"\hat\varphi_{\bar S}^{++}", "(1/m) Σ‖y_i⁺ − W* f(x_i⁺⁺)‖ on fresh second views"
)
root_frequencies = symbol(
    "root_frequencies", r"\textstyle\sum_y(\sqrt{\hat p(y)}+\sqrt{p(y)})", "sum of root class probabilities"
)
TV_S = symbol("TV_S", r"\mathrm{TV}_S", "½‖p − p̂‖₁ of the labeled items, known when the prior is")
TV_pairs = symbol(
    "TV_pairs", r"\mathrm{TV}_{\bar S}", "½‖p − p̂‖₁ of the pairs, when their class counts are fixed"
)

# Complexities
R_F = symbol(
    "R_F", r"\tilde R_m(\mathcal F)", "Rademacher complexity of pair distances over F; 0 when f is fixed"
)

# Second-moment form
bias = symbol(
    "bias", r"\textstyle\sum_y\hat p_y\|W\hat\mu_y-e_y\|^2", "squared bias of the empirical class means"
)
half_invariance = symbol(
    "half_invariance", r"\tfrac1m\sum_i\tfrac12\|W\Delta_i\|^2", "half the invariance seen through the head"
)
V_head = symbol("V_head", r"\hat V", "sample variance of ½‖WΔ‖²")
variance_total = symbol("variance_total", "V", "bound on Σ_y tr Cov(f | y)")
n_min = _positive("n_min", r"n_{\min}", "smallest count of a class present in S")
heads = _positive("heads", "J", "number of heads in the grid")
class_excess = symbol(
    "class_excess", r"\textstyle\sum_y(p_y-\hat p_y)_+M_y^2", "class-frequency term when the prior is known"
)
reach = symbol("reach", r"M", "bound on ‖W μ_y − e_y‖ over classes")
W_reach = symbol("W_reach", r"M_0", "bound on ‖W μ − e_y‖ that needs no data: max_y ‖e_y − b‖ + ‖W‖₂B")

# Held-out items
N = _positive("N", "N", "number of held-out labeled items")
mistakes = symbol("mistakes", "k", "errors of the head on the held-out items")
projected_H = symbol(
    "projected_H", r"\hat r^{\Pi}_H", "mean projected residual of the head on the held-out items"
)
differing = symbol("differing", r"k_U", "unlabeled items on which the two heads decide differently")
projected_ref = symbol(
    "projected_ref", r"\hat r^{\Pi}_H", "mean projected residual of the reference head, held out"
)
head_gap = symbol("head_gap", r"\hat d_U", "mean ‖Π(W f) − Π(W* f)‖ over the unlabeled items")
