"""`pick_to_learn`: the limit's printed digits, the picks against a loop, coverage, and what is refused."""

import numpy as np
import pytest
import torch
from scipy import stats

import bounds
from bounds.draws import permutation, uniforms
from bounds.errors import InvalidOption, InvalidStatistics
from bounds.heads.picked import pick
from bounds.summaries import picks
from bounds.summaries.picks import picked_limit
from bounds.theorems.supervised import pick_to_learn
from bounds.worlds import WORLDS, coverage

pytestmark = pytest.mark.usefixtures("one_thread")


def data(seed=0, n=120, classes=3, dim=5, shift=2.0, noise=0.0):
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    x = rng.normal(size=(n, dim)) + shift * np.eye(classes, dim)[y]
    return x, np.where(rng.random(n) < noise, rng.integers(classes, size=n), y)


def evaluated(x, y, option=None, **more):
    options = {} if option is None else {"pick_to_learn": option}
    return bounds.evaluate(
        None, (x, y), bounds=["pick_to_learn"], options=options, fresh=True, progress=False, **more
    )


def test_rows_picked_at_a_time_are_fixed_by_the_sizes():
    """One of four hundred, or so many that all fits take at most 2·10¹² multiplications: N(2NdK + d³/3)/batch."""
    assert pick_to_learn.Picking().at_a_time(300, 8, 3) == 1
    assert [pick_to_learn.Picking().at_a_time(count, 8, 3) for count in (3999, 4000)] == [9, 10]
    count, dim, classes = 25_000, 2048, 100
    needed = count * (2 * count * dim * classes + dim**3 / 3) / 2e12
    assert pick_to_learn.Picking().at_a_time(count, dim, classes) == int(np.ceil(needed)) == 164
    assert pick_to_learn.Picking(batch=5).at_a_time(count, dim, classes) == 5
    assert pick_to_learn.Picking.of({"batch": 2**40}).batch == 2**40
    with pytest.raises(InvalidOption, match="batch"):
        pick_to_learn.Picking.of({"batch": 2**40 + 1})


def test_any_positive_penalty_is_taken():
    bound = evaluated(*data(), {"penalty": 1e-3})["pick_to_learn"]
    assert "λ = 0.001" in bound.notes[-1]


# The limit


@pytest.mark.parametrize(
    ("k", "N", "limit"),
    [(0, 500, 0.008976), (1, 500, 0.013614), (10, 500, 0.043066), (40, 500, 0.120763), (400, 4000, 0.116107)],
)
def test_the_limit_has_its_known_values(k, N, limit):
    assert picked_limit(k, N, 0.05) == pytest.approx(limit, abs=5e-7)


def test_the_limit_solves_its_equation_from_above():
    for k, N, delta in ((0, 7, 0.1), (3, 20, 0.05), (19, 20, 0.3)):
        t = 1 - picked_limit(k, N, delta)
        m = np.arange(k, N)
        total = (
            delta
            / N
            * (stats.binom.pmf(k, m, 0.5) * 2.0**m / stats.binom.pmf(k, N, 0.5) / 2.0**N * t ** (m - N)).sum()
        )
        assert total == pytest.approx(1, rel=1e-7)
        assert total >= 1
    assert picked_limit(5, 5, 0.1) == 1.0


def test_the_limit_is_no_smaller_than_any_limit_by_picks_can_be():
    """A head that errs on a share p of items, new each time, picks Binomial(N, p) of them."""
    for k in range(0, 100, 7):
        assert picked_limit(k, 100, 0.05) >= stats.beta.ppf(0.95, k, 101 - k) if k else True
    assert stats.beta.ppf(0.95, 3, 498) == pytest.approx(0.01254, abs=5e-6)
    assert picked_limit(3, 500, 0.05) > 0.01254 > 0.00957  # the last is what a public code gives


def test_many_items_are_summed_in_blocks_that_only_raise_the_limit(monkeypatch):
    for k, N in ((0, 3000), (7, 3000), (900, 3000)):
        exact = picked_limit(k, N, 0.05)
        with monkeypatch.context() as patch:
            patch.setattr(picks, "_SUMMED", 1)
            assert exact <= picked_limit(k, N, 0.05) <= exact * 1.001
    assert picked_limit(7 * 10**9, 300 * 10**9, 0.05) == pytest.approx(7 / 300, rel=1e-3)


def test_the_limit_refuses_nonsense():
    for k, N, delta in ((-1, 5, 0.1), (6, 5, 0.1), (0, 0, 0.1), (1, 5, 0.0), (1, 5, 1.0)):
        with pytest.raises(InvalidStatistics):
            picked_limit(k, N, delta)


# The picks


def slow_pick(x, y, classes, penalty, batch, prior, ties):
    rows, targets = np.c_[x, np.ones(len(x))], np.eye(classes)[y] - 1 / classes
    taken = list(np.flatnonzero(prior))
    while True:
        A = rows[taken]
        W = np.linalg.solve(A.T @ A + penalty * np.eye(rows.shape[1]), A.T @ targets[taken])
        scores = rows @ W
        own = scores[np.arange(len(y)), y]
        scores[np.arange(len(y)), y] = -np.inf
        margin = own - scores.max(1)
        left = [i for i in range(len(y)) if i not in taken and margin[i] <= 0]
        if not left:
            return W, taken[int(prior.sum()) :]
        taken += sorted(left, key=lambda i: (margin[i], ties[i]))[:batch]


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_picks_are_those_of_a_loop(batch, share):
    x, y = data(n=60, noise=0.1)
    rng = np.random.default_rng(1)
    prior, ties = rng.random(60) < share, rng.random(60)
    found = pick(
        torch.from_numpy(x), torch.from_numpy(y), 3, penalty=0.1, batch=batch, prior=prior, ties=ties
    )
    W, rows = slow_pick(x, y, 3, 0.1, batch, prior, ties)
    assert found.rows.tolist() == rows
    assert np.c_[found.head.weight.numpy(), found.head.bias.numpy()] == pytest.approx(W.T, abs=1e-9)


