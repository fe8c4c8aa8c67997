"""PAC-Bayes: a mean over random heads around one that was chosen after the data, near a prior that was not."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.derivations.functions import Min, kl_inverse
from bounds.errors import InvalidProof
from bounds.proofs.choices import payable
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.reading import a, assumed, b, count, failing, share
from bounds.proofs.terms import Declared, E, InCell, Mean, Nonnegative, Share, Wrong


class Randomised(Share, nargs=4):
    """Something in [0, 1] averaged over random heads around W, with the noise of a prior: (W, prior, f(x), y)."""


class Gibbs(Randomised):
    """Chance that a random head errs."""


class Narrow(Randomised):
    """Chance that the margin of a random head is at most γ, which is at least the prior's q where W itself errs."""


class Quantile(Nonnegative, nargs=1):
    """The q of a prior: chance that a random head shows an error of the head it is drawn around."""


class Divergence(Nonnegative, nargs=2):
    """KL divergence of the random heads around W from those of a prior: Divergence(W, prior)."""


divergence, quantile = sp.symbols("divergence quantile")
FEWEST = 8  # items, in Maurer's theorem
PAC_BAYES = Lemma(
    "PAC-Bayes bound in kl form",
    a,
    kl_inverse(Min(1, b), (divergence + sp.log(2 * sp.sqrt(count) / share)) / count),
    "Maurer (2004), Thm 5",
    note="For all posteriors at once; 2 sqrt(N) is the source's, for N >= 8.",
    check=lambda: checks.pac_bayes.change_of_measure().result & checks.pac_bayes.maurer_moment().result,
)


@payable
def pac_bayes(total: sp.Expr, delta: sp.Expr, what: str = "") -> Fact:
    """E L ≤ kl⁻¹(mean L; (KL + ln(2√N/δ))/N) for L averaged over heads around one chosen after the data.

    Raises:
        InvalidProof: not the mean of such an L over at least eight items of one law, or the prior depends on them.
    """
    if not isinstance(total, Mean):
        raise InvalidProof(f"`{total}` is not a mean over a sample.")
    sample, term = total.args
    random = term.args[1] if isinstance(term, InCell) else term
    if not isinstance(random, Randomised):
        raise InvalidProof(f"`{random}` is no average over random heads.")
    if sample.fixed or sample.hidden:
        raise InvalidProof(f"The bound needs items of one law that are known; {sample} does not have them.")
    head, prior = random.args[:2]
    # Whatever the posterior was computed from, the prior and the encoder stand apart from the sample.
    used = assumed(sample, term.xreplace({head: Declared(head.name, "head", (), True)}))
    values = {a: E(term), b: total, divergence: Divergence(head, prior), count: sample.size, share: delta}
    events = failing(sample, what or f"random heads on {sample}", delta)
    return PAC_BAYES.at(values, used, frozenset({sp.Ge(sample.size, FEWEST)}), events=events)


DERANDOMISED = Lemma(
    "an error shows in random heads",
    a,
    b / quantile,
    "this package",
    "proven",
    note="Where W errs, some margin of a random head is Gaussian with mean at most 0, so at most gamma with chance q.",
    check=lambda: checks.pac_bayes.derandomisation().result,
)


def derandomised(narrow: sp.Expr) -> Fact:
    """1[W errs] ≤ P(margin of a random head ≤ γ)/q, for an item or for an item of a cell.

    Raises:
        InvalidProof: not such a chance.
    """
    inner = narrow.args[1] if isinstance(narrow, InCell) else narrow
    if not isinstance(inner, Narrow):
        raise InvalidProof(f"`{narrow}` is not the chance of a narrow margin.")
    head, prior, vector, label = inner.args
    wrong = Wrong(head, vector, label)
    left = InCell(narrow.args[0], wrong) if isinstance(narrow, InCell) else wrong
    return DERANDOMISED.at({a: left, b: narrow, quantile: Quantile(prior)})
