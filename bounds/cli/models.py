"""Commands that train and use models: pretrain, predict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bounds.arguments import unknown
from bounds.cli.app import app, one_sentence, paths
from bounds.cli.choices import Optimizer
from bounds.errors import InvalidOption


@app.command()
@one_sentence
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
        predictor, paths(data), out, device=device, batch_size=batch_size, progress=sys.stderr.isatty()
    )
    typer.echo(f"wrote {out} ({rows} rows)", err=True)


@app.command()
@one_sentence
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
        paths(data),
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
