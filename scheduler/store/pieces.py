"""Files as last read, and the pieces that they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scheduler.store.core import DELIVERY, PIECE, REDIRECT, SOURCE

_CHUNK = 500


_STAMP = ("path", "size", "mtime_ns", "inode")


def stamps(db: Connection) -> Iterable[Any]:
    """Path, size, mtime (ns) and inode of every file known."""
    return db.execute(select(*(SOURCE.c[name] for name in _STAMP)))


_INTENT = (
    SOURCE.c.path,
    SOURCE.c.identity,
    SOURCE.c.broken,
    SOURCE.c.kind,
    SOURCE.c.lang,
    SOURCE.c.status,
    SOURCE.c.publish_at,
    SOURCE.c.expires_at,
    SOURCE.c.late,
    SOURCE.c.after,
    SOURCE.c.translation_of,
    SOURCE.c.spec,
    SOURCE.c.tangled,
)


def intents(db: Connection) -> Sequence[Any]:
    """Of every file what planning needs, and no more: 10,000 of these are read in every pass."""
    return db.execute(select(*_INTENT)).all()


def lines(db: Connection, path: str) -> Mapping[str, Any]:
    """Where in the file its slug, `after` and so on stand: field → line and column."""
    return db.execute(select(SOURCE.c.lines).where(SOURCE.c.path == path)).scalar() or {}


def save_sources(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or replace; every row has every column."""
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        statement = upsert(SOURCE)
        changes = {name: statement.excluded[name] for name in chunk[0] if name != "path"}
        db.execute(statement.on_conflict_do_update(index_elements=["path"], set_=changes), chunk)


def forget_stamps(db: Connection) -> None:
    """Every file is to be read anew, whenever that is: a crash in between must not lose it."""
    db.execute(update(SOURCE).values(size=-1))


def forget_sources(db: Connection, paths: Sequence[str]) -> None:
    for start in range(0, len(paths), _CHUNK):
        db.execute(delete(SOURCE).where(SOURCE.c.path.in_(paths[start : start + _CHUNK])))


def findings(db: Connection) -> Sequence[Any]:
    """Path, own findings and those beside other files, of every file that has any."""
    some = or_(SOURCE.c.findings.is_not(None), SOURCE.c.tangled.is_not(None))
    return db.execute(
        select(SOURCE.c.path, SOURCE.c.findings, SOURCE.c.tangled).where(some).order_by(SOURCE.c.path)
    ).all()


def save_tangles(db: Connection, tangles: Mapping[str, Any]) -> None:
    """Path → the errors that show beside other files; None takes them back."""
    for path, found in tangles.items():
        db.execute(update(SOURCE).where(SOURCE.c.path == path).values(tangled=found))


