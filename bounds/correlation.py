"""correlate(): which bound, term or label-free quantity ranks checkpoints as their measured test error does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.arguments import checked, text
from bounds.errors import InvalidData
from bounds.memory import require_memory

if TYPE_CHECKING:
    import pandas

_FEWEST = 3  # checkpoints for a rank correlation to say anything


@checked(against=text)
def correlate(
    reports: Iterable[Any] | Mapping[str, Any],
    against: str = "test_error",
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> pandas.DataFrame:
    r"""Kendall's τ_b of every quantity with a measured one over many checkpoints, with a bootstrap interval.

    τ_b = Σ_{i<j} sign(x_i − x_j) sign(y_i − y_j) / sqrt(#untied x pairs · #untied y pairs); the interval holds the
    middle `level` of its values over resampled checkpoints. It describes the checkpoints at hand: checkpoints of one
    run are not independent, and an interval over them is too short for another run.

    Args:
        reports: One item per checkpoint (a mapping's values, a frame's rows): a `Report`, its `to_dict()`, or a
            mapping of scalars, whose entry `"report"`, if any, is unpacked beside the others.
        against: The measured quantity, a name in every item.
        level: Probability of the interval.
        draws: Bootstrap samples.
        seed: Of the bootstrap.

    Returns:
        A frame with columns quantity, kind ("bound", "term" or "quantity"), tau, low, high, p_value, count, strongest
        first. Bounds are called by name, terms `bound.term`. Quantities that are constant or known for fewer
        than three checkpoints are listed with a reason in `frame.attrs["left_out"]`.

    Raises:
        InvalidData: fewer than three checkpoints, or one without `against`.
        InvalidOption: `level` outside (0, 1) or fewer than one draw.

    Source: Kendall (1945) for τ_b; the study design of Jiang et al. (2020), arXiv:1912.02178.

    Example:
        >>> runs = [{"rank": rank, "test_error": 1 / rank} for rank in (2.0, 3.0, 4.0)]
        >>> frame = bounds.correlate(runs, draws=100)
        >>> frame[["quantity", "tau"]].values.tolist()  # the larger the rank, the smaller the error
        [['rank', -1.0]]
    """
    import pandas

    rows = [_flatten(item) for item in _items(reports)]
    if len(rows) < _FEWEST:
        raise InvalidData(f"A rank correlation needs at least {_FEWEST} checkpoints, got {len(rows)}.")
    lacking = [index for index, row in enumerate(rows) if _missing(row.get(against))]
    if lacking:
        raise InvalidData(
            f"`{against}` is missing for checkpoint {lacking[0]}; evaluate it with `test=(x, y)`."
        )
    require_memory(8 * draws * len(rows), f"`draws` = {draws:,}", "give fewer")
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=draws).astype(np.float64)
    found, left_out = [], {}
    for name in dict.fromkeys(name for row in rows for name in row if name != against):
        known = np.array([not _missing(row.get(name)) for row in rows])
        x = np.array([float(row[name]) for row, ok in zip(rows, known, strict=True) if ok])
        y = np.array([float(row[against]) for row, ok in zip(rows, known, strict=True) if ok])
        if len(x) < _FEWEST or len(set(x)) == 1 or len(set(y)) == 1:
            left_out[name] = "constant" if len(x) >= _FEWEST else f"known for {len(x)} checkpoints"
            continue
        found.append({"quantity": name, "kind": _kind(name, rows), **_tau(x, y, weights[:, known], level)})
    columns = ["quantity", "kind", "tau", "low", "high", "p_value", "count"]
    frame = pandas.DataFrame(found, columns=columns)
    frame = frame.sort_values("tau", key=lambda tau: -tau.abs(), kind="stable", ignore_index=True)
    frame.attrs |= {"against": against, "level": level, "left_out": left_out}
    return frame


def _tau(x: np.ndarray, y: np.ndarray, weights: np.ndarray, level: float) -> dict[str, float]:
    from scipy.stats import kendalltau

    def signs(values: np.ndarray) -> np.ndarray:
        return (values[:, None] > values).astype(np.float64) - (values[:, None] < values)

    def total(matrix: np.ndarray) -> np.ndarray:
        """Σ_ij w_i w_j matrix_ij for each resample; a row drawn twice ties with itself."""
        sums: np.ndarray = np.einsum("bi,bi->b", weights @ matrix, weights)
        return sums

    left, right = signs(x), signs(y)
    size = np.sqrt(total(left**2) * total(right**2))
    resampled = total(left * right)[size > 0] / size[size > 0]
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    result = kendalltau(x, y)
    return {
        "tau": float(result.statistic),
        "low": float(low),
        "high": float(high),
        "p_value": float(result.pvalue),
        "count": len(x),
    }


def _items(reports: Any) -> list[Any]:
    if hasattr(reports, "to_dict") and hasattr(reports, "columns"):  # a frame: one checkpoint per row
        return list(reports.to_dict("records"))
    if isinstance(reports, str | bytes) or not isinstance(reports, Iterable):
        raise InvalidData(
            f"`reports` must hold reports or mappings of scalars, got {type(reports).__name__}."
        )
    return list(reports.values() if isinstance(reports, Mapping) else reports)


def _flatten(item: Any) -> dict[str, Any]:
    """Scalars by name: bounds, `bound.term`, quantities, measured values."""
    if hasattr(item, "to_dict"):
        item = item.to_dict()
    if not isinstance(item, Mapping):
        raise InvalidData(f"`reports` must hold reports or mappings of scalars, got {type(item).__name__}.")
    if not isinstance(item.get("bounds"), Mapping):
        inner = _flatten(item["report"]) if "report" in item else {}
        return {**inner, **{name: value for name, value in item.items() if _scalar(value)}}
    found: dict[str, Any] = {}
    for name, bound in item["bounds"].items():
        found[name] = bound["value"]
        found |= {f"{name}.{term}": parts["value"] for term, parts in bound["terms"].items()}
    found |= {name: value for name, value in item.get("quantities", {}).items() if _scalar(value)}
    measured = item.get("measured", {}).get(item.get("provenance", {}).get("head"), {})
    return found | {f"test_{name}": value for name, value in measured.items()}


def _scalar(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _missing(value: Any) -> bool:
    return value is None or math.isnan(value)


def _kind(name: str, rows: list[dict[str, Any]]) -> str:
    bound, dot, _ = name.rpartition(".")
    if dot and any(bound in row for row in rows):
        return "term"
    return "bound" if any(other.startswith(f"{name}.") for row in rows for other in row) else "quantity"
