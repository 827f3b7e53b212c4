"""What the channels cost: this month's bill, and what is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.contract import Channel, Priced
from channels.piece import Piece
from scheduler.delivery import purse
from scheduler.desk.assemble import Desk
from scheduler.store import messages
from scheduler.store.engine import Store

log = structlog.get_logger("julki.calendar")

Prices = Mapping[tuple[str, str, str], int]
"""Piece, channel and part → what it costs, in millionths of a US dollar."""


@dataclass(frozen=True, slots=True)
class Bill:
    """One channel that costs money, in millionths of a US dollar. `paid` False: a sandbox, where nothing is charged.
    `spent`: in this month. `planned`: of what was asked about; `this_month`: as much of that as falls into this month."""

    channel: str
    paid: bool
    budget: int | None
    spent: int
    planned: int
    this_month: int

    @property
    def short(self) -> int:
        """How much the month's budget lacks for what is planned in it."""
        return 0 if self.budget is None else max(0, self.spent + self.this_month - self.budget)


def warnings(channels: Mapping[str, Channel], zone: ZoneInfo, store: Store, now: datetime) -> dict[str, str]:
    """By a key that names it: whose month's budget is nearly spent."""
    found: dict[str, str] = {}
    try:
        for name, one in channels.items():
            own = purse.purse(one, zone)
            if own.budget is not None:
                with store.read() as db:
                    text = own.warning(db, now)
                found |= {f"budget {name} {now.astimezone(zone):%Y-%m}": text} if text else {}
    except SQLAlchemyError:
        log.debug("the bill can't be read now")
    return found


def prices(desk: Desk, rows: Iterable[Any]) -> Prices:
    """What these planned deliveries cost; those that cost nothing, or can't be rendered now, are left out. `rows` as
    `store.deliveries.planned` has them."""
    priced = {name: one for name, one in desk.channels.items() if isinstance(one, Priced)}
    found: dict[tuple[str, str, str], int] = {}
    done: set[tuple[str, str]] = set()
    for row in rows:
        if row.channel not in priced:
            continue
        if row.fixed:
            with desk.store.read() as db:
                found[row.name, row.channel, row.part] = purse.price(priced[row.channel], messages.load(db, row.digest))
        elif (row.name, row.channel) not in done and (piece := desk.library.piece(row)) is not None:
            done.add((row.name, row.channel))
            found |= dict(_prices(desk, piece, desk.channels[row.channel]))
    return found


def _prices(desk: Desk, piece: Piece, channel: Channel) -> Iterator[tuple[tuple[str, str, str], int]]:
    assert isinstance(channel, Priced)  # noqa: S101  tells the type checker; only these were asked for
    try:
        rendered = channel.render(piece, desk.library.view)
    except Exception:
        log.exception("rendering failed", piece=piece.id, channel=channel.name)
        return
    for message in rendered:
        yield (piece.id, channel.name, message.part), purse.price(channel, message)


def bills(desk: Desk, rows: Iterable[Any], known: Prices, now: datetime) -> list[Bill]:
    """One a channel that costs money, in the order of the settings."""
    planned = [row for row in rows if row.state != "publishing"]
    return [
        _bill(desk, name, one, planned, known, now) for name, one in desk.channels.items() if isinstance(one, Priced)
    ]


def _bill(desk: Desk, name: str, channel: Priced, rows: Iterable[Any], known: Prices, now: datetime) -> Bill:
    zone = desk.settings.zone
    own = purse.purse(desk.channels[name], zone)
    mine = [(row, known.get((row.name, name, row.part), 0)) for row in rows if row.channel == name]
    month = [
        price
        for row, price in mine
        if row.due_at is not None and purse.month(row.due_at, zone) <= purse.month(now, zone)
    ]
    with desk.store.read() as db:
        spent = own.spent(db, now)
    return Bill(name, channel.paid, own.budget, spent, sum(price for _, price in mine), sum(month))
