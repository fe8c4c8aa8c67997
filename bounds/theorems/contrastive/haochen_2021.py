"""`haochen_2021`: the spectral contrastive loss as a squared-loss bound, on the axis of the VICReg family.

E‖W f − y‖² ≤ 1 − 2αP + (α²/p_min)N for W = α[μ_1 .. μ_K]ᵀ and all α ≥ 0 at once, P = E f(x)ᵀf(x⁺) = Σp_c‖μ_c‖²,
N = E(f(x)ᵀf(x⁻))². With α = p_min = 1/K this is (K + L_spectral)/K, the distance of the spectral loss from its minimum.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations import haochen_2021 as symbols
from bounds.derivations.expression import Expression
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.lemmas.contrastive import MeanClassifier
from bounds.proofs.lemmas.spectral import SQUARED, aligned, scaled_means, similar
from bounds.proofs.terms import E, Mean, UMean
from bounds.summaries.spectral import SpectralMoments
from bounds.theorems.axes import ROOT_LOSS
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import known_prior, pair_shares, sampling_values, thinned
from bounds.theorems.vocabulary import ENCODERS, concluded, deltas, f, head_scale, smallest, thinned_pairs


@cache
def proof(*, thinned: bool = False, conditioned_pairs: bool = False) -> Conclusion:
    """The square expanded, Jensen over the negative; alignment of the pairs from below, similarity from above.

    A pool whose class counts were fixed is thinned, or kept whole at the price of its distance to the prior.
    """
    sample = thinned_pairs(thinned, fixed=conditioned_pairs and not thinned)
    pairs = hoeffding(Mean(sample, aligned(f)), deltas[0], "alignment", upper=False, over=(ENCODERS,))
    items = hoeffding(UMean(sample, similar(f)), deltas[1], "similarity", over=(ENCODERS,))
    least = pairs.subtract(pairs.rhs - E(aligned(f)))
    bound = scaled_means(f, head_scale, smallest).lower(least).chain(items)
    return concluded(bound.root(), sp.sqrt(MeanClassifier(SQUARED, f, head_scale)))


@cache
def _limits(conclusion: Conclusion) -> Expression:
    """The lower limit of P and the upper limit of N/p_min: coefficients of −2α and α² in the square of the bound."""
    square, alpha = sp.expand(sp.Add(*conclusion.expression.terms.values())), symbols.head_scale
    return Expression({"P": -square.coeff(alpha, 1) / 2, "N": square.coeff(alpha, 2)})


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    prior = known_prior(evidence)
    if evidence.m < 2:
        raise NotApplicable("needs at least two pairs, one of them as the negative.")
    paid = pair_shares(evidence, delta)
    half = paid.pop("delta_loss") / 2
    split = {"delta_1": half, "delta_2": half, **paid}
    table = thinned(evidence, split)
    moments = memo(
        evidence,
        ("spectral", split.get("delta_classes")),
        lambda: evidence.merged(
            SpectralMoments.of((views for views, _ in evidence.own_chunks(table)), table.dim, evidence.device)
        ),
    )
    values = {
        **sampling_values(evidence, 1, table.count),
        **split,
        "p_min": float(prior[prior > 0].min()),
        "alignment": moments.alignment,
        "similarity": moments.similarity,
    }
    conclusion = proof(thinned="delta_classes" in split, conditioned_pairs=evidence.setting.conditioned_pairs)
    # Both events hold for all α at once, so the best one is free.
    limits = _limits(conclusion).evaluate(values)
    values["head_scale"] = max(0.0, limits["P"]) / limits["N"]
    note = (
        f"spectral loss {moments.spectral_loss:.4f}; the paper's own α and ρ need the augmentation graph, "
        "which class pairs make known"
    )
    return Inputs.proven(conclusion, values, split, None, (note,))


HAOCHEN_2021 = Theorem(
    name="haochen_2021",
    title="spectral contrastive bound (after HaoChen et al. 2021)",
    source=(
        "after HaoChen, Wei, Gaidon and Ma, Provable Guarantees for Self-Supervised Deep Learning with "
        "Spectral Contrastive Loss, NeurIPS 2021, arXiv:2106.04156; derived here for class pairs"
    ),
    statement=r"\sqrt{\mathbb{E}\|\alpha[\mu_1 \dots \mu_K]^{\top} f(x) - y\|^2}",
    predictor="mean classifier scaled by α, with the true class means, which nobody has; not W_S",
    inputs=_inputs,
    texts={
        "constant": ("squared loss of the zero head", ""),
        "alignment": ("how close the two views of a pair are", "a more invariant encoder"),
        "similarity": ("squared similarity of independent items", "classes spread over more dimensions"),
    },
    axis=ROOT_LOSS,
    proof=proof,
)
