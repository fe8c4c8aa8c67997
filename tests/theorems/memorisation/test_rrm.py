"""rrm: noisy fits on one factorisation, the definitions, information in nats without upward bias."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.noisy_fits import _noisy_chunks, noisy_fits, pooled_information
from bounds.theorems import THEOREMS
from tests.worlds_discrete import World


def naive(evidence, noise, fits, penalty=0.0):
    """Each noisy head by its own normal equations, each definition by a loop."""
    z, y, K = np.asarray(evidence.labeled.views[0]), evidence.labeled.labels, evidence.setting.num_classes
    noisy = torch.cat([labels for _, _, labels in _noisy_chunks(evidence, noise, fits)]).numpy()
    gram = np.linalg.pinv(z.T @ z + len(z) * penalty * np.eye(z.shape[1]))

    def predict(labels):
        return np.argmax(z @ gram @ z.T @ np.eye(K)[labels], axis=1)

    right = [[predict(noisy[:, t])[i] == y[i] for i in range(len(z))] for t in range(fits)]
    replaced = [[noisy[i, t] != y[i] for i in range(len(z))] for t in range(fits)]
    hits = [r for rs, cs in zip(right, replaced, strict=True) for r, c in zip(rs, cs, strict=True) if c]
    return np.mean(predict(y) == y), np.mean(right), np.mean(hits)


@pytest.mark.parametrize("head", ["min_norm", ("ridge", 0.05)])
def test_the_shared_factorisation_gives_the_fits_of_separate_solves(head):
    evidence = World(K=4, d=5, sharpness=2.0).evidence(0, 150, 5, head=head)
    found = noisy_fits(evidence, 0.2, 6)
    expected = naive(evidence, 0.2, 6, 0.0 if isinstance(head, str) else head[1])
    assert (found.train, found.noisy_train, found.corrupted) == pytest.approx(expected, abs=1e-12)


def test_noise_replaces_the_stated_share_by_other_classes_and_belongs_to_rows():
    evidence = World(K=5).evidence(0, 4000, 5)
    parts = list(_noisy_chunks(evidence, 0.3, 4))
    labels, noisy = torch.cat([p[1] for p in parts]), torch.cat([p[2] for p in parts])
    replaced = noisy != labels[:, None]
    assert float(replaced.double().mean()) == pytest.approx(0.3, abs=0.02)
    shifts = torch.bincount(((noisy - labels[:, None]) % 5)[replaced], minlength=5)
    assert shifts[0] == 0
    assert shifts[1:].min() > 0.8 * shifts[1:].max()
    fewer = torch.cat([p[2] for p in _noisy_chunks(evidence, 0.3, 4)])
    assert torch.equal(fewer, noisy)


def test_the_terms_are_the_positive_parts_and_sum_to_at_least_the_test_error():
    """Bansal et al.: Train − Test ≤ robustness + rationality + memorisation, each gap cut off at zero."""
    evidence = World(K=3, d=8, sharpness=2.0).evidence(0, 60, 5, n_test=500)
    bound, found = THEOREMS["rrm"].evaluate(evidence, 0.1), noisy_fits(evidence)
    test = 1 - evidence.head_test_losses.error
    terms = {name: term.value for name, term in bound.terms.items()}
    assert terms == pytest.approx(
        {
            "training_error": 1 - found.train,
            "robustness": max(0, found.train - found.noisy_train),
            "memorization": max(0, found.noisy_train - found.corrupted),
            "rationality": max(0, found.corrupted - test),
        }
    )
    assert bound.value >= evidence.head_test_losses.error - 1e-12
    assert bound.kind == "estimate"
    assert not bound.certified


def test_memorisation_by_information_is_pinsker_in_nats():
    evidence = World(K=3, d=8, sharpness=2.0).evidence(0, 60, 5)
    bound, found = THEOREMS["rrm_information"].evaluate(evidence, 0.1), noisy_fits(evidence)
    assert bound.terms["memorization"].value == pytest.approx(math.sqrt(found.information / 2) / found.noise)
    assert "rationality" not in bound.terms
    assert any("taken as zero" in note for note in bound.notes)


def test_pinsker_holds_for_the_pooled_table_in_nats():
    """The gap P(right) − P(right | replaced) of any joint law is at most √(I/2)/η."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        joint = rng.dirichlet(np.full(9, 0.3)).reshape(3, 3)
        eta = 1 - joint[:, 0].sum()
        gap = joint[0].sum() - joint[0, 1:].sum() / eta
        information = entropy(joint.ravel(), np.outer(joint.sum(1), joint.sum(0)).ravel())
        assert gap <= math.sqrt(information / 2) / eta + 1e-12


