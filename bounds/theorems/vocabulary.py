"""What the proofs speak about, and how each term is read off the data: the one table from term to number."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import agreement
from bounds.derivations import augmentation_gain as augmentation
from bounds.derivations import centred_head as centred
from bounds.derivations import contrastive as c
from bounds.derivations import haochen_2021 as spectral
from bounds.derivations import pac_bayes as gaussian
from bounds.derivations import prediction_powered as powered
from bounds.derivations import symbols as s
from bounds.derivations import test_set as counting
from bounds.proofs.choices import Choice, Family, ball, one_of, over_integers
from bounds.proofs.conclude import Conclusion, conclude
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.agreement import ClassLimit
from bounds.proofs.lemmas.batches import batched
from bounds.proofs.lemmas.betting import Bet, Copies, bet_limit, past, ville
from bounds.proofs.lemmas.centred import Distance, Ramp, near
from bounds.proofs.lemmas.class_means import (
    ClassBias,
    ClassExcess,
    FarthestMean,
    Fewest,
    RootFrequencies,
    class_means_radius,
)
from bounds.proofs.lemmas.concentration import counted, hoeffding, leaked
from bounds.proofs.lemmas.contrastive import infonce_loss
from bounds.proofs.lemmas.margins import CollisionLimit
from bounds.proofs.lemmas.pac_bayes import Divergence, Gibbs, Narrow, Quantile
from bounds.proofs.lemmas.picks import Picked, Picks
from bounds.proofs.lemmas.spectral import aligned, similar
from bounds.proofs.ranges import B, span, tau
from bounds.proofs.readings import Quantity, plain
from bounds.proofs.terms import (
    TV,
    Apply,
    Correction,
    Count,
    Cross,
    Declared,
    Differ,
    E,
    Enc,
    Energy,
    Episode,
    Frobenius,
    Given,
    InCell,
    Mean,
    Missed,
    Norm,
    OpNorm,
    Outside,
    Predicted,
    Project,
    Rad,
    Reach,
    Remainder,
    Sample,
    Spread,
    Stretch,
    UMean,
    Variance,
    Wrong,
    label,
    view,
)
from bounds.summaries.betting import CAP
from bounds.summaries.constant_stakes import LOSS_STAKES, STAKES

n, m, N, K = (Declared(name, "count") for name in ("n", "m", "N", "K"))
functions = Declared("functions", "count")
delta, *deltas = (Declared(name, "level") for name in ("delta", *(f"delta_{i}" for i in range(1, 7))))

# Encoder f, fixed before S, one of a class F fixed before the pairs; heads W of S and V of the pairs.
ENCODERS = one_of(functions, "f", "encoder", ("f",), ("F",))
f = ENCODERS.chosen
W = Declared("W", "head", ("S", "f"))
V = Declared("V", "head", ("P", "f"))
FITTED = Declared("W", "head", ("rest", "f"))

S = Sample("S", n, (("f", "A2"), ("P", "A7")))
# Where a prior is declared, counts of the pairs' classes that refute it speak against their law as well.
_BEFORE_PAIRS, _PAIR_LAW = (("F", "A3"), ("S", "A7")), ("A6", "A6'", "prior")
_TESTED = (("f", "H"), ("S", "H"), ("P", "H"))
# Test items of one class, in number as in T; those above the r-th largest score; episodes of one item of each class.
places, ranks, copies = (Declared(name, "count") for name in ("places", "ranks", "copies"))
_class_items, _answered, _episodes = (
    Declared(name, "count") for name in ("class_items", "answered", "episodes")
)
CLASSES = one_of(K, "class", "index", ("T",))
RANKS = one_of(ranks, "rank", "index", ("T",))
CLASS_ITEMS = Sample("T_y", _class_items, _TESTED, ("H", "K"), cells=True)
CLEAN_CLASS_ITEMS = Sample("T0_y", _class_items, _TESTED, ("H", "K"), cells=True, hidden=True)
ABOVE = Sample("T_r", _answered, _TESTED, ("H",), cells=True)
EPISODES = Sample("T_e", _episodes, _TESTED, ("H", "K"))
# Episodes of m shots and one query of each class, of S: the rule is made from the shots, the encoder alone before them.
SHOTS = Sample("S_e", _episodes, (("f", "A2"),), ("A5", "A6"))
_tried = Declared("tried", "level")
HELD_OUT = Sample("H", N, (("f", "A2"), ("rest", "A6")), order="A6")
# Priors, noises and thresholds for random heads, fixed with the part of S that the counted part Q leaves.
PRIORS = one_of(Declared("grid", "count"), "prior", "index", ("S",), before=("rest",))
COUNTED = Sample("Q", Declared("n_Q", "count"), (("f", "A2"), ("rest", "A6")))
# A head that starts from the part of S that Q leaves, and picks from Q.
PICKING = Picked(FITTED, COUNTED)
COUNTED_OF_CLASS = Sample("Q_y", COUNTED.size, COUNTED.apart, ("A6", "K"), cells=True)
CLEAN_HELD_OUT_OF_CLASS = Sample("H0_y", _class_items, HELD_OUT.apart, ("A6", "K"), cells=True, hidden=True)
HELD_OUT_OF_CLASS = Sample("H_y", _class_items, HELD_OUT.apart, ("A6", "K"), cells=True)
# Two views of each held-out item; augmentation pairs, of which nothing is said but that they keep their label.
TWO_VIEWS = Sample("H", N, (("f", "A2"), ("rest", "A6")), paired=True, views="A1'")
_APART = (("f", "A3"), ("S", "A7"), ("rest", "A7"))
AUGMENTED = Sample("P", m, _APART, ("A6", "A6'"), paired=True, views="A1'")


def known_pairs(fixed: bool) -> Sample:
    """Class pairs, for an encoder that was fixed before them."""
    sample: Sample = Sample("P", m, _APART, _PAIR_LAW, paired=True, fixed=fixed)
    return sample


def views_of_one_label(fixed: bool) -> Sample:
    """Pairs of views that keep their label."""
    sample: Sample = Sample("P", m, _APART, ("A6", "A6'", "prior"), paired=True, fixed=fixed, views="")
    return sample


CLEAN_HELD_OUT = Sample("H0", N, (("f", "A2"), ("rest", "A6")), hidden=True)
TEST = Sample("H", N, _TESTED, ("H",))
CLEAN_TEST = Sample("T0", N, _TESTED, ("H",), hidden=True)  # before anyone copied, added or replaced rows


def pairs(fixed: bool) -> Sample:
    """The pairs S̄: i.i.d., or with fixed class counts."""
    sample: Sample = Sample("P", m, _BEFORE_PAIRS, _PAIR_LAW, paired=True, fixed=fixed)
    return sample


def unlabeled(fixed: bool) -> Sample:
    """First views of the pairs as unlabeled items U: drawn like the labeled ones, or with fixed class counts."""
    before = (("f", "A3"), ("S", "A7"), ("rest", "A7"))
    sample: Sample = Sample("U", m, before, ("A6", "U", "prior"), fixed=fixed)
    return sample


# Radii of head balls: 2^j over all integers j, weight 1/((π²/3 − 1)(|j| + 1)²), chosen after the data.
RADII = over_integers("radius_index", ("S", "P", "f"))
radius = sp.Integer(2) ** RADII.chosen
REFERENCE_BALL = ball(V, radius, Frobenius)
BALL = ball(W, radius, Frobenius)
FINE_BALL = ball(W, sp.Integer(2) ** (RADII.chosen / 4), Frobenius)
ENCODER_CLASS = Family(f, ENCODERS.generic)

# Ridge heads of a grid of penalties, each a function of S and f, the best of them chosen by the pairs.
RIDGES = one_of(Declared("heads", "count"), "R", "head", ("S", "P", "f"), before=("S", "f"))

# Centres and metrics of heads, learned with the part of S that Q leaves; widths of the ramp.
METRICS = one_of(Declared("metrics", "count"), "metric", "index", ("S",), before=("rest",))
MARGINS = one_of(Declared("thresholds", "count"), "margin", "constant", ("S",))
NEAR_CENTRE = near(W, sp.Integer(2) ** (RADII.chosen / 4), METRICS.chosen)

# Contrastive losses: k negatives, temperature t, and what the class prior says about collisions and coverage.
negatives = Declared("negatives", "count")
temperature = Declared("temperature", "constant")
smallest = Declared("p_min", "constant")
no_collision = Declared("no_collision", "constant")
log_collisions = Declared("log_collisions", "constant")
augmentation_gap = Declared("augmentation_gap", "constant")
coverage = Declared("coverage", "constant")
coverage_of_others = Declared("coverage_of_others", "constant")
delta_loss, delta_collision, _THINNED = (
    Declared(name, "level") for name in ("delta_loss", "delta_collision", "delta_classes")
)
# Multiples of f at which a loss of margins is looked at, and its mean there as it was computed.
SCALES = one_of(Declared("scales", "count"), "scale", "constant", ("S", "P", "f"))
scale = SCALES.chosen
contrastive_loss, rounding = (
    Declared(name, "amount", ("P", "f")) for name in ("contrastive_loss", "rounding")
)
collision = Declared("collision", "level")
NCE = infonce_loss(f, negatives, temperature)


def thinned_pairs(thinned: bool, fixed: bool = False, views: str = "A1") -> Sample:
    """The pairs, or those of a pool that are i.i.d. except with a share of δ."""
    sample: Sample = Sample(
        "P",
        m,
        _BEFORE_PAIRS,
        _PAIR_LAW,
        paired=True,
        fixed=fixed,
        views=views,
        chosen="thinned pairs are i.i.d." if thinned else "",
        share=_THINNED if thinned else sp.S.Zero,
    )
    return sample


def contrastive(loss: sp.Expr, thinned: bool) -> Fact:
    """E loss against its mean over tuples of pairs, with the choice among J encoders paid."""
    mean = UMean(thinned_pairs(thinned), loss)
    return hoeffding(mean, delta_loss, "contrastive loss over the pairs", over=(ENCODERS,))


def contrastive_in_batches(loss: sp.Expr, thinned: bool) -> Fact:
    """The same by the bounded differences of batches, for pairs of any views."""
    mean = UMean(thinned_pairs(thinned, views=""), loss)
    return batched(mean, delta_loss, "contrastive loss over the pairs", over=(ENCODERS,))


x, x2, y = view(0, 0), view(0, 1), label(0)
z, z2 = Enc(f, x), Enc(f, x2)
apart = Norm(z - z2)


def residual(head: sp.Expr, vector: sp.Expr = z) -> sp.Expr:
    """‖W v − y‖."""
    return Norm(Apply(head, vector) - y)


def projected(head: sp.Expr, vector: sp.Expr = z) -> sp.Expr:
    """‖Π(W v) − y‖."""
    return Norm(Project(Apply(head, vector)) - y)


def wrong(head: sp.Expr, vector: sp.Expr = z) -> sp.Expr:
    """1[the head errs on v]."""
    return Wrong(head, vector, y)


def moved(head: sp.Expr, other: sp.Expr) -> sp.Expr:
    """‖Π(W f) − Π(V f)‖."""
    return Norm(Project(Apply(head, z)) - Project(Apply(other, z)))


def predicted(head: sp.Expr) -> sp.Expr:
    """The head's own prediction of its error."""
    return Predicted(head, z)


