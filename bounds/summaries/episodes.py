"""Episodes of m shots and one query a class, from a labeled sample without repeats, and what a rule makes of them."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bounds.draws import uniforms
from bounds.errors import InvalidInput, InvalidStatistics
from bounds.summaries.few_shot_rules import Mean, Rule
from bounds.summaries.readable import Readable

Ways = Literal["all", "pairs"] | int
_Count = Callable[[NDArray[np.int64], NDArray[np.float64] | None], Tensor]
_STREAM = 2000  # and above: of the arrangements
_ENTRIES = 2**22  # of a block of episodes
_RESAMPLED = 600
_CHOICE = 2**20  # beyond the streams of the arrangements: of the classes of an episode


@dataclass(frozen=True)
class Episodes:
    """Share of the queries of each episode that a rule gets wrong.

    Attributes:
        packed: The errors (B, r), compressed; `errors` opens them.
        arrangements, count: B and r.
        digest: Of what an episode is: which items stand where in it. Rules and encoders with the same one are compared
            on the same episodes.
    """

    packed: str
    arrangements: int
    count: int
    digest: str

    @classmethod
    def of(cls, errors: Tensor, digest: str) -> Episodes:
        """Of errors (B, r) in [0, 1]."""
        plain = errors.double().cpu().numpy().astype("<f8")
        packed = base64.b64encode(zlib.compress(plain.tobytes(), 6)).decode("ascii")
        return cls(packed, len(plain), plain.shape[1], digest)

    @cached_property
    def errors(self) -> Tensor:
        """H, (B, r).

        Raises:
            InvalidInput: the compressed text was changed.
        """
        try:
            plain = zlib.decompress(base64.b64decode(self.packed, validate=True))
            errors = np.frombuffer(plain, "<f8").reshape(self.arrangements, self.count).astype(np.float64)
        except (ValueError, zlib.error) as error:
            raise InvalidInput(f"The errors of episodes cannot be read, {error}; evaluate again.") from error
        return torch.from_numpy(errors)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Episodes:
        """The inverse of `dataclasses.asdict`."""
        found = cls(**plain)
        if not bool(((found.errors >= 0) & (found.errors <= 1)).all()):
            raise InvalidInput("The errors of episodes must lie in [0, 1]; evaluate again.")
        return found


def episodes_in(counts: NDArray[np.int64], shots: int) -> int:
    """Disjoint episodes that labels allow, r = min_c ⌊n_c/(m + 1)⌋."""
    return int(counts.min()) // (shots + 1)


def episode_errors(
    z: Tensor | Readable,
    labels: NDArray[np.int64],
    classes: int,
    shots: int,
    *,
    rule: Rule | None = None,
    ways: Ways = "all",
    permutations: int = 100,
    seed: int = 0,
    weights: Tensor | None = None,
    prepared: Any = None,
) -> Tensor:
    r"""Share H of wrong queries in each episode, (B, r), float64.

    Permutation b orders the items of each class and cuts them into r disjoint groups of m shots and one query; episode
    q is made of the q-th group of each class. The order of the rows is all that permutations know: they are fixed
    before the data. Given the labels, the episodes of one permutation are i.i.d. with the mean

    .. math:: \mathrm{err}_m = \sum_c w_c\,\mathbb P(\text{the rule of } m \text{ shots a class errs on a query of } c).

    Args:
        z: Representations, (n, d); rows on demand are read for each block of episodes.
        labels: (n,), each class at least m + 1 times.
        classes: K.
        shots: m.
        rule: What is made of the shots; the nearest class mean by default. Ties are errors.
        ways: "all": one episode holds all K classes; a number: so many, drawn for each episode; "pairs": the mean over
            the two-way episodes of all pairs of classes.
        permutations: B.
        seed: Of the permutations.
        weights: w (K,), 1/K by default; for `ways="all"`.
        prepared: `rule.prepare(z)`, where that is at hand.

    Raises:
        InvalidStatistics: fewer than two classes, or a class with fewer than m + 1 items.
    """
    counts = np.bincount(labels, minlength=classes)
    r = episodes_in(counts, shots)
    if classes < 2 or r < 1:
        raise InvalidStatistics("Episodes need two classes, and of each one item more than there are shots.")
    errors, found = _counting(z, rule, ways, weights, prepared), []
    together = max(1, _ENTRIES // (r * classes * (shots + 1)))
    for first in range(0, permutations, together):
        several = range(first, min(first + together, permutations))
        groups = [_arrangement(labels, counts, shots, r, seed, b) for b in several]
        draws = (uniforms(seed, np.arange(r), _CHOICE + _STREAM + b, classes) for b in several)
        keys = np.concatenate(list(draws)) if isinstance(ways, int) else None
        found.append(errors(np.concatenate(groups), keys).view(len(several), r))
    return torch.cat(found)


def usual_upper(
    z: Tensor | Readable,
    labels: NDArray[np.int64],
    classes: int,
    shots: int,
    *,
    rule: Rule | None = None,
    ways: Ways = "all",
    seed: int = 0,
    weights: Tensor | None = None,
    prepared: Any = None,
) -> float:
    r"""What is usually reported: :math:`\bar H + 1.645\,\mathrm{sd}/\sqrt{600}` over 600 episodes drawn anew from S.

    Those episodes share their items, so this is no confidence limit of the error on fresh ones: it lies below that far
    more often than in 5 % of data sets. Arguments as in `episode_errors`.
    """
    rng, drawn = np.random.default_rng([seed, _STREAM]), []
    for y in range(classes):
        own = np.flatnonzero(labels == y)
        order = rng.random((_RESAMPLED, len(own))).argpartition(shots, axis=1)[:, : shots + 1]
        drawn.append(own[order])
    keys = rng.random((_RESAMPLED, classes))
    errors = _counting(z, rule, ways, weights, prepared)(np.stack(drawn, axis=1), keys)
    return float(errors.mean() + 1.645 * errors.std() / len(errors) ** 0.5)


def _counting(
    z: Tensor | Readable, rule: Rule | None, ways: Ways, weights: Tensor | None, known: Any
) -> _Count:
    """What counts the share of wrong queries, (E,), of episodes (E, K, m + 1), among the classes of least keys (E, K)."""
    chosen: Rule = rule or Mean()
    prepared = chosen.prepare(z.double()) if known is None and isinstance(z, Tensor) else known

    def block_errors(part: Tensor) -> Tensor:
        if isinstance(z, Tensor):
            return share_of_errors(chosen, prepared, part.to(z.device), ways, weights).cpu()
        own = z[part.flatten()]
        numbers = torch.arange(len(own), device=own.device).view(part.shape)
        return share_of_errors(chosen, chosen.prepare(own), numbers, ways, weights).cpu()

    def errors(groups: NDArray[np.int64], keys: NDArray[np.float64] | None) -> Tensor:
        if isinstance(ways, int) and keys is not None:
            least = np.sort(np.argsort(keys, axis=1, kind="stable")[:, :ways], axis=1)
            groups = np.take_along_axis(groups, least[:, :, None], axis=1)
        _, width, size = groups.shape
        block = max(1, _ENTRIES // (width * (width + z.shape[1]) * size))
        # Results in one tensor: small ones, kept one by one, lie between the large ones that are freed, and memory grows.
        found = torch.empty(len(groups), dtype=torch.float64)
        for part, out in zip(
            torch.split(torch.from_numpy(groups), block), torch.split(found, block), strict=True
        ):
            out.copy_(block_errors(part))
        return found

    return errors


def share_of_errors(rule: Rule, z: Any, index: Tensor, ways: Ways, weights: Tensor | None) -> Tensor:
    """Share of wrong queries of episodes with items (E, w, m + 1), (E,)."""
    if ways == "pairs":
        return pair_errors(rule, z, index)
    wrong = rule.wrong(z, index).double()
    return wrong.mean(1) if weights is None else (wrong @ weights.to(wrong.device)).clamp(0.0, 1.0)


def pair_errors(rule: Rule, z: Any, index: Tensor) -> Tensor:
    """Mean error over the two-way episodes of all pairs of classes, (E,)."""
    if isinstance(rule, Mean):
        lost = rule.lost(z, index)
        width = lost.shape[1]
        return lost.sum((1, 2)).double() / (width * (width - 1))
    pairs = list(combinations(range(index.shape[1]), 2))
    total = torch.zeros(len(index), dtype=torch.float64, device=index.device)
    for pair in pairs:
        total += rule.wrong(z, index[:, list(pair)]).double().mean(1)
    return total / len(pairs)


def arrangement_digest(labels: NDArray[np.int64], items: NDArray[np.uint64] | None, *terms: object) -> str:
    """A digest of which items stand where in the episodes: labels in order, items where known, and the settings."""
    found = hashlib.sha256(repr(terms).encode())
    found.update(np.ascontiguousarray(labels, dtype="<i8").tobytes())
    if items is not None:
        found.update(np.ascontiguousarray(items, dtype="<u8").tobytes())
    return found.hexdigest()


def _arrangement(
    labels: NDArray[np.int64], counts: NDArray[np.int64], shots: int, r: int, seed: int, b: int
) -> NDArray[np.int64]:
    """Items of r episodes, (r, K, m + 1), the query last."""
    keys = uniforms(seed, np.arange(len(labels)), _STREAM + b, 1)[:, 0]
    if len(counts) <= 2**11:
        # Eleven bits for the class and all 53 of the key: one sort in place of two.
        order = np.argsort(labels.astype(np.uint64) << 53 | (keys * 2.0**53).astype(np.uint64), kind="stable")
    else:
        order = np.lexsort((keys, labels))
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    wanted = start[:, None] + np.arange(r * (shots + 1))
    grouped: NDArray[np.int64] = order[wanted].reshape(len(counts), r, shots + 1).transpose(1, 0, 2)
    return np.ascontiguousarray(grouped)
