"""What the theorems proven in the kernel assume, spend and require, and their facts in random worlds."""

from inspect import signature
from itertools import product
from typing import get_args, get_type_hints

import pytest
import sympy as sp

from bounds.derivations.expression import Expression
from bounds.proofs.terms import Sample
from bounds.theorems import THEOREMS

PAIRS = {"A1", "A3", "A4", "A6", "A6'", "prior"}
ASSUMED = {
    "test_set": {"H"},
    "test_set_loss": {"H"},
    "test_set_top_k": {"H"},
    "test_set_classes": {"H", "K"},
    "test_set_balanced": {"H", "K"},
    "test_set_selective": {"H"},
    "few_shot": {"A2", "A5", "A6"},
    "pick_to_learn": {"A2", "A5", "A6"},
    "held_out": {"A2", "A6"},
    "pac_bayes": {"A2", "A6"},
    "pac_bayes_deterministic": {"A2", "A6"},
    "agreement": {"A1", "A2", "A3", "A5", "A6", "A6'", "A7", "K", "prior"},
    "agreement_no_holdout": {"A1", "A2", "A3", "A5", "A6", "A6'", "A7", "K", "prior"},
    "vicreg_sharp": {"A1", "A2", "A3", "A4", "A5", "A6", "A6'", "A7", "K", "prior"},
    "prediction_powered": {"A2", "A3", "A6", "A7", "U", "prior"},
    "prediction_powered_betting": {"A2", "A3", "A6", "A7", "U", "prior"},
    "augmentation_gain": {"A1'", "A3", "A6", "A6'", "A7"},
    "augmentation_gain_lower": {"A1'", "A3", "A6", "A6'", "A7"},
    "augmentation_risk": {"A1'", "A2", "A3", "A6", "A6'", "A7"},
    "augmentation_error_floor": {"label", "A3", "A6", "A6'", "A7", "prior"},
    "reference_head": {"A2", "A3", "A6", "A7", "U", "prior"},
    "reference_head_loss": {"A2", "A3", "A6", "A7", "U", "prior"},
    "vicreg_direct": {"K", "A1", "A2", "A3", "A4", "A5", "A6", "A6'", "prior"},
    "vicreg_certified": {"K", "A1", "A2", "A3", "A4", "A5", "A6", "A6'", "prior", "A7"},
    "vicreg_best": {"K", "A1", "A2", "A3", "A4", "A5", "A6", "A6'", "prior", "A7"},
    "trivial_reference": {"A3", "A4", "A5", "A6", "A6'", "prior"},
    "supervised": {"A2", "A4", "A6"},
    "supervised_projected": {"A2", "A4", "A6"},
    "centred_head": {"A2", "A4", "A6"},
    "centred_head_error": {"A2", "A4", "A6"},
    "haochen_2021": PAIRS | {"A5"},
    "van_elst_2024": PAIRS - {"A1"},
    "infonce": PAIRS,
    "infonce_sharp": PAIRS,
    "arora_2019": PAIRS,
    "nozawa_2021": PAIRS,
    "bao_2022": PAIRS,
    "simclr": PAIRS,
    "simclr_logistic": PAIRS,
    "vicreg": {"K", "A1", "A2", "A3", "A4", "A5", "A6", "A6'", "prior", "A7"},
    "vicreg_second_moment": {"K", "A1", "A2", "A3", "A4", "A5", "A6", "A6'", "prior", "A7"},
    "vicreg_second_moment_ridge": {"K", "A1", "A2", "A3", "A4", "A5", "A6", "A6'", "prior", "A7"},
}
SPENT = {
    "test_set": "delta",
    "test_set_loss": "delta",
    "test_set_top_k": "delta",
    "test_set_classes": "delta",
    "test_set_balanced": "delta",
    "test_set_selective": "delta",
    "few_shot": "delta",
    "pick_to_learn": "delta",
    "held_out": "delta",
    "reference_head": "delta_1 delta_2",
    "pac_bayes": "delta",
    "pac_bayes_deterministic": "delta",
    "agreement": "delta_1 delta_2 delta_5",
    "agreement_no_holdout": "delta_1 delta_2 delta_5",
    "vicreg_sharp": "delta_1 delta_2 delta_3 delta_4 delta_5 delta_6",
    "prediction_powered": "delta_1 delta_2",
    "prediction_powered_betting": "delta_1 delta_2",
    "augmentation_gain": "delta_1",
    "augmentation_gain_lower": "delta_2",
    "augmentation_risk": "delta_1 delta_2",
    "augmentation_error_floor": "delta_1",
    "reference_head_loss": "delta_1 delta_2",
    "vicreg_direct": "delta_1 delta_2 delta_5",
    "vicreg_certified": "delta_1 delta_2 delta_3 delta_4 delta_5",
    "vicreg_best": "delta_1 delta_2 delta_3 delta_4 delta_5",
    "trivial_reference": "delta_4",
    "supervised": "delta",
    "supervised_projected": "delta",
    "centred_head": "delta_1 delta_2",
    "centred_head_error": "delta_1 delta_2",
    "haochen_2021": "delta_1 delta_2",
    "van_elst_2024": "delta_loss",
    "simclr": "delta_loss",
    "simclr_logistic": "delta_loss",
    "vicreg": "delta_1 delta_2 delta_3 delta_4 delta_5",
    "vicreg_second_moment": "delta_1 delta_2 delta_5",
    "vicreg_second_moment_ridge": "delta_1 delta_2 delta_5",
} | dict.fromkeys(("infonce", "infonce_sharp", "arora_2019", "nozawa_2021", "bao_2022"), "delta_loss")
REQUIRED = {
    "pac_bayes": {"n_Q >= 8"},
    "pac_bayes_deterministic": {"n_Q >= 8"},
    "vicreg_certified": {"frobenius_ref <= 2**radius_index"},
    "vicreg": {"frobenius_ref <= 2**radius_index"},
    "vicreg_best": {"frobenius_ref <= 2**radius_index"},
    "trivial_reference": {"frobenius_ref <= 2**radius_index"},
    "supervised": {"W_frobenius <= 2**radius_index"},
    "centred_head": {"head_shift <= 2**(radius_index/4)"},
    "centred_head_error": {"head_shift <= 2**(radius_index/4)"},
    "supervised_projected": {"W_frobenius <= 2**(radius_index/4)"},
}
# What is chosen after the data, by the size of what it is chosen from, and the bounds that pay for the choice.
CHOSEN = {
    "functions": {
        "arora_2019", "bao_2022", "haochen_2021", "infonce", "infonce_sharp", "nozawa_2021", "van_elst_2024",
        "simclr", "simclr_logistic", "trivial_reference", "vicreg", "vicreg_best", "vicreg_certified",
    },
    "heads": {"vicreg_second_moment_ridge"},
    "grid": {"pac_bayes", "pac_bayes_deterministic"},
    "metrics": {"centred_head", "centred_head_error"},
    "thresholds": {"centred_head_error"},
    "scales": {"simclr", "simclr_logistic"},
    "ranks": {"test_set_selective"},
    "class_items": {"test_set_classes"},
    "radius_index": set(REQUIRED) - {"pac_bayes", "pac_bayes_deterministic"},
}  # fmt: skip
PROVEN = {name: theorem.proof for name, theorem in THEOREMS.items() if theorem.proof is not None}


