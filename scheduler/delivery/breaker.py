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

    `culprit` is the delivery that failed last (0: a whole batch did). `refusals`: how often in a row it said "not now"
    without a time. `since`: when the present rest began."""

    failures: int = 0
    opened_at: datetime | None = None
    until: datetime | None = None
    error: str = ""
    culprit: int | None = None
    refusals: int = 0
    since: datetime | None = None

    def rests(self, now: datetime) -> bool:
        """A rest that begins in the future was reckoned by a clock that was wrong: it is none."""
        if self.until is None or self.since is None:
            return False
        return self.since - _SKEW <= now < self.until


FINE = Condition()
_SKEW = timedelta(minutes=2)


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
    """The remote answers, so it works; what it asks of one post it asks of all. Without a time it is asked ever later,
    from the second time on."""
    refusals = 0 if asked is not None else before.refusals + 1
    if refusals == 1:
        return Condition(error=text, refusals=1)
    wait = _growing(refusals - 2) if asked is None else max(asked, timedelta(seconds=1))
    return Condition(until=now + wait, error=text, refusals=refusals, since=now)


def _growing(step: int) -> timedelta:
    return min(FIRST * (1 << min(step, 16)), LONGEST)


def _failed(before: Condition, culprit: int, text: str, now: datetime) -> Condition:
    """Open already: the one call that tried the channel failed, so it is left alone for twice as long."""
    again = before.opened_at is None and culprit != 0 and culprit == before.culprit
    failures = before.failures + (0 if again else 1)
    if failures < OPENS_AFTER:
        return Condition(failures, error=text, culprit=culprit)
    wait = _growing(failures - OPENS_AFTER)
    return Condition(failures, before.opened_at or now, now + wait, text, culprit, since=now)
