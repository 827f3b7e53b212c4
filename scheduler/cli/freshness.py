"""Bringing the plan up to the files before it is shown, unless a running desk does that anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.cli.screen import progress

if TYPE_CHECKING:
    from scheduler.desk.assemble import Desk


def refresh(desk: Desk, command: str) -> None:
    """Look at the files, under the lock; where somebody else holds it, the plan is fresh already."""
    from scheduler.desk import once
    from scheduler.store.lock import AlreadyRunning, Lock

    lock = Lock(desk.store.path)
    try:
        lock.take(desk.clock(), f"julki {command}")
    except AlreadyRunning:
        return
    try:
        with progress("reading") as advance:
            once.refresh(desk, advance)
    finally:
        lock.release()


def idle(database_holder: str | None) -> str:
    """What to add to an answer that only comes true when the desk runs."""
    return "" if database_holder else " Nothing is running now: it happens at the next julki run."
