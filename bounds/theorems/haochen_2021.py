"""`haochen_2021`: the spectral contrastive loss as a squared-loss bound, on the axis of the VICReg family."""

from __future__ import annotations

from bounds.derivations import haochen_2021 as derivation
from bounds.derivations.expression import Expression
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.summaries.spectral import SpectralMoments
from bounds.theorems.axes import ROOT_LOSS
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import known_prior, pair_shares, sampling_values, thinned


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    prior = known_prior(evidence)
    if evidence.m < 2:
        raise NotApplicable("needs at least two pairs, one of them as the negative.")
    split = pair_shares(evidence, delta)
    table = thinned(evidence, split)
    moments = memo(
        evidence,
        ("spectral", split.get("delta_classes", 0.0)),
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
    if values["triples"]:
        raise NotApplicable("holds for one encoder fixed before the pairs, or finitely many.")
    radii = Expression({"P": derivation.alignment_loss(), "N": derivation.similarity_loss()}).evaluate(values)
    # Both events hold for all α at once, so the best one is free.
    lower, upper = values["alignment"] - radii["P"], values["similarity"] + radii["N"]
    values["head_scale"] = max(0.0, lower) * values["p_min"] / upper
    note = (
        f"spectral loss {moments.spectral_loss:.4f}; the paper's own α and ρ need the augmentation graph, "
        "which class pairs make known"
    )
    conditioned = evidence.setting.conditioned_pairs and "delta_classes" not in split
    return Inputs(derivation.expression(conditioned_pairs=conditioned), values, split, None, (note,))


HAOCHEN_2021 = Theorem(
    name="haochen_2021",
    title="spectral contrastive bound (after HaoChen et al. 2021)",
    source=(
        "after HaoChen, Wei, Gaidon and Ma, Provable Guarantees for Self-Supervised Deep Learning with "
        "Spectral Contrastive Loss, NeurIPS 2021, arXiv:2106.04156; derived here for class pairs"
    ),
    statement=r"\sqrt{\mathbb{E}\|\alpha[\mu_1 \dots \mu_K]^{\top} f(x) - y\|^2}",
    predictor="mean classifier scaled by α, with the true class means, which nobody has; not W_S",
    assumptions=("A1", "A3", "A4", "A5", "A6"),
    inputs=_inputs,
    texts={
        "constant": ("squared loss of the zero head", ""),
        "alignment": ("how close the two views of a pair are", "a more invariant encoder"),
        "similarity": ("squared similarity of independent items", "classes spread over more dimensions"),
    },
    axis=ROOT_LOSS,
)
