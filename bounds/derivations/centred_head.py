"""Symbols of uniform convergence around a head learned on a part of S, in its own metric."""

from __future__ import annotations

from bounds.derivations.symbols import symbol

metrics = symbol("metrics", "M", "number of splits and metrics A tried", positive=True)
thresholds = symbol("thresholds", r"|\Gamma|", "number of margins γ tried", positive=True)
margin = symbol("margin", r"\gamma", "width of the ramp", positive=True)
projected_Q = symbol("projected_Q", r"\hat r^{\Pi}_Q", "mean projected residual of the head on Q")
ramp_Q = symbol("ramp_Q", r"\hat\rho_Q", "mean ramp loss of the margins on Q")
second_moment = symbol("second_moment", r"\hat V", "mean of ‖A⁻¹z‖² on Q")
moment_variance = symbol("moment_variance", r"\hat{\mathrm{Var}}", "sample variance of ‖A⁻¹z‖² on Q")
stretch = symbol("stretch", r"\|A^{-1}\|_2", "largest factor by which A⁻¹ stretches a vector")
