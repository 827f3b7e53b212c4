"""Alarms: what failed, what is held and what stands still reaches people by mail, once and grouped.

Which acts are in a mail is written down before it is tried, and that it is told after the server took it: a process that
ends in between repeats that mail, under the same Message-ID.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from channels.errors import ChannelError, RateLimited, Rejected, Uncertain
from scheduler.delivery.retry import backoff
from scheduler.desk.alarm_episodes import Episode, Episodes, Trouble
from scheduler.desk.alarm_ledger import Ledger, Outage, Span
from scheduler.desk.alarm_letter import compose
from scheduler.desk.alarm_receivers import language
from scheduler.desk.alarm_report import Open, letter
from scheduler.desk.alarm_words import words
from scheduler.desk.mailer import Mailer, message_id
from scheduler.store.engine import Store
from scheduler.workspace import Workspace

__all__ = ["PACE", "Alarms", "Trouble"]

log = structlog.get_logger("julki.alarms")

PACE = 600.0
"""Seconds between two mails to one receiver; what happens meanwhile is collected."""
_SLOWEST = timedelta(minutes=10)


@dataclass(slots=True)
class _Pace:
    """When somebody may be written to next (a tick), and how often that has failed since it last went well."""

    next: float = 0.0
    failures: int = 0

    def put_off(self, tick: float) -> None:
        self.failures += 1
        self.next = tick + min(backoff(self.failures, 0.0), _SLOWEST).total_seconds()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A mail that is to be written. `span`: the acts of the database that are in it, None for troubles alone."""

    address: str
    lang: str
    span: Span | None
    found: Open
    episodes: Sequence[Episode]


class Alarms:
    """`work` is called every few seconds, by one thread. `ticks` are seconds that no clock change touches."""

    def __init__(
        self,
        workspace: Workspace,
        store: Store,
        mailer: Mailer,
        clock: Callable[[], datetime],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace, self._mailer = workspace, mailer
        self._clock, self._ticks = clock, ticks
        self._ledger = Ledger(workspace, store)
        self._episodes = Episodes()
        self._paces: dict[str, _Pace] = {}
        self._server = _Pace()
        self._outage: Outage | None = None
        if not self._ledger.everyday:
            log.warning("nobody is told of what fails or is held", remedy="Write [alarms] to into config/julki.toml.")

    def work(self, troubles: Sequence[Trouble]) -> None:
        """Tell what is to be told by now; `troubles` are those that there are at this moment. Neither the database nor
        the mail server makes it raise."""
        tick = self._ticks()
        self._episodes.note(troubles, tick, self._clock().isoformat())
        self._ledger.gather(
            tick, self._clock(), hurry=any(self._episodes.due(address) for address in self._ledger.everyday)
        )
        if tick >= self._server.next:
            for address in dict.fromkeys([*self._ledger.owed, *self._ledger.everyday]):
                pace = self._paces.setdefault(address, _Pace())
                if tick >= pace.next and not self._tell(address, pace, tick):
                    break
        self._ledger.save(self._outage)

    def _tell(self, address: str, pace: _Pace, tick: float) -> bool:
        """False where the mail server works for nobody, so that the others needn't be tried now."""
        draft = self._draft(address)
        if draft is None:
            return True
        try:
            self._send(draft)
        except Rejected as error:
            log.warning("an alarm was refused, and is not sent again", receiver=address, error=_told(error))
        except ChannelError as error:
            if draft.span and not (draft.span.tried or isinstance(error, Uncertain)):
                self._ledger.unpin(address)
            return self._put_off(error, pace, tick)
        except Exception:
            log.exception("an alarm could not be written; it is tried again", receiver=address)
            pace.put_off(tick)
            return True
        self._took(draft, pace, tick)
        return True

    def _draft(self, address: str) -> _Draft | None:
        """What is to be told now, if anything. Acts that nobody has to look at any more count as told."""
        episodes = self._episodes.due(address) if address in self._ledger.everyday else []
        lang = language(self._workspace.settings, address)
        found = self._ledger.open_for(address, words(lang))
        if found is not None and not found and address in self._ledger.owed:
            self._ledger.settle(address)
        if not (found or episodes):
            return None
        whole = replace(found or Open(), troubles=[one.text for one in episodes])
        return _Draft(address, lang, self._ledger.owed[address] if found else None, whole, episodes)

    def _send(self, draft: _Draft) -> None:
        settings, address = self._workspace.settings, draft.address
        what = " ".join([address, *sorted(one.name for one in draft.episodes)])
        if draft.span:
            span = self._ledger.pin(address)
            self._ledger.save(self._outage)
            what = f"{address} {span.after} {span.until}"
        title = settings.site.title
        made = compose(letter(draft.found, title, settings.zone, draft.lang), title, draft.lang)
        key = message_id("alarm", what, self._workspace)
        self._mailer.send(address, made.subject, made.text, made.html, draft.lang, key)

    def _took(self, draft: _Draft, pace: _Pace, tick: float) -> None:
        for one in draft.episodes:
            one.told.add(draft.address)
        if draft.span:
            self._ledger.settle(draft.address)
        pace.next, pace.failures = tick + PACE, 0
        self._server = _Pace()
        if self._outage is not None:
            log.info("alarms can be sent again")
            self._outage = None
        self._ledger.save(None)

    def _put_off(self, error: ChannelError, pace: _Pace, tick: float) -> bool:
        """Later again: this receiver alone, or everybody. An outage is logged once."""
        alone = isinstance(error, RateLimited)
        (pace if alone else self._server).put_off(tick)
        since = self._outage[0] if self._outage else self._clock().isoformat()
        if self._outage is None:
            log.warning("alarms can't be sent now; they are tried again", error=_told(error))
        self._outage = (since, _told(error))
        return alone


def _told(error: ChannelError) -> str:
    return f"{error} {error.hint}".strip()
