"""The command line: each command is thin over the Python call of the same name."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, Literal, ParamSpec

import typer

from bounds.arguments import folder, unknown
from bounds.errors import BoundsError, InvalidOption
from bounds.files import whole_file, writing

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Generalization certificates for self-supervised encoders, term by term.",
)


class Pairs(StrEnum):
    """How the unlabeled pairs are made."""

    augmentation = "augmentation"
    classes = "class"


class Normalize(StrEnum):
    """How ‖f‖ ≤ B is enforced."""

    l2 = "l2"
    clip = "clip"
    none = "none"


NORMALIZE: dict[Normalize, Literal["l2", "clip"] | None] = {
    Normalize.l2: "l2",
    Normalize.clip: "clip",
    Normalize.none: None,
}


class Repeats(StrEnum):
    """Choices of --repeats."""

    keep = "keep"
    drop = "drop"


class Overlap(StrEnum):
    """Choices of --overlap."""

    added = "added"


class Residual(StrEnum):
    """Which residual of S the theorems use."""

    mean = "mean"
    frobenius = "frobenius"


class Constants(StrEnum):
    """Which logarithms `vicreg` uses."""

    printed = "printed"
    counted = "counted"


P = ParamSpec("P")


class Example(StrEnum):
    """Embedded examples."""

    digits = "digits"
    cifar10 = "cifar10"


class Optimizer(StrEnum):
    """Optimizers of pretraining."""

    sgd = "sgd"
    lars = "lars"
    adamw = "adamw"


# Arguments of the Python calls that the command line has under another name.
RENAMED = {"bounds": "bound", "class_prior": "balanced_prior"}


def _one_sentence(command: Callable[P, None]) -> Callable[P, None]:
    """What cannot be done ends the command with one sentence that speaks of its options, not with a traceback."""
    options = {name: name for name, one in signature(command).parameters.items() if _is_option(one)}
    options |= {python: name for python, name in RENAMED.items() if name in options}

    def spoken(text: str) -> str:
        return re.sub(
            r"`(\w+)`",
            lambda found: f"`--{options[found[1]].replace('_', '-')}`" if found[1] in options else found[0],
            text,
        )

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BoundsError as error:
            message = spoken(str(error))
        except OSError as error:
            message = f"{error.strerror or error}: {error.filename}" if error.filename else f"{error}"
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
                raise
            message = (
                "there is not enough memory for this; give fewer items, classes or a smaller `--batch-size`."
            )
        else:
            return
        typer.echo(f"error: {message}", err=True)
        raise typer.Exit(2)

    return wrapped


def _is_option(parameter: Parameter) -> bool:
    """Whether a parameter of a command is given by --name."""
    return "typer.Option" in str(parameter.annotation)


@app.command()
@_one_sentence
def evaluate(
    labeled: Annotated[
        list[str], typer.Option(help="Labeled data: a file, folder or glob; repeat for several.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for report.json, .html, .tex and the figure.")],
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
) -> None:
    """Evaluate every bound for one checkpoint and write the report.

    Under torchrun (torchrun --nproc-per-node=N -m bounds evaluate ...) the processes share the work.
    """
    from bounds.evaluation import evaluate as run
    from bounds.heads import parse_head
    from bounds.processes import torchrun
    from bounds.report.ledger import ledger, reports_in

    folder("out", out)
    with torchrun() as processes:
        report = run(
            checkpoint,
            _paths(labeled),
            _paths(unlabeled),
            test=_paths(test),
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
    typer.echo(str(report))
    said = ledger([report, *reports_in(out)])
    if said:
        typer.echo(said)
    for path in write(report, out):
        typer.echo(f"wrote {path}", err=True)


@app.command()
@_one_sentence
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
    for path in made:
        typer.echo(f"wrote {path}", err=True)


@app.command()
@_one_sentence
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the reports and the figure.")] = Path("bounds-out"),
    example: Annotated[Example, typer.Option(help="Which embedded data.")] = Example.digits,
    delta: Annotated[float, typer.Option(help="Failure probability.")] = 0.05,
) -> None:
    """Evaluate the embedded VICReg and SimCLR encoders of digits or CIFAR-10, and compare them."""
    folder("out", out)
    from bounds.examples.demo import cifar10_comparison, digits_comparison

    compared = {Example.digits: digits_comparison, Example.cifar10: cifar10_comparison}[example](delta=delta)
    for report in compared.reports.values():
        typer.echo(f"{report}\n")
    typer.echo(repr(compared))
    for name, report in compared.reports.items():
        write(report, out / name.lower())
    compared.to_html(out / "comparison.html")
    for path in [*save_figure(compared.plot(), out / "comparison"), out / "comparison.html"]:
        typer.echo(f"wrote {path}", err=True)


@app.command()
@_one_sentence
def plan(
    report: Annotated[Path, typer.Argument(help="A report.json written by `bounds evaluate`.")],
    target: Annotated[float, typer.Option(help="Error rate to reach.")],
    bound: Annotated[list[str] | None, typer.Option(help="Name of a bound; repeat; default all.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for a figure of each bound against n and m.")
    ] = None,
) -> None:
    """How many labels or pairs would bring each bound to a target error rate, or which term stops it."""
    from bounds.report.report import Report

    if out is not None:
        folder("out", out)
    plans = Report.from_json(report).plan(target, bound)
    typer.echo(repr(plans))
    if out is not None:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        for name, one in plans.items():
            for path in save_figure(one.plot(), out / f"plan_{name}"):
                typer.echo(f"wrote {path}", err=True)


@app.command()
@_one_sentence
def predict(
    model: Annotated[Path, typer.Option(help="A folder written by `bound.predictor.save`.")],
    data: Annotated[list[str], typer.Option(help="Images or representations; repeat for several.")],
    out: Annotated[Path, typer.Option(help="A .parquet file; an interrupted run continues.")],
    encoder: Annotated[
        str | None, typer.Option(help="The encoder's checkpoint, where it is not where it was.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...")] = None,
    batch_size: Annotated[int, typer.Option(help="Images per batch.")] = 256,
) -> None:
    """Label data with the predictor of a certificate: row, label, class, answered, scores."""
    from bounds.heads import load_predictor
    from bounds.heads.prediction_file import predict_to_file

    predictor = load_predictor(model, encoder=encoder)
    typer.echo(repr(predictor))
    rows = predict_to_file(
        predictor, _paths(data), out, device=device, batch_size=batch_size, progress=sys.stderr.isatty()
    )
    typer.echo(f"wrote {out} ({rows} rows)", err=True)


@app.command()
@_one_sentence
def pretrain(
    objective: Annotated[
        str, typer.Argument(help="vicreg, simclr, byol, simsiam, barlow_twins, vicreg_logdet, ...")
    ],
    data: Annotated[list[str], typer.Option(help="Images: a file, folder or glob; repeat for several.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run continues there.")],
    encoder: Annotated[
        str, typer.Option(help="small_convnet, resnet18, resnet34 or resnet50.")
    ] = "small_convnet",
    width: Annotated[
        int | None, typer.Option(help="Width of a ResNet's first stage; 64 is standard.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the data.")] = 100,
    batch_size: Annotated[int, typer.Option(help="Items a step, over all processes.")] = 256,
    optimizer: Annotated[Optimizer, typer.Option(help="Optimizer.")] = Optimizer.sgd,
    lr: Annotated[
        float | None, typer.Option(help="Peak learning rate; default by optimizer and batch size.")
    ] = None,
    keep_every: Annotated[int, typer.Option(help="Keep an encoder every so many epochs.")] = 10,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str | None, typer.Option(help="Default CUDA where present.")] = None,
) -> None:
    """Train an encoder without labels; checkpoints, log and state go to the folder of the run."""
    from bounds.pretraining import pretrain as run

    architecture: Any = encoder
    if width is not None:
        if not encoder.startswith("resnet"):
            raise InvalidOption(f"`--width` is for ResNets; the encoder is {encoder!r}.")
        depth = {"resnet18": 18, "resnet34": 34, "resnet50": 50}.get(encoder)
        if depth is None:
            raise unknown("`encoder`", encoder, ("resnet18", "resnet34", "resnet50"))
        architecture = {"name": "resnet", "depth": depth, "stem": "cifar", "width": width}
    made = run(
        objective,
        _paths(data),
        out=out,
        encoder=architecture,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer.value,
        lr=lr,
        keep_every=keep_every,
        seed=seed,
        device=device,
    )
    typer.echo(f"wrote {made.path}")
    typer.echo("  ".join(f"{name} {value}" for name, value in made.history[-1].items()))


def write(report: Any, folder: Path) -> list[Path]:
    """report.json, report.html, report.tex, figure.pdf and figure.png in `folder`, each renamed into place."""
    from bounds.report.files import write_text

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": report.to_json(),
        "report.html": report.to_html(),
        "report.tex": report.to_latex(),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    return [*(folder / name for name in texts), *save_figure(report.plot(), folder / "figure")]


def save_figure(figure: Any, stem: Path) -> list[Path]:
    """`stem`.pdf and `stem`.png, each renamed into place."""
    paths = [stem.with_suffix(suffix) for suffix in (".pdf", ".png")]
    for path in paths:
        with whole_file(path) as part:
            figure.savefig(part, format=path.suffix[1:], bbox_inches="tight", dpi=200)
    return paths


def _paths(given: list[str] | None) -> Any:
    return None if not given else given[0] if len(given) == 1 else given


def main() -> None:
    """Entry point of the `bounds` command."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    app()
