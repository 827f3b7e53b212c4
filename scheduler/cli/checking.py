"""`check`: everything there is to mend, before it matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.choices import Report
from scheduler.cli.screen import progress, say
from scheduler.cli.session import session
from scheduler.cli.words import as_json, count

if TYPE_CHECKING:
    from scheduler.calendar.finding import Finding


def check(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATHS]", help="Only these files or folders.", show_default=False)
    ] = None,
    form: Annotated[
        Report, typer.Option("--format", help="github: lines that GitHub shows beside the code.")
    ] = Report.text,
) -> None:
    """Read every piece and tell what must be mended. Nothing goes out, nothing is written."""
    from scheduler.calendar.finding import Finding
    from scheduler.calendar.report import summarise
    from scheduler.cli import vanished
    from scheduler.cli.survey import survey
    from scheduler.workspace import BadSettings

    try:
        reader = session(ctx).reader()
    except BadSettings as error:
        if form is Report.text:
            raise
        _write(
            [Finding(one.file, one.line, one.column, "error", "settings", one.message) for one in error.faults], form
        )
        raise typer.Exit(1) from None
    root = reader.workspace.root
    wanted = [_within(root, path) for path in paths or ()]
    with progress("reading") as advance:
        seen = survey(reader, advance)
    found = [*seen.findings, *vanished.findings(reader, seen)]
    told = summarise([one for one in found if _asked(one.file, wanted)])
    pieces = sum(_asked(path, wanted) for path in seen.readings)
    _write(told, form, _total(pieces, found=[one for one in found if _asked(one.file, wanted)]))
    reader.close()
    if any(one.severity == "error" for one in told):
        raise typer.Exit(1)


def _within(root: Path, path: Path) -> str:
    """The path relative to the workspace; given from here, or from the workspace."""
    for candidate in (Path.cwd() / path, root / path):
        if candidate.exists() and candidate.resolve().is_relative_to(root):
            return candidate.resolve().relative_to(root).as_posix()
    raise typer.BadParameter(f"{path} is not in the workspace {root}. Name a file or folder below its content/.")


def _asked(file: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(one == "." or file == one or file.startswith(one + "/") for one in wanted)


def _total(pieces: int, found: Sequence[Finding]) -> str:
    errors = sum(one.severity == "error" for one in found)
    return f"{count(pieces, 'piece')}, {count(errors, 'error')}, {count(len(found) - errors, 'warning')}"


def _write(found: Sequence[Finding], form: Report, total: str = "") -> None:
    if form is Report.json:
        typer.echo(as_json([asdict(one) for one in found]))
        return
    for one in found:
        say(_github(one) if form is Report.github else _text(one))
    if form is Report.text:
        say(total)


def _text(one: Finding) -> str:
    from scheduler.calendar.report import as_text

    return as_text(one)


def _github(one: Finding) -> str:
    """A workflow command; what has a meaning in one is escaped."""
    place = f"file={_property(one.file)},line={one.line},col={one.column},title={_property(one.rule)}"
    return f"::{one.severity} {place}::{_data(one.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
