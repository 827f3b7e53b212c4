"""Four eyes: one person writes, another says yes to what every channel would publish, to the letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.piece import Piece
from scheduler.delivery.acts import Person, Refused
from scheduler.desk.assemble import Desk
from scheduler.desk.intake import Intake
from scheduler.people import Author
from scheduler.store import approvals, audit, deliveries, pieces

Pins = dict[str, dict[str, str]]
"""Channel → part → hash of the message."""


def approve(desk: Desk, told: str, person: Person) -> str:
    """The piece may go out as it stands now. Raises `Refused`. Answers what was approved, in plain words."""
    row, piece = _wanted(desk, told)
    if _is_own(person.name, piece.authors, desk.settings.authors):
        raise Refused(f"{row.name} is {person.name}'s own piece. Somebody else has to approve it: --by NAME")
    pins = _pins(desk.intake, piece)
    with desk.store.write() as db:
        approvals.give(db, _values(row, person, "approved", pins))
        deliveries.release(db, [row.id], ("approval", "refused"))
        deliveries.mark_changed(db, [row.id])
        audit.write(
            db, person.now, person.name, "approved", piece=row.name, detail=", ".join(desk.intake.goes_to(piece))
        )
    goes = ((name, len(pins[name])) for name in desk.intake.asked_for(piece))
    where = ", ".join(f"{name} ({number} posts)" if number > 1 else name for name, number in goes)
    return f"{row.name} is approved as it stands now, for {where}. Any change to it ends that."


def refuse(desk: Desk, told: str, person: Person, reason: str) -> str:
    """The piece does not go out before it is changed and approved."""
    row, piece = _wanted(desk, told)
    why = f"{person.name} refused it{f': {reason}' if reason else ''}."
    text = f"{why} Change {row.path}, then: julki approve {row.name} --by NAME"
    with desk.store.write() as db:
        approvals.give(db, _values(row, person, "refused", _pins(desk.intake, piece)) | {"why": reason})
        deliveries.hold_piece(db, row.id, "refused", text)
        audit.write(db, person.now, person.name, "refused", piece=row.name, detail=reason)
    return f"{row.name} is refused. It is held until it is changed and approved."


def verify(desk: Desk) -> int:
    """End what was said of pieces that have changed since; how many. Told by mail to whoever had approved."""
    if not desk.settings.desk.approval:
        return 0
    with desk.store.read() as db:
        words = approvals.uncompared(db, desk.settings.fingerprint())
    return sum(_compare(desk, word) for word in words)


def _compare(desk: Desk, word: Any) -> int:
    piece = desk.library.piece(word)
    if piece is None:
        return 0  # saved again just now: the next pass comes to it
    same = piece.status == "ready" and _rendered(desk.intake, piece) == word.pins
    with desk.store.write() as db:
        if same:
            approvals.compared(db, word.id, word.newer)
            return 0
        now = desk.clock()
        approvals.end(db, word.piece_id, now, "it has changed")
        if word.decision == "refused":
            deliveries.release(db, [word.piece_id], ("refused",))
        else:
            text = f"{word.name} has changed since {word.by} approved it. It needs a new approval."
            audit.write(db, now, audit.DESK, "approval void", piece=word.name, detail=text)
    return 1


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


def _pins(intake: Intake, piece: Piece) -> Pins:
    for name in intake.goes_to(piece):
        errors = [one for one in intake.channels[name].check(piece, intake.view) if one.severity == "error"]
        if errors:
            raise Refused(f"{piece.path} can't go out on {name}: {errors[0].message}")
    if not intake.asked_for(piece):
        raise Refused(f"{piece.id} goes out nowhere: there is nothing to approve.")
    return _rendered(intake, piece)


def _rendered(intake: Intake, piece: Piece) -> Pins:
    return {
        name: {message.part: message.digest() for message in intake.channels[name].render(piece, intake.view)}
        for name in intake.asked_for(piece)
    }


def _values(row: Any, person: Person, decision: str, pins: Pins) -> dict[str, Any]:
    """The stamp is left empty: the next pass compares once, and finds what it is."""
    return {"piece_id": row.id, "decision": decision, "by": person.name, "at": person.now, "pins": pins, "stamp": ""}


def _is_own(name: str, authors: tuple[str, ...], team: Mapping[str, Author]) -> bool:
    """Whether that is one of the authors, by key, by whole or first name, or by mail address."""
    own: set[str] = set()
    for author in authors:
        own |= {author, *author.split()[:1]}
        if known := team.get(author):
            own |= {known.name, known.name.split()[0], known.email}
    return name.strip().casefold() in {one.casefold() for one in own if one}
