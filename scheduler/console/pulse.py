"""How the daemon does: what health and figures ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from scheduler.store import attempts, board, breakers, pauses
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
    def troubles(self) -> Mapping[str, str]:
        """What keeps the desk from its work now, by a key that names it, in plain words."""
        ...

    @property
    def idle(self) -> Mapping[str, float]:
        """Worker → seconds since it finished its last pass."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """`status` is ok or trouble. `last_scan` is seconds ago, None where no daemon runs here; `oldest_overdue` too.

    `troubles` are sentences; `resting` are the channels that are left alone because they fail; `paused` what people or
    the desk stopped."""

    status: str
    database: str
    stuck: list[str] = field(default_factory=list)
    last_scan: float | None = None
    open_attempts: int | None = None
    oldest_overdue: float | None = None
    troubles: list[str] = field(default_factory=list)
    resting: list[str] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def health(store: Store, pulse: Pulse | None, now: datetime) -> Health:
    """Trouble is what a restart or a person has to mend: a worker that is stuck or fails, a database that can't be read,
    a content/ that is gone. A channel that rests, or a pause, is none: they end by themselves, or somebody wants it so."""
    stuck = pulse.stuck if pulse else []
    troubles = list(pulse.troubles.values()) if pulse else []
    scan = pulse.idle.get(FILES) if pulse else None
    last_scan = None if scan is None else round(scan, 1)
    try:
        with store.read() as db:
            unsettled = attempts.open_count(db)
            oldest = board.oldest_overdue(db, now)
            resting = [name for name, row in breakers.resting(db).items() if row.opened_at]
            paused = [f"{pause.scope} {pause.name}".strip() for pause in pauses.current(db)]
    except SQLAlchemyError:
        return Health("trouble", "trouble", stuck, last_scan, troubles=troubles)
    overdue = round((now - oldest).total_seconds(), 1) if oldest else None
    status = "trouble" if stuck or troubles else "ok"
    return Health(status, "ok", stuck, last_scan, unsettled, overdue, troubles, resting, paused)
