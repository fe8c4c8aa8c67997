"""The list of commands, in the order of a user's questions."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

# What a group of commands is about: the first one is where to begin.
GROUPS: dict[str, tuple[str, ...]] = {
    "How good is an encoder": ("demo", "evaluate", "report", "plan", "predict"),
    "Which of several is better": ("compare", "select", "duel", "rank", "certify", "correlate"),
    "Measures of data and representations": ("describe", "rademacher", "swap-test", "few-shot", "sweep"),
    "Theorems": ("catalogue", "derive", "coverage"),
    "Training, and many machines": ("pretrain", "merge"),
}
_SENTENCE = 200  # characters


class Grouped(TyperGroup):
    """Commands by group, each with its sentence whole.

    Contexts and formatters are those of click, or of its copy that later versions of typer bring along.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, group by group."""
        return [name for names in GROUPS.values() for name in names]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
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
