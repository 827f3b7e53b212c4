"""`julki`: the app and its commands. The commands' own modules load nothing heavy until one of them runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli import (
    acting,
    approving,
    checking,
    connecting,
    correcting,
    demo,
    doctor,
    exchange,
    hall,
    keeping,
    previewing,
    reaching,
    running,
    showing,
    starting,
    stopping,
)
from scheduler.cli.group import DeskGroup
from scheduler.cli.session import Session

app = typer.Typer(
    name="julki",
    cls=DeskGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="julki COMMAND --help tells all about one command.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"julki {version('julki')}")
        raise typer.Exit


@app.callback()
def julki(
    ctx: typer.Context,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace",
            metavar="DIR",
            show_default=False,
            help="The folder with config/julki.toml; may stand anywhere in the command. Else JULKI_WORKSPACE, else "
            "this folder or the nearest above it.",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001  the callback acts on it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell which Julki this is.")
    ] = False,
) -> None:
    """The desk of a small communications team: Markdown files go out on time, once, on every channel."""
    ctx.obj = Session(workspace)


app.command("init")(starting.init)
app.command("new")(starting.new)
app.command("demo")(demo.demo)
app.command("check")(checking.check)
app.command("preview")(previewing.preview)
app.command("plan")(showing.plan)
app.command("queue")(showing.queue)
app.command("reach")(reaching.reach)
app.command("doctor")(doctor.doctor)
app.command("run")(running.run)
app.command("live")(hall.live)
app.command("retry")(acting.retry)
app.command("skip")(acting.skip)
app.command("hold")(acting.hold)
app.command("withdraw")(acting.withdraw)
app.command("confirm")(acting.confirm)
app.command("correct")(correcting.correct)
app.command("approve")(approving.approve)
app.command("refuse")(approving.refuse)
app.command("pause")(stopping.pause)
app.command("resume")(stopping.resume)
app.command("connect")(connecting.connect)
app.command("export")(exchange.export)
app.command("import")(exchange.import_)
app.command("backup")(keeping.backup)
app.command("restore")(keeping.restore)
