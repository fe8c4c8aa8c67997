"""Terms about random variables: items, vectors, means, expectations. Every term is stored in one normal form.

View v of item i is the symbol `x{i}{v}`, its one-hot label `y{i}`. Operators that average or integrate bind these
symbols, so that two quantities over different samples contain the very same term. Vectors are commutative sympy
terms; only `Norm` and `Dot` turn them into numbers.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields
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


@dataclass(eq=False, repr=False)
class Sample(sp.AtomicExpr):  # type: ignore[misc]
    """A sample with its law: what its items are, how many, and from what they are independent.

    Attributes:
        name, size: A short name, and the number of items (of pairs where `paired`).
        apart: Source -> assumption under which it is independent of the sample.
        law: Assumptions under which the items are i.i.d. (given their class counts, where those are `fixed`).
        paired: An item is two views.
        fixed: The class counts were fixed, so only the views are random.
        hidden: Nobody has it; no bound may show a term of it.
        cells: Its items are those of one cell of the population, which the terms over it name.
        chosen: What may fail where its items were chosen so as to follow their law, and `share` it spends.
        order: Assumption under which the order of its items was drawn before anything about them was known.
        views: Assumption about two views of an item: A1, independent given their class; A1', given their image.
    """

    name: str
    size: sp.Expr
    apart: tuple[tuple[str, str], ...] = ()
    law: tuple[str, ...] = ("A6",)
    _: KW_ONLY
    paired: bool = False
    fixed: bool = False
    hidden: bool = False
    cells: bool = False
    chosen: str = ""
    share: sp.Expr = sp.S.Zero
    order: str = ""
    views: str = "A1"

    def __new__(cls, *_: Any, **properties: Any) -> Sample:
        """An atom of sympy, with its properties as attributes."""
        made: Sample = sp.AtomicExpr.__new__(cls)
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        # One sample is another where all properties agree. Sympy orders atoms by these, so each holds one comparable type.
        return tuple(getattr(self, one.name) for one in fields(self))

    def _sympystr(self, printer: Any) -> str:
        return self.name


def normal(term: sp.Expr) -> sp.Expr:
    """Products of sums multiplied out, on the outermost level; denominators stay whole."""
    if isinstance(term, sp.Add):
        return sp.Add(*(normal(part) for part in term.args))
    if not isinstance(term, sp.Mul) or not any(factor.is_Add for factor in term.args):
        return term
    summed: tuple[sp.Expr, ...] = (sp.S.One,)
    for factor in term.args:
        summed = tuple(one * part for one in summed for part in sp.Add.make_args(factor))
    return sp.Add(*summed)


# What kinds of terms have in common


class Term(sp.Function):  # type: ignore[misc]
    """A function of terms; `nargs` says of how many."""

    is_real = True

    def __init_subclass__(cls, nargs: int | tuple[int, ...] | None = None) -> None:
        """Read by the class of sympy's functions."""
        super().__init_subclass__()

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """The item variables that stay free, of those that the arguments leave free."""
        return inner


@cache
def items(term: sp.Basic) -> frozenset[Item]:
    """The item variables a term leaves free: `free_symbols` does not know what operators bind."""
    if isinstance(term, Item):
        return frozenset({term})
    inner: frozenset[Item] = frozenset().union(*map(items, term.args))
    return term.leaves(inner) if isinstance(term, Term) else inner


def order(term: sp.Basic) -> sp.Expr:
    """How many items a term looks at."""
    hidden = sp.Add(*(found.args[0] for found in term.atoms(Others)))
    return sp.Integer(len({item.index for item in items(term)})) + hidden


class Nonnegative(Term):
    """Something that is never negative, whatever its arguments."""

    is_nonnegative = True


class Share(Nonnegative):
    """A number in [0, 1]."""


class Indicator(Share):
    """Something an item is or is not: 0 or 1."""


class SameRange(Nonnegative):
    """Something that is never negative, with the range of its last argument."""


class Whole(Term):
    """Something of all items of a sample, or of all classes: none is left free."""

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """None."""
        return frozenset()


class Even(Nonnegative):
    """A norm: v is stored and not −v, always the same of the two."""

    @classmethod
    def eval(cls, vector: sp.Expr) -> sp.Expr | None:
        """Multiplied out, without the sign."""
        opened = normal(vector)
        chosen = normal(-opened) if opened.could_extract_minus_sign() else opened
        if chosen == 0:
            return sp.S.Zero
        return None if chosen == vector else cls(chosen)


