"""`live`: an event in the hall. On a terminal a full screen; else, and with options, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli.screen import note, say, table, watched
from scheduler.cli.session import By, Failed, Session, person, session
from scheduler.cli.words import as_json, clean, moment, zulu

if TYPE_CHECKING:
    from scheduler.cli.stage.drafts import Photo
    from scheduler.delivery.acts import Person
    from scheduler.desk.assemble import Desk
    from scheduler.desk.hall import Hall, Line, Program

_LINE = ("id", "part", "label", "channel", "state", "by_hand", "fired", "fresh", "text", "length", "limit")
_SENDING = ("--fire", "--say")
"""What comes true only when the desk runs."""
_WHEN = '"2026-11-30 09:20"'
Act = Callable[["Hall", "Person"], str]


def live(
    ctx: typer.Context,
    event: Annotated[
        str,
        typer.Argument(
            metavar="EVENT", help="As julki plan shows it. Default: the one that is on.", show_default=False
        ),
    ] = "",
    listing: Annotated[bool, typer.Option("--list", help="Print the programme once.")] = False,
    as_document: Annotated[bool, typer.Option("--json", help="The same as one JSON document on stdout.")] = False,
    fire: Annotated[str, typer.Option(metavar="PART", help="Send that post now.")] = "",
    skip: Annotated[str, typer.Option(metavar="PART", help="Leave that post out.")] = "",
    late: Annotated[str, typer.Option(metavar="TIME", help="The hall runs later by 20m, or earlier by -5m.")] = "",
    start: Annotated[str, typer.Option(metavar="TIME", help=f"The event starts at {_WHEN}.")] = "",
    words: Annotated[str, typer.Option("--say", metavar="TEXT", help="Send a fresh post now.")] = "",
    at: Annotated[str, typer.Option(metavar="TIME", help=f"Send the fresh post at {_WHEN}.")] = "",
    photos: Annotated[
        list[str] | None, typer.Option("--photo", metavar="FILE", help="A photo for it; up to 4.")
    ] = None,
    alts: Annotated[list[str] | None, typer.Option("--alt", metavar="TEXT", help="What is to be seen in it.")] = None,
    tap: Annotated[str, typer.Option(metavar="ID", help="Your name for this act: repeated, it counts once.")] = "",
    by: By = "",
) -> None:
    """Post live from an event: see what is next, fire, skip, move, add."""
    from scheduler.desk.hall import Hall

    here = session(ctx)
    shown = _photos(photos or [], alts or [])
    zone = here.workspace().settings.site.timezone
    asked = {
        "--fire": fire and (lambda hall, who: hall.fire(fire, who, tap)),
        "--skip": skip and (lambda hall, who: hall.skip(skip, who, tap)),
        "--late": late and _later(late, tap),
        "--start": start and _starting(start, zone, tap),
        "--say": (words or shown) and _saying(words, shown, at and _moment(at, zone), tap),
    }
    acts: list[tuple[str, Act]] = [(name, act) for name, act in asked.items() if act]
    _usable(acts, once=listing or as_document, at=at, tap=tap)
    desk = here.desk()
    try:
        _bring_up_to_date(desk)
        name = event or _only_one(desk, choice=bool(acts) or as_document)
        if name:
            _open(here, Hall(desk, name), acts, by, listing, as_document)
    finally:
        desk.close()


def _usable(acts: Sequence[tuple[str, Act]], *, once: bool, at: str, tap: str) -> None:
    names = [name for name, _ in acts]
    if len(names) > 1 or (names and once):
        told = " and ".join([*names, *(["--list or --json"] if once else [])])
        raise typer.BadParameter(f"{told} can't go together. Say one thing at a time.")
    if at and names != ["--say"]:
        raise typer.BadParameter("--at says when a fresh post goes out. Give its text with --say.")
    if tap and not names:
        raise typer.BadParameter("--tap names an act. Say which, with --fire, --skip, --late, --start or --say.")


def _bring_up_to_date(desk: Desk) -> None:
    from scheduler.cli.freshness import refresh

    refresh(desk, "live")


def _open(
    here: Session, hall: Hall, acts: Sequence[tuple[str, Act]], by: str, listing: bool, as_document: bool
) -> None:
    for name, act in acts[:1]:
        from scheduler.cli.freshness import idle
        from scheduler.store.lock import holder

        running = holder(hall.desk.store.path) if name in _SENDING else "nobody needed"
        say(act(hall, person(by)) + idle(running))
        return
    if as_document:
        typer.echo(as_json([_json(line) for line in hall.program().lines]))
    elif listing or not watched():
        _tell(hall.program(), hall.desk)
    else:
        _screen(here, hall, person(by).name)


def _screen(here: Session, hall: Hall, by: str) -> None:
    from scheduler.cli.stage.app import StageApp
    from scheduler.cli.stage.drafts import Drafts

    var = hall.desk.workspace.var
    screen = StageApp(hall, by, Drafts(var / "drafts"))
    with _log_kept(here, var / "live.log"):
        screen.run()
    if screen.fault is not None:
        raise screen.fault


@contextmanager
def _log_kept(here: Session, path: Path) -> Iterator[None]:
    """The log goes into a file: a line of it would tear the screen."""
    import os

    from scheduler.cli import logs

    path.parent.mkdir(exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with open(handle, "a", encoding="utf-8", errors="backslashreplace") as stream:  # noqa: PTH123  a descriptor
        logs.set_up("warning", here.secrets, stream)
        try:
            yield
        finally:
            logs.set_up("warning", here.secrets)


def _later(told: str, tap: str) -> Act:
    from channels.duration import parse_duration

    back = told.strip().startswith("-")
    try:
        by = parse_duration(told.strip().lstrip("+-"))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return lambda hall, who: hall.late(-by if back else by, who, tap)


def _starting(told: str, zone: str, tap: str) -> Act:
    to = _moment(told, zone)
    return lambda hall, who: hall.move(to, who, tap)


def _saying(text: str, photos: Sequence[Photo], at: datetime | str, tap: str) -> Act:
    from scheduler.cli.stage import counting

    when = at if isinstance(at, datetime) else None
    return lambda hall, who: hall.say(text, who, tap, counting.images(hall, photos), when)


def _moment(told: str, zone: str) -> datetime:
    from scheduler.calendar.walltime import WallTimeError, to_utc

    try:
        return to_utc(told, zone)
    except WallTimeError as error:
        raise typer.BadParameter(str(error)) from None


def _photos(paths: Sequence[str], alts: Sequence[str]) -> list[Photo]:
    if len(alts) > len(paths):
        raise typer.BadParameter("There is an --alt without a --photo. Each --photo takes one --alt.")
    return list(zip(paths, [*alts, *[""] * len(paths)], strict=False))


def _only_one(desk: Desk, *, choice: bool) -> str:
    """The event that is meant when none is named; "" where that can't be told, and then they are listed. `choice`: an
    event is needed, so a list is no answer."""
    from scheduler.desk import halls

    found = halls.ahead(desk)
    one = halls.meant(found, desk.clock(), desk.settings.zone)
    if one is not None:
        return one.name
    if choice:
        raise typer.BadParameter("Say which event, as julki live lists them.")
    if not found:
        raise Failed("No live event is on or to come. An event is live with live: true in its file.")
    zone = desk.settings.zone
    table(("starts", "event", "title"), [(moment(each.starts_at, zone), each.name, each.title) for each in found])
    note(f"Times are those of {zone.key}. Open one with: julki live {found[0].name}")
    return ""


def _json(line: Line) -> dict[str, Any]:
    told = {name: getattr(line, name) for name in _LINE}
    times = {"due_at": zulu(line.due_at), "published_at": zulu(line.published_at, exact=True)}
    return told | times | {"pictures": list(line.pictures), "permalink": line.permalink, "error": line.error}


def _tell(program: Program, desk: Desk) -> None:
    """The programme once, for a person or a script."""
    from scheduler.cli.freshness import idle
    from scheduler.cli.stage import telling
    from scheduler.store.lock import holder

    zone, now = desk.settings.zone, desk.clock()
    found = telling.posts(program)
    say(f"{program.title}: {telling.running(program.shift)}. It is {moment(now, zone)} in {zone.key}.")
    if sandboxes := telling.sandboxes(program):
        say(sandboxes)
    for told in program.obstacles:
        say(told)
    say(telling.announced(found, now, zone)[0])
    say()
    rows = [
        (telling.clock(line.published_at or line.due_at, now, zone), line.part, line.channel, telling.standing_of(line),
         str(len(line.pictures) or ""), clean(line.error) or " ".join(line.text.split())[:60])
        for line in program.lines
    ]  # fmt: skip
    table(("time", "part", "channel", "state", "photos", ""), rows, right=(4,), state=3)
    if not holder(desk.store.path):
        note(idle(None).strip())
