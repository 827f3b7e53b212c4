"""What of a state of the world matters for all that may follow, so that two states can be told to be the same.

Times count by what still lies between them and now. Where only it matters that a time is over, how long is left out.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.mocks.stage import Entry
from tests.model.remote import SETTLE

LATE_SECONDS = 2 * 3600
_OVER = 0.0
_SETTLED = -SETTLE.total_seconds() - 1
_TOO_LATE = -LATE_SECONDS - 1.0

_DELIVERIES = """SELECT id, part, state, reason, waived, links_page, changed, withdraw, generation, attempts, digest,
    error <> '' AS told, remote_id <> '' AS known, due_at, ready_at, published_at FROM delivery ORDER BY id"""
_OPEN = """SELECT delivery_id, purpose, key, digest, checks, started_at, uncertain_at, look_at FROM attempt
    WHERE outcome IS NULL ORDER BY id"""
_CLOSED = "SELECT DISTINCT delivery_id, key, outcome FROM attempt WHERE outcome IS NOT NULL ORDER BY 1, 2, 3"
_LAST = "SELECT delivery_id, outcome FROM attempt GROUP BY delivery_id HAVING id = max(id) ORDER BY 1"
_PAUSES = "SELECT DISTINCT scope, name FROM pause WHERE ended_at IS NULL ORDER BY 1, 2"
_BREAKERS = "SELECT failures, culprit, opened_at IS NULL, until FROM breaker"
_FILES = "SELECT path, size, mtime_ns, inode, broken, publish_at FROM source ORDER BY path"
_PIECES = "SELECT name, body, gone_at IS NULL FROM piece ORDER BY name"

_WEIGHT = {"due_at": _TOO_LATE, "ready_at": _OVER, "published_at": _TOO_LATE}
_WEIGHT |= {"started_at": _SETTLED, "uncertain_at": _SETTLED, "look_at": _OVER, "until": _OVER}


def of(db: sqlite3.Connection, entries: Iterable[Entry], now: datetime, also: object) -> bytes:
    """A hash of the database, the remote and `also`."""
    queries = (_DELIVERIES, _OPEN, _CLOSED, _LAST, _PAUSES, _BREAKERS, _FILES, _PIECES)
    rows = [[_row(row, now) for row in db.execute(query)] for query in queries]
    out = [_entry(entry, now) for entry in entries]
    return hashlib.blake2b(repr((rows, out, also)).encode(), digest_size=16).digest()


def _row(row: sqlite3.Row, now: datetime) -> tuple[Any, ...]:
    return tuple(_left(row[name], now, _WEIGHT[name]) if name in _WEIGHT else row[name] for name in row.keys())  # noqa: SIM118  a Row is no dict


def _left(at: str | None, now: datetime, least: float) -> float | None:
    if at is None:
        return None
    return max((datetime.fromisoformat(at).replace(tzinfo=UTC) - now).total_seconds(), least)


def _entry(entry: Entry, now: datetime) -> tuple[Any, ...]:
    age = max((entry.at - now).total_seconds(), _SETTLED)
    return entry.key, entry.remote_id, entry.text, entry.parent, entry.withdrawn, age
