"""Where backups lie, how they are called, and what every copy needs on the disk."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

_NAME = re.compile(r"julki-\d{4}-\d\d-\d\dT\d{6}Z\.tar")


def folder(database: Path) -> Path:
    """Where a backup goes if nobody says otherwise: `backups/` beside the database."""
    return database.parent / "backups"


def name(now: datetime) -> str:
    """`julki-2026-11-24T081200Z.tar`; by name they sort by age."""
    return f"julki-{stamp(now)}.tar"


def stamp(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"


def known(place: Path) -> Sequence[Path]:
    """The files there that are called like backups, the newest first."""
    try:
        return sorted((path for path in place.iterdir() if _NAME.fullmatch(path.name)), reverse=True)
    except OSError:
        return ()


def made_at(path: Path) -> datetime:
    """When, by its name, a file of `known` was made."""
    return datetime.strptime(path.name, "julki-%Y-%m-%dT%H%M%SZ.tar").replace(tzinfo=UTC)


def newest(database: Path) -> Path | None:
    return next(iter(known(folder(database))), None)


def sync(path: Path) -> None:
    """Wait until the disk has the file, or the folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def give(path: Path, like: Path) -> None:
    """Where root did the work, the file goes to whoever owns `like`: the desk runs as that user."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def sweep(place: Path, prefix: str, older: timedelta = timedelta(0)) -> None:
    """Remove the working folders that interrupted runs left there."""
    before = datetime.now(UTC).timestamp() - older.total_seconds()  # against the disk's clock, which is this one
    for path in place.glob(prefix + "*"):
        if path.is_dir() and not path.is_symlink() and path.stat().st_mtime <= before:
            shutil.rmtree(path, ignore_errors=True)
