"""What systemd is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.notify import Supervisor


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(10)
        yield listener


def say_all(supervisor: Supervisor) -> None:
    supervisor.ready()
    supervisor.alive()
    supervisor.stopping()


def heard(listener: socket.socket) -> list[bytes]:
    return [listener.recv(100) for _ in range(3)]


def test_a_socket_in_the_file_system_hears_it(listener: socket.socket, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    listener.bind(str(path))
    say_all(Supervisor({"NOTIFY_SOCKET": str(path)}))
    assert heard(listener) == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_socket_hears_it(listener: socket.socket, tmp_path: Path) -> None:
    listener.bind(f"\0julki-{tmp_path.name}-{id(listener)}")
    say_all(Supervisor({"NOTIFY_SOCKET": f"@julki-{tmp_path.name}-{id(listener)}"}))
    assert heard(listener) == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", opened)
    say_all(Supervisor({}))


def test_a_supervisor_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    say_all(Supervisor({"NOTIFY_SOCKET": str(tmp_path / "nobody")}))