def test_information_is_in_nats_and_exact_for_a_large_table():
    counts = torch.tensor([[500_000, 0], [0, 500_000]])
    assert pooled_information(counts) == pytest.approx(math.log(2), abs=1e-5)  # 1 in bits


def test_independent_predictions_carry_no_information():
    """The plug-in value of one small table per row would read far above zero; pooled and corrected it does not."""
    rng = np.random.default_rng(0)
    pooled = [
        pooled_information(torch.tensor(rng.multinomial(5000, np.full(16, 1 / 16)).reshape(4, 4)))
        for _ in range(50)
    ]
    per_row = []
    for _ in range(50):
        table = rng.multinomial(10, np.full(16, 1 / 16)).reshape(4, 4) / 10
        per_row.append(entropy(table.ravel(), np.outer(table.sum(1), table.sum(0)).ravel() + 1e-300))
    assert np.mean(pooled) < 5e-4
    assert math.sqrt(np.mean(per_row) / 2) / 0.05 > 1.59  # what public code prints for it, above 159 %


def test_an_interpolating_head_memorises_and_a_small_one_does_not():
    large = World(K=3, d=60, points=200, sharpness=1.0).evidence(0, 50, 5)
    small = World(K=3, d=2, sharpness=1.0).evidence(0, 2000, 5)
    memorised, honest = noisy_fits(large, 0.2), noisy_fits(small, 0.2)
    assert memorised.noisy_train - memorised.corrupted > 0.3
    assert abs(honest.noisy_train - honest.corrupted) < 0.1


def test_bad_options_and_one_class_are_refused():
    evidence = World().evidence(0, 50, 5)
    with pytest.raises(InvalidOption, match="0 < noise < 1"):
        noisy_fits(evidence, 0.0)
    one = dataclasses.replace(evidence, setting=dataclasses.replace(evidence.setting, num_classes=1))
    with pytest.raises(NotApplicable, match="at least two classes"):
        noisy_fits(one)
    with pytest.raises(NotApplicable, match="none of 50 was replaced"):
        noisy_fits(evidence, 1e-9, 1)


def test_many_rows_are_scored_on_a_sample_whose_size_is_stated(monkeypatch):
    """Fits see all rows; accuracies of a sample agree within its standard error, whatever the chunks."""
    evidence = World(K=3, d=6, sharpness=1.0).evidence(0, 6000, 5)
    whole = noisy_fits(evidence, 0.2, 6)
    assert whole.scored == 6000
    monkeypatch.setattr("bounds.evidence.noisy_fits.SCORED", 1500)
    thinned = noisy_fits(dataclasses.replace(evidence), 0.2, 6)
    assert abs(thinned.scored - 1500) < 5 * (1500 * 0.75) ** 0.5
    error = 4 / 1500**0.5 / 2
    assert abs(thinned.train - whole.train) < error
    assert abs(thinned.noisy_train - whole.noisy_train) < error
    bound = THEOREMS["rrm"].evaluate(dataclasses.replace(evidence), 0.1)
    assert any("rows drawn from 6,000; the fits see all" in note for note in bound.notes)
