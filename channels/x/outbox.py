"""The sandbox: a file to which every post is appended, one JSON line each. Nothing leaves the machine."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from channels.contract import Measurement, Receipt
from channels.errors import Uncertain
from channels.files import unwritable
from channels.message import Message

_BLOCK = 1 << 20


class Outbox:
    """One outbox file. Like X itself it takes the same post twice if it is asked twice: who asks must `find` first.

    A line is whole or not there: what a crash left of one is cut off before the next is written.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    @property
    def look(self) -> str:
        return str(self._path)

    def publish(self, message: Message, key: str, parent: Receipt | None) -> Receipt:
        receipt = self._receipt(key)
        line = {
            "key": key,
            "id": receipt.remote_id,
            "piece": message.piece,
            "part": message.part,
            "text": message.text,
            "media": [{"name": media.name, "alt": media.alt} for media in message.media],
            "reply_to": parent.remote_id if parent else None,
            "at": _now(),
        }
        self._append(line)
        return receipt

    read = 0
    """Nobody charges for reading a file."""

    def find(self, _message: Message, key: str, _since: datetime) -> Receipt | None:
        needle = _encoded({"key": key})[1:-1]
        for line in self._lines_with(needle):
            if _parsed(line).get("key") == key:
                return self._receipt(key)
        return None

    def withdraw(self, receipt: Receipt, key: str) -> None:
        self._append({"withdrawn": receipt.remote_id, "withdrawal": key, "at": _now()})

    def measure(self, _receipts: Sequence[Receipt], _now: datetime) -> list[Measurement]:
        """What never left the machine has reached nobody: there is nothing to be told."""
        return []

    def close(self) -> None:
        """Nothing is kept open."""

    def _receipt(self, key: str) -> Receipt:
        remote_id = "sandbox-" + sha256(key.encode()).hexdigest()[:20]
        return Receipt(remote_id, f"sandbox:{self._name}/{remote_id}")

    def _append(self, line: Mapping[str, Any]) -> None:
        data = _encoded(line) + b"\n"
        with self._locked() as file:
            end = _mended_end(file)
            try:
                _write(file, end, data)
            except OSError as error:
                file.truncate(end)
                raise unwritable(f"The outbox {self._path}", error) from error
            try:
                os.fsync(file.fileno())
            except OSError as error:
                raise Uncertain(f"The disk did not confirm what was written to {self._path}.") from error

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        try:
            file = self._opened()
        except OSError as error:
            raise unwritable(f"The outbox {self._path}", error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _opened(self) -> BinaryIO:
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
            _sync(self._path.parent)
        return self._path.open("r+b", buffering=0)

    def _lines_with(self, needle: bytes) -> Iterator[bytes]:
        """The lines that hold `needle`, from the last to the first."""
        try:
            file = self._path.open("rb", buffering=0)
        except FileNotFoundError:
            return
        with file:
            yield from _backwards(file, needle)


def _backwards(file: BinaryIO, needle: bytes) -> Iterator[bytes]:
    start = file.seek(0, os.SEEK_END)
    rest = b""
    while start > 0:
        size = min(_BLOCK, start)
        start -= size
        file.seek(start)
        block = file.read(size) + rest
        # The first line of a block may have begun in the block before it.
        cut = block.find(b"\n") + 1 if start else 0
        if start and not cut:
            rest = block
            continue
        rest, whole = block[:cut], block[cut:]
        if needle in whole:
            yield from (line for line in reversed(whole.split(b"\n")) if needle in line)


def _mended_end(file: BinaryIO) -> int:
    """Where the next line begins. What a crash left without its line's end is completed if it is whole, else cut off."""
    end = file.seek(0, os.SEEK_END)
    start = _last_line_start(file, end)
    if start == end:
        return end
    file.seek(start)
    if _parsed(file.read(end - start)):
        _write(file, end, b"\n")
        return end + 1
    file.truncate(start)
    return start


def _last_line_start(file: BinaryIO, end: int) -> int:
    start = end
    while start > 0:
        size = min(4096, start)
        file.seek(start - size)
        at = file.read(size).rfind(b"\n")
        if at >= 0:
            return start - size + at + 1
        start -= size
    return 0


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _encoded(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")


def _write(file: BinaryIO, at: int, data: bytes) -> None:
    file.seek(at)
    while data:
        data = data[file.write(data) :]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
