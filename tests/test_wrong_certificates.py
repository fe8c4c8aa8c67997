"""Certificates that were wrong once: each case with what the report says now, and the invariants on every bound."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

import bounds
from bounds.assumptions.classes import number_of_classes
from bounds.assumptions.prior import declared_prior, prior_pvalue
from bounds.derivations.expression import Expression
from bounds.derivations.symbols import SYMBOLS, symbol
from bounds.errors import InvalidData, InvalidOption
from bounds.information.rows import as_rows
from bounds.proofs.conclude import conclude
from bounds.proofs.facts import Lemma
from bounds.proofs.readings import Quantity
from bounds.proofs.terms import Declared
from bounds.report.contradictions import lower_limits
from bounds.representations.table import Representations
from bounds.summaries.collisions import collision_probability, no_collision_probability, task_weight
from bounds.summaries.limits import clopper_pearson_lower
from bounds.theorems import THEOREMS, Theorem, register
from bounds.theorems.bound import Inputs
from tests.worlds_leaky import apart

FRESH = {"labeled_is_fresh": True, "unlabeled_is_fresh": True, "progress": False}


def draw(n, classes, seed, balanced=False, spread=0.1, dim=8):
    means = np.random.default_rng(99).normal(size=(classes, dim))
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes if balanced else rng.integers(classes, size=n)
    return means[y] + spread * rng.normal(size=(n, dim)), y


def class_pairs(m, classes, seed=1):
    y = np.arange(m) % classes
    means = np.random.default_rng(99).normal(size=(classes, 8))
    rng = np.random.default_rng(seed)
    return means[y] + 0.1 * rng.normal(size=(m, 8)), means[y] + 0.1 * rng.normal(size=(m, 8)), y


def noise(n, classes, seed, dim=32):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dim)), rng.integers(classes, size=n)


# Collisions


@pytest.mark.parametrize(("classes", "negatives", "pairs"), [(13, 512, 6000), (10, 400, 2000), (2, 64, 1000)])
def test_many_negatives_leave_nothing_or_a_bound_that_is_true(classes, negatives, pairs):
    report = bounds.evaluate(
        None,
        draw(260, classes, 2),
        class_pairs(pairs, classes),
        pairs="class",
        class_prior="balanced",
        options={"negatives": negatives},
        bounds=["simclr", "simclr_logistic", "arora_2019", "ash_2022", "held_out"],
        **FRESH,
    )
    assert "held_out" in report
    assert all(bound.value > 0 for bound in report)
    for name in ("simclr", "simclr_logistic", "arora_2019", "ash_2022"):
        assert "negatives" in report.not_applicable[name]


def exactly(prior, k):
    """1 − τ_k of the floats as they are, and the smallest task weight."""
    p = [Fraction(one) for one in prior]
    stays = [1 - one for one in p]
    weights = [
        stays[y] ** k - max(stays[y] - p[c], Fraction(0)) ** k
        for y in range(len(p))
        for c in range(len(p))
        if y != c
    ]
    return sum(one * stay**k for one, stay in zip(p, stays, strict=True)), min(weights)


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=6), st.integers(1, 700))
def test_the_probability_of_no_collision_is_right_to_the_last_digits_and_never_above(counts, k):
    prior = torch.tensor(counts, dtype=torch.float64)
    prior /= prior.sum()
    left, weight = exactly(prior.tolist(), k)
    for found, true in ((no_collision_probability(prior, k), left), (task_weight(prior, k), weight)):
        assert found <= true
        if true > 1e-290:
            assert found == pytest.approx(float(true), rel=1e-9)
    assert collision_probability(prior, k) <= 1 - left


def test_the_probability_of_no_collision_underflows_to_nothing():
    prior = torch.tensor([0.5, 0.5], dtype=torch.float64)
    assert no_collision_probability(prior, 10_000) == 0.0
    assert 0 < no_collision_probability(prior, 64) <= 2.0**-64


# The declared prior and K


def test_a_prior_that_the_labels_refute_certifies_nothing_that_rests_on_it():
    arguments = (None, draw(600, 2, 3), class_pairs(1000, 2))
    right = bounds.evaluate(*arguments, pairs="class", class_prior=[0.5, 0.5], **FRESH)
    wrong = bounds.evaluate(*arguments, pairs="class", class_prior=[0.99, 0.01], **FRESH)
    assert right.assumptions["prior"].holds
    assert wrong.assumptions["prior"].status == "violated"
    assert "300" in wrong.assumptions["prior"].reason or "of 600" in wrong.assumptions["prior"].reason
    for name in ("simclr", "infonce", "haochen_2021", "vicreg_best"):
        assert right[name].assumptions["prior"].holds
        assert not wrong[name].certified
    assert wrong["held_out"].certified  # does not use it
    assert "prior fails" in repr(wrong)


def test_the_p_value_of_class_counts_has_its_size_and_its_power():
    rng = np.random.default_rng(0)
    prior = np.array([0.5, 0.3, 0.15, 0.05])
    values = np.array([prior_pvalue(counts, prior) for counts in rng.multinomial(200, prior, size=2000)])
    for level in (0.01, 0.05, 0.2):
        assert (values <= level).mean() <= level + 3 * math.sqrt(level / 2000)
    assert prior_pvalue([15, 285], [0.5, 0.5]) < 1e-60
    assert prior_pvalue([150, 150], [0.5, 0.5]) == 1.0
    assert prior_pvalue([1, 99], [0.0, 1.0]) == 0.0


def test_a_sample_too_small_to_refute_says_so():
    small = declared_prior([0.5, 0.5], {"`labeled`": [3, 0]})
    assert small.holds
    assert "not testable" in small.reason
    assert "not testable" not in declared_prior([0.5, 0.5], {"`labeled`": [30, 30]}).reason


def test_the_floor_of_collisions_needs_the_number_of_classes_declared():
    arguments = (None, draw(200, 3, 4), class_pairs(400, 3))
    asked = {"pairs": "class", "bounds": ["simclr"], **FRESH}
    inferred = bounds.evaluate(*arguments, **asked)
    given = bounds.evaluate(*arguments, num_classes=3, **asked)
    assert inferred["simclr"].assumptions["K"].status == "unverifiable"
    assert not inferred["simclr"].certified
    assert given["simclr"].certified
    assert given["simclr"].value == inferred["simclr"].value


# Options


@pytest.mark.parametrize("key", ["contrastive_complexity", "kl", "negative"])
def test_options_that_no_bound_reads_are_refused(key):
    with pytest.raises(InvalidOption, match=f"key.*{key}"):
        bounds.evaluate(None, draw(60, 2, 5), options={key: 1e-9}, **FRESH)


def test_the_choice_among_encoders_is_paid_for_by_every_contrastive_bound():
    arguments = (None, draw(200, 3, 6), class_pairs(400, 3))
    names = ["simclr", "simclr_logistic", "infonce", "arora_2019", "nozawa_2021", "bao_2022", "van_elst_2024"]
    names.append("haochen_2021")
    asked = {"pairs": "class", "class_prior": "balanced", "bounds": names, **FRESH}
    fixed = bounds.evaluate(*arguments, **asked)
    chosen = bounds.evaluate(*arguments, function_class=10**6, **asked)
    for bound in fixed:
        assert chosen[bound.name].value > bound.value * 1.01


@pytest.mark.parametrize(
    "flag", ["labeled_is_fresh", "unlabeled_is_fresh", "nonnegative", "simultaneous", "autocast"]
)
@pytest.mark.parametrize("word", ["no", "False", 0, []])
def test_a_word_is_not_a_yes(flag, word):
    with pytest.raises(InvalidOption, match=flag):
        bounds.evaluate(None, draw(60, 2, 5), **{flag: word})


@pytest.mark.parametrize("where", ["labeled", "labels", "pairs", "pair labels", "test", "entropy", "table"])
def test_masked_entries_are_refused(where):
    (x, y), (first, second, labels) = draw(60, 2, 7), class_pairs(60, 2)
    masked = {"labeled": x, "labels": y, "pairs": second, "pair labels": labels}.get(where, x)
    mask = np.zeros(masked.shape, bool)
    mask[7] = True
    masked = np.ma.MaskedArray(masked, mask)
    calls = {
        "labeled": lambda: bounds.evaluate(None, (masked, y)),
        "labels": lambda: bounds.evaluate(None, (x, masked)),
        "pairs": lambda: bounds.evaluate(None, (x, y), (first, masked, labels)),
        "pair labels": lambda: bounds.evaluate(None, (x, y), (first, second, masked)),
        "test": lambda: bounds.evaluate(None, (x, y), test=(masked, y)),
        "entropy": lambda: as_rows(masked),
        "table": lambda: Representations((masked,)),
    }
    with pytest.raises(InvalidData, match="masked entry in row 7"):
        calls[where]()


def test_a_masked_array_without_masked_entries_is_data():
    x, y = draw(60, 2, 7)
    plain = bounds.evaluate(None, (x, y), bounds=["held_out"], **FRESH)
    same = bounds.evaluate(None, (np.ma.array(x), np.ma.array(y)), bounds=["held_out"], **FRESH)
    assert plain["held_out"].value == same["held_out"].value


# Plans


def test_a_plan_counts_pairs_and_not_blocks():
    arguments = (None, draw(200, 4, 8), class_pairs(800, 4))
    names = ["infonce", "simclr", "arora_2019", "nozawa_2021", "bao_2022", "van_elst_2024"]
    report = bounds.evaluate(*arguments, pairs="class", class_prior="balanced", bounds=names, **FRESH)
    for bound in report:
        size = bound.block_size
        assert bound.symbols["blocks"] == 800 // size
        goal = 0.9999 * (bound.value if bound.error_rate is None else bound.error_rate)
        plan = report.plan(goal, [bound.name])[bound.name]
        assert 800 - size < plan.m <= 800
        need = plan.needs["pairs"]
        assert need.reachable
        assert need.m % size == 0
        assert need.m > 800 - size


# Invariants


def claimed(below, ours=True):
    """A conclusion that rests on a lemma made up for it: what a wrong proof would look like, of ours or of a user."""
    a, b = sp.symbols("a b", real=True)
    amount, goal = Declared("toy_amount", "other"), Declared("toy_goal", "other")
    symbol("toy_amount", "q", "a number for tests", real=True)
    values = {a: amount, b: goal} if below else {a: goal, b: amount}
    lemma = Lemma("made up", a, b, "tests")
    if ours:
        object.__setattr__(lemma, "home", "bounds.proofs.lemmas.made_up")
    return conclude(
        lemma.at(values), goal, {amount: Quantity(SYMBOLS["toy_amount"], "amount")}, ("amount",), below
    )


def toy(name, value, *, below=False, kind="bound", assumptions=("A6",), head=False, fails=None, ours=True):
    def inputs(evidence, delta):
        if fails is not None:
            raise fails
        own = evidence.head if head else None
        return Inputs.proven(claimed(below, ours), {"toy_amount": value}, {}, own, assumptions=assumptions)

    return Theorem(
        name, "toy", "tests", r"\mathbb{P}(\arg\max W_S f(x) \ne y)", "toy", assumptions, inputs, {},
        axis=THEOREMS["held_out"].axis, kind=kind,
    )  # fmt: skip


@pytest.fixture
def registered():
    added = []

    def add(*theorems):
        added.extend(register(theorem) for theorem in theorems)
        return [theorem.name for theorem in theorems]

    yield add
    for theorem in added:
        del THEOREMS[theorem.name]


def test_a_negative_upper_bound_is_a_contradiction_and_a_lower_one_is_not(registered):
    names = registered(
        toy("negative", -0.5),
        toy("from_below", -0.5, below=True, assumptions=("A2",)),
        toy("formula", -0.5, kind="expression"),
        toy("related", 0.4, assumptions=("A2", "A6")),
        toy("unrelated", 0.3, assumptions=("A2",)),
    )
    report = bounds.evaluate(None, draw(60, 2, 9), bounds=[*names, "held_out"], **FRESH)
    assert report["negative"].contradiction is not None
    assert not report["negative"].certified
    assert report["from_below"].certified
    assert report["formula"].contradiction is None
    assert "every assumption of `negative`" in report["related"].contradiction
    assert report["unrelated"].certified
    assert report.best.name in ("unrelated", "from_below")
    assert "is withheld: " in repr(report)
    assert "withheld: a contradiction" in report.to_text()
    assert "never negative" in report.to_html()
    again = bounds.Report.from_dict(report.to_dict())
    assert again["negative"].contradiction == report["negative"].contradiction


def test_what_no_proof_concludes_is_an_estimate_whoever_calls_it_a_bound(registered):
    sound = toy("sound", 0.3, assumptions=("A2",))

    def unproven(evidence, delta):
        found = sound.inputs(evidence, delta)
        return Inputs(found.expression, found.values, {}, assumptions=("A2",))

    def altered(evidence, delta):
        found = sound.inputs(evidence, delta)
        return replace(found, expression=Expression({"amount": SYMBOLS["toy_amount"] / 2}))

    names = registered(
        sound,
        replace(sound, name="unproven", inputs=unproven),
        replace(sound, name="altered", inputs=altered),
    )
    report = bounds.evaluate(None, draw(60, 2, 9), bounds=names, **FRESH)
    assert report["sound"].kind == "bound"
    assert report["sound"].certified
    for name in ("unproven", "altered"):
        assert report[name].kind == "estimate"
        assert not report[name].certified


def test_an_exception_inside_one_theorem_is_listed_and_costs_nothing_else(registered):
    names = registered(toy("divides", 0.1, fails=ZeroDivisionError("float division by zero")))
    report = bounds.evaluate(None, draw(60, 2, 9), bounds=[*names, "held_out"], **FRESH)
    assert "ZeroDivisionError: float division by zero" in report.not_applicable["divides"]
    assert "held_out" in report


def test_a_certificate_below_what_was_measured_is_withheld_with_all_that_rests_on_the_same():
    x, y = noise(60, 4, 0, dim=64)
    labeled, test = (np.repeat(x, 10, 0), np.repeat(y, 10)), noise(600, 4, 1, dim=64)
    told = {**FRESH, "declared": {"repeats": "keep", "test_is_fresh": True}}  # which is false
    report = bounds.evaluate(None, labeled, test=test, **told)
    assert report["held_out"].value < 0.1  # rows of S stand on both sides of the split
    assert "must fail (A2, A6)" in report["held_out"].contradiction
    assert report["pac_bayes"].contradiction is not None
    assert report.best.name == "test_set"
    assert report["test_set"].certified
    fresh = bounds.evaluate(None, noise(600, 4, 2, dim=64), test=test, **told)
    assert not [bound.name for bound in fresh if bound.contradiction]


def test_a_loss_below_what_was_measured_is_withheld(registered):
    loss = replace(
        toy("low_loss", 0.12, head=True),
        axis=THEOREMS["vicreg_direct"].axis,
        statement=r"\mathbb{E}\|W_S f(x) - y\|",
    )
    names = registered(loss)
    report = bounds.evaluate(
        None, draw(300, 4, 3, spread=0.3), test=draw(600, 4, 4, spread=0.3), bounds=names, **FRESH
    )
    assert report.test_error < 0.12  # it is not the error that gives it away
    assert report.measured[report["low_loss"].head]["loss"] > 0.2
    assert "loss ≤ 0.12" in report["low_loss"].contradiction


def test_copies_of_wrong_rows_do_not_withhold_a_valid_bound():
    """A test set whose mistakes were copied, near a right row or not, is no evidence against a certificate."""
    rng = np.random.default_rng(5)
    rows, wrong = np.arange(200), rng.random(200) < 0.1
    mistakes, right = int(wrong.sum()), int((~wrong).sum())

    def counted(component, errs):
        counts = apart(component).lower(errs)
        return counts.mistakes, counts.trials

    assert counted(rows, wrong) == (mistakes, 200)
    again = np.repeat(rows[wrong], 20)
    assert counted(np.r_[rows, again], np.r_[wrong, wrong[again]]) == (mistakes, 200)
    again = np.repeat(rows[~wrong], 3)
    assert counted(np.r_[rows, again], np.r_[wrong, wrong[again]]) == (mistakes, mistakes + 4 * right)
    relabelled = np.r_[rows, rows[~wrong][:1]], np.r_[wrong, True]
    assert counted(*relabelled) == (mistakes, 200)  # a wrong row beside a right one is not counted
    losses = rng.random(200)
    assert apart(rows).losses_from_below(losses).mean == pytest.approx(losses.mean())
    copied = np.repeat(rows[:50], 9)
    found = apart(np.r_[rows, copied]).losses_from_below(np.r_[losses, losses[copied]])
    assert (found.mean * found.trials, found.trials) == (pytest.approx(losses.sum()), 650)
    leaked = apart(rows, rows < 30).losses_from_below(losses)
    assert leaked.mean == pytest.approx(losses[30:].sum() / 200)
    once = apart(np.r_[rows, copied], repeats="drop").losses_from_below(np.r_[losses, losses[copied]])
    assert (once.mean, once.trials) == (pytest.approx(losses.mean()), 200)


def test_mislabelled_near_copies_of_test_items_contradict_nothing():
    """Near copies, as an encoder's rounding makes them, are copies here too: a valid bound is not withheld."""
    (x, y), (tx, ty) = draw(300, 4, 3, spread=0.3), draw(300, 4, 4, spread=0.3)
    near = np.concatenate([tx, tx * (1 + 1e-6)]), np.concatenate([ty, (ty + 1) % 4])
    report = bounds.evaluate(None, (x, y), test=near, bounds=["held_out"], **FRESH)
    assert report.test_error == 0.5
    assert report["held_out"].value < 0.1
    assert report["held_out"].certified


