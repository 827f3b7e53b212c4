"""`export` and `import`: the calendar for other programmes, a planning sheet as draft pieces."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli.choices import Incoming, Kind, Outgoing
from scheduler.cli.screen import note, progress, say
from scheduler.cli.session import Failed, now, session
from scheduler.cli.words import count

if TYPE_CHECKING:
    from channels.piece import Piece
    from scheduler.calendar.ics import Entry
    from scheduler.calendar.rows import Names, Sheet
    from scheduler.desk.assemble import Desk
    from scheduler.settings import Settings


def export(
    ctx: typer.Context,
    form: Annotated[Outgoing, typer.Argument(metavar="ics|csv", help="For a calendar, or a spreadsheet.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here, not to stdout.")
    ] = None,
) -> None:
    """Write the whole calendar for other programmes."""
    from scheduler.calendar.ics import export_csv, export_ics
    from scheduler.cli.freshness import refresh

    desk = session(ctx).desk()
    refresh(desk, "export")
    entries = list(_entries(desk))
    settings = desk.settings
    if form is Outgoing.ics:
        raw = export_ics(entries, settings.site.title, now=now(), zone=settings.zone)
    else:
        raw = export_csv(entries).encode("utf-8")
    desk.close()
    if output is None:
        sys.stdout.flush()
        typer.echo(raw, nl=False)
    else:
        output.write_bytes(raw)
        note(f"{count(len(entries), 'delivery', 'deliveries')} written to {output}.")


def _entries(desk: Desk) -> Iterator[Entry]:
    from scheduler.store import deliveries, pieces

    known = _pieces(desk)
    with desk.store.read() as db:
        rows = deliveries.queue(db)
        uids = {name: found.uid for name in {row.name for row in rows} if (found := pieces.by_name(db, name))}
    for row in rows:
        yield _entry(row, known.get(row.name), uids.get(row.name, row.name), desk)


def _entry(row: Any, piece: Piece | None, uid: str, desk: Desk) -> Entry:
    from scheduler.calendar.ics import Entry

    page = desk.library.view.page(piece) if piece else ""
    event = piece.event if piece else None
    return Entry(
        uid=uid,
        piece=row.name,
        title=row.title,
        kind=piece.kind if piece else "",
        channel=row.channel,
        part=row.part,
        due_at=row.due_at,
        state=row.state,
        url=row.permalink if row.permalink.startswith("http") else page,
        starts_at=event.starts_at if event else None,
        ends_at=event.ends_at if event else None,
        place=event.place if event else "",
    )


def _pieces(desk: Desk) -> Mapping[str, Piece]:
    from scheduler.cli.survey import survey
    from scheduler.desk.reader import Reader

    reader = Reader(desk.workspace, desk.channels, desk.library, desk.intake)
    with progress("reading") as advance:
        seen = survey(reader, advance)
    owners = seen.relations.owners
    found = [reading.piece for reading in seen.readings.values() if reading.piece]
    return {piece.id: piece for piece in found if owners.get(piece.id) == piece.path}


def import_(
    ctx: typer.Context,
    form: Annotated[Incoming, typer.Argument(metavar="ics|csv|xlsx", help="What kind of file it is.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The calendar or planning sheet.")],
    kind: Annotated[Kind, typer.Option(help="The kind of rows that name none.")] = Kind.news,
) -> None:
    """Make draft pieces of a planning sheet or calendar. What can't be read is told by row."""
    from scheduler.calendar import rows

    workspace = session(ctx).workspace()
    if not file.is_file():
        raise typer.BadParameter(f"There is no file {file}.")
    sheet = _sheet(form, file, workspace.settings)
    drafts, problems = rows.pieces(sheet, _names(workspace.settings), kind=kind.value)
    written, refused = rows.write_all(workspace.root, drafts)
    for path in written:
        say(path)
    found = sorted([*sheet.problems, *problems, *refused], key=lambda one: one.row)
    for problem in found:
        note(f"{file}: {problem}")
    note(f"{count(len(written), 'draft')} written, {count(len(found), 'remark')}.")
    if found:
        raise typer.Exit(1)


def _sheet(form: Incoming, file: Path, settings: Settings) -> Sheet:
    from scheduler.calendar import ics, sheet

    if form is not Incoming.ics:
        return sheet.read_sheet(file)
    with file.open("rb") as source:
        raw = source.read(ics.LARGEST + 1)
    if not raw:
        raise Failed(f"{file} is empty.")
    return ics.import_ics(raw, settings.zone)


def _names(settings: Settings) -> Names:
    from scheduler.calendar.rows import Names

    tables: Mapping[str, Mapping[str, Any]] = {
        "client": settings.clients,
        "project": settings.projects,
        "audiences": settings.audiences,
        "authors": settings.authors,
    }
    keys = {
        column: {word.casefold(): key for key, one in table.items() for word in (key, one.name)}
        for column, table in tables.items()
    }
    keys["channels"] = {name.casefold(): name for name in settings.channels}
    return Names(settings.site.languages, keys)
