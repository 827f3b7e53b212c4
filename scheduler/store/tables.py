"""The tables. Files hold intent, these hold fact.

`source` is what the last scan read in the files; `piece` is who a piece is, whatever its file is called;
`delivery` is one piece on one channel (and part); `attempt` is written before each remote call; `message` is what
was sent; `breaker` is how a channel fares; `approval` is who said yes to what. The invariants are indexes, not hope: one delivery a piece, channel and part; one open attempt a delivery.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, BigInteger, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

State = Literal["planned", "publishing", "retrying", "published", "held", "failed", "skipped", "cancelled", "withdrawn"]
Purpose = Literal["publish", "revise", "withdraw"]


def _json(nullable: bool = True) -> Any:
    return Column(JSON(none_as_null=True), nullable=nullable)


class Source(SQLModel, table=True):
    """One file of `content/` as last read. The first four columns tell whether it changed since.

    `identity` is `lang/slug` ("" where it can't be told). `broken`: the file has errors; the columns below keep what it
    last said when it was whole. `tangled`: errors that only show beside other files. `spec`: channels, overrides and parts where they differ from the kind's default. `lines`: where a few fields stand.
    """

    path: str = Field(primary_key=True)
    size: int
    mtime_ns: int = Field(sa_type=BigInteger)
    inode: int = Field(sa_type=BigInteger)
    identity: str = Field(default="", index=True)
    broken: bool = False
    findings: list[Any] | None = Field(default=None, sa_column=_json())
    tangled: list[Any] | None = Field(default=None, sa_column=_json())
    body: str = ""
    title: str = ""
    kind: str = ""
    lang: str = ""
    status: str = ""
    publish_at: datetime | None = None
    expires_at: datetime | None = None
    late: int | None = None
    after: str = ""
    translation_of: str = ""
    spec: dict[str, Any] | None = Field(default=None, sa_column=_json())
    client: str = ""
    project: str = ""
    lines: dict[str, Any] | None = Field(default=None, sa_column=_json())


class Piece(SQLModel, table=True):
    """One piece's identity. `name` is its present `lang/slug`; `uid` never changes. `gone_at`: its file vanished."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    uid: str = Field(unique=True)
    path: str = Field(index=True)
    inode: int = Field(default=0, sa_type=BigInteger)
    mtime_ns: int = Field(default=0, sa_type=BigInteger)
    body: str = ""
    title: str = ""
    client: str = ""
    project: str = ""
    gone_at: datetime | None = None


class Redirect(SQLModel, table=True):
    """A name that a piece once had."""

    old: str = Field(primary_key=True)
    piece_id: int = Field(foreign_key="piece.id", index=True)


class Message(SQLModel, table=True):
    """A rendered message, by the SHA-256 of its payload. The card stands apart, so that lists load no bodies."""

    digest: str = Field(primary_key=True)
    card: dict[str, Any] = Field(sa_column=_json(nullable=False))
    payload: str = Field(sa_column=Column(Text, nullable=False))


class Delivery(SQLModel, table=True):
    """One piece on one channel, in one part. See docs/states.md for who may move `state`.

    `due_at` is None for a live post fired by hand. `ready_at` is when it is next to be looked at. `late` is in seconds.
    `archive`: due before `[desk] since`. `waived`: a person asked for it, so lateness does not count. `links_page`:
    known since the first rendering. `changed` counts the edits since the message was made. `withdraw`: to be taken off.
    `generation` counts the fresh starts: it is part of the key, so that a person's retry is a new publication.
    `live`: a post of a live event, which has a lane of its own. `fixed`: its message was made at the desk and stands in
    no file (a fresh live post, a correction); `replies_to` is then the delivery that it answers, if any, and
    `approved_by` the second person who said yes to it.
    """

    __table_args__ = (
        UniqueConstraint("piece_id", "channel", "part"),
        Index("delivery_ready", "channel", "ready_at", sqlite_where=text("state IN ('planned', 'retrying')")),
        Index(
            "delivery_touch",
            "channel",
            "ready_at",
            sqlite_where=text("state = 'published' AND (changed > 0 OR withdraw OR expires_at IS NOT NULL)"),
        ),
        Index("delivery_state", "state"),
        Index("delivery_out", "channel", "published_at", sqlite_where=text("published_at IS NOT NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    piece_id: int = Field(foreign_key="piece.id")
    channel: str
    part: str = "main"
    state: str = "planned"
    due_at: datetime | None = None
    ready_at: datetime | None = None
    late: int | None = None
    expires_at: datetime | None = None
    archive: bool = False
    period: str = ""
    segment: str = ""
    lang: str = ""
    after_id: int | None = None
    waived: bool = False
    links_page: bool | None = None
    changed: int = 0
    withdraw: bool = False
    generation: int = 0
    attempts: int = 0
    reason: str = ""
    error: str = ""
    digest: str = ""
    published_at: datetime | None = None
    remote_id: str = ""
    permalink: str = ""
    receipt: dict[str, Any] | None = Field(default=None, sa_column=_json())
    live: bool = Field(default=False, sa_column_kwargs={"server_default": text("0")})
    fixed: bool = Field(default=False, sa_column_kwargs={"server_default": text("0")})
    replies_to: int | None = None
    approved_by: str = Field(default="", sa_column_kwargs={"server_default": ""})


class Attempt(SQLModel, table=True):
    """Written, with its key and message, before the remote is called. `outcome` is None while it is open.

    `uncertain_at`: the call came back without telling whether it was accepted. `checks` counts the times that
    reading back could not settle it. `cost` is what the call is charged for, in millionths of a US dollar.
    `twin`: it was refused because the like of it is out already.
    """

    __table_args__ = (
        Index("attempt_open", "delivery_id", unique=True, sqlite_where=text("outcome IS NULL")),
        Index("attempt_open_channel", "channel", sqlite_where=text("outcome IS NULL")),
        Index("attempt_paid", "channel", "started_at", sqlite_where=text("cost > 0")),
    )

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id", index=True)
    channel: str
    purpose: str
    key: str = Field(index=True)
    digest: str
    owner: str
    started_at: datetime
    lease_until: datetime
    uncertain_at: datetime | None = None
    look_at: datetime | None = None
    checks: int = 0
    ended_at: datetime | None = None
    outcome: str | None = None
    error: str = ""
    cost: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    twin: bool = Field(default=False, sa_column_kwargs={"server_default": text("0")})


class Edition(SQLModel, table=True):
    """One edition of a collected channel; its pieces' deliveries follow its state."""

    __table_args__ = (UniqueConstraint("channel", "period", "language", "segment"),)

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    period: str
    language: str
    segment: str = ""
    state: str
    digest: str
    published_at: datetime | None = None
    remote_id: str = ""


class Breaker(SQLModel, table=True):
    """How a channel fares. `failures` in a row since its last success; nothing is sent before `until`.

    `opened_at` is None while the channel works; `error` is what it said last; `culprit` is the delivery that failed then.
    `refusals`: how often in a row it said "not now" without a time. `since`: when the present rest began.
    """

    channel: str = Field(primary_key=True)
    failures: int = 0
    opened_at: datetime | None = None
    until: datetime | None = None
    error: str = ""
    culprit: int | None = None
    refusals: int = 0
    since: datetime | None = None


class Approval(SQLModel, table=True):
    """One person's word on a piece as it stood then.

    `pins` is channel → part → hash of the rendered message and its time, as `delivery.pin` writes them. `stamp` names the file as it was last compared with them.
    It counts until `voided_at`; `why` says what ended it, or why it was refused.
    """

    id: int | None = Field(default=None, primary_key=True)
    piece_id: int = Field(foreign_key="piece.id", index=True)
    decision: str
    by: str
    at: datetime
    pins: dict[str, Any] = Field(sa_column=_json(nullable=False))
    stamp: str = ""
    voided_at: datetime | None = None
    why: str = ""


class Round(SQLModel, table=True):
    """Periodic work: what was done for which period. A row is there before the work begins, so it is begun once."""

    name: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    begun_at: datetime
    done_at: datetime | None = None


class Pause(SQLModel, table=True):
    """Who stopped what, and why. `scope` is all, channel, client or project; `name` is empty for all."""

    id: int | None = Field(default=None, primary_key=True)
    scope: str
    name: str = ""
    reason: str = ""
    by: str
    at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""


class Audit(SQLModel, table=True):
    """Every act, by whom and when. `by` is a person's name, or `desk`."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    by: str
    act: str
    piece: str = ""
    channel: str = ""
    delivery_id: int | None = Field(default=None, index=True)
    detail: str = ""


class Mark(SQLModel, table=True):
    """One remembered fact of the desk itself: the settings' fingerprint, the last scan."""

    key: str = Field(primary_key=True)
    value: str
