"""The command line: each command is thin over the Python call of the same name."""

from bounds.cli import duels, measures, models, reports, theorems
from bounds.cli.app import app, main, save_figure

__all__ = ["app", "duels", "main", "measures", "models", "reports", "save_figure", "theorems"]
