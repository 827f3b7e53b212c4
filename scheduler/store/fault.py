"""What is wrong with a database or with its place, in plain words, with the remedy."""

from __future__ import annotations

import errno
import os
import pwd
import shlex
import shutil
import sqlite3
from pathlib import Path

from scheduler.store import copies

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_STORAGE = (
    *_DAMAGED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ON = "a desk that runs goes on by itself, else start it again"
_GONE = "it was taken away, or another file was put in its place, while the desk was at work."
_LOST = "If it is lost, stop the desk, then: julki restore FILE"
_NO_ROOM = 1024 * 1024
"""Bytes below which a fault in writing is put down to a full disk: SQLite often calls that an I/O error."""


class Gone(sqlite3.OperationalError):
    """The file is not there any more, or is not the one that was opened."""


def damaged(error: BaseException) -> bool:
    """Whether the file itself is broken, so that nothing but a backup helps."""
    return _code(error) in _DAMAGED


def of_storage(error: BaseException) -> bool:
    """Whether the file or its disk is to blame, and not what was asked of it."""
    return _code(error) in _STORAGE or isinstance(cause(error), Gone)


def told(database: Path, error: BaseException) -> str:
    """Why the database can't be used. `error` is SQLite's, SQLAlchemy's around it, or an `OSError`."""
    if damaged(error):
        return damage(database, str(cause(error)))
    return f"The database {database} can't be used: {obstacle(database, error)}"


def damage(database: Path, what: str) -> str:
    """That the file is broken, as `what` says, and the way back."""
    backup = copies.newest(database)
    if backup is None:
        way = (
            f"There is no backup in {copies.folder(database)}. If you keep one elsewhere, bring it back with: "
            "julki restore FILE"
        )
    else:
        way = f"Bring back the newest backup with: julki restore {shlex.quote(str(backup))}"
    plain = " ".join(what.split())[:200]
    return f"The database {database} can't be used: it is damaged (SQLite says: {plain}). {way}"


def of_connection(error: BaseException | None) -> bool:
    """Whether another connection may fare better: this one was opened when the disk was not as it is now."""
    return error is not None and _code(error) in (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
    )


def disk(place: Path, error: OSError) -> str:
    """What keeps files from being written in that folder."""
    if error.errno in _FULL:
        return f"the disk of {place} is full. Make room there and try again."
    return _closed(place) or f"{error.filename or place}: {error.strerror or error}."


def obstacle(database: Path, error: BaseException) -> str:
    """What stands in the way, where the file itself is sound."""
    code = _code(error)
    place = database.parent
    if isinstance(error, OSError):
        return disk(place, error)
    if isinstance(cause(error), Gone):
        return f"{_GONE} Put it back where it was, and the desk goes on. {_LOST}"
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(place)):
        return f"the disk of {place} is full. Make room there; nothing is lost, and {_ON}."
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another program holds it locked. Close that program (a database browser, a copy under way), try again."
    if code == sqlite3.SQLITE_IOERR:
        return f"the disk reports a fault ({cause(error)}). Look at the disk first; a backup helps only after that."
    return _closed(place) or _locked_file(database) or f"{cause(error)}. Look at its name and its rights."


def _closed(place: Path) -> str:
    """Why nothing can be written in that folder, or ""."""
    there = next((path for path in (place, *place.parents) if path.exists()), place)
    if not there.is_dir():
        return f"{there} is a file, where a folder should be. Move it away."
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        return f"the disk of {there} can only be read. Mount it so that it can be written; {_ON}."
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{_user()} may not write into {there}. Give that right, or run Julki as the user who has it."
    return ""


def _locked_file(database: Path) -> str:
    if database.is_dir():
        return "it is a folder, where a file should be. Move it away."
    if database.exists() and not os.access(database, os.R_OK | os.W_OK):
        return f"{_user()} may not read and write it. Give that right, or run Julki as the user who has it."
    return ""


def _user() -> str:
    try:
        return f"the user {pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:
        return f"the user with number {os.geteuid()}"


def _no_room(place: Path) -> bool:
    try:
        return shutil.disk_usage(place).free < _NO_ROOM
    except OSError:
        return False


def cause(error: BaseException) -> BaseException:
    """SQLite's own error, where SQLAlchemy has wrapped it."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def _code(error: BaseException) -> int:
    """SQLite's primary result code (https://www.sqlite.org/rescode.html); 0 where it is no error of SQLite's."""
    return int(getattr(cause(error), "sqlite_errorcode", 0)) & 0xFF
