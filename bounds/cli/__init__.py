"""The command line: each command is thin over the Python call of the same name."""

from bounds.cli import measures, models, reports, theorems
from bounds.cli.app import app, main, save_figure

__all__ = ["app", "main", "measures", "models", "reports", "save_figure", "theorems"]
