"""Four eyes: one person writes, another says yes to what every channel would publish, to the letter and to the minute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog

from channels.piece import Piece
from scheduler.delivery import pin
from scheduler.delivery.acts import Person, Refused
from scheduler.desk import team
from scheduler.desk.assemble import Desk
from scheduler.desk.intake import Intake
from scheduler.store import approvals, audit, deliveries, handmade, messages, pieces

log = structlog.get_logger("julki.calendar")

Digests = dict[str, dict[str, str]]
"""Channel → part → hash of the message."""
Times = Mapping[tuple[str, str], Any]
"""Channel and part → when the delivery is due (`due_at`), and its edition (`period`)."""


def approve(desk: Desk, told: str, person: Person) -> str:
    """The piece may go out as it stands now. Raises `Refused`. Answers what was approved, in plain words."""
    row, piece = _wanted(desk, told)
    who = _known(desk, person)
    if team.wrote(desk.settings.authors, person.name, piece.authors):
        raise Refused(f"{row.name} is {who.name}'s own piece. Somebody else has to approve it: --by NAME")
    digests = _sound(desk.intake, piece)
    with desk.store.write() as db:
        approvals.give(db, _values(row, who, "approved", _pins(digests, approvals.times(db, row.id))))
        deliveries.release(db, [row.id], approvals.REASONS)
        deliveries.mark_changed(db, [row.id])
        messages.thaw(db, row.id)
        audit.write(db, who.now, who.name, "approved", piece=row.name, detail=", ".join(desk.intake.goes_to(piece)))
    goes = ((name, len(digests[name])) for name in desk.intake.asked_for(piece))
    where = ", ".join(f"{name} ({number} posts)" if number > 1 else name for name, number in goes)
    return f"{row.name} is approved as it stands now, for {where}. Any change to it ends that."


def approve_made(desk: Desk, number: int, person: Person) -> str:
    """What was written at the desk (a fresh live post, a correction) may go out as it is. Raises `Refused`."""
    who = _known(desk, person)
    with desk.store.write() as db:
        row = deliveries.get(db, number)
        if row is None or not row.fixed:
            raise Refused(f"{number} is not a post that was written at the desk. Approve a piece by its name.")
        message = messages.load(db, row.digest)
        if team.wrote(desk.settings.authors, person.name, [str(message.data.get("by", ""))]):
            raise Refused(f"{number} is {who.name}'s own post. Somebody else has to approve it: --by NAME")
        if not handmade.approve(db, number, who.name):
            raise Refused(f"{number} is {row.state}: there is nothing to approve any more.")
        audit.write(db, who.now, who.name, "approved", piece=row.name, channel=row.channel, delivery=number)
    return f"{number} on {row.channel} is approved: “{message.text}”"


def refuse(desk: Desk, told: str, person: Person, reason: str) -> str:
    """The piece does not go out before it is changed and approved."""
    row, piece = _wanted(desk, told)
    who = _known(desk, person)
    digests = _sound(desk.intake, piece)
    why = f"{who.name} refused it{f': {reason}' if reason else ''}."
    text = f"{why} Change {row.path}, then: julki approve {row.name} --by NAME"
    with desk.store.write() as db:
        pins = _pins(digests, approvals.times(db, row.id))
        approvals.give(db, _values(row, who, "refused", pins) | {"why": reason})
        deliveries.hold_piece(db, row.id, "refused", text)
        audit.write(db, who.now, who.name, "refused", piece=row.name, detail=reason)
    return f"{row.name} is refused. It is held until it is changed and approved."


def verify(desk: Desk) -> int:
    """End what was said of pieces that have changed since; how many. Told by mail to whoever had approved. Where nobody
    need approve any more, what waited for that goes its way."""
    if not desk.settings.desk.approval:
        return _let_go(desk)
    with desk.store.read() as db:
        words = approvals.uncompared(db, desk.settings.fingerprint())
    return sum(_compare(desk, word) for word in words)


def _let_go(desk: Desk) -> int:
    with desk.store.read() as db:
        found = approvals.waiting(db)
    if found:
        with desk.store.write() as db:
            deliveries.release(db, list(found), approvals.REASONS)
            for name in found.values():
                audit.write(
                    db, desk.clock(), audit.DESK, "released", piece=name, detail="No approval is wanted any more."
                )
    return len(found)


def _compare(desk: Desk, word: Any) -> int:
    piece = desk.library.piece(word)
    if piece is None:
        return 0  # saved again just now: the next pass comes to it
    why = _changed(desk, piece, word)
    with desk.store.write() as db:
        if not why:
            approvals.compared(db, word.id, word.newer)
            return 0
        now = desk.clock()
        if not approvals.void(db, word.id, now, "it has changed"):
            return 0  # another word was given meanwhile
        if word.decision == "refused":
            deliveries.release(db, [word.piece_id], ("refused",))
        else:
            text = f"{why} It needs a new approval."
            audit.write(db, now, audit.DESK, "approval void", piece=word.name, detail=text)
    return 1


def _changed(desk: Desk, piece: Piece, word: Any) -> str:
    """How the piece differs from what the word was on; "" where it does not."""
    different = f"{word.name} has changed since {word.by} approved it."
    if piece.status != "ready":
        return different
    try:
        digests = _rendered(desk.intake, piece)
    except Refused as error:
        return f"{error} It is not what {word.by} approved any more."
    with desk.store.read() as db:
        times = approvals.times(db, word.piece_id)
    now = desk.clock()
    kept = _is_same(word.pins, digests) and all(
        pin.is_time(word.pins[channel][part], row, now)
        for (channel, part), row in times.items()
        if part in word.pins.get(channel, {})
    )
    return "" if kept else different


def _is_same(pins: Mapping[str, Mapping[str, str]], digests: Digests) -> bool:
    """Whether it is the same messages on the same channels."""
    return pins.keys() == digests.keys() and all(
        pins[channel].keys() == parts.keys() and all(pin.is_text(pins[channel][part], parts[part]) for part in parts)
        for channel, parts in digests.items()
    )


def _known(desk: Desk, person: Person) -> Person:
    """The same, by the name that `config/team.toml` gives. Raises `Refused`."""
    return replace(person, name=team.named(desk.settings.authors, person.name))


def _wanted(desk: Desk, told: str) -> tuple[Any, Piece]:
    """The stored piece and its file as it stands. Raises `Refused`."""
    if not desk.settings.desk.approval:
        raise Refused(
            "This desk needs no approval. To have it so, write approval = true below [desk] in config/julki.toml."
        )
    with desk.store.read() as db:
        row = pieces.named(db, told, desk.settings.site.languages[0])
    if row is None or row.gone_at is not None:
        raise Refused(f"There is no piece '{told}'. Write it like fi/lupapalvelu, as julki plan shows it.")
    piece = desk.library.piece(row)
    if piece is None:
        raise Refused(f"{row.path} has errors, or was saved just now. See: julki check {row.path}. Then try again.")
    if piece.status != "ready":
        raise Refused(f"{row.name} is a draft: there is nothing to approve yet.")
    return row, piece


def _sound(intake: Intake, piece: Piece) -> Digests:
    """The messages of a piece that no channel objects to. Raises `Refused`."""
    for name in intake.goes_to(piece):
        with _guarded(piece, name):
            problems = intake.channels[name].check(piece, intake.view)
        errors = [one for one in problems if one.severity == "error"]
        if errors:
            raise Refused(f"{piece.path} can't go out on {name}: {errors[0].message}")
    if not intake.asked_for(piece):
        raise Refused(f"{piece.id} goes out nowhere: there is nothing to approve.")
    return _rendered(intake, piece)


def _rendered(intake: Intake, piece: Piece) -> Digests:
    """Raises `Refused` where a channel trips over the piece."""
    found: Digests = {}
    for name in intake.asked_for(piece):
        with _guarded(piece, name):
            found[name] = {one.part: one.digest() for one in intake.channels[name].render(piece, intake.view)}
    return found


@contextmanager
def _guarded(piece: Piece, channel: str) -> Iterator[None]:
    """One piece over which an adapter trips stops neither the pass nor the desk."""
    try:
        yield
    except Exception as error:
        log.exception("rendering failed", piece=piece.id, channel=channel)
        raise Refused(
            f"{piece.path} could not be prepared for {channel}; the log has the details. Change the piece, or take it off "
            f"{channel}."
        ) from error


def _pins(digests: Digests, times: Times) -> Digests:
    """Each message with the time of its delivery."""
    return {
        channel: {
            part: pin.of(digest, times[channel, part].due_at if (channel, part) in times else None)
            for part, digest in parts.items()
        }
        for channel, parts in digests.items()
    }


def _values(row: Any, person: Person, decision: str, pins: Digests) -> dict[str, Any]:
    """The stamp is left empty: the next pass compares once, and finds what it is."""
    return {"piece_id": row.id, "decision": decision, "by": person.name, "at": person.now, "pins": pins, "stamp": ""}
