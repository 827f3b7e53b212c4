"""`reach`: how far what went out has gone, by piece or in sum."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer

from scheduler.cli.choices import one_of
from scheduler.cli.screen import note, progress, say, table
from scheduler.cli.session import now, session
from scheduler.cli.words import as_json, count, moment, zulu

if TYPE_CHECKING:
    from scheduler.desk.reader import Reader
    from scheduler.reach.sums import Line, Sum
    from scheduler.store.engine import Store

Group = Literal["piece", "project", "client", "audience", "channel"]
_MISSING = "–"
_NOBODY = "(none)"


def reach(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="Only this one of them.")] = "",
    by_piece: Annotated[bool, typer.Option("--piece", help="A row for each piece. This is the default.")] = False,
    by_project: Annotated[bool, typer.Option("--project", help="A row for each project.")] = False,
    by_client: Annotated[bool, typer.Option("--client", help="A row for each client.")] = False,
    by_audience: Annotated[bool, typer.Option("--audience", help="A row for each audience.")] = False,
    by_channel: Annotated[bool, typer.Option("--channel", help="A row for each channel.")] = False,
    since: Annotated[
        str, typer.Option(metavar="WHEN", show_default=False, help="Only what went out since: 2026-11-01, or 30d.")
    ] = "",
    as_document: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    as_sheet: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
) -> None:
    """Tell how far what went out has reached, as last measured."""
    by = _group(piece=by_piece, project=by_project, client=by_client, audience=by_audience, channel=by_channel)
    if as_document and as_sheet:
        raise typer.BadParameter("Choose one of --json and --csv.")
    here = session(ctx)
    reader = here.reader()
    start = _since(since, reader.workspace.settings.zone)
    store = here.store()
    lines = _lines(reader, store, by, name, start)
    store.close()
    if as_document:
        typer.echo(as_json([_told(line, by) for line in lines]))
    elif as_sheet:
        typer.echo(_sheet(lines, by), nl=False)
    else:
        _tell(lines, by, reader)
    reader.close()


def _group(**chosen: bool) -> Group:
    names = [name for name, wanted in chosen.items() if wanted]
    if len(names) > 1:
        raise typer.BadParameter(f"Choose one of {' and '.join('--' + name for name in names)}.")
    return names[0] if names else "piece"  # type: ignore[return-value]  # the options are those of Group


def _since(text: str, zone: ZoneInfo) -> datetime | None:
    """Midnight of a day in the site's zone, or so long ago."""
    from channels.duration import parse_duration

    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone)
    except ValueError:
        pass
    try:
        ago: timedelta = parse_duration(text)
    except ValueError:
        told = f"'{text}' is neither a day nor a duration. Write it like 2026-11-01, or 30d."
        raise typer.BadParameter(told) from None
    return now() - ago


def _lines(reader: Reader, store: Store, by: Group, name: str, since: datetime | None) -> list[Line]:
    from scheduler.reach.sums import Out, grouped
    from scheduler.store import measurements

    with store.read() as db:
        deliveries = measurements.reached(db, since)
        rows = [tuple(row) for row in measurements.latest(db, since)]
        if name:
            one_of(by, name, _known(db, by, reader, deliveries))
    groups = _groups(reader, deliveries, by)
    channels = {row.id: row.channel for row in deliveries}
    out = [Out(row.id, row.channel, groups[row.id], row.remote_id or f"delivery {row.id}") for row in deliveries]
    found = grouped(out, rows, _metrics(reader, [(channels[row[0]], row[1]) for row in rows if row[0] in channels]))
    if by != "piece":
        found.sort(key=lambda line: (not line.group, line.group))
    return [line for line in found if name in ("", line.group)]


def _known(db: Any, by: Group, reader: Reader, deliveries: Iterable[Any]) -> set[str]:
    from scheduler.store import pieces

    if by == "piece":
        return set(pieces.numbers(db))
    settings = reader.workspace.settings
    tables: Mapping[str, Mapping[str, Any]] = {
        "project": settings.projects,
        "client": settings.clients,
        "audience": settings.audiences,
        "channel": settings.channels,
    }
    return {*tables[by], *(getattr(row, by, "") for row in deliveries)} - {""}


