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
        (hoeffding(s.tau, s.delta_1, s.n), r"\tau \sqrt{\ln\left(1 / \delta_1\right) / \left(2 n\right)}"),
        (-hoeffding(s.tau, s.delta_1, s.n), r"- \tau \sqrt{\ln\left(1 / \delta_1\right) / \left(2 n\right)}"),
        (3 * sp.sqrt(2 * s.K / s.m), r"3 \sqrt{2 K / m}"),
        ((x + 1) * sp.sqrt(s.K / s.m), r"\left(x + 1\right) \sqrt{K / m}"),
        (sp.sqrt(s.K / s.m), r"\sqrt{K / m}"),
        (1 / sp.sqrt(s.K * s.m), r"\frac{1}{\sqrt{K} \sqrt{m}}"),
        (sp.log((x + 1) / s.m) ** 2, r"\ln\left(\left(x + 1\right) / m\right)^{2}"),
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
