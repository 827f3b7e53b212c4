"""One daemon a database: a lock that the operating system holds, and lets go however the process ends."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from datetime import datetime
from pathlib import Path
from typing import IO


class AlreadyRunning(Exception):
    """Somebody else holds the lock, or it is another user's; the message says who, and since when."""


_FOREIGN = "{} belongs to another user. Run Julki as that user, or give this one the right to write it."


class Lock:
    """Held from `take` until `release` or the end of the process. The file stays: deleting it would let two in."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self._file: IO[str] | None = None

    def take(self, now: datetime, what: str) -> None:
        """Raises `AlreadyRunning`. `what` names the command, for whoever comes second."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = self.path.open("a+", encoding="utf-8")
        except PermissionError:
            raise AlreadyRunning(_FOREIGN.format(self.path)) from None
        if not _locked(file):
            file.seek(0)
            holder = _told(file.read())
            file.close()
            raise AlreadyRunning(f"This calendar is already being published by {holder}. Stop that first.")
        file.truncate(0)
        told = {
            "what": what,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now.isoformat(timespec="seconds"),
        }
        file.write(json.dumps(told))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _locked(file: IO[str]) -> bool:
    """Whoever only asks who holds the lock has it for a moment, so one refusal proves nothing."""
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def holder(database: Path) -> str | None:
    """Who holds the lock now, in words; None if nobody does."""
    lock = Lock(database)
    if not lock.path.is_file():
        return None
    try:
        with lock.path.open("r", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _told(file.read())
    except PermissionError:
        return "somebody, perhaps: the lock's file belongs to another user"
    return None


def _told(text: str) -> str:
    try:
        told = json.loads(text)
        return f"'{told['what']}' (process {told['pid']} on {told['host']}, since {told['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"