def test_the_lower_limits_hold_whatever_was_copied():
    """Worst copies of a sample: the limit stays below the truth as often as it should, the naive one does not."""
    rng = np.random.default_rng(1)
    failed = naive = 0
    for _ in range(400):
        wrong = rng.random(100) < 0.2
        rows = np.concatenate([np.arange(100), np.repeat(np.flatnonzero(wrong), 5)])
        counts = apart(rows).lower(wrong[rows])
        failed += clopper_pearson_lower(counts.mistakes, counts.trials, 0.05) > 0.2
        naive += clopper_pearson_lower(int(wrong[rows].sum()), len(rows), 0.05) > 0.2
    assert failed <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05)
    assert naive > 300


def test_limits_from_below_are_below_what_was_measured():
    report = bounds.evaluate(None, draw(300, 4, 3, spread=2.0), test=draw(500, 4, 4, spread=2.0), **FRESH)
    evidence = report.evidence
    limits = lower_limits(evidence, {evidence.head.name: evidence.head})[evidence.head.name]
    measured = report.measured[evidence.head.name]
    assert 0.05 < limits["error"] < measured["error"]
    assert 0 < limits["loss"] < measured["loss"]
    assert 0.1 < limits["projected_loss"] < measured["projected_loss"]


def _unseen_class(**options):
    """Three labels, all of class 0, of a population with two classes; the test items are the same."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(40, 3)), np.zeros(40, dtype=np.int64)
    pairs = (rng.normal(size=(50, 3)), rng.normal(size=(50, 3)), np.zeros(50, dtype=np.int64))
    return bounds.evaluate(
        None, (x[:20], y[:20]), pairs, test=(x[20:], y[20:]), pairs="class", fresh=True, **options
    )


_OF_ALL_CLASSES = ("test_set_classes", "vicreg_direct", "vicreg_best", "agreement")


def test_a_class_that_nobody_saw_withholds_what_speaks_about_every_class():
    inferred, stated = _unseen_class(), _unseen_class(num_classes=2)
    assert inferred.assumptions["K"].status == "unverifiable"
    for name in _OF_ALL_CLASSES:
        if name in inferred.bounds:
            assert not inferred[name].certified, name
    assert inferred["test_set"].certified
    assert not inferred["test_set_classes"].certified
    assert stated["test_set_classes"].certified
    assert stated["test_set_classes"].value == 1.0  # the second class has no item


def test_a_balanced_prior_fixes_the_number_of_classes_where_another_would_have_been_seen():
    few, many = _balanced(6), _balanced(600)
    assert few.assumptions["K"].status == "unverifiable"
    assert few.assumptions["prior"].status == "unverifiable"
    assert not few["vicreg_direct"].certified
    assert many.assumptions["K"].status == many.assumptions["prior"].status == "holds"
    assert many["vicreg_direct"].certified
    # (K + 1)(1 − 1/(K + 1))ⁿ at its limit: one item fewer is too few.
    assert number_of_classes(False, 3, 125).holds
    assert not number_of_classes(False, 3, 124).holds


def _balanced(n):
    rng = np.random.default_rng(4)
    y = np.arange(n) % 3
    labeled = (rng.normal(size=(n, 3)), y)
    pairs = (rng.normal(size=(60, 3)), rng.normal(size=(60, 3)))
    return bounds.evaluate(None, labeled, pairs, pairs="class", fresh=True, class_prior="balanced")


def test_a_bound_that_rests_on_a_users_own_lemma_is_an_estimate(registered):
    """Whoever may state lemmas can prove anything: those of this package alone are tested."""
    names = registered(toy("rests_on_ours", 0.3), toy("rests_on_theirs", 0.01, ours=False))
    x = np.random.default_rng(0).normal(size=(60, 4))
    report = bounds.evaluate(None, (x, np.arange(60) % 2), fresh=True, bounds=names, progress=False)
    assert report["rests_on_ours"].certified
    assert not report["rests_on_theirs"].certified
    assert any(
        "the lemma 'made up' is not one of this package" in note for note in report["rests_on_theirs"].notes
    )
    assert report.best.name == "rests_on_ours"
