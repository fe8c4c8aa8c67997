"""The public calls: duel, rank and certify, and going on from a saved state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from bounds.arguments import RULES, as_mapping, checked, maybe, number, one_of, path, text
from bounds.duels.certification import Certification
from bounds.duels.duel import Duel
from bounds.duels.labeling import Labeling, read_state, restore
from bounds.duels.paired import Paired, paired
from bounds.duels.panel import column
from bounds.duels.predicting import Running, Said, predictions
from bounds.duels.ranking import Goal, Ranking
from bounds.errors import InvalidData, InvalidOption
from bounds.representations.inputs import open_source

_MARGIN = number(-1e-300, 1.0, "be at least 0 and below 1")
_REPEATS = one_of("keep", "drop", None)
_GOAL = one_of("best", "order")


@checked(margin=_MARGIN, repeats=_REPEATS, names=maybe(lambda name, value: _two(value)))
def duel(
    a: Any,
    b: Any,
    labeled: Any = None,
    unlabeled: Any = None,
    *,
    test: Any = None,
    margin: float = 0.0,
    delta: float = 0.05,
    repeats: str | None = None,
    seed: int = 0,
    head: Any = "min_norm",
    num_classes: int | None = None,
    names: tuple[str, str] | None = None,
    device: Any = None,
    batch_size: int = 256,
    progress: bool = False,
) -> Duel:
    r"""Which of two predictors errs less, by labels on their disagreements alone; see `Duel`.

    Args:
        a, b: Encoders (anything `evaluate` takes) with heads fitted on `labeled`; or two predictors
            (`bound.predictor`, `load_predictor`); or two columns of predicted classes (N,), −1 for no answer.
        labeled: Labeled data for encoders; None for ready predictors.
        unlabeled: The N items, i.i.d. and not used to make a or b; for columns the items they speak about, or None.
        test: Labeled items: the comparison on them stands beside, as `paired`. For columns their classes (N,). Without
            `unlabeled` the duel is fought on them, all its labels given.
        margin: Also certify "not worse by more than this".
        delta: Failure probability of all verdicts together; of the interval by itself.
        repeats: "keep" if the population itself repeats items, "drop" if it never does; None: what is said holds in
            either case.
        seed: Of the order in which items are asked.
        head: As in `evaluate`.
        num_classes: K, where classes may be missing from `labeled`.
        names: Of a and b in what is printed.
        device, batch_size, progress: Of the encoders.

    Raises:
        InvalidOption: predictors of different kinds, or data that are missing or not needed.
        InvalidData: data that cannot be read, or predictors of different classes.

    Example:
        >>> import numpy as np
        >>> truth = np.zeros(100, dtype=int)
        >>> found = bounds.duel(truth, truth + (np.arange(100) < 20))  # the second errs on the first twenty
        >>> found.add(found.to_label, truth[found.to_label])
        >>> found.winner, found.labels
        ('a', 20)
    """
    called = names or _names(a, b)
    entries = dict(zip(called, (a, b), strict=True))
    running = Running(head, device, batch_size, seed, num_classes, progress)
    columns = unlabeled is None and test is not None and _are_columns(entries)
    if unlabeled is None and test is None and not _are_columns(entries):
        raise InvalidOption("`duel` needs items: give `unlabeled`, or labeled items as `test`.")
    tested = None
    if test is not None:
        tested = predictions(entries, labeled, None if columns else test, running, role="test")
        tested.labels = _labels(tested, test)
    said = (
        predictions(entries, labeled, unlabeled, running)
        if unlabeled is not None or tested is None
        else tested
    )
    beside = None if tested is None else _paired(tested, delta, repeats)
    made = Duel(margin=margin, paired=beside, delta=delta, repeats=repeats, seed=seed, **said.known(repeats))
    if said is tested and tested is not None and tested.labels is not None:
        rows = made.to_label
        made.add(rows, tested.labels[rows])
    return made


@checked(predictors=as_mapping("predictors"), goal=_GOAL, repeats=_REPEATS)
def rank(
    predictors: Mapping[str, Any],
    labeled: Any = None,
    unlabeled: Any = None,
    *,
    goal: Goal = "best",
    delta: float = 0.05,
    repeats: str | None = None,
    seed: int = 0,
    head: Any = "min_norm",
    num_classes: int | None = None,
    device: Any = None,
    batch_size: int = 256,
    progress: bool = False,
) -> Ranking:
    """Which of several predictors errs least, by labels on the union of their disagreements; see `Ranking`.

    Args:
        predictors: By name: encoders, predictors or columns, as in `duel`; at least two.
        goal: "best": labels are asked until one predictor is left; "order": until the order of every pair is certified.
        labeled, unlabeled, delta, repeats, seed, head, num_classes, device, batch_size, progress: As in `duel`.

    Raises:
        InvalidOption, InvalidData: as `duel`, or fewer than two predictors.

    Example:
        >>> import numpy as np
        >>> truth = np.zeros(100, dtype=int)
        >>> found = bounds.rank({"right": truth, "wrong": truth + (np.arange(100) < 20)})
        >>> found.add(found.to_label, truth[found.to_label])
        >>> found.best
        ['right']
    """
    if len(predictors) < 2:
        raise InvalidOption("`predictors` must hold at least two to rank.")
    running = Running(head, device, batch_size, seed, num_classes, progress)
    known = predictions(predictors, labeled, unlabeled, running).known(repeats)
    return Ranking(goal=goal, delta=delta, repeats=repeats, seed=seed, **known)


@checked(target=number(0, 1, "lie strictly between 0 and 1"), repeats=_REPEATS, name=text)
def certify(
    predictor: Any,
    unlabeled: Any = None,
    *,
    target: float = 0.05,
    delta: float = 0.05,
    repeats: str | None = None,
    seed: int = 0,
    num_classes: int | None = None,
    name: str = "predictor",
    device: Any = None,
    batch_size: int = 256,
    progress: bool = False,
) -> Certification:
    """Labels one at a time until an error rate is certified or refuted at a target; see `Certification`.

    Args:
        predictor: A predictor, or a column of predicted classes (N,).
        unlabeled: The N items, i.i.d. and not used to make the predictor; for a column its items, or None.
        target: The error rate in question.
        delta: Failure probability of the verdict; of the limit by itself.
        repeats, seed, num_classes, device, batch_size, progress: As in `duel`.
        name: Of the predictor in what is printed.

    Raises:
        InvalidOption, InvalidData: as `duel`.

    Example:
        >>> import numpy as np
        >>> found = bounds.certify(np.zeros(200, dtype=int), target=0.05)
        >>> found.add(found.to_label[:120], [0] * 120)  # no mistake among 120
        >>> found.verdict, found.mistakes
        ('certified', 0)
    """
    running = Running("min_norm", device, batch_size, seed, num_classes, progress)
    known = predictions({name: predictor}, None, unlabeled, running).known(repeats)
    return Certification(target=target, delta=delta, repeats=repeats, seed=seed, **known)


@checked(path=path)
def load(path: str | os.PathLike[str]) -> Labeling:
    """Go on from what `save` wrote: a `Duel`, a `Ranking` or a `Certification`.

    Args:
        path: The file.

    Raises:
        InvalidData: another or a damaged file.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from bounds.duels import load
        >>> duel = bounds.duel(np.zeros(50, dtype=int), np.repeat([0, 1], [40, 10]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     duel.save(f"{folder}/duel.json")
        ...     again = load(f"{folder}/duel.json")
        >>> again.to_label.tolist() == duel.to_label.tolist()
        True
    """
    kind, options, common, answers = read_state(path)
    made: Labeling
    try:
        if kind == Duel.kind:
            made = Duel(margin=_MARGIN("margin", options["margin"]), **common)
        elif kind == Certification.kind:
            made = Certification(target=RULES["level"]("target", options["target"]), **common)
        elif kind == Ranking.kind:
            made = Ranking(goal=_GOAL("goal", options["goal"]), **common)
        else:
            raise InvalidData(f"`{path}` holds a labeling of the kind {kind!r}, which is not known.")
        count = len(common["panel"].names)
        if count < 2 if kind == Ranking.kind else count != {Duel.kind: 2, Certification.kind: 1}[kind]:
            raise InvalidData(f"`{path}` is a damaged state file (its number of predictors).")
    except KeyError as error:
        raise InvalidData(f"`{path}` is a damaged state file (no {error}).") from error
    restore(made, answers)
    return made


def _paired(said: Said, delta: float, repeats: str | None) -> Paired:
    a, b = said.columns.values()
    if said.labels is None:
        raise InvalidData("`test` has no labels; give (x, y).")
    labels = said.labels if said.leaked is None else np.where(said.leaked, -1, said.labels)
    return paired(a, b, labels, delta, said.first, repeats)  # type: ignore[arg-type]


def _labels(said: Said, test: Any) -> np.ndarray:
    if said.labels is not None:
        return said.labels
    if _are_columns({"test": test}):
        found = column(test, "`test`").astype(np.int64)
    else:
        source = open_source(test, name="test")
        batches = [batch.labels for batch in source.batches()]
        if any(one is None for one in batches):
            raise InvalidData("`test` has no labels; give (x, y).")
        found = np.concatenate([np.asarray(one) for one in batches])
    count = len(next(iter(said.columns.values())))
    if len(found) != count or found.min() < 0:
        raise InvalidData(f"`test` must hold a class for each of the {count} items, from 0.")
    return found


def _are_columns(entries: Mapping[str, Any]) -> bool:
    from bounds.duels.predicting import kind_of

    return all(kind_of(one) == "column" for one in entries.values())


def _names(a: Any, b: Any) -> tuple[str, str]:
    """Stems of paths where they differ, else a and b."""
    stems = [
        os.path.splitext(os.path.basename(str(one)))[0]
        for one in (a, b)
        if isinstance(one, str | os.PathLike)
    ]
    return (stems[0], stems[1]) if len(set(stems)) == 2 else ("a", "b")


def _two(value: Any) -> tuple[str, str]:
    if (
        not isinstance(value, tuple | list)
        or len(value) != 2
        or len({text("names", one) for one in value}) < 2
    ):
        raise InvalidOption("`names` must be two different names.")
    return str(value[0]), str(value[1])
