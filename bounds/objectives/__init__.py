"""Losses of self-supervised learning as plain modules: `objective(z1, z2)` is the sum of `.parts(z1, z2)`."""

from bounds.objectives.barlow_twins import BarlowTwins
from bounds.objectives.base import Objective
from bounds.objectives.byol import BYOL
from bounds.objectives.entropy import logdet_entropy, pairwise_entropy
from bounds.objectives.gather import gather
from bounds.objectives.logdet import BYOLLogDet, VICRegLogDet
from bounds.objectives.ntxent import NTXent
from bounds.objectives.pairwise import BYOLPairwise, VICRegPairwise
from bounds.objectives.partial_labels import PartiallyLabeledVICReg
from bounds.objectives.registry import OBJECTIVES, make_objective
from bounds.objectives.simsiam import SimSiam
from bounds.objectives.vicreg import VICReg

__all__ = [
    "BYOL",
    "BYOLLogDet",
    "BYOLPairwise",
    "BarlowTwins",
    "NTXent",
    "OBJECTIVES",
    "Objective",
    "PartiallyLabeledVICReg",
    "SimSiam",
    "VICReg",
    "VICRegLogDet",
    "VICRegPairwise",
    "gather",
    "logdet_entropy",
    "make_objective",
    "pairwise_entropy",
]
