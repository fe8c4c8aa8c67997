"""The catalogue lists every theorem with what it needs."""

import bounds
from bounds.report.families import FAMILIES
from bounds.theorems import THEOREMS


def test_it_lists_every_theorem_of_every_family():
    table = bounds.catalogue()
    assert set(table.index) == set(THEOREMS)
    assert set(table.family) == set(FAMILIES) - {"other"}
    assert table.loc["test_set", "needs"] == "H"
    assert "A1" in table.loc["vicreg_certified", "needs"].split(", ")
    assert table.loc["test_set", "proven"]
    assert not table.loc["rrm", "proven"]
    assert (table[table.proven].kind == "bound").all()


def test_families_are_what_they_say():
    family = bounds.catalogue().family
    expected = {
        "vicreg": "vicreg", "trivial_reference": "vicreg", "simclr": "contrastive", "haochen_2021": "contrastive",
        "luthra_2025": "few_shot", "pac_bayes": "supervised", "held_out": "counting", "agreement": "invariance",
        "augmentation_risk": "invariance", "rrm": "memorisation", "test_set_top_k": "counting",
    }  # fmt: skip
    assert family[list(expected)].to_dict() == expected
