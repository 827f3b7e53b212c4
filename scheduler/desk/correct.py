"""Correcting what is out on a channel that can't replace it: a post beside it, with the desk's wording."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from channels.contract import Correcting
from channels.message import Message
from scheduler.delivery import wording
from scheduler.delivery.acts import Person, Refused
from scheduler.desk.assemble import Desk
from scheduler.plan import Wanted
from scheduler.store import audit, deliveries, handmade, messages, pieces

_WORTH = timedelta(days=1)
"""A correction that could not be sent for so long asks again."""
_OPEN = ("planned", "publishing", "retrying", "held")


def correct(desk: Desk, number: int, person: Person, text: str = "") -> str:
    """Publish a correction of that delivery: its piece as the file says now, or `text`. Raises `Refused`. Answers what
    will happen, in plain words."""
    row, channel = _correctable(desk, number)
    wanted = _as_the_file_says(desk, row) if not text.strip() else _given(desk, row, text.strip())
    with desk.store.write() as db:
        earlier = handmade.corrections(db, number)
        if pending := next((one for one in earlier if one.state in _OPEN), None):
            way = f"Drop that first: julki skip {pending.id}"
            raise Refused(f"A correction of it is {pending.state} already: {pending.id}. {way}")
        said, piece = _said(db, _last(earlier) or row)
        if not text.strip() and wording.same(said, wanted, desk.settings.site.url, piece):
            raise Refused(
                f"{_what(row)} says what its file says; there is nothing to correct. Change the file, or give --text."
            )
        message = channel.correction(wanted, handmade.next_part(db, row.piece_id, row.channel), row.lang)
        long = [problem for problem in message.problems if problem.rule == "shortened" and text.strip()]
        if errors := [*long, *(problem for problem in message.problems if problem.severity == "error")]:
            raise Refused(f"{row.channel}: {errors[0].message}")
        made = replace(message, data={**message.data, "by": person.name, "meant": wanted.text})
        return _add(db, row, made, person, approval=desk.settings.desk.approval)


def _correctable(desk: Desk, number: int) -> tuple[Any, Correcting]:
    with desk.store.read() as db:
        row = deliveries.get(db, number)
    if row is None:
        raise Refused(f"There is no delivery {number}. See their numbers with: julki queue")
    if row.replies_to is not None:
        raise Refused(
            f"{number} is a correction itself. Correct the post that it answers: julki correct {row.replies_to}"
        )
    if row.state != "published":
        raise Refused(f"{_what(row)} is {row.state}: what is not out needs no correction. Change its file.")
    channel = desk.channels.get(row.channel)
    if not isinstance(channel, Correcting):
        way = (
            "it follows its file by itself"
            if row.channel in desk.refresh.lasting
            else "what went out there can't be corrected"
        )
        raise Refused(f"{row.channel} takes no corrections: {way}.")
    return row, channel


def _last(earlier: Any) -> Any | None:
    """The correction that people read now."""
    return next((one for one in reversed(earlier) if one.state == "published"), None)


def _as_the_file_says(desk: Desk, row: Any) -> Message:
    with desk.store.read() as db:
        known = pieces.by_name(db, row.name)
    piece = desk.library.piece(known) if known is not None and known.gone_at is None else None
    if row.fixed or piece is None:
        why = (
            "It was written at the desk, not in a file"
            if row.fixed
            else "Its file is gone, broken, or was saved just now"
        )
        raise Refused(f'{why}: say what it should be with: julki correct {row.id} --text "…"')
    rendered = desk.channels[row.channel].render(piece, desk.library.view)
    found = next((message for message in rendered if message.part == row.part), None)
    if found is None:
        raise Refused(
            f"{row.name} no longer has the part '{row.part}'. Say it with: julki correct {row.id} --text \"…\""
        )
    return found


def _given(desk: Desk, row: Any, text: str) -> Message:
    if not row.digest:
        return Message(row.channel, row.name, text=text)
    with desk.store.read() as db:
        return replace(messages.load(db, row.digest), text=text)


def _said(db: Connection, row: Any) -> tuple[str, str]:
    """What people read now, behind the desk's words, and what the piece was called; "" where nobody knows."""
    if not row.digest:
        return "", ""
    message = messages.load(db, row.digest)
    return str(message.data.get("meant", message.text)), message.piece


def _add(db: Connection, row: Any, message: Message, person: Person, *, approval: bool) -> str:
    late = int(_WORTH.total_seconds())
    ends = row.expires_at
    want = Wanted(row.channel, message.part, person.now, late, ends, False, "", row.segment, row.lang, None)
    number = handmade.add(db, row.piece_id, want, message, row.id)
    deliveries.move(db, row.id, ("published",), error="")
    told = {"piece": row.name, "channel": row.channel, "detail": message.text[:200]}
    audit.write(db, person.now, person.name, "correct", delivery=number, **told)
    if approval:
        return f"A correction waits, as {number}, until somebody approves it: julki approve {number} --by NAME"
    return f"A correction of {_what(row)} goes out now, as {number}: {message.text}"


def _what(row: Any) -> str:
    part = "" if row.part == "main" else f" ({row.part})"
    return f"{row.name}{part} on {row.channel}"