def _groups(reader: Reader, deliveries: Sequence[Any], by: Group) -> dict[int, tuple[str, ...]]:
    """Delivery → what it counts for."""
    if by == "audience":
        audiences = _audiences(reader, {row.path: row.name for row in deliveries})
        return {row.id: audiences.get(row.name) or ("",) for row in deliveries}
    column = "name" if by == "piece" else by
    return {row.id: (getattr(row, column),) for row in deliveries}


def _audiences(reader: Reader, files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Piece → its audiences, as its file says now; `files`: path → piece."""
    from scheduler.calendar.document import contents
    from scheduler.calendar.reading import read

    found: dict[str, tuple[str, ...]] = {}
    with progress("reading") as advance:
        for done, (path, name) in enumerate(files.items(), 1):
            advance(done, len(files))
            try:
                piece = read(contents(reader.workspace.root / path), path, reader.library.rules).piece
            except OSError:
                continue
            if piece is not None and piece.id == name:
                found[name] = tuple(dict.fromkeys(piece.audiences))
    return found


def _metrics(reader: Reader, measured: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Channel → what it can tell, and what it has told before."""
    from channels.contract import Measuring

    found = {name: list(one.metrics) for name, one in reader.channels.items() if isinstance(one, Measuring)}
    for channel, metric in measured:
        names = found.setdefault(channel, [])
        if metric not in names:
            names.append(metric)
    return found


def _told(line: Line, by: Group) -> dict[str, Any]:
    """A piece's sum has nothing missing; a group's tells how much of it was measured."""
    value = line.sum.whole if by == "piece" else line.sum.known
    group: dict[str, Any] = {} if by == "channel" else {by: line.group}
    parts = {} if by == "piece" else {"posts": line.sum.posts, "measured": line.sum.measured}
    at = zulu(line.sum.measured_at, exact=True) if value is not None else None
    return {**group, "channel": line.channel, "metric": line.metric, "value": value, "measured_at": at, **parts}


def _sheet(lines: Sequence[Line], by: Group) -> str:
    group = [] if by == "channel" else [by]
    parts = [] if by == "piece" else ["posts", "measured"]
    out = io.StringIO()
    sheet = csv.DictWriter(out, [*group, "channel", "metric", "value", "measured_at", *parts])
    sheet.writeheader()
    sheet.writerows(_told(line, by) for line in lines)
    return out.getvalue()


def _tell(lines: Sequence[Line], by: Group, reader: Reader) -> None:
    settings = reader.workspace.settings
    shown = {line.channel for line in lines if line.sum.known is not None}
    if not lines:
        say("Nothing has gone out that can be measured.")
    for channel in dict.fromkeys(line.channel for line in lines):
        own = [line for line in lines if line.channel == channel]
        known = settings.channels.get(channel)
        if known is not None and known.sandbox and channel not in shown:
            say(f"{channel} is a sandbox: what goes there reaches nobody.\n")
        else:
            _tell_channel(channel, own, by, settings.zone)
    if shown:
        say(
            f"{_MISSING} was not measured; + is without the posts that were not. Times are those of {settings.zone.key}."
        )
    if silent := [name for name in reader.channels if name not in _metrics(reader, ())]:
        note(f"These don't count their readers: {', '.join(silent)}.")


def _tell_channel(channel: str, lines: Sequence[Line], by: Group, zone: ZoneInfo) -> None:
    metrics = list(dict.fromkeys(line.metric for line in lines))
    rows = []
    for group, own in groupby(lines, lambda line: line.group):
        sums = {line.metric: line.sum for line in own}
        at = min((one.measured_at for one in sums.values() if one.measured_at), default=None)
        when = moment(at, zone) if at else ""
        figures = [_figure(sums[metric]) for metric in metrics]
        rows.append((group or _NOBODY, when, *figures, _remark(sums.values())))
    say(channel)
    table((by, "measured", *metrics, ""), rows, right=tuple(range(2, 2 + len(metrics))))
    say()


def _figure(one: Sum) -> str:
    if one.known is None:
        return _MISSING
    return f"{one.known:,}" + ("" if one.measured == one.posts else "+")


def _remark(sums: Iterable[Sum]) -> str:
    """What is missing most, and why."""
    worst = sorted(sums, key=lambda one: (one.measured, not one.why))[0]
    missing = worst.posts - worst.measured
    if not missing:
        return worst.why
    told = "not measured" if worst.posts == 1 else f"{missing} of {count(worst.posts, 'post')} not measured"
    return f"{told}: {worst.why}" if worst.why else f"{told} yet"
