"""Commands that measure without a report.

describe, rademacher, swap-test, few-shot, select, correlate, sweep, coverage.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bounds.arguments import unknown
from bounds.cli.app import app, as_json, one_sentence, paths, show_frame
from bounds.cli.choices import FunctionClass
from bounds.errors import InvalidOption

if TYPE_CHECKING:
    from bounds.representations.table import Representations

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Csv = Annotated[Path | None, typer.Option(help="A CSV file to write the table to.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...")]
Checkpoint = Annotated[str | None, typer.Option(help="Encoder; leave out when the data are representations.")]


@app.command()
@one_sentence
def describe(
    data: Annotated[list[str], typer.Argument(help="Images or representations: files, folders or globs.")],
    checkpoint: Checkpoint = None,
    device: Device = None,
    batch_size: Annotated[int, typer.Option(help="Images per batch.")] = 256,
    json_: Json = False,
) -> None:
    """Label-free measures of representations: ranks, spectra, uniformity, alignment of pairs."""
    from bounds.information import describe as run

    found = run(_table(data, checkpoint, device, batch_size))
    if json_:
        as_json(found.to_dict())
    else:
        typer.echo(str(found))


@app.command()
@one_sentence
def rademacher(
    data: Annotated[
        list[str], typer.Argument(help="Representations: of items (z, y), or of pairs (z1, z2).")
    ],
    function_class: Annotated[FunctionClass, typer.Option(help="The class of functions.")],
    beta: Annotated[float | None, typer.Option(help="Bound on the norm of head or map.")] = None,
    num_classes: Annotated[int | None, typer.Option(help="K of linear_head; read off the labels.")] = None,
    outputs: Annotated[int | None, typer.Option(help="Rows of a linear_map.")] = None,
    radius: Annotated[float | None, typer.Option(help="Bound on the norms, fixed before the data.")] = None,
    draws: Annotated[int, typer.Option(help="Sign vectors for Monte Carlo.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the signs.")] = 0,
    json_: Json = False,
) -> None:
    """Rademacher complexity of a class on data: upper bound, Monte Carlo, lower bound.

    finite_class takes one file of pairs per encoder; the other classes are about one set of items or pairs.
    """
    from bounds import complexity

    of = {
        FunctionClass.linear_head: ("beta", "num_classes", "radius"),
        FunctionClass.linear_map: ("beta", "outputs", "radius"),
    }.get(function_class, ())
    given = {"beta": beta, "num_classes": num_classes, "outputs": outputs, "radius": radius}
    for name, value in given.items():
        if value is not None and name not in of:
            raise InvalidOption(f"`{name}` is not for `--function-class {function_class.value}`.")
    if of and beta is None:
        raise InvalidOption(f"`--function-class {function_class.value}` needs `--beta`.")
    made: Any
    if function_class is FunctionClass.singleton:
        made = complexity.Singleton()
    elif function_class is FunctionClass.finite_class:
        made = complexity.FiniteClass()
    elif function_class is FunctionClass.linear_head:
        made = complexity.LinearHead(beta or 0.0, num_classes, radius)
    else:
        made = complexity.LinearMap(beta or 0.0, outputs=outputs, radius=radius)
    rows: Any = (
        [_table([one], None, None, 4096) for one in data]
        if function_class is FunctionClass.finite_class
        else _table(data, None, None, 4096)
    )
    found = complexity.rademacher(rows, made, draws=draws, seed=seed)
    if json_:
        as_json(asdict(found))
    else:
        typer.echo(str(found))


@app.command("swap-test")
@one_sentence
def swap_test(
    pairs: Annotated[list[str], typer.Argument(help="Representations of pairs: x1, x2 and, if known, y.")],
    checkpoint: Checkpoint = None,
    num_classes: Annotated[int | None, typer.Option(help="K; needed without labels.")] = None,
    seed: Annotated[int, typer.Option(help="Of the matching.")] = 0,
    device: Device = None,
    json_: Json = False,
) -> None:
    """Are these pairs class pairs, independent given their class (A1)? An exact test."""
    from bounds.assumptions import swap_test as run

    table = _table(pairs, checkpoint, device, 256)
    if len(table.views) != 2:
        raise InvalidOption("`pairs` have one view; give x1 and x2.")
    found = run(table.views[0][:], table.views[1][:], table.labels, num_classes=num_classes, seed=seed)
    if json_:
        as_json({**asdict(found), "refuted": found.refuted})
    else:
        typer.echo(f"{found}\nA1 is {'refuted' if found.refuted else 'not refuted'} at p ≤ {found.level:g}")


@app.command("few-shot")
@one_sentence
def few_shot(
    labeled: Annotated[list[str], typer.Argument(help="Labeled images or representations.")],
    checkpoint: Checkpoint = None,
    shots: Annotated[list[int] | None, typer.Option(help="Labels a class; repeat; default 1 and 5.")] = None,
    ways: Annotated[str, typer.Option(help="all, pairs, or a number of classes.")] = "all",
    rule: Annotated[str, typer.Option(help="mean, ridge:0.1 or knn:3.")] = "mean",
    permutations: Annotated[int, typer.Option(help="Over which the limit is averaged.")] = 100,
    delta: Annotated[float, typer.Option(help="Failure probability of all limits together.")] = 0.05,
    fresh: Annotated[
        bool | None, typer.Option("--fresh/--no-fresh", help="Encoder fixed before these labels (A2).")
    ] = None,
    device: Device = None,
    batch_size: Annotated[int, typer.Option(help="Images per batch.")] = 256,
    seed: Annotated[int, typer.Option(help="Of the episodes.")] = 0,
    out: Csv = None,
    json_: Json = False,
) -> None:
    """The error with a few labels a class: usual interval, certified limit, prediction, over the number of labels."""
    from bounds.evaluation import few_shot as run

    table = _table(labeled, checkpoint, device, batch_size)
    if table.labels is None:
        raise InvalidOption("`labeled` has no labels; give items with their classes.")
    found = run(
        table.views[0][:],
        table.labels,
        shots=shots or (1, 5),
        ways=int(ways) if ways.isdecimal() else ways,
        rule=_rule(rule),
        permutations=permutations,
        delta=delta,
        fresh=fresh,
        device=device,
        seed=seed,
    )
    if out is None and not json_:
        typer.echo(str(found))
    else:
        show_frame(found.to_frame().reset_index(), out, json_)


def _rule(text: str) -> Any:
    """A name, or a name and a number: the option of the theorem says which there are."""
    name, _, value = text.partition(":")
    for number in (int, float):
        with suppress(ValueError):
            return name, number(value)
    return text


@app.command()
@one_sentence
def select(
    encoders: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoints, or NAME=CHECKPOINT; files of pairs of representations without --unlabeled."
        ),
    ],
    unlabeled: Annotated[list[str] | None, typer.Option(help="Images; repeat for several.")] = None,
    labeled: Annotated[
        list[str] | None,
        typer.Option(help="Labeled images: which images to label to tell the best two apart."),
    ] = None,
    measure: Annotated[
        str | None, typer.Option(help="Label-free measure; default the best of the study.")
    ] = None,
    device: Device = None,
    batch_size: Annotated[int, typer.Option(help="Images per batch.")] = 256,
    seed: Annotated[int, typer.Option(help="Of the views.")] = 0,
    json_: Json = False,
) -> None:
    """Rank encoders without labels by a measure, and say what ranking by it has cost elsewhere; no certificate."""
    from bounds.selection import select as run

    named: dict[str, Any] = {}
    for given in encoders:
        name, _, path = given.rpartition("=")
        key = name or Path(path).stem
        if key in named:
            raise InvalidOption(f"Two encoders are called {key!r}; name them, as in first={path}.")
        named[key] = path if unlabeled else _table([path], None, device, batch_size)
    found = run(
        named,
        paths(unlabeled),
        paths(labeled),
        measure=measure,
        device=device,
        batch_size=batch_size,
        seed=seed,
        progress=sys.stderr.isatty(),
    )
    if json_:
        plain = {"chosen": found.chosen, "measure": found.measure, "scores": dict(found.scores)}
        as_json(plain | {"study": dict(found.study), "setting": found.setting})
    else:
        typer.echo(str(found))


@app.command()
@one_sentence
def correlate(
    reports: Annotated[list[Path], typer.Argument(help="report.json files, one a checkpoint.")],
    against: Annotated[str, typer.Option(help="The measured quantity.")] = "test_error",
    level: Annotated[float, typer.Option(help="Probability of the interval.")] = 0.95,
    out: Csv = None,
    json_: Json = False,
) -> None:
    """Which bound, term or quantity orders checkpoints as the measured one does: Kendall's τ with an interval."""
    from bounds.correlation import correlate as run
    from bounds.report.report import Report

    show_frame(run([Report.from_json(path) for path in reports], against, level=level), out, json_)


