"""A worker goes on, whatever happens to one pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import structlog

from scheduler.worker import Worker


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_it_goes_on_also_where_not_even_the_log_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.worker._AGAIN", 0.01)
    passes: list[bool] = []
    stop = threading.Event()

    def work() -> None:
        passes.append(worker.failing is not None)
        if len(passes) < 3:
            raise MemoryError

    def silent(*_: object) -> structlog.types.EventDict:
        raise MemoryError

    monkeypatch.setattr("scheduler.worker.log", structlog.wrap_logger(None, processors=[silent]))
    worker = Worker("x", work, 0.01, stop)
    worker.thread.start()
    until(lambda: len(passes) > 4)
    stop.set()
    worker.wake.set()
    worker.thread.join(10)
    assert passes[:4] == [False, True, True, False]
    assert worker.failing is None