def half_moved(head: sp.Expr) -> sp.Expr:
    """½‖Π(W f(x⁺)) − Π(W f(x⁺⁺))‖²."""
    return Norm(Project(Apply(head, z)) - Project(Apply(head, z2))) ** 2 / 2


def crossed(head: sp.Expr) -> sp.Expr:
    """⟨Π(W f(x⁺)) − y, Π(W f(x⁺⁺)) − y⟩."""
    return Cross(Project(Apply(head, z)), Project(Apply(head, z2)), y)


def narrow(head: sp.Expr) -> sp.Expr:
    """Chance that the margin of a random head is at most γ."""
    return Narrow(head, PRIORS.chosen, z, y)


def disagree(head: sp.Expr) -> sp.Expr:
    """1[the head decides differently on the two views of a pair]."""
    return Differ(head, z, head, z2)


def outside(head: sp.Expr) -> sp.Expr:
    """1[the class is not among the k with the largest scores]."""
    return Outside(places, head, z, y)


# Share of the queries of an episode that the rule of its shots gets wrong.
missed = Episode(Missed(z, y))


def counted_despite_copies(
    sample: Sample,
    clean: Sample,
    term: sp.Expr,
    share: sp.Expr,
    what: str = "",
    over: tuple[Choice, ...] = (),
) -> Fact:
    """E g ≤ CP⁺ of the counts that copies, additions and replacements leave of a clean sample."""
    more, less = leaked(sample, clean, term)
    return counted(Mean(clean, term), share, what, over=over).chain(more).lower(less)


