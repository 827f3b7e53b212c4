"""`run`: the long run, or one round."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.screen import note, progress, say, watched
from scheduler.cli.session import session
from scheduler.cli.words import count

if TYPE_CHECKING:
    from scheduler.cli.servers import Servers
    from scheduler.daemon import Daemon
    from scheduler.desk.assemble import Desk
    from scheduler.desk.refresh import Outcome
    from scheduler.workspace import Workspace

_FEW_FINDINGS = 20
Counts = Mapping[tuple[str, str], int]


def run(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One round: read, plan, publish what is due, and end.")] = False,
) -> None:
    """Keep watch: what is saved is planned at once, and goes out at its time."""
    desk = session(ctx).desk("warning" if once else "info")
    if not once:
        raise typer.Exit(keep_watch(desk))
    code = _round(desk)
    desk.close()
    raise typer.Exit(code)


def keep_watch(desk: Desk) -> int:
    """The desk at work, until a signal ends it. Where the settings are read anew, with these; the lock is kept."""
    from scheduler.daemon import Daemon
    from scheduler.signals import Signals

    signals = Signals()
    signals.listen()
    daemon: Daemon | None = None
    while True:
        daemon = Daemon(desk, lock=daemon.lock if daemon else None, signals=signals)
        try:
            code = _watch(desk, daemon)
        finally:
            desk.close()
        if daemon.following is None:
            return code
        desk = _following(desk, daemon.following)


def _following(before: Desk, workspace: Workspace) -> Desk:
    """The desk of the new settings; should they not do after all, that of the old ones."""
    from scheduler.desk.assemble import assemble

    try:
        return assemble(workspace, before.clock)
    except Exception as error:  # noqa: BLE001  whatever it is, the calendar goes on
        note(f"The new settings can't be used ({error}); the desk goes on with those it had.")
        return assemble(before.workspace, before.clock)


def _watch(desk: Desk, daemon: Daemon) -> int:
    """One run, with the site and the console beside it."""
    from scheduler.cli.servers import Servers

    servers = Servers(desk, daemon)

    def started() -> None:
        servers.start()
        say(f"Julki is up and watches {desk.workspace.root / 'content'}. {_addresses(servers)}Stop it with Ctrl-C.")
        sys.stdout.flush()

    try:
        return daemon.run(started)
    finally:
        servers.stop()


def _addresses(servers: Servers) -> str:
    told = [("The site", servers.site), ("The console", servers.console)]
    return "".join(f"{what}: {address} . " for what, address in told if address)


def _round(desk: Desk) -> int:
    from scheduler.desk import guard, once
    from scheduler.store.lock import Lock

    lock = Lock(desk.store.path)
    lock.take(desk.clock(), "julki run --once")
    try:
        for reason in guard.check(desk.store, desk.settings.zone, desk.clock()):
            note(reason)
        with progress("reading") as advance:
            outcome = once.refresh(desk, advance)
        before = _counts(desk)
        once.start(desk)
        moved = _publish(desk)
        _measure(desk)
    finally:
        guard.keep(desk.store)
        lock.release()
    return _tell(desk, outcome, before, moved)


def _counts(desk: Desk) -> Counts:
    from scheduler.store import deliveries

    with desk.store.read() as db:
        return deliveries.counts(db)


def _of(counts: Counts, *states: str) -> int:
    return sum(number for (_, state), number in counts.items() if state in states)


def _publish(desk: Desk) -> int:
    """With a bar where somebody watches: what is out already, of what was waiting."""
    from scheduler.desk import once

    if not watched(sys.stderr):
        return once.publish(desk)
    at_first = _of(_counts(desk), "published")
    done = threading.Event()
    with progress("publishing") as advance:
        total = _due(desk)

        def watch() -> None:
            while not done.wait(0.3):
                advance(_of(_counts(desk), "published") - at_first, total)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            return once.publish(desk)
        finally:
            done.set()
            watcher.join()


def _measure(desk: Desk) -> None:
    """What is out is out: whatever becomes of this, the round was as it was."""
    from scheduler.desk.measure import Measures

    try:
        Measures(desk, desk.channels).work()
    except Exception as error:  # noqa: BLE001  the next round tries it again
        note(f"How far the posts reached could not be measured ({type(error).__name__}); the next round tries again.")


def _due(desk: Desk) -> int:
    from scheduler.store import deliveries

    with desk.store.read() as db:
        rows = deliveries.planned(db, desk.clock())
    return sum(row.due_at is not None and row.state != "held" for row in rows)


def _tell(desk: Desk, outcome: Outcome, before: Counts, moved: int) -> int:
    from scheduler.calendar.report import as_text
    from scheduler.desk import once

    findings, waiting = once.troubles(desk)
    for finding in findings[:_FEW_FINDINGS]:
        note(as_text(finding))
    if len(findings) > _FEW_FINDINGS:
        note(f"… and {count(len(findings) - _FEW_FINDINGS, 'error')} more; see them all with: julki check")
    for path, reason in outcome.refused:
        note(f"{path}:1:1: error unreadable: {path} {reason}")
    if outcome.missing_root:
        note("The folder content/ is missing or empty. Is it mounted? Nothing is taken off until it is back.")
    after = _counts(desk)
    say(_summary(outcome, before, after, moved))
    if waiting:
        states = [state for state in ("held", "failed", "publishing") if _of(after, state)]
        note("See why with: " + ", ".join(f"julki queue --state {state}" for state in states or ["published"]))
    return 1 if findings or waiting or outcome.refused or outcome.missing_root else 0


def _summary(outcome: Outcome, before: Counts, after: Counts, moved: int) -> str:
    out = _of(after, "published") - _of(before, "published")
    parts = [f"{count(outcome.read, 'file')} read", f"{count(max(out, 0), 'delivery', 'deliveries')} went out"]
    if not moved:
        parts = [*parts[:1], "nothing was due"]
    for state, told in (("held", "held"), ("failed", "failed"), ("publishing", "not settled yet")):
        if number := _of(after, state):
            parts.append(f"{number:,} {told}")
    if number := _of(after, "planned", "retrying"):
        parts.append(f"{number:,} still to come")
    return ", ".join(parts) + "."
