"""The workers of a daemon together: who is stuck, who fails and why, and how they end."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from scheduler.store import fault
from scheduler.store.engine import Store
from scheduler.worker import Worker

_STUCK = 300.0
"""Seconds without a pass after which a thread counts as stuck and systemd is no longer told that all is well."""
_FAILING = 30.0


class Crew:
    """`workers` do the publishing; what they trip over is told by name."""

    def __init__(self, workers: Sequence[Worker], store: Store) -> None:
        self.workers = tuple(workers)
        self._store = store

    @property
    def stuck(self) -> list[str]:
        """The threads that have not finished a pass for too long."""
        return [name for name, seconds in self.idle.items() if seconds > _STUCK]

    @property
    def idle(self) -> dict[str, float]:
        """Worker → seconds since it finished its last pass."""
        now = time.monotonic()
        return {worker.name: now - worker.beat for worker in self.workers}

    @property
    def failing(self) -> dict[str, str]:
        """Worker → why no pass of it has come to its end for half a minute."""
        now = time.monotonic()
        failing = {worker.name: worker.failing for worker in self.workers}
        return {name: self._explain(one[1]) for name, one in failing.items() if one and now - one[0] > _FAILING}

    @property
    def damage(self) -> Exception | None:
        """The error that says that the database's file itself is broken."""
        errors = (worker.failing[1] for worker in self.workers if worker.failing)
        return next((error for error in errors if fault.damaged(error)), None)

    def troubles(self) -> dict[str, str]:
        """By a key that names it: plain words."""
        found = {f"stuck {name}": f"The worker {name} has not come to its end for 5 minutes." for name in self.stuck}
        told = "The worker {} fails, and is tried again every second: {}"
        return found | {f"failing {name}": told.format(name, why) for name, why in self.failing.items()}

    def end(self, seconds: float, *others: Worker) -> list[str]:
        """Wait that long for all of them (and `others`); the names of those that are still at work."""
        deadline = time.monotonic() + seconds
        for worker in (*self.workers, *others):
            worker.wake.set()
        for worker in (*self.workers, *others):
            if worker.thread.is_alive():
                worker.thread.join(max(0.0, deadline - time.monotonic()))
        return [worker.name for worker in (*self.workers, *others) if worker.thread.is_alive()]

    def _explain(self, error: Exception) -> str:
        if isinstance(error, SQLAlchemyError | sqlite3.Error | OSError):
            return fault.told(self._store.path, error)
        return f"an unexpected error ({type(error).__name__}); the log has the details."
