"""What every command shares: which workspace is meant, who acts, what time it is."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scheduler.delivery.acts import Person
    from scheduler.desk.assemble import Desk
    from scheduler.desk.reader import Reader
    from scheduler.store.engine import Store
    from scheduler.workspace import Workspace

By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides this, for the record. Default: your login.")]


class Failed(Exception):
    """The command can't do it; the message says why and what to do."""


@dataclass
class Session:
    """One call of a command. `given` is what `--workspace` said; `root` and `secrets` are known once it is loaded."""

    given: Path | None = None
    root: Path | None = None
    secrets: list[str] = field(default_factory=list, repr=False)

    def find(self) -> Path:
        """The workspace's folder. Raises `NoWorkspace`."""
        from scheduler.workspace import locate

        self.root = locate(self.given, Path.cwd(), os.environ)
        return self.root

    def workspace(self) -> Workspace:
        """The workspace with its settings, and the log set up. Raises `NoWorkspace`, `BadSettings`."""
        from scheduler.workspace import load

        found = load(self.find())
        self.secrets = [value for fields in found.secrets.values() for value in fields.values()]
        return found

    def reader(self, level: str = "warning") -> Reader:
        """For looking at files without a database."""
        from scheduler.desk.reader import read_only

        workspace = self.workspace()
        self._log(level)
        return read_only(workspace)

    def desk(self, level: str = "warning") -> Desk:
        """The whole desk. Raises `BadDatabase` too."""
        from scheduler.desk.assemble import assemble

        workspace = self.workspace()
        self._log(level)
        return assemble(workspace)

    def store(self) -> Store:
        """The database alone."""
        from scheduler.store.engine import open_store

        workspace = self.workspace()
        self._log("warning")
        return open_store(workspace.settings.database.url, workspace.root)

    def _log(self, level: str) -> None:
        from scheduler.cli import logs

        logs.set_up(level, self.secrets)


def session(ctx: typer.Context) -> Session:
    """The session that the group's callback made."""
    found = ctx.find_object(Session)
    return found if found is not None else Session()


def now() -> datetime:
    return datetime.now(UTC)


def person(by: str) -> Person:
    """Who acts, and when: as told, else the login's name."""
    from scheduler.delivery.acts import Person

    return Person(by.strip() or _login(), now())


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