def variants(proof):
    hints, options = get_type_hints(proof), list(signature(proof).parameters)
    choices = [(False, True) if hints[key] is bool else get_args(hints[key]) for key in options]
    return [dict(zip(options, choice)) for choice in product(*choices)]


def test_a_bound_has_one_proof():
    assert set(PROVEN) == set(ASSUMED)


@pytest.mark.parametrize("name", PROVEN)
def test_assumptions_are_computed_by_the_proof(name):
    assert set(THEOREMS[name].needs) == ASSUMED[name]
    assert THEOREMS[name].assumptions == ()


@pytest.mark.parametrize("name", PROVEN)
def test_an_option_that_is_not_given_is_off(name):
    """Pairs are i.i.d., the prior is unknown, the statistic is the first that is named; test losses are bet on."""
    proof, hints = PROVEN[name], get_type_hints(PROVEN[name])
    off = {
        key: key == "betting" if hints[key] is bool else get_args(hints[key])[0]
        for key in signature(proof).parameters
    }
    plain, explicit = proof(), proof(**off)
    assert plain.expression.terms == explicit.expression.terms
    assert plain.assumptions == explicit.assumptions
    assert [event.share for event in plain.events] == [event.share for event in explicit.events]


@pytest.mark.parametrize("name", PROVEN)
def test_each_event_spends_a_share_of_its_own(name):
    events = PROVEN[name]().events
    assert {str(event.share) for event in events} == set(SPENT[name].split())
    assert len(events) == len(SPENT[name].split())


@pytest.mark.parametrize("name", PROVEN)
def test_what_evaluation_has_to_check(name):
    assert {str(one) for one in PROVEN[name]().expression.requires} == REQUIRED.get(name, set())


@pytest.mark.parametrize("size", CHOSEN)
def test_a_choice_made_after_the_data_is_paid_for(size):
    """And one that was not made is not."""
    for name, proof in PROVEN.items():
        held = {symbol.name for symbol in proof().expression.symbols}
        assert (size in held) == (name in CHOSEN[size]), name


def test_a_known_prior_spends_nothing_on_the_classes():
    for name in ("vicreg_direct", "vicreg_certified"):
        known = PROVEN[name](prior_known=True)
        assert "delta_5" not in {str(event.share) for event in known.events}
        assert "prior" in known.assumptions
        assert known.expression.terms["class_frequencies"].has(sp.Symbol("TV_S", nonnegative=True))


def test_thinned_pairs_pay_for_the_thinning():
    for name in (
        "infonce",
        "infonce_sharp",
        "arora_2019",
        "nozawa_2021",
        "bao_2022",
        "van_elst_2024",
        "simclr",
    ):
        shares = {str(event.share) for event in PROVEN[name](thinned=True).events}
        assert shares == {"delta_loss", "delta_classes"}


