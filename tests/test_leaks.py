"""Copies: found among rows, and counted so that limits stay limits in worlds made to break the obvious rules."""

import json
import pickle
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
import torch

import bounds
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.distinct import Repeats
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import Apart
from bounds.evidence.setting import Setting
from bounds.representations import copies
from bounds.representations.copies import Copies
from bounds.representations.table import Representations
from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper
from bounds.theorems import THEOREMS
from tests.worlds_leaky import apart, naive_by_order, plain

DELTA = 0.05
RUNS = 400


def fails(truth, draw, rule, runs=RUNS, limit=clopper_pearson_upper, below=False):
    """Share of runs in which a rule's limit misses the truth."""
    missed = 0
    for seed in range(runs):
        k, n = rule(*draw(np.random.default_rng(seed)))
        value = limit(k, n, DELTA)
        missed += value > truth if below else value < truth
    return missed / runs


def allowed(share, runs=RUNS):
    """Whether a share of misses is compatible with δ, at three standard deviations."""
    return share <= DELTA + 3 * (DELTA * (1 - DELTA) / runs) ** 0.5


def ours(wrong, component, leaked=None, **declared):
    counts = apart(component, leaked, **declared).upper(wrong)
    return counts.mistakes, counts.trials


def ours_below(wrong, component, leaked=None):
    counts = apart(component, leaked).lower(wrong)
    return counts.mistakes, counts.trials


# Worlds for upper limits


def near_copies_before_mistakes(rng, n=500, error=0.2):
    """Each wrong row of a clean sample gets a near copy that the head gets right, placed in front of it."""
    wrong = rng.random(n) < error
    at = np.flatnonzero(wrong)
    return np.concatenate([np.zeros(len(at), bool), wrong]), np.concatenate([at, np.arange(n)])


def relabelled_copies(rng, n=500, error=0.2):
    """Each wrong row gets copies under the label that the head gives: right rows that nobody drew."""
    wrong = rng.random(n) < error
    at = np.repeat(np.flatnonzero(wrong), 3)
    return np.concatenate([wrong, np.zeros(len(at), bool)]), np.concatenate([np.arange(n), at])


def wrong_atom(rng, n=400):
    """Half of the population is one item that the head gets wrong."""
    atom = rng.random(n) < 0.5
    return atom.copy(), np.where(atom, n, np.arange(n))


def copies_of_right_rows(rng, n=500, error=0.2):
    """Every right row stands five times."""
    wrong = rng.random(n) < error
    at = np.repeat(np.flatnonzero(~wrong), 4)
    return np.concatenate([wrong, np.zeros(len(at), bool)]), np.concatenate([np.arange(n), at])


def replaced_by_training_rows(rng, n=500, error=0.2):
    """Someone who knows everything replaces every mistake by a row that the head was fitted on."""
    wrong = rng.random(n) < error
    return np.zeros(n, bool), np.arange(n), wrong


@pytest.mark.parametrize(
    ("world", "truth"),
    [
        (near_copies_before_mistakes, 0.2),
        (relabelled_copies, 0.2),
        (wrong_atom, 0.5),
        (copies_of_right_rows, 0.2),
        (replaced_by_training_rows, 0.2),
    ],
)
def test_the_upper_limit_holds_in_every_world(world, truth):
    assert allowed(fails(truth, world, ours))


def test_what_the_naive_rules_do_there():
    """Counting rows, dropping every repeat, keeping the first of near copies: each fails in its world."""
    rows = lambda wrong, component, *_: (int(wrong.sum()), len(wrong))  # noqa: E731
    assert fails(0.2, near_copies_before_mistakes, naive_by_order) == 1.0
    assert fails(0.5, wrong_atom, naive_by_order) == 1.0
    assert fails(0.2, copies_of_right_rows, rows) == 1.0
    assert fails(0.2, relabelled_copies, rows) > 0.9
    assert fails(0.2, replaced_by_training_rows, rows) == 1.0


