"""Terms about random variables: items, vectors, means, expectations. Every term is stored in one normal form.

View v of item i is the symbol `x{i}{v}`, its one-hot label `y{i}`. Operators that average or integrate bind these
symbols, so that two quantities over different samples contain the very same term. Vectors are commutative sympy
terms; only `Norm` and `Dot` turn them into numbers.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import sympy as sp

from bounds.errors import InvalidProof

Kind = Literal["count", "level", "constant", "amount", "index", "encoder", "head", "other"]
# Kinds whose value is known to be positive, or a probability strictly between 0 and 1.
POSITIVE = ("count", "level", "constant")


class Declared(sp.Symbol):  # type: ignore[misc]
    """A symbol with its kind and what it depends on: names of samples, or of random objects apart from them.

    Attributes:
        kind: "count" (at least 1), "level" (in (0, 1)), "constant" (positive), "amount" (at least 0), "index",
            "encoder", "head", "other".
        sources: What it was computed from; empty for what was fixed before all data.
        generic: A member of a class or grid that stands for all of them.
    """

    __slots__ = ("generic", "kind", "sources")

    def __new__(cls, name: str, kind: Kind, sources: tuple[str, ...] = (), generic: bool = False) -> Declared:
        """A symbol that equals another only where kind, sources and genericity agree."""
        flags = (
            {"positive": True} if kind in POSITIVE else {"nonnegative" if kind == "amount" else "real": True}
        )
        made: Declared = sp.Symbol.__xnew__(cls, name, **flags)
        made.kind, made.sources, made.generic = kind, tuple(sources), generic
        return made

    def __getnewargs_ex__(self) -> Any:
        return (self.name, self.kind, self.sources, self.generic), {}

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.kind, self.sources, self.generic)


class Item(sp.Symbol):  # type: ignore[misc]
    """A view or the label of an item; `index` is the item, `view` 0, 1 or None for the label."""

    __slots__ = ()

    @property
    def index(self) -> int:
        """Which item."""
        return int(self.name[1])

    @property
    def view(self) -> int | None:
        """Which view, None for the label."""
        return int(self.name[2]) if len(self.name) > 2 else None


def view(item: int = 0, which: int = 0) -> Item:
    """View `which` of an item."""
    return Item(f"x{item}{which}")


def label(item: int = 0) -> Item:
    """The one-hot label of an item."""
    return Item(f"y{item}")


class Sample(sp.AtomicExpr):  # type: ignore[misc]
    """A sample with its law: what its items are, how many, and from what they are independent.

    Attributes:
        name, size: A short name, and the number of items (of pairs where `paired`).
        apart: Source -> assumption under which it is independent of the sample.
        law: Assumptions under which the items are i.i.d. (given their class counts, where those are `fixed`).
        paired: An item is two views.
        views: Assumption about two views of an item: A1, independent given their class; A1', given their image.
        fixed: The class counts were fixed, so only the views are random.
        event: What may fail where its items were chosen so as to follow their law, and the share it spends.
        cells: Its items are those of one cell of the population, which the terms over it name.
        order: Assumption under which the order of its items was drawn before anything about them was known.
        hidden: Nobody has it; no bound may show a term of it.
    """

    is_commutative = True

    def __new__(
        cls,
        name: str,
        size: sp.Expr,
        apart: tuple[tuple[str, str], ...] = (),
        law: tuple[str, ...] = ("A6",),
        *,
        paired: bool = False,
        fixed: bool = False,
        hidden: bool = False,
        event: tuple[str, sp.Expr] | None = None,
        order: str = "",
        cells: bool = False,
        views: str = "A1",
    ) -> Sample:
        """A sample that equals another only where all its properties agree."""
        made: Sample = sp.AtomicExpr.__new__(cls)
        made.name, made.size, made.apart, made.law = name, size, tuple(apart), tuple(law)
        made.paired, made.fixed, made.hidden, made.event, made.order = paired, fixed, hidden, event, order
        made.cells, made.views = cells, views
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        # Sympy orders atoms by comparing these one by one, so each position holds one comparable type.
        what, share = self.event or ("", sp.S.Zero)
        flags = (self.paired, self.fixed, self.hidden, self.cells)
        return (self.name, self.size, self.apart, self.law, *flags, what, share, self.order, self.views)

    def _sympystr(self, printer: Any) -> str:
        return str(self.name)


def normal(term: sp.Expr) -> sp.Expr:
    """Products of sums and whole powers of sums multiplied out, on the outermost level; denominators stay whole."""
    if isinstance(term, sp.Add):
        return sp.Add(*(normal(part) for part in term.args))
    if isinstance(term, sp.Pow) and isinstance(term.base, sp.Add) and term.exp.is_Integer and term.exp > 1:
        return normal(sp.Mul(term.base, term.base ** (term.exp - 1), evaluate=False))
    if not isinstance(term, sp.Mul):
        return term
    summed: tuple[sp.Expr, ...] = (sp.S.One,)
    for factor in term.args:
        opened = normal(factor) if isinstance(factor, sp.Pow | sp.Mul) else factor
        summed = tuple(one * part for one in summed for part in sp.Add.make_args(opened))
    return sp.Add(*summed)


def abs_vector(part: sp.Expr) -> sp.Expr:
    """A single summand without its sign."""
    return -part if part.could_extract_minus_sign() else part


def _sign_free(vector: sp.Expr) -> sp.Expr:
    """V or −v, always the same of the two: norms do not see the sign."""
    return normal(-vector) if vector.could_extract_minus_sign() else vector


class Term(sp.Function):  # type: ignore[misc]
    """A function of terms; `nargs` says of how many."""

    def __init_subclass__(cls, nargs: int | tuple[int, ...] | None = None) -> None:
        """Read by the class of sympy's functions."""
        super().__init_subclass__()


