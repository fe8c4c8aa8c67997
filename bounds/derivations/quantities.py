"""What the proofs bound on the way: expectations and suprema that no data show, as symbols."""

from __future__ import annotations

from bounds.derivations.symbols import symbol

# Targets
loss = symbol("loss", r"\mathbb E\|W_S f(x)-y\|", "expected loss of the head")
projected_loss = symbol(
    "projected_loss", r"\mathbb E\|\Pi(W_S f(x))-y\|", "expected loss of the projected head"
)

# Theorem 2
sample_loss = symbol(
    "sample_loss", r"\ell_n", "(1/n) sum_i E ||W_S f(x') - y_i||, x' a fresh input of the class of item i"
)
shift = symbol("shift", r"A_n", "(1/n) sum_i E ||f(x') - f(x_i)||, x' as before")
expected_invariance = symbol(
    "expected_invariance", "I", "E ||f(x) - f(x')|| over classes and independent pairs"
)
pair_invariance = symbol("pair_invariance", r"I_{\bar S}", "the same at the class counts of the pairs")
phi_sum = symbol("phi_sum", r"\Phi_n", "(1/n) sum_i (||phi(x_i)|| + E ||phi(x')||)")
phi_fresh = symbol(
    "phi_fresh", r"\Phi'_n", "(1/n) sum_i E ||phi(x')||, x' a fresh input of the class of item i"
)
phi_mean = symbol("phi_mean", r"\mathbb E\|\varphi\|", "expected residual of the reference head")
phi_pairs = symbol(
    "phi_pairs", r"\Phi_{\bar S}", "(1/m) sum_i E ||phi(x')||, x' a fresh input of the class of pair i"
)
mean_residual_S = symbol("mean_residual_S", r"\bar r_S", "mean residual of the head on S")
mean_residual_ref = symbol(
    "mean_residual_ref", r"\bar r_{\bar S}", "mean residual of the reference head on the pairs"
)
head_complexity = symbol(
    "head_complexity",
    r"\tilde R_m(\mathcal W_\beta\circ f)",
    "Rademacher complexity of the losses of the head class",
)
linear_complexity = symbol(
    "linear_complexity",
    r"\tilde R_m(\langle\mathcal W_\beta,f\rangle)",
    "the same of the outputs, a sign per output",
)
variation = symbol("variation", r"\mathrm{TV}", "half the l1 distance of class frequencies and prior")
pair_variation = symbol("pair_variation", r"\mathrm{TV}'", "the same for the pairs")
root_gap = symbol("root_gap", r"\rho", "largest sqrt(p) - sqrt(p_hat) over classes")

# Letters of the lemmas
probability = symbol("probability", r"\mathbb P", "probability of the deviation")
deviation = symbol("deviation", "t", "size of a deviation")
spread = symbol("spread", "r", "range of a variable", positive=True)
trials = symbol("trials", "N", "number of independent variables", positive=True)
left_side = symbol("left_side", "a", "left side of an inequality")
right_side = symbol("right_side", "b", "right side of an inequality")

# Squared loss
root_loss = symbol(
    "root_loss", r"\big(\mathbb E\|Wf(x)-y\|^2\big)^{1/2}", "root of the expected squared loss"
)
square_loss = symbol("square_loss", r"\mathbb E\|Wf(x)-y\|^2", "expected squared loss")
class_part = symbol(
    "squared_class_bias", r"\textstyle\sum_yp_y\|W\mu_y-e_y\|^2", "squared bias of the class means"
)
sampled_class_part = symbol(
    "sampled_class_part",
    r"\textstyle\sum_y\hat p_y\|W\mu_y-e_y\|^2",
    "the same at the class frequencies of S",
)
expected_half_invariance = symbol(
    "expected_half_invariance",
    r"\tfrac12\mathbb E\|W(f(x)-f(x'))\|^2",
    "half the invariance seen through the head",
)
mean_gap = symbol(
    "mean_gap",
    r"\big(\textstyle\sum_y\hat p_y\|\hat\mu_y-\mu_y\|^2\big)^{1/2}",
    "deviation of the class means",
)

