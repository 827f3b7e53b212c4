"""The seal: a small file beside the database that says which database it is, on which machine, and how far it has come.

What the file says and what the database holds are compared at a start. So a database that was copied, or put back from
an older copy, is known as such (see `scheduler.desk.guard`). The file follows the database by a few seconds, so after
a crash it knows less, never more.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, func, select

from scheduler.store.core import ATTEMPT, AUDIT

MARK = "seal"
"""The key in `marks` that is there once the database was sealed. Its value is the newest time that the guard has told of
as lying ahead of the clock, else `sealed`."""
_MACHINE = Path("/etc/machine-id")
_LARGEST = 10_000


class Seal(BaseModel):
    """`host` is a hash, `name` the machine's name for people; `attempt` and `audit` are the highest numbers there are."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    host: str
    name: str
    path: str
    inode: int
    attempt: int
    audit: int


def beside(database: Path) -> Path:
    return database.with_name(database.name + ".seal")


def read(database: Path) -> Seal | None:
    """None where there is none, or none that makes sense."""
    try:
        with beside(database).open("rb") as file:
            return Seal.model_validate_json(file.read(_LARGEST))
    except (OSError, ValidationError):
        return None


def write(database: Path, seal: Seal) -> None:
    """Whole or not at all, and nothing where it says so already. One process at a time, under the lock: a kill leaves
    no more than the one file that the next writing takes. Raises `OSError`."""
    if read(database) == seal:
        return
    target = beside(database)
    fresh = target.with_name(target.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(seal.model_dump_json() + "\n")
        file.flush()
        os.fsync(file.fileno())  # else a loss of power could leave an empty file, which looks like a copied database
    fresh.replace(target)


def present(db: Connection, database: Path, environ: Mapping[str, str] = os.environ) -> Seal:
    """What a seal of this database says now."""
    return Seal(
        host=host(environ),
        name=socket.gethostname()[:200],
        path=str(database.resolve()),
        inode=database.stat().st_ino,
        attempt=db.execute(select(func.max(ATTEMPT.c.id))).scalar() or 0,
        audit=db.execute(select(func.max(AUDIT.c.id))).scalar() or 0,
    )


def host(environ: Mapping[str, str] = os.environ) -> str:
    """Which machine this is, as 16 hex digits: `JULKI_HOST`, else machine-id(5), else the machine's name."""
    return hashlib.sha256(_told(environ).encode("utf-8", "replace")).hexdigest()[:16]


def _told(environ: Mapping[str, str]) -> str:
    if named := environ.get("JULKI_HOST", "").strip():
        return named
    try:
        return _MACHINE.read_text("ascii").strip() or socket.gethostname()
    except (OSError, ValueError):
        return socket.gethostname()


def last_act(db: Connection) -> datetime | None:
    """When the newest entry of the audit was written."""
    return db.execute(select(AUDIT.c.at).order_by(AUDIT.c.id.desc()).limit(1)).scalar()


def last_attempt(db: Connection) -> datetime | None:
    """When the newest attempt ended, or else began."""
    row = db.execute(select(ATTEMPT.c.started_at, ATTEMPT.c.ended_at).order_by(ATTEMPT.c.id.desc()).limit(1)).first()
    return max(at for at in row if at is not None) if row else None
