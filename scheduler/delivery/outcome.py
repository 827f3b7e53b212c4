"""Writing down how an attempt ended: always attempt and delivery together, in one commit."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from channels.contract import Receipt
from channels.errors import ChannelError, Uncertain
from scheduler.delivery import retry
from scheduler.store import attempts, audit, breakers, deliveries, pauses

log = structlog.get_logger("julki.delivery")


@dataclass(frozen=True, slots=True)
class Act:
    """One delivery that an attempt is open for: its row's `id`, `name`, `attempts`, the purpose, and the attempt's key
    ("" where there is no attempt)."""

    delivery: int
    piece: str
    channel: str
    attempts: int
    purpose: str = "publish"
    key: str = ""


def succeeded(
    db: Connection, act: Act, receipt: Receipt | None, now: datetime, detail: str = "", since: datetime | None = None
) -> None:
    """The remote's receipt. A withdrawal has none. `since`: when it was sent, where that was found out later."""
    done = "withdrawn" if act.purpose == "withdraw" else "published"
    values: dict[str, Any] = {"error": "", "reason": ""}
    if act.purpose == "withdraw":
        values |= {"state": "withdrawn", "withdraw": False, "changed": 0}
    elif receipt is not None:
        values |= {"remote_id": receipt.remote_id, "permalink": receipt.permalink, "receipt": dict(receipt.data)}
    if act.purpose == "publish":
        values |= {"state": "published", "published_at": since or now}
    if attempts.settle(db, act.delivery, act.key, done, now, values):
        _audit(db, act, now, done, detail or (receipt.permalink if receipt else ""))


def revised(db: Connection, act: Act, receipt: Receipt, digest: str, now: datetime) -> None:
    values: dict[str, Any] = {"digest": digest, "error": "", "reason": ""}
    values |= {"remote_id": receipt.remote_id, "permalink": receipt.permalink, "receipt": dict(receipt.data)}
    if attempts.settle(db, act.delivery, act.key, "revised", now, values):
        _audit(db, act, now, "revised", receipt.permalink)


ALONE = "alone"
"""The reason of a post that is tried again without answering another."""


def alone(db: Connection, act: Act, error: Exception, now: datetime) -> None:
    """What it was to answer can't be answered; it was provably not accepted. It is sent by itself, at once."""
    text = told(error)
    values = {"state": "retrying", "ready_at": now, "reason": ALONE, "error": f"It goes out by itself: {text}"}
    attempts.settle(db, act.delivery, act.key, "rejected", now, values, text)
    _audit(db, act, now, ALONE, text)


def failed(db: Connection, act: Act, error: Exception, now: datetime, most: timedelta | None = None) -> None:
    """Act on what `retry.decide` says of the error. `most`: so long the next try may be away, where the channel can't be
    reached."""
    text = told(error)
    opened = breakers.get(db, act.channel)
    down = opened is not None and opened.opened_at is not None
    decision = retry.decide(error, act.attempts, now, random.random(), down=down)  # noqa: S311  jitter, not a secret
    if act.purpose != "publish":
        _touch_failed(db, act, decision, text, now)
        return
    values: dict[str, Any]
    match decision:
        case retry.Reconcile():
            twin = isinstance(error, Uncertain) and error.twin
            attempts.leave_open(db, act.delivery, act.key, now, text, twin=twin)
        case retry.Retry(at=at, reason=reason, counted=counted):
            count = act.attempts if counted else act.attempts - 1
            at = min(at, now + most) if most and reason == "unavailable" else at
            values = {"state": "retrying", "ready_at": at, "attempts": count, "reason": reason, "error": text}
            attempts.settle(db, act.delivery, act.key, reason, now, values, text)
        case retry.Fail(reason=reason):
            values = {"state": "failed", "reason": reason, "error": text}
            attempts.settle(db, act.delivery, act.key, reason, now, values, text)
        case retry.Hold(reason=reason, pause=pause):
            values = {"state": "held", "reason": reason, "error": text}
            attempts.settle(db, act.delivery, act.key, reason, now, values, text)
            if pause:
                _pause(db, act.channel, text, now)
    _audit(db, act, now, type(decision).__name__.lower(), text)
    log.warning("not published", piece=act.piece, channel=act.channel, decision=type(decision).__name__, error=text)


def _touch_failed(db: Connection, act: Act, decision: retry.Decision, text: str, now: datetime) -> None:
    """What is out stays out. Revising and withdrawing may be asked for twice, so an unknown outcome is tried again."""
    again = decision.at if isinstance(decision, retry.Retry) else now + timedelta(minutes=1)
    values: dict[str, Any] = {"ready_at": again, "error": text}
    if isinstance(decision, retry.Fail):
        values |= {"withdraw": False, "ready_at": now + timedelta(days=1)}
    elif act.purpose == "revise":
        values |= {"changed": 1}
    attempts.settle(db, act.delivery, act.key, "failed", now, values, text)
    _audit(db, act, now, f"{act.purpose} failed", text)


def repeat(db: Connection, act: Act, error: str, at: datetime, now: datetime) -> None:
    """Nobody knows how it ended, and asking again can do no harm."""
    values: dict[str, Any] = {"ready_at": at, "error": error}
    if act.purpose == "publish":
        values |= {"state": "retrying", "reason": "uncertain"}
    elif act.purpose == "revise":
        values |= {"changed": 1}
    attempts.settle(db, act.delivery, act.key, "repeat", now, values, error)


def hold(db: Connection, act: Act, reason: str, message: str, now: datetime, seen: Any = None) -> bool:
    """A delivery that has no attempt under way waits for a person; unless the row is no longer as it was `seen`, or the
    pause for which it was to be held is over."""
    if reason == "paused" and not pauses.current(db):
        return False
    values = {"state": "held", "reason": reason, "error": message}
    moved = deliveries.move(db, act.delivery, ("planned", "retrying"), seen=seen, **values)
    if moved:
        _audit(db, act, now, "held", message)
        log.warning("held", piece=act.piece, channel=act.channel, reason=reason, delivery=act.delivery)
    return moved


def note(db: Connection, act: Act, now: datetime, what: str, detail: str) -> None:
    """Remember what the desk did."""
    _audit(db, act, now, what, detail)


def log_bug(error: Exception, act: Act | None) -> None:
    """A channel's own error is expected; anything else goes to the log whole, for whoever mends the adapter."""
    if not isinstance(error, ChannelError):
        log.error("unexpected error in a channel", piece=act.piece if act else "", exc_info=error)


def _pause(db: Connection, channel: str, why: str, now: datetime) -> None:
    if not any(pause.scope == "channel" and pause.name == channel for pause in pauses.current(db)):
        pauses.begin(db, "channel", channel, why, audit.DESK, now)


def _audit(db: Connection, act: Act, now: datetime, what: str, detail: str) -> None:
    audit.write(db, now, audit.DESK, what, piece=act.piece, channel=act.channel, delivery=act.delivery, detail=detail)


def told(error: Exception) -> str:
    """The error for people. A known one's text is made for them; a bug's is not shown whole."""
    if isinstance(error, ChannelError):
        said = str(error).strip()
        stop = "" if not said or said.endswith((".", "!", "?", "…")) or not error.hint else "."
        return f"{said}{stop} {error.hint}".strip()
    return f"An unexpected error in the channel ({type(error).__name__}); the log has the details."
