"""What a person is told when something goes wrong, and the exit code: 1 failed, 2 wrong usage."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import typer

from scheduler.cli.session import Session
from scheduler.cli.words import clean

_EXPECTED: Mapping[str, int] = {
    "scheduler.workspace.NoWorkspace": 2,
    "scheduler.workspace.BadSettings": 1,
    "scheduler.store.engine.BadDatabase": 1,
    "scheduler.store.lock.AlreadyRunning": 1,
    "scheduler.store.manifest.BadBackup": 1,
    "scheduler.delivery.acts.Refused": 1,
    "scheduler.calendar.draft.DraftError": 1,
    "scheduler.calendar.workbook.SheetError": 1,
    "scheduler.cli.session.Failed": 1,
    "channels.registry.UnknownAdapter": 1,
}
"""By name, so that knowing them loads nothing."""


def tell(error: Exception, session: Session | None) -> int:
    """Say it on stderr; the exit code. An error that nobody expected goes whole into a file, without secrets."""
    for kind in type(error).__mro__:
        code = _EXPECTED.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            typer.echo(clean(str(error)), err=True)
            return code
    if isinstance(error, BrokenPipeError):
        raise error
    if os.environ.get("JULKI_DEBUG") == "1":
        typer.echo(_told(error, session), err=True)
    else:
        typer.echo(clean(_stored(error, session)) or _sentence(error, session), err=True)
    return 1


def _stored(error: Exception, session: Session | None) -> str:
    """The sentence where the database's file or its disk is to blame, else ""."""
    if session is None or not type(error).__module__.startswith(("sqlite3", "sqlalchemy.")):
        return ""
    from scheduler.store import fault
    from scheduler.workspace import BadSettings, NoWorkspace

    try:
        workspace = session.workspace()
    except (BadSettings, NoWorkspace):
        return ""
    database = workspace.root / workspace.settings.database.url.removeprefix("sqlite:///")
    return fault.told(database, error) if fault.of_storage(error) else ""


def _sentence(error: Exception, session: Session | None) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return clean(
            f"{error.filename or 'The disk'}: {error.strerror}. Make room, or let it be written, and try again."
        )
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError | NotADirectoryError):
        return clean(f"{error.filename}: {error.strerror}. Look at its name and its rights.")
    place = _kept(error, session)
    where = f"What happened is written in {place}." if place else "JULKI_DEBUG=1 before the command shows what."
    return f"Something went wrong that should not have; the calendar itself is safe. {where}"


def _kept(error: Exception, session: Session | None) -> Path | None:
    """Append it to var/errors.log, readable by the owner alone."""
    if session is None or session.root is None:
        return None
    path = session.root / "var" / "errors.log"
    try:
        path.parent.mkdir(exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(handle, "a", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123  a descriptor
            file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n{_told(error, session)}\n")
    except OSError:
        return None
    return path


def _told(error: Exception, session: Session | None) -> str:
    text = "".join(traceback.format_exception(error))
    for secret in session.secrets if session else ():
        text = text.replace(secret, "…")
    return text