def test_rows_that_were_not_picked_change_nothing():
    x, y = data(n=200, noise=0.1)
    ties, prior = np.random.default_rng(1).random(200), np.zeros(200, dtype=bool)
    given = {"penalty": 0.1, "batch": 3}
    found = pick(torch.from_numpy(x), torch.from_numpy(y), 3, prior=prior, ties=ties, **given)
    others = np.setdiff1d(np.arange(200), found.rows)
    kept = np.sort(np.r_[found.rows, others[::3]])
    again = pick(
        torch.from_numpy(x[kept]), torch.from_numpy(y[kept]), 3, prior=prior[kept], ties=ties[kept], **given
    )
    assert kept[again.rows].tolist() == found.rows.tolist()
    wrong = found.head(torch.from_numpy(x)).argmax(1).numpy() != y
    assert not wrong[others].any()


# The bound


def test_the_report_shows_the_picks_and_measures_the_heads_own_error():
    x, y = data(n=160)
    test = data(seed=9, n=100)
    report = evaluated(x, y, {"prior_share": 0.25}, test=test)
    bound = report["pick_to_learn"]
    assert bound.certified
    assert bound.symbols["n_Q"] == 120
    assert bound.value == pytest.approx(picked_limit(round(bound.symbols["picks"]), 120, 0.05), rel=1e-9)
    assert "starts from 40 rows" in bound.notes[-1]
    measured = report.measured[bound.head]["error"]
    assert 0 < measured < bound.value
    assert np.mean(bound.predictor.predict(test[0]).labels != test[1]) == pytest.approx(measured)
    assert bounds.Bound.from_dict(bound.to_dict()) == bound


def test_every_pick_is_counted():
    x, y = data(n=160, noise=0.1)
    bound = evaluated(x, y, {"prior_share": 0.0, "batch": 1}, normalize=None)["pick_to_learn"]
    ties, prior = uniforms(0, np.arange(160), pick_to_learn._TIES, 1)[:, 0], np.zeros(160, dtype=bool)
    found = pick(torch.from_numpy(x), torch.from_numpy(y), 3, penalty=0.1, batch=1, prior=prior, ties=ties)
    assert bound.symbols["picks"] == len(found.rows) > 10
    assert bound.symbols["n_Q"] == 160


def test_of_a_sample_beyond_memory_a_random_part_is_used(monkeypatch):
    x, y = data(n=200, noise=0.1)
    monkeypatch.setattr(pick_to_learn, "HELD", 5 * 120)
    bound = evaluated(x, y, {"prior_share": 0.25})["pick_to_learn"]
    assert bound.symbols["n_Q"] == 90
    assert "80 of 200 rows are left out" in bound.notes[-1]
    assert bound.certified
    ranks = np.argsort(permutation(0, 200, 7))
    items = np.flatnonzero(ranks < 120)
    found = pick(
        torch.nn.functional.normalize(torch.from_numpy(x[items])),
        torch.from_numpy(y[items]),
        3,
        penalty=0.1,
        batch=1,
        prior=ranks[items] >= 90,
        ties=uniforms(0, items, pick_to_learn._TIES, 1)[:, 0],
    )
    assert bound.symbols["picks"] == len(found.rows) > 5


def test_of_vectors_larger_than_memory_two_are_used(monkeypatch):
    monkeypatch.setattr(pick_to_learn, "HELD", 1)
    bound = evaluated(*data(n=50))["pick_to_learn"]
    assert bound.symbols["n_Q"] == 1
    assert "starts from 1 rows that are not counted; 48 of 50 rows are left out" in bound.notes[-1]


def test_repeats_that_nobody_explains_are_not_certified():
    x, y = data(n=100)
    x, y = np.r_[x, x[:20]], np.r_[y, y[:20]]
    unknown = evaluated(x, y)["pick_to_learn"]
    assert not unknown.certified
    assert unknown.assumptions["A6"].reason.startswith("20 rows of S repeat another one")
    assert evaluated(x, y, declared={"repeats": "drop"})["pick_to_learn"].symbols["n_Q"] == 50
    assert evaluated(x, y, declared={"repeats": "keep"})["pick_to_learn"].certified


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (0.1, "must map names"),
        ({"lambda": 1}, "`penalty`|known"),
        ({"penalties": 1}, "did you mean `penalty`"),
        ({"penalty": 0}, "positive and finite"),
        ({"prior_share": 1}, "lie strictly between 0 and 1"),
        ({"prior_share": -0.1}, "lie strictly between 0 and 1"),
        ({"batch": 0}, "whole number"),
    ],
)
def test_each_nonsense_is_refused(option, message):
    with pytest.raises(InvalidOption, match=message):
        evaluated(*data(), option)


def test_one_class_or_one_label_are_not_enough():
    x, y = data()
    assert "two classes" in evaluated(x, np.zeros_like(y)).not_applicable["pick_to_learn"]
    tiny = evaluated(x[:2], np.array([0, 1]))["pick_to_learn"]
    assert tiny.value >= 0.95
    assert evaluated(x, y, {"prior_share": 0.999}).not_applicable["pick_to_learn"].startswith("needs a label")


@pytest.mark.parametrize("name", ["gaussian", "overlap", "discrete"])
def test_the_error_of_the_picked_head_stays_below_its_limit(name):
    row = coverage("pick_to_learn", WORLDS[name](), 0.1, 60)
    assert row.promised
    assert row.trials == 60
    assert row.p_value > 1e-3
