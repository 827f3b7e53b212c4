"""The sandbox: mails in a Maildir, each in one file named by its key. Nothing leaves the machine."""

from __future__ import annotations

import os
from pathlib import Path

from channels.files import unwritable


class Maildir:
    """A Maildir (https://cr.yp.to/proto/maildir.html). Writing the same name twice leaves one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def deliver(self, name: str, content: bytes) -> None:
        """Put the mail into `new/`, whole or not at all; nothing, where it lies in `new/` or `cur/` already."""
        if self.has(name):
            return
        try:
            self._deliver(name, content)
        except OSError as error:
            raise unwritable(f"The mail folder {self.path}", error) from error

    def has(self, name: str) -> bool:
        """Whether the mail is there, read (then its name carries flags) or unread."""
        return (self.path / "new" / name).exists() or any(self.path.glob(f"cur/{name}*"))

    def _deliver(self, name: str, content: bytes) -> None:
        for folder in ("tmp", "new", "cur"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        temporary = self.path / "tmp" / name
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path / "new" / name)
        handle = os.open(self.path / "new", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
