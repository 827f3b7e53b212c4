"""A desk in a process of its own, to be killed. Run as a script: `python desk_process.py WORKSPACE`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

RUN = [sys.executable, __file__]


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


def main(root: str) -> int:
    from scheduler import workspace
    from scheduler.daemon import Daemon
    from scheduler.desk.assemble import assemble

    desk = assemble(workspace.load(Path(root)))
    daemon = Daemon(desk)
    daemon.listen()
    try:
        return daemon.run()
    finally:
        desk.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