@app.command()
@one_sentence
def sweep(
    labeled: Annotated[list[str], typer.Option(help="Labeled representations.")],
    pairs: Annotated[list[str], typer.Option(help="Representations of pairs.")],
    n: Annotated[list[int] | None, typer.Option("-n", "--n", help="Numbers of labels to try.")] = None,
    m: Annotated[list[int] | None, typer.Option("-m", "--m", help="Numbers of pairs to try.")] = None,
    classes: Annotated[list[int] | None, typer.Option("-K", "--classes", help="Numbers of classes.")] = None,
    repeats: Annotated[int, typer.Option(help="Sub-samples per size.")] = 3,
    bound: Annotated[list[str] | None, typer.Option(help="Name of a bound; repeat.")] = None,
    delta: Annotated[float, typer.Option(help="Failure probability.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of the sub-samples.")] = 0,
    out: Csv = None,
    json_: Json = False,
) -> None:
    """Bounds against the number of labels, pairs and classes, on sub-samples of representations."""
    from bounds.sweeps import COMPARISON
    from bounds.sweeps import sweep as run

    frame = run(
        _arrays(_table(labeled, None, None, 4096)),
        _arrays(_table(pairs, None, None, 4096)),
        n=n or None,
        m=m or None,
        K=classes or None,
        repeats=repeats,
        bounds=bound or COMPARISON,
        delta=delta,
        seed=seed,
    )
    show_frame(frame, out, json_)


