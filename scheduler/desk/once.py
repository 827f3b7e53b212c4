"""One round by hand: scan, plan, publish what is due. What `run --once` does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from channels.contract import Batching
from scheduler.calendar.finding import Finding
from scheduler.delivery import acts, batch, reconcile
from scheduler.desk import approve
from scheduler.desk import refresh as refreshing
from scheduler.desk.assemble import Desk
from scheduler.store import attempts, deliveries

OVERDUE = timedelta(minutes=10)
_STILL = 0.45
_MOST_LOOKS = 20


def refresh(desk: Desk, progress: refreshing.Progress | None = None) -> refreshing.Outcome:
    """A pass over the files; files that are just being written are waited for, a few seconds at most."""
    outcome = look(desk, progress)
    for _ in range(_MOST_LOOKS):
        if not outcome.again:
            break
        time.sleep(_STILL)
        outcome = look(desk, progress)
    return outcome


def look(desk: Desk, progress: refreshing.Progress | None = None) -> refreshing.Outcome:
    """One pass: from the files to the plan, and what was said of pieces that have changed ends."""
    outcome = desk.refresh.run(desk.clock(), progress)
    approve.verify(desk)
    return outcome


def start(desk: Desk, *, again: bool = False) -> None:
    """What a start asks for: a theme or a setting that changed reaches every page, and a backlog waits for a person.
    `again`: the desk was at work until now, and only its settings are new."""
    for lane in desk.lanes:
        if isinstance(lane.channel, Batching):
            batch.call(lane.channel, lane.setup, [])
    reconcile.abandon(desk.store, desk.channels, desk.clock())
    if not again:
        brake(desk)


def brake(desk: Desk, channels: Iterable[str] | None = None) -> None:
    """After a start, or a sleep: a backlog asks before it goes out."""
    now = desk.clock()
    for name in desk.channels if channels is None else channels:
        acts.brake(desk.store, name, desk.settings.desk.backlog, now - OVERDUE, now, partial(_begins, desk, name))


def _begins(desk: Desk, channel: str, due: datetime) -> datetime:
    """When what is due then may go out there."""
    hours = desk.settings.channels[channel].hours
    return hours.next(due, desk.settings.zone) if hours else due


def rewind(desk: Desk, channels: Iterable[str]) -> None:
    """The clock was set back: nothing waits for a time that was reckoned by the wrong one."""
    with desk.store.write() as db:
        for name in channels:
            deliveries.rewind(db, name, desk.clock())
            attempts.rewind(db, name, desk.clock())


def publish(desk: Desk) -> int:
    """Every lane, side by side, until nothing moves any more; how many deliveries moved. Retries are not waited for."""
    total = 0
    with ThreadPoolExecutor(len(desk.lanes) or 1, thread_name_prefix="lane") as pool:
        try:
            while moved := sum(pool.map(lambda lane: lane.work(), desk.lanes)):
                total += moved
        except KeyboardInterrupt:
            desk.stop.set()
            raise
    return total


def troubles(desk: Desk) -> tuple[list[Finding], int]:
    """The errors in the files, and how many deliveries are held, failed or not settled."""
    findings = [one for one in refreshing.findings(desk.store) if one.severity == "error"]
    with desk.store.read() as db:
        counts = deliveries.counts(db)
        unsettled = attempts.open_count(db)
    return findings, unsettled + sum(number for (_, state), number in counts.items() if state in ("held", "failed"))
