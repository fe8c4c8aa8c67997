"""One file per assumption: what it says, how it is declared, and what in the data refutes it.

Withholding a certificate cannot make one wrong, so a test spends no δ: if the assumption is true, the chance of a
certified and wrong bound is at most δ whatever the test does. At p ≤ 10⁻⁴ the assumption reads "violated"; a test that
passes changes no status.
"""

from bounds.assumptions.statuses import Given as Given
from bounds.assumptions.statuses import statuses as statuses
from bounds.assumptions.swap import swap_test as swap_test

__all__ = ["Given", "statuses", "swap_test"]
