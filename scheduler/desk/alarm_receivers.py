"""Who is told of an alarm, and in which language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from scheduler.calendar.reading import read
from scheduler.desk.reader import reading_rules
from scheduler.people import Author
from scheduler.settings import Settings
from scheduler.store import alarms
from scheduler.workspace import Workspace

_LARGEST = 2_000_000
"""Bytes of a file that is looked into for its authors."""


def everyday(settings: Settings) -> tuple[str, ...]:
    """Who hears of everything: those in `[alarms] to`, else every author whose role has the word "editor" in it."""
    team = settings.authors.values()
    return settings.alarms.to or once(one.email for one in team if "editor" in one.role.casefold())


def language(settings: Settings, address: str) -> str:
    """That of the author with this address, else the site's first."""
    for author in settings.authors.values():
        if author.email.casefold() == address.casefold() and author.language:
            return author.language
    return settings.site.languages[0]


def concerned(db: Connection, acts: Sequence[Any], workspace: Workspace) -> dict[int, tuple[str, ...]]:
    """Act → who hears of it beside the everyday receivers, or, of a refusal, in their stead."""
    voids = [act.piece for act in acts if act.act == "approval void"]
    refusals = [act.piece for act in acts if act.act == alarms.REFUSED]
    team = workspace.settings.authors
    gave = {piece: _addresses([by], team) for piece, by in alarms.approvers(db, voids).items()}
    wrote = {piece: _addresses(_authors(workspace, path), team) for piece, path in alarms.paths(db, refusals).items()}
    told = {"approval void": gave, alarms.REFUSED: wrote}
    return {act.id: told.get(act.act, {}).get(act.piece, ()) for act in acts}


def _authors(workspace: Workspace, path: str) -> tuple[str, ...]:
    """As the piece's file says now; nobody where it can't be read."""
    try:
        with (workspace.root / path).open("rb") as file:
            piece = read(file.read(_LARGEST), path, reading_rules(workspace)).piece
    except OSError:
        return ()
    return piece.authors if piece else ()


def _addresses(names: Iterable[str], team: Mapping[str, Author]) -> tuple[str, ...]:
    """The addresses of the people whom these names mean: by key, name or address, in whatever case."""
    known = {}
    for key, author in team.items():
        for name in (author.email, author.name, key):
            known[name.casefold()] = author.email
    return once(known.get(name.strip().casefold(), "") for name in names if name.strip())


def once(addresses: Iterable[str]) -> tuple[str, ...]:
    """Each address once, as first written."""
    known: dict[str, str] = {}
    for address in addresses:
        known.setdefault(address.casefold(), address)
    return tuple(address for address in known.values() if address)
