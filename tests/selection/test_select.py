"""Encoders ranked without labels: by the measure asked for, in its direction, with the study's cost beside."""

import json
import math

import pytest
import torch

import bounds
from bounds.encoders.architectures import SmallConvNet
from bounds.errors import InvalidData, InvalidOption, NotApplicable
from bounds.selection.score import LARGER_IS_BETTER
from bounds.selection.select import STUDY


def pair(spread: float, n: int = 300, d: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Two views whose later dimensions have weight `spread`: the more, the larger every rank."""
    g = torch.Generator().manual_seed(0)
    weights = torch.tensor([1.0, *[spread] * (d - 1)])
    z = torch.randn(n, d, generator=g) * weights
    return z, z + 0.1 * weights * torch.randn(n, d, generator=g)


def encoders() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    return {"thin": pair(0.05), "round": pair(1.0), "middle": pair(0.3)}


@pytest.mark.parametrize(
    "measure", ["rank_me", "stable_rank", "effective_rank", "ne_sum", "self_cluster", "uniformity"]
)
def test_the_order_is_that_of_the_measure_in_its_direction(measure: str) -> None:
    found = bounds.select(encoders(), measure=measure)
    assert list(found.scores) == ["round", "middle", "thin"]
    assert found.chosen == "round"
    for name, views in encoders().items():
        assert found.scores[name] == pytest.approx(bounds.describe(views)[measure])


def test_smaller_and_larger_measures_are_told_apart() -> None:
    close, far = pair(1.0), (pair(1.0)[0], pair(1.0)[0].flip(0))
    found = bounds.select({"far": far, "close": close}, measure="alignment")
    assert found.chosen == "close"
    assert list(found.scores.values()) == sorted(found.scores.values())
    exact = bounds.select(encoders(), measure="alpha_req_from_1")
    for name, views in encoders().items():
        assert exact.scores[name] == pytest.approx(abs(bounds.describe(views)["alpha_req"] - 1))


def test_the_default_is_the_best_of_the_study_and_its_cost_is_said() -> None:
    study = json.loads(STUDY.read_text(encoding="utf-8"))
    found = bounds.select(encoders())
    assert (
        found.measure
        == study["best"]
        == max(
            study["measures"], key=lambda name: min(one["tau"] for one in study["measures"][name].values())
        )
    )
    assert found.study == study["measures"][found.measure]
    for one in found.study.values():
        assert f"{100 * one['regret']:.1f} points of error" in str(found)
        assert f"{100 * one['regret']:.1f} points of error" in found._repr_html_()
    assert set(study["measures"]) <= set(LARGER_IS_BETTER)


def test_collapsed_encoders_come_last_and_alone_are_refused() -> None:
    zero = (torch.zeros(300, 6), torch.zeros(300, 6))
    found = bounds.select({"collapsed": zero, **encoders()}, measure="rank_me")
    assert list(found.scores)[-1] == "collapsed"
    assert math.isnan(found.scores["collapsed"])
    assert found.to_frame().loc["round", "rank_me"] == found.scores["round"]
    with pytest.raises(NotApplicable, match="rank_me"):
        bounds.select({"a": zero}, measure="rank_me")


def test_networks_see_the_same_views_of_the_same_images() -> None:
    images = torch.randint(
        0, 256, (40, 1, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    torch.manual_seed(0)
    network = SmallConvNet(1, 8, 5)
    found = bounds.select({"a": network, "b": network}, images, measure="rank_me", device="cpu")
    again = bounds.select({"a": network}, images, measure="rank_me", device="cpu", batch_size=7)
    assert found.scores["a"] == found.scores["b"] == pytest.approx(again.scores["a"], rel=1e-4)
    assert not math.isnan(found.descriptions["a"]["lidar"])


def test_with_labels_the_two_best_meet() -> None:
    torch.manual_seed(0)
    images, truth = torch.rand(60, 1, 8, 8), torch.arange(60) % 3
    networks = {name: SmallConvNet(1, 8, 5) for name in "abc"}
    found = bounds.select(networks, images[20:], (images[:20], truth[:20]), measure="rank_me", device="cpu")
    assert found.duel is not None
    assert list(found.duel.panel.names) == list(found.scores)[:2]
    assert "errs less is not decided" in str(found)
    alone = bounds.duel(
        *(networks[name] for name in found.duel.names), (images[:20], truth[:20]), images[20:]
    )
    assert found.duel.to_label.tolist() == alone.to_label.tolist()


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(InvalidOption, match="needs `unlabeled` images"):
        bounds.select(encoders(), labeled=(torch.zeros(3, 6), torch.zeros(3)))
    with pytest.raises(InvalidOption, match="did you mean `rank_me`"):
        bounds.select(encoders(), measure="rankme")
    with pytest.raises(InvalidOption, match="unlabeled"):
        bounds.select({"a": SmallConvNet(1, 8, 5)}, measure="rank_me")
    with pytest.raises(InvalidData, match="same items"):
        bounds.select({"a": pair(1.0), "b": pair(1.0, n=200)}, measure="rank_me")
    for bad in ({}, [], "a.safetensors", 3, ["x/a.safetensors", "y/a.safetensors"], [SmallConvNet(1, 8, 5)]):
        with pytest.raises(InvalidOption, match="`encoders`"):
            bounds.select(bad, torch.zeros(4, 1, 8, 8))
