"""Few labels correct a predicted error rate that many unlabeled items measure."""

from __future__ import annotations

from bounds.derivations.symbols import symbol

predicted = symbol("predicted", r"\tfrac1m\sum_U\hat g", "mean predicted error on the unlabeled items")
predicted_variance = symbol("predicted_variance", r"\hat V_U", "sample variance of the predicted error")
rectifier = symbol(
    "rectifier", r"\tfrac1N\sum_H(\mathrm{err}-\hat g)", "mean correction on the held-out items", real=True
)
rectifier_variance = symbol(
    "rectifier_variance", r"\hat V_H", "sample variance of err − ĝ on the held-out items"
)
rectifier_limit = symbol(
    "rectifier_limit",
    r"[\mathbb{E}(\mathrm{err}-\hat g)]^+",
    "upper limit of the correction by betting",
    real=True,
)
