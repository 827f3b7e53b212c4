"""What an approval keeps of one part of a piece: the hash of its message, and when it is due."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Timed(Protocol):
    """A delivery's time; `period` names its edition, and is empty where it is in none."""

    due_at: datetime | None
    period: str


def of(digest: str, due_at: datetime | None) -> str:
    """Both in one text, as the store keeps it."""
    return f"{digest} {due_at.isoformat() if due_at else ''}"


def is_text(pinned: str, digest: str) -> bool:
    return pinned.partition(" ")[0] == digest


def is_time(pinned: str, row: Timed, now: datetime) -> bool:
    """Whether it is due when that was approved. An edition takes it later than that only where its own was over by then,
    and that is the desk's doing."""
    text = pinned.partition(" ")[2]
    due = datetime.fromisoformat(text) if text else None
    if row.due_at == due:
        return True
    return bool(row.period) and due is not None and row.due_at is not None and due <= now and due < row.due_at