class Enc(Term, nargs=2):
    """The vector f(x)."""


class Apply(Term, nargs=2):
    """The vector W v, linear in both."""

    @classmethod
    def eval(cls, head: sp.Expr, vector: sp.Expr) -> sp.Expr | None:
        """Split sums, move numbers out."""
        return _bilinear(cls, head, vector)


class Dot(Term, nargs=2):
    """The inner product, bilinear and symmetric."""

    @classmethod
    def eval(cls, left: sp.Expr, right: sp.Expr) -> sp.Expr | None:
        """Split sums, move numbers out, order the two."""
        found = _bilinear(cls, left, right)
        if found is None and sp.default_sort_key(right) < sp.default_sort_key(left):
            return cls(right, left)
        return found


def _bilinear(kind: Any, *arguments: sp.Expr) -> sp.Expr | None:
    for position, argument in enumerate(arguments):
        opened = normal(argument)

        def put(part: sp.Expr, position: int = position) -> sp.Expr:
            return kind(*(part if i == position else other for i, other in enumerate(arguments)))

        if opened.is_Add:
            return sp.Add(*(put(part) for part in opened.args))
        scalar, rest = _scalar(opened)
        if rest == 0 or scalar == 0:
            return sp.S.Zero
        if scalar != 1 or opened != argument:
            return scalar * put(rest)
    return None


def is_vector(term: sp.Expr) -> bool:
    """Whether a term stands for a vector (or a matrix), not for a number."""
    if isinstance(term, Item) or (isinstance(term, Declared) and term.kind in ("encoder", "head")):
        return True
    if isinstance(term, Enc | Apply | Project | InBall | Near):
        return True
    return bool(term.is_Add or term.is_Mul) and any(is_vector(part) for part in term.args)


