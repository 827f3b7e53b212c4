"""The end of a call: whatever the other side does, it is over in time.

A time-out of sockets counts from byte to byte, so that a server which sends one every few seconds holds a call for ever.
Here the socket itself is shut when the time is up, whether the call is sending, waiting or reading.

Two things before that are bounded by others: looking up the name (by the system's resolver, usually 30 s in all), and
connecting (by the connect time-out, for each of the name's addresses).
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class Guard:
    """Around one call, for at most `seconds`. `connected`: something may have been sent; `expired`: the time was up."""

    def __init__(self, seconds: float) -> None:
        self.connected = False
        self.expired = False
        self._seconds = seconds
        self._socket: Any = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._token: Token[Guard | None] | None = None

    def __enter__(self) -> Guard:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._token is not None:
            _current.reset(self._token)

    def take(self, connection: Any) -> None:
        """The connection stands, and nothing was sent through it yet."""
        with self._lock:
            self.connected, self._socket = True, connection
            # Sending has all of the time: a slow line stalls now and then under an upload.
            connection.settimeout(self._seconds)
            if self.expired:
                _shut(connection)

    def _end(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None:
                _shut(self._socket)


_current: ContextVar[Guard | None] = ContextVar("guard", default=None)


def _shut(connection: Any) -> None:
    # Not by TLS's own method: that takes the state away from under the thread that is reading.
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _taken(connection: HTTPConnection) -> None:
    guard = _current.get()
    if guard is not None and connection.sock is not None:
        guard.take(connection.sock)


class _Plain(HTTPConnection):
    debuglevel = 0  # whatever a program sets for all connections: the standard library prints what is sent

    def connect(self) -> None:
        super().connect()
        _taken(self)


class _Secure(HTTPSConnection):
    debuglevel = 0

    def connect(self) -> None:
        super().connect()
        _taken(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS = {"http": _PlainPool, "https": _SecurePool}
"""Pools for urllib3's `pool_classes_by_scheme`, whose connections put themselves under the guard of their call."""
