"""A world: finitely many inputs with known weights, so that every true risk is a finite sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bounds.assumptions.assumption import TITLES, Assumption
from bounds.assumptions.declaration import Declared
from bounds.errors import InvalidOption
from bounds.evidence.evidence import Evidence
from bounds.evidence.setting import Setting
from bounds.representations.table import Representations
from bounds.worlds import draws
from bounds.worlds.population import Population

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """One draw from a world.

    Attributes:
        evidence: What a theorem sees.
        z: (M, d) representations of the whole population by the encoder of this draw.
        labels, weights, images: Of the population, (M,).
        fresh_pairs: count -> indices of i.i.d. pairs, by the law that the pairs claim to follow; of a seed of their own.
        kept: Numbers that depend on the representations alone, shared by all samples of a fixed encoder.

    Example:
        >>> import numpy as np
        >>> from bounds.worlds import WORLDS
        >>> sample = WORLDS["gaussian"]().sample(np.random.default_rng(0), n=30)
        >>> sample.evidence.n, len(sample.z) == len(sample.labels)
        (30, True)
    """

    evidence: Evidence
    z: Tensor
    labels: Tensor
    weights: Tensor
    images: Tensor
    fresh_pairs: Callable[[int], tuple[Index, Index]]
    kept: dict[Any, float]

    def mean(self, losses: Tensor) -> float:
        """Expectation of a loss (M,) over the population: exact but for float64."""
        return float(self.weights @ losses)


@dataclass(frozen=True)
class World:
    """A distribution of labeled items and pairs whose every risk is known.

    Attributes:
        name, description: In words.
        population: The inputs.
        n, m, N: Sizes of S, S̄ and the test set unless `sample` is told otherwise.
        violated: Name of each assumption that fails by construction -> why. All others hold.
        labeled: (population, count, rng) -> indices of S.
        pairs: (population, count, rng, S) -> indices of both views.
        pairs_independent: Whether `pairs` draws i.i.d. pairs; if not, they stand in for i.i.d. class pairs.
        encoder: (population, S, first, second, rng) -> representations of all points, (M, d).
        test: (population, count, rng, S) -> indices of the test items.
        setting: Options of `Setting` that this world needs, such as a known prior.
        radius: B, declared before the data.

    Example:
        >>> from bounds.worlds import World, gaussian_population
        >>> world = World("three classes", "well apart", gaussian_population(separation=5.0), n=100)
        >>> world.num_classes, world.n, list(world.failing)
        (3, 100, ["A1'"])
    """

    name: str
    description: str
    population: Population
    n: int = 60
    m: int = 60
    N: int = 40
    violated: Mapping[str, str] = field(default_factory=dict)
    labeled: Callable[..., Index] = draws.independent
    pairs: Callable[..., tuple[Index, Index]] = draws.class_pairs
    pairs_independent: bool = True
    encoder: Callable[..., Tensor] = draws.identity
    test: Callable[..., Index] = draws.fresh
    setting: Mapping[str, Any] = field(default_factory=dict)
    radius: float = 1.0

    @property
    def prior(self) -> NDArray[np.float64]:
        """Class prior p, (K,)."""
        return self.population.prior

    @property
    def num_classes(self) -> int:
        """K."""
        return self.population.num_classes

    @cached_property
    def failing(self) -> dict[str, str]:
        """Assumption that fails -> why: those of `violated`, and A1′ unless pairs are views of one image."""
        views = {} if self.pairs is draws.view_pairs else {"A1'": "the pairs are not two views of one image"}
        return {**views, **self.violated}

    def with_options(self, **options: Any) -> World:
        """The same world with other fields of `Setting`, such as `head=("ridge", 0.1)`."""
        return replace(self, setting={**self.setting, **options})

    def sample(
        self, rng: np.random.Generator, n: int | None = None, m: int | None = None, N: int | None = None
    ) -> Sample:
        """Draw S, S̄ and test items, and represent them.

        Raises:
            InvalidOption: a size below one.
        """
        counts = [own if given is None else given for given, own in ((n, self.n), (m, self.m), (N, self.N))]
        if min(counts) < 1:
            raise InvalidOption(f"A sample needs at least one item of each kind, got {counts}.")
        population = self.population
        S = self.labeled(population, counts[0], rng)
        first, second = self.pairs(population, counts[1], rng, S)
        test = self.test(population, counts[2], rng, S)
        z = self.encoder(population, S, first, second, rng)

        def table(name: str, *views: Index) -> Representations:
            return Representations(tuple(z[view] for view in views), population.labels[views[0]], name)

        evidence = Evidence(
            self._setting(int(rng.integers(2**31))),
            table("labeled", S),
            table("unlabeled", first, second),
            table("test", test),
        )
        kept = self._kept if self.encoder is draws.identity else {}
        return Sample(evidence, z, *self._population_tensors, self._fresh_pairs, kept)

    @cached_property
    def _kept(self) -> dict[Any, float]:
        return {}

    @cached_property
    def _drawn(self) -> dict[int, tuple[Index, Index]]:
        return {}

    def _fresh_pairs(self, count: int) -> tuple[Index, Index]:
        if count not in self._drawn:
            law = self.pairs if self.pairs_independent else draws.class_pairs
            nothing = np.zeros(0, np.int64)  # i.i.d. pairs know nothing of S
            self._drawn[count] = law(self.population, count, np.random.default_rng(0), nothing)
        return self._drawn[count]

    @cached_property
    def _population_tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        population = self.population
        images = np.unique(population.images, return_inverse=True)[1]
        return (
            torch.from_numpy(population.labels),
            torch.from_numpy(population.weights),
            torch.from_numpy(images),
        )

    def _setting(self, seed: int) -> Setting:
        options: dict[str, Any] = {
            "num_classes": self.num_classes,
            "radius": self.radius,
            "tau": 2.0 * self.radius,
            "constants": "counted",
            "seed": seed,
            "options": {"few_shot": {"permutations": 10}},  # the limit holds for any number of them
            "declared": Declared(
                test_is_fresh=True, repeats="keep"
            ),  # finitely many inputs, drawn with replacement
            **self.setting,
        }
        if options.get("prior") == "known":
            options["prior"] = torch.from_numpy(self.prior)
        return Setting(assumptions=self._assumptions, **options)

    @cached_property
    def _assumptions(self) -> dict[str, Assumption]:
        return {
            name: Assumption(name, "violated", self.failing[name])
            if name in self.failing
            else Assumption(name, "holds", f"by construction of the world `{self.name}`")
            for name in (*TITLES, "constants")
        }
