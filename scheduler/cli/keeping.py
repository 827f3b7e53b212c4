"""`backup` and `restore`: a copy of all that the desk remembers, and the way back to it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from scheduler.cli.screen import note, say
from scheduler.cli.session import Failed, now, session
from scheduler.cli.words import count, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scheduler.store.restore import Found
    from scheduler.workspace import Workspace


def backup(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The file or folder; var/backups where absent.", show_default=False),
    ] = None,
    keep: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Then delete all but the newest N.", show_default=False)
    ] = None,
) -> None:
    """Copy all that the desk remembers into one file, while it runs, and verify it."""
    from scheduler.store import backup as backups
    from scheduler.store import copies

    workspace = session(ctx).workspace()
    database, when = _database(workspace), now()
    target = _target(file, copies.folder(database), copies.name(when))
    if keep is not None and target.name != copies.name(when):
        raise typer.BadParameter("--keep counts backups that Julki named itself. Give a folder, not a file.")
    made = backups.make(database, workspace.var / "media", target, workspace.settings.site.title, when)
    say(f"{target} holds {_held(made.rows, made.media)} ({made.size / 1e6:,.1f} MB).")
    say(f"It was read back and is whole. Bring it back with: julki restore {_quoted(target)}")
    if file is None:
        say("It lies on the same disk as what it is a copy of. Copy it to another machine as well.")
    _tell_missing(made.missing)
    gone = backups.rotate(target, made, keep) if keep is not None else ()
    if gone:
        say(f"{count(len(gone), 'older backup was', 'older backups were')} deleted.")


def _target(file: Path | None, home: Path, name: str) -> Path:
    if file is None:
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Failed(f"The folder {home} can't be made: {error.strerror}. Name another place.") from error
        return home / name
    if file.is_dir():
        return file / name
    if not file.parent.is_dir():
        raise Failed(f"There is no folder {file.parent}. Make it first, or name another.")
    return file


def _tell_missing(missing: Sequence[str]) -> None:
    if missing:
        told = count(len(missing), "captured file is", "captured files are")
        note(
            f"{told} named by a message and not there, or damaged; what needs one is not sent again by itself. "
            f"The first: var/media/{missing[0]}"
        )


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup, or a copy of julki.db.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Go back to a backup. What is there now is kept; nothing goes out before you say so."""
    from scheduler.store import restore as restoring
    from scheduler.store.lock import Lock

    workspace = session(ctx).workspace()
    zone = workspace.settings.zone
    database = _database(workspace)
    _refuse(file, database, yes)
    lock = Lock(database)
    lock.take(now(), "julki restore")
    try:
        with restoring.workplace(database.resolve()) as work:
            found = restoring.verify(file, work)
            say(_introduced(found, zone))
            _ask(yes)
            sealed = restoring.prepare(found, database, _reason(found, zone), now())
            aside = restoring.install(found, sealed, database.resolve(), workspace.var / "media", now())
    finally:
        lock.release()
    if aside is not None:
        say(f"What was there before is kept as {aside}.")
    say(_NEXT.format(since=_since(found, zone)))


_NEXT = """It is back. Everything is paused, for it knows nothing of what went out {since}.

Next:
  julki run                     start the desk: nothing goes out, what is due is held
  julki queue --state held      see what is held, and compare it with what is out
  julki confirm ID ADDRESS      for each post that is out already
  julki skip ID                 for each mail that is out already
  julki resume                  go on with what is still to come
  julki retry ID ID …           for each that is to go out after all; pages and feeds always, and all in one command"""


def _database(workspace: Workspace) -> Path:
    return workspace.root / workspace.settings.database.url.removeprefix("sqlite:///")


def _refuse(file: Path, database: Path, yes: bool) -> None:
    """What can be told to be wrong before anything is read."""
    if not file.is_file():
        raise typer.BadParameter(f"There is no file {file}.")
    if database.exists() and file.samefile(database):
        raise typer.BadParameter(f"{file} is the database itself. Name a backup.")
    if not (yes or sys.stdin.isatty()):
        raise typer.BadParameter("Nobody can be asked here. Say that you mean it: --yes")


def _ask(yes: bool) -> None:
    if not yes and not typer.confirm("Put it in place of the present database?", err=True):
        raise Failed("Nothing was changed.")


def _introduced(found: Found, zone: ZoneInfo) -> str:
    manifest = found.manifest
    if manifest is None:
        return f"{found.file} is a sound copy of a database: {_held(found.content.rows, None)}."
    made = f"made {_shown(manifest.made_at, zone)} on {manifest.host} of “{manifest.site}”"
    return f"{found.file} is whole: {made}, {_held(manifest.rows, manifest.media)}."


def _reason(found: Found, zone: ZoneInfo) -> str:
    """Of the pause; it stands in doctor's lines and in each held delivery's."""
    return (
        f"The database was brought back from {found.file.name[:200]}, and knows nothing of what went out "
        f"{_since(found, zone)}. First look through: julki queue --state held"
    )


def _since(found: Found, zone: ZoneInfo) -> str:
    made = found.manifest.made_at if found.manifest else found.content.newest
    return f"after {_shown(made, zone)}" if made else "after it was made"


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{moment(at, zone)} ({zone.key})"


def _held(rows: Mapping[str, int], media: int | None) -> str:
    told = [count(rows.get("piece", 0), "piece"), count(rows.get("delivery", 0), "delivery", "deliveries")]
    if media is not None:
        told.append(count(media, "captured file"))
    return f"{', '.join(told[:-1])} and {told[-1]}"


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
