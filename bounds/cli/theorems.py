"""Commands about the theorems themselves: catalogue, derive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bounds.cli.app import app, one_sentence, show_frame, wrote


@app.command()
@one_sentence
def catalogue(
    out: Annotated[Path | None, typer.Option(help="A CSV file to write the table to.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """The theorems: name, family, predictor, what each needs, whether its proof is checked."""
    from bounds.report.catalogue import catalogue as run

    show_frame(run().reset_index(), out, json_)


@app.command()
@one_sentence
def derive(
    name: Annotated[str, typer.Argument(help="A bound.")],
    out: Annotated[Path | None, typer.Option(help="A .tex file to write the proof to.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """The proof of a bound, step by step, every step checked; exit code 1 where a check fails."""
    from bounds.report.files import write_text
    from bounds.theorems.derive import derive as run

    derivation = run(name)
    typer.echo(json.dumps(derivation.to_dict()) if json_ else str(derivation))
    if out is not None:
        write_text(out, derivation.latex())
        wrote([out])
    if not derivation.holds:
        raise typer.Exit(1)
