"""A renewal of tokens in a process of its own, which outlives the desk.

X takes a refresh token once: whoever asks and then dies before the answer is stored has lost the account. So a child asks
(`python -m channels.x.renewal`). It is told everything by its standard input, hears no signal to end, has reserved its
room on the disk before it asks, and leaves the answer in a file, encrypted under a key that the vault knows already.

The lock of the account is a file's, and the child inherits it: whoever gets the lock knows that no child is at work.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from channels import files
from channels.x import oauth2
from channels.x.oauth2 import Answer
from channels.x.tokens import Hidden, Pending

_ROOM = 64 * 1024
"""Bytes: a longer answer is none of X's."""
_NONCE = 12
_SLACK = 15.0
"""Seconds that the child gets beside those for asking: to begin, and to write."""
_POLL = 0.03
_MODULE = "channels.x.renewal"
_HOME = Path(__file__).parents[2]


class Busy(Exception):
    """Somebody else holds the account's lock, and has not let go in time."""


def _give(path: Path, like: Path) -> None:
    owner = like.stat()
    if os.geteuid() == 0 and path.stat().st_uid != owner.st_uid:
        os.chown(path, owner.st_uid, owner.st_gid)


class Counter:
    """Where renewals of one channel hand in what they got. `seconds` is how long X may take to answer."""

    def __init__(self, folder: Path, name: str, seconds: float) -> None:
        self.folder = folder
        self._name, self._seconds = name, seconds

    @contextmanager
    def held(self) -> Iterator[int]:
        """The account's lock, for one at a time on this machine; its descriptor. Raises `Busy`, `OSError`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.folder / f"{self._name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Whoever ran the command as root, it is the desk that renews from now on.
            for path in (self.folder, self.folder / f"{self._name}.lock"):
                _give(path, self.folder.parent)
            _lock(handle, time.monotonic() + self._seconds + _SLACK)
            yield handle
        finally:
            os.close(handle)

    def run(self, client: oauth2.Client, api_url: str, token: str, pending: Pending, lock: int) -> None:
        """Let a child ask, and wait for its end. What came of it is told by `left`. Raises `OSError`."""
        order = Hidden(
            api_url=api_url,
            client=Hidden(id=client.id, secret=client.secret),
            token=token,
            mark=pending.mark,
            key=pending.key,
            file=str(self._file(pending)),
            seconds=self._seconds,
        )
        self._sweep()
        _wait(_child(lock), order, self._seconds + 2 * _SLACK)

    def left(self, pending: Pending) -> Answer | None:
        """What the child of that renewal got; None where it left nothing, or nothing that can be read."""
        from cryptography.exceptions import InvalidTag

        try:
            data = self._file(pending).read_bytes()
            plain = _cipher(pending.key).decrypt(data[:_NONCE], data[_NONCE:], pending.mark.encode())
        except (FileNotFoundError, InvalidTag, ValueError):
            return None
        return oauth2.answer(json.loads(plain))

    def clear(self, pending: Pending) -> None:
        """It is in the vault now."""
        files.remove(self._file(pending))

    def _file(self, pending: Pending) -> Path:
        return self.folder / f"{self._name}.{pending.mark}"

    def _sweep(self) -> None:
        """Under the lock: what earlier renewals left has been taken in, or is of no use."""
        for path in self.folder.glob(f"{self._name}.*"):
            if path.suffix != ".lock":
                path.unlink(missing_ok=True)


def _lock(handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Busy from None
            time.sleep(_POLL)
        else:
            return


def _child(lock: int) -> subprocess.Popen[bytes]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JULKI_")}
    return subprocess.Popen(  # noqa: S603  our own module, by this very Python
        [sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=_HOME,
        env=environ,
        pass_fds=(lock,),
        start_new_session=True,
    )


def _wait(child: subprocess.Popen[bytes], order: Hidden, seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):  # it ends by itself, and holds the lock until then
        child.communicate(json.dumps(order).encode(), timeout=seconds)


def main(source: IO[bytes]) -> None:
    """The child: ask as `source` says, and leave the answer."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    order = Hidden(json.loads(source.read()))
    signal.alarm(int(order["seconds"] + _SLACK))
    client = oauth2.Client(order["client"]["id"], order["client"]["secret"])
    cipher = _cipher(order["key"])  # nothing may go wrong any more once X was asked
    with _reserved(Path(order["file"])) as file:
        answer = oauth2.ask(order["api_url"], client, oauth2.refresh(client, order["token"]), order["seconds"])
        signal.alarm(0)
        nonce = os.urandom(_NONCE)
        file.write(nonce + cipher.encrypt(nonce, json.dumps(answer.record()).encode(), order["mark"].encode()))


def _cipher(key: str) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(bytes.fromhex(key))


@contextmanager
def _reserved(path: Path) -> Iterator[IO[bytes]]:
    """A file that has its room on the disk already, and gets its name when all is written."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(bytes(_ROOM))
        file.flush()
        os.fsync(handle)
        file.seek(0)
        yield file
        file.truncate()
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


if __name__ == "__main__":
    main(sys.stdin.buffer)
