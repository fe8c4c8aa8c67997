"""Small random worlds in which every term has a number by enumeration: a check of every fact that cannot fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations, product
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from bounds.derivations.functions import Max, Min, softplus
from bounds.derivations.steps import Result
from bounds.errors import InvalidProof
from bounds.proofs import terms as t
from bounds.proofs.closed import Closed
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas import centred, class_means, contrastive, margins

Array = NDArray[np.float64]
Bindings = Mapping[sp.Symbol, Any]
_WORLDS = 40
_SLACK = 1e-9


@dataclass(frozen=True)
class World:
    """K classes with finitely many inputs each, one encoder and one head per symbol, samples of drawn items.

    Attributes:
        prior: Class probabilities.
        support: Inputs of each class, as names (class, number), equally likely.
        vectors: f(x) per input, per encoder.
        heads: A matrix per head.
        numbers: A number per remaining symbol; B and τ are those of the vectors.
        samples: Items (class, first input, second input) per sample name.
        known: Values that were computed before, by term and what its item variables were bound to.
    """

    prior: Array
    support: tuple[tuple[tuple[int, int], ...], ...]
    vectors: Mapping[str, Mapping[tuple[int, int], Array]]
    heads: Mapping[str, Array]
    numbers: Mapping[str, float]
    samples: Mapping[str, tuple[tuple[int, tuple[int, int], tuple[int, int]], ...]]
    known: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def value(self, term: sp.Basic, bound: Bindings | None = None) -> Any:
        """The number (vector, matrix) of a term with its item variables bound.

        Raises:
            InvalidProof: the term has no value by enumeration (suprema, complexities).
        """
        bound = bound or {}
        if not term.args:
            return self._computed(term, bound)
        key = (term, *(bound.get(item) for item in _ordered(term)))
        if key not in self.known:
            self.known[key] = self._computed(term, bound)
        return self.known[key]

    def _computed(self, term: sp.Basic, bound: Bindings) -> Any:
        rule = _VALUES.get(type(term))
        if rule is not None:
            return rule(self, term, bound)
        if isinstance(term, Closed):
            numbers = [sp.Float(self.value(argument, bound)) for argument in term.args]
            return float(term.formula(*numbers))
        if term.is_number:
            return float(term)
        if isinstance(term, sp.Add):
            return sum(self.value(part, bound) for part in term.args)
        if isinstance(term, sp.Mul):
            found: Any = 1.0
            for part in term.args:
                found = found * self.value(part, bound)
            return found
        if isinstance(term, sp.Pow):
            return self.value(term.base, bound) ** self.value(term.exp, bound)
        plain: dict[type, Callable[..., Any]] = {
            sp.exp: np.exp, sp.log: np.log, Max: max, Min: min, sp.Abs: abs, sp.floor: np.floor,
            softplus: lambda v: np.logaddexp(0, v),
        }  # fmt: skip
        if type(term) in plain:
            return plain[type(term)](*(self.value(part, bound) for part in term.args))
        raise InvalidProof(f"`{term}` has no value by enumeration.")

    def tuples(
        self, wanted: frozenset[t.Item], classes: Mapping[int, int] | None = None
    ) -> Iterator[tuple[float, dict[sp.Symbol, Any]]]:
        """Every outcome of the variables of independent new items, with its probability; their classes given or drawn."""
        indices = sorted({item.index for item in wanted})
        each = [list(self._outcomes(index, wanted, (classes or {}).get(index))) for index in indices]
        for outcome in product(*each):
            merged: dict[sp.Symbol, Any] = {}
            for _, part in outcome:
                merged |= part
            yield float(np.prod([weight for weight, _ in outcome])), merged

    def _outcomes(
        self, index: int, wanted: frozenset[t.Item], given: int | None
    ) -> Iterator[tuple[float, dict[sp.Symbol, Any]]]:
        views = [one for one in (t.view(index, 0), t.view(index, 1)) if one in wanted]
        for y in range(len(self.prior)) if given is None else (given,):
            inputs = self.support[y]
            weight = (self.prior[y] if given is None else 1.0) / len(inputs) ** len(views)
            for chosen in product(inputs, repeat=len(views)):
                yield weight, {t.label(index): y, **dict(zip(views, chosen, strict=True))}


def bindings(index: int, y: int, first: tuple[int, int], second: tuple[int, int]) -> dict[sp.Symbol, Any]:
    """An item's class and views as values of its variables."""
    return {t.label(index): y, t.view(index, 0): first, t.view(index, 1): second}


