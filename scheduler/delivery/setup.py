"""What all lanes of one desk share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from scheduler.delivery.shelf import Shelf
from scheduler.store.engine import Store


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
