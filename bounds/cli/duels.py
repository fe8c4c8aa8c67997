"""Commands that ask for labels: duel, rank, certify; each goes on from its state file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bounds.arguments import file, integer
from bounds.cli.app import app, one_sentence, paths, wrote
from bounds.cli.choices import Goal, Repeats
from bounds.errors import InvalidOption

if TYPE_CHECKING:
    from bounds.duels.labeling import Labeling

State = Annotated[Path, typer.Option(help="Where everything is kept; the command goes on from there.")]
Checkpoints = Annotated[
    list[str] | None, typer.Option(help="Encoder; repeat. Leave out to go on from --state.")
]
Labeled = Annotated[
    list[str] | None, typer.Option(help="Labeled data on which heads are fitted; repeat for several.")
]
Unlabeled = Annotated[
    list[str] | None, typer.Option(help="The items; again for --sheet, to show them; repeat for several.")
]
Ask = Annotated[Path | None, typer.Option(help="Write the next items here, a CSV file to fill in.")]
Sheet = Annotated[
    Path | None, typer.Option(help="Write the next items here, an HTML page that writes the CSV file.")
]
Answers = Annotated[Path | None, typer.Option(help="Such a CSV file, filled in.")]
Count = Annotated[int, typer.Option(help="How many items --ask and --sheet hold.")]
Delta = Annotated[float, typer.Option(help="Failure probability of the verdict.")]
RepeatsOption = Annotated[
    Repeats | None, typer.Option(help="Equal items: the population's (keep) or copies (drop).")
]
Seed = Annotated[int, typer.Option(help="Of the order in which items are asked.")]
Head = Annotated[
    str, typer.Option(help="min_norm, ridge:1e-3, logistic, logistic:1e-4, nearest_mean or knn:20.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...")]
BatchSize = Annotated[int, typer.Option(help="Images per batch.")]
NumClasses = Annotated[int | None, typer.Option(help="K; inferred by default.")]


@app.command()
@one_sentence
def duel(
    state: State,
    checkpoint: Checkpoints = None,
    labeled: Labeled = None,
    unlabeled: Unlabeled = None,
    answers: Answers = None,
    ask: Ask = None,
    sheet: Sheet = None,
    count: Count = 50,
    margin: Annotated[float, typer.Option(help="Also certify: not worse by more than this.")] = 0.0,
    delta: Delta = 0.05,
    repeats: RepeatsOption = None,
    head: Head = "min_norm",
    num_classes: NumClasses = None,
    seed: Seed = 0,
    device: Device = None,
    batch_size: BatchSize = 256,
) -> None:
    """Which of two encoders is better, by labels on the items on which their heads differ."""

    def begin() -> Labeling:
        from bounds.duels import duel as run

        if checkpoint is None or len(checkpoint) != 2:
            raise InvalidOption("`checkpoint` must be given twice, once for each encoder.")
        common = _common(delta, repeats, seed, device, batch_size) | _heads(head, num_classes)
        first, second = checkpoint
        return run(first, second, paths(labeled), paths(unlabeled), margin=margin, **common)

    _step("duel", begin, checkpoint is not None, state, answers, ask, sheet, count, unlabeled)


@app.command()
@one_sentence
def rank(
    state: State,
    checkpoint: Checkpoints = None,
    labeled: Labeled = None,
    unlabeled: Unlabeled = None,
    answers: Answers = None,
    ask: Ask = None,
    sheet: Sheet = None,
    count: Count = 50,
    goal: Annotated[Goal, typer.Option(help="Ask for the best one, or for the order of all.")] = Goal.best,
    delta: Delta = 0.05,
    repeats: RepeatsOption = None,
    head: Head = "min_norm",
    num_classes: NumClasses = None,
    seed: Seed = 0,
    device: Device = None,
    batch_size: BatchSize = 256,
) -> None:
    """Which of several encoders is best, by labels on the items on which any of their heads differ."""

    def begin() -> Labeling:
        from bounds.duels import rank as run

        common = _common(delta, repeats, seed, device, batch_size) | _heads(head, num_classes)
        return run(_named(checkpoint or []), paths(labeled), paths(unlabeled), goal=goal.value, **common)

    _step("rank", begin, checkpoint is not None, state, answers, ask, sheet, count, unlabeled)


@app.command()
@one_sentence
def certify(
    state: State,
    model: Annotated[
        Path | None, typer.Option(help="A folder written by `bound.predictor.save`. Leave out to go on.")
    ] = None,
    unlabeled: Unlabeled = None,
    answers: Answers = None,
    ask: Ask = None,
    sheet: Sheet = None,
    count: Count = 50,
    target: Annotated[float, typer.Option(help="The error rate to certify or refute.")] = 0.05,
    delta: Delta = 0.05,
    repeats: RepeatsOption = None,
    seed: Seed = 0,
    device: Device = None,
    batch_size: BatchSize = 256,
) -> None:
    """Labels one at a time, until an error rate is certified or refuted at a target."""

    def begin() -> Labeling:
        from bounds.duels import certify as run
        from bounds.heads import load_predictor

        if model is None:
            raise InvalidOption("`model` is needed to begin.")
        common = _common(delta, repeats, seed, device, batch_size)
        return run(load_predictor(model), paths(unlabeled), target=target, **common)

    _step("certify", begin, model is not None, state, answers, ask, sheet, count, unlabeled)


def _common(
    delta: float, repeats: Repeats | None, seed: int, device: str | None, batch_size: int
) -> dict[str, Any]:
    """Options that every kind takes, as the library does."""
    return {
        "delta": delta,
        "repeats": None if repeats is None else repeats.value,
        "seed": seed,
        "device": device,
        "batch_size": batch_size,
    }


def _heads(head: str, num_classes: int | None) -> dict[str, Any]:
    """Options of heads that are fitted."""
    from bounds.heads import parse_head

    return {"head": parse_head(head), "num_classes": num_classes}


def _step(
    kind: str,
    begin: Callable[[], Labeling],
    new: bool,
    state: Path,
    answers: Path | None,
    ask: Path | None,
    sheet: Path | None,
    count: int,
    unlabeled: list[str] | None,
) -> None:
    """Begin or go on, take answers, write what comes next, say what is known; the state is written first."""
    from bounds.duels import load

    for name, path in (("state", state), ("ask", ask), ("sheet", sheet)):
        if path is not None:
            file(name, path)
    integer(1)("count", count)
    if new and state.exists():
        raise InvalidOption(
            f"`state` {str(state)!r} is there already; leave `{'model' if kind == 'certify' else 'checkpoint'}` out to go "
            "on from it, or give another file."
        )
    if not new and not state.exists():
        raise InvalidOption(
            f"There is no `state` {str(state)!r} to go on from; give "
            f"`{'model' if kind == 'certify' else 'checkpoint'}` and `unlabeled` to begin."
        )
    made = begin() if new else load(state)
    if made.kind != kind:
        raise InvalidOption(
            f"`state` {str(state)!r} is one of `bounds {made.kind}`; go on with that command."
        )
    if answers is not None:
        made.read_answers(answers)
    made.save(state)
    written = [state]
    if ask is not None:
        made.write_questions(ask, count)
        written.append(ask)
    if sheet is not None:
        made.contact_sheet(sheet, paths(unlabeled), count)
        written.append(sheet)
    typer.echo(str(made))
    wrote(written)


def _named(checkpoints: list[str]) -> dict[str, Any]:
    """Checkpoints by their stems."""
    named = {Path(one).stem: one for one in checkpoints}
    if len(named) < len(checkpoints) or len(named) < 2:
        raise InvalidOption("`checkpoint` must be given at least twice, each file with another name.")
    return named
