"""Episodes against loops, their independence of the order of classes, and errors of known worlds."""

from itertools import product

import numpy as np
import pytest
import torch

from bounds.draws import uniforms
from bounds.errors import InvalidInput, InvalidStatistics
from bounds.representations.on_demand import OnDemand
from bounds.representations.table import Representations
from bounds.summaries import episodes
from bounds.summaries.episodes import (
    Episodes,
    _arrangement,
    arrangement_digest,
    episode_errors,
    share_of_errors,
    usual_upper,
)
from bounds.summaries.few_shot_rules import Mean, Nearest, Ridge

pytestmark = pytest.mark.usefixtures("one_thread")

# The world of two classes with three and two inputs whose few-shot errors are 1/18, 1/54, 1/162.
POINTS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [4.0, 0.0], [4.0, 1.0]], dtype=torch.float64)
CLASSES = ([0, 1, 2], [3, 4])
RULES = [Mean(), Ridge(0.3), Nearest(1), Nearest(3)]


def sample(seed=0, n=60, classes=3, dim=4, shift=1.5):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes).repeat(8), rng.integers(classes, size=n - 8 * classes)])
    return torch.from_numpy(rng.normal(size=(n, dim)) + shift * np.eye(classes, dim)[labels]), labels


def slow_wrong(rule, z, episode):
    """The errors of one episode (w, m + 1) by loops."""
    shots, queries = [z[list(row[:-1])].numpy() for row in episode], z[episode[:, -1]].numpy()
    found = []
    for i, x in enumerate(queries):
        if isinstance(rule, Mean):
            scores = [-np.linalg.norm(x - own.mean(0)) for own in shots]
        elif isinstance(rule, Ridge):
            rows = np.concatenate(shots)
            targets = np.eye(len(shots)).repeat([len(own) for own in shots], 0)
            N = len(rows)
            head = np.linalg.solve(
                rows.T @ rows / N + rule.penalty * np.eye(rows.shape[1]), rows.T @ targets / N
            )
            scores = list(x @ head)
        else:
            near = sorted((np.linalg.norm(x - s), j) for j, own in enumerate(shots) for s in own)[: rule.k]
            scores = [sum(j == one for _, j in near) for one in range(len(shots))]
        found.append(any(s >= scores[i] for j, s in enumerate(scores) if j != i))
    return np.array(found)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shots", [1, 3])
def test_each_episode_has_the_errors_of_a_loop(rule, shots):
    if isinstance(rule, Nearest) and rule.k > 2 * shots:
        pytest.skip("an episode has fewer shots")
    z, labels = sample()
    counts = np.bincount(labels)
    r = counts.min() // (shots + 1)
    H = episode_errors(z, labels, 3, shots, rule=rule, permutations=3, seed=7)
    pairs = episode_errors(z, labels, 3, shots, rule=rule, ways="pairs", permutations=3, seed=7)
    weighted = episode_errors(
        z, labels, 3, shots, rule=rule, permutations=3, seed=7, weights=torch.tensor([0.5, 0.3, 0.2]).double()
    )
    assert H.shape == (3, r)
    for b in range(3):
        groups = _arrangement(labels, counts, shots, r, 7, b)
        for q, episode in enumerate(groups):
            wrong = slow_wrong(rule, z, episode)
            assert float(H[b, q]) == pytest.approx(wrong.mean(), abs=1e-12)
            assert float(weighted[b, q]) == pytest.approx(wrong @ [0.5, 0.3, 0.2], abs=1e-6)
            two = [slow_wrong(rule, z, episode[[i, j]]).mean() for i in range(3) for j in range(i)]
            assert float(pairs[b, q]) == pytest.approx(np.mean(two), abs=1e-12)


