"""The option `few_shot`: how many shots, how many ways, which rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from bounds.arguments import integer, maybe, nearest, number, one_of, several, shown, unknown
from bounds.errors import InvalidOption
from bounds.summaries.episodes import Ways
from bounds.summaries.few_shot_rules import Mean, Nearest, Ridge, Rule

_MOST = 10**9
_COMPARED = 2**28
_RULES = '"mean", ("ridge", λ) or ("knn", k)'


@dataclass(frozen=True)
class FewShot:
    """What few-shot error is asked for.

    Attributes:
        shots: Each m; they share δ.
        ways, rule, permutations: See `bounds.summaries.episodes.episode_errors`; None: see `arrangements`.
    """

    shots: tuple[int, ...] = (5,)
    ways: Ways = "all"
    rule: Rule = field(default_factory=Mean)
    permutations: int | None = None

    @classmethod
    def of(cls, given: Any, classes: int) -> FewShot:
        """The option, a mapping with the keys `shots`, `ways`, `rule` and `permutations`.

        Raises:
            InvalidOption: one sentence on what is wrong.
        """
        if not isinstance(given, Mapping):
            raise InvalidOption(
                f'The option `few_shot` must map names to values, as {{"shots": 5}}, got {shown(given)}.'
            )
        for key in given:
            if key not in _READ:
                raise unknown("The key of the option `few_shot`", key, _READ)
        found = cls(**{key: _READ[key](key, value) for key, value in given.items()})
        if isinstance(found.ways, int) and found.ways > classes:
            raise InvalidOption(f"`ways` = {found.ways} asks for more classes than there are, {classes}.")
        chosen, fewest = found.rule, min(found.shots)
        if isinstance(chosen, Nearest) and chosen.k > found.width(classes) * fewest:
            raise InvalidOption(
                f"`rule` = ('knn', {chosen.k}) asks for more neighbours than the {found.width(classes) * fewest} shots "
                f"of an episode with {fewest} a class."
            )
        return found

    def width(self, classes: int) -> int:
        """Classes that a rule chooses from."""
        return {"all": classes, "pairs": 2}[self.ways] if isinstance(self.ways, str) else self.ways

    def arrangements(self, episodes: int, classes: int) -> int:
        """Permutations B, fixed by sizes alone: 100, or as many as keep comparisons of a query with a class below 2²⁸."""
        each = episodes * (self.width(classes) if isinstance(self.ways, int) else classes) ** 2
        return max(1, min(100, _COMPARED // max(each, 1))) if self.permutations is None else self.permutations

    @property
    def about(self) -> str:
        """The rule in words."""
        if isinstance(self.rule, Ridge):
            return f"ridge head (λ = {self.rule.penalty:g})"
        if isinstance(self.rule, Nearest):
            return f"{self.rule.k} nearest shots"
        return "nearest class mean"


def shots(name: str, value: Any) -> tuple[int, ...]:
    """A number of shots, or a list of them."""
    whole = integer(1, _MOST, "a whole number of shots")
    alone = isinstance(value, Integral | float | str | None)
    return (whole(name, value),) if alone else tuple(several(whole, "numbers of shots")(name, value))


def ways(name: str, value: Any) -> Ways:
    """All classes, all pairs of them, or how many an episode draws."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        drawn: int = integer(2, _MOST, '"all", "pairs" or a number of classes')(name, value)
        return drawn
    if not isinstance(value, str):
        raise InvalidOption(
            f"`{name}` must be 'all', 'pairs' or a whole number of classes, got {shown(value)}."
        )
    found: Ways = one_of("all", "pairs")(name, value)
    return found


def rule(name: str, value: Any) -> Rule:
    """What is made from the shots, by its name and number."""
    if isinstance(value, str) and value == "mean":
        return Mean()
    kind = value[0] if isinstance(value, tuple | list) and len(value) == 2 else None
    if kind == "ridge":
        return Ridge(number(0, 1e50, "have a positive and finite λ")(name, value[1]))
    if kind == "knn":
        return Nearest(integer(1, _MOST, '("knn", k) with k a whole number')(name, value[1]))
    hint = nearest(value if kind is None else kind, ("mean", "ridge", "knn"))
    raise InvalidOption(f"`{name}` must be {_RULES}, got {shown(value)}{hint or '.'}")


_READ = {
    "shots": shots,
    "ways": ways,
    "rule": rule,
    "permutations": maybe(integer(1, 10**5, "a whole number of arrangements")),
}
