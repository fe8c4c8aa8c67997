"""What every registered bound must satisfy, whatever it says; parametrised over the registry."""

import math
import re
from dataclasses import replace
from inspect import signature
from itertools import product
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch

from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.representations.table import Representations
from bounds.theorems import ON_REQUEST, THEOREMS, Bound
from bounds.theorems.vocabulary import FITTED
from bounds.worlds import WORLDS, checkable

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = (*THEOREMS, *ON_REQUEST)
DELTA = 0.1


def two_views(evidence):
    """S with a second view per item, for the bounds that need one."""
    first = evidence.labeled.views[0]
    nudge = 0.05 * torch.sin(10 * first)
    return replace(evidence, labeled=replace(evidence.labeled, views=(first, first + nudge)))


def first_rows(table, count):
    return replace(table, views=tuple(view[:count] for view in table.views), labels=table.labels[:count])


@pytest.fixture(scope="module")
def evidence():
    """Gaussian classes, prior known; the head is near perfect, so that few bounds are at their ends."""
    world = WORLDS["known_prior"]().with_options(options={"top_k": 1})
    return two_views(world.sample(np.random.default_rng(5), 90, 80, 40).evidence)


@pytest.fixture(scope="module")
def without_prior(evidence):
    return replace(evidence, setting=replace(evidence.setting, prior=None))


def theorem_of(name):
    return {**THEOREMS, **ON_REQUEST}[name]


def found(name, evidence, delta=DELTA):
    try:
        return theorem_of(name).found(evidence, delta)
    except NotApplicable as reason:
        pytest.skip(f"{name} does not apply: {reason}")


