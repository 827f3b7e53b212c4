"""How long a channel that did not answer is left alone. Measuring waits; it never holds anything else up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST = 100
"""Posts in one call (the contract's bound)."""
FIRST, LONGEST = timedelta(minutes=5), timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Patience:
    """`failures` in a row; nothing is asked between `since` and `until`."""

    failures: int = 0
    since: datetime | None = None
    until: datetime | None = None

    def rests(self, now: datetime) -> bool:
        """A rest that begins in the future was reckoned by a clock that was wrong: it is none."""
        return self.since is not None and self.until is not None and self.since <= now < self.until

    @property
    def size(self) -> int:
        """How many posts to ask for at once: after a failure fewer, for what is not told may be charged all the same."""
        return max(1, MOST >> min(self.failures, 10))


CALM = Patience()


def after(before: Patience, asked: timedelta | None, now: datetime) -> Patience:
    """After one more failure. `asked`: for how long the remote wants to be left alone, where it said so."""
    growing = min(FIRST * (1 << min(before.failures, 10)), LONGEST)
    wait = growing if asked is None else min(max(asked, FIRST), _DAY)
    return Patience(before.failures + 1, now, now + wait)


def written(patience: Patience) -> str:
    """As text, to be kept over a restart; "" for a channel that answers."""
    if patience.since is None or patience.until is None:
        return ""
    return json.dumps([patience.failures, patience.since.isoformat(), patience.until.isoformat()])


def read(text: str) -> Patience:
    """Back from `written`; whatever else it is, the channel is asked."""
    try:
        failures, since, until = json.loads(text)
        times = [datetime.fromisoformat(at).astimezone(UTC) for at in (since, until)]
        return Patience(int(failures), *times)
    except (ValueError, TypeError, OverflowError):
        return CALM