def _symbol(world: World, term: t.Declared, bound: Bindings) -> Any:
    for table in (world.heads, world.numbers):
        if term.name in table:
            return table[term.name]
    raise InvalidProof(f"`{term}` has no value by enumeration.")


def _item(world: World, term: t.Item, bound: Bindings) -> Any:
    return np.eye(len(world.prior))[bound[term]] if term.view is None else bound[term]


@cache
def _free(term: sp.Basic) -> frozenset[t.Item]:
    """The item variables a value is of. With one negative, what a sum or a largest value runs over is item 1 itself."""
    if not term.has(t.Negatives, t.Worst):
        return t.items(term)
    if isinstance(term, t.Operator) and not isinstance(term, t.Negatives):
        return term.leaves(_free(term.args[-1]))
    return frozenset().union(*map(_free, term.args))


@cache
def _ordered(term: sp.Basic) -> tuple[t.Item, ...]:
    return tuple(sorted(_free(term), key=str))


def _expect(world: World, term: t.E, bound: Bindings) -> float:
    (inner,) = term.args
    return float(sum(w * world.value(inner, found) for w, found in world.tuples(_free(inner))))


def _given(world: World, term: t.Given, bound: Bindings) -> float:
    (inner,) = term.args
    wanted = _free(inner)
    classes = {item.index: bound[t.label(item.index)] for item in wanted}
    return float(sum(w * world.value(inner, found) for w, found in world.tuples(wanted, classes)))


def _fresh(world: World, term: t.Fresh, bound: Bindings) -> float:
    (inner,) = term.args
    inputs = world.support[bound[t.label(0)]]
    return float(np.mean([world.value(inner, {**bound, t.view(0, 1): one}) for one in inputs]))


def _mean(world: World, term: sp.Expr, bound: Bindings) -> float:
    sample, inner = term.args
    indices = sorted({item.index for item in _free(inner)})
    values = []
    for chosen in permutations(world.samples[sample.name], len(indices)):
        merged: dict[sp.Symbol, Any] = {}
        for index, item in zip(indices, chosen, strict=True):
            merged |= bindings(index, *item)
        values.append(world.value(inner, merged))
    return float(np.mean(values))


def _negatives(world: World, term: sp.Expr, bound: Bindings) -> float:
    if world.value(term.args[0], bound) != 1:
        raise InvalidProof(f"`{term}` is enumerated for one further item alone.")
    return float(world.value(term.args[1], bound))


def _mean_classifier(world: World, term: contrastive.MeanClassifier, bound: Bindings) -> float:
    kind, encoder, scale = term.args[:3]
    vectors, size = world.vectors[encoder.name], world.value(scale, bound)
    means = np.array([np.mean([vectors[one] for one in inside], axis=0) for inside in world.support])
    total = weight = 0.0
    for y, inside in enumerate(world.support):
        for one in inside:
            scores = means @ vectors[one]
            for chance, loss in _losses(kind.name, scores, y, size, world.prior):
                total += world.prior[y] / len(inside) * chance * loss
                weight += world.prior[y] / len(inside) * chance
    return float(total / weight)


def _losses(kind: str, scores: Array, y: int, size: float, prior: Array) -> Iterator[tuple[float, float]]:
    """The loss of one item with its chance, or that against each other class with the chance of that class."""
    if kind == "softmax":
        yield 1.0, float(np.logaddexp.reduce(scores / size) - scores[y] / size)
    elif kind == "squared":
        yield 1.0, float(((size * scores - np.eye(len(scores))[y]) ** 2).sum())
    else:
        for other in set(range(len(scores))) - {y}:
            margin = size**2 * (scores[y] - scores[other])
            yield prior[other], max(0.0, 1 - margin) if kind == "hinge" else np.log2(1 + np.exp(-margin))


def _collision(world: World, term: margins.Collision, bound: Bindings) -> float:
    return float((world.prior * (1 - (1 - world.prior) ** world.value(term.args[0], bound))).sum())


def _class_means(world: World, sample: str, vectors: Mapping[tuple[int, int], Array]) -> dict[int, Array]:
    """Mean of f over the first views of a sample's items, per class that has any."""
    found: dict[int, list[Array]] = {}
    for y, first, _ in world.samples[sample]:
        found.setdefault(y, []).append(vectors[first])
    return {y: np.array(rows) for y, rows in sorted(found.items())}


