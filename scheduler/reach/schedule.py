"""When a post is measured: at fixed ages, young posts often and old ones rarely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

CHECKPOINTS = (
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=28),
)
"""Ages at which a post is measured. X tells clicks for 30 days only (its API documentation, November 2026)."""
_SKEW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Post:
    """One delivery that is out. `measured_at` is the time of its newest snapshot, None where there is none; `gone`:
    whether the remote said then that the post is not there any more. Times are aware, in UTC."""

    delivery: int
    published_at: datetime
    measured_at: datetime | None = None
    gone: bool = False


def checkpoint(post: Post, now: datetime) -> timedelta | None:
    """The age that the post is to be measured for now; None where it is not due.

    One measurement stands for all the ages that were missed until then. A post that is gone from
    the remote is asked for no more. A snapshot from the future was dated by a wrong clock and counts as none.
    """
    passed = [age for age in CHECKPOINTS if post.published_at + age <= now]
    if not passed:
        return None
    latest = passed[-1]
    measured = post.measured_at
    if measured is None or not post.published_at <= measured <= now + _SKEW:
        return latest
    return latest if not post.gone and measured < post.published_at + latest else None


def due(posts: Iterable[Post], now: datetime) -> list[Post]:
    """Those that are to be measured now, in the order in which a short budget is spent: youngest age first, and of one
    age the newest first."""
    found = [(age, post) for post in posts if (age := checkpoint(post, now)) is not None]
    found.sort(key=lambda one: (one[0], -one[1].published_at.timestamp(), one[1].delivery))
    return [post for _, post in found]