@app.command()
@one_sentence
def coverage(
    bound: Annotated[list[str] | None, typer.Option(help="Name of a bound; repeat; default all.")] = None,
    world: Annotated[
        list[str] | None, typer.Option(help="Name of a world; repeat; default gaussian.")
    ] = None,
    delta: Annotated[float, typer.Option(help="Failure probability.")] = 0.1,
    trials: Annotated[int, typer.Option(help="Independent samples a world.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of all samples.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    out: Csv = None,
    json_: Json = False,
) -> None:
    """How often bounds fail in worlds whose truth is known: the rate, and its interval."""
    import pandas
    from tqdm import tqdm

    from bounds.worlds import WORLDS, checkable, coverages

    names = world or ["gaussian"]
    for name in names:
        if name not in WORLDS:
            raise unknown("The world", name, WORLDS)
    found = coverages(bound, [WORLDS[name]() for name in names], delta, trials, seed, workers=workers)
    total = len(names) * (len(bound) if bound else len(checkable()))
    bar = tqdm(found, total=total, unit=" bounds", disable=not sys.stderr.isatty(), delay=2)
    show_frame(pandas.DataFrame([one.to_dict() for one in bar]), out, json_)


def _table(data: list[str], checkpoint: str | None, device: str | None, batch_size: int) -> Representations:
    """Representations of data, through an encoder if there is one."""
    from bounds.representations.extraction import extract
    from bounds.representations.inputs import open_source

    source = open_source(paths(data), name="data")
    found = extract(
        checkpoint,
        source,
        role="unlabeled",
        views=source.views,
        device=device,
        batch_size=batch_size,
        progress=sys.stderr.isatty(),
    )
    return found.representations


def _arrays(table: Representations) -> tuple[Any, ...]:
    """As `sweep` takes them: every view, and the labels where there are some."""
    return (*(view[:] for view in table.views), *(() if table.labels is None else (table.labels,)))
