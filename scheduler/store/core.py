"""The tables as SQLAlchemy Core has them: queries are written with these, at ten thousand rows a second and more."""

from __future__ import annotations

from sqlalchemy import Table
from sqlmodel import SQLModel

from scheduler.store import records, tables


def _table(model: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(model.__tablename__)]


SOURCE = _table(tables.Source)
PIECE = _table(tables.Piece)
REDIRECT = _table(tables.Redirect)
MESSAGE = _table(tables.Message)
DELIVERY = _table(tables.Delivery)
ATTEMPT = _table(tables.Attempt)
EDITION = _table(tables.Edition)
BREAKER = _table(tables.Breaker)
APPROVAL = _table(tables.Approval)
ROUND = _table(tables.Round)
PAUSE = _table(tables.Pause)
AUDIT = _table(tables.Audit)
SHIFT = _table(records.Shift)
TAP = _table(records.Tap)
TOKEN = _table(records.Token)
EXPENSE = _table(records.Expense)
MEASUREMENT = _table(records.Measurement)
MARK = _table(tables.Mark)
