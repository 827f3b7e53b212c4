"""What vanished files left live, for `check`: the one thing that only the database knows."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from channels.contract import can_withdraw
from scheduler.calendar.finding import Finding
from scheduler.calendar.identity import Trace, match

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from scheduler.cli.survey import Survey
    from scheduler.desk.reader import Reader
    from scheduler.workspace import Workspace


_DATABASE = "config/julki.toml"


def findings(reader: Reader, seen: Survey) -> list[Finding]:
    """A warning for each piece that is live, where it can be taken back, although its file is gone. Opens no database
    that is not there."""
    workspace = reader.workspace
    if seen.scan.missing_root or not _database(workspace):
        return []
    from scheduler.store import deliveries
    from scheduler.store.engine import BadDatabase, open_store

    try:
        store = open_store(workspace.settings.database.url, workspace.root)
    except BadDatabase as error:
        return [Finding(_DATABASE, 1, 1, "warning", "database", f"what is live could not be looked up. {error}")]
    try:
        with store.read() as db:
            gone = _gone(db, seen)
            rows = deliveries.queue(db, "published") if gone else ()
            live = [row for row in rows if row.name in gone and can_withdraw(reader.channels.get(row.channel))]
            return [_finding(list(group)) for _, group in groupby(sorted(live, key=_by_piece), _by_piece)]
    finally:
        store.close()


def _database(workspace: Workspace) -> bool:
    return (workspace.root / workspace.settings.database.url.removeprefix("sqlite:///")).is_file()


def _by_piece(row: Any) -> tuple[str, str]:
    return row.path, row.name


def _finding(rows: Sequence[Any]) -> Finding:
    path, name = _by_piece(rows[0])
    where = ", ".join(dict.fromkeys(row.channel for row in rows))
    numbers = " ".join(str(row.id) for row in rows)
    message = f"the file is gone, and {name} is still live on {where}. Take it off with: julki withdraw {numbers}"
    return Finding(path, 1, 1, "warning", "vanished-live", message)


def _gone(db: Connection, seen: Survey) -> set[str]:
    """The names of pieces without a file. One that is only called otherwise by now is not gone."""
    from scheduler.store import pieces

    numbers = pieces.numbers(db)
    there = {reading.identity for reading in seen.readings.values()}
    missing = {name: entry for name, entry in numbers.items() if name not in there and entry[1] not in seen.readings}
    gone = {name for name, entry in missing.items() if entry[2]}
    fresh = [entry[0] for name, entry in missing.items() if name not in gone]
    if fresh:
        vanished = [
            Trace(row.name, row.path, row.inode, row.mtime_ns, row.body, row.title) for row in pieces.traces(db, fresh)
        ]
        found = match(vanished, _appeared(seen, numbers), [])
        called_otherwise = {*found.renamed.values(), *found.doubtful.values()}
        gone |= {trace.id for trace in vanished} - called_otherwise
    return gone


def _appeared(seen: Survey, numbers: Mapping[str, object]) -> list[Trace]:
    from scheduler.desk.intake import body_hash

    found = []
    for path, reading in seen.readings.items():
        piece, stamp = reading.piece, seen.stamps.get(path)
        if piece is not None and stamp is not None and piece.id not in numbers:
            found.append(Trace(piece.id, path, stamp.inode, stamp.mtime_ns, body_hash(piece), piece.title))
    return found
