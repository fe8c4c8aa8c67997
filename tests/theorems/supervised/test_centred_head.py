"""centred_head: the head near one learned elsewhere, formula, invariances, coverage."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from bounds.evidence.gaussian_heads import RIDGES
from bounds.evidence.splits import held_out_chunks, part_chunks
from bounds.heads.simplex import project_simplex
from bounds.representations.table import Representations
from bounds.theorems import THEOREMS
from bounds.theorems.supervised.centred_head import MARGINS, _losses
from tests.worlds_discrete import World, assert_covers, head_of


def naive(evidence, delta):
    """Both forms by loops over splits, metrics and margins, with matrix inverses."""
    z, y, K = np.asarray(evidence.labeled.views[0]), evidence.labeled.labels, evidence.setting.num_classes
    W = np.linalg.lstsq(z, np.eye(K)[y], rcond=None)[0].T
    tries = 3 * len(RIDGES)
    best = {"centred_head": math.inf, "centred_head_error": math.inf}
    for share in (0.1, 0.2, 0.5):
        count = round(share * len(z))
        fitted = part_chunks(evidence, count, evidence.n)
        zP, yP = (torch.cat(part).numpy() for part in zip(*((z, y) for (z, *_), y in fitted), strict=True))
        zQ, yQ = (torch.cat(part).numpy() for part in zip(*held_out_chunks(evidence, count), strict=True))
        W0 = np.linalg.lstsq(zP, np.eye(K)[yP], rcond=None)[0].T
        moment = zP.T @ zP / len(zP)
        for ridge in RIDGES:
            A2 = moment + ridge * np.trace(moment) / len(moment) * np.eye(len(moment))
            distance = math.sqrt(np.trace((W - W0) @ A2 @ (W - W0).T))
            j = next(j for j in range(-80, 4000) if 2 ** (j / 4) >= distance)
            weight = 1 / ((math.pi**2 / 3 - 1) * (1 + abs(j)) ** 2)
            squares = np.einsum("nd,de,ne->n", zQ, np.linalg.inv(A2), zQ)
            log = math.log(2 / (delta / 2 / tries))
            spread = 1 / np.linalg.eigvalsh(A2)[0]
            upper = (
                squares.mean()
                + math.sqrt(2 * squares.var(ddof=1) * log / count)
                + 7 * spread * log / (3 * (count - 1))
            )
            C = math.sqrt(math.pi / 2) * 2 ** (j / 4) * math.sqrt(K * upper / count)
            scores = zQ @ W.T
            projected = project_simplex(torch.tensor(scores)).numpy()
            residual = np.mean(np.linalg.norm(projected - np.eye(K)[yQ], axis=1))
            level = delta / 2 * weight / tries
            loss = residual + 2 * C + math.sqrt(2) * math.sqrt(math.log(1 / level) / (2 * count))
            best["centred_head"] = min(best["centred_head"], loss)
            own = scores[np.arange(count), yQ]
            rival = np.where(np.eye(K)[yQ] > 0, -np.inf, scores).max(1)
            for gamma in MARGINS:
                ramp = np.clip(1 - (own - rival) / gamma, 0, 1).mean()
                radius = math.sqrt(math.log(len(MARGINS) / level) / (2 * count))
                best["centred_head_error"] = min(
                    best["centred_head_error"], ramp + 2 * math.sqrt(2) / gamma * C + radius
                )
    return best


def test_both_forms_agree_with_a_script_of_loops():
    evidence = World(d=3).evidence(1, 400, 5)
    for name, value in naive(evidence, 0.1).items():
        assert THEOREMS[name].evaluate(evidence, 0.1).value == pytest.approx(value, rel=1e-9)


def test_a_perfect_head_pays_nothing_at_any_width_and_one_that_is_undecided_pays_all():
    """One-hot scores have the margin one, equal ones the margin zero: widths lie in (0, 1], each once."""
    labels = torch.arange(3)
    assert _losses(torch.eye(3, dtype=torch.float64), labels).tolist() == [[0.0] * (1 + len(MARGINS))] * 3
    assert (_losses(torch.full((3, 3), 1 / 3, dtype=torch.float64), labels)[:, 1:] == 1).all()
    assert sorted(set(MARGINS)) == list(MARGINS)


def test_it_is_far_tighter_than_uniform_convergence_around_zero():
    evidence = World(K=3, d=8, sharpness=6.0).evidence(0, 4000, 5)
    centred, supervised = (
        THEOREMS[name].evaluate(evidence, 0.1) for name in ("centred_head", "supervised_projected")
    )
    assert centred.terms["head_complexity"].value < supervised.terms["head_complexity"].value / 3


def test_a_rotation_of_the_representations_changes_nothing():
    evidence = World(d=4).evidence(2, 300, 5)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    turned = dataclasses.replace(
        evidence, labeled=Representations((evidence.labeled.views[0] @ rotation,), evidence.labeled.labels)
    )
    for name in ("centred_head", "centred_head_error"):
        a, b = (THEOREMS[name].evaluate(one, 0.1).value for one in (evidence, turned))
        assert a == pytest.approx(b, rel=1e-8)


def test_the_ramp_is_at_least_the_error_and_the_split_of_delta_is_whole():
    evidence = World().evidence(3, 300, 5)
    bound = THEOREMS["centred_head_error"].evaluate(evidence, 0.1)
    assert bound.terms["ramp"].value >= evidence.labeled_losses(evidence.head).error * 0.5
    assert sum(bound.split.values()) == pytest.approx(0.1, rel=1e-12)


def test_no_more_violations_than_delta_allows():
    world, violations = World(K=2, d=2, sharpness=4.0), 0
    for seed in range(40):
        evidence = world.evidence(seed, 60, 2)
        loss, error = (
            THEOREMS[name].evaluate(evidence, 0.5) for name in ("centred_head", "centred_head_error")
        )
        violations += loss.value < world.loss(head_of(evidence, loss))
        violations += error.value < world.error(head_of(evidence, error))
    assert_covers(violations, 80, 0.5)
