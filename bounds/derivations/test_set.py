"""Symbols of what N labeled test items certify by counting."""

from __future__ import annotations

from bounds.derivations.symbols import symbol

answered = symbol("answered", "a", "test items whose score lies above the threshold", positive=True)
ranks = symbol("ranks", "J", "number of thresholds tried", positive=True)
episode_error = symbol("episode_error", r"\bar H", "mean error of the episodes")
episode_limit = symbol(
    "episode_limit", "U", "upper limit of the mean error of episodes, by bets of constant stakes"
)
picks = symbol("picks", "k", "rows that the head picked")
loss_limit = symbol("loss_limit", "U", "upper limit of the mean projected loss, by bets of constant stakes")
