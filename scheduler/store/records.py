"""More tables: what is written down beside the deliveries. How late an event runs, presses of a button, tokens, what was
paid, and how far each post reached.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel


class Shift(SQLModel, table=True):
    """By how many seconds a live event runs late (or early), as the hall said. It counts while the event's file has that
    `starts_at`: a new date there is the new truth."""

    piece_id: int = Field(primary_key=True, foreign_key="piece.id")
    starts_at: datetime
    seconds: int
    at: datetime


class Tap(SQLModel, table=True):
    """One press of a button, by the name that the client gave it: pressed twice it counts once. `told`: the answer."""

    id: str = Field(primary_key=True)
    at: datetime
    told: str = ""


class Token(SQLModel, table=True):
    """A channel's tokens, encrypted; the key stands outside the database."""

    channel: str = Field(primary_key=True)
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    saved_at: datetime


class Expense(SQLModel, table=True):
    """What was paid for beside posts: `count` posts that were read, for `cost` millionths of a US dollar."""

    __table_args__ = (Index("expense_at", "channel", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    at: datetime
    what: str
    count: int
    cost: int


class Measurement(SQLModel, table=True):
    """One figure of reach, as it was at that time; rows are added, never changed. `value` None: not measured, and
    `why` says the reason. `source` says who told it."""

    __table_args__ = (Index("measurement_of", "delivery_id", "measured_at"),)

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id")
    metric: str
    value: int | None = Field(default=None, sa_type=BigInteger)
    measured_at: datetime
    source: str
    why: str = ""
