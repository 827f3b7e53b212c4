"""An edition that went out, or of which nobody knows whether it did: what becomes of the deliveries that are in it.

No piece may be in two editions, so what is in such a message never goes out by itself in another one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from channels.contract import Receipt
from scheduler.delivery import outcome
from scheduler.delivery.outcome import Act
from scheduler.store import attempts, deliveries, editions
from scheduler.store.attempts import Claim

ASKED = "uncertain"
_MOST_NAMES = 10
Fate = Literal["out", "not out", "again", "ask", "wait"]


def fate(edition: Any, members: Sequence[Any], going: Collection[int], drafts: Collection[int], now: datetime) -> Fate:
    """What is to be done. `going`: the members that may go now; `drafts`: those whose file says `draft`. Pure.

    Where a person was asked and planned one of them afresh, that is the word that the edition is not out."""
    states = {one.state for one in members}
    if edition.state == "published" or states & {"published", "withdrawn"}:
        return "out"
    if "publishing" in states:
        return "wait"
    if edition.state == ASKED and any(one.state == "planned" and one.attempts == 0 for one in members):
        return "not out"
    if any(_change(edition, one, drafts, now) for one in members):
        return "ask"
    return "again" if members and all(one.id in going for one in members) else "wait"


def _change(edition: Any, one: Any, drafts: Collection[int], now: datetime) -> str:
    """Why the delivery would not be in the edition if that were made now; "" where it would."""
    if one.state not in ("planned", "retrying"):
        return str(one.state) if one.reason != "uncertain" else "held"
    if one.gone_at is not None:
        return "its file is gone"
    if one.id in drafts:
        return "a draft"
    elsewhere = (one.lang, one.segment) != (edition.language, edition.segment)
    later = one.due_at is None or (one.due_at > now and not one.waived)
    return "moved" if elsewhere or later else ""


def ask(db: Connection, edition: Any, members: Sequence[Any], drafts: Collection[int], look: str, now: datetime) -> int:
    """All that could still go out waits for a person, who is told what is inside; how many that are."""
    names = [_named(one, _change(edition, one, drafts, now)) for one in members]
    shown = ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" * (len(names) > _MOST_NAMES))
    tail = (
        f"In the edition {edition.period} are: {shown}. What you say of one of them counts for all of them that are "
        "held; skip first what should not go."
    )
    known = edition.state == ASKED
    asked = sum(_ask(db, one, look, tail, known, now) for one in members)
    if asked and not known:
        editions.put(db, _named_row(edition) | {"state": ASKED})
    return asked


def _named(one: Any, change: str) -> str:
    return f"{one.name} ({change})" if change and one.reason != "uncertain" else str(one.name)


def _ask(db: Connection, one: Any, look: str, tail: str, known: bool, now: datetime) -> bool:
    if one.state == "held" and one.reason == "uncertain":
        return not known and deliveries.move(db, one.id, ("held",), error=f"{one.error.rstrip('.')}. {tail}")
    if one.state not in ("planned", "retrying", "held"):
        return False
    where = f" Look at {look}." if look else ""
    message = (
        f"It may be out or not: the edition that it is in was sent, and nobody knows whether it arrived.{where} If it is "
        f"out: julki confirm {one.id} ADDRESS. If it is not: julki retry {one.id}, or julki skip {one.id}. {tail}"
    )
    held = deliveries.move(db, one.id, (one.state,), state="held", reason="uncertain", error=message)
    if held:
        outcome.note(db, Act(one.id, one.name, one.channel, one.attempts), now, "held", message)
    return held


def follow(db: Connection, edition: Any, members: Sequence[Any], key: str, owner: str, now: datetime) -> int:
    """The edition is out, and so is what is in it; how many that are. What a person skipped stays so, and says it."""
    seen = next((one for one in members if one.state == "published"), None)
    receipt = Receipt(seen.remote_id, seen.permalink, seen.receipt or {}) if seen else Receipt(edition.remote_id)
    if edition.state != "published":
        at = seen.published_at if seen else now
        out = {"state": "published", "published_at": at, "remote_id": receipt.remote_id}
        editions.put(db, _named_row(edition) | out)
        _tell_the_others(db, edition, members)
    return sum(_follow(db, edition, one, receipt, key, owner, now) for one in members)


def _follow(db: Connection, edition: Any, one: Any, receipt: Receipt, key: str, owner: str, now: datetime) -> bool:
    act = Act(one.id, one.name, one.channel, one.attempts, key=key)
    detail = f"in edition {edition.period}"
    if one.state in ("planned", "retrying"):
        ours = attempts.claim(db, one.channel, [Claim(one.id, key, one.digest, one.generation)], owner, now)
        if ours:
            outcome.succeeded(db, act, receipt, now, detail)
        return bool(ours)
    if one.state != "held":
        return False
    values = {"remote_id": receipt.remote_id, "permalink": receipt.permalink, "receipt": dict(receipt.data)}
    out = {"state": "published", "published_at": now, "reason": "", "error": ""}
    moved = deliveries.move(db, one.id, ("held",), **out, **values)
    if moved:
        outcome.note(db, act, now, "published", detail)
    return moved


def _tell_the_others(db: Connection, edition: Any, members: Sequence[Any]) -> None:
    text = f"It is out all the same: it was in the edition {edition.period} already."
    for one in members:
        if one.state in ("skipped", "failed", "cancelled"):
            deliveries.move(db, one.id, (one.state,), error=text)


def answer(db: Connection, edition: Any, members: Sequence[Any], now: datetime) -> int:
    """A person said that it is not out: what is still wanted of it goes into one made anew; how many were waiting."""
    editions.put(db, _named_row(edition) | {"state": "failed"})
    fresh = {"state": "planned", "reason": "", "error": "", "attempts": 0}
    held = [one for one in members if one.state == "held" and one.reason == "uncertain"]
    return sum(deliveries.move(db, one.id, ("held",), **fresh, **_when(one, now)) for one in held) + 1


def _when(one: Any, now: datetime) -> dict[str, Any]:
    early = one.due_at is None or one.due_at > now
    return {"ready_at": one.due_at if early else now, "waived": not early}


def _named_row(edition: Any) -> dict[str, Any]:
    return {name: getattr(edition, name) for name in ("channel", "period", "language", "segment")}
