"""Asking how far posts reached, when it is time. Each channel is asked apart from its publishing: see `apart`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from channels.contract import Channel, Measuring, Priced, Receipt
from channels.errors import ChannelError, RateLimited, Rejected, Unauthorized
from scheduler.delivery.outcome import told
from scheduler.desk import reader
from scheduler.desk.assemble import Desk
from scheduler.reach import allowance, patience, schedule, snapshot
from scheduler.reach.patience import Patience
from scheduler.settings import Settings
from scheduler.store import audit, expenses, marks, measurements, pauses
from scheduler.store.messages import StoredArchive

log = structlog.get_logger("julki.reach")


def able(settings: Settings, channels: Mapping[str, Channel]) -> list[str]:
    """The channels whose reach can be asked for. A sandbox reaches nobody."""
    return [
        name
        for name, one in channels.items()
        if isinstance(one, Measuring)
        and not settings.channels[name].sandbox
        and not (isinstance(one, Priced) and not one.paid)
    ]


def apart(desk: Desk) -> dict[str, Channel]:
    """Those channels once more, for a thread of their own: a channel takes one call at a time, and posts don't wait."""
    names = able(desk.settings, desk.channels)
    return reader.open_channels(desk.workspace, StoredArchive(desk.store), names) if names else {}


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one call asks for. `expense` is the row that says that it is paid for."""

    name: str
    source: str
    rows: Sequence[Any]
    expense: int
    now: datetime
    patience: Patience

    def receipts(self) -> list[Receipt]:
        """Deliveries may share one: pieces of one edition."""
        found = {row.remote_id: Receipt(row.remote_id, row.permalink, row.receipt or {}) for row in self.rows}
        return list(found.values())


class Measures:
    """`work` is one pass; nobody else calls these channels meanwhile. What goes wrong is told in the log once, and tried
    again later; it touches neither the publishing nor the other channels."""

    def __init__(self, desk: Desk, channels: Mapping[str, Channel]) -> None:
        self._desk = desk
        self._channels = {name: channels[name] for name in able(desk.settings, channels)}
        self._told: dict[str, type[Exception]] = {}
        self._short: dict[str, datetime] = {}

    def work(self) -> int:
        """How many deliveries were measured."""
        return sum(self._pass(name, one) for name, one in self._channels.items() if isinstance(one, Measuring))

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()

    def _pass(self, name: str, channel: Measuring) -> int:
        done = 0
        while not self._desk.stop.is_set():
            batch = self._begin(name, channel)
            if batch is None or not self._ask(channel, batch):
                break
            done += len(batch.rows)
        return done

    def _begin(self, name: str, channel: Measuring) -> _Batch | None:
        """What to ask for now. It is paid for before it is asked: after a crash it counts as read."""
        now = self._desk.clock()
        source = self._desk.settings.channels[name].adapter
        cost = _price(channel)
        with self._desk.store.read() as db:
            patient = patience.read(marks.get(db, _mark(name)))
            if patient.rests(now) or _stopped(db, name):
                return None
            posts = [schedule.Post(*row) for row in measurements.out(db, name, source, now)]
            due = schedule.due(posts, now)
            most = self._allowed(db, name, cost, now) if due else 0
            rows = measurements.receipts(db, [post.delivery for post in due[: min(most, patient.size)]])
        if not rows:
            self._tell_short(name, len(due), now)
            return None
        with self._desk.store.write() as db:
            expense = measurements.note_reads(db, name, len(rows), len(rows) * cost.read, now)
        return _Batch(name, source, rows, expense, now, patient)

    def _allowed(self, db: Connection, name: str, cost: allowance.Price, now: datetime) -> int:
        settings = self._desk.settings
        today = measurements.reads(db, name, allowance.day(now))
        spent = expenses.spent(db, name, allowance.month(now, settings.zone))
        return allowance.allowed(settings.reach.reads_per_day, today, cost, spent)

    def _ask(self, channel: Measuring, batch: _Batch) -> bool:
        """The call stands outside any transaction, and what it told is kept in one."""
        try:
            found = channel.measure(batch.receipts(), batch.now)
            posts = {row.id: row.remote_id for row in batch.rows}
            rows = snapshot.rows(posts, channel.metrics, found, batch.source, batch.now)
            with self._desk.store.write() as db:
                measurements.add(db, rows)
                marks.put(db, _mark(batch.name), "")
        except Exception as error:  # noqa: BLE001  whatever it is, nothing is known, and it is this channel's own
            self._failed(batch, error)
            return False
        if self._told.pop(batch.name, None):
            log.info("reach is measured again", channel=batch.name)
        return True

    def _failed(self, batch: _Batch, error: Exception) -> None:
        now = self._desk.clock()
        asked = error.retry_after if isinstance(error, RateLimited) else None
        with self._desk.store.write() as db:
            if isinstance(error, RateLimited | Unauthorized | Rejected):  # the remote said that it told nothing
                measurements.take_back(db, batch.expense)
            marks.put(db, _mark(batch.name), patience.written(patience.after(batch.patience, asked, now)))
        if self._told.get(batch.name) is not type(error):
            self._told[batch.name] = type(error)
            bug = None if isinstance(error, ChannelError) else error
            text = "reach was not measured; it is tried again later"
            log.warning(text, channel=batch.name, error=told(error), exc_info=bug)

    def _tell_short(self, name: str, due: int, now: datetime) -> None:
        today = allowance.day(now)
        if due and self._short.get(name) != today:
            self._short[name] = today
            log.info("no more posts are read for now: the budget is used up", channel=name, waiting=due)


def _mark(name: str) -> str:
    return f"reach/{name}"


def _price(channel: object) -> allowance.Price:
    return allowance.price(channel.read_price, channel.budget) if isinstance(channel, Priced) else allowance.Price()


def _stopped(db: Connection, name: str) -> bool:
    """What the desk itself has paused, because of credentials or a database that may be a copy, is left alone; a
    person's pause stops what goes out, and reading does no harm."""
    return any(
        pause.by == audit.DESK and (pause.scope == "all" or (pause.scope, pause.name) == ("channel", name))
        for pause in pauses.current(db)
    )
