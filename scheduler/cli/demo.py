"""`demo`: the example workspace, alive, on this machine alone."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli.screen import say
from scheduler.cli.session import Session, now
from scheduler.cli.words import clean, count

_KINDS = {"news": "news", "blog": "blog post", "video": "video", "events": "event"}
"""By folder."""

if TYPE_CHECKING:
    from scheduler.daemon import Daemon
    from scheduler.desk.assemble import Desk


def demo(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where; var/demo below this folder.", show_default=False)
    ] = None,
    seconds: Annotated[int, typer.Option(metavar="N", min=0, help="Stop by itself after so long; 0: Ctrl-C.")] = 0,
) -> None:
    """See Julki at work: the example calendar, moved around today, in a folder of its own."""
    place = (folder or Path("var") / "demo").absolute()
    _prepare(place)
    desk = Session(place).desk("warning")
    raise typer.Exit(_play(desk, seconds))


def _prepare(place: Path) -> None:
    """Copy, move the calendar so that its middle is today, and let four pieces go out at once."""
    from scheduler.cli import rehearsal

    rehearsal.make(place, rehearsal.source())
    reader = Session(place).reader()
    zone = reader.workspace.settings.zone
    today = now().astimezone(zone).date()
    middle = rehearsal.middle(rehearsal.pieces(reader), reader)
    reader.close()
    rehearsal.shift(place, (today - middle).days if middle else 0)
    rehearsal.settle(place, today)
    reader = Session(place).reader()
    start = now()
    chosen = rehearsal.stars(rehearsal.pieces(reader), reader, start)
    reader.close()
    rehearsal.schedule(place, chosen, now(), zone.key)


def _play(desk: Desk, seconds: int) -> int:
    from scheduler.cli.servers import Servers
    from scheduler.daemon import Daemon

    daemon = Daemon(desk)
    servers = Servers(desk, daemon)
    teller = threading.Thread(target=_tell, args=(desk, daemon), name="teller", daemon=True)

    def started() -> None:
        servers.start()
        _tell_where(desk, servers)
        teller.start()
        if seconds:
            end = threading.Timer(seconds, daemon.stop.set)
            end.daemon = True
            end.start()

    daemon.signals.listen()
    try:
        return daemon.run(started)
    finally:
        servers.stop()
        if teller.is_alive():
            teller.join(3)
        desk.close()


def _tell_where(desk: Desk, servers: Any) -> None:
    root = desk.workspace.root
    say(f"The demo's workspace is {root}. Nothing leaves this machine.\n")
    for what, address in (("The site", servers.site), ("The desk's console", servers.console)):
        if address:
            say(f"  {what:20} {address}")
    for name, channel in desk.settings.channels.items():
        say(f"  {name + (' (sandbox)' if channel.sandbox else ''):20} {_where(root, name, channel.options)}")
    say(f"  {'The pieces':20} {root / 'content'}")
    say("\nFour pieces go out in the next seconds. Change a file, or drop in another, and see. Stop with Ctrl-C.\n")
    sys.stdout.flush()


def _where(root: Path, name: str, options: Any) -> Path:
    """The folder or file of a channel that stays on this machine."""
    told = next((value for key in ("path", "outbox", "maildir") if (value := getattr(options, key, ""))), "var")
    return root / str(told).replace("<name>", name)


def _tell(desk: Desk, daemon: Daemon) -> None:
    """A line for each thing that goes out; what is archive is counted only."""
    from scheduler.store import deliveries

    seen: set[int] = set()
    while True:
        ended = daemon.stop.wait(1.0)
        with desk.store.read() as db:
            rows = [row for row in deliveries.queue(db, "published") if row.id not in seen]
        archive = [row for row in rows if row.due_at is None or row.due_at < desk.settings.since]
        if archive:
            told = count(len(archive), "older delivery is", "older deliveries are")
            _line(f"{told} out: the archive, on the website and in the feeds.")
        fresh = [row for row in rows if row.due_at is not None and row.due_at >= desk.settings.since]
        for row in sorted(fresh, key=lambda row: row.published_at):
            _line(_sentence(row, desk))
        seen |= {row.id for row in rows}
        if ended:
            return


def _sentence(row: Any, desk: Desk) -> str:
    part = "" if row.part == "main" else f", part {row.part},"
    clock = row.published_at.astimezone(desk.settings.zone)
    kind = _KINDS.get(row.path.split("/")[1], "piece")
    return f"{clock:%H:%M:%S}  {kind}: “{row.title}”{part} is out on {row.channel}."


def _line(text: str) -> None:
    typer.echo(clean(text))
    sys.stdout.flush()
