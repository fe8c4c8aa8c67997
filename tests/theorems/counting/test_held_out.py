"""held_out: mistakes counted on the part of S that its head never saw, against a script, and its coverage."""

import numpy as np
import pytest
import torch
from scipy.stats import beta

from bounds.evidence.splits import held_out_count, part_chunks
from bounds.theorems import THEOREMS
from tests.worlds_discrete import World, assert_covers, head_of

HELD_OUT = THEOREMS["held_out"]


def joined(evidence, low, high):
    views, y = zip(*part_chunks(evidence, low, high), strict=True)
    return torch.cat([z for z, *_ in views]).numpy(), torch.cat(y).numpy()


def test_the_bound_agrees_with_a_script():
    evidence = World().evidence(1, 200, 50, holdout=0.2)
    count = held_out_count(evidence)
    (apart, truth), (z, y) = joined(evidence, 0, count), joined(evidence, count, evidence.n)
    head = np.linalg.lstsq(z, np.eye(evidence.setting.num_classes)[y], rcond=None)[0]
    mistakes = int((np.argmax(apart @ head, 1) != truth).sum())
    bound = HELD_OUT.evaluate(evidence, 0.1)
    assert (bound.symbols["N"], bound.symbols["mistakes"]) == (40, mistakes)
    assert bound.value == pytest.approx(beta.ppf(0.9, mistakes + 1, 40 - mistakes), rel=1e-9)
    assert bound.certified


def test_it_covers_the_error_of_the_head_that_it_names():
    world, missed = World(K=2), 0
    for seed in range(60):
        evidence = world.evidence(seed, 60, 20)
        bound = HELD_OUT.evaluate(evidence, 0.2)
        missed += bound.value < world.error(head_of(evidence, bound))
    assert_covers(missed, 60, 0.2)
