"""Formulas are written as one writes them: roots in one, what is taken away last."""

import pytest
import sympy as sp

from bounds.derivations import symbols as s
from bounds.derivations.functions import Max, Min
from bounds.derivations.inequalities import hoeffding
from bounds.derivations.printing import latex_of
from bounds.theorems.derive import derive

x = sp.Symbol("x", positive=True)


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        (hoeffding(s.tau, s.delta_1, s.n), r"\tau \sqrt{\frac{\ln{\left(\frac{1}{\delta_1} \right)}}{2 n}}"),
        (-hoeffding(s.tau, s.delta_1, s.n), r"- \tau \sqrt{\frac{\ln{\left(\frac{1}{\delta_1} \right)}}{2 n}}"),
        (3 * sp.sqrt(2 * s.K / s.m), r"3 \sqrt{\frac{2 K}{m}}"),
        ((x + 1) * sp.sqrt(s.K / s.m), r"\left(x + 1\right) \sqrt{\frac{K}{m}}"),
        (sp.sqrt(s.K / s.m), r"\sqrt{\frac{K}{m}}"),
        (sp.sqrt(s.K) / s.m, r"\frac{\sqrt{K}}{m}"),
        (s.n - s.c, "n - c"),
        (-s.c + 1, "1 - c"),
        (Max(0, 1 + x), "x + 1"),
        (Max(0, 1 - x), r"\max\left(0, 1 - x\right)"),
        (Min(0, 1 + x), r"\min\left(0, x + 1\right)"),
        (s.residual_S, r"\hat r_S"),
    ],
)  # fmt: skip
def test_written(formula, written):
    assert latex_of(formula) == written


def test_the_range_of_the_hinge_is_written_as_one_would():
    confidence = derive("simclr").expression.latex("confidence")
    assert r"s^{2} r + 1 - \max\left(0, 1 - s^{2} r\right)" in confidence
