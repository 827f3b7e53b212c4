"""`plan` and `queue`: what will happen, and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from channels.contract import can_withdraw
from scheduler.cli.choices import State
from scheduler.cli.costing import told, usd
from scheduler.cli.screen import note, say, table, watched
from scheduler.cli.session import session
from scheduler.cli.words import as_json, count, day, moment, state, what, zulu

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from scheduler.desk.assemble import Desk
    from scheduler.desk.money import Prices
    from scheduler.desk.reader import Reader
    from scheduler.settings import Settings

_URGENT = {"held": 0, "failed": 1, "retrying": 2, "publishing": 3}
_SCREENFUL = 100
"""Rows on a terminal, where no state was asked for."""
_QUEUE = ("piece", "channel", "part", "state", "due_at", "published_at", "remote_id", "permalink", "attempts", "error")


def plan(
    ctx: typer.Context,
    days: Annotated[int, typer.Option(metavar="N", min=0, max=36_500, help="How far to look ahead.")] = 14,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    costs: Annotated[bool, typer.Option("--costs", help="With --json: what each costs, too.")] = False,
) -> None:
    """List what goes out where and when, in the days ahead, and what it costs."""
    from scheduler.cli.freshness import refresh
    from scheduler.desk import money
    from scheduler.store import deliveries

    desk = session(ctx).desk()
    refresh(desk, "plan")
    now = desk.clock()
    with desk.store.read() as db:
        rows = deliveries.planned(db, now + timedelta(days=days))
        notes = {(row.name, row.channel, row.part): row.error for row in deliveries.queue(db, "held")}
        if desk.settings.desk.approval:
            notes = _unapproved(db, rows) | notes
    prices = money.prices(desk, rows) if costs or not as_document else {}
    if as_document:
        typer.echo(as_json([_planned(row) | (_cost(row, prices) if costs else {}) for row in rows]))
    else:
        _tell_plan(desk, rows, notes, prices, days, now)
        for bill in money.bills(desk, rows, prices, now):
            say(told(bill, desk.settings.zone, now))
    desk.close()


def _cost(row: Any, prices: Prices) -> dict[str, Any]:
    """In US dollars; None where nothing is charged."""
    price = prices.get((row.name, row.channel, row.part))
    return {"cost_usd": None if price is None else price / 1_000_000}


def _unapproved(db: Connection, rows: Sequence[Any]) -> dict[Any, str]:
    """What is still to be looked at by a second person."""
    from scheduler.store import approvals

    words = approvals.standing(db, sorted({row.piece_id for row in rows}))
    fine = {piece for piece, word in words.items() if word.decision == "approved"}
    told = "not approved yet: julki approve {} --by NAME"
    return {(row.name, row.channel, row.part): told.format(row.name) for row in rows if row.piece_id not in fine}


def _planned(row: Any) -> dict[str, Any]:
    told = {"piece": row.name, "kind": row.kind, "channel": row.channel, "part": row.part}
    return {**told, "due_at": zulu(row.due_at), "state": row.state}


def _tell_plan(
    desk: Desk, rows: Sequence[Any], notes: Mapping[Any, str], prices: Prices, days: int, now: datetime
) -> None:
    settings = desk.settings
    archive = [row for row in rows if row.due_at and row.due_at < settings.since and row.state != "held"]
    older = {id(row) for row in archive}
    shown = [row for row in rows if id(row) not in older]
    zone = settings.zone
    if archive:
        told = count(len(archive), "older delivery", "older deliveries")
        say(f"{told} from before {settings.desk.since}: archive, for the website and the feeds.\n")
    dated = [row for row in shown if row.due_at]
    for when, group in groupby(dated, lambda row: day(row.due_at, zone)):
        _tell_group(when, group, notes, prices, settings, now)
    if by_hand := [row for row in shown if not row.due_at]:
        _tell_group("Sent by hand", by_hand, notes, prices, settings, now)
    if not shown:
        say(f"Nothing goes out in the next {count(days, 'day')}.")
    else:
        say(f"Times are those of {zone.key}. What has no time yet (an idea) is not listed, nor are drafts.")


def _tell_group(
    heading: str, rows: Iterable[Any], notes: Mapping[Any, str], prices: Prices, settings: Settings, now: datetime
) -> None:
    """A line for each piece and time, its channels side by side where all is the same with them."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        line = _plan_line(row, notes.get((row.name, row.channel, row.part), ""), settings, now)
        price = prices.get((row.name, row.channel, row.part))
        lines.setdefault(line, []).append(_channel(row.channel, settings, "" if price is None else usd(price)))
    say(heading)
    shown = [(*line[:3], ", ".join(channels), *line[3:]) for line, channels in lines.items()]
    table(("time", "piece", "title", "channels", "state", ""), shown, state=4)
    say()