def _stake(sample: Sample, term: sp.Expr, share: sp.Expr) -> Bet:
    """What a share of the wealth becomes that wins (p − g)/(1 − p), written so that it is seen to be nonnegative."""
    return Bet(sample, 1 - share + share * (1 - term) / (1 - _tried))


def _episode_bets(sample: Sample, term: sp.Expr) -> sp.Expr:
    bets = [_stake(sample, term, sp.Rational(stake)) for stake in STAKES]
    return Copies(copies, sp.Add(*bets) / len(bets))


def _loss_bets() -> sp.Expr:
    bets = [_stake(TEST, _share, sp.Rational(str(stake))) for stake in LOSS_STAKES]
    return sp.Add(*bets) / len(bets)


_correction = Correction(FITTED, z, y)
_share, _scaled = projected(W) / sp.sqrt(2), (1 + _correction) / 2
_correction_bets = Bet(HELD_OUT, 1 - sp.Rational(str(CAP)) * past(HELD_OUT, "stake") * (_scaled - _tried))


def episode_limit(sample: Sample, term: sp.Expr) -> Fact:
    """The mean error of i.i.d. episodes, by bets of constant stakes on copies of their arrangement."""
    return ville(_episode_bets(sample, term), _tried, term, delta)


def loss_limit() -> Fact:
    """The mean projected loss over its range √2, by bets of constant stakes."""
    return ville(_loss_bets(), _tried, _share, delta)


