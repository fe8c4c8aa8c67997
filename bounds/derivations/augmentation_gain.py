"""What augmentation pairs certify: the cost of lacking invariance, and an error from below.

For any predictor g and views independent given the image u, with ḡ(u) = E[g(x) | u],
E‖g(x) − e_y‖² − E‖ḡ(u) − e_y‖² = ½E‖g(x⁺) − g(x⁺⁺)‖²: the variance around ḡ, whatever the label.
"""

from __future__ import annotations

from bounds.derivations.symbols import symbol

gain = symbol(
    "gain", r"\tfrac1m\sum\tfrac12\|g(x^+)-g(x^{++})\|^2", "mean half squared distance of projected scores"
)
gain_variance = symbol("gain_variance", r"\hat V_U", "sample variance of ½‖g(x⁺) − g(x⁺⁺)‖²")
cross = symbol(
    "cross", r"\tfrac1N\sum\langle r^+,r^{++}\rangle", "mean inner product of the residuals of two views"
)
cross_variance = symbol("cross_variance", r"\hat V_H", "sample variance of ⟨r⁺, r⁺⁺⟩")
