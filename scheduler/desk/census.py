"""Who is who: which of the names in the files are known pieces, which are new, renamed or gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from sqlalchemy import Connection

from scheduler.calendar.identity import Matches, Trace, match
from scheduler.calendar.relations import Relations
from scheduler.store import pieces


@dataclass(frozen=True)
class Census:
    """The difference between the names in the files and the pieces stored. `sources`: path → file, of the first two.

    `come` are new names; `renamed` new name → old; `doubtful` new name → the old one it may be; `back` and `moved` are
    names of known pieces that were gone, or have another file now.
    """

    come: Mapping[str, str] = field(default_factory=dict)
    gone: Sequence[int] = ()
    back: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    doubtful: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, tuple[int, str, bool]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.come or self.gone or self.back)


def take(
    db: Connection, rows: Sequence[Any], relations: Relations, numbers: Mapping[str, tuple[int, str, bool]]
) -> Census:
    """Compare with `numbers` (name → number, path, gone). Reads bodies' hashes only where names came or went."""
    owners = relations.owners
    whole = {row.path for row in rows if not row.broken}
    come = {name: path for name, path in owners.items() if name not in numbers and path in whole}
    back = {name: path for name, path in owners.items() if name in numbers and numbers[name][1:] != (path, False)}
    gone = {name: entry[0] for name, entry in numbers.items() if not entry[2] and name not in owners}
    if not (come or back or gone):
        return Census()
    sources = pieces.faces(db, [*come.values(), *back.values()])
    matches = match(*_traces(db, come, gone, sources)) if come else Matches({}, {})
    doubtful = _serious(db, matches.doubtful, numbers)
    return Census(come, list(gone.values()), back, matches.renamed, doubtful, sources, numbers)


def _serious(db: Connection, doubtful: Mapping[str, str], numbers: Mapping[str, Any]) -> dict[str, str]:
    """What never went out can't go out twice."""
    old = {name: numbers[name][0] for name in doubtful.values() if name in numbers}
    out = pieces.went_out(db, list(old.values()))
    return {new: name for new, name in doubtful.items() if old.get(name) in out}


def _traces(
    db: Connection, come: Mapping[str, str], gone: Mapping[str, int], sources: Mapping[str, Any]
) -> tuple[list[Trace], list[Trace], list[Trace]]:
    """What vanished, what appeared, and what went out before with a text that appeared."""
    vanished = [_trace(row) for row in pieces.traces(db, list(gone.values()))]
    appeared = [_new_trace(name, sources[path]) for name, path in come.items()]
    bodies = sorted({trace.body for trace in appeared if trace.body})
    earlier = [_trace(row) for row in pieces.announced(db, bodies)]
    names = {trace.id for trace in vanished}
    return vanished, appeared, [trace for trace in earlier if trace.id not in names]


def _trace(row: Any) -> Trace:
    return Trace(row.name, row.path, row.inode, row.mtime_ns, row.body, row.title)


def _new_trace(name: str, source: Any) -> Trace:
    return Trace(name, source.path, source.inode, source.mtime_ns, source.body, source.title)


def write(db: Connection, found: Census, now: datetime) -> list[int]:
    """Bring the stored pieces up to date; the numbers of those renamed, which are to be published anew where they stand."""
    renamed = {new: old for new, old in found.renamed.items() if old in found.numbers}
    for new, old in renamed.items():
        pieces.rename(db, found.numbers[old][0], old, new)
    kept = [found.numbers[old][0] for old in renamed.values()]
    pieces.mark_gone(db, [number for number in found.gone if number not in set(kept)], now)
    updates = [{"id": found.numbers[old][0], **_values(found, new)} for new, old in renamed.items()]
    updates += [{"id": found.numbers[name][0], **_values(found, name)} for name in found.back]
    pieces.update_pieces(db, [row | {"gone_at": None} for row in updates])
    _insert(db, found, [name for name in found.come if name not in renamed])
    return kept


def _insert(db: Connection, found: Census, names: Sequence[str]) -> None:
    wanted = {name: str(uuid5(NAMESPACE_URL, f"julki:{name}")) for name in names}
    taken = pieces.uids(db, list(wanted.values()))
    rows = [
        {"name": name, "uid": str(uuid4()) if uid in taken else uid, **_values(found, name), "gone_at": None}
        for name, uid in wanted.items()
    ]
    pieces.insert_pieces(db, rows)


def _values(found: Census, name: str) -> dict[str, Any]:
    source = found.sources[found.come.get(name) or found.back[name]]
    names = ("path", "inode", "mtime_ns", "body", "title", "client", "project")
    return {name: getattr(source, name) for name in names}
