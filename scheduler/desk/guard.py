"""The guard: a database that may not know what is out already starts paused, and says why.

That is one which was copied to another machine or folder, put back from an older copy, or whose clock was set back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from scheduler.store import audit, fault, marks, pauses, seal
from scheduler.store.engine import Store, examine
from scheduler.store.seal import Seal

log = structlog.get_logger("julki.guard")

_SLACK = timedelta(minutes=2)
"""Clocks are corrected by less all the time."""
_THEN = "So it may not know what is out already. First look through: julki queue --state held"
_TOLD = "everything is paused: nothing goes out before somebody has looked"


def check(store: Store, zone: ZoneInfo, now: datetime, environ: Mapping[str, str] = os.environ) -> list[str]:
    """To be called under the lock, before anything is published. The reasons for which everything is paused now, as
    sentences; mostly there are none. Raises `BadDatabase` where the file is damaged, and nothing because of the seal."""
    examine(store)
    sealed = seal.read(store.path)
    with store.write() as db:
        mark = marks.get(db, seal.MARK)
        here = seal.present(db, store.path, environ)
        ahead = _ahead(db, mark, now)
        reasons = [*_moved(sealed, here, mark), *_older(sealed, here, mark), *_set_back(ahead, now, zone)]
        if reasons:
            _pause(db, " ".join([*reasons, _THEN]), now)
    if reasons:
        log.warning(_TOLD, reasons=reasons, remedy="Look through julki queue --state held, then julki resume.")
    if keep(store, environ) and (reasons or not mark):
        with store.write() as db:
            marks.put(db, seal.MARK, ahead.isoformat() if ahead else mark or "sealed")
    return reasons


def keep(store: Store, environ: Mapping[str, str] = os.environ) -> bool:
    """Bring the seal up to the database: every few seconds, and at the end. Where that can't be done it is logged, and
    False; publishing does not depend on it."""
    try:
        with store.read() as db:
            here = seal.present(db, store.path, environ)
        seal.write(store.path, here)
    except (OSError, SQLAlchemyError) as error:
        why = fault.disk(store.path.parent, error) if isinstance(error, OSError) else fault.told(store.path, error)
        log.warning("the seal can't be written", file=str(seal.beside(store.path)), error=why)
        return False
    return True


def _moved(sealed: Seal | None, here: Seal, mark: str) -> Iterator[str]:
    """A copy is in another place and another file; what was only moved is one of the two as before."""
    if sealed is None:
        if mark:
            yield _unsealed(seal.beside(Path(here.path)))
    elif sealed.host != here.host:
        yield f"This database was last used on another machine ({sealed.name}). Only one of the two may publish."
    elif sealed.path != here.path and sealed.inode != here.inode:
        yield f"This database is a copy of {sealed.path}. Only one of the two may publish."


def _unsealed(file: Path) -> str:
    """A seal that nobody can read may be a foreign one."""
    if os.path.lexists(file):
        why = "so nobody can tell whether this database was brought here from elsewhere"
        return f"The file {file.name} beside it can't be read, {why}."
    return f"This database was brought here from elsewhere, for {file.name} does not lie beside it."


def _older(sealed: Seal | None, here: Seal, mark: str) -> Iterator[str]:
    """A database that was never sealed, beside the seal of another file, has taken that one's place."""
    if sealed is None:
        return
    usurped = not mark and sealed.inode != here.inode
    if not usurped and sealed.attempt <= here.attempt and sealed.audit <= here.audit:
        return
    if usurped or not here.audit:
        yield "This database is new and empty, but there was one in its place."
    else:
        yield f"This database is older than the one that was in its place: that had {_lead(sealed, here)} more."


def _lead(sealed: Seal, here: Seal) -> str:
    """How many more entries the seal knows."""
    attempts, acts = sealed.attempt - here.attempt, sealed.audit - here.audit
    told = [(attempts, "attempt to publish", "attempts to publish"), (acts, "act", "acts")]
    return " and ".join(f"{number:,} {one if number == 1 else many}" for number, one, many in told if number > 0)


def _ahead(db: Connection, mark: str, now: datetime) -> datetime | None:
    """The newest time in the database that lies ahead of the clock. An attempt's is told once: it stays the newest one
    until something goes out again."""
    act, attempt = seal.last_act(db), seal.last_attempt(db)
    known = [act, attempt if attempt is None or attempt.isoformat() != mark else None]
    return max((at for at in known if at is not None and at > now + _SLACK), default=None)


def _set_back(ahead: datetime | None, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    if ahead is not None:
        yield (
            f"The newest entry is of {_shown(ahead, zone)}, but this machine's clock says {_shown(now, zone)} "
            f"({zone.key}): it was set back, or was wrong before."
        )


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _pause(db: Connection, reason: str, now: datetime) -> None:
    stopped = any(pause.scope == "all" and pause.by == audit.DESK for pause in pauses.current(db))
    if not stopped:
        pauses.begin(db, "all", "", reason, audit.DESK, now)
    audit.write(db, now, audit.DESK, "guard", detail=reason)
