"""What all lanes of one desk share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from scheduler.delivery.limits import NONE, Limits
from scheduler.delivery.shelf import Shelf
from scheduler.store.engine import Store

log = structlog.get_logger("julki.delivery")

T = TypeVar("T")


@dataclass(frozen=True)
class Setup:
    """`pages`: the channels that publish the pieces' own pages. `owner` names this run of the desk in its attempts."""

    store: Store
    shelf: Shelf
    zone: ZoneInfo
    site: str
    pages: tuple[str, ...]
    owner: str
    clock: Callable[[], datetime]
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the desk is to stop: what is under way is ended, and nothing more is begun."""
    builds: threading.Lock = field(default_factory=threading.Lock)
    """One build at a time: two would take twice the memory and, in one process, no less time."""
    limits: Mapping[str, Limits] = field(default_factory=dict)
    approval: bool = False
    """Whether nothing goes out before a second person approved it."""

    def limits_of(self, channel: str) -> Limits:
        return self.limits.get(channel, NONE)

    def record(self, write: Callable[[Connection], T]) -> T:
        """Write down what a remote answered, as soon as the database takes it. A full disk or another program's lock
        must not lose a receipt: it is tried for some minutes, or until the desk stops. Then the attempt is found open."""
        end = time.monotonic() + _LONGEST
        told = False
        while True:
            try:
                with self.store.write() as db:
                    return write(db)
            except OperationalError:
                if not told:
                    log.exception("an outcome can't be written down yet; it is tried again")
                    told = True
                if time.monotonic() > end or self.stop.wait(_BETWEEN):
                    raise


_BETWEEN, _LONGEST = 0.5, 240.0
"""Seconds between two tries to write; for how long, which is less than what counts as stuck."""