def save_broken(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Files that have errors now: stamp and findings are new, the rest stays what it was when they were whole."""
    for row in rows:
        statement = upsert(SOURCE).values(row)
        kept = {name: statement.excluded[name] for name in ("size", "mtime_ns", "inode", "broken", "findings")}
        db.execute(statement.on_conflict_do_update(index_elements=["path"], set_=kept))


_OUT = or_(DELIVERY.c.published_at.is_not(None), DELIVERY.c.reason == "uncertain", DELIVERY.c.state == "publishing")
_TRACE = (PIECE.c.id, PIECE.c.name, PIECE.c.path, PIECE.c.inode, PIECE.c.mtime_ns, PIECE.c.body, PIECE.c.title)


def traces(db: Connection, ids: Sequence[int]) -> Sequence[Any]:
    """What is remembered of these pieces: number, name, path, inode, mtime_ns, body, title."""
    chunks = [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]
    return [row for chunk in chunks for row in db.execute(select(*_TRACE).where(PIECE.c.id.in_(chunk)))]


def went_out(db: Connection, ids: Sequence[int]) -> set[int]:
    """Those of the pieces that went out anywhere, or may have."""
    query = select(DELIVERY.c.piece_id).where(_OUT).distinct()
    chunks = [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]
    return {n for chunk in chunks for n in db.execute(query.where(DELIVERY.c.piece_id.in_(chunk))).scalars()}


def announced(db: Connection, bodies: Sequence[str]) -> Sequence[Any]:
    """The pieces, there or gone, with one of these bodies that went out anywhere, or may have."""
    query = select(*_TRACE).where(PIECE.c.body != "", exists().where(DELIVERY.c.piece_id == PIECE.c.id, _OUT))
    chunks = [bodies[start : start + _CHUNK] for start in range(0, len(bodies), _CHUNK)]
    return [row for chunk in chunks for row in db.execute(query.where(PIECE.c.body.in_(chunk)))]


def numbers(db: Connection) -> dict[str, tuple[int, str, bool]]:
    """Name → number, path, gone: what every pass needs of all pieces."""
    rows = db.execute(select(PIECE.c.name, PIECE.c.id, PIECE.c.path, PIECE.c.gone_at.is_not(None))).all()
    return {name: (number, path, gone) for name, number, path, gone in rows}


def insert_pieces(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), _CHUNK):
        db.execute(insert(PIECE), list(rows[start : start + _CHUNK]))


def update_pieces(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """`rows` hold `id` and the same other columns each."""
    if rows:
        table = PIECE
        changes: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "id"}
        values = [{f"new_{name}": value for name, value in row.items()} for row in rows]
        db.execute(update(table).where(table.c.id == bindparam("new_id")).values(changes), values)


_KEPT = ("inode", "mtime_ns", "body", "title", "client", "project")


def edited(db: Connection) -> list[str]:
    """The names of the pieces whose whole files say something else than what is remembered of them."""
    other = or_(*(PIECE.c[name] != SOURCE.c[name] for name in _KEPT))
    joined = and_(SOURCE.c.path == PIECE.c.path, SOURCE.c.identity == PIECE.c.name)
    query = (
        select(PIECE.c.name).join(SOURCE, joined).where(SOURCE.c.broken.is_(False), PIECE.c.gone_at.is_(None), other)
    )
    return list(db.execute(query).scalars())


def remember(db: Connection, paths: Sequence[str]) -> None:
    """What was read last in these files is what is remembered of their pieces: a run that ended after the reading has
    told nobody yet, and by this a piece is known again under another name."""
    whole = select(SOURCE).where(SOURCE.c.path == PIECE.c.path, SOURCE.c.identity == PIECE.c.name, ~SOURCE.c.broken)
    latest = {name: whole.with_only_columns(SOURCE.c[name]).correlate(PIECE).scalar_subquery() for name in _KEPT}
    for start in range(0, len(paths), _CHUNK):
        same = (PIECE.c.path.in_(paths[start : start + _CHUNK]), PIECE.c.gone_at.is_(None))
        known = whole.with_only_columns(SOURCE.c.path).correlate(PIECE).exists()
        db.execute(update(PIECE).where(*same, known).values(latest))


def mark_gone(db: Connection, ids: Sequence[int], at: datetime) -> None:
    for start in range(0, len(ids), _CHUNK):
        db.execute(update(PIECE).where(PIECE.c.id.in_(ids[start : start + _CHUNK])).values(gone_at=at))


def rename(db: Connection, number: int, old: str, new: str) -> None:
    """The piece is called `new` from now on; what is asked for under `old` is redirected."""
    db.execute(delete(REDIRECT).where(REDIRECT.c.old == new))
    db.execute(update(PIECE).where(PIECE.c.id == number).values(name=new))
    statement = upsert(REDIRECT).values(old=old, piece_id=number)
    db.execute(statement.on_conflict_do_update(index_elements=["old"], set_={"piece_id": number}))


def get(db: Connection, number: int) -> Any:
    """The piece of that number."""
    return db.execute(select(PIECE).where(PIECE.c.id == number)).one()


def source(db: Connection, path: str) -> Any | None:
    """What the last scan read in that file; while it is broken, what it last said when it was whole."""
    return db.execute(select(SOURCE).where(SOURCE.c.path == path)).first()


def by_name(db: Connection, name: str) -> Any | None:
    return db.execute(select(PIECE).where(PIECE.c.name == name)).first()


def named(db: Connection, told: str, language: str) -> Any | None:
    """The piece that a person means: `lang/slug`, its slug in that language, or its file."""
    for same in (PIECE.c.name == told, PIECE.c.name == f"{language}/{told}", PIECE.c.path == told):
        if row := db.execute(select(PIECE).where(same)).first():
            return row
    return None


def uids(db: Connection, wanted: Sequence[str]) -> set[str]:
    """Those of the names for all time that are taken."""
    chunks = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]
    return {uid for chunk in chunks for uid in db.execute(select(PIECE.c.uid).where(PIECE.c.uid.in_(chunk))).scalars()}


_FACE = ("path", "size", "inode", "mtime_ns", "body", "title", "client", "project")


def faces(db: Connection, paths: Sequence[str]) -> dict[str, Any]:
    """Path → what tells a known file: size, inode, mtime_ns, hash of the body, title, client, project."""
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    query = select(*(SOURCE.c[name] for name in _FACE))
    return {row.path: row for chunk in chunks for row in db.execute(query.where(SOURCE.c.path.in_(chunk)))}


def ids_at(db: Connection, paths: Sequence[str]) -> list[int]:
    """The pieces whose files these are."""
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    return [n for chunk in chunks for n in db.execute(select(PIECE.c.id).where(PIECE.c.path.in_(chunk))).scalars()]
