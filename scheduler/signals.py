"""What a person or systemd wants of the process: to end, or to read its settings anew."""

from __future__ import annotations

import signal
import threading


class Signals:
    """Heard once for the whole process: it outlives the desk whose settings are read anew. `ended`: it is to end;
    `hang_up`: the settings are to be read."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.hang_up = threading.Event()
        self._stop = threading.Event()

    def listen(self) -> None:
        """SIGTERM and SIGINT end in good order; SIGHUP reads the settings anew."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._end())
        signal.signal(signal.SIGHUP, lambda *_: self.hang_up.set())

    def attach(self, stop: threading.Event) -> None:
        """`stop` is set when it is to end; at once, where that was said already."""
        self._stop = stop
        if self.ended.is_set():
            stop.set()

    def _end(self) -> None:
        self.ended.set()
        self._stop.set()
