"""From the deliveries wanted and those stored to what has to change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from channels.piece import MAIN
from scheduler.plan import Wanted

_MOVABLE = frozenset({"late", "backlog", "paused", "broken", "after", "page", "before", "approval", "budget"})
"""Why something is held that a new date in the file sets right. What a person or a remote's silence holds stays held."""
_OPEN = frozenset({"planned", "retrying", "held"})
_QUIET = frozenset({"planned", "retrying", "publishing", "published"})
_FIRM = frozenset({"uncertain", "rename", "person"})
"""What may be out already, and what a person holds: no file that comes or goes may undo that."""
_OUT = frozenset({"publishing", "published", "withdrawn"})
_CLAIMED = frozenset({"publishing", "retrying", "published", "failed", "withdrawn"})


class Stored(NamedTuple):
    """One delivery as the database has it. `fixed`: it was made at the desk, and no file asks for it; `waived`: a person
    asked for it. From the seventh on the fields are those of `Wanted`."""

    piece_id: int
    id: int
    state: str
    reason: str
    fixed: bool
    waived: bool
    channel: str
    part: str
    due_at: datetime | None
    late: int | None
    expires_at: datetime | None
    archive: bool
    period: str
    segment: str
    lang: str
    after_id: int | None
    live: bool

    def wanted(self) -> Wanted:
        return Wanted(*self[6:])


class New(NamedTuple):
    piece_id: int
    wanted: Wanted


class Moved(NamedTuple):
    """The delivery stays what it is, with other times."""

    id: int
    wanted: Wanted


class Back(NamedTuple):
    """What was cancelled, or held for a cause that is gone, is planned again."""

    id: int
    state: str
    wanted: Wanted


class Dropped(NamedTuple):
    """Nobody wants it any more, for the reason `why`. `state` is the one it must still be in."""

    id: int
    state: str
    why: str = "its file no longer asks for it"


Change = New | Moved | Back | Dropped


def diff(piece: int, wants: Sequence[Wanted], stored: Sequence[Stored], now: datetime) -> Iterator[Change]:
    """What has to change in the stored deliveries of one piece, so that they are as wanted."""
    if _unchanged(wants, stored):
        return
    have = {(row.channel, row.part): row for row in stored}
    asked = {(want.channel, want.part): want for want in _frozen(wants, stored)}
    asked |= {(row.channel, row.part): row.wanted() for row in stored if row.fixed and (wants or not row.live)}
    for key, want in asked.items():
        row = have.get(key)
        expired = want.expires_at is not None and want.expires_at <= now
        if row is None:
            if not expired:
                yield New(piece, want)
        elif expired and row.state in _OPEN and row.reason not in _FIRM:
            yield Dropped(row.id, row.state, "it has expired")
        elif not (expired and row.state == "cancelled"):
            yield from _kept(row, want, now)
    for key, row in have.items():
        if key not in asked and row.state in _OPEN and row.reason not in _FIRM:
            yield Dropped(row.id, row.state)


def _unchanged(wants: Sequence[Wanted], stored: Sequence[Stored]) -> bool:
    """The quick way for nearly all pieces of nearly all passes."""
    if len(wants) != len(stored):
        return False
    for row, want in zip(stored, wants, strict=True):
        if row[2] not in _QUIET or row[6:] != want or want.expires_at is not None:
            return False
    return True


def _kept(row: Stored, want: Wanted, now: datetime) -> Iterator[Change]:
    if row.live and row.waived:
        want = want._replace(due_at=row.due_at)  # somebody in the hall sent it: no programme calls it back
    mended = row.state == "held" and row.reason == "broken"
    postponed = row.state == "held" and row.reason in _MOVABLE and want.due_at != row.due_at and _ahead(want, now)
    if row.state == "cancelled" or mended or postponed:
        yield Back(row.id, row.state, want)
    elif row.state == "published":
        if row.expires_at != want.expires_at:
            yield Moved(row.id, want)
    elif row.state in _OPEN and row[6:] != want and not _postponed(row, want, now):
        yield Moved(row.id, want)


def _postponed(row: Stored, want: Wanted, now: datetime) -> bool:
    """Its own edition is over, so delivery put it into a later one."""
    return row.period > want.period and want.due_at is not None and want.due_at <= now


def _ahead(want: Wanted, now: datetime) -> bool:
    return want.due_at is None or want.due_at > now


def _frozen(wants: Sequence[Wanted], stored: Sequence[Stored]) -> Sequence[Wanted]:
    """A thread whose first post was claimed keeps the posts it had: numbers that are out mean those posts. Those that
    were cancelled with the file are among them where it asks for them again. So does a piece that went out as one post."""
    claimed = {row.channel for row in stored if _is_begun(row)}
    times = {want.channel: want for want in wants if want.channel in claimed and _numbered(want.part)}
    if not times:
        return wants
    asked = {(want.channel, want.part) for want in wants}
    kept = [
        times[row.channel]._replace(part=row.part)
        for row in stored
        if row.channel in times and _numbered(row.part)
        if row.state != "cancelled" or (row.channel, row.part) in asked
    ]
    return [want for want in wants if not (want.channel in times and _numbered(want.part))] + kept


def _is_begun(row: Stored) -> bool:
    """A single post that provably did not go out may still become a thread."""
    if row.part == MAIN:
        return row.state in _OUT or (row.state == "retrying" and row.reason == "uncertain")
    return row.part.isdigit() and row.state in _CLAIMED


def _numbered(part: str) -> bool:
    return part.isdigit() or part == MAIN