def test_a_thinned_pool_of_haochen_pays_for_the_thinning_and_not_for_its_counts():
    for conditioned in (False, True):
        found = PROVEN["haochen_2021"](thinned=True, conditioned_pairs=conditioned)
        assert {str(event.share) for event in found.events} == {"delta_1", "delta_2", "delta_classes"}
        assert "pair_frequencies" not in found.expression.terms


def test_fixed_counts_of_the_pairs_add_their_distance():
    for name in (
        "vicreg_direct",
        "vicreg_certified",
        "trivial_reference",
        "reference_head",
        "reference_head_loss",
        "haochen_2021",
        "simclr",
        "simclr_logistic",
        "vicreg",
        "vicreg_second_moment",
        "vicreg_second_moment_ridge",
    ):
        plain, fixed = (PROVEN[name](conditioned_pairs=one).expression.terms for one in (False, True))
        assert set(fixed) - set(plain) == {"pair_frequencies"}


@pytest.mark.parametrize("classes", [7, 1000])
def test_the_smaller_radius_of_the_class_frequencies_is_paid(classes):
    """Weissman's where classes are few, that of Cauchy-Schwarz and McDiarmid where they are many."""
    from math import log, sqrt

    n, m, d5, d6 = 400, 900, 0.01, 0.02

    def radii(size, share):
        subsets = classes * log(2) + log(1 - 2 ** (1 - classes))  # 2^K − 2
        return sqrt((subsets + log(1 / share)) / (2 * size)), sqrt((classes - 1) / size) / 2 + sqrt(
            log(1 / share) / (2 * size)
        )

    of_S, of_pairs = radii(n, d5), radii(m, d6)
    assert of_S.index(min(of_S)) == of_pairs.index(min(of_pairs)) == (classes == 1000)
    numbers = {
        "n": n,
        "m": m,
        "K": classes,
        "delta_5": d5,
        "delta_6": d6,
        "class_spread": 0.3,
        "kappa_ref": 1.7,
    }
    expected = {
        "vicreg_sharp": sqrt(2) * min(of_S) + 1.7 * min(of_pairs),
        "agreement": 0.3 * min(of_S),
        "agreement_no_holdout": 0.3 * min(of_S),
    }
    for name, value in expected.items():
        term = PROVEN[name]().expression.terms["class_frequencies"]
        assert Expression({"it": term}).evaluate(numbers)["it"] == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize(
    "name", [name for name in PROVEN if "conditioned_pairs" in signature(PROVEN[name]).parameters]
)
def test_what_is_used_at_fixed_class_counts_holds_for_independent_items_of_unequal_law(name):
    used = 0
    for step in PROVEN[name](conditioned_pairs=True).fact.steps:
        own = step.events.difference(*(premise.events for premise in step.premises))
        if step.lemma is not None and own and any(one.fixed for one in (step.lhs + step.rhs).atoms(Sample)):
            assert step.lemma.unequal, step.lemma.name
            used += 1
    assert used


def bound_of(name, numbers, **options):
    expression = PROVEN[name](**options).expression
    return expression.combined(expression.evaluate(numbers))


def test_vicreg_certified_is_the_formula_of_the_theory():
    """Typed from the theory, not from the code."""
    from math import log, pi, sqrt

    v = {
        "n": 300, "m": 700, "K": 6, "B": 1.0, "tau": 2.0, "functions": 3, "R_F": 0.4, "invariance": 0.31, "c": 2.2,
        "kappa_S": 3.1, "kappa_ref": 2.9, "residual_S": 0.3, "residual_ref": 0.5, "frobenius_ref": 3.7, "radius_index": 2,
        "TV_S": 0.05, "TV_pairs": 0.03, "delta_1": 0.01, "delta_2": 0.02, "delta_3": 0.005, "delta_4": 0.004,
        "delta_5": 0.011,
    }  # fmt: skip
    weight = 1 / ((pi**2 / 3 - 1) * 9)
    invariance = 0.31 + 2 * 0.4 / sqrt(700) + 2 * sqrt(log(1 / 0.02) / 1400) + 2 * sqrt(log(1 / 0.01) / 600)
    head = 0.5 + 2 * sqrt(2) * 4 * sqrt(6) / sqrt(700) + 5 * sqrt(log(3 / (0.004 * weight)) / 1400)
    head += 2.9 * sqrt(log(1 / 0.005) / 600)
    classes = 3.1 * sqrt(log((2**6 - 2) / 0.011) / 600)
    total = 0.3 + 2.2 * invariance + 2 * head + classes
    assert bound_of("vicreg_certified", v) == pytest.approx(total, rel=1e-10)
    total += 3.1 * 0.05 - classes + (2.2 * 2 + 2 * 5) * 0.03
    found = bound_of("vicreg_certified", v, prior_known=True, conditioned_pairs=True)
    assert found == pytest.approx(total, rel=1e-10)
