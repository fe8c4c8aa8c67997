"""One rule for ties in whatever names a class: what is equal up to rounding is decided by nobody, and counts as an error."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import bounds
from bounds.duels.predicting import Running, predictions
from bounds.heads.choice import head_kind
from bounds.heads.estimator import EstimatorHead
from bounds.heads.knn import NeighbourHead, unit_rows
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.linear import Head
from bounds.heads.losses import HeadLosses
from bounds.representations.table import Representations
from bounds.summaries.decision import UNDECIDED, decide, named, rank
from bounds.summaries.episodes import episode_errors
from bounds.summaries.few_shot_rules import Mean, Nearest, Ridge
from bounds.summaries.mean_classifier import mean_classifier

OWN = [
    "min_norm",
    ("ridge", 1e-3),
    ("logistic", 1e-2),
    "logistic",
    "nearest_mean",
    ("knn", 1),
    ("knn", 7),
    "knn",
]
OTHERS = [LogisticRegression(), RidgeClassifier(), KNeighborsClassifier(3, weights="distance")]
RULES = [Mean(), Ridge(1e-3), Nearest(1), Nearest(3)]


def drawn(n, d, seed=0):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def fitted(kind, z, y, classes):
    return head_kind(kind).fit(LabeledRows(Representations((z,), y.numpy()), classes))


def collapsed(classes, dim):
    """One point, whose labels are balanced and in any order."""
    y = torch.randperm(30 * classes, generator=torch.Generator().manual_seed(classes)) % classes
    return drawn(1, dim, seed=dim).expand(len(y), dim).contiguous(), y


def twins(classes, dim, seed=0):
    """Every item stands there once with each label, in an order of its own for each."""
    x, g = drawn(30, dim, seed=dim + seed), torch.Generator().manual_seed(classes + seed)
    orders = [torch.randperm(30, generator=g) for _ in range(classes)]
    return torch.cat([x[order] for order in orders]), torch.arange(classes).repeat_interleave(30)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("kind", OWN + OTHERS[:2], ids=str)
def test_nobody_names_a_class_of_a_collapsed_representation(kind, classes):
    for dim in (1, 5, 33):
        z, y = collapsed(classes, dim)
        head = fitted(kind, z, y, classes)
        assert set(decide(head(z)).tolist()) == {UNDECIDED}
        assert set(decide(head(torch.zeros(2, dim).double())).tolist()) == {UNDECIDED}
        assert HeadLosses.of(head, [(z, y)]).error == 1.0


# The minimum-norm head may tell an item apart that is orthogonal to all its rows up to the square root of the rounding.
@pytest.mark.parametrize("kind", OWN[1:], ids=str)
@settings(max_examples=5)
@given(classes=st.integers(2, 12), dim=st.integers(1, 9), seed=st.integers(0, 2**20))
def test_nobody_tells_classes_of_equal_items_apart(kind, classes, dim, seed):
    z, y = twins(classes, dim, seed)
    head = fitted(kind, z, y, classes)
    assert set(decide(head(z)).tolist()) == {UNDECIDED}


@pytest.mark.parametrize(
    "kind", OWN + OTHERS + [DecisionTreeClassifier(), LinearDiscriminantAnalysis()], ids=str
)
def test_classes_that_are_apart_are_named(kind):
    y = torch.arange(90) % 3
    z = 10 * torch.nn.functional.one_hot(y, 3).double() + 0.1 * drawn(90, 3)
    assert torch.equal(decide(fitted(kind, z, y, 3)(z)), y)


@pytest.mark.parametrize("classes", [2, 3, 5, 13, 33])
def test_equal_rows_of_a_linear_head_have_equal_scores(classes):
    """Products of equal columns differ by the place of the column."""
    for dim in (1, 7, 127):
        one = drawn(1, dim + 1, seed=dim).expand(classes, -1).contiguous()
        for bias in (None, one[:, -1]):
            scores = Head(one[:, :dim], bias, "twins")(drawn(50, dim, seed=classes))
            assert bool((scores == scores[:, :1]).all())
    mixed = drawn(classes, 5)
    mixed[-1] = mixed[0]
    z = drawn(40, 5, seed=1)
    torch.testing.assert_close(Head(mixed, None, "mixed")(z), z @ mixed.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5, 11])
def test_neighbours_as_near_as_the_last_share_its_place_whatever_their_order(k):
    """Rows stand in groups of equal ones; the votes are those of the definition, in any order of the rows."""
    places = unit_rows(drawn(9, 3))
    rows, y = places.repeat_interleave(4, 0), torch.arange(36) % 5
    z = torch.cat([drawn(20, 3, seed=1), torch.zeros(1, 3).double()])
    expected = torch.zeros(len(z), 5, dtype=torch.float64)
    for i, cosines in enumerate(unit_rows(z) @ places.T):
        left, groups = (
            k,
            [[j] for j in cosines.argsort(descending=True).tolist()] if i < 20 else [list(range(9))],
        )
        for group in groups:
            members = [4 * j + one for j in group for one in range(4)]
            share = min(1.0, left / len(members))
            for member in members:
                expected[i, y[member]] += share * torch.exp((cosines[group[0]] - cosines.max()) / 0.07)
            left -= share * len(members)
    for seed in range(3):
        order = torch.randperm(36, generator=torch.Generator().manual_seed(seed))
        votes = NeighbourHead(rows[order], y[order], k, 5, "votes")(z)
        torch.testing.assert_close(votes, expected / expected.sum(1, keepdim=True), rtol=1e-9, atol=1e-12)


def test_rank_is_none_where_the_label_is_named_and_below_the_size_where_a_set_has_it():
    scores = drawn(300, 4).mul(3).round() + 1e-15 * drawn(300, 4, seed=1)  # many ties, up to rounding
    scores[:5, 2] = torch.nan
    labels = torch.arange(300) % 4
    assert torch.equal(rank(scores, labels) == 0, decide(scores) == labels)
    for size in (1, 2, 3):
        within = (named(scores[5:], size) == labels[5:, None]).any(1)
        assert torch.equal(rank(scores[5:], labels[5:]) < size, within)
        assert 0 < int(within.sum()) < 295


def test_a_class_that_a_classifier_picks_among_equal_scores_is_a_tie():
    class Last:
        """Says the last of the largest."""

        classes_ = np.arange(3)

        def decision_function(self, z):
            return z

        def predict(self, z):
            return 2 - z[:, ::-1].argmax(1)

    head = EstimatorHead(Last(), 3, "last")
    assert decide(head(torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [2.0, 2.0, 2.0]]))).tolist() == [
        -1,
        1,
        -1,
    ]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rules_of_a_few_shots_err_on_every_tie(rule):
    y = np.arange(60) % 3
    for z in (torch.zeros(60, 4).double(), drawn(1, 4).expand(60, 4).contiguous()):
        for ways in ("all", "pairs"):
            assert bool((episode_errors(z, y, 3, 3, rule=rule, ways=ways, permutations=2) == 1).all())


def test_the_mean_classifier_errs_where_means_are_equal():
    z, y = drawn(50, 7), torch.arange(50) % 4
    means = drawn(1, 7, seed=1).expand(4, 7).contiguous()
    assert mean_classifier(means, torch.full((4,), 0.25), [(z, y)]).error == 1.0


def test_not_a_number_is_no_decision():
    scores = torch.tensor([[0.0, torch.nan], [1.0, 0.0]])
    assert decide(scores).tolist() == [UNDECIDED, 0]


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_a_tie_has_no_unit_and_is_no_wider_than_rounding(scale):
    rows = [[1.0, 1 + 1e-11, 0.0], [1.0, 1 + 1e-14, 0.0], [-3.0, -3.0, -4.0], [0.1, 0.0, 0.0]]
    apart = torch.tensor(rows, dtype=torch.float64)
    assert decide(scale * apart).tolist() == [1, UNDECIDED, UNDECIDED, 0]
    assert [sorted(one) for one in named(scale * apart, 2).tolist()] == [
        [0, 1],
        [0, 1],
        [0, 1],
        [UNDECIDED, 0],
    ]
    assert named(scale * apart, 1)[:, 0].tolist() == [1, UNDECIDED, UNDECIDED, 0]
    infinite = torch.tensor([[-torch.inf, 0.0, -1.0], [torch.inf, torch.inf, 0.0], [torch.inf, 0.0, 1.0]])
    assert decide(infinite).tolist() == [1, UNDECIDED, 0]


@pytest.mark.parametrize(
    "kind", ["min_norm", ("knn", 5), LogisticRegression(), lambda z: z[:, :1].expand(-1, 3)]
)
def test_reports_predictors_and_duels_count_ties_as_heads_do(kind):
    z, y = drawn(1, 5).expand(120, 5).numpy(), np.arange(120) % 3
    declared = bounds.Declared(repeats="keep", overlap="added")
    report = bounds.evaluate(
        None, (z[:60], y[:60]), test=(z[60:], y[60:]), bounds=["test_set"], head=kind, declared=declared, fresh=True,
        progress=False,
    )  # fmt: skip
    assert report["test_set"].value == 1.0
    assert set(report["test_set"].predictor.predict(z).labels.tolist()) == {UNDECIDED}
    said = predictions({"a": lambda x: x}, (z[:60], y[:60]), z[60:], Running(head=kind))
    assert set(said.columns["a"].tolist()) == {UNDECIDED}


def test_the_nearest_mean_is_the_nearest_whatever_the_lengths_of_the_means():
    y = torch.arange(300) % 3
    z = torch.tensor([[0.0, 1.0], [4.0, 0.0], [0.0, -9.0]], dtype=torch.float64)[y] + drawn(300, 2)
    means = torch.stack([z[y == k].mean(0) for k in range(3)])
    new = 5 * drawn(500, 2, seed=1)
    assert torch.equal(decide(fitted("nearest_mean", z, y, 3)(new)), torch.cdist(new, means).argmin(1))


def test_a_direction_ten_thousand_times_shorter_is_fitted_too():
    z, y = drawn(60, 3) * torch.tensor([1.0, 1.0, 1e-4], dtype=torch.float64), torch.arange(60) % 3
    right = torch.linalg.lstsq(z, torch.nn.functional.one_hot(y, 3).double()).solution.T
    torch.testing.assert_close(fitted("min_norm", z, y, 3).weight, right, rtol=1e-8, atol=1e-8)
