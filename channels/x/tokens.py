"""What X gave when a person let the desk in, and what became of it; the vault keeps it. None of it shows itself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from channels.message import Json

AHEAD = timedelta(minutes=30)
"""An access token is renewed when it is good for less than this: then a renewal that fails can be tried again."""
SPARE = timedelta(seconds=30)
"""An access token that is good for less is not used any more: it may end while the request is on its way."""
DISUSE = timedelta(days=180)
"""X's refresh tokens lapse when they are not used for six months."""


class Hidden(dict[str, Json]):
    """A mapping that does not show what is in it."""

    def __repr__(self) -> str:
        return "{…}"


@dataclass(frozen=True, slots=True)
class Pending:
    """A renewal that was begun. `key` opens what it leaves behind; `mark` is the name of that."""

    mark: str = field(default_factory=lambda: secrets.token_hex(16))
    key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """`ends_at`: until when `access` is good. `lapses_at`: until when `refresh` is, if it isn't used. `spent`: X does not
    take `refresh` any more. `trial`: X refused the access token before this one, and has not taken this one yet."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    ends_at: datetime
    connected_at: datetime
    renewed_at: datetime
    lapses_at: datetime
    account: str = ""
    username: str = ""
    scopes: str = ""
    spent: bool = False
    trial: bool = False
    pending: Pending | None = None

    def usable(self, now: datetime) -> bool:
        return now < self.ends_at - SPARE

    def young(self, now: datetime) -> bool:
        """Whether it need not be renewed yet."""
        return now < self.ends_at - AHEAD or (self.lasts_no_longer and self.usable(now))

    @property
    def lasts_no_longer(self) -> bool:
        """Whether it can't be renewed."""
        return self.spent or not self.refresh

    @property
    def name(self) -> str:
        return f"@{self.username}" if self.username else ""

    def record(self) -> Hidden:
        """As the vault keeps it."""
        times = {name: getattr(self, name).isoformat() for name in _TIMES}
        plain = {name: getattr(self, name) for name in _PLAIN}
        pending = {"mark": self.pending.mark, "key": self.pending.key} if self.pending else None
        return Hidden({**plain, **times, "pending": pending})


_TIMES = ("ends_at", "connected_at", "renewed_at", "lapses_at")
_PLAIN = ("access", "refresh", "account", "username", "scopes", "spent", "trial")


def recorded(record: Mapping[str, Json]) -> Tokens:
    """What `record` wrote. Raises `ValueError` where it is something else."""
    try:
        fields: dict[str, Any] = {name: record[name] for name in _PLAIN}
        fields |= {name: datetime.fromisoformat(record[name]) for name in _TIMES}
        pending = record["pending"]
        return Tokens(**fields, pending=Pending(pending["mark"], pending["key"]) if pending else None)
    except (KeyError, TypeError):
        pass
    raise ValueError("it was written by another version of Julki")
