"""A disk of a few megabytes, to be filled up and to be made read-only: a tmpfs in a mount namespace of its own.

It takes no administrator: a process becomes root in a user namespace (unshare(1)), and others join it there. Only they
see the disk under `folder`; everybody else finds the same files under `path`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PAGE = bytes(4096)


class NoSmallDisk(Exception):
    """This machine lets nobody mount; the message says why."""


class SmallDisk:
    """Mounted at `folder` until `close`. Raises `NoSmallDisk`."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        if not (shutil.which("unshare") and shutil.which("nsenter")):
            raise NoSmallDisk("there is no unshare(1) or nsenter(1) here")
        mount = f'mount -t tmpfs -o size={megabytes}m small "$0" && echo mounted && exec sleep infinity'
        self._keeper = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", mount, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._keeper.stdout
        if self._keeper.stdout.readline() != "mounted\n":
            raise NoSmallDisk(f"no disk can be mounted here: {self._keeper.communicate()[1].strip()}")
        self.path = Path(f"/proc/{self._keeper.pid}/root{folder}")
        self._ballast = self.path / "ballast"

    def run(self, *command: str | Path, log: IO[bytes], **environ: str) -> subprocess.Popen[bytes]:
        """Start a process that sees the disk; the process is the command itself, so a signal to it is one to that."""
        return subprocess.Popen([*self._entering(), *command], stdout=log, stderr=log, env=environ)

    def fill(self) -> None:
        """Until there is no room for another page."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(_PAGE * 64)
            except OSError:
                pass
            try:
                while True:
                    file.write(_PAGE)
            except OSError:
                pass

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        self.fill()
        try:
            yield
        finally:
            self.free()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """For whatever is opened meanwhile; who has a file open keeps it (a disk that is in use is not remounted)."""
        self._mount("--bind", self.folder, self.folder)
        self._mount("-o", "remount,bind,ro", self.folder)
        try:
            yield
        finally:
            subprocess.run([*self._entering(), "umount", "--lazy", self.folder], check=True)

    def close(self) -> None:
        """The disk goes with the last process that sees it."""
        self._keeper.kill()
        self._keeper.communicate()

    def _mount(self, *how: str | Path) -> None:
        subprocess.run([*self._entering(), "mount", *how], check=True)

    def _entering(self) -> list[str | Path]:
        return ["nsenter", "--preserve-credentials", "--user", "--mount", f"--target={self._keeper.pid}"]
