"""Reading a backup back, from first to last byte. It may come from anywhere, so nothing in it is believed unchecked."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from scheduler.store import content
from scheduler.store.content import NotSound
from scheduler.store.manifest import DATABASE, MANIFEST, BadBackup, Manifest

_CHUNK = 1024 * 1024
_LARGEST_MANIFEST = 64 * 1024 * 1024
_UNREADABLE = (tarfile.TarError, EOFError, ValueError, ArithmeticError, LookupError)
"""What the library raises over headers that make no sense."""


def read(file: Path, work: Path, *, keep: bool) -> Manifest:
    """Verify every name, size and hash, and the database itself. With `keep` all of it lies in `work` afterwards, an
    empty folder before. Raises `BadBackup`, `OSError`."""
    try:
        with tarfile.open(file, "r:") as tar:
            manifest = _manifest(tar)
            _unpack(tar, manifest, work, keep)
        _agree(manifest, content.look(work / DATABASE))
    except NotSound as error:
        raise BadBackup(f"{file} can't be used: {error}. Take another backup.") from error
    except _UNREADABLE as error:
        raise BadBackup(f"{file} can't be used: it is damaged, or no backup of Julki's. Take another one.") from error
    if not keep:
        (work / DATABASE).unlink()
    return manifest


def origin(file: Path) -> tuple[str, str] | None:
    """Host and place of the database that the backup says it was made of; None where it says nothing that makes sense."""
    try:
        with tarfile.open(file, "r:") as tar:
            manifest = _manifest(tar)
    except (OSError, NotSound, *_UNREADABLE):
        return None
    return manifest.host, manifest.database


def _manifest(tar: tarfile.TarFile) -> Manifest:
    entry = tar.next()
    if entry is None or entry.name != MANIFEST or not entry.isreg() or not 0 <= entry.size <= _LARGEST_MANIFEST:
        raise NotSound("it is no backup of Julki's")
    try:
        manifest = Manifest.model_validate_json(b"".join(_data(tar, entry)))
    except ValidationError:
        raise NotSound("its list of contents makes no sense; perhaps a newer Julki made it") from None
    if not manifest.proper:
        raise NotSound("it lists files that do not belong into it")
    return manifest


def _unpack(tar: tarfile.TarFile, manifest: Manifest, work: Path, keep: bool) -> None:
    """Only what the manifest lists, in its order and size: no folder, no link, nothing besides."""
    for member in manifest.members:
        entry = tar.next()
        if entry is None:
            raise NotSound(f"it ends before {member.name}")
        if not (entry.name == member.name and entry.isreg() and entry.size == member.size):
            raise NotSound(f"{entry.name[:80]!r} does not belong into it")
        if _digest(tar, entry, work / member.name, keep or not member.is_media) != member.sha256:
            raise NotSound(f"{member.name} in it has changed since it was made")
    if tar.next() is not None:
        raise NotSound("it holds more than it lists")


def _digest(tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path, keep: bool) -> str:
    """The SHA-256 of the member's bytes, which are in `target` afterwards, if wanted."""
    digest = hashlib.sha256()
    with _sink(target, keep) as sink:
        for chunk in _data(tar, entry):
            digest.update(chunk)
            sink.write(chunk)
    return digest.hexdigest()


@contextmanager
def _sink(target: Path, keep: bool) -> Iterator[IO[bytes]]:
    if keep:
        target.parent.mkdir(exist_ok=True)
    with target.open("xb") if keep else Path(os.devnull).open("wb") as file:
        yield file
        if keep:
            file.flush()
            os.fsync(file.fileno())


def _data(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(entry)
    left = entry.size
    while left > 0:
        chunk = file.read(min(_CHUNK, left)) if file is not None else b""
        if not chunk:
            raise NotSound(f"it ends within {entry.name[:80]!r}")
        left -= len(chunk)
        yield chunk


def _agree(manifest: Manifest, found: content.Content) -> None:
    told = (manifest.revision, manifest.rows, manifest.attempt, manifest.audit)
    if told != (found.revision, found.rows, found.attempt, found.audit):
        raise NotSound("it holds another database than it says")
