"""The desk's own mails while it runs: alarms, and the weekly digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scheduler.desk.alarms import Alarms, Trouble
from scheduler.desk.assemble import Desk
from scheduler.desk.digest import Digest
from scheduler.desk.mailer import Mailer


class Mails:
    """`work` is called every few seconds, from a thread of its own: a mail server may take its time."""

    def __init__(self, desk: Desk, troubles: Callable[[], Mapping[str, str]]) -> None:
        mailer = Mailer(desk.workspace, desk.clock)
        self._troubles = troubles
        self._alarms = Alarms(desk.workspace, desk.store, mailer, desk.clock)
        self._digest = Digest(desk.workspace, desk.store, mailer, desk.clock)

    def work(self) -> None:
        self._alarms.work([Trouble(key, text) for key, text in self._troubles().items()])
        self._digest.work()