def _by_class(world: World, term: sp.Expr) -> Iterator[tuple[int, float, Array, Array]]:
    """Class, share of the items, mean over them, and true mean."""
    sample, encoder = (
        term.args[0],
        term.args[-1] if isinstance(term, class_means.MeanGap | class_means.ClassBias) else term.args[2],
    )
    vectors = world.vectors[encoder.name]
    for y, rows in _class_means(world, sample.name, vectors).items():
        true = np.mean([vectors[one] for one in world.support[y]], axis=0)
        yield y, len(rows) / len(world.samples[sample.name]), rows.mean(0), true


def _mean_gap(world: World, term: class_means.MeanGap, bound: Bindings) -> float:
    return float(np.sqrt(sum(p * ((seen - true) ** 2).sum() for _, p, seen, true in _by_class(world, term))))


def _class_bias(world: World, term: class_means.ClassBias, bound: Bindings) -> float:
    head = world.value(term.args[1], bound)
    one = np.eye(len(world.prior))
    return float(sum(p * ((head @ seen - one[y]) ** 2).sum() for y, p, seen, _ in _by_class(world, term)))


def _reaches(world: World, term: sp.Expr, bound: Bindings) -> Array:
    """M_y for each class."""
    head, gap = world.value(term.args[1], bound), world.value(term.args[3], bound)
    found = np.full(len(world.prior), _reach(world, t.Reach(term.args[1]), bound))
    one = np.eye(len(world.prior))
    for y, p, seen, _ in _by_class(world, term):
        near = np.linalg.norm(head @ seen - one[y]) + np.linalg.norm(head, 2) * gap / np.sqrt(p)
        found[y] = min(found[y], near)
    return found


def _frequencies(world: World, name: str) -> Array:
    classes = [item[0] for item in world.samples[name]]
    found: Array = np.bincount(classes, minlength=len(world.prior)) / len(classes)
    return found


def _class_excess(world: World, term: class_means.ClassExcess, bound: Bindings) -> float:
    more = np.maximum(0, world.prior - _frequencies(world, term.args[0].name))
    return float((more * _reaches(world, term, bound) ** 2).sum())


def _root_frequencies(world: World, term: class_means.RootFrequencies, bound: Bindings) -> float:
    return float((np.sqrt(_frequencies(world, term.args[0].name)) + np.sqrt(world.prior)).sum())


def _ramp(world: World, term: centred.Ramp, bound: Bindings) -> float:
    head, vector, of, width = term.args
    scores, y = world.value(head, bound) @ world.value(vector, bound), bound[of]
    margin = scores[y] - np.delete(scores, y).max()
    return float(np.clip(1 - margin / world.value(width, bound), 0, 1))


def _variation(world: World, term: t.TV, bound: Bindings) -> float:
    return float(np.abs(_frequencies(world, term.args[0].name) - world.prior).sum() / 2)


def _project(world: World, term: t.Project, bound: Bindings) -> Array:
    vector = world.value(term.args[0], bound)
    ordered = np.sort(vector)[::-1]
    excess = (np.cumsum(ordered) - 1) / np.arange(1, len(vector) + 1)
    found: Array = np.maximum(vector - excess[ordered > excess][-1], 0.0)
    return found


def _decision(world: World, head: sp.Basic, vector: sp.Basic, bound: Bindings) -> int:
    return int(np.argmax(world.value(head, bound) @ world.value(vector, bound)))


def _wrong(world: World, term: t.Wrong, bound: Bindings) -> float:
    return float(_decision(world, term.args[0], term.args[1], bound) != bound[term.args[2]])


def _differ(world: World, term: t.Differ, bound: Bindings) -> float:
    one, two = (_decision(world, term.args[i], term.args[i + 1], bound) for i in (0, 2))
    return float(one != two)


def _reach(world: World, term: t.Reach, bound: Bindings) -> float:
    return float(1 + np.linalg.norm(world.value(term.args[0], bound), 2) * world.numbers["B"])


