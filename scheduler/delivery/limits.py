"""How many, how often, at which hours: when the next one may go out on a channel. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.hours import Hours

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the settings say of a channel; None: no limit."""

    per_hour: int | None = None
    gap: timedelta | None = None
    hours: Hours | None = None

    @property
    def counts(self) -> bool:
        """Whether it matters what went out lately."""
        return self.per_hour is not None or self.gap is not None

    @property
    def memory(self) -> timedelta:
        """For how long what went out counts."""
        return max(_HOUR, self.gap or _HOUR)

    def next(self, sent: Sequence[datetime], now: datetime, zone: ZoneInfo, *, spaced: bool, timed: bool) -> datetime:
        """When one more may go out, `now` or later. `sent`: when the last ones did, oldest first.

        `spaced`: the gap counts for it; `timed`: the hours do.
        """
        at = now
        if self.gap is not None and spaced and sent:
            at = max(at, sent[-1] + self.gap)
        if self.per_hour is not None and len(sent) >= self.per_hour:
            at = max(at, sent[-self.per_hour] + _HOUR)
        return self.hours.next(at, zone) if self.hours is not None and timed else at


NONE = Limits()
