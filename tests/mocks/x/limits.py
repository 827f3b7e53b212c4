"""How often an account and the app may call, and what it costs: as much as X says in its headers, and the credits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.mocks.x.bodies import CREDITS, LIMITED, MONTHLY, told
from tests.mocks.x.exchange import Reply

QUARTER, DAY = timedelta(minutes=15), timedelta(hours=24)
POST, POST_WITH_URL, READ = Decimal("0.015"), Decimal("0.20"), Decimal("0.001")
"""US dollars: for a post, for one with an address in it, for each post that is read back."""
_PLENTY = 10**7


@dataclass(frozen=True)
class Limits:
    """Calls that a user may make in 15 minutes, by kind; posts in 24 hours by user and by app; posts in a month."""

    posts: int = 100
    deletes: int = 50
    reads: int = 900
    me: int = 75
    media: int = 500
    user_day: int | None = None
    app_day: int | None = 10_000
    month: int | None = None


GENEROUS = Limits(_PLENTY, _PLENTY, _PLENTY, _PLENTY, _PLENTY, app_day=None)
"""Nobody runs into these: for tests that are about something else."""


@dataclass
class Window:
    """Calls counted since the first of them, for so long."""

    length: timedelta
    begun: datetime | None = None
    count: int = 0

    def used(self, now: datetime) -> int:
        return self.count if self.begun and now < self.begun + self.length else 0

    def add(self, now: datetime) -> None:
        if self.used(now) == 0:
            self.begun, self.count = now, 0
        self.count += 1

    def headers(self, name: str, limit: int, now: datetime) -> dict[str, str]:
        """A window that is over keeps its end, which lies in the past, until the next call is let in."""
        reset = (self.begun or now) + self.length
        told = {"limit": limit, "remaining": max(0, limit - self.used(now)), "reset": int(reset.timestamp())}
        return {f"{name}-{key}": str(value) for key, value in told.items()}


@dataclass
class Counters:
    """What was used so far. `credits` in US dollars; None: as many as one likes."""

    limits: Limits
    credits: Decimal | None = None
    spent: Decimal = Decimal(0)
    _windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    _month: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def change(self, **limits: Any) -> None:
        self.limits = replace(self.limits, **limits)

    def admit(self, kind: str, account: str, now: datetime) -> Reply | None:
        """Count the call, or the refusal: what the limits of its kind say to it."""
        with self._lock:
            refused = self._post_refused(kind, account, now) or self._quarter_refused(kind, account, now)
            if refused is None:
                self._window(kind, account).add(now)
        return refused

    def posted(self, account: str, now: datetime, *, has_url: bool) -> None:
        """A post was accepted: it counts in the day and in the month, and is paid for."""
        with self._lock:
            self._window("user-day", account, DAY).add(now)
            self._window("app-day", "", DAY).add(now)
            self._month += 1
            self.spent += POST_WITH_URL if has_url else POST

    def read(self, posts: int) -> None:
        with self._lock:
            self.spent += READ * posts

    def unpaid(self, cost: Decimal) -> Reply | None:
        """The answer where the credits are used up."""
        return told(CREDITS) if self.credits is not None and self.spent + cost > self.credits else None

    def headers(self, kind: str, account: str, now: datetime) -> dict[str, str]:
        found = self._window(kind, account).headers("x-rate-limit", getattr(self.limits, kind), now)
        for name, day, limit in self._days(kind, account):
            found |= day.headers(f"x-{name}-limit-24hour", limit, now)
        return found

    def exhaust_day(self, account: str, now: datetime, left: timedelta) -> None:
        """As if the account had posted all that it may in a day, which ends in `left`; its 15 minutes are long over."""
        begun = now + left - DAY
        limit = self.limits.user_day or self.limits.posts
        self.change(user_day=limit)
        self._windows["user-day", account] = Window(DAY, begun, limit)
        self._windows["posts", account] = Window(QUARTER, begun, self.limits.posts)

    def _quarter_refused(self, kind: str, account: str, now: datetime) -> Reply | None:
        full = self._window(kind, account).used(now) >= getattr(self.limits, kind)
        return told(LIMITED) if full else None

    def _post_refused(self, kind: str, account: str, now: datetime) -> Reply | None:
        if kind == "posts" and self.limits.month is not None and self._month >= self.limits.month:
            return told(MONTHLY)
        full = any(day.used(now) >= limit for _, day, limit in self._days(kind, account))
        return told(LIMITED) if full else None

    def _days(self, kind: str, account: str) -> list[tuple[str, Window, int]]:
        """The 24-hour caps that there are; they concern posts alone."""
        caps = (("user", account, self.limits.user_day), ("app", "", self.limits.app_day))
        return [
            (name, self._window(f"{name}-day", whose, DAY), cap)
            for name, whose, cap in caps
            if kind == "posts" and cap is not None
        ]

    def _window(self, kind: str, account: str, length: timedelta = QUARTER) -> Window:
        return self._windows.setdefault((kind, account), Window(length))
