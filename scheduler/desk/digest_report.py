"""What a weekly digest says: what waits for somebody, what went out, what comes. Pure, but for what it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_interval

from channels.piece import KINDS
from scheduler.desk import alarm_words, digest_words
from scheduler.desk.alarm_letter import Item, Letter, Section
from scheduler.desk.alarm_report import SHOWN, of_deliveries
from scheduler.desk.rounds import Turn

_LATE = timedelta(hours=1)
Said = Mapping[str, str]


@dataclass(frozen=True)
class Week:
    """The rows: what is held or failed now, what went out in the turn, what is planned until the next."""

    turn: Turn
    now: datetime
    troubled: Sequence[Any]
    out: Sequence[Any]
    coming: Sequence[Any]


def letter(week: Week, site: str, zone: ZoneInfo, lang: str) -> Letter:
    said, known = digest_words.words(lang), lang if lang in ("fi", "sv") else "en"
    locale = Locale(known)
    start, end = (at.astimezone(zone).replace(tzinfo=None) for at in (week.turn.start, week.turn.due_at))
    span = str(format_interval(start, end, "MMMd", locale=locale))
    pieces = len({row.name for row in week.out})
    subject = said["subject"].format(span=span, out=pieces)
    if week.troubled:
        subject += ", " + said["troubled"].format(count=len(week.troubled))
    sections = [
        *of_deliveries(week.troubled, alarm_words.words(lang), zone, lang),
        *_out(week.out, said, zone, locale),
        _coming(week, said, zone, locale),
    ]
    foot = said["foot"].format(zone=zone.key)
    lead = " ".join(_lead(week, pieces, said, zone, locale))
    return Letter(f"[{site}] {subject}", said["heading"].format(span=span), lead, sections, foot)


def _lead(week: Week, pieces: int, said: Said, zone: ZoneInfo, locale: Locale) -> Iterator[str]:
    yield said["lead.one"] if pieces == 1 else said["lead.out" if pieces else "lead.none"].format(count=pieces)
    yield said["reach"]
    if week.now - week.turn.due_at > _LATE:
        yield said["late"].format(when=_moment(week.turn.due_at, said, zone, locale))
    if week.turn.missed:
        yield said["missed" if week.turn.missed == 1 else "missed.many"].format(count=week.turn.missed)


def _out(rows: Sequence[Any], said: Said, zone: ZoneInfo, locale: Locale) -> Iterator[Section]:
    def sort(row: Any) -> tuple[str, int, str]:
        kind = row.kind if row.kind in KINDS else ""
        return row.channel, KINDS.index(kind) if kind else len(KINDS), kind

    for (channel, _, kind), group in groupby(sorted(rows, key=sort), sort):
        entries = list(group)
        heading = said["out"].format(channel=channel, kind=said[f"kind.{kind}"], count=len(entries))
        items = [_published(row, said, zone, locale) for row in entries[:SHOWN]]
        yield Section(heading, items, more=_more(len(entries), "julki queue --state published", said))


def _published(row: Any, said: Said, zone: ZoneInfo, locale: Locale) -> Item:
    part = "" if row.part == "main" else f" ({row.part})"
    url = row.permalink if row.permalink.startswith(("https://", "http://")) else ""
    when = _moment(row.published_at, said, zone, locale)
    return Item(f"{row.title or row.name}{part}", f"{row.name} · {when}", url=url)


def _coming(week: Week, said: Said, zone: ZoneInfo, locale: Locale) -> Section:
    """One entry a piece and time, with the channels that it goes to."""
    ahead = [row for row in week.coming if row.due_at is not None and row.due_at >= week.now]
    found: dict[tuple[datetime, str, str], list[Any]] = {}
    for row in ahead:
        found.setdefault((row.due_at, row.name, row.part), []).append(row)
    items = [
        Item(
            (rows[0].title or name) + ("" if part == "main" else f" ({part})"),
            f"{_moment(at, said, zone, locale)} · {', '.join(row.channel for row in rows)}",
        )
        for (at, name, part), rows in sorted(found.items())
    ]
    if not items:
        return Section(said["nothing.coming"], note=said["nothing"])
    return Section(
        said["coming"].format(count=len(items)), items[:SHOWN], more=_more(len(items), "julki plan --days 7", said)
    )


def _more(count: int, command: str, said: Said) -> str:
    return said["more"].format(count=count - SHOWN, command=command) if count > SHOWN else ""


def _moment(at: datetime, said: Said, zone: ZoneInfo, locale: Locale) -> str:
    return str(format_datetime(at.astimezone(zone).replace(tzinfo=None), said["day"], locale=locale))