def test_an_atom_costs_no_validity_where_it_is_right():
    def world(rng, n=400, error=0.2):
        atom = rng.random(n) < 0.5
        return ~atom & (rng.random(n) < 2 * error), np.where(atom, n, np.arange(n))

    assert allowed(fails(0.2, world, ours))
    assert allowed(fails(0.2, world, lambda w, c: ours(w, c, repeats="keep")))
    assert fails(0.2, world, lambda w, c: ours(w, c, repeats="drop")) == 0.0  # only ever too large here


def test_dropping_is_right_for_copies_and_wrong_for_an_atom():
    assert allowed(fails(0.2, copies_of_right_rows, lambda w, c: ours(w, c, repeats="drop")))
    assert fails(0.5, wrong_atom, lambda w, c: ours(w, c, repeats="drop")) == 1.0
    assert fails(0.2, copies_of_right_rows, lambda w, c: ours(w, c, repeats="keep")) == 1.0


def test_added_rows_of_r_are_left_out_only_where_that_is_declared():
    wrong, leaked = np.array([True, False, False, False]), np.array([False, False, True, True])
    assert ours(wrong, np.arange(4), leaked) == (3, 4)
    assert ours(wrong, np.arange(4), leaked, overlap="added") == (1, 2)
    assert plain(4, leaked).outside(wrong).mistakes == 1
    assert plain(4, leaked).outside(wrong).trials == 2


def test_the_repeats_of_wrong_rows_are_kept_and_those_of_right_ones_dropped():
    wrong = np.array([True, True, False, False, False, True])
    component = np.array([0, 0, 1, 1, 2, 2])  # the last two: near copies, one of them wrong
    assert ours(wrong, component) == (3, 4)
    assert ours(wrong, component, repeats="drop") == (2, 3)
    assert ours(wrong, component, repeats="keep") == (3, 6)


# Lower limits


def test_the_lower_limit_counts_the_other_way():
    def wrong_near_copies(rng, n=500, error=0.2):
        wrong = rng.random(n) < error
        at = np.flatnonzero(~wrong)
        return np.concatenate([wrong, np.ones(len(at), bool)]), np.concatenate([np.arange(n), at])

    def copies_of_wrong_rows(rng, n=500, error=0.2):
        wrong = rng.random(n) < error
        at = np.repeat(np.flatnonzero(wrong), 4)
        return np.concatenate([wrong, np.ones(len(at), bool)]), np.concatenate([np.arange(n), at])

    for world in (wrong_near_copies, copies_of_wrong_rows):
        share = fails(0.2, world, ours_below, limit=clopper_pearson_lower, below=True)
        assert allowed(share)
        assert fails(0.2, world, ours, limit=clopper_pearson_lower, below=True) == 1.0
        distinct = lambda w, c: (  # noqa: E731
            len(np.unique(c[w])),
            len(np.unique(c[w])) + len(np.unique(c[~w])),
        )
        if world is wrong_near_copies:
            assert fails(0.2, world, distinct, limit=clopper_pearson_lower, below=True) == 1.0


def test_the_lower_limit_never_exceeds_the_upper_one():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(1, 30))
        wrong, leaked = rng.random(n) < 0.4, rng.random(n) < 0.2
        component = rng.integers(0, n, n)
        for repeats in (None, "drop", "keep"):
            both = apart(component, leaked, repeats=repeats)
            up, low = both.upper(wrong), both.lower(wrong)
            if up.trials and low.trials:
                assert clopper_pearson_lower(low.mistakes, low.trials, 0.05) <= clopper_pearson_upper(
                    up.mistakes, up.trials, 0.05
                )


# Losses


def test_losses_enter_as_the_largest_one_where_rows_leak_or_repeat():
    values = np.array([0.1, 0.3, 0.2, 0.5])
    component, leaked = np.array([0, 0, 1, 2]), np.array([False, False, False, True])
    assert apart(component, leaked).losses(values, 1.0).mean == pytest.approx((0.3 + 1.0 + 0.2 + 1.0) / 4)
    dropped = apart(component, leaked, repeats="drop").losses(values, 1.0)
    assert (dropped.trials, dropped.mean) == (3, pytest.approx((0.3 + 0.2 + 1.0) / 3))
    assert apart(component, leaked, repeats="keep").losses(values, 1.0).mean == pytest.approx(values.mean())