def _plan_line(row: Any, note: str, settings: Settings, now: datetime) -> tuple[str, ...]:
    late = row.due_at is not None and row.due_at <= now and row.state != "held"
    why = note or ("overdue: it goes out at once, or is held" if late else _hours(row, settings))
    clock = f"{row.due_at.astimezone(settings.zone):%H:%M}" if row.due_at else ""
    return clock, what(row.name, row.part), row.title, state(row.state), why


def _hours(row: Any, settings: Settings) -> str:
    """What is due outside its channel's hours goes out when they begin."""
    table = settings.channels.get(row.channel)
    if row.due_at is None or table is None or table.hours is None:
        return ""
    at = table.hours.next(row.due_at, settings.zone)
    return "" if at == row.due_at else f"goes out at {at.astimezone(settings.zone):%H:%M}: the hours of {row.channel}"


def _channel(name: str, settings: Settings, price: str = "") -> str:
    channel = settings.channels.get(name)
    if channel is None:
        return f"{name} (no longer in config)"
    remarks = ", ".join(filter(None, ("sandbox" if channel.sandbox else "", price)))
    return f"{name} ({remarks})" if remarks else name


def queue(
    ctx: typer.Context,
    only: Annotated[State | None, typer.Option("--state", help="Only these.", show_default=False)] = None,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List every delivery (one piece on one channel), what waits for you on top."""
    from scheduler.store import deliveries

    here = session(ctx)
    store = here.store()
    with store.read() as db:
        rows = deliveries.queue(db, only.value if only else None)
    store.close()
    if as_document:
        typer.echo(as_json([_queued(row) for row in rows]))
        return
    _tell_queue(rows, here.reader(), whole=only is not None)


def _queued(row: Any) -> dict[str, Any]:
    values = {"piece": row.name, "due_at": zulu(row.due_at), "published_at": zulu(row.published_at, exact=True)}
    return {"id": row.id, **{name: values.get(name, getattr(row, name, None)) for name in _QUEUE}}


def _tell_queue(rows: Sequence[Any], reader: Reader, whole: bool) -> None:
    if not rows:
        say("There is nothing here. What is planned shows after: julki plan")
        return
    shown = sorted(rows, key=_urgency)
    if watched() and not whole:
        shown = shown[:_SCREENFUL]
    lines = list(_queue_lines(shown, reader))
    table(("id", "piece", "channel", "state", "due", "out", ""), lines, right=(0,), state=3)
    if len(shown) < len(rows):
        say(f"… and {len(rows) - len(shown):,} more. See all of a state with --state, or everything with --json.")
    told = sorted({row.state for row in rows}, key=list(State).index)
    totals = ", ".join(f"{sum(row.state == name for row in rows):,} {name}" for name in told)
    say(f"\n{totals}. Times are those of {reader.workspace.settings.zone.key}.")
    if any(row.state in ("held", "failed") and row.reason not in ("approval", "refused") for row in rows):
        note("Send one all the same: julki retry ID. Leave it out: julki skip ID")


def _urgency(row: Any) -> tuple[int, float, int]:
    """What waits for a person first, then what comes next, then the newest of the rest."""
    if row.state == "planned":
        return len(_URGENT), row.due_at.timestamp() if row.due_at else float("inf"), row.id
    at = row.published_at or row.due_at
    return _URGENT.get(row.state, len(_URGENT) + 1), -(at.timestamp() if at else 0), row.id


def _queue_lines(rows: Sequence[Any], reader: Reader) -> Iterator[tuple[str, ...]]:
    settings = reader.workspace.settings
    zone = settings.zone
    for row in rows:
        remark = row.error or (row.permalink if row.permalink.startswith("http") else "")
        if row.gone_at is not None and row.state == "published":
            remark = "its file is gone"
            if can_withdraw(reader.channels.get(row.channel)):
                remark += f"; take it off with: julki withdraw {row.id}"
        out = moment(row.published_at, zone) if row.published_at else ""
        due = moment(row.due_at, zone)
        yield str(row.id), what(row.name, row.part), _channel(row.channel, settings), state(row.state), due, out, remark
