"""What a database file holds, looked at without changing it; it may come from anywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from scheduler.store import messages

_OURS = {"alembic_version", "piece", "delivery", "attempt", "message", "pause", "audit", "mark"}
"""The tables that every Julki had."""


class NotSound(Exception):
    """The file is no database of Julki's that can be trusted; the message says what is wrong, as half a sentence."""


@dataclass(frozen=True, slots=True)
class Content:
    """`revision` is the state of the tables; `rows` counts them by table; `attempt` and `audit` are the highest numbers.
    `newest` is when the last act was recorded."""

    revision: str
    rows: Mapping[str, int]
    attempt: int
    audit: int
    newest: datetime | None


def look(path: Path) -> Content:
    """Check the whole file (https://www.sqlite.org/pragma.html#pragma_integrity_check) and count. Raises `NotSound`."""
    try:
        with _opened(path) as db:
            found = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
            if found != "ok":
                raise NotSound(f"its database is damaged (SQLite says: {' '.join(found.split())[:200]})")
            return _counted(db)
    except sqlite3.Error as error:
        raise NotSound(f"its database can't be read (SQLite says: {error})") from error


def media(path: Path) -> set[str]:
    """The names of the captured files that its messages hold. Raises `NotSound`."""
    engine = create_engine("sqlite://", creator=lambda: _connect(path))
    try:
        with engine.connect() as db:
            return messages.media(db)
    except (SQLAlchemyError, ValueError, LookupError, TypeError) as error:
        raise NotSound("a message in its database can't be read") from error
    finally:
        engine.dispose()


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    link = _connect(path)
    try:
        yield link
    finally:
        link.close()


def _connect(path: Path) -> sqlite3.Connection:
    """For reading alone; nothing that the file defines is run (https://www.sqlite.org/security.html)."""
    link = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
    link.execute("PRAGMA trusted_schema = OFF")
    return link


def _counted(db: sqlite3.Connection) -> Content:
    kinds = db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite|_%' ESCAPE '|'").fetchall()
    tables = sorted(str(name) for kind, name in kinds if kind == "table")
    if not set(tables) >= _OURS:
        raise NotSound("it is a database, but not one of Julki's")
    if foreign := [name for kind, name in kinds if kind in ("trigger", "view")]:
        raise NotSound(f"its database holds what Julki never writes ({str(foreign[0])[:80]})")
    rows = {name: _number(db, f'SELECT count(*) FROM "{name}"') for name in tables if '"' not in name}  # noqa: S608  quoted
    revision = db.execute("SELECT version_num FROM alembic_version").fetchone()
    highest = [_number(db, f"SELECT max(id) FROM {name}") for name in ("attempt", "audit")]  # noqa: S608  two constants
    return Content(str(revision[0])[:80] if revision else "", rows, highest[0], highest[1], _newest(db))


def _newest(db: sqlite3.Connection) -> datetime | None:
    row = db.execute("SELECT at FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    try:
        return datetime.fromisoformat(str(row[0])).replace(tzinfo=UTC) if row else None
    except ValueError:
        return None


def _number(db: sqlite3.Connection, query: str) -> int:
    return int(db.execute(query).fetchone()[0] or 0)
