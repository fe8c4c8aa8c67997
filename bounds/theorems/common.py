"""Symbols that several theorems read off the evidence in the same way."""

from __future__ import annotations

import math

import torch

from bounds.assumptions.assumption import Assumption
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import Apart
from bounds.heads.linear import Head, spectral_norm


def not_monotone(*parts: Apart, assumption: str = "A6") -> tuple[Assumption, ...]:
    """An assumption in doubt where copies were found and the limit may fall as a loss rises, so that no count guards it."""
    found = tuple(note.split(";")[0] for part in parts if not part.clean for note in part.notes())
    if not found:
        return ()
    reason = (
        f"{'; '.join(found)}, and this limit has no count that is right for copies; remove them, or "
        "declare repeats='drop' (copies) or 'keep' (the population repeats items)"
    )
    return (Assumption(assumption, "unverifiable", reason),)


def sizes(evidence: Evidence) -> dict[str, float]:
    """n, m, K, B, τ, and the complexity of the encoder class (0 for one fixed encoder)."""
    setting = evidence.setting
    complexity, functions = 0.0, 1.0
    chosen = setting.function_class
    if chosen is not None:
        complexity, functions = chosen.upper_on(setting.tau), float(chosen.members)
    return {
        "n": evidence.n,
        "m": evidence.m,
        "K": setting.num_classes,
        "B": setting.radius,
        "tau": setting.tau,
        "R_F": complexity,
        "functions": functions,
        "invariance": evidence.pair_moments.invariance,
        "TV_S": total_variation(evidence),
        "TV_pairs": pair_total_variation(evidence),
    }


def total_variation(evidence: Evidence) -> float:
    """½‖p − p̂‖₁ of S for a known prior, else 0 (the expression then pays for it in δ)."""
    prior = evidence.setting.prior
    return 0.0 if prior is None else 0.5 * float((prior - evidence.classes.frequencies.cpu()).abs().sum())


def pair_total_variation(evidence: Evidence) -> float:
    """The same for the pairs; 0 where their labels or the prior are unknown."""
    prior = evidence.setting.prior
    if prior is None or evidence.need_pairs().labels is None:
        return 0.0
    return 0.5 * float((prior - evidence.pair_frequencies).abs().sum())


def head_distance(head: Head, reference: Head) -> float:
    """The distance c = ‖W_S − W_S̄‖₂ of the linear parts."""
    return spectral_norm(head.weight - reference.weight)


def loss_range(head: Head, radius: float) -> float:
    """κ = sup‖W f − y‖ ≤ max_y ‖e_y − b‖ + ‖W‖₂B; 1 + ‖W‖₂B without an intercept."""
    if head.bias is None:
        return 1.0 + head.spectral_norm * radius
    identity = torch.eye(len(head.bias), dtype=head.bias.dtype, device=head.bias.device)
    return float(torch.linalg.vector_norm(identity - head.bias, dim=1).max()) + head.spectral_norm * radius


def require_fixed_encoder(evidence: Evidence) -> None:
    """Bounds that hold for one fixed encoder only."""
    if evidence.setting.function_class is not None:
        raise NotApplicable("holds for one encoder fixed before the data; leave `function_class` out.")


def root_frequencies(evidence: Evidence) -> float:
    """Σ_y(√p̂(y) + √p(y)), with Σ√p(y) ≤ √K where p is unknown."""
    setting = evidence.setting
    unknown = math.sqrt(setting.num_classes)
    known = unknown if setting.prior is None else float(setting.prior.sqrt().sum())
    return math.fsum(math.sqrt(p) for p in evidence.frequencies) + known
