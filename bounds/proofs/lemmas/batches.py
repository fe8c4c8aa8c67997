"""The InfoNCE loss over batches: how far one item moves its mean, and McDiarmid's inequality."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.errors import InvalidProof
from bounds.proofs.choices import payable
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.concentration import hoeffding_radius
from bounds.proofs.lemmas.contrastive import parts
from bounds.proofs.lemmas.reading import a, b, count, read, share, width
from bounds.proofs.ranges import span
from bounds.proofs.terms import UMean

BATCHES = Lemma(
    "McDiarmid's inequality over the items of batches",
    a,
    b + hoeffding_radius(width, share, count),
    "McDiarmid (1989); bounded differences of van Elst and Ghoshdastidar (2024), Thm 2",
    note="One of n items moves its own loss by its range and one of k + 1 terms in the loss of each of k others.",
    check=lambda: (
        checks.concentration.mcdiarmid_theorem().result & checks.batches.bounded_difference().result
    ),
)


@payable
def batched(total: sp.Expr, delta: sp.Expr, what: str = "") -> Fact:
    """E loss ≤ mean + C√(ln(1/δ)/(2n)), C = range + k·ln((k + e^{r/t})/(k + 1)), n = (k + 1)⌊m/(k + 1)⌋ items in batches.

    Raises:
        InvalidProof: not the mean of an InfoNCE loss over tuples.
    """
    s = read(total)
    if not isinstance(total, UMean):
        raise InvalidProof(f"`{total}` is not a mean over tuples of items.")
    _, k, temperature = parts(s.term)
    ratio = span / temperature
    moved = sp.expand_mul(s.range.width + k * (ratio + sp.log(1 + k * sp.exp(-ratio)) - sp.log(k + 1)))
    values = {a: s.expectation, b: total, width: moved, count: (k + 1) * s.count, share: delta}
    return s.instance(BATCHES, values, delta, what or f"mean of {s.sample}")