# Finding copies


def tables(**arrays):
    return Copies.of_rows({name: Representations((value,)) for name, value in arrays.items()})


@pytest.mark.parametrize("dim", [1, 2, 3, 64, 700])
def test_all_copies_within_the_tolerance_are_found_and_nothing_far_from_it(dim):
    rng = np.random.default_rng(dim)
    base = rng.normal(size=(120, dim)) * 10.0 ** rng.integers(-8, 8, size=(120, 1))
    shift = rng.normal(size=(120, dim))
    shift /= np.linalg.norm(shift, axis=1, keepdims=True)
    size = np.linalg.norm(base, axis=1, keepdims=True)
    far = np.zeros(120, bool) | (np.arange(120) % 2 == 1)
    other = base + shift * size * np.where(far, 3e-4, 0.9e-4)[:, None]
    found = tables(a=base, b=other)
    rows = np.arange(120)
    distance = np.linalg.norm(base[:, None] - other[None], axis=2)
    near = (distance <= 1e-4 * np.maximum(size, np.linalg.norm(other, axis=1))).any(axis=0)
    mask = found.among(found.rows("b", rows), found.rows("a", rows))
    assert np.array_equal(mask, near)
    assert mask[~far].all()


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-5, 1e-4])
def test_a_collapsed_encoder_makes_one_component_in_little_time(noise):
    rng = np.random.default_rng(0)
    x = np.ones((20_000, 16)) + noise * rng.normal(size=(20_000, 16))
    found = tables(a=x)
    assert len(np.unique(found.components(np.arange(len(x))))) == 1


def test_zeros_and_single_rows_have_copies_too():
    x = np.zeros((3, 5))
    x[2] = 1.0
    assert len(np.unique(tables(a=x).components(np.arange(3)))) == 2
    assert len(np.unique(tables(a=x[:1]).components(np.arange(1)))) == 1


def test_chains_join_among_the_given_rows_only():
    x = np.array([[1.0, 0.0], [1.0, 0.9e-4], [1.0, 1.8e-4], [1.0, 2.7e-4]])
    found = tables(a=x)
    assert len(np.unique(found.components(np.arange(4)))) == 1
    assert len(np.unique(found.components(np.array([0, 3])))) == 2


def test_equal_fingerprints_are_copies_whatever_the_representations():
    found = Copies.of_fingerprints({"a": np.array([1, 2, 1], np.uint64), "b": np.array([2, 5], np.uint64)})
    assert found.components(found.rows("a", np.arange(3))).tolist() == [0, 1, 0]
    assert found.among(found.rows("b", np.arange(2)), found.rows("a", np.arange(3))).tolist() == [True, False]


def test_only_whole_fingerprints_make_copies():
    upper = np.uint64(7 << 32)
    found = Copies.of_fingerprints({"a": np.array([1, 2, 1, 1 << 32, 2 << 32], np.uint64) + upper})
    assert found.earliest(np.arange(5)).tolist() == [0, 1, 0, 3, 4]


def test_each_row_knows_the_first_of_its_copies_among_those_asked():
    x = np.array([[5.0, 0.0], [1.0, 0.0], [1.0, 0.9e-4], [5.0, 0.0], [1.0, 1.8e-4], [3.0, 3.0]])
    found = tables(a=x)
    assert found.earliest(np.arange(6)).tolist() == [0, 1, 1, 0, 1, 5]
    assert found.earliest(np.array([4, 3, 1, 0])).tolist() == [0, 1, 2, 1]  # 1 and 4 are joined by 2 alone


def test_copies_do_not_depend_on_how_many_rows_are_looked_at_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(60, 3)), np.ones((60, 3)) + 5e-5 * rng.normal(size=(60, 3))])
    x = x[rng.integers(120, size=200)] * (1 + 3e-5 * rng.normal(size=(200, 1)))
    whole = tables(a=x)
    monkeypatch.setattr(copies, "_PART", 7)
    parts = tables(a=x)
    assert np.array_equal(whole.hub, parts.hub)
    assert np.array_equal(whole.links, parts.links)
    assert len(whole.links) > 10