def correction_limit() -> Fact:
    """The mean correction of a predicted error, scaled to [0, 1], by bets that learn from the items before."""
    return ville(_correction_bets, _tried, _scaled, deltas[1])


def _averages(
    sample: Sample, term: sp.Expr, mean: sp.Expr, variance: sp.Expr, role: str
) -> dict[sp.Expr, Quantity]:
    # A constant factor stands outside of a mean, and inside of a variance.
    factor, inside = term.as_coeff_Mul()
    return {Mean(sample, inside): Quantity(mean / factor, role), Variance(sample, term): Quantity(variance)}


def _counts(
    sample: Sample, term: sp.Expr, ones: sp.Expr, number: sp.Expr, role: str
) -> dict[sp.Expr, Quantity]:
    return {
        Mean(sample, term): Quantity(ones / number, role),
        Count(sample, term): Quantity(ones, role),
        Count(sample, 1 - term): Quantity(number - ones, role),
    }


_PRIOR = frozenset({"prior"})
# Of the scaled class means: any number of at least 0, chosen after the data; no event depends on it.
head_scale = Declared("head_scale", "amount", ("P", "f"))
_whitened = Energy(METRICS.chosen, z)
# Of the disagreement: any number of at least 0, chosen after the data; no event depends on it.
weight = Declared("multiplier", "amount", ("S", "P", "rest", "f"))
_P2, _Q = Sample("P2", m), Sample("Q", COUNTED.size)
_TWO = Sample("H", N, paired=True)
_CLASS, _ABOVE, _EPISODES, _SHOTS = (
    Sample(one.name, one.size) for one in (CLASS_ITEMS, ABOVE, EPISODES, SHOTS)
)
_P, _S, _H, _U = Sample("P", m, paired=True), Sample("S", n), Sample("H", N), Sample("U", m)
_wrong_episode = Episode(wrong(W))


def _read_bets(process: sp.Expr, term: sp.Expr, share: sp.Expr) -> sp.Expr:
    return plain(bet_limit(process, _tried, term, share))