def changed(evidence, view=lambda z: z, label=None, table=Representations, **setting):
    """The same evidence with each view and label mapped."""

    def mapped(old):
        labels = old.labels if label is None else np.asarray(label)[old.labels]
        return table(tuple(view(v) for v in old.views), labels, old.name)

    return Evidence(
        replace(evidence.setting, **setting),
        mapped(evidence.labeled),
        mapped(evidence.pairs),
        mapped(evidence.test),
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_terms_add_up_to_the_value_and_no_part_is_lost(name, evidence):
    inputs = found(name, evidence)
    bound = theorem_of(name).evaluate(evidence, DELTA)
    total = math.fsum(term.value for term in bound.terms.values())
    assert bound.value == pytest.approx(math.sqrt(total) if bound.combine == "root" else total, rel=1e-9)
    assert bound.value == pytest.approx(inputs.value, rel=1e-11)  # rounding alone never exceeds the axis
    for term in bound.terms.values():
        if term.parts:
            assert math.fsum(term.parts.values()) == pytest.approx(term.value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_events_of_a_proof_share_delta(name, evidence):
    split = theorem_of(name).evaluate(evidence, DELTA).split if found(name, evidence) else {}
    if split:
        printed = name == "vicreg" and evidence.setting.constants == "printed"
        assert sum(split.values()) == pytest.approx(DELTA * (4 / 3 if printed else 1), rel=1e-12)


CASES = {
    "prior known": {},
    "prior unknown": {"prior": None},
    "class counts of the pairs fixed": {"conditioned_pairs": True},
    "two negatives": {"options": {"negatives": 2, "top_k": 1}},
    "two negatives, class counts fixed": {
        "options": {"negatives": 2, "top_k": 1}, "conditioned_pairs": True
    },
}  # fmt: skip


def variants(proof):
    hints, options = get_type_hints(proof), list(signature(proof).parameters)
    choices = [(False, True) if hints[key] is bool else get_args(hints[key]) for key in options]
    return [proof(**dict(zip(options, choice, strict=True))) for choice in product(*choices)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name != "vicreg_best"]
)  # evaluates one of its halves
def test_the_report_evaluates_a_variant_of_the_proof_that_is_shown(name, case, evidence):
    """What one reads by `derive` is what is evaluated, and each of its events is paid for with its own share."""
    inputs = found(name, replace(evidence, setting=replace(evidence.setting, **CASES[case])))
    made, proof = inputs.conclusion, theorem_of(name).proof
    if made is None:
        pytest.skip(f"{name} is an estimate")
    same = [one for one in variants(proof) if one.expression.terms == made.expression.terms]
    assert made.assumptions in [one.assumptions for one in same]
    paid, split = {str(event.share) for event in made.events}, set(inputs.split)
    if name in ("augmentation_gain", "augmentation_gain_lower"):
        split -= {"delta_2" if name == "augmentation_gain" else "delta_1"}  # of the other end of the interval
    assert paid == (set() if "largest_loss" in made.expression.terms else split)


@pytest.mark.parametrize("name", NAMES)
def test_a_bound_of_a_head_fitted_on_a_part_counts_on_the_rest_row_by_row(name):
    """Its split is kept whatever is said of repeats: the head was never given the rows that are counted."""
    theorem = theorem_of(name)
    steps = () if theorem.proof is None else theorem.proof().fact.steps
    assert theorem.splits == any(step.lhs.has(FITTED) or step.rhs.has(FITTED) for step in steps)


@pytest.mark.parametrize("name", NAMES)
def test_pairs_are_too_few_or_enough_and_never_fail(name, evidence):
    """What asks for two pairs has enough with two, and what asks for more than two negatives with three."""
    options = {**evidence.setting.options, "negatives": 2}
    few = replace(evidence, setting=replace(evidence.setting, options=options))
    said = [theorem_of(name).attempt(replace(few, pairs=first_rows(few.pairs, m)), DELTA) for m in (1, 2, 3)]
    assert not [one for one in said if isinstance(one, str) and one.startswith("failed here")]
    if isinstance(said[0], str) and any(word in said[0] for word in ("two pairs", "two unlabeled")):
        assert isinstance(said[1], Bound) or "more than 2 pairs for 2 negatives" in said[1]
    if isinstance(said[1], str) and "negatives" in said[1]:
        assert isinstance(said[2], Bound)


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_too_few_or_enough_and_never_fail(name, evidence):
    """What is held out has one item, or two where it has a variance: so many are asked for, and are enough."""
    said = []
    for n in range(1, 26):
        few = replace(evidence, labeled=first_rows(evidence.labeled, n))
        said.append(theorem_of(name).attempt(few, DELTA))
    assert not [one for one in said if isinstance(one, str) and one.startswith("failed here")]
    first = next((n for n, one in enumerate(said) if not isinstance(one, str)), len(said))
    assert not [one for one in said[first:] if isinstance(one, str) and "held-out labels" in one]
    fewest = 2 if name.startswith(("prediction_powered", "augmentation_risk", "centred_head")) else 1
    asked = [re.search(r"at least (\d) held-out labels", str(one)) for one in said[:first]]
    assert {int(one[1]) for one in asked if one} <= {fewest}


@pytest.mark.parametrize("name", NAMES)
def test_rotating_the_representation_changes_nothing(name, evidence):
    dim = evidence.labeled.dim
    rotation = torch.linalg.qr(torch.from_numpy(np.random.default_rng(0).normal(size=(dim, dim))))[0]
    turned = changed(evidence, lambda z: z @ rotation)
    assert found(name, turned).value == pytest.approx(found(name, evidence).value, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_renaming_the_classes_changes_nothing(name, evidence):
    if name == "test_set_balanced":
        pytest.skip("the order of the items of a class is drawn by its number")
    renamed = changed(evidence, label=[2, 0, 1])
    assert found(name, renamed).value == pytest.approx(found(name, evidence).value, rel=1e-7, abs=1e-9)


class SmallChunks(Representations):
    """A table that is read seven rows at a time, so that every summary is merged many times."""

    def chunks(self, rows=7, device="cpu", **part):
        return super().chunks(rows, device, **part)


@pytest.mark.parametrize("name", NAMES)
def test_merging_the_summaries_of_chunks_changes_nothing(name, evidence):
    chunked = changed(evidence, table=SmallChunks)
    assert found(name, chunked).value == pytest.approx(found(name, evidence).value, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_less_confidence_is_never_worse(name, evidence):
    bounds = [found(name, evidence, delta) for delta in (0.01, 0.05, 0.2, 0.6)]
    values = [bound.value for bound in bounds]
    assert values == sorted(values, reverse=not bounds[0].expression.below)


# Sizes that appear in an expression: with all else fixed, more is never worse.
@pytest.mark.parametrize("size", ["n", "m", "N", "n_Q", "blocks"])
@pytest.mark.parametrize("name", NAMES)
def test_more_data_with_the_same_averages_is_never_worse(name, size, evidence):
    inputs = found(name, evidence)
    if theorem_of(name).kind == "estimate":
        pytest.skip("an estimate: printed with constants that need not be monotone")
    if size not in {symbol.name for symbol in inputs.expression.symbols}:
        pytest.skip(f"{name} has no {size}")
    values = []
    for factor in (1, 2, 8, 64):
        grown = dict(inputs.values)
        grown[size] *= factor
        # Counts that belong to the size grow with it, and norms that are sums over it.
        for count in {"n": ("n_min",), "N": ("mistakes",), "m": ("agreements", "disagreements")}.get(
            size, ()
        ):
            if count in grown:
                grown[count] *= factor
        for norm in {"n": ("PY_S",), "m": ("PY_ref",)}.get(size, ()):
            if norm in grown:
                grown[norm] *= math.sqrt(factor)
        values.append(inputs.expression.combined(inputs.expression.evaluate(grown)))
    if inputs.expression.below:
        values = [-value for value in values]
    assert all(
        later <= earlier + 1e-9 * abs(earlier) for earlier, later in zip(values, values[1:], strict=False)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_class_that_never_occurs_does_not_help(name, without_prior):
    more = replace(without_prior, setting=replace(without_prior.setting, num_classes=4))
    before = found(name, without_prior)
    if before.expression.below:
        pytest.skip("a bound from below, of a projection that changes with K")
    if name in ("prediction_powered", "prediction_powered_betting"):
        pytest.skip("the error that the head predicts of itself changes with K")
    if name == "test_set_selective":
        pytest.skip("the lead over the next class, which decides who is answered, changes with K")
    assert found(name, more).value >= before.value * (1 - 1e-9)


@pytest.mark.parametrize(
    "name", ["vicreg_direct", "vicreg_sharp", "vicreg_second_moment", "vicreg_second_moment_ridge"]
)
@pytest.mark.parametrize("scale", [1e-3, 8.0, 1e4])
def test_the_unit_of_the_representation_does_not_matter(name, scale, evidence):
    setting = evidence.setting
    scaled = changed(evidence, lambda z: scale * z, radius=scale * setting.radius, tau=scale * setting.tau)
    assert found(name, scaled).value == pytest.approx(found(name, evidence).value, rel=1e-7)


def test_the_short_form_does_depend_on_the_unit(evidence):
    scaled = changed(evidence, lambda z: 8 * z, radius=8.0, tau=16.0)
    ratio = scaled.pair_moments.invariance / evidence.pair_moments.invariance
    assert ratio == pytest.approx(8)
    assert found("vicreg_short", scaled).value != pytest.approx(
        found("vicreg_short", evidence).value, rel=0.1
    )


def test_every_bound_of_the_registry_has_a_known_truth():
    covered = {theorem.name for theorem in checkable()}
    missing = [
        theorem.name
        for theorem in THEOREMS.values()
        if theorem.kind == "bound" and theorem.name not in covered
    ]
    assert missing == []
