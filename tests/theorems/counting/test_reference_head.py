"""reference_head: the triangle through a head that left labels out, split discipline, coverage."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.stats import beta

from bounds.assumptions.assumption import Assumption
from bounds.errors import NotApplicable
from bounds.evidence.splits import fitting_head, held_out_chunks, held_out_count, part_chunks
from bounds.representations.table import Representations
from bounds.summaries.decision import UNDECIDED, decide
from bounds.summaries.limits import kl_inverse
from bounds.theorems import THEOREMS
from tests.worlds_discrete import World, assert_covers, head_of


def rows(chunks):
    return torch.cat([z for z, _ in chunks])


def fitting_chunks(evidence, count):
    return ((z, y) for (z, *_), y in part_chunks(evidence, count, evidence.n))


def naive(evidence, delta):
    count = held_out_count(evidence)
    held = list(held_out_chunks(evidence, count))
    zH, yH = torch.cat([z for z, _ in held]).numpy(), torch.cat([y for _, y in held]).numpy()
    kept = list(fitting_chunks(evidence, count))
    zP, yP = torch.cat([z for z, _ in kept]).numpy(), torch.cat([y for _, y in kept]).numpy()
    z, y = np.asarray(evidence.labeled.views[0]), evidence.labeled.labels
    K = evidence.setting.num_classes
    W, V = (np.linalg.lstsq(a, np.eye(K)[b], rcond=None)[0].T for a, b in ((z, y), (zP, yP)))
    u = np.asarray(evidence.pairs.views[0])
    wrong = sum(int(np.argmax(V @ a) != b) for a, b in zip(zH, yH, strict=True))
    differ = sum(int(np.argmax(V @ a) != np.argmax(W @ a)) for a in u)
    return beta.ppf(1 - delta / 2, wrong + 1, count - wrong) + beta.ppf(
        1 - delta / 2, differ + 1, len(u) - differ
    )


def test_the_error_form_agrees_with_a_script_of_loops():
    evidence = World().evidence(1, 200, 300, holdout=0.2)
    bound = THEOREMS["reference_head"].evaluate(evidence, 0.1)
    assert bound.value == pytest.approx(naive(evidence, 0.1), rel=1e-9)
    assert bound.certified


def test_the_loss_form_is_two_kl_limits_in_units_of_root_two():
    evidence = World().evidence(1, 200, 300, holdout=0.2)
    bound = THEOREMS["reference_head_loss"].evaluate(evidence, 0.1)
    means = bound.terms["held_out_residual"].value, bound.terms["head_distance"].value
    expected = sum(
        math.sqrt(2) * kl_inverse(mean / math.sqrt(2), math.log(2 / 0.1) / size)
        for mean, size in zip(means, (40, 300), strict=True)
    )
    assert bound.value == pytest.approx(expected, rel=1e-9)


def test_the_split_depends_on_the_seed_alone_and_both_sides_are_disjoint():
    evidence = World().evidence(3, 100, 10, holdout=0.3)
    held, kept = rows(held_out_chunks(evidence, 30)), rows(fitting_chunks(evidence, 30))
    assert (len(held), len(kept)) == (30, 70)
    again = dataclasses.replace(evidence)
    assert torch.equal(rows(held_out_chunks(again, 30)), held)
    other = dataclasses.replace(evidence, setting=dataclasses.replace(evidence.setting, seed=99))
    assert not torch.equal(rows(held_out_chunks(other, 30)), held)


def test_the_held_out_rows_do_not_depend_on_how_the_table_is_chunked(monkeypatch):
    evidence = World().evidence(3, 100, 10, holdout=0.3)
    whole = rows(held_out_chunks(evidence, 30))
    squares = fitting_head(evidence, 30).weight
    chunks = Representations.chunks
    monkeypatch.setattr(Representations, "chunks", lambda self, rows=7, **rest: chunks(self, 7, **rest))
    again = dataclasses.replace(evidence)
    assert torch.equal(rows(held_out_chunks(again, 30)), whole)
    assert torch.allclose(fitting_head(again, 30).weight, squares, atol=1e-12)


def test_the_reference_head_never_sees_the_held_out_labels():
    evidence = World().evidence(4, 80, 10, holdout=0.25)
    labels, held = evidence.labeled.labels.copy(), evidence.row_ranks < 20
    assert torch.equal(torch.tensor(evidence.labeled.views[0][held]), rows(held_out_chunks(evidence, 20)))
    labels[held] = (labels[held] + 1) % evidence.setting.num_classes
    changed = dataclasses.replace(evidence, labeled=Representations(evidence.labeled.views, labels))
    assert torch.equal(fitting_head(changed, 20).weight, fitting_head(evidence, 20).weight)


def test_augmented_views_are_not_the_items_the_certificate_needs():
    evidence = World().evidence(1, 100, 50)
    assumptions = {
        **evidence.setting.assumptions,
        "U": Assumption("U", "violated", "views are augmentations"),
    }
    shifted = dataclasses.replace(
        evidence, setting=dataclasses.replace(evidence.setting, assumptions=assumptions)
    )
    assert not THEOREMS["reference_head"].evaluate(shifted, 0.1).certified


def test_a_tied_score_is_undecided_and_so_an_error():
    scores = torch.tensor([[0.2, 0.2, 0.1], [0.0, 0.0, 0.0], [0.1, 0.3, 0.2]], dtype=torch.float64)
    assert decide(scores).tolist() == [UNDECIDED, UNDECIDED, 1]


def test_conditioned_pairs_pay_for_their_class_counts():
    evidence = World().evidence(1, 100, 40, known_prior=True, conditioned_pairs=True)
    bound = THEOREMS["reference_head"].evaluate(evidence, 0.1)
    labels = np.bincount(evidence.pairs.labels, minlength=3) / 40
    assert bound.terms["pair_frequencies"].value == pytest.approx(
        0.5 * np.abs(labels - 1 / 3).sum(), rel=1e-12
    )


def test_too_few_labels_for_a_split_are_refused():
    with pytest.raises(NotApplicable, match="at least 1 held-out labels and one more"):
        THEOREMS["reference_head"].evaluate(World().evidence(1, 3, 10, holdout=0.1), 0.1)


@pytest.mark.parametrize("trials", [40, pytest.param(150, marks=pytest.mark.slow)])
def test_no_more_violations_than_delta_allows(trials):
    world, violations, slack = World(sharpness=2.0), 0, []
    for seed in range(trials):
        evidence = world.evidence(seed, 120, 200, holdout=0.25)
        bound = THEOREMS["reference_head"].evaluate(evidence, 0.3)
        truth = world.error(head_of(evidence, bound))
        violations += bound.value < truth
        slack.append(bound.value - truth)
    assert_covers(violations, trials, 0.3)
    assert np.mean(slack) < 0.25  # and it is not an empty statement


@pytest.mark.parametrize("trials", [30, pytest.param(100, marks=pytest.mark.slow)])
def test_no_more_violations_of_the_loss_than_delta_allows(trials):
    world, violations = World(sharpness=2.0), 0
    for seed in range(trials):
        evidence = world.evidence(seed, 60, 60, holdout=0.25)
        bound = THEOREMS["reference_head_loss"].evaluate(evidence, 0.5)
        violations += bound.value < world.loss(head_of(evidence, bound))
    assert_covers(violations, trials, 0.5)
