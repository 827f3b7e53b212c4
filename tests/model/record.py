"""What the database itself writes down: every change of a delivery's state, and who was at work then."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from scheduler.delivery.states import TRANSITIONS, Actor

_ALLOWED = {(move.source, move.target, actor) for move in TRANSITIONS for actor in move.by}


class Record:
    """One database's; `db` commits by itself."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        db.execute("CREATE TABLE actor (name TEXT)")
        db.execute("INSERT INTO actor VALUES ('nobody')")
        db.execute("CREATE TABLE moved (source TEXT, target TEXT, actor TEXT)")
        db.execute(
            "CREATE TRIGGER moves AFTER UPDATE OF state ON delivery WHEN OLD.state <> NEW.state "
            "BEGIN INSERT INTO moved SELECT OLD.state, NEW.state, name FROM actor; END"
        )

    @contextmanager
    def by(self, actor: Actor) -> Iterator[None]:
        """What happens within is that actor's doing."""
        (before,) = self.db.execute("SELECT name FROM actor").fetchone()
        self.db.execute("UPDATE actor SET name = ?", (actor,))
        try:
            yield
        finally:
            self.db.execute("UPDATE actor SET name = ?", (before,))

    def broken(self) -> list[str]:
        """What happened since it was asked last and the table of transitions does not know, in words."""
        rows = [tuple(row) for row in self.db.execute("SELECT source, target, actor FROM moved")]
        self.db.execute("DELETE FROM moved")
        return [
            f"the {actor} made {target} of {source}"
            for source, target, actor in rows
            if (source, target, actor) not in _ALLOWED
        ]
