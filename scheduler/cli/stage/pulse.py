"""One look at the hall, and one act in it: what came of it, always as words. Runs beside the screen, in a thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog
from sqlalchemy.exc import SQLAlchemyError

from scheduler.delivery.acts import Refused
from scheduler.desk.hall import Hall, Program
from scheduler.store import fault, lock

log = structlog.get_logger("julki.live")
STOPPED = "The desk is not running: nothing goes out. Start it with: julki run"


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen at that time. `program` None: nothing could be, and `trouble` says why."""

    at: datetime
    program: Program | None
    runs: bool
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an act. `refused`: it can't be done; `unsettled`: the database could not be asked, and the same
    press may be tried again."""

    told: str
    end: Literal["done", "refused", "unsettled"] = "done"


def look(hall: Hall) -> Sight:
    """Never raises."""
    now = hall.desk.clock()
    try:
        return Sight(now, hall.program(), _runs(hall))
    except Refused as error:
        return Sight(now, None, True, str(error))
    except Exception as error:  # noqa: BLE001  whatever it is, the screen stays
        return Sight(now, None, True, explained(hall, error))


def attempt(hall: Hall, act: Callable[[], str]) -> Answer:
    """Never raises."""
    try:
        told = act()
    except Refused as error:
        return Answer(str(error), "refused")
    except Exception as error:  # noqa: BLE001  whatever it is, the screen stays
        return Answer(explained(hall, error), "unsettled")
    return Answer(told)


def explained(hall: Hall, error: Exception) -> str:
    """A sentence for the person; what nobody foresaw goes into the log whole."""
    if isinstance(error, SQLAlchemyError | sqlite3.Error) and fault.of_storage(error):
        return fault.told(hall.desk.store.path, error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'The disk'}: {error.strerror}. Look at its name and its rights."
    log.error("live", exc_info=error)
    return f"That did not work ({type(error).__name__}); var/live.log says more. What is planned is safe."


def _runs(hall: Hall) -> bool:
    try:
        return lock.holder(hall.desk.store.path) is not None
    except OSError:
        return True  # who holds it can't be told; the trouble is told elsewhere
