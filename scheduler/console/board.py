"""The board: what goes out next, what waits for a person, what went out. Rows become what the page shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from scheduler.delivery.states import SHAPES
from scheduler.store import board, breakers, deliveries, pauses

if TYPE_CHECKING:
    from scheduler.desk.assemble import Desk

AHEAD = timedelta(days=7)
_MOST_COMING, _MOST_TROUBLED, _MOST_LATELY = 300, 100, 40


@dataclass(frozen=True, slots=True)
class Place:
    """One channel of a line. `sandbox`: nothing leaves the machine there."""

    channel: str
    sandbox: bool
    permalink: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the board: a piece (and part) at a time, on one channel or several."""

    title: str
    name: str
    lang: str
    part: str
    state: str
    shape: str
    at: datetime | None
    places: tuple[Place, ...]
    reason: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """A channel with its figures; `paused` says by whom, `resting` why it is left alone and until when."""

    name: str
    sandbox: bool
    waiting: int
    out: int
    troubled: int
    paused: str
    resting: str


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows. `troubles` counts all that waits for a person, shown or not; times are in the site's zone."""

    title: str
    zone: str
    now: datetime
    coming: tuple[Day, ...]
    troubled: tuple[Line, ...]
    troubles: int
    lately: tuple[Line, ...]
    pauses: tuple[str, ...]
    lanes: tuple[Lane, ...]


def look(desk: Desk) -> Board:
    now = desk.clock()
    with desk.store.read() as db:
        coming = board.coming(db, now + AHEAD, _MOST_COMING)
        troubled = board.troubled(db, _MOST_TROUBLED)
        lately = board.lately(db, _MOST_LATELY)
        stopped = pauses.current(db)
        counts = deliveries.counts(db)
        resting = breakers.resting(db)
    settings = desk.settings
    lines = _Lines({name for name, table in settings.channels.items() if table.sandbox}, settings.zone)
    return Board(
        settings.site.title,
        settings.zone.key,
        now.astimezone(settings.zone),
        tuple(_days(lines.together(coming, "due_at"))),
        tuple(lines.alone(row) for row in troubled),
        sum(number for (_, state), number in counts.items() if state in ("held", "failed")),
        tuple(lines.together(lately, "published_at")),
        tuple(_pause(pause, settings.zone) for pause in stopped),
        tuple(
            _lane(name, table.sandbox, counts, stopped, _rest(resting.get(name), now, settings.zone))
            for name, table in settings.channels.items()
        ),
    )


class _Lines:
    def __init__(self, sandboxes: set[str], zone: ZoneInfo) -> None:
        self._sandboxes, self._zone = sandboxes, zone

    def together(self, rows: Iterable[Any], column: str) -> Iterable[Line]:
        """Neighbours of one piece, time (to the minute) and state become one line."""

        def same(row: Any) -> tuple[object, ...]:
            return row.name, row.part, row.state, getattr(row, column).replace(second=0, microsecond=0)

        for _, group in groupby(rows, same):
            found = list(group)
            yield self._line(found[0], getattr(found[0], column), found)

    def alone(self, row: Any) -> Line:
        return self._line(row, row.due_at, [row], _commands(row))

    def _line(self, row: Any, at: datetime | None, rows: Sequence[Any], commands: tuple[str, ...] = ()) -> Line:
        places = tuple(Place(one.channel, one.channel in self._sandboxes, _web(one.permalink)) for one in rows)
        return Line(
            row.title or row.name,
            row.name,
            row.name.partition("/")[0],
            "" if row.part == "main" else row.part,
            row.state,
            SHAPES.get(row.state, "·"),
            at.astimezone(self._zone) if at else None,
            places,
            row.error,
            commands,
        )


def _commands(row: Any) -> tuple[str, ...]:
    """What settles it, where the reason does not say so itself, with the number of this very delivery."""
    return (
        ()
        if "julki " in row.error and "retry ID" not in row.error
        else (f"julki retry {row.id}", f"julki skip {row.id}")
    )


def _web(address: str) -> str:
    """Only what may stand in a link."""
    return address if address.startswith(("https://", "http://")) else ""


def _days(lines: Iterable[Line]) -> Iterable[Day]:
    for day, group in groupby(lines, lambda line: line.at.date() if line.at else None):
        yield Day(f"{day:%A %-d %B}" if day else "By hand", tuple(group))


def _pause(pause: Any, zone: ZoneInfo) -> str:
    what = "Everything" if pause.scope == "all" else f"The {pause.scope} {pause.name}"
    why = f": {pause.reason}" if pause.reason else ""
    option = "" if pause.scope == "all" else f" --{pause.scope} {pause.name}"
    when = f"{pause.at.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"{what} was paused by {pause.by} on {when}{why}. Go on with: julki resume{option}"


def _rest(row: Any, now: datetime, zone: ZoneInfo) -> str:
    if row is None or row.until <= now:
        return ""
    return f"left alone until {row.until.astimezone(zone):%H:%M:%S}: {row.error}"


def _lane(name: str, sandbox: bool, counts: dict[tuple[str, str], int], stopped: Sequence[Any], resting: str) -> Lane:
    def total(*states: str) -> int:
        return sum(counts.get((name, state), 0) for state in states)

    holding = [pause for pause in stopped if pause.scope == "all" or (pause.scope, pause.name) == ("channel", name)]
    paused = f"paused by {holding[0].by}" if holding else ""
    return Lane(
        name,
        sandbox,
        total("planned", "retrying", "publishing"),
        total("published"),
        total("held", "failed"),
        paused,
        resting,
    )
