"""Every way that a delivery can go, up to two decisions of the environment: nothing twice, nothing lost.

Wider and deeper: `python -m tests.model --depth 3`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update

from channels.contract import Receipt
from scheduler.delivery.lane import Lane
from scheduler.store.core import ATTEMPT, DELIVERY
from tests.model.remote import KINDS
from tests.model.search import explore
from tests.model.verdict import Broken

_FEWEST = {"readable": 400, "mute": 400, "idempotent": 400, "pages": 400, "thread": 150}


@pytest.mark.parametrize("name", list(KINDS))
def test_nothing_goes_out_twice_and_nothing_is_lost_whatever_happens(name: str) -> None:
    depth = 1 if name == "thread" else 2
    tally = explore(KINDS[name], depth, wide=name == "thread")
    print(tally)
    assert tally.whole
    assert tally.transitions > _FEWEST[name]


class Blind(Lane):
    """Takes every open attempt for one that did not go out."""

    def work(self, now: datetime | None = None) -> int:
        with self.setup.store.write() as db:
            open_ones = ATTEMPT.c.outcome.is_(None)
            if db.execute(update(ATTEMPT).where(open_ones).values(outcome="repeat")).rowcount:
                stuck = DELIVERY.c.state == "publishing"
                db.execute(update(DELIVERY).where(stuck).values(state="retrying", reason="uncertain"))
        return super().work(now)


class Hopeful(Lane):
    """Takes every failure for a success."""

    def _failed(self, db: Any, act: Any, error: Exception, **told: Any) -> None:
        self._succeeded(db, act, Receipt("remote-1"))


class Forgetful(Lane):
    """Never comes back to what it left open."""

    def work(self, now: datetime | None = None) -> int:
        with self.setup.store.read() as db:
            left = db.execute(ATTEMPT.select().where(ATTEMPT.c.outcome.is_(None))).first()
        return 0 if left else super().work(now)


class Strict(Lane):
    """Does what only the writer's file may do."""

    def _failed(self, db: Any, act: Any, error: Exception, **told: Any) -> None:
        super()._failed(db, act, error)
        values = {"state": "cancelled", "reason": "", "error": ""}
        db.execute(update(DELIVERY).where(DELIVERY.c.state == "retrying").values(values))


@pytest.mark.parametrize(
    ("lane", "kind", "why"),
    [
        (Blind, "readable", "is out 2 times"),
        (Blind, "mute", "is out 2 times"),
        (Hopeful, "readable", "the remote has nothing of it"),
        (Forgetful, "idempotent", "never comes to rest"),
        (Strict, "readable", "the lane made cancelled of retrying"),
    ],
)
def test_the_search_finds_what_is_wrong(lane: type[Lane], kind: str, why: str) -> None:
    with pytest.raises(Broken, match=why):
        explore(KINDS[kind], 2, lane=lane, wide=False)
