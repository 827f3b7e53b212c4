"""Putting a backup in place of the present database, which is kept.

At whatever moment it is interrupted, the database is the old one or the new one, whole:

1. the new one is made ready in a working folder: verified, brought up to date, paused;
2. the media are added: they are called by their content, so no file changes;
3. the old one's journal is folded into it, so that it is one file;
4. it gets a second name, `julki.db.before-restore-…`;
5. the new one is renamed over the first name, in one step.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from channels.files import write_atomic
from scheduler.store import audit, content, copies, fault, marks, pauses, proof, seal
from scheduler.store.content import Content, NotSound
from scheduler.store.engine import BadDatabase, open_store, revisions
from scheduler.store.manifest import DATABASE, MEDIA, BadBackup, Manifest
from scheduler.store.seal import Seal

_WORK = ".julki-restore-"
_HEAD = b"SQLite format 3\x00"
_ASIDE = "before-restore"
_JOURNALS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True)
class Found:
    """A backup that is whole, unpacked in `work`. `manifest` is None for a mere copy of the database."""

    file: Path
    work: Path
    content: Content
    manifest: Manifest | None

    @property
    def database(self) -> Path:
        return self.work / DATABASE


@contextmanager
def workplace(database: Path) -> Iterator[Path]:
    """A folder beside the database, gone afterwards. To be called under the lock. Raises `BadBackup`."""
    try:
        copies.sweep(database.parent, _WORK)
        with tempfile.TemporaryDirectory(prefix=_WORK, dir=database.parent) as work:
            yield Path(work)
    except OSError as error:
        raise BadBackup(f"Nothing was restored: {fault.disk(database.parent, error)}") from error


def verify(file: Path, work: Path) -> Found:
    """Check the whole file and unpack it into `work`. It is a backup, or somebody's own copy of the database.
    Raises `BadBackup`, `OSError`."""
    bare = _is_database(file)
    manifest = None if bare else proof.read(file, work, keep=True)
    if bare:
        _copy(file, work / DATABASE)
    try:
        found = content.look(work / DATABASE)
    except NotSound as error:
        raise BadBackup(f"{file} can't be used: {error}. Take another backup.") from error
    if found.revision not in revisions():
        raise BadBackup(
            f"{file} was made by a newer Julki (its tables are at '{found.revision}'). Use that version of Julki, or "
            "take another backup."
        )
    return Found(file, work, found, manifest)


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(_HEAD)) == _HEAD


def _copy(file: Path, target: Path) -> None:
    """With its journal, if one lies beside it: then both were copied from under a running desk."""
    shutil.copyfile(file, target)
    journal = file.with_name(file.name + "-wal")
    if journal.is_file():
        shutil.copyfile(journal, target.with_name(target.name + "-wal"))
    try:
        _fold(target)
    except sqlite3.Error as error:
        raise BadBackup(f"{file} can't be used: SQLite says: {error}. Take another backup.") from error


def prepare(found: Found, database: Path, reason: str, now: datetime) -> Seal:
    """Bring its tables up to date, and pause everything in it, for `reason`. The seal that it will have as `database`.
    Raises `BadBackup`, `OSError`."""
    try:
        store = open_store(f"sqlite:///{DATABASE}", found.work)
    except BadDatabase as error:
        raise BadBackup(f"{found.file} can't be used. {error}") from error
    with store.write() as db:
        pauses.begin(db, "all", "", reason, audit.DESK, now)
        audit.write(db, now, audit.DESK, "guard", detail=reason)
        if not marks.get(db, seal.MARK):
            marks.put(db, seal.MARK, "sealed")
        sealed = seal.present(db, found.database)  # a file that is renamed keeps its inode
    store.close()
    _fold(found.database)
    return sealed.model_copy(update={"path": str(database.resolve())})


def install(found: Found, sealed: Seal, database: Path, media: Path, now: datetime) -> Path | None:
    """Put it in place; to be called under the lock, after `prepare`. Where the database of before lies now, if there was
    one. Raises `BadBackup`, `OSError`; then that is as it was."""
    _merge(found, media, database.parent)
    if database.exists():
        shutil.copymode(database, found.database)
    copies.give(found.database, database.parent)
    copies.sync(found.database)
    aside = _put_aside(database, now)
    found.database.replace(database)
    copies.sync(database.parent)
    with suppress(OSError):  # the guard then finds what it would have found without a restore: a pause is there already
        seal.write(database, sealed)
        copies.give(seal.beside(database), database.parent)
    return aside


def _merge(found: Found, media: Path, like: Path) -> None:
    for source in sorted((found.work / MEDIA).glob("*")):
        target = media / source.name
        write_atomic(target, source.read_bytes())
        copies.give(target, like)
        copies.give(media, like)


def _put_aside(database: Path, now: datetime) -> Path | None:
    """A second name for what is there now; a broken one keeps its journals, all under the second name."""
    aside = database.with_name(f"{database.name}.{_ASIDE}-{copies.stamp(now)}")
    if aside.exists():
        raise BadBackup(f"{aside} is there already. Try again in a second.")
    if database.exists():
        _close(database)
        _second(database, aside)
    for ending in _JOURNALS:
        journal = database.with_name(database.name + ending)
        if journal.exists():  # left there, it would be played into the new one
            journal.replace(aside.with_name(aside.name + ending))
    return aside if aside.exists() else None


def _close(database: Path) -> None:
    """Make one file of it, which succeeds only where nobody has it open. A broken one stays as it is."""
    if not _is_database(database):
        return  # SQLite would delete its journals
    try:
        _fold(database)
    except sqlite3.Error as error:
        if not fault.damaged(error):
            raise BadBackup(f"Nothing was restored. {fault.told(database, error)}") from error


def _fold(database: Path) -> None:
    """Play the journal into the file and take it away (https://www.sqlite.org/pragma.html#pragma_journal_mode)."""
    link = sqlite3.connect(database, timeout=5)
    try:
        link.execute("PRAGMA journal_mode = DELETE").fetchone()
    finally:
        link.close()


def _second(path: Path, name: Path) -> None:
    try:
        os.link(path, name)
    except OSError:  # the disk knows no second names
        shutil.copy2(path, name)
        copies.give(name, path)
    copies.sync(name)
