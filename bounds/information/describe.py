"""`describe(representations)`: label-free measures in one record, with a table and a figure."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bounds.arguments import checked, number
from bounds.errors import InvalidData, InvalidOption
from bounds.information import measures as definitions
from bounds.information.gaussian import covariance, log_det, log_det_entropy
from bounds.information.pairwise import BLOCK
from bounds.information.rows import as_pair, as_rows, unit_rows
from bounds.representations.table import Representations

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Palette of Okabe and Ito, safe for colour-blind readers.
BLUE, VERMILLION = "#0072B2", "#D55E00"


@dataclass(frozen=True)
class Measure:
    """One number: its name, value (None where it does not apply) and definition, or why it does not apply."""

    name: str
    value: float | None
    definition: str


@dataclass(frozen=True)
class Description:
    """Label-free measures of one representation; iterate over them or ask by name.

    Attributes:
        name: Of the table.
        n: Items.
        d: Dimension.
        measures: In order of printing.
        eigenvalues: Of the centred covariance (divisor n - 1), largest first, (d,).
        singular_values: Of the raw matrix, largest first.
        power_law: The fit behind alpha-ReQ, or None.
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
    fit_range: tuple[int, int] | None = None,
    t: float = 2.0,
    delta: float = 1e-4,
    block: int = BLOCK,
    name: str | None = None,
) -> Description:
    """Every label-free measure of a representation that people use, each by its own paper's definition.

    RankMe (raw matrix), effective rank and participation ratio (covariance), alpha-ReQ with its fit range,
    LogDet entropy, uniformity, norms and dead dimensions; with two views also alignment and LiDAR. See
    `measures` for each.

    Args:
        representations: Representations, an array (N, d), or a pair (z1, z2) of views; of a pair, the
            measures of one table are those of the first view.
        fit_range: First and last rank of the alpha-ReQ fit, from 1; by default all positive eigenvalues.
        t: Of the uniformity measure.
        delta: Of LiDAR.
        block: Rows on a side of a pairwise block.
        name: Title; by default the name of the Representations.

    Raises:
        InvalidData: NaN, infinity, fewer than two items, or no rows.
        InvalidOption: a fit range without three positive eigenvalues.
    """
    table = representations
    if not isinstance(table, Representations):
        pair = isinstance(table, tuple | list) and len(table) == 2 and getattr(table[0], "ndim", 0) == 2
        views = tuple(table) if pair else (table,)
        checked = tuple(as_rows(view, least=2) for view in views)
        table = Representations(checked)
    if len(table.views) == 2:
        table = Representations(as_pair(table, table.name), name=table.name)
    z = as_rows(table, table.name, least=2)
    n, d = z.shape
    summary = covariance(table)
    eigenvalues = torch.linalg.eigvalsh(summary.matrix()).flip(0).clamp(min=0)
    singular = definitions.singular_values(z)
    norms = torch.linalg.vector_norm(z, dim=1, dtype=torch.float64)
    rank = log_det(summary.matrix())[1]
    dead = int(summary.constant.sum())
    law = _power_law(eigenvalues, fit_range, rank)
    entropy = log_det_entropy(summary)
    found = [
        Measure(
            "rank_me",
            _or_none(singular, definitions.exp_entropy, 1e-7),
            "exp entropy of s/|s|_1 + 1e-7, s of the raw matrix",
        ),
        Measure(
            "effective_rank",
            _or_none(eigenvalues, definitions.effective_rank),
            "exp entropy of covariance eigenvalues",
        ),
        Measure(
            "participation_ratio",
            _or_none(eigenvalues, definitions.participation_ratio),
            "(Σλ)²/Σλ² of the covariance",
        ),
        Measure("rank", float(rank), "eigenvalues of the correlations above d·eps·λ₁"),
        Measure(
            "alpha_req",
            None if law is None else law.alpha,
            "needs three positive eigenvalues"
            if law is None
            else f"λ_i ~ i^-alpha over ranks {law.first} to {law.last}, R² = {law.r_squared:.3f}",
        ),
        Measure("logdet_entropy", entropy.value, f"nats, ½ ln det(2πeΣ); {entropy.bias}"),
        Measure("mean_norm", float(norms.mean()), "mean |z|"),
        Measure("min_norm", float(norms.min()), "smallest |z|"),
        Measure("max_norm", float(norms.max()), "largest |z|"),
        Measure("dead_dimensions", float(dead), "dimensions that never change"),
    ]
    found.append(_uniformity(z, norms, t, block))
    found += _pair_measures(table, norms, delta)
    return Description(
        name or table.name, n, d, tuple(found), eigenvalues.cpu().numpy(), singular.cpu().numpy(), law
    )


def _or_none(spectrum: torch.Tensor, measure: Any, *options: float) -> float | None:
    """A collapsed representation has no spectrum to speak of."""
    return measure(spectrum, *options) if float(spectrum.sum()) > 0 else None


def _power_law(
    eigenvalues: torch.Tensor, fit_range: tuple[int, int] | None, rank: int
) -> definitions.PowerLaw | None:
    if fit_range is not None:
        first, last = fit_range
        if last < first:
            raise InvalidOption(f"`fit_range` must be (first, last) with first < last, got {fit_range}.")
        if last > len(eigenvalues):
            raise InvalidOption(
                f"`fit_range` ends at rank {last} where there are {len(eigenvalues)} dimensions."
            )
        return definitions.alpha_req(eigenvalues, first=first, last=last)
    positive = int((eigenvalues > len(eigenvalues) * torch.finfo(torch.float64).eps * eigenvalues[0]).sum())
    return definitions.alpha_req(eigenvalues) if min(rank, positive) >= 3 else None


def _uniformity(z: torch.Tensor, norms: torch.Tensor, t: float, block: int) -> Measure:
    if not bool((norms > 0).all()):
        return Measure("uniformity", None, "a row of zeros has no direction")
    definition = f"ln mean exp(-{t:g}|z_i - z_j|²) on the unit sphere"
    return Measure("uniformity", definitions.uniformity(unit_rows(z), t=t, block=block), definition)


def _pair_measures(table: Representations, norms: torch.Tensor, delta: float) -> list[Measure]:
    if len(table.views) < 2:
        return [Measure(name, None, "needs two views of each item") for name in ("alignment", "lidar")]
    second = as_rows(table.views[1], f"{table.name}, view 2", least=2)
    zeros = not bool((norms > 0).all()) or not bool((torch.linalg.vector_norm(second, dim=1) > 0).all())
    aligned = (
        Measure("alignment", None, "a row of zeros has no direction")
        if zeros
        else Measure("alignment", definitions.alignment(table), "mean |z - z'|² on the unit sphere")
    )
    definition = f"exp entropy of the LDA spectrum of view pairs, delta = {delta:g}"
    try:
        return [aligned, Measure("lidar", definitions.lidar(table, delta=delta), definition)]
    except InvalidData:
        return [aligned, Measure("lidar", None, "all items have one mean: collapsed")]
