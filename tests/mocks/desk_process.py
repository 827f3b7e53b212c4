"""A desk in a process of its own, to be killed. Run as a script: `python desk_process.py WORKSPACE`.

`start` is a fresh Python. `Fork` begins in a tenth of that time: it branches off from a process that has loaded
everything already, and is a process of its own all the same.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path

RUN = [sys.executable, __file__]
_PRELOADED = ["scheduler.daemon", "scheduler.desk.assemble", "scheduler.workspace", "alembic.command"]
_PRELOADED += ["channels.x", "channels.x.session", "channels.website", "channels.rss", "channels.newsletter", "tweepy"]
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def start(root: Path) -> subprocess.Popen[bytes]:
    """The daemon on that workspace, its log in `var/log`. It leads a group of its own, so that a kill takes all of it."""
    log = root / "var" / "log"
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen([*RUN, str(root)], stdout=out, stderr=out, start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL: no handler runs, nothing is flushed."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


class Fork:
    """The daemon as a fork, its log in `var/log`; `environ` is added to what it inherits. It does not outlive whoever
    started it. Start all of them from one thread; `kill` may come from any."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        self._process = context.Process(target=_forked, args=(str(root), dict(environ)))
        self._killing = threading.Lock()
        self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def alive(self) -> bool:
        return not connection.wait([self._process.sentinel], 0)

    def kill(self) -> bool:
        """SIGKILL, and wait until nothing of it is left; False where it was over already."""
        with self._killing:
            if not self.alive:
                return False
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:  # so young that it leads no group of its own yet, or over this very moment
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            if not connection.wait([self._process.sentinel], 10):
                raise TimeoutError(f"process {self.pid} outlived SIGKILL")
            return True

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def code(self, seconds: float) -> int | None:
        """How it ended: its exit code, or less the signal; None where it still runs after that time."""
        self._process.join(seconds)
        return self._process.exitcode


def _forked(root: str, environ: Mapping[str, str]) -> None:
    """What a fresh process would begin with, and a fork has to make for itself."""
    from channels import files

    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.setsid()
    os.environ.update(environ)
    log = Path(root) / "var" / "log"
    log.parent.mkdir(exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    files._OWN = f"{files._MARK}{secrets.token_hex(6)}-"
    sys.exit(main(root))


def main(root: str) -> int:
    from scheduler import workspace
    from scheduler.daemon import Daemon
    from scheduler.desk.assemble import assemble

    desk = assemble(workspace.load(Path(root)))
    daemon = Daemon(desk)
    daemon.signals.listen()
    try:
        return daemon.run()
    finally:
        desk.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
