"""How much may be read: so many posts a UTC day, and never the money that posts need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

SHARE = Decimal("0.9")
"""Of a month's budget; the rest is kept for posts."""
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """What reading costs on a channel. `read`: one post, `budget`: the whole month; in millionths of a US dollar.
    `budget` None: no limit."""

    read: int = 0
    budget: int | None = None


def price(read: Decimal, budget: Decimal | None) -> Price:
    """From US dollars; a price is rounded up, a budget down."""
    most = None if budget is None else int((budget * _MILLION).to_integral_value(ROUND_FLOOR))
    return Price(int((read * _MILLION).to_integral_value(ROUND_CEILING)), most)


def allowed(a_day: int, today: int, cost: Price, spent: int) -> int:
    """How many posts may be read now. `today`: how many were read since midnight UTC; `spent`: what the channel cost
    in this month, posts and readings, in millionths of a US dollar."""
    left = max(0, a_day - today)
    if cost.budget is None or cost.read == 0:
        return left
    money = int(cost.budget * SHARE) - spent
    return min(left, max(0, money) // cost.read)


def day(now: datetime) -> datetime:
    """Midnight, UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def month(now: datetime, zone: ZoneInfo) -> datetime:
    """The first moment of the calendar month in that zone, in UTC."""
    return now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
