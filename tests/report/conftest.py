"""One report of every bound, made once, and an encoder like it."""

from dataclasses import replace

import numpy as np
import pytest

import bounds
from tests.worlds_small import gaussian_classes

FRESH = {"pairs": "class", "labeled_is_fresh": True, "unlabeled_is_fresh": True}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    r"\input{/etc/passwd} $x^2$ _a_ & % # ~ \\",
    "\u202eright to left\u202c שלום",
    "x" * 500,
    "a\x00b\x1b[31m\n\n% new line",
    "{{ 7 * 7 }} {% raw %}",
)


@pytest.fixture(scope="session")
def whole():
    """Every bound, certified where the data allow."""
    x, y, a, b, yp = gaussian_classes(np.random.default_rng(3), 4, 8, 520, 200, separation=3.0)
    return bounds.evaluate(
        None,
        (x[:120], y[:120]),
        (a, b, yp),
        test=(x[120:], y[120:]),
        class_prior="balanced",
        declared={"test_is_fresh": True},
        name="whole",
        **FRESH,
    )


def hostile(report, text):
    """The same report with this text wherever somebody else's words may stand."""
    first = next(iter(report))
    term = next(iter(first.terms.values()))
    theirs = replace(
        first,
        name=text,
        title=text,
        source=text,
        about=text,
        statement=text,
        notes=(text,),
        contradiction=text,
        terms={text: replace(term, name=text, meaning=text, lowered_by=text, latex=text)},
        table={text: {text: 0.5}},
    )
    one = next(iter(report.assumptions.values()))
    return replace(
        report,
        name=text,
        bounds={text: theirs, **{bound.name: bound for bound in list(report)[1:4]}},
        not_applicable={text: text},
        measured={
            text: {"loss": 0.1, "projected_loss": 0.1, "squared_loss": 0.1, "error": 0.0},
            **report.measured,
        },
        assumptions={**report.assumptions, one.name: replace(one, reason=text)},
        provenance={**report.provenance, text: {text: text}},
        class_names=(text,),
        notes=(text,),
    )
