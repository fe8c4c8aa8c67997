"""The page of the study says what its saved results say."""

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "paper_figs"))

import zoo_words  # noqa: E402
from zoo_grid import grid  # noqa: E402

PAGE = (ROOT / "docs/explanation/which-number.md").read_text("utf-8")
DATA = ("cifar10", "mnist")


@pytest.fixture(scope="module")
def rows():
    found = zoo_words.analysis()
    return found[found["target"] == "probe_error"].set_index(["data", "measure"])


@pytest.fixture(scope="module")
def zoo():
    return pd.read_csv(ROOT / "paper_figs/results/zoo.csv", comment="#")


def test_the_sentence_holds_the_regrets_of_the_table(rows):
    said = zoo_words.in_short()
    for measure in (zoo_words.KNOWN, zoo_words.CERTIFICATE):
        costs = " and ".join(f"{100 * rows.loc[(data, measure), 'regret']:.1f}" for data in DATA)
        assert f"`{measure}`" in said
        assert costs in said
    assert re.search(r"78 on CIFAR-10 and 36 on MNIST", said)


def test_every_encoder_of_the_grid_is_measured(zoo):
    names = {one.name for one in grid()}
    assert set(zoo["encoder"]) == names
    assert zoo["encoder"].is_unique


@pytest.mark.parametrize("data", DATA)
def test_what_the_prose_claims(rows, zoo, data):
    assert "A few labels beat every measure without labels" in PAGE
    free = rows.loc[data][rows.loc[data]["kind"] == "no labels"]
    certified = rows.loc[data].loc[["held_out", "pac_bayes", "pick_to_learn"]]
    assert certified["tau"].min() > free["tau"].max()
    assert certified["regret"].max() < 0.01
    for column in ("tau", "granulated_tau"):
        assert free[column].idxmax() == "swap_effect"
    spread = ["uniformity", "self_cluster", "stable_rank", "pairwise_entropy", "vicreg_variance"]
    assert free.loc[spread, "tau_high"].max() < 0
    by = zoo[zoo["data"] == data].groupby("objective")[["uniformity", "probe_error"]].mean()
    assert (
        set(by["uniformity"].nsmallest(2).index)
        == set(by["probe_error"].nlargest(2).index)
        == {"byol", "simsiam"}
    )
    anatomy = rows.loc[data]["tau"]
    assert anatomy["vicreg_direct.labeled_residual"] > 0.8
    assert anatomy["vicreg_direct.invariance"] < 0.5
    assert abs(anatomy["vicreg_direct"] - anatomy["vicreg_direct.invariance"]) < 0.1


def test_rank_me_puts_the_worst_encoder_of_mnist_first(zoo):
    part = zoo[zoo["data"] == "mnist"]
    assert part.loc[part["rank_me"].idxmax(), "probe_error"] == part["probe_error"].max()
