"""The desk's own mails while it runs: alarms, and the weekly digest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog

from scheduler.desk import accounts
from scheduler.desk.alarms import Alarms, Trouble
from scheduler.desk.assemble import Desk
from scheduler.desk.digest import Digest
from scheduler.desk.mailer import Mailer

log = structlog.get_logger("julki.mails")

_LOOK = 60.0
"""Seconds between two looks at the accounts."""


class Mails:
    """`work` is called every few seconds, from a thread of its own: a mail server may take its time."""

    def __init__(self, desk: Desk, troubles: Callable[[], Mapping[str, str]]) -> None:
        mailer = Mailer(desk.workspace, desk.clock)
        self._desk, self._troubles = desk, troubles
        self._vault = accounts.vault(desk.workspace, desk.store, desk.clock)
        self._looked, self._found = -_LOOK, dict[str, str]()
        self._alarms = Alarms(desk.workspace, desk.store, mailer, desk.clock)
        self._digest = Digest(desk.workspace, desk.store, mailer, desk.clock)

    def work(self) -> None:
        found = {**self._troubles(), **self._accounts()}
        self._alarms.work([Trouble(key, text) for key, text in found.items()])
        self._digest.work()

    def _accounts(self) -> Mapping[str, str]:
        """Where somebody must sign in again, or soon must. A channel that stands still is told by its own alarm."""
        if time.monotonic() - self._looked >= _LOOK:
            self._looked = time.monotonic()
            try:
                self._found = dict(accounts.troubles(self._desk.workspace, self._vault, self._desk.clock()))
            except Exception:  # of one adapter: that is no reason to tell of nothing else
                log.exception("it is not known how the channels stand with their accounts")
        return self._found
