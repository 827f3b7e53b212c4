"""The key under which tokens are kept: 32 random bytes, in a file that its owner alone can read, or given by hand."""

from __future__ import annotations

import base64
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from channels.contract import Locked
from scheduler.store import copies

_BYTES = 32
_LARGEST = 200
_URLSAFE = str.maketrans("-_", "+/")


class Key:
    """Written in base64, of either alphabet. It does not show itself."""

    __slots__ = ("_bytes",)

    def __init__(self, written: str, place: str) -> None:
        """`place` says where it was written, for people. Raises `Locked`."""
        self._bytes = _decoded(written)
        if len(self._bytes) != _BYTES:
            raise Locked(
                f"{place} holds no key: that is 32 random bytes in base64. Put the old one back, or make one with: "
                "openssl rand -base64 32"
            )

    def cipher(self) -> Any:
        # Loading it takes a moment that only who signs in should wait for.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._bytes)


def read(file: Path) -> Key:
    """The key of that file. Raises `Locked`."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Locked(
            f"The key {file} is gone, and without it what is stored for signing in can't be read. Put it back, or sign "
            "in again with: julki connect CHANNEL"
        ) from None
    except OSError as error:
        raise Locked(f"The key {file} can't be read: {error.strerror}. Give the desk that right.") from None
    with os.fdopen(handle, "rb") as opened:
        if os.fstat(handle).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Locked(f"Others can read the key {file}. Run: chmod 600 {file}")
        return Key(opened.read(_LARGEST).decode("ascii", "replace"), str(file))


def make(file: Path) -> None:
    """A new key, whole or not at all, and never over another: two that begin at once end with one key."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}-{secrets.token_hex(6)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(base64.b64encode(secrets.token_bytes(_BYTES)) + b"\n")
            out.flush()
            os.fsync(handle)
        copies.give(fresh, file.parent)
        _name(fresh, file)
    finally:
        fresh.unlink(missing_ok=True)
    copies.sync(file.parent)


def _name(fresh: Path, file: Path) -> None:
    try:
        os.link(fresh, file)
    except FileExistsError:
        return
    except OSError:  # the disk knows no second names
        if not file.exists():
            fresh.rename(file)


def _decoded(written: str) -> bytes:
    """Empty where it is not base64."""
    try:
        return base64.b64decode(written.strip().translate(_URLSAFE), validate=True)
    except ValueError:
        return b""
