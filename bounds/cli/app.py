"""The application, and what all commands have in common: errors in one sentence, files, JSON, colour."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, ParamSpec

import typer

from bounds.cli.groups import Grouped
from bounds.errors import BoundsError
from bounds.files import whole_file, writing

REFUSED, INTERRUPTED = 2, 130
_RESUMED = ("pretrain", "predict")  # commands that keep what they have done

app = typer.Typer(
    cls=Grouped,
    context_settings={"max_content_width": 100},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Generalization certificates for self-supervised encoders: how good, how sure, why, what to do. Begin with "
    "`bounds demo`; `bounds COMMAND --help` says what a command takes.",
    epilog="Exit codes: 0 done; 1 a fault of this program; 2 what was given cannot be used (one sentence says what to "
    "change); 130 interrupted (one sentence says how to go on).",
)

P = ParamSpec("P")


# Arguments of the Python calls that the command line has under another name.
RENAMED = {"bounds": "bound", "class_prior": "balanced_prior"}


def one_sentence(command: Callable[P, None]) -> Callable[P, None]:
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
        except KeyboardInterrupt:
            typer.echo(f"\ninterrupted; {resume(command.__name__, options)}", err=True)
            raise typer.Exit(INTERRUPTED) from None
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
        raise typer.Exit(REFUSED)

    return wrapped


def _is_option(parameter: Parameter) -> bool:
    """Whether a parameter of a command is given by --name."""
    return "typer.Option" in str(parameter.annotation)


def resume(command: str, options: Mapping[str, str]) -> str:
    """How to go on after an interruption, by what the command keeps."""
    if command in _RESUMED:
        return "what is in `--out` is whole, and the same command goes on there."
    if "save_representations" not in options:
        return "nothing was written; the same command starts again."
    if "--save-representations" in sys.argv:
        return "what was encoded is kept, and the same command goes on there."
    return "with `--save-representations FOLDER` what is encoded is kept, and the same command goes on there."


def said(text: str, paint: Callable[[], str] | None = None) -> None:
    """Print; in colour where a terminal shows it."""
    coloured = paint is not None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    typer.echo(paint() if coloured and paint is not None else text)


def as_json(value: Any) -> None:
    """Print for machines: numbers that JSON lacks become strings, as in saved reports."""
    from bounds.report.saving import json_text

    typer.echo(json_text(value))


def wrote(paths: Iterable[Path]) -> None:
    """Where the files are, on the error stream, so that the output can be piped."""
    for path in paths:
        typer.echo(f"wrote {path}", err=True)


def show_frame(frame: Any, out: Path | None, json_: bool) -> None:
    """A table to the terminal or as JSON, and to a CSV file if asked."""
    if json_:
        as_json(json.loads(frame.to_json(orient="records")))
    else:
        import pandas

        with pandas.option_context(
            "display.max_rows", None, "display.max_columns", None, "display.width", 100
        ):
            typer.echo(frame.to_string(index=False))
    if out is not None:
        from bounds.report.files import write_text

        write_text(out, frame.to_csv(index=False))
        wrote([out])


def write(report: Any, folder: Path) -> list[Path]:
    """report.json, report.html, report.txt, report.tex and the figure in `folder`, each renamed into place."""
    from bounds.report.files import write_text

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": report.to_json(),
        "report.html": report.to_html(),
        "report.txt": report.to_text(),
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


def paths(given: list[str] | None) -> Any:
    """One path as itself, several as a list."""
    return None if not given else given[0] if len(given) == 1 else given


def main() -> None:
    """Entry point of the `bounds` command."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    app()
