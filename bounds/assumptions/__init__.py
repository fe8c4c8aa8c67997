"""What a certificate rests on: one file per assumption, with what it says, how it is declared and what refutes it.

Withholding a certificate cannot make one wrong, so a test spends no δ: if the assumption is true, the chance of a
certified and wrong bound is at most δ whatever the test does. At p ≤ 10⁻⁴ the assumption reads "violated"; a test that
passes changes no status.
"""

from bounds.assumptions.assumption import Assumption, AssumptionTest
from bounds.assumptions.declaration import Declared
from bounds.assumptions.encoder_choice import EncoderChoice
from bounds.assumptions.swap import swap_test

__all__ = ["Assumption", "AssumptionTest", "Declared", "EncoderChoice", "swap_test"]