def test_episodes_of_a_permutation_are_disjoint_and_hold_items_of_their_class():
    _, labels = sample(n=80)
    counts = np.bincount(labels)
    groups = _arrangement(labels, counts, 2, counts.min() // 3, 0, 5)
    assert len(np.unique(groups)) == groups.size
    for y in range(3):
        assert (labels[groups[:, y]] == y).all()
    again = _arrangement(labels, counts, 2, counts.min() // 3, 0, 6)
    assert not np.array_equal(groups, again)
    renamed = _arrangement(
        np.array([2, 0, 1])[labels], np.bincount(np.array([2, 0, 1])[labels]), 2, len(groups), 0, 5
    )
    assert np.array_equal(renamed[:, [2, 0, 1]], groups)


@pytest.mark.parametrize(("shots", "error"), [(1, 1 / 18), (2, 1 / 54), (3, 1 / 162)])
def test_the_error_of_the_nearest_mean_in_a_small_world(shots, error):
    """By enumeration of all shots and queries."""
    total, weight = 0.0, 0
    for first in product(CLASSES[0], repeat=shots):
        for second in product(CLASSES[1], repeat=shots):
            episodes = [[[*first, a], [*second, b]] for a in CLASSES[0] for b in CLASSES[1]]
            rows = Mean().prepare(POINTS)
            total += float(share_of_errors(Mean(), rows, torch.tensor(episodes), "all", None).sum())
            weight += len(episodes)
    assert total / weight == pytest.approx(error, rel=1e-12)


@pytest.mark.parametrize("ways", ["all", "pairs", 2])
@pytest.mark.parametrize("rule", RULES)
def test_rows_on_demand_give_the_same_errors(rule, ways):
    z, labels = sample()
    stored = OnDemand(Representations((z.float().numpy(),), labels), np.arange(len(z)))
    given = {"rule": rule, "ways": ways, "permutations": 4, "seed": 2}
    wanted = episode_errors(z.float().double(), labels, 3, 3, **given)
    assert torch.equal(episode_errors(stored, labels, 3, 3, **given), wanted)
    del given["permutations"]
    assert usual_upper(stored, labels, 3, 3, **given) == usual_upper(z.float(), labels, 3, 3, **given)


def test_a_drawn_number_of_ways_has_the_mean_of_all_subsets():
    z, labels = sample(n=400, classes=4, shift=1.0)
    drawn = episode_errors(z, labels, 4, 1, ways=2, permutations=60)
    pairs = episode_errors(z, labels, 4, 1, ways="pairs", permutations=60)
    assert float(drawn.mean()) == pytest.approx(float(pairs.mean()), abs=0.01)
    assert set(drawn.unique().tolist()) <= {0.0, 0.5, 1.0}
    same = episode_errors(z, labels, 4, 1, ways=4, permutations=3)
    assert torch.equal(same, episode_errors(z, labels, 4, 1, permutations=3))


@pytest.mark.parametrize("rule", RULES)
def test_ties_are_errors(rule):
    equal = torch.ones(24, 3, dtype=torch.float64)
    labels = np.arange(24) % 2
    assert float(episode_errors(equal, labels, 2, 2, rule=rule, permutations=2).min()) == 1.0


def test_what_float32_cannot_tell_is_told_in_float64():
    """Queries 1e-9 beyond either side of the middle, far from the origin."""
    for shift, wrong in ((1e-9, True), (-1e-9, False)):
        z = torch.tensor([[0.0], [0.5 + shift], [1.0], [1.0]], dtype=torch.float64) * 1e3
        index = torch.tensor([[[0, 1], [2, 3]]])
        assert Mean().wrong(Mean().prepare(z), index).tolist() == [[wrong, False]]


def test_means_of_the_same_shots_in_another_order_are_tied():
    """They differ by rounding alone, which must not make a rule right."""
    rng = np.random.default_rng(0)
    rows = Mean().prepare(torch.from_numpy(rng.normal(size=(12, 40)) + 3.0))
    shots = np.array([[rng.permutation(7), rng.permutation(7)] for _ in range(100)])
    queries = rng.integers(7, 12, size=(100, 2, 1))
    index = torch.from_numpy(np.concatenate([shots, queries], axis=2))
    assert Mean().wrong(rows, index).all()
    lost = Mean().lost(rows, index)
    assert lost[:, 0, 1].all()
    assert lost[:, 1, 0].all()


def test_moving_turning_and_scaling_the_rows_changes_nothing():
    z, labels = sample()
    H = episode_errors(z, labels, 3, 2, permutations=4)
    turn = torch.linalg.qr(
        torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    )[0]
    assert torch.equal(episode_errors(50 * z @ turn + 7, labels, 3, 2, permutations=4), H)


@pytest.mark.parametrize("classes", [2, 2**11, 2**11 + 1])
def test_items_of_a_class_stand_in_the_order_of_their_keys(classes):
    labels = np.random.default_rng(0).permutation(np.arange(5 * classes) % classes)
    items = episodes._arrangement(labels, np.full(classes, 5), 1, 2, 7, 3).transpose(1, 0, 2)
    keys = uniforms(7, np.arange(len(labels)), episodes._STREAM + 3, 1)[:, 0]
    for y in (0, classes // 2, classes - 1):
        own = np.flatnonzero(labels == y)
        assert items[y].ravel().tolist() == own[np.argsort(keys[own])][:4].tolist()


def test_the_usual_interval_is_that_of_600_episodes():
    z, labels = sample(n=200, shift=1.0)
    H = episode_errors(z, labels, 3, 2, permutations=100)
    upper = usual_upper(z, labels, 3, 2)
    sd = float(H.std())
    assert float(H.mean()) < upper < float(H.mean()) + 3 * 1.645 * sd / 600**0.5


def test_too_few_items_are_refused():
    z, labels = sample()
    for shots, classes in ((60, 3), (1, 4)):
        with pytest.raises(InvalidStatistics, match="one item more"):
            episode_errors(z, labels, classes, shots)
    with pytest.raises(InvalidStatistics, match="two classes"):
        episode_errors(z, np.zeros(60, np.int64), 1, 1)


def test_episodes_come_back_from_text_and_tell_other_items_apart():
    H = torch.rand(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    kept = Episodes.of(H, "digest")
    back = Episodes.from_dict(kept.__dict__ | {})
    assert torch.equal(back.errors, H)
    for changed in ({"packed": "no"}, {"arrangements": 4}, {"packed": Episodes.of(H + 1, "").packed}):
        with pytest.raises(InvalidInput):
            _ = Episodes.from_dict(
                {"packed": kept.packed, "arrangements": 3, "count": 5, "digest": ""} | changed
            )
    labels = np.array([0, 1, 0, 1])
    items = np.arange(4, dtype=np.uint64)
    digests = {
        arrangement_digest(labels, None, 1),
        arrangement_digest(labels, items, 1),
        arrangement_digest(labels, items[::-1].copy(), 1),
        arrangement_digest(labels, items, 2),
        arrangement_digest(labels[::-1].copy(), items, 1),
    }
    assert len(digests) == 5