_VALUES: dict[type, Callable[[World, Any, Bindings], Any]] = {
    t.Declared: _symbol,
    t.Item: _item,
    t.Enc: lambda w, e, b: w.vectors[e.args[0].name][w.value(e.args[1], b)],
    t.Apply: lambda w, e, b: w.value(e.args[0], b) @ w.value(e.args[1], b),
    t.Dot: lambda w, e, b: float(w.value(e.args[0], b) @ w.value(e.args[1], b)),
    t.Norm: lambda w, e, b: float(np.linalg.norm(w.value(e.args[0], b))),
    t.OpNorm: lambda w, e, b: float(np.linalg.norm(w.value(e.args[0], b), 2)),
    t.Frobenius: lambda w, e, b: float(np.linalg.norm(w.value(e.args[0], b))),
    t.Reach: _reach,
    t.Project: _project,
    t.Wrong: _wrong,
    t.Differ: _differ,
    t.Hinge: lambda w, e, b: max(0.0, 1 - w.value(e.args[0], b)),
    t.Cross: lambda w, e, b: float(
        (w.value(e.args[0], b) - w.value(e.args[2], b)) @ (w.value(e.args[1], b) - w.value(e.args[2], b))
    ),
    t.E: _expect,
    t.Given: _given,
    t.Fresh: _fresh,
    t.Mean: _mean,
    t.UMean: _mean,
    t.Negatives: _negatives,
    t.Worst: _negatives,
    contrastive.MeanClassifier: _mean_classifier,
    margins.Collision: _collision,
    class_means.MeanGap: _mean_gap,
    class_means.ClassBias: _class_bias,
    class_means.FarthestMean: lambda w, e, b: float(_reaches(w, e, b).max()),
    class_means.ClassExcess: _class_excess,
    class_means.RootFrequencies: _root_frequencies,
    centred.Ramp: _ramp,
    t.TV: _variation,
}


@cache
def world(seed: int) -> World:
    """A random world: 2 or 3 classes, 1 to 3 inputs each, short samples of any class composition."""
    rng = np.random.default_rng(seed)
    classes, dim = int(rng.integers(2, 4)), 2
    prior = rng.dirichlet(np.ones(classes))
    support = tuple(tuple((y, i) for i in range(rng.integers(1, 4))) for y in range(classes))
    inputs = [one for inside in support for one in inside]
    vectors = {"f": {one: rng.normal(size=dim) * rng.choice([0.3, 1.0, 3.0]) for one in inputs}}
    lengths = [float(np.linalg.norm(v)) for v in vectors["f"].values()]
    gaps = [float(np.linalg.norm(a - b)) for a, b in product(vectors["f"].values(), repeat=2)]
    radius = max(lengths)
    lowest = min(float(a @ b) for a, b in product(vectors["f"].values(), repeat=2))
    numbers = {
        **{"B": radius, "tau": max(gaps), "span": radius**2 - lowest, "K": float(classes), "negatives": 1.0},
        **{
            "scale": rng.choice([0.3, 1.0]),
            "temperature": rng.choice([0.5, 2.0]),
            "margin": rng.choice([0.3, 2.0]),
        },
        **{"head_scale": rng.choice([0.1, 0.5]), "p_min": float(prior.min())},
        **{"collision": float((prior**2).sum()), "no_collision": 1 - float((prior**2).sum())},
    }

    def draw(size: int) -> tuple[tuple[int, tuple[int, int], tuple[int, int]], ...]:
        found = []
        for y in rng.choice(classes, size=size, p=rng.dirichlet(np.ones(classes))):
            first, second = (support[y][rng.integers(len(support[y]))] for _ in range(2))
            found.append((int(y), first, second))
        return tuple(found)

    sizes = {"S": ("n", 3), "P": ("m", 4), "H": ("N", 3), "U": ("m", 3)}
    samples = {name: draw(size) for name, (_, size) in sizes.items()}
    samples["P2"] = tuple((y, second, first) for y, first, second in samples["P"])
    numbers |= {symbol: float(size) for symbol, size in sizes.values()}
    heads = {name: rng.normal(size=(classes, dim)) * rng.choice([0.1, 1.0, 3.0]) for name in ("W", "V")}
    return World(prior, support, vectors, heads, numbers, samples)


def gaps(fact: Fact, worlds: int = _WORLDS) -> Iterator[float]:
    """Right side less left side in random worlds, for every item.

    Raises:
        InvalidProof: a side has no value by enumeration.
    """
    wanted = _free(fact.lhs) | _free(fact.rhs)
    for seed in range(worlds):
        here = world(seed)
        for weight, bound in here.tuples(wanted):
            if weight > 0:
                yield here.value(fact.rhs, bound) - here.value(fact.lhs, bound)


def checked(fact: Fact) -> Result:
    """Evaluate a fact that cannot fail in random worlds."""
    try:
        found = list(gaps(fact))
    except InvalidProof as reason:
        return Result(True, f"by construction ({reason})".encode("ascii", "replace").decode())
    least = min(found)
    detail = f"{len(found)} instances in {_WORLDS} random worlds, smallest gap {least:.2g}"
    return Result(least >= -_SLACK * (1 + max(map(abs, found))), detail)
