"""Pick-to-learn: a head made from the items it picks itself, counted by how many these are."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.derivations.functions import picked_limit
from bounds.errors import InvalidProof
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.reading import a, assumed, b, count, failing, share
from bounds.proofs.terms import E, Nonnegative, Term, Wrong, items


class Picked(Term, nargs=2):
    """A head that starts from another one and is made of what it picks out of a sample: Picked(start, sample)."""


class Picks(Nonnegative, nargs=1):
    """How many items a head picked: Picks(Picked(start, sample))."""


PICK = Lemma(
    "pick-to-learn",
    a,
    picked_limit(b, count, share),
    "Campi and Garatti (2023), Thm 1; Paccagnan, Campi and Garatti (2023)",
    note="An item that is never picked changes no pick; so many picks of N items that miss a set of mass phi are rare.",
    check=lambda: checks.picks.pick_theorem().result,
)


def picked(wrong: sp.Expr, delta: sp.Expr) -> Fact:
    """P(the picked head errs) ≤ ε(k, N, δ), k picks out of N items of one law.

    Raises:
        InvalidProof: not the error of a picked head on a new item, its start depends on the items it picks from, or these
            are not of one law.
    """
    if not isinstance(wrong, Wrong) or not isinstance(wrong.args[0], Picked):
        raise InvalidProof(f"`{wrong}` is not the error of a head that picks its items.")
    start, sample = wrong.args[0].args
    if sample.fixed or sample.hidden:
        raise InvalidProof(f"Picks need items of one law that are known; {sample} does not have them.")
    if len({item.index for item in items(wrong)}) != 1:
        raise InvalidProof(f"`{wrong}` is not about one new item.")
    # What the head starts from and the encoder stand apart from the items; the head itself does not.
    used = assumed(sample, Wrong(start, *wrong.args[1:])) | {"A5"}
    values = {a: E(wrong), b: Picks(wrong.args[0]), count: sample.size, share: delta}
    events = failing(sample, f"picks out of {sample}", delta)
    return PICK.at(values, used, events=events)
