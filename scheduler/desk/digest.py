"""The weekly digest: to each receiver once a week, by mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from channels.errors import ChannelError, RateLimited, Rejected
from channels.newsletter.edition import weekly
from scheduler.desk.alarm_letter import compose
from scheduler.desk.alarm_receivers import language, once
from scheduler.desk.digest_report import Week, letter
from scheduler.desk.mailer import Mailer, message_id
from scheduler.desk.rounds import Rounds, Turn
from scheduler.store import alarms, deliveries, rounds
from scheduler.store.engine import Store
from scheduler.workspace import Workspace

log = structlog.get_logger("julki.digest")


class Digest:
    """`work` is called every minute or so, by one thread. Raises `ValueError` where `[digest] at` can't be read."""

    def __init__(self, workspace: Workspace, store: Store, mailer: Mailer, clock: Callable[[], datetime]) -> None:
        self._workspace, self._store, self._mailer, self._clock = workspace, store, mailer, clock
        table = workspace.settings.digest
        self._receivers = once(table.to) if table else ()
        self._rule = weekly(table.at) if table else None
        self._rounds = Rounds(store, workspace.settings.zone)
        self._down = False

    def work(self) -> None:
        """Send what is due. What the mail server refuses for now comes again after a quarter of an hour."""
        if self._rule is None:
            return
        for address in self._receivers:
            try:
                done = self._rounds.run(f"digest {address}", self._rule, partial(self._send, address), self._clock())
            except ChannelError as error:
                if not self._down:
                    log.warning(
                        "the digest can't be sent now; it is tried again", error=f"{error} {error.hint}".strip()
                    )
                self._down = True
                if not isinstance(error, RateLimited):
                    break
            else:
                self._down = self._down and not done

    def _send(self, address: str, turn: Turn) -> None:
        settings, now = self._workspace.settings, self._clock()
        with self._store.read() as db:
            week = Week(
                turn,
                now,
                alarms.all_troubled(db),
                rounds.went_out(db, turn.start, turn.due_at),
                deliveries.planned(db, turn.next_at),
            )
        lang = language(settings, address)
        made = compose(letter(week, settings.site.title, settings.zone, lang), settings.site.title, lang)
        key = message_id("digest", f"{address} {turn.key}", self._workspace)
        try:
            self._mailer.send(address, made.subject, made.text, made.html, lang, key)
        except Rejected as error:
            log.warning("a digest was refused, and is not sent again", receiver=address, error=str(error))
