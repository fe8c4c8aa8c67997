"""Comparing predictors and certifying them with as few labels as possible: duels, rankings, certificates to a target."""

from bounds.duels.calls import certify, duel, load, rank
from bounds.duels.certification import Certification
from bounds.duels.duel import Duel
from bounds.duels.paired import Paired, paired
from bounds.duels.ranking import Ranking
from bounds.duels.signs import mcnemar_p_value, sign_p_value

__all__ = [
    "Certification",
    "Duel",
    "Paired",
    "Ranking",
    "certify",
    "duel",
    "load",
    "mcnemar_p_value",
    "paired",
    "rank",
    "sign_p_value",
]
