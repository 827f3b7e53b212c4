"""Tells at once that something changed in `content/` or `config/`; what changed, the scan finds.

A watch is only a hint to look again: folders behind links and new mounts below `content/` are not heard of here, so a
full scan every now and then is still needed, and another one when the scan says that files are waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import structlog
from watchfiles import Change, watch

FOLDERS = ("content", "config")

_STEP_MS = 50
_DEBOUNCE_MS = 200
_GLANCE_MS = 500
_POLL_MS = 500
_PATIENCE = 2.0

log = structlog.get_logger(__name__)

Marks = tuple[tuple[int, int] | None, ...]


class Watch:
    """A thread that calls `changed()` soon after any change, and once when it starts to listen.

    `changed` runs in that thread, never twice at a time, and should only set a flag. Whatever it raises is logged.
    `polling` True: compare the files twice a second instead of asking the system, for network drives that tell
    nothing; None: as the system needs it. A folder may vanish and come back (unmounted, replaced by git).
    """

    def __init__(self, root: Path, changed: Callable[[], None], *, polling: bool | None = None) -> None:
        self._root = root.absolute()
        self._changed = changed
        self._polling = polling
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, within `timeout` seconds; takes some tens of milliseconds. May be called again."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except Exception:  # noqa: BLE001 – whatever it is, the next changes must still be heard of
                self._recover()

    def _listen(self) -> None:
        """Listen until one of the folders is not the one that it was."""
        marks = self._marks()
        there = [self._root / name for name, mark in zip(FOLDERS, marks, strict=True) if mark]
        if not there:
            self._wait_for_folders()
            return
        events = watch(
            *there,
            watch_filter=self._matters,
            step=_STEP_MS,
            debounce=_DEBOUNCE_MS,
            stop_event=self._stop,
            rust_timeout=_GLANCE_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=self._polling,
            poll_delay_ms=_POLL_MS,
            ignore_permission_denied=True,
        )
        # The first look is for what happened before anybody listened; the watch is set up by the first `next`.
        first = True
        for changes in events:
            if changes or first:
                first = False
                self._tell()
            if self._marks() != marks:
                self._tell()
                return

    def _wait_for_folders(self) -> None:
        self._tell()
        while not any(self._marks()) and not self._stop.wait(_GLANCE_MS / 1000):
            pass

    def _recover(self) -> None:
        log.exception(
            "watch_failed",
            remedy="Julki goes on by comparing the files itself. If this comes again, raise fs.inotify.max_user_watches.",
        )
        self._polling = True
        self._tell()
        self._stop.wait(_PATIENCE)

    def _tell(self) -> None:
        if self._stop.is_set():
            return
        try:
            self._changed()
        except Exception:
            log.exception("watch_callback_failed")

    def _marks(self) -> Marks:
        return tuple(_mark(self._root / name) for name in FOLDERS)

    def _matters(self, _change: Change, path: str) -> bool:
        """Not what editors leave beside a file while they save it."""
        below = path.removeprefix(f"{self._root}/")
        if below == path:
            return True
        name = below.rpartition("/")[2]
        return not name.endswith(("~", ".swp", ".tmp")) and not any(part.startswith(".") for part in below.split("/"))


def _mark(folder: Path) -> tuple[int, int] | None:
    """What tells one folder from another that takes its place, None if there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
