"""A channel that keeps failing is left alone for a while, ever longer, and so is one that said "not now". Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.errors import RateLimited, Rejected, Unauthorized

OPENS_AFTER = 5
"""Failures in a row. One delivery that fails again and again counts once: a bad item is no bad channel."""
FIRST = timedelta(seconds=15)
LONGEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a channel fares. `until`: nothing is sent before. `opened_at`: since when it fails; None while it works.

    `culprit` is the delivery that failed last (0: a whole batch did)."""

    failures: int = 0
    opened_at: datetime | None = None
    until: datetime | None = None
    error: str = ""
    culprit: int | None = None

    def rests(self, now: datetime) -> bool:
        return self.until is not None and now < self.until


FINE = Condition()


def after(before: Condition, error: Exception | None, culprit: int, text: str, now: datetime) -> Condition:
    """How it fares after one more call. `error` None: it worked. `text` is the error for people."""
    match error:
        case RateLimited(retry_after=asked):
            return _told_to_wait(before, asked, text, now)
        case None | Rejected() | Unauthorized():
            return FINE
        case _:
            return _failed(before, culprit, text, now)


def _told_to_wait(before: Condition, asked: timedelta | None, text: str, now: datetime) -> Condition:
    """The remote answers, so it works; what it asks of one post it asks of all."""
    if asked is None:
        return before
    return Condition(until=now + max(asked, timedelta(seconds=1)), error=text)


def _failed(before: Condition, culprit: int, text: str, now: datetime) -> Condition:
    """Open already: the one call that tried the channel failed, so it is left alone for twice as long."""
    again = before.opened_at is None and culprit != 0 and culprit == before.culprit
    failures = before.failures + (0 if again else 1)
    if failures < OPENS_AFTER:
        return Condition(failures, error=text, culprit=culprit)
    wait = min(FIRST * (1 << min(failures - OPENS_AFTER, 16)), LONGEST)
    return Condition(failures, before.opened_at or now, now + wait, text, culprit)
