"""`rrm`, `rrm_information`: robustness, rationality and memorisation gaps from clean and noisy fits; estimates."""

from __future__ import annotations

from dataclasses import asdict

from bounds.derivations import rrm as derivation
from bounds.evidence.evidence import Evidence
from bounds.evidence.noisy_fits import noisy_fits
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem

_TEXTS = {
    "training_error": ("error of the clean fit on S", "a better head"),
    "robustness": (
        "what noise in the labels costs on S, against clean labels",
        "fewer dimensions, more labels",
    ),
    "rationality": ("what seeing a wrong label gains over seeing none", ""),
    "memorization": (
        "how much better a row is predicted when its label was clean",
        "fewer dimensions, more labels",
    ),
}


def _inputs_for(evidence: Evidence, informed: bool) -> Inputs:
    found = noisy_fits(evidence)
    values = {name: float(number) for name, number in asdict(found).items() if name != "scored"}
    notes = [f"{found.fits} noisy fits at η = {found.noise:g}"]
    if found.scored < evidence.n:
        notes.append(f"accuracies of {found.scored:,} rows drawn from {evidence.n:,}; the fits see all")
    measured = evidence.test is not None
    if measured:
        values["test_accuracy"] = 1.0 - evidence.head_test_losses.error
    else:
        notes.append("rationality is taken as zero; pass `test` to measure it")
    return Inputs(
        derivation.expression(rationality=measured, informed=informed),
        values,
        {},
        evidence.head,
        tuple(notes),
    )


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    return _inputs_for(evidence, informed=False)


def _informed_inputs(evidence: Evidence, delta: float) -> Inputs:
    return _inputs_for(evidence, informed=True)


RRM = Theorem(
    name="rrm",
    title="robustness, rationality and memorisation gaps",
    source="Bansal, Kaplun and Barak (2021), Fact I; gaps measured",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`",
    assumptions=("A2", "A6"),
    inputs=_inputs,
    texts=_TEXTS,
    axis=ERROR,
    kind="estimate",
)

RRM_INFORMATION = Theorem(
    name="rrm_information",
    title="the same, memorisation limited by mutual information",
    source="after Bansal, Kaplun and Barak (2021), Theorem II, information pooled over rows",
    statement=RRM.statement,
    predictor=RRM.predictor,
    assumptions=RRM.assumptions,
    inputs=_informed_inputs,
    texts=_TEXTS,
    axis=ERROR,
    kind="estimate",
)