READINGS = {
    Mean(_P, apart): Quantity(s.invariance, "invariance"),
    Mean(_S, residual(W)): Quantity(s.residual_S, "labeled_residual"),
    sp.sqrt(Mean(_S, residual(W) ** 2)): Quantity(s.rms_S, "labeled_residual"),
    Mean(_P, residual(V)): Quantity(s.residual_ref, "unlabeled_residual"),
    sp.sqrt(Mean(_P, residual(V) ** 2)): Quantity(s.rms_ref, "unlabeled_residual"),
    **_counts(_H, wrong(W), s.mistakes, s.N, "test_error"),
    **_counts(_H, outside(W), s.mistakes, s.N, "test_error"),
    **_counts(_H, wrong(FITTED), s.mistakes, s.N, "held_out_error"),
    **_counts(
        _CLASS,
        InCell(CLASSES.chosen, wrong(W)),
        agreement.class_mistakes,
        agreement.class_items,
        "test_error",
    ),
    **_counts(_ABOVE, InCell(RANKS.chosen, wrong(W)), s.mistakes, counting.answered, "test_error"),
    Mean(_EPISODES, _wrong_episode): Quantity(counting.episode_error, "test_error"),
    _read_bets(_episode_bets(EPISODES, _wrong_episode), _wrong_episode, delta): Quantity(
        counting.episode_limit
    ),
    Mean(_SHOTS, missed): Quantity(counting.episode_error, "episodes"),
    _read_bets(_episode_bets(SHOTS, missed), missed, delta): Quantity(counting.episode_limit),
    Mean(_H, projected(FITTED)): Quantity(s.projected_ref, "held_out_residual"),
    **_counts(_U, Differ(W, z, FITTED, z), s.differing, s.m, "disagreement"),
    Mean(_U, moved(W, FITTED)): Quantity(s.head_gap, "head_distance"),
    Mean(_U, predicted(FITTED)): Quantity(powered.predicted, "predicted_error"),
    Variance(_U, predicted(FITTED)): Quantity(powered.predicted_variance),
    Mean(_H, _correction): Quantity(powered.rectifier, "rectifier"),
    Variance(_H, _correction): Quantity(powered.rectifier_variance),
    _read_bets(_correction_bets, _scaled, deltas[1]): Quantity((1 + powered.rectifier_limit) / 2),
    **_averages(_P, half_moved(W), augmentation.gain, augmentation.gain_variance, "gain"),
    **_averages(_P, half_moved(FITTED), augmentation.gain, augmentation.gain_variance, "gain"),
    **_averages(_TWO, crossed(FITTED), augmentation.cross, augmentation.cross_variance, "averaged_risk"),
    Mean(_Q, Gibbs(W, PRIORS.chosen, z, y)): Quantity(gaussian.gibbs_error, "gibbs_error"),
    Mean(_Q, narrow(W)): Quantity(gaussian.margin_error, "margin_error"),
    Mean(Sample("Q_y", COUNTED.size), InCell(CLASSES.chosen, narrow(W))): Quantity(
        gaussian.margin_error, "margin_error"
    ),
    Picks(Picked(FITTED, _Q)): Quantity(counting.picks, "picks"),
    Divergence(W, PRIORS.chosen): Quantity(gaussian.divergence()),
    Quantile(PRIORS.chosen): Quantity(gaussian.quantile),
    **_counts(
        Sample("H_y", _class_items),
        InCell(CLASSES.chosen, wrong(FITTED)),
        agreement.class_mistakes,
        agreement.class_items,
        "held_out_error",
    ),
    **{
        term: quantity
        for head in (W, FITTED)
        for left in (Remainder(ClassLimit(Given(wrong(head))), weight),)
        for term, quantity in (
            (E(left), Quantity(agreement.class_part, "class_limits", assumes=_PRIOR)),
            (Mean(_S, left), Quantity(agreement.class_part, "class_limits")),
            (Spread(left), Quantity(agreement.class_spread)),
            (
                Mean(_P, disagree(head)),
                Quantity(agreement.disagreements / s.m, "disagreement"),
            ),
        )
    },
    weight: Quantity(agreement.multiplier),
    Mean(_P2, residual(V)): Quantity(s.phi_second, "unlabeled_residual"),
    Mean(_S, residual(V)): Quantity(s.phi_S, "reference_on_labeled"),
    Mean(_S, projected(W)): Quantity(s.projected_S, "labeled_residual"),
    Mean(_H, projected(W)): Quantity(s.projected_H, "test_loss"),
    **{
        term: quantity
        for head in (W, RIDGES.chosen)
        for g in (class_means_radius(K, n, Fewest(_S), B, tau, deltas[0]),)
        for term, quantity in (
            (ClassBias(_S, head, f), Quantity(s.bias, "class_bias")),
            (FarthestMean(_S, head, f, g), Quantity(s.reach)),
            (ClassExcess(_S, head, f, g), Quantity(s.class_excess, "class_frequencies", assumes=_PRIOR)),
            (OpNorm(head), Quantity(s.W_norm)),
            *_averages(
                _P,
                Norm(Apply(head, z) - Apply(head, z2)) ** 2 / 2,
                s.half_invariance,
                s.V_head,
                "half_invariance",
            ).items(),
        )
    },
    Fewest(_S): Quantity(s.n_min),
    RootFrequencies(_S): Quantity(s.root_frequencies, assumes=_PRIOR),
    _read_bets(_loss_bets(), _share, delta): Quantity(counting.loss_limit / sp.sqrt(2)),
    OpNorm(W - V): Quantity(s.c, alone="head_distance"),
    Reach(W): Quantity(s.kappa_S),
    Reach(V): Quantity(s.kappa_ref),
    Frobenius(W): Quantity(s.W_frobenius),
    Frobenius(V): Quantity(s.frobenius_ref),
    Mean(_Q, projected(W)): Quantity(centred.projected_Q, "labeled_residual"),
    Mean(_Q, Ramp(W, z, y, MARGINS.chosen)): Quantity(centred.ramp_Q, "ramp"),
    Mean(_Q, _whitened): Quantity(centred.second_moment),
    Variance(_Q, _whitened): Quantity(centred.moment_variance),
    Stretch(METRICS.chosen): Quantity(centred.stretch),
    Distance(W, METRICS.chosen): Quantity(gaussian.head_shift),
    Mean(_P, aligned(f)): Quantity(spectral.alignment, "alignment"),
    UMean(_P, similar(f)): Quantity(spectral.similarity, "similarity"),
    sp.floor(m / 2): Quantity(c.blocks),
    UMean(_P, NCE): Quantity(c.infonce_loss, "infonce_loss"),
    sp.floor(m / (negatives + 1)): Quantity(c.blocks),
    span: Quantity(c.span, alone="largest_loss"),
    contrastive_loss: Quantity(c.contrastive_loss, "contrastive_loss"),
    rounding: Quantity(c.rounding, "rounding"),
    collision: Quantity(c.collision, alone="collisions", assumes=_PRIOR),
    1 / K: Quantity(1 / s.K, alone="collisions"),
    CollisionLimit(_S, delta_collision, sp.S.Zero): Quantity(c.collision_low, alone="collisions"),
    CollisionLimit(_S, delta_collision, sp.S.One): Quantity(c.collision_high, alone="collisions"),
    K: Quantity(s.K, alone="task_size"),
    negatives: Quantity(c.negatives),
    temperature: Quantity(c.temperature),
    smallest: Quantity(c.p_min, alone="task_size", assumes=_PRIOR),
    no_collision: Quantity(c.no_collision, assumes=_PRIOR),
    log_collisions: Quantity(c.log_collisions, alone="log_collisions", assumes=_PRIOR),
    augmentation_gap: Quantity(c.augmentation_gap, alone="augmentation_gap"),
    coverage: Quantity(c.coverage, assumes=_PRIOR),
    coverage_of_others: Quantity(c.coverage_of_others, assumes=_PRIOR),
    delta_loss: Quantity(c.delta_loss),
    TV(_S): Quantity(s.TV_S, "class_frequencies", assumes=_PRIOR),
    TV(_P): Quantity(s.TV_pairs, "pair_frequencies", assumes=_PRIOR),
    TV(_U): Quantity(s.TV_pairs, "pair_frequencies", assumes=_PRIOR),
    Rad(_P, ENCODERS.generic, apart.xreplace({f: ENCODERS.generic})): Quantity(
        s.R_F, "representation_complexity"
    ),
}

LOSS = E(residual(W))

# Terms of a bound in the order of the report.
ORDER = (
    "smaller",
    "test_error",
    "episodes",
    "picks",
    "test_loss",
    "infonce_loss",
    "contrastive_loss",
    "largest_loss",
    "collisions",
    "log_collisions",
    "augmentation_gap",
    "constant",
    "alignment",
    "similarity",
    "task_size",
    "surrogate_gap",
    "below_chance",
    "held_out_error",
    "held_out_residual",
    "predicted_error",
    "rectifier",
    "averaged_risk",
    "gain",
    "class_bias",
    "class_means",
    "half_invariance",
    "gibbs_error",
    "margin_error",
    "disagreement",
    "class_limits",
    "invariance",
    "unlabeled_residual",
    "head_distance",
    "labeled_residual",
    "ramp",
    "reference_on_labeled",
    "representation_complexity",
    "head_complexity",
    "class_frequencies",
    "confidence",
    "rounding",
    "pair_frequencies",
)


def concluded(fact: Fact, goal: sp.Expr, below: bool = False) -> Conclusion:
    """`conclude` with the readings and the order of this package."""
    return conclude(fact, goal, READINGS, ORDER, below)
