"""The list of commands, in the order of a user's questions."""

from __future__ import annotations

from click import Context, HelpFormatter
from typer.core import TyperGroup

# What a group of commands is about: the first one is where to begin.
GROUPS: dict[str, tuple[str, ...]] = {
    "How good is an encoder": ("demo", "evaluate", "report", "plan", "predict"),
    "Which of several is better": ("compare", "select", "duel", "rank", "certify", "correlate"),
    "Measures of data and representations": ("describe", "rademacher", "swap-test", "sweep"),
    "Theorems": ("catalogue", "derive", "coverage"),
    "Training, and many machines": ("pretrain", "merge"),
}
_SENTENCE = 200  # characters


class Grouped(TyperGroup):
    """Commands by group, each with its sentence whole."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Names, group by group."""
        return [name for names in GROUPS.values() for name in names]

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """A block a group, aligned over all of them."""
        widest = max(len(name) for name in self.list_commands(ctx))
        for title, names in GROUPS.items():
            rows = []
            for name in names:
                command = self.get_command(ctx, name)
                if command is not None:
                    rows.append((name.ljust(widest), command.get_short_help_str(_SENTENCE)))
            with formatter.section(title):
                formatter.write_dl(rows)
