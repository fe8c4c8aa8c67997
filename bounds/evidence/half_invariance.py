"""Half the invariance as a head sees it: ½‖W(f(x⁺) − f(x⁺⁺))‖² over the pairs."""

from __future__ import annotations

from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.heads.linear import Head
from bounds.representations.table import Representations
from bounds.summaries.moments import Moments


def half_invariance(evidence: Evidence, head: Head) -> tuple[float, float]:
    """Mean and sample variance over S̄, from one pass for each head asked about."""
    pairs = _pairs(evidence)

    def make() -> Moments:
        found = Moments.empty(1, evidence.device)
        for (first, second), _ in evidence.own_chunks(pairs):
            found = found.update(0.5 * ((first - second) @ head.lens.T).square().sum(1))
        return evidence.merged(found)

    moments = memo(evidence, ("half invariance", head), make)
    return float(moments.mean[0]), float(moments.variance[0])


def mean_half_invariance(evidence: Evidence, head: Head) -> float:
    """The mean alone and without a pass, ½ tr(W M Wᵀ)/m with M = Σ_i Δ_i Δ_iᵀ; its last digits differ."""
    second = evidence.pair_moments.second
    return 0.5 * float(((head.lens @ second) * head.lens).sum()) / _pairs(evidence).count


def _pairs(evidence: Evidence) -> Representations:
    pairs = evidence.need_pairs()
    if pairs.count < 2:
        raise NotApplicable("needs at least two pairs for a sample variance.")
    return pairs
