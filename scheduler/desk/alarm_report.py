"""What an alarm says: of all that happened, what still needs somebody now, sorted and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from channels.newsletter.mail import line
from channels.newsletter.words import moment
from scheduler.desk.alarm_letter import Item, Letter, Section
from scheduler.desk.alarm_words import counted, reason, words
from scheduler.store import alarms, audit, pauses

SHOWN = 20
"""The most entries of one sort; the others are counted."""
_SUBJECT_TITLE = 60


@dataclass(frozen=True)
class Open:
    """What still needs somebody. `stopped`: what stands still, and why; `voids` and `refusals`: piece and why."""

    held: Sequence[Any] = ()
    failed: Sequence[Any] = ()
    stopped: Sequence[Item] = ()
    voids: Sequence[Item] = ()
    refusals: Sequence[Item] = ()
    troubles: Sequence[str] = field(default=())

    def __bool__(self) -> bool:
        return any((self.held, self.failed, self.stopped, self.voids, self.refusals, self.troubles))


def still_open(db: Connection, acts: Sequence[Any], said: Mapping[str, str]) -> Open:
    """What became of these acts: only what waits for a person now."""
    numbers = [act.delivery_id for act in acts if act.delivery_id is not None and act.act in _OF_DELIVERIES]
    backlogs = [act.channel for act in acts if act.act == "held" and act.delivery_id is None]
    rows = alarms.troubled(db, numbers, backlogs)
    words_given = {act.piece: act for act in acts if act.act in ("approval void", alarms.REFUSED)}
    waiting = alarms.unapproved(db, list(words_given))
    still = [(words_given[name], row) for name, row in sorted(waiting.items())]
    return Open(
        [row for row in rows if row.state == "held"],
        [row for row in rows if row.state == "failed"],
        [*_pauses(db, acts, said), *_breakers(db, acts)],
        [_void(act, row) for act, row in still if act.act == "approval void"],
        [_refusal(act, row) for act, row in still if act.act == alarms.REFUSED],
    )


_OF_DELIVERIES = ("held", "hold", "fail")


def _pauses(db: Connection, acts: Sequence[Any], said: Mapping[str, str]) -> Iterator[Item]:
    channels = {act.channel for act in acts if act.act in ("pause", "hold")}
    everything = any(act.act == "guard" for act in acts)
    for pause in pauses.current(db):
        if pause.by != audit.DESK:
            continue
        if pause.scope == "all" and everything:
            yield Item(said["all"], text=f"{pause.reason} {_unless(pause.reason, 'Go on with: julki resume')}")
        elif pause.scope == "channel" and pause.name in channels:
            way = f"Mend that, then: julki resume --channel {pause.name}"
            yield Item(pause.name, text=f"It is paused: {pause.reason} {_unless(pause.reason, way)}")


def _unless(text: str, way: str) -> str:
    return "" if "julki resume" in text else way


def _breakers(db: Connection, acts: Sequence[Any]) -> Iterator[Item]:
    opened = alarms.open_breakers(db)
    last = {act.channel: act for act in acts if act.act == "breaker" and act.channel in opened}
    for channel, act in sorted(last.items()):
        yield Item(channel, text=f"{act.detail} It is tried again now and then, and goes on by itself once it works.")


def _void(act: Any, row: Any) -> Item:
    return Item(row.title or row.name, row.name, f"{act.detail} julki approve {row.name} --by NAME")


def _refusal(act: Any, row: Any) -> Item:
    why = f": {act.detail}" if act.detail else ""
    return Item(
        row.title or row.name,
        row.name,
        f"{act.by} refused it{why}. Change {row.path}, then: julki approve {row.name} --by NAME",
    )


def letter(found: Open, site: str, zone: ZoneInfo, lang: str) -> Letter:
    """The whole of it, in that language."""
    said = words(lang)
    stops = found.stopped or any(row.reason == "unauthorized" for row in found.held)
    told = [said["trouble"]] if found.troubles else []
    told += [said["stopped"]] if stops else []
    named = (("held", found.held), ("failed", found.failed), ("void", found.voids), ("refused", found.refusals))
    told += [counted(said, what, len(rows)) for what, rows in named if rows]
    subject = ", ".join(told)
    title = _first_title(found)
    if title:
        subject += f": {line(title, _SUBJECT_TITLE)}"
    return Letter(
        f"[{site}] {subject}",
        said["heading"],
        said["lead"],
        list(_sections(found, said, zone, lang)),
        said["zone"].format(zone=zone.key),
    )


def _first_title(found: Open) -> str:
    rows = [*found.held, *found.failed]
    items = [*found.voids, *found.refusals, *found.stopped]
    title = (rows[0].title or rows[0].name) if rows else items[0].title if items else ""
    return f"{title} …" if len(rows) + len(items) > 1 else title


def _sections(found: Open, said: Mapping[str, str], zone: ZoneInfo, lang: str) -> Iterator[Section]:
    if found.troubles:
        yield Section(said["section.trouble"], [Item(text=text) for text in found.troubles])
    if found.stopped:
        yield Section(said["section.stopped"], found.stopped)
    yield from of_deliveries([*found.held, *found.failed], said, zone, lang)
    for what, items, state in (("void", found.voids, "held"), ("refused", found.refusals, "held")):
        if items:
            heading = said[f"section.{what}"].format(count=len(items))
            yield Section(heading, items[:SHOWN], more=_more(said, len(items), state))


def of_deliveries(rows: Sequence[Any], said: Mapping[str, str], zone: ZoneInfo, lang: str) -> Iterator[Section]:
    """Held and failed deliveries, a section a channel and reason; what is held comes first."""

    def sort(row: Any) -> tuple[bool, str, str, str]:
        return row.state != "held", row.state, row.channel, row.reason

    for (_, state, channel, why), group in groupby(sorted(rows, key=sort), sort):
        entries = list(group)
        text = said[f"section.{state}"].format(channel=channel, reason=reason(said, why), count=len(entries))
        items = [_item(row, said, zone, lang) for row in entries[:SHOWN]]
        yield Section(text, items, more=_more(said, len(entries), state))


def _item(row: Any, said: Mapping[str, str], zone: ZoneInfo, lang: str) -> Item:
    part = "" if row.part == "main" else f" ({row.part})"
    when = said["due"].format(when=_when(row.due_at, zone, lang)) if row.due_at else said["due.hand"]
    way = "" if "julki " in row.error else f" Send it: julki retry {row.id}. Drop it: julki skip {row.id}"
    return Item(row.title or row.name, f"{row.name}{part} · {when}", f"{row.error}{way}".strip())


def _when(at: datetime, zone: ZoneInfo, lang: str) -> str:
    return moment(at, zone, lang)


def _more(said: Mapping[str, str], count: int, state: str) -> str:
    left = count - SHOWN
    return said["more"].format(count=left, command=f"julki queue --state {state}") if left > 0 else ""
