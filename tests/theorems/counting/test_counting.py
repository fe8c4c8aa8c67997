"""Worst class, balanced, top-k and selective certificates: numbers by hand, oracles, exact coverage."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats

import bounds
from bounds.assumptions.assumption import TITLES, Assumption
from bounds.assumptions.declaration import Declared
from bounds.errors import InvalidOption, InvalidStatistics, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import outcomes
from bounds.evidence.outcomes import Count, count, head_outcomes
from bounds.evidence.setting import Setting
from bounds.representations.table import Representations
from bounds.summaries.constant_stakes import LOSS_STAKES, constant_stakes_upper
from bounds.theorems import THEOREMS
from bounds.theorems.counting.test_set_balanced import ARRANGEMENTS, episode_errors
from bounds.worlds import WORLDS

pytestmark = pytest.mark.usefixtures("one_thread")


def scored(scores, labels, classes=None, **setting):
    """Evidence whose head returns the test rows as scores."""
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    classes = scores.shape[1] if classes is None else classes
    statuses = {name: Assumption(name, "holds", "declared") for name in TITLES}
    train = Representations((np.eye(scores.shape[1]),), np.arange(scores.shape[1]))
    return Evidence(
        Setting(classes, 1.0, 2.0, statuses, head=lambda z: z, **setting),
        train,
        test=Representations((scores,), labels),
    )


def random_scores(seed, size, classes, shift=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=size)
    return rng.normal(size=(size, classes)) + shift * np.eye(classes)[labels], labels


def cp(k, n, delta):
    return 1.0 if k == n else stats.beta.ppf(1 - delta, k + 1, n - k)


# Bets of constant stakes


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ([[0.1, 0, 0.2], [0, 0.1, 0.1]], 0.763674),
        ([[0.2] * 20], 0.351222),
        ([[0.2] * 100], 0.232942),
        ([[0.0] * 10], 0.34103),
        ([[1.0] * 10], 1.0),
    ],
)
def test_the_betting_limit_has_its_known_values(values, limit):
    assert constant_stakes_upper(torch.tensor(values, dtype=torch.float64), 0.05) == pytest.approx(
        limit, abs=1e-6
    )


def test_the_betting_limit_solves_its_equation_for_values_of_any_kind():
    H = np.random.default_rng(0).beta(1, 4, size=(3, 12))
    U = constant_stakes_upper(torch.from_numpy(H), 0.1)
    wealth = np.mean([np.prod(1 + c * (U - row) / (1 - U)) for row in H for c in (1, 0.5, 0.25, 0.125)])
    assert wealth == pytest.approx(10, rel=1e-6)
    assert wealth >= 10
    turned = constant_stakes_upper(torch.from_numpy(H[::-1, ::-1].copy()), 0.1)
    assert turned == pytest.approx(U, abs=1e-9)


@pytest.mark.parametrize(("p", "r", "missed"), [(0.2, 20, 0.0115), (0.05, 60, 0.0)])
def test_the_betting_limit_misses_bernoulli_episodes_as_rarely_as_it_should(p, r, missed):
    limits = [constant_stakes_upper(torch.tensor([[1.0] * k + [0.0] * (r - k)]), 0.05) for k in range(r + 1)]
    found = sum(stats.binom.pmf(k, r, p) for k, limit in enumerate(limits) if limit < p)
    assert found == pytest.approx(missed, abs=5e-5)


@pytest.mark.parametrize("value", [0.0, 0.2, 0.9])
def test_at_the_betting_limit_of_many_values_the_wealth_is_surely_reached(value):
    """A limit rounded down by 1e-12 would not reach it: the wealth of so many values moves by more than its slack."""
    for size in (200_000, 300_001, 500_003):
        p = constant_stakes_upper(torch.full((1, size), value, dtype=torch.float64), 0.05)
        logs = [size * math.log1p(c * (p - value) / (1 - p)) for c in (1.0, 0.5, 0.25, 0.125)]
        largest = max(logs)
        wealth = largest + math.log(sum(math.exp(one - largest) for one in logs) / 4)
        assert wealth >= math.log(1 / 0.05)


def test_raising_a_value_never_lowers_the_betting_limit():
    rng = np.random.default_rng(1)
    for _ in range(30):
        H = rng.random((2, 6))
        higher = H.copy()
        higher[:, rng.integers(6)] = 1.0
        low, high = (constant_stakes_upper(torch.from_numpy(one), 0.1) for one in (H, higher))
        assert high >= low - 1e-9


def test_nonsense_is_refused_by_the_betting_limit():
    for values in (torch.zeros(0, 3), torch.zeros(3), torch.tensor([[1.5]]), torch.tensor([[-0.1]])):
        with pytest.raises(InvalidStatistics):
            constant_stakes_upper(values, 0.05)
    with pytest.raises(InvalidStatistics):
        constant_stakes_upper(torch.zeros(1, 3), 1.0)


# Against loops


def test_every_class_has_its_own_limit_and_the_worst_is_the_bound():
    scores, labels = random_scores(0, 200, 4)
    bound = THEOREMS["test_set_classes"].evaluate(scored(scores, labels), 0.1)
    wrong = scores.argmax(1) != labels
    limits = [cp(int(wrong[labels == y].sum()), int((labels == y).sum()), 0.1 / 4) for y in range(4)]
    assert [row["error"] for row in bound.table.values()] == pytest.approx(limits, rel=1e-9)
    assert bound.value == pytest.approx(max(limits), rel=1e-9)
    assert bound.error_rate is None


def test_a_class_without_test_items_has_the_limit_one_and_a_note():
    scores, labels = random_scores(0, 60, 3)
    kept = labels != 1
    bound = THEOREMS["test_set_classes"].evaluate(scored(scores[kept], labels[kept]), 0.1)
    assert bound.value >= 1.0
    assert bound.vacuous
    assert bound.notes[0] == "1 of 3 classes have no test item; their limit is one"
    assert THEOREMS["test_set_classes"].evaluate(scored(scores, labels), 0.1).notes == ()
    assert bound.from_dict(bound.to_dict()) == bound


def test_the_table_of_classes_shows_what_was_measured_and_equal_limits_show_the_first():
    """Class 0 without an item and class 2 with every item wrong both have the limit one."""
    labels = np.repeat([1, 2, 3], [8, 5, 9])
    wrong = np.where(labels == 2, True, np.arange(22) % 4 == 0)
    scores = np.eye(4)[np.where(wrong, (labels + 1) % 4, labels)] * np.arange(2, 24)[:, None]
    bound = THEOREMS["test_set_classes"].evaluate(scored(scores, labels), 0.1)
    rows = list(bound.table.values())
    assert [row["items"] for row in rows] == [0, 8, 5, 9]
    assert [row.get("measured") for row in rows] == [None, *(wrong[labels == y].mean() for y in (1, 2, 3))]
    assert (bound.symbols["class_items"], bound.symbols["class_mistakes"]) == (1, 1)


@pytest.mark.parametrize(
    "name", ["test_set", "test_set_classes", "test_set_top_k", "test_set_selective", "test_set_balanced"]
)
def test_where_every_item_is_wrong_no_limit_exceeds_one(name):
    """Rounding up does not lead past what an error rate can be."""
    labels = np.arange(90) % 3
    evidence = scored(np.eye(3)[(labels + 1) % 3] * np.arange(2, 92)[:, None], labels, options={"top_k": 1})
    bound = THEOREMS[name].evaluate(evidence, 0.1)
    assert bound.value == 1.0
    assert {row.get("error") for row in bound.table.values()} <= {1.0}
    assert bound.vacuous


def test_class_names_of_the_data_name_the_rows():
    scores, labels = random_scores(0, 60, 3)
    evidence = scored(scores, labels, class_names=("cat", "dog"))
    assert list(THEOREMS["test_set_classes"].evaluate(evidence, 0.1).table) == ["cat", "dog", "class 2"]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_top_k_error_counts_labels_outside_the_k_largest(k):
    scores, labels = random_scores(1, 150, 5)
    bound = THEOREMS["test_set_top_k"].evaluate(scored(scores, labels, options={"top_k": k}), 0.05)
    best = np.argsort(-scores, axis=1)[:, :k]
    missed = sum(int(y not in row) for y, row in zip(labels, best, strict=True))
    assert bound.value == pytest.approx(cp(missed, 150, 0.05), rel=1e-9)
    assert bound.trivial_value == pytest.approx(1 - k / 5)  # naming k of five classes that are alike
    assert bound.axis.name == f"top-{k} error"


def test_ties_count_against_the_head_in_every_certificate():
    evidence = scored(np.zeros((40, 3)), np.arange(40) % 3, options={"top_k": 2})
    for name in ("test_set", "test_set_classes", "test_set_balanced", "test_set_top_k"):
        assert THEOREMS[name].evaluate(evidence, 0.05).value >= 1.0


def test_the_options_are_checked():
    scores, labels = random_scores(1, 50, 5)
    for option in (0, 1.5, True, "two"):
        with pytest.raises(InvalidOption, match="top_k"):
            THEOREMS["test_set_top_k"].evaluate(scored(scores, labels, options={"top_k": option}), 0.05)
    with pytest.raises(NotApplicable, match="more than k = 5"):
        THEOREMS["test_set_top_k"].evaluate(scored(scores, labels), 0.05)
    for option in (0, 1, "low"):
        with pytest.raises(InvalidOption, match="target"):
            THEOREMS["test_set_selective"].evaluate(scored(scores, labels, options={"target": option}), 0.05)


def test_an_episode_is_one_item_of_each_class():
    """Every item of class 0 wrong, none of class 1, every other of class 2: an episode errs on a third or on two."""
    labels = np.repeat([0, 1, 2], [4, 7, 6])
    wrong = (labels == 0) | ((labels == 2) & (np.arange(17) % 2 == 0))
    scores = np.eye(3)[np.where(wrong, (labels + 1) % 3, labels)]
    shares = episode_errors(head_outcomes(scored(scores, labels)), 3, 50, 0)
    assert shares.shape == (50, 4)
    assert set(shares.flatten().tolist()) == {1 / 3, 2 / 3}
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.05)
    bound = THEOREMS["test_set_balanced"].evaluate(scored(scores, labels), 0.05)
    assert bound.trivial_value == pytest.approx(2 / 3)
    row = bound.table["all classes"]
    taken = episode_errors(head_outcomes(scored(scores, labels)), 3, ARRANGEMENTS, 0).numpy()
    assert (row["episodes"], row["error"], row["spread"]) == (
        4,
        pytest.approx(taken.mean()),
        pytest.approx(taken.std()),
    )
    assert bound.notes[-1].startswith(f"4 episodes of one item a class, {ARRANGEMENTS} arrangements")
    assert row["limit"] == pytest.approx(constant_stakes_upper(torch.from_numpy(taken), 0.05))
    assert bound.value == pytest.approx(row["limit"])


def test_what_cannot_be_counted_is_said():
    with pytest.raises(NotApplicable, match="at least two classes"):
        THEOREMS["test_set_balanced"].evaluate(scored(np.ones((4, 1)), np.zeros(4, dtype=int)), 0.05)
    # The test items are the rows that the head was made from, and were only added.
    every = scored(np.eye(3), np.arange(3), declared=Declared(overlap="added"))
    with pytest.raises(NotApplicable, match="nothing to count"):
        THEOREMS["test_set"].evaluate(every, 0.05)


def test_the_selective_limits_are_those_of_a_script_of_loops():
    scores, labels = random_scores(2, 100, 4, 2.0)
    bound = THEOREMS["test_set_selective"].evaluate(scored(scores, labels, options={"target": 0.2}), 0.05)
    gap = np.diff(np.sort(scores, axis=1)[:, -2:], axis=1)[:, 0]
    order = np.argsort(-gap)
    expected = []
    for share in range(5, 101, 5):  # a hundred items: percent and rank agree
        above = order[:share]
        k = int((scores[above].argmax(1) != labels[above]).sum())
        expected.append(cp(k, share, 0.05 / 20))
    rows = list(bound.table.values())
    assert [row["error"] for row in rows] == pytest.approx(expected, rel=1e-9)
    assert rows[-1]["measured"] == pytest.approx(float((scores.argmax(1) != labels).mean()))
    assert [row.get("threshold", -1) for row in rows[:-1]] == pytest.approx(
        [gap[order[share]] for share in range(5, 100, 5)]
    )
    reached = [limit for limit in expected if limit <= 0.2]
    assert bound.value == pytest.approx(reached[-1], rel=1e-9)


@pytest.mark.parametrize("size", [7, 10, 19])
def test_of_few_items_the_shares_that_are_answered_are_whole_items(size):
    """The r + 1-th largest gap is the threshold of r items, and all are answered without one."""
    scores, labels = random_scores(5, size, 3)
    bound = THEOREMS["test_set_selective"].evaluate(scored(scores, labels), 0.1)
    gap = np.sort(np.diff(np.sort(scores, axis=1)[:, -2:], axis=1)[:, 0])[::-1]
    above = sorted({round(j / 20 * size) for j in range(1, 21)} - {0})
    expected = {f"{r / size:.1%} answered": gap[r] if r < size else None for r in above}
    assert {name: row.get("threshold") for name, row in bound.table.items()} == expected


def test_a_target_that_is_just_met_is_met():
    scores, labels = random_scores(2, 100, 4, 2.0)
    whole = THEOREMS["test_set_selective"].evaluate(scored(scores, labels, options={"target": 0.2}), 0.05)
    again = THEOREMS["test_set_selective"].evaluate(
        scored(scores, labels, options={"target": whole.table["100.0% answered"]["error"]}), 0.05
    )
    assert again.value == pytest.approx(whole.table["100.0% answered"]["error"])


def test_a_target_that_no_share_reaches_is_said():
    scores, labels = random_scores(3, 30, 3, 0.0)
    bound = THEOREMS["test_set_selective"].evaluate(scored(scores, labels, options={"target": 0.01}), 0.05)
    assert any("no share reaches" in note for note in bound.notes)
    assert bound.value == pytest.approx(min(row["error"] for row in bound.table.values()))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_few_test_items_are_enough_to_say_little(size):
    scores, _ = random_scores(4, size, 2)
    evidence = scored(scores, np.arange(size) % 2, options={"top_k": 1})
    for name in ("test_set_classes", "test_set_top_k", "test_set_selective"):
        assert 0.5 < THEOREMS[name].evaluate(evidence, 0.05).value <= 1.0 + 1e-9
    if size < 2:
        with pytest.raises(NotApplicable, match="has none"):
            THEOREMS["test_set_balanced"].evaluate(evidence, 0.05)


def test_all_binomial_certificates_count_in_one_place(monkeypatch):
    scores, labels = random_scores(5, 80, 4)
    evidence = scored(scores, labels, options={"top_k": 2})
    for name in ("test_set", "test_set_classes", "test_set_top_k", "test_set_selective"):
        module = f"bounds.theorems.counting.{name}.count"
        seen = []
        monkeypatch.setattr(module, lambda *given, seen=seen: seen.append(1) or Count(1, 50))
        THEOREMS[name].evaluate(evidence, 0.05)
        assert seen


def test_outcomes_agree_with_the_losses_of_the_head():
    scores, labels = random_scores(6, 90, 4)
    evidence = scored(scores, labels)
    outcomes = head_outcomes(evidence)
    assert count(evidence, outcomes.wrong).mistakes == evidence.head_test_losses.mistakes
    assert count(evidence, outcomes.wrong, outcomes.labels == 2).trials == int((labels == 2).sum())


# Coverage


@pytest.mark.parametrize("items", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_selective_limits_cover_over_every_sample_of_a_small_world(items):
    """All samples of a few items from atoms: ties in the score included, exact probabilities."""
    gaps, weights = (0.9, 0.6), (0.5, 0.5)
    wrong_given = {0.9: 0.3, 0.6: 0.6}
    atoms = [(g, w) for g in gaps for w in (False, True)]
    chance = [weights[gaps.index(g)] * (wrong_given[g] if w else 1 - wrong_given[g]) for g, w in atoms]
    true = {-math.inf: sum(p * w for (_, w), p in zip(atoms, chance, strict=True)), 0.6: 0.3}
    level, missed = 0.4, 0.0
    for sample in product(range(4), repeat=items):
        weight = math.prod(chance[i] for i in sample)
        scores = [[atoms[i][0] * (1 - atoms[i][1]), atoms[i][0] * atoms[i][1]] for i in sample]
        bound = THEOREMS["test_set_selective"].evaluate(scored(scores, [0] * items), level)
        failed = any(
            row["error"] < true[row.get("threshold", -math.inf)] - 1e-12
            for row in bound.table.values()
            if row.get("threshold", -math.inf) in true
        )
        missed += weight * failed
    assert missed <= level


@pytest.mark.parametrize(
    "name", ["test_set_classes", "test_set_balanced", "test_set_top_k", "test_set_selective"]
)
@pytest.mark.parametrize("world", ["gaussian", pytest.param("rare", marks=pytest.mark.slow), "discrete"])
def test_certificates_cover_in_worlds_with_known_truth(name, world):
    made = WORLDS[world]().with_options(options={"top_k": 1, "target": 0.3})
    found = bounds.coverage(name, made, delta=0.2, trials=60, seed=3, sizes={"N": 60})
    assert found.trials > 0
    assert found.violations <= stats.binom.ppf(0.9999, found.trials, 0.2)


def test_the_search_over_thresholds_must_be_paid_for():
    """Scores that say nothing: at δ for each rank the best of 19 misses far more often than δ, at δ/20 it does not."""
    rng = np.random.default_rng(0)
    unpaid = paid = 0
    for _ in range(200):
        gap, wrong = rng.random(80), rng.random(80) < 0.3
        scores = np.stack([gap * ~wrong, gap * wrong], axis=1)
        table = THEOREMS["test_set_selective"].evaluate(scored(scores, [0] * 80), 0.05).table
        paid += min(row["error"] for row in table.values()) < 0.3
        order = np.argsort(-gap)
        limits = [cp(int(wrong[order[:r]].sum()), r, 0.05) for r in range(4, 80, 4)]
        unpaid += min(limits) < 0.3
    assert paid <= stats.binom.ppf(0.9999, 200, 0.05)
    assert unpaid > stats.binom.ppf(0.9999, 200, 0.05)


@pytest.mark.parametrize(
    "name", ["test_set_classes", "test_set_balanced", "test_set_top_k", "test_set_selective"]
)
def test_the_proofs_hold_and_end_in_what_the_report_evaluates(name):
    derivation = bounds.derive(name)
    assert derivation.failing == []
    scores, labels = random_scores(7, 120, 3)
    inputs = THEOREMS[name].found(scored(scores, labels, options={"top_k": 2}), 0.05)
    assert inputs.expression is derivation.expression


def test_a_reused_test_set_is_not_certified():
    evidence = WORLDS["reused_test"]().sample(np.random.default_rng(0)).evidence
    for name in ("test_set_classes", "test_set_balanced", "test_set_selective"):
        assert not THEOREMS[name].evaluate(evidence, 0.05).certified


# Losses


def test_the_projected_loss_is_limited_by_bets_or_by_kl():
    scores, labels = random_scores(2, 297, 3)
    evidence = scored(scores, labels)
    losses = outcomes(evidence, evidence.head, "test")[1] / math.sqrt(2)
    for betting in (True, False):
        options = {} if betting else {"test_set_loss": "kl"}
        bound = THEOREMS["test_set_loss"].evaluate(scored(scores, labels, options=options), 0.05)
        U = bound.value / math.sqrt(2)
        if betting:
            stakes = (1, 0.5, 0.25, 0.125, 0.0625, 0.03)
            wealth = np.mean([np.prod(1 + c * (U - losses) / (1 - U)) for c in stakes])
            assert wealth == pytest.approx(20, rel=1e-5)
        else:
            q = losses.mean()
            budget = q * math.log(q / U) + (1 - q) * math.log((1 - q) / (1 - U))
            assert budget == pytest.approx(math.log(20) / 297, rel=1e-6)
        assert bound.certified
        assert bound.terms["test_loss"].value == pytest.approx(math.sqrt(2) * losses.mean())
        assert list(bound.table) == (["test items"] if betting else [])
        for row in bound.table.values():
            assert row["spread"] == pytest.approx(math.sqrt(2) * losses.std(), rel=1e-9)
            assert (row["items"], row["limit"]) == (297, pytest.approx(bound.value))
    with pytest.raises(InvalidOption, match="did you mean `betting`"):
        THEOREMS["test_set_loss"].evaluate(scored(scores, labels, options={"test_set_loss": "beting"}), 0.05)


def test_bets_on_losses_miss_as_rarely_as_they_should():
    """Two losses .3 and .5 of the range: small spread, where the kl limit gives most away."""
    for p, r in ((0.5, 20), (0.1, 60)):
        mean = 0.3 + 0.2 * p
        limits = [
            constant_stakes_upper(torch.tensor([[0.5] * k + [0.3] * (r - k)]).double(), 0.05, LOSS_STAKES)
            for k in range(r + 1)
        ]
        assert sum(stats.binom.pmf(k, r, p) for k, limit in enumerate(limits) if limit < mean) <= 0.05
    rare = torch.tensor([[1.0] * 3 + [0.0] * 57])
    assert constant_stakes_upper(rare, 0.05) == pytest.approx(0.1890, abs=5e-4)
    assert constant_stakes_upper(rare, 0.05, LOSS_STAKES) == pytest.approx(0.1992, abs=5e-4)
