"""`describe(representations)`: measures of a representation in one record, with a table and a figure."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bounds.arguments import checked, number
from bounds.assumptions.swap import nearest
from bounds.errors import InvalidData, InvalidStatistics
from bounds.information import measures as definitions
from bounds.information.coherence import coherence
from bounds.information.gaussian import log_det
from bounds.information.measure import Measure, attempt
from bounds.information.neural_collapse import neural_collapse_of
from bounds.information.one_pass import one_pass, power_law, spectra
from bounds.information.pairwise import BLOCK
from bounds.information.rows import as_pair, as_rows, unit_rows
from bounds.representations.table import Representations
from bounds.summaries.class_distances import class_distances
from bounds.summaries.classes import ClassMoments
from bounds.summaries.geometry import Geometry
from bounds.summaries.units import moderate_unit
from bounds.summaries.within import WithinScatter

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Palette of Okabe and Ito, safe for colour-blind readers.
BLUE, VERMILLION = "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Description:
    """Measures of one representation; iterate over them or ask by name.

    Attributes:
        name: Of the table.
        n: Items.
        d: Dimension.
        measures: In order of printing.
        eigenvalues: Of the centred covariance (divisor n - 1), largest first, (d,).
        singular_values: Of the raw matrix, largest first.
        power_law: The fit behind alpha-ReQ, or None.

    Example:
        >>> import torch
        >>> z = torch.cat([torch.eye(3), -torch.eye(3)])
        >>> found = bounds.describe(z)
        >>> found.n, found.d, round(found["effective_rank"], 3)
        (6, 3, 3.0)
    """

    name: str
    n: int
    d: int
    measures: tuple[Measure, ...]
    eigenvalues: np.ndarray
    singular_values: np.ndarray
    power_law: definitions.PowerLaw | None

    def __getitem__(self, name: str) -> float:
        values = {measure.name: measure.value for measure in self.measures}
        if name not in values:
            raise KeyError(f"no measure {name!r}; there are {', '.join(values)}")
        value = values[name]
        return math.nan if value is None else value

    def __repr__(self) -> str:
        return f"Description({self.name!r}, n={self.n}, d={self.d}, rank_me={self['rank_me']:.4g})"

    def __str__(self) -> str:
        width = max(len(measure.name) for measure in self.measures)
        lines = [f"{self.name}: {self.n} items, {self.d} dimensions"]
        lines += [f"  {m.name:<{width}}  {_text(m.value):>10}  {m.definition}" for m in self.measures]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(m.name)}</td><td style='text-align:right'>{_text(m.value)}</td>"
            f"<td style='text-align:left'>{html.escape(m.definition)}</td></tr>"
            for m in self.measures
        )
        head = f"{html.escape(self.name)}: {self.n} items, {self.d} dimensions"
        titles = "<tr><th>measure</th><th>value</th><th>definition</th></tr>"
        return f"<table><caption>{head}</caption>{titles}{rows}</table>"

    def to_frame(self) -> pd.DataFrame:
        """One row a measure, indexed by name: `value` (NaN where it does not apply) and `definition`."""
        import pandas as pd

        rows = [{"measure": m.name, "value": self[m.name], "definition": m.definition} for m in self.measures]
        return pd.DataFrame(rows).set_index("measure")

    def to_dict(self) -> dict[str, Any]:
        """Plain Python: name, n, d, the measures, and both spectra as lists."""
        return {
            "name": self.name,
            "n": self.n,
            "d": self.d,
            "measures": {m.name: m.value for m in self.measures},
            "eigenvalues": self.eigenvalues.tolist(),
            "singular_values": self.singular_values.tolist(),
        }

    def plot(self) -> Figure:
        """Draw the covariance spectrum on log axes with the alpha-ReQ line, and the measures beside it."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.0, 3.0), layout="constrained")
        axes, side = figure.subplots(1, 2, width_ratios=(3, 2))
        rank = np.arange(1, self.d + 1)
        shown = self.eigenvalues > self.d * np.finfo(np.float64).eps * self.eigenvalues[0]
        axes.plot(rank[shown], self.eigenvalues[shown], "o", ms=3, color=BLUE, label="covariance eigenvalues")
        if self.power_law is not None:
            alpha, first, last, r_squared = self.power_law
            ranks = np.arange(first, last + 1)
            level = np.log(self.eigenvalues[ranks - 1]) + alpha * np.log(ranks)
            line = np.exp(level.mean() - alpha * np.log(ranks))
            label = rf"$i^{{-{alpha:.2f}}}$, ranks {first}–{last}, $R^2$={r_squared:.2f}"
            axes.plot(ranks, line, "--", color=VERMILLION, label=label)
        axes.set(xscale="log", yscale="log", xlabel="rank $i$", ylabel=r"eigenvalue $\lambda_i$")
        axes.legend(frameon=False, fontsize=8)
        axes.set_title(f"{self.name}: {self.n} × {self.d}", fontsize=9)
        side.axis("off")
        cells = [[m.name, _text(m.value)] for m in self.measures]
        table = side.table(cells, loc="center", colWidths=(0.68, 0.32), edges="open")
        table.auto_set_font_size(False)
        table.set_fontsize(8)
        return figure


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4g}"


