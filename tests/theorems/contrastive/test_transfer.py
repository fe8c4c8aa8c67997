"""The spectral bound in the terms of VICReg, on populations that are written out."""

import numpy as np
import pytest


@pytest.mark.parametrize("seed", range(5))
def test_alignment_and_similarity_are_variance_covariance_and_invariance(seed):
    rng = np.random.default_rng(seed)
    classes, dim = int(rng.integers(2, 6)), int(rng.integers(1, 9))
    rows, law = rng.normal(size=(classes, 7, dim)), rng.dirichlet(np.ones(7), size=classes)
    prior = np.full(classes, 1 / classes)
    means = np.einsum("cr,crd->cd", law, rows)
    each = (prior[:, None] * law).ravel()
    flat = rows.reshape(-1, dim)
    moment = np.einsum("i,ij,ik->jk", each, flat, flat)
    both = np.einsum("c,cr,cs->crs", prior, law, law)  # two views of one class
    gaps = ((rows[:, :, None] - rows[:, None]) ** 2).sum(-1)
    invariance = (both * gaps).sum()

    alignment = np.einsum("c,cd,cd->", prior, means, means)
    similarity = np.einsum("i,j,ij->", each, each, (flat @ flat.T) ** 2)
    assert alignment == pytest.approx(np.trace(moment) - invariance / 2)
    assert similarity == pytest.approx((moment**2).sum())
    directions = alignment**2 / similarity
    assert directions <= classes * (1 + 1e-12)

    head = alignment / (classes * similarity) * means
    error = (each * ((flat @ head.T - np.repeat(np.eye(classes), 7, axis=0)) ** 2).sum(1)).sum()
    assert error <= 1 - directions / classes + 1e-12


def test_orthogonal_classes_without_spread_reach_the_number_of_classes():
    means = 3.0 * np.eye(4, 6)
    moment = means.T @ means / 4
    assert np.trace(moment) ** 2 / (moment**2).sum() == pytest.approx(4)
