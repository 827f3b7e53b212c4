"""X's limits, as its headers tell them.

There are windows of 15 minutes (`x-rate-limit-*`), and caps of 24 hours for the user and for the app, whose headers came
later and may be there, empty or absent. A cap can be used up while the window's reset lies in the past.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

FAMILIES = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")
LONGEST = timedelta(days=31)
REMEMBERED = timedelta(minutes=15)
"""For so long at most nothing is asked: what X says is worth more than what it said."""


def used_up(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the limits last that are said to have nothing left; None where none is, or its reset lies in the past.

    `headers` must not mind upper and lower case. Several may be used up at once: the one that lasts longest counts.
    """
    left = [name for name in FAMILIES if headers.get(f"{name}-remaining", "").strip() == "0"]
    return max(filter(None, (_until_reset(headers, name, now) for name in left)), default=None)


def asked(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long X asks to wait in an answer that says "not now"; None where it does not say."""
    silent = [name for name in FAMILIES if not headers.get(f"{name}-remaining", "").strip()]
    # Some limit is used up. Where none of them says so, it is one that does not tell what remains.
    told = used_up(headers, now) or max(
        filter(None, (_until_reset(headers, name, now) for name in silent)), default=None
    )
    waits = [wait for wait in (told, _retry_after(headers.get("retry-after", ""), now)) if wait]
    return min(max(waits), LONGEST) if waits else None


class Memory:
    """Which routes have nothing left, so that X need not be asked only to say no."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def note(self, route: str, wait: timedelta | None) -> None:
        """What the newest answer says: None where it may be asked again."""
        if wait is None:
            self._until.pop(route, None)
        else:
            self._until[route] = self._clock() + min(wait, REMEMBERED).total_seconds()

    def left(self, route: str) -> timedelta | None:
        """How long the route has nothing left still."""
        seconds = self._until.get(route, 0.0) - self._clock()
        return timedelta(seconds=seconds) if seconds > 0 else None


def _until_reset(headers: Mapping[str, str], name: str, now: datetime) -> timedelta | None:
    seconds = _number(headers.get(f"{name}-reset", "")) - now.timestamp()
    # A second more: X's clock tells whole ones.
    return min(timedelta(seconds=seconds + 1), LONGEST) if seconds > 0 else None


def _retry_after(text: str, now: datetime) -> timedelta | None:
    """Seconds or a date (RFC 9110, 10.2.3)."""
    if seconds := _number(text):
        return timedelta(seconds=min(seconds, LONGEST.total_seconds()))
    try:
        wait = parsedate_to_datetime(text.strip()) - now
    except (TypeError, ValueError, OverflowError):
        return None
    return wait if wait > timedelta() else None


def _number(text: str) -> int:
    return int(text) if text.strip().isascii() and text.strip().isdigit() and len(text) < 12 else 0
