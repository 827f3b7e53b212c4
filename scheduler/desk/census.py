"""Who is who: which of the names in the files are known pieces, which are new, renamed or gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from sqlalchemy import Connection

from scheduler.calendar.identity import Trace, match
from scheduler.calendar.relations import Relations
from scheduler.store import pieces

_CHUNK = 500
Numbers = Mapping[str, tuple[int, str, bool]]
"""Name → the piece's number, its file, whether it is gone."""


@dataclass(frozen=True)
class Census:
    """The difference between the names in the files and the pieces stored. `faces`: path → file, of the first two.

    `come` are new names; `known` are names of pieces that were gone, have another file or say something else now;
    `renamed` new name → old; `doubtful` name → the piece that went out before and that it may be.
    """

    come: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    gone: Sequence[int] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    doubtful: Mapping[str, str] = field(default_factory=dict)
    faces: Mapping[str, Any] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.come or self.gone or self.known)


def take(db: Connection, rows: Sequence[Any], relations: Relations, numbers: Numbers) -> Census:
    """Compare with what is stored. Texts are looked at only where names came or went, or files were edited."""
    owners = relations.owners
    whole = {row.path for row in rows if not row.broken}
    come = {name: path for name, path in owners.items() if name not in numbers and path in whole}
    moved = {name: path for name, path in owners.items() if name in numbers and numbers[name][1:] != (path, False)}
    known = moved | {name: owners[name] for name in pieces.edited(db) if name in owners}
    gone = {name: entry[0] for name, entry in numbers.items() if not entry[2] and name not in owners}
    if not (come or known or gone):
        return Census()
    faces = pieces.faces(db, [*come.values(), *known.values()])
    renamed, doubtful = _matched(db, come, known, gone, faces, numbers)
    return Census(come, known, list(gone.values()), renamed, doubtful, faces, numbers)


def _matched(
    db: Connection,
    come: Mapping[str, str],
    known: Mapping[str, str],
    gone: Mapping[str, int],
    faces: Mapping[str, Any],
    numbers: Numbers,
) -> tuple[dict[str, str], dict[str, str]]:
    """A known name whose file now says what another piece said can't be that piece, but may not announce it again."""
    rewritten = _rewritten(db, known, faces, numbers)
    if not (come or rewritten):
        return {}, {}
    vanished = [_trace(row) for row in pieces.traces(db, list(gone.values()))]
    appeared = [_new_trace(name, faces[path]) for name, path in {**come, **rewritten}.items()]
    earlier = [_trace(row) for row in pieces.announced(db, sorted({one.body for one in appeared if one.body}))]
    names = {trace.id for trace in vanished}
    matches = match(vanished, appeared, [trace for trace in earlier if trace.id not in names])
    renamed = {new: old for new, old in matches.renamed.items() if new in come}
    unsure = {new: old for new, old in matches.renamed.items() if new not in come}
    return renamed, _serious(db, {**matches.doubtful, **unsure}, numbers)


def _rewritten(db: Connection, known: Mapping[str, str], faces: Mapping[str, Any], numbers: Numbers) -> dict[str, str]:
    """Of the known names those whose text or title is another one now."""
    before = {row.name: (row.body, row.title) for row in pieces.traces(db, [numbers[name][0] for name in known])}
    return {name: path for name, path in known.items() if before.get(name) != (faces[path].body, faces[path].title)}


def _serious(db: Connection, doubtful: Mapping[str, str], numbers: Numbers) -> dict[str, str]:
    """What never went out can't go out twice."""
    old = {name: numbers[name][0] for name in doubtful.values() if name in numbers}
    out = pieces.went_out(db, list(old.values()))
    return {new: name for new, name in doubtful.items() if old.get(name) in out}


def _trace(row: Any) -> Trace:
    return Trace(row.name, row.path, row.inode, row.mtime_ns, row.body, row.title)


def _new_trace(name: str, face: Any) -> Trace:
    return Trace(name, face.path, face.inode, face.mtime_ns, face.body, face.title)


def write(db: Connection, found: Census, now: datetime) -> list[int]:
    """Bring the stored pieces up to date; the numbers of those that have another name or file, to be looked at anew."""
    renamed = {new: old for new, old in found.renamed.items() if old in found.numbers}
    for new, old in renamed.items():
        pieces.rename(db, found.numbers[old][0], old, new)
    followed = {found.numbers[old][0]: new for new, old in renamed.items()}
    pieces.mark_gone(db, [number for number in found.gone if number not in followed], now)
    again = {found.numbers[name][0]: name for name in found.known}
    updates = [{"id": number, **_values(found, name)} for number, name in (followed | again).items()]
    pieces.update_pieces(db, [row | {"gone_at": None} for row in updates])
    _insert(db, found, [name for name in found.come if name not in renamed])
    moved = [number for number, name in again.items() if found.numbers[name][1:] != (found.known[name], False)]
    return [*followed, *moved]


def _insert(db: Connection, found: Census, names: Sequence[str]) -> None:
    for start in range(0, len(names), _CHUNK):
        wanted = {name: str(uuid5(NAMESPACE_URL, f"julki:{name}")) for name in names[start : start + _CHUNK]}
        taken = pieces.uids(db, list(wanted.values()))
        rows = [
            {"name": name, "uid": str(uuid4()) if uid in taken else uid, **_values(found, name), "gone_at": None}
            for name, uid in wanted.items()
        ]
        pieces.insert_pieces(db, rows)


def _values(found: Census, name: str) -> dict[str, Any]:
    face = found.faces[found.come.get(name) or found.known[name]]
    names = ("path", "inode", "mtime_ns", "body", "title", "client", "project")
    return {name: getattr(face, name) for name in names}
