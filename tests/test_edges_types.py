"""Labels of every integer type, and rows of every floating type, where they are taken: the same answer as of int64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.complexity import LinearHead
from bounds.data.pairing import class_pairs
from bounds.duels.paired import paired
from bounds.evidence.thinning import independent_items
from bounds.heads.kind import present_classes
from bounds.heads.knn import NeighbourHead, unit_rows
from bounds.heads.least_squares import LeastSquares
from bounds.heads.losses import HeadLosses, item_losses
from bounds.heads.margins import MarginTable
from bounds.heads.picked import pick
from bounds.information import describe, neural_collapse
from bounds.information.rows import as_pair
from bounds.objectives.partial_labels import PartiallyLabeledVICReg
from bounds.pretraining.monitor import ridge_probe
from bounds.summaries import ClassMoments, WithinScatter
from bounds.summaries.class_distances import class_distances
from bounds.summaries.class_shapes import ClassShapes, conditional, near_orthogonality
from bounds.summaries.mean_classifier import mean_classifier

SIGNED = [torch.int8, torch.int16, torch.int32]
TYPES = [torch.uint8, *SIGNED, torch.uint16, torch.uint32, torch.uint64]


def drawn(n, d, seed=0):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


Z, Y, K = drawn(90, 4), torch.arange(90) % 3, 3
Z[Y == 1] += 1.5
HEAD = LeastSquares.empty(4, K).update(Z, Y).min_norm()


def numpy(y):
    return y.numpy()


def numbers(found):
    """What a call found, as numbers to compare."""
    if isinstance(found, torch.Tensor):
        return found.numpy()
    if hasattr(found, "__dataclass_fields__"):
        return [numbers(getattr(found, name)) for name in found.__dataclass_fields__]
    if isinstance(found, dict):
        return [numbers(one) for one in found.values()]
    if isinstance(found, tuple | list):
        return [numbers(one) for one in found]
    return found


def evaluated(y):
    report = bounds.evaluate(
        None, (Z[:60].float(), y[:60]), test=(Z[60:].float(), y[60:]), num_classes=K, normalize="l2", fresh=True,
        bounds=["test_set", "held_out"], progress=False,
    )  # fmt: skip
    return [report[name].value for name in ("test_set", "held_out")]


PLACES = {
    "evaluate": evaluated,
    "few_shot": lambda y: (
        bounds.few_shot(Z.float(), y, shots=1, permutations=2, fresh=True).to_frame().to_numpy()
    ),
    "swap_test": lambda y: bounds.swap_test(Z, Z + 1, y).p_value,
    "certify": lambda y: str(bounds.certify(numpy(y))),
    "duel": lambda y: str(bounds.duel(numpy(y), numpy((Y + 1) % 3).astype(numpy(y).dtype), test=numpy(y))),
    "rademacher": lambda y: bounds.rademacher((Z, y), LinearHead(1.0), draws=5).monte_carlo,
    "describe": lambda y: describe(Z, labels=y)["cdnv"],
    "neural_collapse": lambda y: neural_collapse(Z, y),
    "class_moments": lambda y: ClassMoments.empty(4, K).update(Z, y),
    "within": lambda y: WithinScatter.empty(4, K).update(Z, y),
    "class_distances": lambda y: class_distances(ClassMoments.empty(4, K).update(Z, Y), [(Z, y)]),
    "least_squares": lambda y: LeastSquares.empty(4, K).update(Z, y).min_norm().weight,
    "losses": lambda y: HeadLosses.of(HEAD, [(Z, y)]).error,
    "item_losses": lambda y: item_losses(HEAD(Z), y),
    "margins": lambda y: MarginTable.empty(K).update(HEAD(Z), y, torch.ones(90, dtype=torch.float64)).sums,
    "mean_classifier": lambda y: mean_classifier(drawn(K, 4), torch.full((K,), 1 / K), [(Z, y)]).error,
    "neighbours": lambda y: NeighbourHead(unit_rows(Z), y, 5, K, "votes")(Z),
    "present_classes": lambda y: present_classes(y, K),
    "picked": lambda y: (
        pick(Z, y, K, penalty=1.0, batch=5, prior=np.arange(90) < 9, ties=np.arange(90.0)).rows
    ),
    "shapes": lambda y: ClassShapes.of(Z, y, K),
    "exact_shapes": lambda y: ClassShapes.exact(Z, y, torch.full((90,), 1 / 90)),
    "conditional": lambda y: conditional(Z, y, Z[:9], y[:9], 3),
    "near_orthogonality": lambda y: dict(near_orthogonality(Z, y, y, (0, 1), (0, 2))),
    "partial_labels": lambda y: float(PartiallyLabeledVICReg(K)(Z.float(), Z.float() + 0.1, y)),
    "ridge_probe": lambda y: ridge_probe(Z[:60], y[:60], Z[60:], y[60:], K),
    "class_pairs": lambda y: class_pairs(numpy(y), seed=0, class_prior_known=False, name="x").first,
    "independent_items": lambda y: independent_items(
        numpy(y), torch.full((K,), 1 / K, dtype=torch.float64), failure=0.1
    ),
    "paired": lambda y: paired(numpy(Y), numpy((Y + 1) % 3), numpy(y), 0.1),
}


@pytest.mark.parametrize("place", PLACES)
def test_labels_of_every_integer_type_count_alike(place):
    right = numbers(PLACES[place](Y))
    for dtype in TYPES if place != "evaluate" else (torch.uint64,):  # whole reports take long
        np.testing.assert_equal(numbers(PLACES[place](Y.to(dtype))), right, err_msg=str(dtype))


@settings(max_examples=15)
@given(st.sampled_from(TYPES), st.integers(2, 120), st.integers(2, 60))
def test_labels_of_any_type_and_number_of_classes_count_alike(dtype, classes, rows):
    y, z = torch.arange(rows * 7) % classes, drawn(rows * 7, 2)
    narrow = y.to(dtype)
    head = LeastSquares.empty(2, classes).update(z, y).min_norm()
    same = LeastSquares.empty(2, classes).update(z, narrow).min_norm()
    assert torch.equal(same.weight, head.weight)
    assert torch.equal(
        ClassMoments.empty(2, classes).update(z, narrow).counts, torch.bincount(y, minlength=classes)
    )
    assert HeadLosses.of(head, [(z, narrow)]).error == HeadLosses.of(head, [(z, y)]).error
    assert torch.equal(present_classes(narrow, classes), torch.unique(y))


@pytest.mark.parametrize("narrow", [0, 1])
def test_a_pair_of_views_has_the_wider_type_of_both(narrow):
    views = [1e9 + drawn(5, 2), 1e9 + drawn(5, 2, seed=1)]
    views[narrow] = views[narrow].float()
    for view, found in zip(views, as_pair(tuple(views)), strict=True):
        assert found.dtype == torch.float64
        assert torch.equal(found, view.double())