def _scalar(term: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Numeric factor and vector of a product."""
    vectors = [factor for factor in sp.Mul.make_args(term) if is_vector(factor)]
    rest = sp.Mul(*vectors)
    return (sp.S.Zero, sp.S.Zero) if not vectors else (sp.Mul(*_without(term, vectors)), rest)


def _without(term: sp.Expr, removed: list[sp.Expr]) -> list[sp.Expr]:
    return [factor for factor in sp.Mul.make_args(term) if factor not in removed]


class InBall(Term, nargs=2):
    """A generic head together with the Frobenius ball it runs over: InBall(V, β)."""


class Near(Term, nargs=3):
    """A generic head together with the ball {‖(W − W₀)A‖_F ≤ β} around the centre of a metric: Near(W, β, metric)."""


class Project(Term, nargs=1):
    """Π v, the Euclidean projection on the probability simplex."""


class Nonnegative(Term):
    """Something that is never negative, whatever its arguments."""

    is_nonnegative = True
    is_real = True


class Norm(Nonnegative, nargs=1):
    """Euclidean norm of a vector; constants come out, the sign goes."""

    @classmethod
    def eval(cls, vector: sp.Expr) -> sp.Expr | None:
        """Store v, not −v."""
        opened = normal(vector)
        if opened == 0:
            return sp.S.Zero
        chosen = _sign_free(opened)
        return None if chosen == vector else cls(chosen)


class OpNorm(Nonnegative, nargs=1):
    """Spectral norm of a head, or of a difference of heads."""

    @classmethod
    def eval(cls, head: sp.Expr) -> sp.Expr | None:
        """Store W, not −W."""
        chosen = _sign_free(normal(head))
        return None if chosen == head else cls(chosen)


class Frobenius(Nonnegative, nargs=1):
    """Frobenius norm of a head."""


class Distance(Nonnegative, nargs=2):
    """‖(W − W₀)A‖_F, the distance of a head from the centre of a metric: Distance(W, metric)."""


class Energy(Nonnegative, nargs=2):
    """‖A⁻¹v‖² in a metric: Energy(metric, v)."""


class Stretch(Nonnegative, nargs=1):
    """‖A⁻¹‖₂ of a metric."""


class Ramp(Nonnegative, nargs=4):
    """max(0, min(1, 1 − margin/γ)), the margin that of head W at input f(x) of class y: Ramp(W, f(x), y, γ)."""


class Reach(Nonnegative, nargs=1):
    """sup ‖W v − y‖ over all ‖v‖ ≤ B and all labels y: 1 + ‖W‖₂B without an intercept."""


class Indicator(Nonnegative):
    """Something an item is or is not: 0 or 1."""


class Wrong(Indicator, nargs=3):
    """1[the decision of head W at input x is not the class y], ties counted as mistakes: Wrong(W, f(x), y)."""


class Outside(Indicator, nargs=4):
    """1[y is not among the k classes of the largest scores], ties counted as mistakes: Outside(k, W, f(x), y)."""


class Differ(Indicator, nargs=4):
    """1[two decisions differ]: Differ(W, f(x), V, f(x′))."""


class InCell(Nonnegative, nargs=2):
    """An indicator of an item of one cell of the population, a class or those above a threshold: InCell(cell, g)."""


class Picked(Term, nargs=2):
    """A head that starts from another one and is made of what it picks out of a sample: Picked(start, sample)."""

    is_real = True


class Picks(Nonnegative, nargs=1):
    """How many items a head picked: Picks(Picked(start, sample))."""


class Missed(Indicator, nargs=2):
    """1[the rule made from the shots of an episode does not name the class y of its query x]: Missed(f(x), y)."""


class Episode(Nonnegative, nargs=1):
    """Mean of an indicator over one item of each class: Episode(g)."""


class Predicted(Nonnegative, nargs=2):
    """A head's own prediction of its error at an input, in [0, 1]: Predicted(W, f(x))."""


class Correction(Term, nargs=3):
    """Error less predicted error: Correction(W, f(x), y) = Wrong − Predicted."""

    is_real = True


class Cross(Nonnegative, nargs=3):
    """⟨u − y, v − y⟩ for u, v on the simplex: Cross(u, v, y)."""


class ClassLimit(Nonnegative, nargs=2):
    """An upper limit of the mean of g in a class: ClassLimit(g, y)."""


class Randomised(Nonnegative, nargs=4):
    """Something in [0, 1] averaged over random heads around W, with the noise of a prior: (W, prior, f(x), y)."""


class Gibbs(Randomised):
    """Chance that a random head errs."""


class Narrow(Randomised):
    """Chance that the margin of a random head is at most γ, which is at least the prior's q where W itself errs."""


class Quantile(Nonnegative, nargs=1):
    """The q of a prior: chance that a random head shows an error of the head it is drawn around."""


class Divergence(Nonnegative, nargs=2):
    """KL divergence of the random heads around W from those of a prior: Divergence(W, prior)."""


class Remainder(Nonnegative, nargs=2):
    """max(0, u − 2λu(1 − u)), the most that e − 2λe(1 − e) can be for 0 ≤ e ≤ u: Remainder(u, λ)."""


class Spread(Nonnegative, nargs=1):
    """Largest less smallest value of a number per class."""


class Least(Nonnegative, nargs=1):
    """Smallest value of a number per class that is never negative."""


class Variance(Nonnegative, nargs=2):
    """Sample variance of g over the items of a sample: Variance(S, g)."""


class Count(Nonnegative, nargs=2):
    """Number of items of a sample with an indicator of one: Count(T, g)."""


class Loss(Term, nargs=2):
    """A loss of a margin v: hinge max(0, 1 − v) or logistic log₂(1 + e^{−v})."""

    is_nonnegative = True
    is_real = True

    @classmethod
    def eval(cls, kind: sp.Symbol, margin: sp.Expr) -> sp.Expr | None:
        """Store the margin multiplied out."""
        opened = normal(margin)
        return None if opened == margin else cls(kind, opened)


@cache
def items(term: sp.Basic) -> frozenset[Item]:
    """The item variables a term leaves free: `free_symbols` does not know what operators bind."""
    if isinstance(term, Item):
        return frozenset({term})
    if isinstance(term, ClassLimit):
        return frozenset({term.args[1]})
    if isinstance(term, Rad | Bet | Count | Variance | Spread | Least):
        return frozenset()
    if isinstance(term, Worst):
        return frozenset(item for item in items(term.args[1]) if item.index != 1)
    inner: frozenset[Item] = frozenset().union(*map(items, term.args))
    return term.leaves(inner) if isinstance(term, Operator) else inner


def order(term: sp.Basic) -> sp.Expr:
    """How many items a term looks at."""
    hidden = sp.Add(*(found.args[0] for found in term.atoms(Negatives, Worst)))
    return sp.Integer(len({item.index for item in items(term)})) + hidden


class Operator(Term):
    """Something linear in its last argument that averages or integrates item variables."""

    is_real = True

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """The item variables that stay free."""
        return frozenset()

    @classmethod
    def binds(cls, term: sp.Expr) -> bool:
        """Whether a factor is affected by the operator; others move out."""
        return bool(items(term))

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """A simpler form of a single summand, or None."""
        return None

    @classmethod
    def eval(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Sums split, factors without bound items move out."""
        *given, term = arguments
        opened = normal(term)
        if opened.is_Add:
            return sp.Add(*(cls(*given, part) for part in opened.args))
        factors = sp.Mul.make_args(opened)
        outside = sp.Mul(*(factor for factor in factors if not cls.binds(factor)))
        inside = sp.Mul(*(factor for factor in factors if cls.binds(factor)))
        if inside == 1:
            return outside * cls.of_one(*given)
        if outside != 1:
            return outside * cls(*given, inside)
        found = cls.reduce(*given, inside)
        if found is not None:
            return found
        return None if inside == term else cls(*given, inside)

    @classmethod
    def of_one(cls, *given: sp.Expr) -> sp.Expr:
        """The operator of the constant one."""
        return sp.S.One


def swapped(term: sp.Expr, item: int = 0) -> sp.Expr:
    """The two views of an item exchanged."""
    first, second = view(item, 0), view(item, 1)
    return term.xreplace({first: second, second: first})


def only_second(term: sp.Expr, item: int = 0) -> bool:
    """Whether an item enters by its second view alone."""
    views = {one.view for one in items(term) if one.index == item} - {None}
    return views == {1}


class Given(Operator, nargs=1):
    """Expectation over all views given the classes of the items."""

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """The classes of the items that went in."""
        return frozenset(label(item.index) for item in inner)

    @classmethod
    def binds(cls, term: sp.Expr) -> bool:
        """Labels are given."""
        return any(item.view is not None for item in items(term))

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Views are exchangeable; what was fresh or given already is integrated with the rest."""
        (term,) = arguments
        if isinstance(term, Fresh):
            return cls(term.args[0])
        return cls(swapped(term)) if only_second(term) else None


class Fresh(Operator, nargs=1):
    """Expectation over the second view of item 0, drawn afresh from its class."""

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """What is left, and the class of item 0, from which the view was drawn."""
        return (inner - {view(0, 1)}) | {label(0)}

    @classmethod
    def binds(cls, term: sp.Expr) -> bool:
        """Only the second view is integrated."""
        return view(0, 1) in items(term)

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Of the second view alone it is the expectation given the class."""
        (term,) = arguments
        return Given(term) if only_second(term) else None


class E(Operator, nargs=1):
    """Expectation over new items, everything else held fixed."""

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Towers collapse; views are exchangeable."""
        (term,) = arguments
        if isinstance(term, Fresh | Given):
            return cls(term.args[0])
        if isinstance(term, Negatives):
            return term.args[0] * cls(term.args[1])
        return cls(swapped(term)) if only_second(term) else None


class Mean(Operator, nargs=2):
    """Mean over the items of a sample: Mean(S, g). Second views exist only where the sample is of pairs."""

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """No simpler form; refuses what the sample does not have."""
        sample, term = arguments
        if not sample.paired and any(item.view == 1 for item in items(term)):
            raise InvalidProof(f"{sample} has no second views, so it cannot average `{term}`.")
        return None


class UMean(Operator, nargs=2):
    """Mean over all tuples of distinct items of a sample, as many as g looks at: UMean(P, g)."""


class Negatives(Operator, nargs=2):
    """Sum of g over k further items, each bound as item 1: Negatives(k, g)."""

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """Everything but item 1."""
        return frozenset(item for item in inner if item.index != 1)

    @classmethod
    def binds(cls, term: sp.Expr) -> bool:
        """Only item 1 is summed over."""
        return any(item.index == 1 for item in items(term))

    @classmethod
    def of_one(cls, *given: sp.Expr) -> sp.Expr:
        """K."""
        return given[0]


class Worst(Nonnegative, nargs=2):
    """Largest value of a nonnegative g over k further items, each bound as item 1: Worst(k, g)."""


class MeanClassifier(Nonnegative, nargs=(3, 4)):
    """A loss of the classifier whose rows are the true class means: MeanClassifier(loss, f, scale or temperature).

    A fourth argument k says that it is asked to tell the class from those of k other items, given that none has the same.
    """


class Collision(Nonnegative, nargs=1):
    """Probability that one of k further items has the class of an item: Collision(k)."""


class CollisionLimit(Nonnegative, nargs=3):
    """A limit of Collision(1) by the class counts of a sample, lower (0) or upper (1): CollisionLimit(S, δ, side)."""


class MeanGap(Nonnegative, nargs=2):
    """√Σ_y p̂_y‖μ̂_y − μ_y‖² of a sample's class means of f: MeanGap(S, f)."""


class ClassBias(Nonnegative, nargs=3):
    """Σ_y p̂_y‖W μ̂_y − y‖² of a sample's class means of f: ClassBias(S, W, f)."""


class FarthestMean(Nonnegative, nargs=4):
    """max_y min(sup‖W v − y‖, ‖W μ̂_y − y‖ + ‖W‖₂g/√p̂_y) of a sample's class means of f: FarthestMean(S, W, f, g)."""


class Fewest(Nonnegative, nargs=1):
    """Smallest number of items that a sample has of a class it has any of."""


class ClassExcess(Nonnegative, nargs=4):
    """Σ_y (p_y − p̂_y)₊ M_y², M_y what `FarthestMean` is the largest of: ClassExcess(S, W, f, g)."""


class RootFrequencies(Nonnegative, nargs=1):
    """Σ_y (√p̂_y + √p_y) of a sample."""


class _Wealth(Term):
    # Nonnegative where its bets are, which `ville` checks and sympy does not.
    is_real = True


class Bet(_Wealth, nargs=2):
    """Wealth after betting on every item of a sample: Bet(T, g) is the product of g over the items."""


class Copies(_Wealth, nargs=2):
    """Mean of a process over B arrangements of its items, in number and order fixed before them: Copies(B, process)."""


class Peak(_Wealth, nargs=1):
    """Largest value of a process as its items come one by one."""


class Largest(Nonnegative, nargs=4):
    """The largest p in (0, 1) at which a process stays below a threshold: Largest(p, process, threshold, shown).

    `shown` is the mean that a report shows beside the limit; it has no part in it.
    """


class Reached(Nonnegative, nargs=2):
    """1[a process reaches a threshold]: Reached(process, threshold)."""


class Positive(Nonnegative, nargs=1):
    """1[a number is positive]."""


class TV(Nonnegative, nargs=1):
    """½‖p − p̂‖₁ of a sample's class frequencies."""


class Sup(Term, nargs=2):
    """Largest value over a class of the term in its generic member: Sup(generic, term)."""

    is_real = True


class Rad(Nonnegative, nargs=3):
    """(1/√N) E sup Σ ξ_i g(item i) over a class, ξ fair signs: Rad(sample, generic, g)."""


def declare_check(term: sp.Basic) -> None:
    """Every symbol of a term was declared.

    Raises:
        InvalidProof: otherwise.
    """
    for symbol in term.atoms(sp.Symbol):
        if not isinstance(symbol, Declared | Item):
            raise InvalidProof(f"The symbol `{symbol}` was not declared; its dependence is unknown.")
