"""What publishing costs, in words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from scheduler.desk.money import Bill


def usd(millionths: int) -> str:
    """`0.20 USD`."""
    from scheduler.delivery import purse

    return purse.usd(millionths)


def told(bill: Bill, zone: ZoneInfo, now: datetime) -> str:
    """One channel's bill, as a sentence or two."""
    if not bill.paid:
        return f"{bill.channel}: what is listed would cost {usd(bill.planned)}; in the sandbox nothing is charged."
    month = f"{now.astimezone(zone):%B %Y}"
    budget = "" if bill.budget is None else f" of the {usd(bill.budget)} it may cost"
    text = f"{bill.channel}: what is listed costs {usd(bill.planned)}. In {month} {usd(bill.spent)}{budget} are spent."
    if bill.short:
        text += (
            f" For what is planned in {month} {usd(bill.short)} are missing: what goes beyond the budget will be held. "
            "Raise budget_usd in config/julki.toml, or post less."
        )
    return text
