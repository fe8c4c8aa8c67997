"""The paper's reading of Theorem 2 as a table: complexity I(Z;X), superfluous information I(Z;X|X')."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import torch

from bounds.errors import InvalidData, InvalidOption
from bounds.information.gaussian import log_det_entropy
from bounds.information.mutual_information import gaussian_information, infonce_information, input_information
from bounds.information.pairwise import BLOCK
from bounds.information.rows import as_pair

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class InformationRow:
    """One encoder; every information in nats, of Z = f(X) + N(0, noise I).

    Attributes:
        name: Of the encoder.
        n: Pairs.
        d: Dimension.
        noise: Variance per dimension of the noise that keeps I(Z;X) finite.
        input_lower: I(Z;X), pairwise lower bound (for n equally likely inputs, at most ln n).
        input_upper: I(Z;X), pairwise upper bound.
        input_gaussian: I(Z;X) with H(Z) by LogDet: an upper bound up to sampling error, not limited by ln n.
        view_infonce: I(Z;X'), InfoNCE lower bound (at most ln n).
        view_gaussian: I(Z;X') of the Gaussian with the same second moments; nan where n <= 2d.
        superfluous_gaussian: I(Z;X|X') = I(Z;X) - I(Z;X'), both Gaussian (Z - X - X' is a Markov chain).
        superfluous_upper: pairwise upper bound on I(Z;X) minus InfoNCE: an upper bound up to sampling error.
        log_class_size: ln|F| = e^I (2^I with I in bits) at I = input_lower: the paper's heuristic, an
            estimate.

    Example:
        >>> import torch
        >>> from bounds.information import information_table
        >>> z = 10 * torch.eye(4)
        >>> row = information_table((z, z), noise=0.01).rows[0]
        >>> round(row.input_lower, 3), round(row.view_infonce, 3)  # four items far apart: ln 4
        (1.386, 1.386)
    """

    name: str
    n: int
    d: int
    noise: float
    input_lower: float
    input_upper: float
    input_gaussian: float
    view_infonce: float
    view_gaussian: float
    superfluous_gaussian: float
    superfluous_upper: float
    log_class_size: float


@dataclass(frozen=True)
class InformationTable:
    """One row an encoder, for comparison at one noise; none of its numbers is a certificate.

    Attributes:
        rows: In the order given.

    Example:
        >>> import torch
        >>> from bounds.information import information_table
        >>> z = 10 * torch.eye(4)
        >>> table = information_table({"sharp": (z, z), "flat": (z / 100, z / 100)}, noise=0.01)
        >>> [(row.name, round(row.input_lower, 2)) for row in table.rows]
        [('sharp', 1.39), ('flat', 0.18)]
    """

    rows: tuple[InformationRow, ...]

    def __iter__(self) -> Iterator[InformationRow]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> InformationRow:
        found = [row for row in self.rows if row.name == name]
        if not found:
            raise KeyError(f"no encoder {name!r}; there are {[row.name for row in self.rows]}")
        return found[0]

    def to_frame(self) -> pd.DataFrame:
        """One row an encoder, one column an attribute of `InformationRow`."""
        import pandas as pd

        return pd.DataFrame([vars(row) for row in self.rows]).set_index("name")

    def __str__(self) -> str:
        width = max(len(field.name) for field in fields(InformationRow))
        lines = ["Information in nats (estimates, not certificates)"]
        for field in fields(InformationRow):
            cells = (getattr(row, field.name) for row in self.rows)
            text = (f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in cells)
            lines.append(f"  {field.name:<{width}}  " + "  ".join(f"{cell:>12}" for cell in text))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def information_table(
    representations: Any,
    *,
    noise: float | None = None,
    temperature: float = 0.1,
    seed: int = 0,
    block: int = BLOCK,
) -> InformationTable:
    """I(Z;X), I(Z;X'), I(Z;X|X') and ln|F| = e^I(Z;X) for one pair of views, or several by name.

    The paper reads the complexity of Theorem 2 through ln|F| ~ 2^I(Z;X), I in bits. Of a deterministic
    encoder I(Z;X) is infinite, so Z carries Gaussian noise: by default with the variance per dimension within
    pairs, E|z - z'|^2 / (2d), which is what augmentations do to z. Compare encoders at one scale (normalise
    them first).

    Args:
        representations: Two views of the same items: Representations, (z1, z2), or a mapping from name to
            these.
        noise: Variance per dimension; by default from the pairs, separately for each encoder.
        temperature: Of the InfoNCE critic.
        seed: Of the noise drawn for InfoNCE.
        block: Rows on a side of a block.

    Raises:
        InvalidData: no mapping entries, or not two views.
        InvalidOption: a noise that is not positive (for instance from views that coincide).

    Reference:
        *An Information-Theoretic Perspective on VICReg*, Theorem 2 and its discussion. Heuristic: the union
        over a class of e^I typical maps is not a bound on Rademacher complexity.

    Example:
        >>> import torch
        >>> from bounds.information import information_table
        >>> z = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
        >>> round(information_table((z, z + 0.1)).rows[0].noise, 6)  # by default E‖z − z′‖²/(2d)
        0.005
    """
    named = representations if isinstance(representations, Mapping) else {"representations": representations}
    if not named:
        raise InvalidData("`representations` is an empty mapping; give at least one pair of views.")
    return InformationTable(tuple(_row(str(k), v, noise, temperature, seed, block) for k, v in named.items()))


def _row(
    name: str, data: Any, noise: float | None, temperature: float, seed: int, block: int
) -> InformationRow:
    z, other = as_pair(data, name)
    n, d = z.shape
    variance = (
        float((z.double() - other.double()).square().sum(dim=1).mean()) / (2 * d) if noise is None else noise
    )
    if not 0 < variance < math.inf:
        raise InvalidOption(
            f"`noise` must be a positive variance, got {variance} for {name!r}; views that coincide need it."
        )
    drawn = torch.randn(z.shape, generator=torch.Generator().manual_seed(seed), dtype=z.dtype).to(z.device)
    bracket = input_information(z, variance, block=block)
    smooth = log_det_entropy(z, shrinkage=variance).value - 0.5 * d * math.log(
        2 * math.pi * math.e * variance
    )
    shared = infonce_information(
        (z + variance**0.5 * drawn, other), temperature=temperature, block=block
    ).value
    gaussian = gaussian_information(z, other, noise=variance).value if n > 2 * d else math.nan
    low, high = bracket.lower.value, bracket.upper.value
    size = math.exp(low) if low < 700 else math.inf
    return InformationRow(
        name, n, d, variance, low, high, smooth, shared, gaussian, smooth - gaussian, high - shared, size
    )
