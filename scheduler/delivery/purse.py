"""What publishing on a channel costs, and whether the month's budget has room for it. Pure, but for the sum it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from channels.contract import Channel, Priced
from channels.message import Message
from scheduler.store import expenses

_MILLION = Decimal(1_000_000)
WARN_FROM = Decimal("0.8")
"""The share of a month's budget from which on people are warned."""


@dataclass(frozen=True, slots=True)
class Purse:
    """One channel's money. `budget` in millionths of a US dollar, None: no limit."""

    channel: str
    zone: ZoneInfo
    budget: int | None = None

    def spent(self, db: Connection, now: datetime) -> int:
        """In the month of `now`, in millionths of a US dollar."""
        return expenses.spent(db, self.channel, month(now, self.zone))

    def objection(self, db: Connection, cost: int, now: datetime) -> str:
        """Why the month has no room for it, with the remedy; "" where it has."""
        if self.budget is None or not cost:
            return ""
        spent = self.spent(db, now)
        if spent + cost <= self.budget:
            return ""
        return (
            f"It would cost {usd(cost)}, and of the {usd(self.budget)} that {self.channel} may cost in "
            f"{now.astimezone(self.zone):%B %Y} {usd(spent)} are spent. Raise budget_usd in config/julki.toml, "
            "or wait for the next month. Then: julki retry {id}"
        )

    def warning(self, db: Connection, now: datetime) -> str:
        """What to tell when most of the month's budget is spent; it stays the same while that is so. Else ""."""
        if self.budget is None or (spent := self.spent(db, now)) < int(self.budget * WARN_FROM):
            return ""
        month = f"{now.astimezone(self.zone):%B %Y}"
        if spent >= self.budget:
            return (
                f"The {usd(self.budget)} that {self.channel} may cost in {month} are spent: its posts are held. Raise "
                "budget_usd in config/julki.toml, then: julki retry ID"
            )
        return (
            f"Of the {usd(self.budget)} that {self.channel} may cost in {month} more than "
            f"{WARN_FROM * 100:.0f} % are spent. When all is, its posts are held. Raise budget_usd in config/julki.toml, "
            "or post less."
        )


def purse(channel: Channel, zone: ZoneInfo) -> Purse:
    """The channel's; one that costs nothing has no limit."""
    if not isinstance(channel, Priced) or not channel.paid or channel.budget is None:
        return Purse(channel.name, zone)
    return Purse(channel.name, zone, int((channel.budget * _MILLION).to_integral_value(ROUND_FLOOR)))


def cost(channel: Channel, message: Message) -> int:
    """What publishing it is charged for, in millionths of a US dollar; nothing in a sandbox."""
    return price(channel, message) if isinstance(channel, Priced) and channel.paid else 0


def price(channel: Priced, message: Message) -> int:
    """What it would cost, in millionths of a US dollar, also where it is only rehearsed."""
    return millionths(channel.cost(message))


def millionths(price: Decimal) -> int:
    """Of a US dollar; rounded up."""
    return int((price * _MILLION).to_integral_value(ROUND_CEILING))


def month(now: datetime, zone: ZoneInfo) -> datetime:
    """When the month of `now` began, on the site's calendar."""
    return now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def usd(millionths: int) -> str:
    """`0.215 USD`, `20.00 USD`: at least two places, and no more than it takes."""
    amount = (Decimal(millionths) / _MILLION).normalize()
    places = max(2, -int(amount.as_tuple().exponent))
    return f"{amount:.{places}f} USD"