@checked(delta=number(0, 1e6, "be positive and at most 1e6"))
def describe(
    representations: Any,
    *,
    labels: Any = None,
    fit_range: tuple[int, int] | None = None,
    t: float = 2.0,
    delta: float = 1e-4,
    gamma: float = 1.0,
    block: int = BLOCK,
    name: str | None = None,
) -> Description:
    """Every measure of a representation that people use, each by its own paper's definition.

    Without labels: RankMe and stable rank (raw matrix), effective rank, participation ratio and NESum (covariance),
    alpha-ReQ with its fit range, LogDet entropy, VICReg's variance and covariance, SelfCluster, coherence,
    uniformity, norms and dead dimensions; with two views also VICReg's invariance, alignment, LiDAR and the swap
    test's effect; with labels CDNV, its directional form and NC1. See `bounds.information` for each. One pass over
    the rows for all but uniformity and the swap test (pairs of rows), coherence and the class distances (a second
    pass).

    Args:
        representations: Representations, an array (N, d), or a pair (z1, z2) of views; of a pair, the
            measures of one table are those of the first view.
        labels: Class indices (N,); by default those of the Representations.
        fit_range: First and last rank of the alpha-ReQ fit, from 1; by default all positive eigenvalues.
        t: Of the uniformity measure.
        delta: Of LiDAR.
        gamma: Standard deviation that VICReg's variance term asks for.
        block: Rows on a side of a pairwise block.
        name: Title; by default the name of the Representations.

    Raises:
        InvalidData: NaN, infinity, fewer than two items, no rows, or labels that are not class indices.
        InvalidOption: a fit range without three positive eigenvalues.

    Example:
        >>> import torch
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> found = bounds.describe(z)
        >>> type(found).__name__
        'Description'
    """
    table = _table(representations, labels)
    unit = moderate_unit(*(torch.as_tensor(view) for view in table.views))
    if unit != 1:
        table = Representations(tuple(view / unit for view in table.views), table.labels, table.name)
    z = as_rows(table, table.name, least=2)
    n, d = z.shape
    seen = Geometry.empty(d)
    for views, _ in table.chunks():
        seen = seen.update(*views)
    norms = torch.linalg.vector_norm(z, dim=1, dtype=torch.float64)
    found = (
        *one_pass(seen, fit_range=fit_range, delta=delta, gamma=gamma, unit=unit),
        attempt("coherence", "n/r times the largest leverage of an item", coherence, z),
        _uniformity(z, norms, t, block),
        _swap_effect(table),
        Measure("mean_norm", float(norms.mean()) * unit, "mean |z|"),
        Measure("min_norm", float(norms.min()) * unit, "smallest |z|"),
        Measure("max_norm", float(norms.max()) * unit, "largest |z|"),
        *_label_measures(table),
    )
    singular, eigenvalues = spectra(seen)
    law = power_law(eigenvalues, fit_range, log_det(seen.rows.matrix())[1])
    eigenvalues, singular = eigenvalues * unit * unit, singular * unit
    return Description(
        name or table.name, n, d, found, eigenvalues.cpu().numpy(), singular.cpu().numpy(), law
    )


def _table(data: Any, labels: Any) -> Representations:
    """Checked views of one precision, with the labels that are given or known."""
    name, known = "representations", None
    if isinstance(data, Representations):
        name, known = data.name, data.labels
        views: tuple[Any, ...] = (
            as_pair(data, name) if len(data.views) == 2 else (as_rows(data, name, least=2),)
        )
    elif isinstance(data, tuple | list) and len(data) == 2 and getattr(data[0], "ndim", 0) == 2:
        views = as_pair(data, name)
    else:
        views = (as_rows(data, name, least=2),)
    if labels is not None:
        known = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if known is not None and (known.dtype.kind not in "iu" or known.shape != (len(views[0]),)):
        raise InvalidData(
            f"`labels` must be {len(views[0])} class indices, one for each row, got shape {known.shape} of "
            f"{known.dtype}."
        )
    return Representations(views, known, name)


def _uniformity(z: Tensor, norms: Tensor, t: float, block: int) -> Measure:
    if not bool((norms > 0).all()):
        return Measure("uniformity", None, "a row of zeros has no direction")
    definition = f"ln mean exp(-{t:g}|z_i - z_j|²) on the unit sphere"
    return Measure("uniformity", definitions.uniformity(unit_rows(z), t=t, block=block), definition)


def _swap_effect(table: Representations) -> Measure:
    if len(table.views) < 2:
        return Measure("swap_effect", None, "needs two views of each item")
    found = nearest(table, 2, seed=0)
    definition = f"share of items whose second view is the nearest of {found.sizes['m']} to their first"
    return Measure("swap_effect", found.effect, definition)


def _label_measures(table: Representations) -> list[Measure]:
    names = ("cdnv", "directional_cdnv", "neural_collapse")
    if table.labels is None or not bool((table.labels >= 0).all()):
        return [Measure(name, None, "needs labels") for name in names]
    classes = int(table.labels.max()) + 1
    within = WithinScatter.empty(table.dim, classes)
    moments = ClassMoments.empty(table.dim, classes)
    for (z, *_), y in table.chunks():
        within, moments = within.update(z, _known(y)), moments.update(z, _known(y))
    nc1 = attempt("neural_collapse", "NC1, tr(Σ_W Σ_B⁺)/K", neural_collapse_of, within)
    try:
        ratio, directional = class_distances(moments, ((z, _known(y)) for (z, *_), y in table.chunks()))
    except InvalidStatistics as reason:
        return [*(Measure(name, None, str(reason)) for name in names[:2]), nc1]
    return [
        Measure("cdnv", ratio, "variance of two classes over the squared distance of their means"),
        Measure("directional_cdnv", directional, "the same along the line between the means"),
        nc1,
    ]


def _known(labels: Tensor | None) -> Tensor:
    if labels is None:
        raise InvalidData("`labels` are missing.")
    return labels
