"""Objectives by name, for the command line and scripts."""

from __future__ import annotations

from typing import Any

from bounds.arguments import nearest, shown
from bounds.errors import InvalidOption
from bounds.objectives.barlow_twins import BarlowTwins
from bounds.objectives.base import Objective
from bounds.objectives.byol import BYOL
from bounds.objectives.logdet import BYOLLogDet, VICRegLogDet
from bounds.objectives.ntxent import NTXent
from bounds.objectives.pairwise import BYOLPairwise, VICRegPairwise
from bounds.objectives.partial_labels import PartiallyLabeledVICReg
from bounds.objectives.simsiam import SimSiam
from bounds.objectives.vicreg import VICReg

OBJECTIVES: dict[str, type[Objective]] = {
    "vicreg": VICReg,
    "simclr": NTXent,
    "byol": BYOL,
    "simsiam": SimSiam,
    "barlow_twins": BarlowTwins,
    "vicreg_logdet": VICRegLogDet,
    "vicreg_pairwise": VICRegPairwise,
    "byol_logdet": BYOLLogDet,
    "byol_pairwise": BYOLPairwise,
    "vicreg_partial": PartiallyLabeledVICReg,
}


def make_objective(name: str, dim: int, **options: Any) -> Objective:
    """The objective called `name` for embeddings of dimension `dim`, with its own options.

    Raises:
        InvalidOption: an unknown name, or options it does not take.

    Example:
        >>> from bounds.objectives import make_objective
        >>> type(make_objective("vicreg", dim=128, invariance=10.0)).__name__
        'VICReg'
    """
    if not isinstance(name, str) or name not in OBJECTIVES:
        hint = nearest(name, OBJECTIVES) or "."
        raise InvalidOption(f"`objective` must be one of {sorted(OBJECTIVES)}, got {shown(name)}{hint}")
    kind = OBJECTIVES[name]
    if issubclass(kind, BYOL):
        options = {"dim": dim} | options
    try:
        return kind(**options)
    except TypeError as err:
        raise InvalidOption(f"The objective {name!r} does not take these options: {err}.") from err
