"""A bound with its proof obligations, and a theorem: the recipe that turns evidence into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bounds.arguments import PROBABILITY, as_mapping, checked
from bounds.assumptions.assumption import Assumption
from bounds.derivations.expression import Expression
from bounds.derivations.symbols import MEANING
from bounds.errors import InvalidData, InvalidInput, InvalidOption, NotApplicable, ProcessFailed
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import test_apart
from bounds.heads.decision import Decision
from bounds.heads.fitted import FittedHead
from bounds.proofs.conclude import Conclusion
from bounds.proofs.sealed import intact
from bounds.rendering import rendered
from bounds.summaries.episodes import Episodes
from bounds.theorems.axes import LOSS, Axis
from bounds.theorems.written import changed, late, written_late

if TYPE_CHECKING:
    from bounds.heads.predictor import Predictor

Kind = Literal["bound", "expression", "estimate"]


@written_late
@dataclass(frozen=True)
class Term:
    """One term of a bound.

    Attributes:
        name, value, latex: Key, number and formula.
        meaning, lowered_by: In words.
        parts: Named summands of the term and their numbers, where it has any.

    Example:
        >>> import numpy as np
        >>> y = np.arange(120) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((120, 2))
        >>> data = {"labeled": (z[:20], y[:20]), "test": (z[20:], y[20:])}
        >>> report = bounds.evaluate(None, **data, fresh=True, bounds="test_set_loss")
        >>> {name: round(term.value, 3) for name, term in report["test_set_loss"].terms.items()}
        {'test_loss': 0.009, 'confidence': 0.064}
    """

    name: str
    value: float
    latex: str
    meaning: str
    lowered_by: str
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """The head a bound speaks about, and how its scores become an answer."""

    head: FittedHead
    decision: Decision


class Deployment(Protocol):
    """Makes the predictor of a bound: it knows encoder, normalisation and class names, which a theorem does not."""

    def predictor(self, bound: Bound, model: Model) -> Predictor:
        """The predictor that `bound` is about."""


@written_late
@dataclass(frozen=True)
class Bound:
    """A number with its proof obligations.

    Attributes:
        name, title, source: As of the theorem.
        statement, latex: LaTeX of the left-hand and of the right-hand side.
        notes: What the reader should know beside the number.
        model, deployment: What its predictor is made of; not saved.
        value: The bound, on `axis`.
        terms: Name to term; they add up to `value`, or to its square where `combine` is "root".
        assumptions: Name to status and reason, for every assumption the theorem needs.
        delta, split: Failure probability, and how it is shared over the events of the proof.
        kind: "bound", what a proof of the kernel concludes; "expression" (a formula that is not a bound); "estimate" (a
            bound's plug-in relative, or what no proof of the kernel concludes).
        head: Name of the predictor it speaks about; None where that is not a fitted head of this report.
        about: Which predictor it speaks about, in words.
        symbols: The number behind every symbol of the formula.
        table: More limits that hold together with the bound, row by row: the classes, the shares answered.
        trivial_value, trivial_error: Loss and error of the best constant predictor: what vacuous means.
        contradiction: Why the number cannot be true, so that an assumption must fail; None where nothing speaks
            against it. Such a bound is withheld: it certifies nothing.
        block_size: Pairs in a block, k + 1, where it counts in blocks.
        episodes: The errors of its episodes, of a few-shot bound: what comparisons of encoders bet on.

    Example:
        >>> import numpy as np
        >>> y = np.arange(120) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((120, 2))  # two classes well apart
        >>> report = bounds.evaluate(None, (z[:20], y[:20]), test=(z[20:], y[20:]), fresh=True, bounds="test_set")
        >>> bound = report["test_set"]
        >>> bound.certified, bound.vacuous, list(bound.assumptions)
        (True, False, ['H'])
    """

    name: str
    title: str
    source: str
    statement: str
    about: str
    head: str | None
    axis: Axis
    kind: Kind
    value: float
    terms: Mapping[str, Term]
    combine: str
    latex: str
    assumptions: Mapping[str, Assumption]
    delta: float
    split: Mapping[str, float]
    symbols: Mapping[str, float]
    trivial_value: float | None
    trivial_error: float
    notes: tuple[str, ...] = ()
    contradiction: str | None = None
    block_size: int | None = None
    table: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    episodes: Episodes | None = field(default=None, repr=False)
    model: Model | None = field(default=None, compare=False, repr=False)
    deployment: Deployment | None = field(default=None, compare=False, repr=False)

    def __repr__(self) -> str:
        return str(rendered("report.text:terms", self))

    @property
    def predictor(self) -> Predictor:
        """What the bound is about, ready for use: images or representations to labels and scores.

        Raises:
            NotApplicable: for a bound about no fitted head, or one read back from a file.
        """
        if self.model is None:
            raise NotApplicable(f"`{self.name}` speaks about no head that can be used: {self.about}.")
        if self.deployment is None:
            raise NotApplicable(
                f"`{self.name}` was read from a file or evaluated by itself; load the folder of its predictor, or "
                "take it from the report of `bounds.evaluate`."
            )
        return self.deployment.predictor(self, self.model)

    @property
    def certified(self) -> bool:
        """Whether it is a theorem's bound, every assumption it needs holds on this data, and nothing contradicts it."""
        held = all(assumption.holds for assumption in self.assumptions.values())
        return self.kind == "bound" and held and self.contradiction is None

    @property
    def vacuous(self) -> bool:
        """Whether a constant predictor is already known to do as well, on the bound's own axis."""
        return self.trivial_value is not None and not self.value < self.trivial_value

    @property
    def error_rate(self) -> float | None:
        """The bound converted to an error rate (never clipped), or None where no conversion exists."""
        return None if self.kind == "expression" else self.axis.error_rate(self.value)

    @property
    def vacuous_error(self) -> bool | None:
        """Whether the error rate is no better than always naming the most frequent class; None without one."""
        return None if self.error_rate is None else not self.error_rate < self.trivial_error

    @property
    def failing(self) -> list[Assumption]:
        """Assumptions that are violated or cannot be verified."""
        return [assumption for assumption in self.assumptions.values() if not assumption.holds]

    def to_dict(self) -> dict[str, Any]:
        """Plain Python, ready for JSON; `Bound.from_dict` reads it back."""
        plain = asdict(changed(self, model=None, deployment=None))
        del plain["model"], plain["deployment"]
        plain["predictor"] = plain.pop("about")
        plain["derived"] = {
            "certified": self.certified,
            "vacuous": self.vacuous,
            "error_rate": self.error_rate,
            "vacuous_error": self.vacuous_error,
        }
        return plain

    @classmethod
    @checked(plain=as_mapping("the fields of a bound"))
    def from_dict(cls, plain: Mapping[str, Any]) -> Bound:
        """The inverse of `to_dict`.

        Raises:
            InvalidInput: not what `to_dict` made.
        """
        data = {key: value for key, value in plain.items() if key != "derived"}
        try:
            data["axis"] = Axis(**data["axis"])
            data["terms"] = {name: Term(**term) for name, term in data["terms"].items()}
            data["assumptions"] = {
                name: Assumption.from_dict(one) for name, one in data["assumptions"].items()
            }
            data["notes"] = tuple(data["notes"])
            data["about"] = data.pop("predictor")
            if data.get("episodes") is not None:
                data["episodes"] = Episodes.from_dict(data["episodes"])
            return cls(**data)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InvalidInput(f"Not a bound: {type(error).__name__} in reading it, {error}.") from error


@dataclass(frozen=True)
class Inputs:
    """What a theorem found in the evidence: its expression's variant, each symbol's number, the head it is about.

    `axis` replaces the theorem's axis where its conversion or its trivial value depends on the data's setting. `head` is
    the one that is measured; `random` the head whose scores `decision` blurs, of bounds about a random head. `declared`
    adds what only this variant of the bound assumes; `doubts` replace the status of assumptions that hold otherwise.
    `assumptions` replaces the theorem's list with those that the proof of this variant used. `episodes` are kept with
    the bound, for comparisons.
    """

    expression: Expression
    values: Mapping[str, float]
    split: Mapping[str, float]
    head: FittedHead | None = None
    notes: tuple[str, ...] = ()
    axis: Axis | None = None
    decision: Decision = field(default_factory=Decision)
    table: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    random: FittedHead | None = None
    declared: tuple[Assumption, ...] = ()
    doubts: tuple[Assumption, ...] = ()
    assumptions: tuple[str, ...] | None = None
    episodes: Episodes | None = None

    conclusion: Conclusion | None = None

    @property
    def follows(self) -> bool:
        """Whether the expression that is evaluated is what the kernel concludes, from lemmas of this package alone."""
        made = self.conclusion if intact(self.conclusion, Conclusion) else None
        return made is not None and self.expression is made.expression and not made.foreign

    @classmethod
    def proven(
        cls,
        conclusion: Conclusion,
        values: Mapping[str, float],
        split: Mapping[str, float],
        head: FittedHead | None = None,
        notes: tuple[str, ...] = (),
        **more: Any,
    ) -> Inputs:
        """The numbers of a bound that the kernel proved: its expression and assumptions are the proof's."""
        more = {"assumptions": conclusion.assumptions, "conclusion": conclusion, **more}
        notes += tuple(
            f"an estimate, as the lemma {name!r} is not one of this package" for name in conclusion.foreign
        )
        return cls(conclusion.expression, values, split, head, notes, **more)

    @property
    def applies(self) -> bool:
        """Whether everything that the expression requires of its numbers holds."""
        return self.expression.holds(self.values)

    @property
    def value(self) -> float:
        """The bound's number, rounded up."""
        return self.expression.combined(self.expression.evaluate(self.values))


def _no_inputs(evidence: Evidence, delta: float) -> Inputs:
    raise NotApplicable("has no `inputs`, which read its numbers off the evidence.")


@dataclass(frozen=True)
class Theorem:
    """A named bound: statement, assumptions, and how to find its symbols in the evidence.

    Attributes:
        name: Public name, a key of the report.
        title, source: One line, and the paper with theorem or equation number.
        statement: LaTeX of the left-hand side.
        predictor: Which predictor it speaks about, in words.
        assumptions: Names that must hold for a certificate, where no proof lists them.
        inputs: (evidence, delta) -> Inputs; raises NotApplicable with the reason.
        options: Keys of `options` that it reads.
        texts: Term name -> (what it means, what lowers it).
        axis, kind: See `Bound`.
        splits: Whether it counts on a part of S that its head was not fitted on, row by row, rather than on all of S.
        proof: The proof in the kernel, by its options; what it concludes is what `inputs` evaluates.

    Example:
        >>> from bounds.theorems import THEOREMS
        >>> theorem = THEOREMS["test_set"]
        >>> theorem.needs, theorem.axis.name
        (('H',), 'error')
    """

    name: str
    title: str
    source: str
    statement: str
    predictor: str
    assumptions: tuple[str, ...] = ()
    inputs: Callable[[Evidence, float], Inputs] = _no_inputs
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    axis: Axis = LOSS
    kind: Kind = "bound"
    options: tuple[str, ...] = ()
    splits: bool = False
    proof: Callable[..., Conclusion] | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the assumptions that must hold for a certificate: those of the proof, where there is one.

        "prior" matters only where a class prior is declared; A6' is needed where the pairs enter as pairs.
        """
        if self.proof is not None:
            return self.proof().assumptions
        return (
            (*self.assumptions, "A6'")
            if "A3" in self.assumptions and "U" not in self.assumptions
            else self.assumptions
        )

    @checked(delta=PROBABILITY)
    def level(self, evidence: Evidence, delta: float) -> float:
        """δ, divided by the looks declared where the bound reads the test items."""
        looks = evidence.setting.declared.looks
        # One look costs nothing, so no proof is made to learn what it reads.
        return delta / looks if looks > 1 and "H" in self.needs else delta

    @checked(delta=PROBABILITY)
    def evaluate(self, evidence: Evidence, delta: float) -> Bound:
        """The bound on this evidence at failure probability delta.

        Raises:
            NotApplicable: the evidence lacks what the theorem needs.
            InvalidOption: delta outside (0, 1).
        """
        level = self.level(evidence, delta)
        found = self.inputs(evidence, level)
        expression, axis = found.expression, found.axis or self.axis
        numbers = expression.evaluate(found.values)
        symbols = {symbol.name: float(found.values[symbol.name]) for symbol in expression.symbols}
        assumptions = self._obligations(evidence, found)
        looks = evidence.setting.declared.looks if "H" in assumptions else 1
        notes = found.notes if "H" not in assumptions else (*test_apart(evidence).read(), *found.notes)
        if looks > 1:
            notes = (*notes, f"one of {looks} looks at the test items: at δ/{looks}")
        trivial = {"loss": evidence.constant_loss, "error": evidence.constant_error}
        return Bound(
            name=self.name,
            title=self.title,
            source=self.source,
            statement=self.statement,
            about=self.predictor,
            head=None if found.head is None else found.head.name,
            axis=axis,
            kind=self._kind(found),
            value=expression.combined(numbers, axis.most),
            terms={name: self._term(name, number, found) for name, number in numbers.items()},
            combine=expression.combine,
            latex=late(expression.latex),
            assumptions=assumptions,
            delta=level,
            split=dict(found.split),
            symbols=symbols,
            trivial_value=trivial.get(axis.name, axis.trivial),
            trivial_error=evidence.constant_error,
            notes=notes,
            table=found.table,
            episodes=found.episodes,
            model=self._model(found),
            contradiction=self._contradiction(found, numbers),
            block_size=1 + round(found.values["negatives"]) if "blocks" in symbols else None,
        )

    @checked(delta=PROBABILITY)
    def attempt(self, evidence: Evidence, delta: float) -> Bound | str:
        """The bound, or why there is none: not applicable, or a failure of this one theorem, which costs no other.

        Raises:
            InvalidData, InvalidOption, ProcessFailed: what was given cannot be used by any theorem, or no longer.
        """
        return outcome(lambda: self.evaluate(evidence, delta))

    @checked(delta=PROBABILITY)
    def found(self, evidence: Evidence, delta: float) -> Inputs:
        """The inputs of this bound alone: all that `evaluate` needs, without the words.

        Raises:
            NotApplicable, InvalidOption: as `evaluate`.
        """
        return self.inputs(evidence, self.level(evidence, delta))

    def _model(self, found: Inputs) -> Model | None:
        head = found.head or found.random
        if head is None or self.kind == "expression":
            return None
        # What is bounded is the loss of the projected scores.
        projected = "\\Pi" in self.statement or "g(x)" in self.statement
        return Model(head, replace(found.decision, projected=projected))

    def _term(self, name: str, number: float, found: Inputs) -> Term:
        meaning, lowered_by = self.texts.get(name, TEXTS.get(name, (MEANING.get(name, name), "")))
        parts = found.expression.parts.get(name, {})
        return Term(
            name,
            number,
            late(partial(found.expression.latex, name)),
            meaning,
            lowered_by,
            Expression(parts).evaluate(found.values) if parts else {},
        )

    def _kind(self, found: Inputs) -> Kind:
        """What no proof of the kernel concludes is an estimate, whoever calls it a bound."""
        return self.kind if self.kind != "bound" or found.follows else "estimate"

    def _contradiction(self, found: Inputs, numbers: Mapping[str, float]) -> str | None:
        """Every quantity bounded from above here is non-negative."""
        total = replace(found.expression, combine="sum").combined(numbers)
        if found.expression.below or self.kind == "expression" or total >= 0:
            return None
        proven = self._kind(found) == "bound"
        fault = "one of its assumptions must fail" if proven else "the estimate fails here"
        return f"its terms add up to {total:.4g}, but what it bounds from above is never negative: {fault}"

    def _obligations(self, evidence: Evidence, found: Inputs) -> dict[str, Assumption]:
        prior = evidence.setting.prior is not None
        used = self.needs if found.assumptions is None else found.assumptions
        names = [name for name in used if prior or name != "prior"]
        statuses = {name: self._status(evidence, name) for name in names}
        statuses |= {one.name: one for one in found.doubts if statuses[one.name].holds}
        return statuses | {one.name: one for one in found.declared}

    def _status(self, evidence: Evidence, name: str) -> Assumption:
        declared = evidence.setting.assumptions.get(name)
        return declared or Assumption(name, "unverifiable", "nothing was declared about it")


def outcome(bound: Callable[[], Bound]) -> Bound | str:
    """What evaluating a theorem came to; see `Theorem.attempt`."""
    try:
        return bound()
    except NotApplicable as reason:
        return str(reason)
    except (InvalidData, InvalidOption, ProcessFailed):
        raise
    except Exception as error:
        return f"failed here with {type(error).__name__}: {error}"


def shares(delta: float, *events: str) -> dict[str, float]:
    """δ in equal parts over the named events of a proof."""
    return {event: delta / len(events) for event in events}


TEXTS: dict[str, tuple[str, str]] = {
    "invariance": ("how far the two views of a pair lie apart, through the head", "a more invariant encoder"),
    "labeled_residual": (
        "training residual of the head on S",
        "representations that separate the classes linearly",
    ),
    "unlabeled_residual": ("residual of the reference head on S̄, counted twice", "linear separability on S̄"),
    "representation_complexity": (
        "Rademacher complexity of the encoders considered",
        "a smaller class, or A3",
    ),
    "head_complexity": (
        "Rademacher complexity of the reference heads",
        "more pairs, a smaller ‖W_S̄‖, fewer classes",
    ),
    "class_frequencies": ("class frequencies of S against the prior", "more labels, or a known prior"),
    "pair_frequencies": (
        "class counts of a finite pool of pairs against the prior",
        "pairs balanced like the prior",
    ),
    "confidence": ("price of confidence: deviations of the means", "more labels, more pairs, larger δ"),
    "class_bias": (
        "squared distance of the head's class means from the one-hot labels",
        "a better fitted head",
    ),
    "class_means": ("deviation of the K class means, through the head", "more labels, a smaller ‖W‖₂"),
    "half_invariance": (
        "half the invariance seen through the head",
        "a more invariant encoder or a smaller head",
    ),
    "head_distance": (
        "distance of the two heads times the radius",
        "more labels, better-conditioned representations",
    ),
    "reference_on_labeled": ("residual of the reference head on S", "linear separability"),
    "held_out_error": ("measured error on the held-out items", "a better head"),
    "test_error": ("measured error on the held-out items", "a better head"),
}
