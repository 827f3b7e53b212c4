"""What follows from a failure. Pure: a decision is returned, somebody else acts on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.errors import RateLimited, Rejected, Unauthorized, Unavailable

FIRST = timedelta(seconds=15)
LONGEST = timedelta(hours=1)
MOST_ATTEMPTS = 12


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again then. Not `counted` where the remote said "not now". `reason`: unavailable or limited."""

    at: datetime
    reason: str
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Fail:
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A person is needed. `pause`: the whole channel stops, since everything behind would fare the same."""

    reason: str
    pause: bool = False


@dataclass(frozen=True, slots=True)
class Reconcile:
    """It may be out. The attempt stays open."""


Decision = Retry | Fail | Hold | Reconcile


def decide(error: Exception, attempts: int, now: datetime, jitter: float, *, down: bool = False) -> Decision:
    """`attempts` counts this one; `jitter` lies between 0 and 1. What is not a `ChannelError` is a bug: it may be out.

    `down`: the whole channel does not work, so it is not this delivery's doing, and costs it no attempt."""
    match error:
        case Rejected():
            return Fail("rejected")
        case Unauthorized():
            return Hold("unauthorized", pause=True)
        case RateLimited(retry_after=asked):
            return Retry(now + max(asked or backoff(attempts, jitter), timedelta(seconds=1)), "limited", counted=False)
        case Unavailable() if attempts >= MOST_ATTEMPTS and not down:
            return Fail("unavailable")
        case Unavailable():
            return Retry(now + backoff(attempts, jitter), "unavailable", counted=not down)
        case _:
            return Reconcile()


def backoff(attempts: int, jitter: float) -> timedelta:
    """15 s, 30 s, 1 min … 1 h, less up to a quarter, so that many do not come back at the same moment."""
    step = min(FIRST * (1 << min(max(attempts - 1, 0), 16)), LONGEST)
    return step * (1 - jitter / 4)