# Errors
error = symbol("error", r"\mathbb P(\arg\max Wf(x)\ne y)", "error rate of the head")
gibbs = symbol("gibbs", r"\mathbb E_{W'}\mathbb P(\arg\max W'f(x)\ne y)", "error rate of the random head")
margin_risk = symbol("margin_risk", r"L^\gamma", "P(margin of the random head <= gamma(z))")
disagreement = symbol("disagreement", "D", "P(the head decides differently on two inputs of one class)")
pair_disagreement = symbol("pair_disagreement", r"D_{\bar S}", "the same at the class counts of the pairs")
class_error = symbol("class_error", "e_y", "error rate within one class")
class_leftover = symbol("class_leftover", r"\textstyle\sum_yp_yv_y", "what the class limits leave")
reference_error = symbol(
    "reference_error", r"\mathbb P(\arg\max W^*f\ne y)", "error rate of the reference head"
)
reference_loss = symbol("reference_loss", r"\mathbb E\|\Pi W^*f-y\|", "projected loss of the reference head")
difference = symbol(
    "difference", r"\mathbb P(\arg\max Wf\ne\arg\max W^*f)", "how often two heads decide differently"
)
pair_difference = symbol(
    "pair_difference", r"\mathbb P_{\bar S}(\arg\max Wf\ne\arg\max W^*f)", "the same, class counts fixed"
)
expected_gap = symbol("expected_gap", r"\mathbb E\|\Pi Wf-\Pi W^*f\|", "distance of two projected heads")
pair_gap = symbol("pair_gap", r"\mathbb E_{\bar S}\|\Pi Wf-\Pi W^*f\|", "the same, class counts fixed")
worst_class_error = symbol(
    "worst_class_error", r"\max_y\mathbb P(\arg\max Wf(x)\ne y\mid y)", "error rate of the worst class"
)
balanced_error = symbol(
    "balanced_error",
    r"\tfrac1K\sum_y\mathbb P(\arg\max Wf(x)\ne y\mid y)",
    "mean of the error rates of the classes",
)
top_error = symbol(
    "top_error",
    r"\mathbb P(y\notin\mathrm{top}\,Wf(x))",
    "how often the class is not among those with the largest scores",
)
answered_error = symbol(
    "answered_error", r"\mathbb P(\arg\max Wf(x)\ne y\mid s>t)", "error rate of the items that are answered"
)

# Views and predictions
expected_gain = symbol(
    "expected_gain", r"\tfrac12\mathbb E\|g(x^+)-g(x^{++})\|^2", "squared risk lost to lack of invariance"
)
minus_gain = symbol("minus_gain", r"-\tfrac12\mathbb E\|g(x^+)-g(x^{++})\|^2", "the same, negated", real=True)
averaged_risk = symbol(
    "averaged_risk", r"\mathbb E\|\bar g(u)-e_y\|^2", "squared risk of the predictor averaged over views"
)
minus_error = symbol("minus_error", r"-\mathbb P(h(x)\ne y)", "error rate on views, negated", real=True)
alike = symbol("alike", r"\mathbb P(h(x^+)=h(x^{++}))", "how often two views are decided alike")
pair_alike = symbol("pair_alike", r"\mathbb P_{\bar S}(h(x^+)=h(x^{++}))", "the same, class counts fixed")
expected_prediction = symbol("expected_prediction", r"\mathbb E\hat g", "expected predicted error")
pair_prediction = symbol("pair_prediction", r"\mathbb E_{\bar S}\hat g", "the same, class counts fixed")
expected_rectifier = symbol(
    "expected_rectifier", r"\mathbb E(\mathrm{err}-\hat g)", "expected correction", real=True
)

# Contrastive losses
contrastive_risk = symbol("contrastive_risk", r"L_{un}", "expected contrastive loss")
supervised_risk = symbol(
    "supervised_risk", r"L_{sup}^\mu", "loss of the mean classifier with the true class means"
)
pair_risk = symbol("pair_risk", r"L_{un,\bar S}", "the contrastive loss at the class counts of the pairs")
rounded_risk = symbol("rounded_risk", r"\bar L_{un}", "the mean contrastive loss, without rounding")
minus_alignment = symbol(
    "minus_alignment", r"-\textstyle\sum_cp_c\|\mu_c\|^2", "alignment, negated", real=True
)
cross_similarity = symbol("cross_similarity", r"\mathbb E(f(x)^\top f(x^-))^2", "mean squared similarity")
