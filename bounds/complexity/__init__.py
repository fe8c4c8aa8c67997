"""Rademacher complexity of named function classes, from above, by Monte Carlo, and from below."""

from __future__ import annotations

from typing import Any, Literal

import torch

from bounds.arguments import DELTA, checked, maybe, shown
from bounds.complexity.finite_class import FiniteClass
from bounds.complexity.function_class import FunctionClass
from bounds.complexity.information import Information
from bounds.complexity.linear_head import LinearHead
from bounds.complexity.linear_map import LinearMap
from bounds.complexity.neighbourhood import Neighbourhood
from bounds.complexity.record import NORMALISATION, Complexity, Estimate, Gap
from bounds.complexity.sampling import Sampling
from bounds.complexity.signs import signs
from bounds.complexity.singleton import Singleton
from bounds.complexity.spectral_net import SpectralNet
from bounds.errors import InvalidOption
from bounds.memory import require_memory
from bounds.processes import Processes

__all__ = [
    "NORMALISATION",
    "Complexity",
    "Estimate",
    "FiniteClass",
    "FunctionClass",
    "Gap",
    "Information",
    "LinearHead",
    "LinearMap",
    "Neighbourhood",
    "Sampling",
    "Singleton",
    "SpectralNet",
    "rademacher",
    "signs",
]


@checked(delta=maybe(DELTA))
def rademacher(
    data: Any,
    function_class: FunctionClass,
    *,
    encoder: Any = None,
    draws: int = 200,
    seed: int = 0,
    level: float = 0.95,
    delta: float | None = None,
    search: int = 8,
    rows: int = 1024,
    device: str | torch.device = "cpu",
    precision: Literal["float32", "float64"] = "float32",
    distributed: bool = False,
) -> Complexity:
    r"""Rademacher complexity R = (1/sqrt m) E sup_f sum_i xi_i h_f(i) of a named class on data.

    No absolute value, and R enters deviations with a factor 2 outside; `Complexity.gap(tau, delta)` gives the
    deviation that goes with the kind of R at hand, empirical or expected.

    Args:
        data: What the class is about; rows are items. `LinearHead`: (z, y). `LinearMap`, `Information`: pairs
            (z1, z2). `FiniteClass`: a list of pairs, one per encoder. All of these may be `Representations`.
            `SpectralNet`, `Neighbourhood`, and `FiniteClass` with encoders: images (x1, x2).
        function_class: The class; a complexity without its class means nothing.
        encoder: The checkpoint of a class of networks, a list of them for `FiniteClass`: a path, what
            `load_encoder` returned, or a module.
        draws: Sign vectors for Monte Carlo.
        seed: Key of the signs: they belong to (seed, row), whatever the batch, rank or device.
        level: Confidence of the reported intervals over the signs (non-asymptotic).
        delta: Probability to spend on a Monte-Carlo upper limit; None keeps `upper` deterministic.
        search: Sign vectors for which an intractable supremum is searched from below; 0 for none.
        rows: Items read at a time.
        device: Where to compute.
        precision: Of the products of signs and rows in linear classes. "float32" sums blocks in float32 and
            blocks in float64; what rounding may have changed is bounded and added to the interval. "float64"
            takes about twice the time.
        distributed: Every process of the torch.distributed group makes this same call on the same data; they share the
            rows and get the same numbers, those of one process.

    Returns:
        Upper bound, Monte-Carlo estimate and lower bound with their validity.

    Raises:
        InvalidOption: settings out of range, or not a class; `distributed` without a process group.
        InvalidData: data that do not fit the class.
        NotApplicable: a network whose norms are unknown.

    Example:
        >>> import torch
        >>> from bounds.complexity import LinearHead
        >>> data = torch.eye(4), torch.tensor([0, 1, 0, 1])
        >>> round(bounds.rademacher(data, LinearHead(beta=1.0), draws=20).upper, 3)  # √2 β √(K mean‖z‖²)
        2.0
    """
    if isinstance(function_class, type) or not isinstance(function_class, FunctionClass):
        raise InvalidOption(
            "`function_class` must be Singleton, FiniteClass, LinearHead, LinearMap, SpectralNet, "
            f"Neighbourhood, Information, or an object like them, got {shown(function_class)}."
        )
    require_memory(8 * draws, f"`draws` = {draws:,}", "give fewer")
    sampling = Sampling(
        draws, seed, level, delta, search, rows, device, precision, Processes.chosen(distributed)
    )
    return function_class.evaluate(data, sampling, encoder)
