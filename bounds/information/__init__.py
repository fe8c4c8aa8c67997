"""Entropies, mutual information, piecewise-affine maps, and checks of the paper's assumptions."""

from bounds.information.affine import (
    AffineMaps,
    PushforwardCheck,
    affine_error,
    affine_maps,
    affine_radius,
    check_pushforward,
)
from bounds.information.coherence import coherence
from bounds.information.describe import Description, describe
from bounds.information.distances import Overlap, PairwiseDistances, pairwise_distances
from bounds.information.gaussian import covariance, log_det_entropy
from bounds.information.information_table import InformationRow, InformationTable, information_table
from bounds.information.knn import nearest_neighbour_entropy
from bounds.information.measures import (
    alignment,
    alpha_req,
    effective_rank,
    lidar,
    ne_sum,
    participation_ratio,
    rank_me,
    stable_rank,
    uniformity,
)
from bounds.information.mixtures import mixture_entropy
from bounds.information.multiple_testing import adjust
from bounds.information.mutual_information import (
    gaussian_information,
    infonce_information,
    input_information,
    variational_information,
)
from bounds.information.neural_collapse import neural_collapse
from bounds.information.normality import NormalityTable, NormalityTest, normality_test, normality_under_noise
from bounds.information.one_pass import as_log, monitor
from bounds.information.pixels import pixel_function
from bounds.information.records import Entropy, EntropyBounds, InformationBounds, MutualInformation
from bounds.information.self_cluster import self_cluster
from bounds.information.sphere import VonMisesFisher, sphere_mixture_entropy, von_mises_fisher_entropy
from bounds.information.vicreg_terms import VICRegTerms, vicreg_terms
from bounds.summaries.covariance import Covariance

__all__ = [
    "AffineMaps",
    "Covariance",
    "Description",
    "Entropy",
    "EntropyBounds",
    "InformationBounds",
    "InformationRow",
    "InformationTable",
    "MutualInformation",
    "NormalityTable",
    "NormalityTest",
    "Overlap",
    "PairwiseDistances",
    "PushforwardCheck",
    "VICRegTerms",
    "VonMisesFisher",
    "adjust",
    "affine_error",
    "affine_maps",
    "affine_radius",
    "alignment",
    "alpha_req",
    "as_log",
    "check_pushforward",
    "coherence",
    "covariance",
    "describe",
    "effective_rank",
    "gaussian_information",
    "infonce_information",
    "information_table",
    "input_information",
    "lidar",
    "log_det_entropy",
    "monitor",
    "mixture_entropy",
    "ne_sum",
    "nearest_neighbour_entropy",
    "neural_collapse",
    "normality_test",
    "normality_under_noise",
    "pairwise_distances",
    "participation_ratio",
    "pixel_function",
    "rank_me",
    "self_cluster",
    "sphere_mixture_entropy",
    "stable_rank",
    "uniformity",
    "variational_information",
    "vicreg_terms",
    "von_mises_fisher_entropy",
]
