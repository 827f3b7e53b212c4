"""The backup: one file with the database and the captured media, made while the desk runs.

It gets its name only when all of it was read back from the disk, so a backup that is there is whole.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sqlite3
import tarfile
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from scheduler.store import content, copies, fault, proof
from scheduler.store.content import NotSound
from scheduler.store.manifest import DATABASE, MANIFEST, MEDIA, BadBackup, Manifest, Member

_WORK = ".julki-backup-"
_FORGOTTEN = timedelta(days=1)


def make(database: Path, media: Path, target: Path, site: str, now: datetime) -> Manifest:
    """Write the backup to `target`, which must not be there yet, and verify it. Raises `BadBackup`; then nothing is left
    behind. It needs room for the database twice, and for the media once."""
    if not database.is_file():
        raise BadBackup(f"There is no database {database} yet: nothing was published, so there is nothing to keep.")
    if target.exists():
        raise BadBackup(f"{target} is there already, and no backup is ever overwritten. Name another file.")
    try:
        copies.sweep(target.parent, _WORK, _FORGOTTEN)
        with tempfile.TemporaryDirectory(prefix=_WORK, dir=target.parent) as work:
            return _made(database, media, target, (site, now), Path(work))
    except OSError as error:
        raise BadBackup(f"The backup was not made: {fault.disk(target.parent, error)}") from error
    except NotSound as error:
        raise BadBackup(f"The backup was not made: {error}. See what is wrong with: julki doctor") from error


def _made(database: Path, media: Path, target: Path, about: tuple[str, datetime], work: Path) -> Manifest:
    copy, packed = work / DATABASE, work / "packed.tar"
    _vacuum(database, copy, target)
    manifest = _described(copy, media, database, *about)
    _pack(packed, manifest, copy, media)
    copy.unlink()
    try:
        proof.read(packed, work, keep=False)
    except BadBackup as error:
        raise BadBackup("The backup was not made: what was written did not come back. Look at the disk.") from error
    _name(packed, target)
    copies.give(target, target.parent)
    copies.sync(target.parent)
    return manifest


def _vacuum(database: Path, copy: Path, target: Path) -> None:
    """One consistent state, whoever writes meanwhile (https://www.sqlite.org/lang_vacuum.html#vacuuminto)."""
    link = sqlite3.connect(database, timeout=20, isolation_level=None)
    try:
        link.execute("VACUUM INTO ?", (str(copy),))
    except sqlite3.Error as error:
        broken = fault.damaged(error)
        why = fault.told(database, error) if broken else fault.obstacle(target, error)
        raise BadBackup(f"The backup was not made: {why}") from error
    finally:
        link.close()


def _described(copy: Path, media: Path, database: Path, site: str, now: datetime) -> Manifest:
    found = content.look(copy)
    pictures = {name: _picture(media / name) for name in sorted(content.media(copy))}
    return Manifest(
        version=version("julki"),
        revision=found.revision,
        made_at=now,
        host=socket.gethostname()[:500],
        site=site[:500],
        database=str(database.resolve())[:500],
        rows=dict(found.rows),
        attempt=found.attempt,
        audit=found.audit,
        members=(_member(DATABASE, copy), *filter(None, pictures.values())),
        missing=tuple(name[:500] for name, member in pictures.items() if member is None),
    )


def _picture(path: Path) -> Member | None:
    """None where the file is gone, or is not what its name says."""
    try:
        member = _member(MEDIA + path.name, path)
    except FileNotFoundError:
        return None
    return member if member.is_media else None


def _member(name: str, path: Path) -> Member:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Member(name=name, size=file.tell(), sha256=digest)


def _pack(packed: Path, manifest: Manifest, copy: Path, media: Path) -> None:
    told = manifest.model_dump_json(indent=1).encode()
    handle = os.open(packed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w+b") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
            tar.addfile(_entry(MANIFEST, len(told), manifest.made_at), BytesIO(told))
            for member in manifest.members:
                source = media / member.name.removeprefix(MEDIA) if member.is_media else copy
                with source.open("rb") as data:
                    tar.addfile(_entry(member.name, member.size, manifest.made_at), data)
        file.flush()
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)  # so that it is read back from the disk itself


def _entry(name: str, size: int, at: datetime) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(at.timestamp())
    return entry


def _name(packed: Path, target: Path) -> None:
    """Give the file its name, unless somebody took that meanwhile."""
    try:
        os.link(packed, target)
    except FileExistsError:
        raise BadBackup(f"{target} came to be meanwhile, and no backup is ever overwritten. Try again.") from None
    except OSError:  # the disk knows no second names
        packed.rename(target)


def rotate(made: Path, manifest: Manifest, keep: int) -> Sequence[Path]:
    """Delete all but the newest `keep` backups of this very database beside `made`, which counts and stays; which went.
    Only files that are called as `copies.name` calls them."""
    own = (manifest.host, manifest.database)
    older = [path for path in copies.known(made.parent) if path != made and proof.origin(path) == own]
    gone = older[max(keep - 1, 0) :]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone
