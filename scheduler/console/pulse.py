"""How the daemon does: what health and figures ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from scheduler.store import attempts, board
from scheduler.store.engine import Store

FILES = "files"
"""The worker that scans `content/`."""


class Pulse(Protocol):
    """The daemon, as far as the console sees it."""

    @property
    def stuck(self) -> list[str]:
        """The workers that have not finished a pass for too long."""
        ...

    @property
    def idle(self) -> Mapping[str, float]:
        """Worker → seconds since it finished its last pass."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """`status` is ok or trouble. `last_scan` is seconds ago, None where no daemon runs here; `oldest_overdue` too."""

    status: str
    database: str
    stuck: list[str] = field(default_factory=list)
    last_scan: float | None = None
    open_attempts: int | None = None
    oldest_overdue: float | None = None

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def health(store: Store, pulse: Pulse | None, now: datetime) -> Health:
    """Trouble is what a restart or a person has to mend: a stuck worker, a database that can't be read."""
    stuck = pulse.stuck if pulse else []
    scan = pulse.idle.get(FILES) if pulse else None
    last_scan = None if scan is None else round(scan, 1)
    try:
        with store.read() as db:
            unsettled = attempts.open_count(db)
            oldest = board.oldest_overdue(db, now)
    except SQLAlchemyError:
        return Health("trouble", "trouble", stuck, last_scan)
    overdue = round((now - oldest).total_seconds(), 1) if oldest else None
    return Health("trouble" if stuck else "ok", "ok", stuck, last_scan, unsettled, overdue)
