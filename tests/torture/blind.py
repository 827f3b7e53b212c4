"""The self-check: what a desk would do that simply tries again. It shows that the harness can see a double."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, update

from scheduler.store.core import ATTEMPT, DELIVERY
from scheduler.store.engine import open_store


def retry(root: Path) -> int:
    """Between a kill and the next start: every open attempt to publish is forgotten, and its delivery planned anew.
    How many those were."""
    store = open_store("sqlite:///var/julki.db", root)
    now = datetime.now(UTC)
    mine = (ATTEMPT.c.outcome.is_(None), ATTEMPT.c.purpose == "publish")
    try:
        with store.write() as db:
            ids = list(db.execute(select(ATTEMPT.c.delivery_id).where(*mine)).scalars())
            db.execute(update(ATTEMPT).where(*mine).values(outcome="unavailable", ended_at=now))
            again = {"state": "planned", "ready_at": now, "generation": DELIVERY.c.generation + 1}
            db.execute(update(DELIVERY).where(DELIVERY.c.id.in_(ids)).values(again))
    finally:
        store.close()
    return len(ids)
