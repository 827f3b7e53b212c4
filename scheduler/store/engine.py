"""The database: opening it, reading and writing in it, bringing its tables up to date."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, inspect
from sqlalchemy.exc import DatabaseError, OperationalError

from scheduler.store import fault

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_SECONDS = 20
HEAD = "0003"
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
    store = Store(_engine(path), path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _migrate(store)
    except (DatabaseError, OSError, sqlite3.DatabaseError) as error:
        store.close()
        raise BadDatabase(fault.told(path, error)) from error
    return store


def examine(store: Store) -> None:
    """SQLite's own look at the whole file (https://www.sqlite.org/pragma.html#pragma_quick_check): 0.1 s for
    120 MB, the archive of ten thousand pieces, where the disk has to be asked 0.5 s. Raises `BadDatabase`."""
    try:
        with store.read() as connection:
            found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    except DatabaseError as error:
        raise BadDatabase(fault.told(store.path, error)) from error
    if found != "ok":
        raise BadDatabase(fault.damage(store.path, found))


class _Place:
    """Which file lies at `path`, by device and inode, since it was opened.

    SQLite goes on with a file that has no name any more (https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use),
    or makes a new one in its place. Both would forget what is out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: tuple[int, int] | None = None

    def note(self) -> None:
        self._opened = self._opened or self._there()

    def check(self) -> None:
        """Raises `fault.Gone`."""
        if self._opened is not None and self._there() != self._opened:
            raise fault.Gone("the file was taken away or replaced")

    def _there(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": _BUSY_SECONDS}, pool_size=12, max_overflow=8
    )

    place = _Place(path)

    @event.listens_for(engine, "do_connect")
    def look(*_: Any) -> None:
        place.check()

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-4000"):
            raw.execute(f"PRAGMA {pragma}")
        place.note()

    @event.listens_for(engine, "handle_error")
    def doubt(context: ExceptionContext) -> None:
        # a file that was opened while its disk could only be read stays so for the connection, for good
        context.is_disconnect = context.is_disconnect or fault.of_connection(context.original_exception)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        try:
            place.check()
        except fault.Gone as error:
            raise OperationalError("BEGIN", None, error) from error
        write = connection.get_execution_options().get("julki_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _migrate(store: Store) -> None:
    current = _revision(store)
    if current == HEAD:
        return
    from alembic import command  # only a database that is not up to date pays for loading it

    config = _alembic()
    if current is not None and current not in revisions():
        raise BadDatabase(
            f"The database {store.path} was written by a newer Julki (its tables are at '{current}'). "
            "Use that version, or restore a backup made by this one."
        )
    with store.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def revisions() -> set[str]:
    """The states of the tables that this Julki knows."""
    from alembic.script import ScriptDirectory

    return {script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()}


def _alembic() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _revision(store: Store) -> str | None:
    """What Alembic wrote down when it last changed the tables; None for a new database."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return revision