def test_copies_are_found_in_a_few_numbers_a_row():
    x = np.random.default_rng(0).normal(size=(200_000, 2))
    x[100_000:100_100] = x[:100]
    count = len(x)
    tables(a=x[:10]).earliest(np.arange(10))  # imports
    tracemalloc.start()
    try:
        found = tables(a=x)
        first = found.earliest(np.arange(count))
        rows_at_peak = tracemalloc.get_traced_memory()[1] / count
    finally:
        tracemalloc.stop()
    assert (first[100_000:100_100] == np.arange(100)).all()
    assert rows_at_peak < 60  # bytes; the places alone would be 56 more


def test_the_distinct_rows_depend_on_neither_copies_nor_the_order_of_the_file():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 6)), rng.integers(0, 3, 50)

    def distinct(x, y):
        table = Representations((x,), y)
        return Repeats.of(table, Copies.of_rows({"labeled": table})).distinct(table)

    clean = distinct(x, y)
    order = rng.permutation(150)
    messy = distinct(np.tile(x, (3, 1))[order], np.tile(y, 3)[order])
    (a,), b = next(clean.chunks())
    (c,), d = next(messy.chunks())
    assert torch.equal(a, c)
    assert torch.equal(b, d)


# Through the front door


def noise(n=600, d=30, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(0, classes, n)


def evaluated(x, y, names, **options):
    return bounds.evaluate(None, (x, y), bounds=names, fresh=True, **options)


def test_a_test_set_that_is_the_training_set_certifies_nothing_and_the_report_says_why():
    x, y = noise()
    for scale in (1.0, 1.0 + 2e-5):
        report = evaluated(x, y, ["test_set", "test_set_loss"], test=(x[:200] * scale, y[:200]))
        assert report["test_set"].error_rate >= 1.0
        assert report["test_set_loss"].value >= 2**0.5
        assert not report.measured
        assert "200 of 200 test items are copies of labeled items" in str(report)


def test_leaked_rows_count_as_mistakes_and_are_not_measured():
    x, y = noise()
    tx, ty = noise(seed=1)
    clean = evaluated(x, y, ["test_set"], test=(tx, ty))
    leaky = evaluated(x, y, ["test_set"], test=(np.concatenate([tx, x[:100]]), np.concatenate([ty, y[:100]])))
    k, n = clean["test_set"].symbols["mistakes"], clean["test_set"].symbols["N"]
    assert leaky["test_set"].symbols["mistakes"] == k + 100
    assert leaky["test_set"].symbols["N"] == n + 100
    assert leaky.test_error == clean.test_error
    added = evaluated(
        x,
        y,
        ["test_set"],
        test=(np.concatenate([tx, x[:100]]), np.concatenate([ty, y[:100]])),
        declared={"overlap": "added"},
    )
    assert k <= added["test_set"].symbols["mistakes"] < k + 100


def test_a_bound_that_leaks_leave_without_a_count_says_so_and_the_assumption_does_not_fail():
    x, y = noise()
    tx, ty = noise(seed=1)
    leaky = np.concatenate([tx, x[:100]]), np.concatenate([ty, y[:100]])
    said = str(evaluated(x, y, ["test_set", "test_set_selective"], test=leaky))
    assert "fails (declared" not in said
    assert "fails: declared" not in said
    assert "100 of 700 test items are copies of labeled items; they were counted as mistakes" in said
    assert "this limit has no count that is right for copies" in " ".join(said.split())


def test_one_test_row_moved_into_training_is_found_by_its_content():
    x, y = noise()
    tx, ty = noise(seed=1, n=100)
    report = evaluated(np.concatenate([x, tx[:1]]), np.concatenate([y, ty[:1]]), ["test_set"], test=(tx, ty))
    assert any("1 of 100 test items" in note for note in report["test_set"].notes)


@pytest.mark.parametrize("declared", [None, {"repeats": "drop"}])
def test_a_labeled_sample_of_copies_certifies_no_noise(declared):
    x, y = noise(60)
    names = ["held_out", "pac_bayes", "pac_bayes_deterministic", "centred_head_error", "supervised"]
    report = evaluated(np.repeat(x, 10, 0), np.repeat(y, 10), names, declared=declared)
    assert all(bound.error_rate >= 0.75 or not bound.certified for bound in report)
    naive = evaluated(np.repeat(x, 10, 0), np.repeat(y, 10), names, declared={"repeats": "keep"})
    assert naive["held_out"].error_rate < 0.5  # the naive reading


def test_dropping_repeats_gives_the_report_of_the_clean_sample():
    x, y = noise(200)
    names = ["held_out", "pac_bayes", "supervised"]
    clean = evaluated(x, y, names, declared={"repeats": "drop"})
    copied = evaluated(np.repeat(x, 3, 0), np.repeat(y, 3), names, declared={"repeats": "drop"})
    own = evaluated(
        np.repeat(x, 3, 0)[::-1].copy(), np.repeat(y, 3)[::-1].copy(), names, declared={"repeats": "drop"}
    )
    assert [b.value for b in copied] == [b.value for b in own]
    assert copied.quantities["n"] == clean.quantities["n"] == 200


def test_undeclared_repeats_show_the_larger_bound_of_one_head():
    x, y = noise(120)
    x2, y2 = np.concatenate([x, x[:40]]), np.concatenate([y, y[:40]])
    report = evaluated(x2, y2, ["pac_bayes", "supervised"])
    dropped = evaluated(x2, y2, ["pac_bayes", "supervised"], declared={"repeats": "drop"})
    for name in ("pac_bayes", "supervised"):
        assert report[name].value >= dropped[name].value
        assert report[name].certified
    assert report.evidence.head is report.evidence.distinct.head


def class_pairs(m=200, d=10, seed=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, m)
    centres = 3 * np.random.default_rng(9).normal(size=(4, d))
    return centres[y] + rng.normal(size=(m, d)), centres[y] + rng.normal(size=(m, d)), y


def labeled_like(pairs, n=300, d=10):
    rng = np.random.default_rng(8)
    y = rng.integers(0, 4, n)
    return 3 * np.random.default_rng(9).normal(size=(4, d))[y] + rng.normal(size=(n, d)), y


def test_an_item_in_two_pairs_withholds_the_bounds_on_pairs_and_keep_declares_it():
    x1, x2, y = class_pairs()
    S = labeled_like(None)
    x1 = np.concatenate([x1, x1[:1]])
    x2, y = np.concatenate([x2, x2[-1:] + 1.0]), np.concatenate([y, y[:1]])
    options = {
        "pairs": "class",
        "fresh": True,
        "num_classes": int(S[1].max()) + 1,
        "bounds": ["vicreg_direct", "held_out", "reference_head"],
    }
    report = bounds.evaluate(None, S, (x1, x2), **options)
    assert report["vicreg_direct"].assumptions["A6'"].status == "unverifiable"
    assert "2 of 201 pairs" in report.assumptions["A6'"].reason
    assert report["held_out"].certified
    assert report["reference_head"].certified
    kept = bounds.evaluate(None, S, (x1, x2), declared={"repeats": "keep"}, **options)
    assert kept["vicreg_direct"].certified


def test_unlabeled_copies_of_labeled_rows_count_as_disagreement():
    x1, x2, _ = class_pairs()
    sx, sy = labeled_like(None)
    x1[:50] = sx[:50] * (1 + 1e-6)  # near copies: rounding apart
    report = bounds.evaluate(
        None, (sx, sy), (x1, x2), pairs="class", fresh=True, bounds=["reference_head", "reference_head_loss"]
    )
    clean = bounds.evaluate(
        None,
        (sx, sy),
        class_pairs()[:2],
        pairs="class",
        fresh=True,
        bounds=["reference_head", "reference_head_loss"],
    )
    assert report["reference_head"].symbols["differing"] >= 50 > clean["reference_head"].symbols["differing"]
    assert report["reference_head_loss"].value > clean["reference_head_loss"].value + 0.2


def test_limits_that_are_not_monotone_are_withheld_where_labels_repeat():
    x1, x2, _ = class_pairs()
    sx, sy = labeled_like(None)
    options = {
        "pairs": "class",
        "fresh": True,
        "bounds": ["prediction_powered", "prediction_powered_betting"],
    }
    repeated = bounds.evaluate(None, (np.repeat(sx, 2, 0), np.repeat(sy, 2)), (x1, x2), **options)
    assert not any(bound.certified for bound in repeated)
    assert all(bound.assumptions["A6"].status == "unverifiable" for bound in repeated)
    assert all(bound.certified for bound in bounds.evaluate(None, (sx, sy), (x1, x2), **options))


def test_equal_items_with_different_labels_contradict_a_population_without_atoms():
    x, y = noise(100)
    report = evaluated(
        np.repeat(x, 2, 0), np.stack([y, (y + 1) % 4], 1).ravel(), ["held_out"], declared={"repeats": "drop"}
    )
    assert report.assumptions["A6"].status == "unverifiable"
    assert "100 items" in report.assumptions["A6"].reason


# Declarations


def test_h_is_declared_and_an_explicit_option_wins_over_fresh():
    x, y = noise(100)
    test = noise(50, seed=2)
    status = lambda **options: bounds.evaluate(  # noqa: E731
        None, (x, y), test=test, bounds=["test_set", "held_out"], **options
    )
    assert status()["test_set"].assumptions["H"].status == "unverifiable"
    report = status(fresh=True)
    assert report["test_set"].certified
    assert report["held_out"].certified
    report = status(fresh=True, declared=bounds.Declared(test_is_fresh=False), labeled_is_fresh=False)
    assert report["test_set"].assumptions["H"].status == "violated"
    assert report["held_out"].assumptions["A2"].status == "violated"


def test_looks_divide_delta_for_bounds_that_read_the_test_items_and_no_other():
    x, y = noise(100)
    test = noise(50, seed=2)
    names = ["test_set", "test_set_loss", "held_out"]
    one = evaluated(x, y, names, test=test)
    five = evaluated(x, y, names, test=test, declared={"looks": 5})
    straight = evaluated(x, y, names, test=test, delta=0.01)
    for name in ("test_set", "test_set_loss"):
        assert five[name].value == straight[name].value
        assert five[name].delta == pytest.approx(0.01)
    assert five["held_out"].value == one["held_out"].value


def test_one_row_of_each_group_is_used(tmp_path):
    x, y = noise(100)
    tx, ty = noise(60, seed=2)
    groups = np.arange(60) // 6
    report = evaluated(x, y, ["test_set"], test=(tx, ty), declared={"groups": groups})
    assert report.quantities["N"] == 10
    np.savez(tmp_path / "t.npz", x=tx, y=ty, scene=groups)
    named = evaluated(x, y, ["test_set"], test=str(tmp_path / "t.npz"), declared={"groups": "scene"})
    assert named["test_set"].value == report["test_set"].value
    with pytest.raises(InvalidOption, match="one entry per test row"):
        evaluated(x, y, ["test_set"], test=(tx, ty), declared={"groups": groups[:5]})
    with pytest.raises(InvalidOption, match="lacks"):
        evaluated(x, y, ["test_set"], test=str(tmp_path / "t.npz"), declared={"groups": "film"})


@pytest.mark.parametrize(
    "declared", [{"repeat": "keep"}, {"repeats": "all"}, {"looks": 0}, {"looks": True}, {"overlap": True}, 3]
)
def test_nonsense_declarations_are_refused(declared):
    x, y = noise(30)
    with pytest.raises(InvalidOption, match="declared"):
        evaluated(x, y, ["held_out"], declared=declared)


def test_reports_on_one_test_set_are_counted(tmp_path):
    from bounds.report.folders import reports_in
    from bounds.report.ledger import ledger

    x, y = noise(100)
    test = noise(50, seed=2)
    reports = [evaluated(x, y, ["test_set"], test=test, head=("ridge", lam)) for lam in (0.1, 0.2, 0.3)]
    for i, report in enumerate(reports):
        report.to_json(tmp_path / f"{i}.json")
    (tmp_path / "other.json").write_text("[1]")
    assert "3 reports read one test set" in ledger(reports_in(tmp_path))
    assert ledger([reports[0], reports[0]]) is None
    assert "looks=3" in repr(bounds.compare({str(i): report for i, report in enumerate(reports)}))
    other = evaluated(x, y, ["test_set"], test=noise(50, seed=3))
    assert ledger([reports[0], other]) is None


def test_nothing_left_to_count_is_refused():
    _x, y = noise(100, classes=2)
    wide = np.random.default_rng(5).normal(size=(100, 200))  # more dimensions than rows: every label fitted
    with pytest.raises(KeyError, match="nothing to count"):
        evaluated(wide, y, ["test_set"], test=(wide[:20], y[:20]), declared={"overlap": "added"})["test_set"]
    assert NotApplicable is not None


# Records of training items


@dataclass(frozen=True)
class Printed(Representations):
    """A table that carries fingerprints, whatever else tables carry."""

    fingerprints: np.ndarray | None = None


def printed_evidence(record, **prints):
    x, y = noise(80)
    tables = {
        role: Printed(
            (x[:40] if role == "labeled" else x[40:],),
            y[:40] if role == "labeled" else y[40:],
            fingerprints=one[:, None],
        )
        for role, one in prints.items()
    }
    setting = Setting(4, 1.0, 2.0, {}, trained_on=record)
    return Evidence(setting, tables["labeled"], None, tables["test"])


def test_recorded_training_items_enter_r_of_the_test_set_and_refute_freshness_of_s():
    from bounds.assumptions.fresh import by_record, freshness
    from bounds.evidence.kept_apart import test_apart

    ids = np.arange(80, dtype=np.uint64)
    evidence = printed_evidence(np.array([41, 45, 900], np.uint64), labeled=ids[:40], test=ids[40:])
    assert np.flatnonzero(test_apart(evidence).leaked).tolist() == [1, 5]
    a2 = freshness("A2", True, "labeled_is_fresh", "labeled")
    assert (
        "no exact copy among 3 recorded"
        in by_record(a2, evidence.labeled, evidence.setting.trained_on, "labeled").reason
    )
    seen = printed_evidence(np.array([7], np.uint64), labeled=ids[:40], test=ids[40:])
    assert by_record(a2, seen.labeled, seen.setting.trained_on, "labeled").status == "violated"
    assert by_record(a2, seen.labeled, None, "labeled") == a2


def test_a_checkpoint_keeps_fingerprints_of_its_training_images(tmp_path):
    from bounds.data.fingerprints import fingerprints
    from bounds.encoders.architectures import SmallConvNet

    images = torch.randint(0, 256, (30, 1, 8, 8), dtype=torch.uint8)
    images[3] = images[4]
    net = SmallConvNet(in_channels=1)
    bounds.save_encoder(net, tmp_path / "a.safetensors", trained_on=images)
    encoder = bounds.load_encoder(tmp_path / "a.safetensors")
    assert encoder.trained_on.tolist() == sorted(set(fingerprints(images).tolist()))
    assert len(encoder.trained_on) == 29
    assert not encoder.ignored
    bounds.save_encoder(encoder, tmp_path / "b.safetensors")
    assert np.array_equal(bounds.load_encoder(tmp_path / "b.safetensors").trained_on, encoder.trained_on)
    bounds.save_encoder(net, tmp_path / "c.safetensors")
    assert bounds.load_encoder(tmp_path / "c.safetensors").trained_on is None


def test_a_record_takes_eight_bytes_an_item_and_is_read_without_unpickling(tmp_path, monkeypatch):
    from bounds.encoders.architectures import SmallConvNet

    items, net = 20_000, SmallConvNet(in_channels=1)
    record = np.random.default_rng(0).integers(0, 2**64, items, dtype=np.uint64)
    for name, known in (("without", None), ("with", record)):
        bounds.save_encoder(net, tmp_path / f"{name}.safetensors", trained_on=known)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("without", "with")]
    assert 8 * items <= sizes[1] - sizes[0] <= 8 * items + 256

    def refuse(*_, **__):
        raise AssertionError("a pickle was opened")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    monkeypatch.setattr(torch, "load", refuse)
    encoder = bounds.load_encoder(tmp_path / "with.safetensors")
    assert encoder.trained_on.nbytes == 8 * items
    assert np.array_equal(encoder.trained_on, np.sort(record))
    raw = (tmp_path / "with.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert header["bounds.trained_on"]["shape"] == [items]


# The best of several


def test_hopeless_candidates_cost_the_best_bound_little():
    x, _ = noise(300)
    test, _ = noise(600, seed=1)
    teacher = np.random.default_rng(7).normal(size=(30, 4))
    y, test = (x @ teacher).argmax(1), (test, (test @ teacher).argmax(1))
    alone = evaluated(x, y, ["test_set"], test=test).best
    names = [
        "test_set",
        "held_out",
        "pac_bayes",
        "pac_bayes_deterministic",
        "centred_head_error",
        "supervised",
    ]
    many = evaluated(x, y, names, test=test)
    measured = alone.symbols["mistakes"] / alone.symbols["N"]
    assert many.best.name == "test_set"
    assert many.best.value - measured <= 1.1 * (alone.value - measured)
    assert many.best.delta == pytest.approx(0.05 * 0.75)


def test_the_shares_are_fixed_before_the_data_and_sum_to_one():
    from bounds.evaluation.best import applicable, on_errors, weights

    x, y = noise(60)
    report = evaluated(x, y, None)
    candidates = on_errors(applicable(list(THEOREMS.values()), report.evidence))
    share = weights(candidates)
    assert sum(share.values()) == pytest.approx(1.0)
    assert share["held_out"] == 0.75
    assert "test_set" not in share
    assert "agreement" not in share
    assert tuple(share) == report.candidates  # whatever was certified
    assert weights([THEOREMS["pac_bayes"], THEOREMS["supervised"]]) == {"pac_bayes": 0.5, "supervised": 0.5}


def test_simultaneous_bounds_use_the_same_shares():
    x, y = noise(100)
    names = ["test_set", "held_out", "supervised"]
    report = evaluated(x, y, names, test=noise(50, seed=1), simultaneous=True)
    assert [bound.delta for bound in report] == pytest.approx([0.05 * 0.75, 0.05 / 8, 0.05 / 8])


@pytest.mark.parametrize("kind", ["copies of S", "repeats"])
def test_no_certificate_on_leaked_noise_is_below_the_truth(kind):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 600)), rng.integers(0, 4, 400)
    apart = (np.repeat(rng.normal(size=(40, 600)), 10, 0), np.repeat(rng.integers(0, 4, 40), 10))
    report = bounds.evaluate(
        None,
        (x, y),
        test=(x, y) if kind == "copies of S" else apart,
        fresh=True,
        options={"top_k": 1},
        bounds=[name for name in THEOREMS if name.startswith("test_set")],
    )
    on_test = [bound for bound in report if bound.name.startswith("test_set")]
    assert {"test_set", "test_set_balanced", "test_set_selective"} <= {bound.name for bound in on_test}
    for bound in on_test:
        assert not bound.certified or bound.value >= 0.75, bound.name
    assert not report["test_set_balanced"].certified
    assert not report["test_set_selective"].certified


def apart_of(component, leaked, repeats=None):
    return Apart(
        np.asarray(component), np.asarray(leaked, dtype=bool), repeats, None, "test items", "labeled items"
    )


def test_a_lower_limit_counts_leaked_rows_as_right():
    counts = apart_of([0, 1, 2, 3], [0, 1, 0, 0]).lower(np.ones(4, dtype=bool))
    assert (counts.mistakes, counts.trials) == (3, 4)


@pytest.mark.parametrize(("repeats", "mean"), [(None, 0.7 / 3), ("drop", 0.7 / 2), ("keep", 0.4)])
def test_losses_from_below_spread_each_component_over_its_rows(repeats, mean):
    losses = apart_of([0, 0, 1], [0, 0, 0], repeats).losses_from_below(np.array([0.5, 0.4, 0.3]))
    assert losses.mean == pytest.approx(mean)
    leaked = apart_of([0, 1, 2], [0, 1, 0]).losses_from_below(np.array([0.5, 0.4, 0.3]))
    assert leaked.mean == pytest.approx(0.8 / 3)
