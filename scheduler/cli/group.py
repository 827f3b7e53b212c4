"""The group of all commands: `--workspace` anywhere, help in sections, one place where errors become words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from scheduler.cli import errors

WORKSPACE = "--workspace"
SECTIONS: Mapping[str, Sequence[str]] = {
    "Begin": ("init", "new", "demo"),
    "Look": ("check", "preview", "plan", "queue", "reach", "doctor"),
    "Publish": ("run", "live"),
    "Decide": ("retry", "skip", "hold", "withdraw", "confirm", "correct", "approve", "refuse", "pause", "resume"),
    "Accounts": ("connect",),
    "Exchange": ("export", "import"),
    "Keep": ("backup", "restore"),
}


class DeskGroup(TyperGroup):
    """Every error ends as a sentence on stderr and an exit code; see `errors`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, hoisted(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except Exception as error:  # noqa: BLE001  the last door: what comes here becomes a sentence
            raise typer.Exit(errors.tell(error, ctx.obj)) from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for section, names in SECTIONS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(name, command.get_short_help_str(90)) for name, command in commands if command is not None]
            with formatter.section(section):
                formatter.write_dl(rows, col_max=12)


def hoisted(args: Sequence[str]) -> list[str]:
    """The arguments with `--workspace DIR` ahead of the command's name, wherever it stood."""
    ahead: list[str] = []
    rest: list[str] = []
    source = iter(args)
    for word in source:
        if word == "--":
            rest += [word, *source]
        elif word == WORKSPACE and (folder := next(source, None)) is not None:
            ahead += [word, folder]
        elif word.startswith(WORKSPACE + "="):
            ahead.append(word)
        else:
            rest.append(word)
    return ahead + rest
