"""The scratch workspace, and what its database says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CHANNELS = ("website", "rss", "newsletter", "x", "xbox")
COLLECTED = "koonti"
SETTLE = timedelta(seconds=5)
"""How long "not found" on the mock X proves nothing; longer than any of its lags, by far."""
KEYS = {
    f"JULKI_X_{name}": f"torture-{name.lower()}"
    for name in ("API_KEY", "API_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")
}
_CONFIG = """\
[site]
title = "D9"
url = "https://example.org"
timezone = "UTC"
languages = ["fi"]

[desk]
since = {since:%Y-%m-%d}

[kinds.news]
channels = [{channels}]
late = "2h"

[kinds.event]
channels = [{channels}]
late = "2h"

[channels.website]
adapter = "website"

[channels.rss]
adapter = "rss"
items = 500

[channels.newsletter]
adapter = "newsletter"
edition = "each"

[channels.x]
adapter = "x"
sandbox = false
api_url = "{api_url}"
threads = true
settle = "{settle}s"
timeout = "1s"

[channels.xbox]
adapter = "x"
threads = true
"""
_EDITION = """
[channels.koonti]
adapter = "newsletter"
edition = "daily {at:%H:%M}"
"""


@dataclass(frozen=True)
class Desk:
    """A workspace at `root`. `edition_at`: when its collected edition goes out (UTC), where there is one."""

    root: Path
    edition_at: datetime | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        return (*CHANNELS, COLLECTED) if self.edition_at else CHANNELS

    @property
    def database(self) -> Path:
        return self.root / "var" / "julki.db"

    def found(self, api_url: str, more: str = "") -> None:
        """Write its settings; `more` is TOML to append."""
        since = datetime.now(UTC) - timedelta(days=7)
        names = ", ".join(f'"{name}"' for name in self.channels)
        text = _CONFIG.format(since=since, channels=names, api_url=api_url, settle=int(SETTLE.total_seconds()))
        if self.edition_at:
            text += _EDITION.format(at=self.edition_at)
        (self.root / "config").mkdir(parents=True)
        (self.root / "config" / "julki.toml").write_text(text + more)
        (self.root / "content" / "news").mkdir(parents=True)

    @contextmanager
    def look(self) -> Iterator[sqlite3.Connection]:
        """The database, only to read, whoever else is using it."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
            yield connection

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """None where there is no such table yet: the first kills come early."""
        if not self.database.exists():
            return []
        try:
            with self.look() as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise

    def open_attempts(self, after: int = 0) -> int:
        """How many are open of those with a number above `after`."""
        found = self.rows("SELECT count(*) FROM attempt WHERE outcome IS NULL AND id > ?", after)
        return int(found[0][0]) if found else 0

    def last_attempt(self) -> int:
        found = self.rows("SELECT coalesce(max(id), 0) FROM attempt")
        return int(found[0][0]) if found else 0

    def has_read(self, path: str) -> bool:
        """Whether the last scan saw the file as it is."""
        stored = self.rows("SELECT mtime_ns FROM source WHERE path = ?", path)
        return bool(stored) and stored[0][0] == (self.root / path).stat().st_mtime_ns

    def deliveries(self) -> Sequence[tuple[str, str, str, str, str, str, str]]:
        """Title of the piece, channel, part, state, reason, what is due when (ISO, UTC), error."""
        return self.rows(
            "SELECT piece.title, channel, part, state, reason, coalesce(due_at, ''), error"
            " FROM delivery JOIN piece ON piece.id = piece_id"
        )

    def unsettled(self, now: datetime) -> list[str]:
        """What still moves by itself (a post of a thread behind a held one does not): due and not out, open attempts, edits that the pages do not show yet."""
        due = self.rows(
            "SELECT piece.title, channel, part, state, due_at FROM delivery JOIN piece ON piece.id = piece_id"
            " WHERE state IN ('planned', 'publishing', 'retrying') AND NOT (part GLOB '[2-9]' AND EXISTS (SELECT 1 FROM"
            " delivery AS first WHERE first.piece_id = delivery.piece_id AND first.channel = delivery.channel"
            " AND first.part GLOB '[1-9]' AND first.part < delivery.part AND first.state = 'held'))"
        )
        waiting = [f"{row[0]} {row[1]} {row[2]} is {row[3]}" for row in due if _utc(row[4]) <= now]
        edits = self.rows(
            "SELECT piece.title, channel FROM delivery JOIN piece ON piece.id = piece_id"
            " WHERE state = 'published' AND changed > 0 AND channel IN ('website', 'rss') AND gone_at IS NULL"
        )
        attempts = self.rows("SELECT channel, key FROM attempt WHERE outcome IS NULL")
        return [
            *waiting,
            *(f"{title} {channel} shows an older text" for title, channel in edits),
            *(f"an attempt on {channel} is open" for channel, _ in attempts),
        ]

    def integrity(self) -> str:
        """What SQLite says of the file: `ok`."""
        with closing(sqlite3.connect(self.database, timeout=10)) as connection:
            return "; ".join(str(row[0]) for row in connection.execute("PRAGMA integrity_check").fetchall())


def _utc(text: str | None) -> datetime:
    """A time as the database writes it; nothing written counts as long ago."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else datetime.min.replace(tzinfo=UTC)


def not_before(text: str, now: datetime) -> bool:
    return _utc(text) > now
