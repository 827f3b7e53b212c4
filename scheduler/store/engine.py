"""The database: opening it, reading and writing in it, bringing its tables up to date."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DatabaseError

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_SECONDS = 20
HEAD = "0002"
"""The newest migration."""


class BadDatabase(Exception):
    """The database can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class Store:
    """An open database. `read` sees one consistent state; `write` holds the write lock from its first moment,
    because a transaction that reads first and then writes fails under load ("database is locked")."""

    engine: Engine
    path: Path
    _writers: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Writers of one process queue here: SQLite would let them sleep and ask again, ever longer."""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._writers, self.engine.connect().execution_options(julki_write=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def open_store(url: str, root: Path) -> Store:
    """Open the database that `url` names (relative to the workspace) and migrate it. Raises `BadDatabase`."""
    path = root / url.removeprefix("sqlite:///")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        store = Store(_engine(path), path)
        _migrate(store)
    except (DatabaseError, OSError, sqlite3.DatabaseError) as error:
        cause = getattr(error, "orig", None) or error
        raise BadDatabase(
            f"The database {path} can't be used: {cause}. If it is damaged, put it aside and restore the last backup; "
            "if the folder is read-only or the disk is full, mend that and start again."
        ) from error
    return store


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": _BUSY_SECONDS}, pool_size=12, max_overflow=8
    )

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-4000"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("julki_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _migrate(store: Store) -> None:
    current = _revision(store)
    if current == HEAD:
        return
    from alembic import command  # only a database that is not up to date pays for loading it
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise BadDatabase(
            f"The database {store.path} was written by a newer Julki (its tables are at '{current}'). "
            "Use that version, or restore a backup made by this one."
        )
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(store: Store) -> str | None:
    """What Alembic wrote down when it last changed the tables; None for a new database."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return revision