class Linear(Term):
    """Linear in its last argument: sums split, and factors that it does not bind move out."""

    @classmethod
    def binds(cls, factor: sp.Expr) -> bool:
        """Whether a factor stays inside."""
        return bool(items(factor))

    @classmethod
    def of_one(cls, *given: sp.Expr) -> sp.Expr:
        """What it is of a term of which nothing stays inside."""
        return sp.S.One

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """A simpler form of a single summand, or None."""
        return None

    @classmethod
    def opened(
        cls, before: tuple[sp.Expr, ...], term: sp.Expr, after: tuple[sp.Expr, ...] = ()
    ) -> sp.Expr | None:
        """Linearity in one argument, or None where the argument has its normal form."""
        whole = normal(term)
        if whole.is_Add:
            return sp.Add(*(cls(*before, part, *after) for part in whole.args))
        factors = sp.Mul.make_args(whole)
        inside = sp.Mul(*(factor for factor in factors if cls.binds(factor)))
        outside = sp.Mul(*(factor for factor in factors if not cls.binds(factor)))
        if inside == 1:
            return outside * cls.of_one(*before)
        return None if inside == term else outside * cls(*before, inside, *after)

    @classmethod
    def eval(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Opened, and then reduced."""
        found = cls.opened(arguments[:-1], arguments[-1])
        return cls.reduce(*arguments) if found is None else found


# Vectors


class Vector(Term):
    """A vector, or a matrix."""


def is_vector(term: sp.Expr) -> bool:
    """Whether a term stands for a vector (or a matrix), not for a number."""
    if isinstance(term, Declared):
        return term.kind in ("encoder", "head")
    if term.is_Add or term.is_Mul:
        return any(is_vector(part) for part in term.args)
    return isinstance(term, Item | Vector)


class Bilinear(Linear):
    """Linear in two vectors."""

    @classmethod
    def binds(cls, factor: sp.Expr) -> bool:
        """Numbers move out."""
        return is_vector(factor)

    @classmethod
    def of_one(cls, *given: sp.Expr) -> sp.Expr:
        """The only number that is a vector."""
        return sp.S.Zero

    @classmethod
    def eval(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Opened in the first argument, and then in the second."""
        found = cls.opened((), arguments[0], arguments[1:])
        return super().eval(*arguments) if found is None else found


class Enc(Vector, nargs=2):
    """The vector f(x)."""


class Apply(Bilinear, Vector, nargs=2):
    """The vector W v."""


class Project(Vector, nargs=1):
    """Π v, the Euclidean projection on the probability simplex."""


class InBall(Vector, nargs=2):
    """A generic head together with the Frobenius ball it runs over: InBall(V, β)."""


class Near(Vector, nargs=3):
    """A generic head together with the ball {‖(W − W₀)A‖_F ≤ β} around the centre of a metric: Near(W, β, metric)."""


class Dot(Bilinear, nargs=2):
    """The inner product of two vectors, symmetric."""

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Stored in one order."""
        left, right = arguments
        return cls(right, left) if sp.default_sort_key(right) < sp.default_sort_key(left) else None


class Norm(Even, nargs=1):
    """Euclidean norm of a vector."""


class OpNorm(Even, nargs=1):
    """Spectral norm of a head, or of a difference of heads."""


class Frobenius(Nonnegative, nargs=1):
    """Frobenius norm of a head."""


class Energy(Nonnegative, nargs=2):
    """‖A⁻¹v‖² in a metric: Energy(metric, v)."""


class Stretch(Nonnegative, nargs=1):
    """‖A⁻¹‖₂ of a metric."""


class Reach(Nonnegative, nargs=1):
    """sup ‖W v − y‖ over all ‖v‖ ≤ B and all labels y: 1 + ‖W‖₂B without an intercept."""


# Losses and decisions


class Wrong(Indicator, nargs=3):
    """1[the decision of head W at input x is not the class y], ties counted as mistakes: Wrong(W, f(x), y)."""


class Outside(Indicator, nargs=4):
    """1[y is not among the k classes of the largest scores], ties counted as mistakes: Outside(k, W, f(x), y)."""


class Differ(Indicator, nargs=4):
    """1[two decisions differ]: Differ(W, f(x), V, f(x′))."""


class InCell(SameRange, nargs=2):
    """An indicator of an item of one cell of the population, a class or those above a threshold: InCell(cell, g)."""


class Missed(Indicator, nargs=2):
    """1[the rule made from the shots of an episode does not name the class y of its query x]: Missed(f(x), y)."""


class Episode(SameRange, nargs=1):
    """Mean of an indicator over one item of each class: Episode(g)."""


class Predicted(Share, nargs=2):
    """A head's own prediction of its error at an input, in [0, 1]: Predicted(W, f(x))."""


class Correction(Term, nargs=3):
    """Error less predicted error: Correction(W, f(x), y) = Wrong − Predicted."""


class Cross(Nonnegative, nargs=3):
    """⟨u − y, v − y⟩ for u, v on the simplex: Cross(u, v, y)."""


class Remainder(Nonnegative, nargs=2):
    """max(0, u − 2λu(1 − u)), the most that e − 2λe(1 − e) can be for 0 ≤ e ≤ u: Remainder(u, λ)."""


class Spread(Whole, Nonnegative, nargs=1):
    """Largest less smallest value of a number per class."""


class Least(Whole, Nonnegative, nargs=1):
    """Smallest value of a number per class that is never negative."""


class Variance(Whole, Nonnegative, nargs=2):
    """Sample variance of g over the items of a sample: Variance(S, g)."""


class Count(Whole, Nonnegative, nargs=2):
    """Number of items of a sample with an indicator of one: Count(T, g)."""


class Hinge(Nonnegative, nargs=1):
    """max(0, 1 − v) of a margin v."""

    @classmethod
    def eval(cls, margin: sp.Expr) -> sp.Expr | None:
        """Store the margin multiplied out."""
        opened = normal(margin)
        return None if opened == margin else cls(opened)


# Means and expectations


class Operator(Whole, Linear):
    """Something that averages or integrates item variables."""


def only_second(term: sp.Expr) -> bool:
    """Whether item 0 enters by its second view alone."""
    return {one.view for one in items(term) if one.index == 0} - {None} == {1}


class Expectation(Operator):
    """An integral over all views of the items."""

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """What was integrated already is integrated with the rest; views are exchangeable."""
        (term,) = arguments
        if isinstance(term, Fresh | Given):
            return cls(term.args[0])
        return cls(term.xreplace({view(0, 1): view(0, 0)})) if only_second(term) else None


class Given(Expectation, nargs=1):
    """Expectation over all views given the classes of the items."""

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """The classes of the items that went in."""
        return frozenset(label(item.index) for item in inner)

    @classmethod
    def binds(cls, factor: sp.Expr) -> bool:
        """Labels are given."""
        return any(item.view is not None for item in items(factor))


class Fresh(Operator, nargs=1):
    """Expectation over the second view of item 0, drawn afresh from its class."""

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """What is left, and the class of item 0, from which the view was drawn."""
        return (inner - {view(0, 1)}) | {label(0)}

    @classmethod
    def binds(cls, factor: sp.Expr) -> bool:
        """Only the second view is integrated."""
        return view(0, 1) in items(factor)

    @classmethod
    def reduce(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Of the second view alone it is the expectation given the class."""
        return Given(*arguments) if only_second(*arguments) else None


class E(Expectation, nargs=1):
    """Expectation over new items, everything else held fixed."""


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


class Others(Term):
    """Something of k further items, each bound as item 1."""

    def leaves(self, inner: frozenset[Item]) -> frozenset[Item]:
        """Everything but item 1."""
        return frozenset(item for item in inner if item.index != 1)


class Negatives(Others, Operator, nargs=2):
    """Sum of g over k further items: Negatives(k, g)."""

    @classmethod
    def binds(cls, factor: sp.Expr) -> bool:
        """Only item 1 is summed over."""
        return any(item.index == 1 for item in items(factor))

    @classmethod
    def of_one(cls, *given: sp.Expr) -> sp.Expr:
        """K."""
        return given[0]


class Worst(Others, SameRange, nargs=2):
    """Largest value of a nonnegative g over k further items: Worst(k, g)."""


class TV(Nonnegative, nargs=1):
    """½‖p − p̂‖₁ of a sample's class frequencies."""


class Sup(Term, nargs=2):
    """Largest value over a class of the term in its generic member: Sup(generic, term)."""


class Rad(Whole, Nonnegative, nargs=3):
    """(1/√N) E sup Σ ξ_i g(item i) over a class, ξ fair signs: Rad(sample, generic, g)."""


@cache
def declare_check(term: sp.Basic) -> None:
    """Every symbol of a term was declared.

    Raises:
        InvalidProof: otherwise.
    """
    for symbol in term.atoms(sp.Symbol):
        if not isinstance(symbol, Declared | Item):
            raise InvalidProof(f"The symbol `{symbol}` was not declared; its dependence is unknown.")
