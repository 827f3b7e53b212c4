"""What the gate has to know about due rows: pauses, pages, predecessors, approvals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from scheduler.delivery import gate
from scheduler.delivery.setup import Setup
from scheduler.store import approvals, breakers, dues, pauses


def gather(rows: Sequence[Any], channel: str, setup: Setup) -> dict[int, gate.Facts]:
    """Row's number → what there is to know, all of one moment."""
    with setup.store.read() as db:
        stopped = pauses.current(db)
        condition = breakers.get(db, channel)
        own = [name for name in setup.pages if name != channel]
        pages = dues.pages(db, [row.piece_id for row in rows], own) if own else {}
        words = approvals.standing(db, [row.piece_id for row in rows]) if setup.approval else {}
        found = {}
        for row in rows:
            page = pages.get(row.piece_id)
            found[row.id] = gate.Facts(
                setup.zone,
                stopped,
                after=_after(db, row, channel) if row.after_id else None,
                page=gate.Other(*page) if page else None,
                before=_before(db, row, channel) if row.part.isdigit() or row.replies_to is not None else None,
                word=_word(words.get(row.piece_id)) if setup.approval else None,
                hours=setup.limits_of(channel).hours,
                trouble=condition.error if condition and condition.opened_at else "",
            )
        return found


def _word(row: Any) -> gate.Word:
    return gate.Word(row.decision, row.by, row.why, row.pins) if row else gate.Word()


def _after(db: Connection, row: Any, channel: str) -> gate.Other:
    """On the same channel, else wherever it is furthest."""
    others = dues.others(db, row.after_id)
    name = dues.name(db, row.after_id)
    same = [other for other in others if other.channel == channel]
    chosen = min(same or others, key=_how_far, default=None)
    return gate.Other(name, chosen.state, chosen.published_at) if chosen else gate.Other(name, gate.NOWHERE)


def _before(db: Connection, row: Any, channel: str) -> gate.Other | None:
    """The post that is corrected; the previous post of the thread that was not skipped."""
    thread = dues.thread(db, row.piece_id, channel)
    if row.replies_to is not None:
        other = next((other for other in thread if other.id == row.replies_to), None)
        return gate.Other("which it corrects", other.state, other.published_at) if other else None
    earlier = [
        other
        for other in thread
        if other.part.isdigit() and int(other.part) < int(row.part) and other.state != "skipped"
    ]
    last = max(earlier, key=lambda other: int(other.part), default=None)
    return gate.Other(f"part {last.part}", last.state, last.published_at) if last else None


def _how_far(other: Any) -> int:
    """What is out first, then what may still come."""
    return 0 if other.state == "published" else 2 if other.state in gate.GONE else 1
