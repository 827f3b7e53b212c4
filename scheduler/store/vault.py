"""The vault: channels' tokens in the database, encrypted under a key that lies outside it, and outside its backups.

AES-256-GCM (NIST SP 800-38D), with a fresh nonce for each writing. The channel's name is bound in, so that a row moved to
another channel does not open.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from channels.contract import Locked
from channels.errors import Unavailable
from channels.files import unwritable
from channels.message import Json
from scheduler.store import fault, keyfile
from scheduler.store.core import TOKEN
from scheduler.store.engine import Store
from scheduler.store.keyfile import Key

FILE = "julki.key"
"""The key's name, in `var/`."""
VARIABLE = "JULKI_DESK_KEY"
_NONCE = 12
_FORMAT = "1:"


class StoredVault:
    """`file` is where the key lies; it is made at the first writing. `given`: the key itself, instead of the file."""

    def __init__(self, store: Store, file: Path, clock: Callable[[], datetime], given: str = "") -> None:
        self._store, self._file, self._clock = store, file, clock

        def key() -> Key:
            return Key(given, VARIABLE) if given else keyfile.read(file)

        self._key = key  # nothing here holds the key itself, so nothing can show it
        self._place = VARIABLE if given else str(file)

    def read(self, channel: str) -> Mapping[str, Json] | None:
        """What was kept last, or None. Raises `Locked`; `Unavailable` where the database can't be read now."""
        try:
            with self._store.read() as db:
                sealed = db.execute(select(TOKEN.c.sealed).where(TOKEN.c.channel == channel)).scalar()
        except SQLAlchemyError as error:
            raise Unavailable(fault.told(self._store.path, error)) from None
        return None if sealed is None else self._opened(sealed, channel)

    def ready(self) -> None:
        """Raises `Locked`, or `Unavailable`, where nothing could be kept; to be asked before a one-time code is spent."""
        self._cipher_for_writing()

    def write(self, channel: str, token: Mapping[str, Json]) -> None:
        """Keep it; when this returns, the disk has it. Raises `Locked`, and `Unavailable` where nothing was kept."""
        cipher = self._cipher_for_writing()
        nonce = secrets.token_bytes(_NONCE)
        data = cipher.encrypt(nonce, json.dumps(token).encode(), _bound(channel))
        self._put(channel, _FORMAT + base64.b64encode(nonce + data).decode())

    def _put(self, channel: str, sealed: str) -> None:
        row = {"channel": channel, "sealed": sealed, "saved_at": self._clock()}
        statement = insert(TOKEN).values(row)
        try:
            with self._store.write() as db:
                db.execute(statement.on_conflict_do_update(index_elements=["channel"], set_=row))
        except SQLAlchemyError as error:
            raise Unavailable(fault.told(self._store.path, error)) from None

    def _cipher_for_writing(self) -> Any:
        if self._place != VARIABLE and not self._file.exists():
            try:
                keyfile.make(self._file)
            except OSError as error:
                raise unwritable(str(self._file), error) from None
        return self._key().cipher()

    def _opened(self, sealed: str, channel: str) -> Mapping[str, Json]:
        from cryptography.exceptions import InvalidTag

        cipher = self._key().cipher()
        try:
            data = base64.b64decode(sealed.removeprefix(_FORMAT), validate=True)
            plain = cipher.decrypt(data[:_NONCE], data[_NONCE:], _bound(channel))
        except (InvalidTag, ValueError):  # a nonce that is too short is a ValueError, and so is what is not base64
            raise Locked(
                f"What the channel '{channel}' signs in with can't be decrypted: the key in {self._place} is not the "
                f"one it was encrypted with. Put that one back, or sign in again: julki connect {channel}"
            ) from None
        found: Mapping[str, Json] = json.loads(plain)
        return found


def _bound(channel: str) -> bytes:
    return f"julki token {channel}".encode()
