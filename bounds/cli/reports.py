"""Commands that make and show reports: evaluate, compare, report, plan, demo, merge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bounds.arguments import folder, unknown
from bounds.cli.app import app, as_json, one_sentence, paths, said, save_figure, write, wrote
from bounds.cli.choices import (
    NORMALIZE,
    Constants,
    Engine,
    Example,
    Normalize,
    Overlap,
    Pairs,
    Repeats,
    Residual,
)
from bounds.errors import InvalidOption
from bounds.files import writing

if TYPE_CHECKING:
    from bounds.report.comparison import Comparison


@app.command()
@one_sentence
def evaluate(
    labeled: Annotated[
        list[str], typer.Option(help="Labeled data: a file, folder or glob; repeat for several.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for report.json, .html, .txt, .tex and the figure.")],
    checkpoint: Annotated[
        str | None, typer.Option(help="Encoder; leave out when the data are representations.")
    ] = None,
    unlabeled: Annotated[list[str] | None, typer.Option(help="Unlabeled data; repeat for several.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Labeled test data; repeat for several.")] = None,
    delta: Annotated[float, typer.Option(help="Failure probability.")] = 0.05,
    pairs: Annotated[Pairs, typer.Option(help="How pairs are, or were, made.")] = Pairs.augmentation,
    prefix: Annotated[
        str | None, typer.Option(help="Where the encoder is, in a checkpoint that holds several.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side in pixels to bring images to; default the encoder's own.")
    ] = None,
    preprocessing: Annotated[
        str | None, typer.Option(help="imagenet or cifar10: mean and standard deviation the encoder expects.")
    ] = None,
    labeled_is_fresh: Annotated[
        bool | None, typer.Option(help="Encoder fixed before the labeled data (A2).")
    ] = None,
    unlabeled_is_fresh: Annotated[
        bool | None, typer.Option(help="Encoder fixed before the pairs (A3).")
    ] = None,
    normalize: Annotated[Normalize, typer.Option(help="How ‖f‖ ≤ B is enforced (A4).")] = Normalize.l2,
    radius: Annotated[float, typer.Option(help="B.")] = 1.0,
    head: Annotated[
        str, typer.Option(help="min_norm, ridge:1e-3, logistic, logistic:1e-4, nearest_mean or knn:20.")
    ] = "min_norm",
    balanced_prior: Annotated[bool, typer.Option(help="The class prior is known to be uniform.")] = False,
    residual: Annotated[Residual, typer.Option(help="Residual of S in §2 and §3.")] = Residual.mean,
    nonnegative: Annotated[bool, typer.Option(help="f ≥ 0 by construction.")] = False,
    constants: Annotated[Constants, typer.Option(help="Logarithms of `vicreg`.")] = Constants.printed,
    bound: Annotated[
        list[str] | None, typer.Option(help="Name of a bound wanted; repeat; default all.")
    ] = None,
    simultaneous: Annotated[bool, typer.Option(help="Share δ over all bounds.")] = False,
    num_classes: Annotated[int | None, typer.Option(help="K; inferred by default.")] = None,
    renumber: Annotated[
        bool, typer.Option(help="Labels are identifiers: number the classes that occur.")
    ] = False,
    save_representations: Annotated[Path | None, typer.Option(help="Keep the representations here.")] = None,
    holdout: Annotated[
        float | None, typer.Option(help="Share of S held out where a bound needs it; default: its own.")
    ] = None,
    fresh: Annotated[
        bool | None, typer.Option(help="Encoder and head fixed before all data (A2, A3, H).")
    ] = None,
    test_is_fresh: Annotated[
        bool | None, typer.Option(help="Encoder and head fixed before the test items (H).")
    ] = None,
    repeats: Annotated[
        Repeats | None, typer.Option(help="Equal items: the population's (keep) or copies (drop).")
    ] = None,
    overlap: Annotated[
        Overlap | None, typer.Option(help="Test items the head was made from were only added.")
    ] = None,
    looks: Annotated[int, typer.Option(help="Certificates read off this test set; each at δ/looks.")] = 1,
    groups: Annotated[
        str | None, typer.Option(help="Column of the test data that names the group of a row.")
    ] = None,
    autocast: Annotated[bool, typer.Option(help="Mixed precision in the encoder.")] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...")] = None,
    batch_size: Annotated[int, typer.Option(help="Images per batch.")] = 256,
    seed: Annotated[int, typer.Option(help="Of views and pairs.")] = 0,
    engine: Annotated[
        Engine,
        typer.Option(
            help="What runs the encoder: this machine, or a Ray cluster (RAY_ADDRESS; experimental)."
        ),
    ] = Engine.local,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Evaluate every bound for one checkpoint: the answer here, everything in --out.

    Under torchrun (torchrun --nproc-per-node=N -m bounds evaluate ...) the processes share the work.
    """
    from bounds.evaluation import evaluate as run
    from bounds.heads import parse_head
    from bounds.processes import torchrun
    from bounds.report.folders import reports_in
    from bounds.report.ledger import ledger
    from bounds.report.text import screen

    folder("out", out)
    kept = None
    if engine is Engine.ray:
        save_representations, kept = _filled(
            save_representations,
            checkpoint,
            {"labeled": paths(labeled), "unlabeled": paths(unlabeled), "test": paths(test)},
            {"pairs": pairs.value, "seed": seed, "batch_size": batch_size, "autocast": autocast,
             "num_classes": num_classes, "renumber": renumber, "size": size, "preprocessing": preprocessing,
             "prefix": prefix},
        )  # fmt: skip
    with torchrun() as processes:
        report = run(
            checkpoint,
            paths(labeled),
            paths(unlabeled),
            test=paths(test),
            delta=delta,
            pairs=pairs.value,
            labeled_is_fresh=labeled_is_fresh,
            unlabeled_is_fresh=unlabeled_is_fresh,
            normalize=NORMALIZE[normalize],
            radius=radius,
            head=parse_head(head),
            class_prior="balanced" if balanced_prior else None,
            residual=residual.value,
            nonnegative=nonnegative,
            constants=constants.value,
            bounds=bound,
            simultaneous=simultaneous,
            num_classes=num_classes,
            renumber=renumber,
            preprocessing=preprocessing,
            prefix=prefix,
            size=size,
            save_representations=save_representations,
            holdout=holdout,
            fresh=fresh,
            declared={
                "test_is_fresh": test_is_fresh,
                "repeats": None if repeats is None else repeats.value,
                "overlap": None if overlap is None else overlap.value,
                "looks": looks,
                "groups": groups,
            },
            autocast=autocast,
            device=device,
            batch_size=batch_size,
            seed=seed,
            distributed=processes.world > 1,
        )
    if processes.rank:
        return
    looked = ledger([report, *reports_in(out)])
    if json_:
        typer.echo(report.to_json())
    else:
        said(repr(report), lambda: screen(report, paint=True))
        if looked:
            typer.echo(f"  {looked}")
    wrote(write(report, out))
    del kept


