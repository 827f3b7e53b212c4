"""A thread that does its work over and over, whatever happens to one pass of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

log = structlog.get_logger("julki.daemon")

_AGAIN = 1.0
"""Seconds until a pass that failed is tried again."""


class Pace:
    """How a clock goes, beside one that no sleep and no correction touches."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._last = clock(), time.monotonic()

    def step(self) -> tuple[datetime, timedelta]:
        """The time now, and how far the clock has jumped since the last step: by a machine's sleep, or set by hand."""
        now, tick = self._clock(), time.monotonic()
        jumped = now - self._last[0] - timedelta(seconds=tick - self._last[1])
        self._last = now, tick
        return now, jumped


class Worker:
    """Does `work` whenever it is woken, and every `tick` seconds. What `work` raises is logged; it goes on.

    `first` comes before all that, once, and minds its own errors. `beat` is when the last pass ended (monotonic).
    `failing` is None, or since when (monotonic) no pass came to its end, and why.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        tick: float,
        stop: threading.Event,
        first: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self.wake = threading.Event()
        self.beat = time.monotonic()
        self.failing: tuple[float, Exception] | None = None
        self._work, self._tick, self._stop, self._first = work, tick, stop, first
        self._nudge: threading.Timer | None = None
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def alive(self) -> None:
        """A long pass comes on."""
        self.beat = time.monotonic()

    def nudge(self, after: float) -> None:
        """Wake it in so many seconds, once for all who ask meanwhile."""
        if self._nudge is None or not self._nudge.is_alive():
            self._nudge = threading.Timer(after, self.wake.set)
            self._nudge.daemon = True
            self._nudge.start()

    def _run(self) -> None:
        self._first()
        while not self._stop.is_set():
            self.wake.clear()
            try:
                self._once()
            except Exception:  # noqa: BLE001  even the telling failed (no memory, say): the work goes on all the same
                self._stop.wait(_AGAIN)
            self.alive()
            self.wake.wait(self._tick)

    def _once(self) -> None:
        try:
            self._work()
        except Exception as error:
            before, self.failing = self.failing, (self.failing[0] if self.failing else time.monotonic(), error)
            if before is None or type(error) is not type(before[1]):
                log.exception("a pass failed; it is tried again", worker=self.name)
            self._stop.wait(_AGAIN)
            self.wake.set()
        else:
            self.failing = None