def _filled(
    folder: Path | None, checkpoint: Any, data: dict[str, Any], options: dict[str, Any]
) -> tuple[Path, Any]:
    """The folder of representations made by Ray, and what keeps a temporary one."""
    from tempfile import TemporaryDirectory

    from bounds.evaluation.on_ray import fill_with_ray

    kept = None if folder is not None else TemporaryDirectory(prefix="bounds-ray-")
    made = folder or Path(kept.name if kept is not None else "")
    return fill_with_ray(checkpoint, data, made, **options), kept


@app.command()
@one_sentence
def compare(
    checkpoint: Annotated[
        list[str],
        typer.Argument(help="Checkpoints, NAME=CHECKPOINT, or report.json files of evaluated ones."),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for the page and the figure.")] = None,
    labeled: Annotated[list[str] | None, typer.Option(help="Labeled data; repeat for several.")] = None,
    unlabeled: Annotated[list[str] | None, typer.Option(help="Unlabeled data; repeat for several.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Labeled test data; repeat for several.")] = None,
    delta: Annotated[float | None, typer.Option(help="Failure probability; default 0.05.")] = None,
    pairs: Annotated[
        Pairs | None, typer.Option(help="How pairs are, or were, made; default augmentation.")
    ] = None,
    fresh: Annotated[
        bool | None, typer.Option(help="Encoders and heads fixed before all data (A2, A3, H).")
    ] = None,
    bound: Annotated[list[str] | None, typer.Option(help="Name of a bound; repeat; default all.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Several encoders side by side: from their reports, or evaluated on the same data.

    With --fresh and a test set each is certified at δ over their number, which pays for choosing among them.
    """
    from bounds.evaluation import compare as run
    from bounds.report.report import Report

    if out is not None:
        folder("out", out)
    entries: dict[str, Any] = {}
    for given in checkpoint:
        name, _, path = given.rpartition("=")
        saved = Report.from_json(path) if path.endswith(".json") else None
        key = name or (Path(path).name if saved is None else saved.name)
        if key in entries:
            raise InvalidOption(f"Two encoders are called {key!r}; name them, as in first={path}.")
        entries[key] = path if saved is None else saved
    options: dict[str, Any] = {
        "labeled": paths(labeled),
        "unlabeled": paths(unlabeled),
        "test": paths(test),
        "delta": delta,
        "pairs": None if pairs is None else pairs.value,
        "fresh": fresh,
        "bounds": bound,
        "declared": {"looks": len(entries)} if fresh and test else None,
    }
    compared = run(entries, **{key: value for key, value in options.items() if value is not None})
    show_comparison(compared, out, json_)


@app.command("report")
@one_sentence
def show_report(
    report: Annotated[Path, typer.Argument(help="A report.json written by `bounds evaluate`.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write the page, the text, ... to again.")
    ] = None,
    bound: Annotated[list[str] | None, typer.Option(help="Show these bounds term by term.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Show everything.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Read a saved report again: the answer, single bounds, or everything; --out renders all formats."""
    from bounds.report.report import Report
    from bounds.report.text import screen, terms

    if out is not None:
        folder("out", out)
    read = Report.from_json(report)
    if json_:
        typer.echo(read.to_json())
    elif bound:
        for name in bound:
            if name not in read:
                raise unknown("The bound", name, [*read.bounds, *read.not_applicable])
            typer.echo(terms(read[name]))
    else:
        said(read.to_text() if full else repr(read), None if full else lambda: screen(read, paint=True))
    if out is not None:
        wrote(write(read, out))


@app.command()
@one_sentence
def plan(
    report: Annotated[Path, typer.Argument(help="A report.json written by `bounds evaluate`.")],
    target: Annotated[float, typer.Option(help="Error rate to reach.")],
    bound: Annotated[list[str] | None, typer.Option(help="Name of a bound; repeat; default all.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for a figure of each bound against n and m.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """How many labels or pairs would bring each bound to a target error rate, or which term stops it."""
    from bounds.report.report import Report

    if out is not None:
        folder("out", out)
    plans = Report.from_json(report).plan(target, bound)
    if json_:
        as_json({name: one.to_dict() for name, one in plans.items()})
    else:
        typer.echo(repr(plans))
    if out is not None:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        for name, one in plans.items():
            wrote(save_figure(one.plot(), out / f"plan_{name}"))


@app.command()
@one_sentence
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the reports and the figure.")] = Path("bounds-out"),
    example: Annotated[Example, typer.Option(help="Which embedded data.")] = Example.digits,
    delta: Annotated[float, typer.Option(help="Failure probability.")] = 0.05,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Evaluate the embedded VICReg and SimCLR encoders of digits or CIFAR-10, and compare them."""
    folder("out", out)
    from bounds.examples.demo import cifar10_comparison, digits_comparison

    compared = {Example.digits: digits_comparison, Example.cifar10: cifar10_comparison}[example](delta=delta)
    written = [
        path for name, report in compared.reports.items() for path in write(report, out / name.lower())
    ]
    show_comparison(compared, out, json_)
    wrote([path for path in written if path.suffix == ".html"])


@app.command()
@one_sentence
def merge(
    parts: Annotated[
        list[Path], typer.Argument(help="Folders of saved representations, or files of summaries.")
    ],
    out: Annotated[Path, typer.Option(help="A new folder, or a new .safetensors file of summaries.")],
) -> None:
    """Join what several jobs saved of disjoint parts of the data: representations (linked, not copied) or summaries."""
    if all(path.suffix == ".safetensors" for path in parts):
        from bounds.evidence.saved import merge_summaries

        merge_summaries(parts, out)
        made = [out]
    else:
        from bounds.representations.merging import merge_folders

        made = merge_folders(parts, out)
    wrote(made)


def show_comparison(compared: Comparison, out: Path | None, json_: bool) -> None:
    """The comparison here, its page and figure in a folder."""
    from bounds.report.text import comparison_screen

    if json_:
        as_json({name: report.to_dict() for name, report in compared.reports.items()})
    else:
        said(repr(compared), lambda: comparison_screen(compared, paint=True))
    if out is not None:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        compared.to_html(out / "comparison.html")
        wrote([*save_figure(compared.plot(), out / "comparison"), out / "comparison.html"])
