"""From pieces to the deliveries wanted, and from those and the stored ones to what has to change. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from channels.contract import Part, Period
from channels.piece import MAIN, Override

_MOVABLE = frozenset({"late", "backlog", "paused", "broken", "after", "page", "before", "approval"})
"""Why something is held that a new date in the file sets right. What a person or a remote's silence holds stays held."""
_OPEN = frozenset({"planned", "retrying", "held"})
_QUIET = frozenset({"planned", "retrying", "publishing", "published"})
_FIRM = frozenset({"uncertain", "rename", "person"})
"""What may be out already, and what a person holds: no file that comes or goes may undo that."""
_CLAIMED = frozenset({"publishing", "retrying", "published", "failed", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Intent:
    """What a piece's file says about going out. `piece` and `after` are the store's numbers.

    `channels` None: as the kind has it. `parts` only where a channel has other parts than `main`.
    """

    piece: int
    kind: str
    lang: str
    status: str
    publish_at: datetime | None
    expires_at: datetime | None = None
    late: timedelta | None = None
    after: int | None = None
    channels: tuple[str, ...] | None = None
    overrides: Mapping[str, Override] = field(default_factory=dict)
    parts: Mapping[str, Sequence[Part]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """`languages` empty: all. `archives`: takes what was due before `[desk] since`. `period`: collects editions."""

    languages: frozenset[str] = frozenset()
    late: timedelta | None = None
    archives: bool = False
    period: Callable[[datetime], Period | None] | None = None


Usual = tuple[str, ChannelRule, int | None]


@dataclass(frozen=True)
class Rules:
    """What the settings say about planning. `kinds`: kind → its channels and how late it may go out."""

    since: datetime
    kinds: Mapping[str, tuple[tuple[str, ...], timedelta | None]]
    channels: Mapping[str, ChannelRule]
    _usual: dict[tuple[str, str], tuple[Usual, ...]] = field(default_factory=dict, repr=False, compare=False)

    def usual(self, kind: str, lang: str) -> tuple[Usual, ...]:
        """The channels that a piece of that kind and language goes to, each with its rule and lateness in seconds."""
        known = self._usual.get((kind, lang))
        if known is None:
            names, late = self.kinds.get(kind, _NOWHERE)
            rules = [(name, self.channels[name]) for name in names if name in self.channels]
            fits = [(name, rule) for name, rule in rules if not rule.languages or lang in rule.languages]
            known = tuple((name, rule, _first(rule.late, late)) for name, rule in fits)
            self._usual[kind, lang] = known
        return known


class Wanted(NamedTuple):
    """One delivery as it should be; `late` in seconds. The fields stand in `Stored` under the same names."""

    channel: str
    part: str
    due_at: datetime | None
    late: int | None
    expires_at: datetime | None
    archive: bool
    period: str
    segment: str
    lang: str
    after_id: int | None


class Stored(NamedTuple):
    """One delivery as the database has it."""

    piece_id: int
    id: int
    state: str
    reason: str
    channel: str
    part: str
    due_at: datetime | None
    late: int | None
    expires_at: datetime | None
    archive: bool
    period: str
    segment: str
    lang: str
    after_id: int | None

    def wanted(self) -> Wanted:
        return Wanted(*self[4:])


class New(NamedTuple):
    piece_id: int
    wanted: Wanted


class Moved(NamedTuple):
    """The delivery stays what it is, with other times."""

    id: int
    wanted: Wanted


class Back(NamedTuple):
    """What was cancelled, or held for a cause that is gone, is planned again."""

    id: int
    state: str
    wanted: Wanted


class Dropped(NamedTuple):
    """Nobody wants it any more, for the reason `why`. `state` is the one it must still be in."""

    id: int
    state: str
    why: str = "its file no longer asks for it"


Change = New | Moved | Back | Dropped


def wanted(intent: Intent, rules: Rules) -> list[Wanted]:
    """The deliveries that the piece asks for, in the order of its channels and parts."""
    if intent.status != "ready" or intent.publish_at is None:
        return []
    if intent.channels is None and not intent.overrides and not intent.parts:
        return _plainly(intent, intent.publish_at, rules)
    found: list[Wanted] = []
    kind_channels, kind_late = rules.kinds.get(intent.kind, _NOWHERE)
    for name in _names(intent, kind_channels):
        rule = rules.channels.get(name)
        if rule is None or (rule.languages and intent.lang not in rule.languages):
            continue
        override = intent.overrides.get(name, _NO_OVERRIDE)
        if not override.skip:
            late = _first(intent.late, rule.late, kind_late)
            own = _own_time(intent.publish_at, override.at)
            for part in intent.parts.get(name, _MAIN_ONLY):
                at = None if part.by_hand else part.at or own
                if rule.archives or at is None or at >= rules.since:
                    found.append(_wanted(intent, name, rule, part.name, at, late, override.segment, rules.since))
    return found


def _plainly(intent: Intent, at: datetime, rules: Rules) -> list[Wanted]:
    """As the kind has it, which is what nearly all of ten thousand pieces want in every pass."""
    archive = at < rules.since
    found = []
    for name, rule, rule_late in rules.usual(intent.kind, intent.lang):
        if archive and not rule.archives:
            continue
        late = rule_late if intent.late is None else int(intent.late.total_seconds())
        period = rule.period(at) if rule.period else None
        due, key = (period.due_at, period.key) if period else (at, "")
        found.append(Wanted(name, MAIN, due, late, intent.expires_at, archive, key, "", intent.lang, intent.after))
    return found


def _names(intent: Intent, kind_channels: tuple[str, ...]) -> tuple[str, ...]:
    """A list in the piece chooses its channels; a mapping changes how it goes out on the kind's, or adds one."""
    if intent.channels is not None:
        return intent.channels
    if not intent.overrides:
        return kind_channels
    return kind_channels + tuple(name for name in intent.overrides if name not in kind_channels)


def _first(*lates: timedelta | None) -> int | None:
    """The nearest rule that says anything: the piece's, the channel's, the kind's."""
    for late in lates:
        if late is not None:
            return int(late.total_seconds())
    return None


def _wanted(
    intent: Intent,
    name: str,
    rule: ChannelRule,
    part: str,
    at: datetime | None,
    late: int | None,
    segment: str,
    since: datetime,
) -> Wanted:
    archive = at is not None and at < since
    period = rule.period(at) if rule.period and at else None
    due, key = (period.due_at, period.key) if period else (at, "")
    return Wanted(name, part, due, late, intent.expires_at, archive, key, segment, intent.lang, intent.after)


_MAIN_ONLY = (Part(MAIN),)
_NO_OVERRIDE = Override()
_NOWHERE: tuple[tuple[str, ...], timedelta | None] = ((), None)


def _own_time(publish_at: datetime, at: datetime | timedelta | None) -> datetime:
    if at is None:
        return publish_at
    return publish_at + at if isinstance(at, timedelta) else at


def diff(piece: int, wants: Sequence[Wanted], stored: Sequence[Stored], now: datetime) -> Iterator[Change]:
    """What has to change in the stored deliveries of one piece, so that they are as wanted."""
    if _unchanged(wants, stored):
        return
    have = {(row.channel, row.part): row for row in stored}
    asked = {(want.channel, want.part): want for want in _frozen(wants, stored)}
    for key, want in asked.items():
        row = have.get(key)
        expired = want.expires_at is not None and want.expires_at <= now
        if row is None:
            if not expired:
                yield New(piece, want)
        elif expired and row.state in _OPEN and row.reason not in _FIRM:
            yield Dropped(row.id, row.state, "it has expired")
        elif not (expired and row.state == "cancelled"):
            yield from _kept(row, want, now)
    for key, row in have.items():
        if key not in asked and row.state in _OPEN and row.reason not in _FIRM:
            yield Dropped(row.id, row.state)


def _unchanged(wants: Sequence[Wanted], stored: Sequence[Stored]) -> bool:
    """The quick way for nearly all pieces of nearly all passes."""
    if len(wants) != len(stored):
        return False
    for row, want in zip(stored, wants, strict=True):
        if row[2] not in _QUIET or row[4:] != want or want.expires_at is not None:
            return False
    return True


def _kept(row: Stored, want: Wanted, now: datetime) -> Iterator[Change]:
    mended = row.state == "held" and row.reason == "broken"
    postponed = row.state == "held" and row.reason in _MOVABLE and want.due_at != row.due_at and _ahead(want, now)
    if row.state == "cancelled" or mended or postponed:
        yield Back(row.id, row.state, want)
    elif row.state == "published":
        if row.expires_at != want.expires_at:
            yield Moved(row.id, want)
    elif row.state in _OPEN and row[4:] != want and not _postponed(row, want, now):
        yield Moved(row.id, want)


def _postponed(row: Stored, want: Wanted, now: datetime) -> bool:
    """Its own edition is over, so delivery put it into a later one."""
    return row.period > want.period and want.due_at is not None and want.due_at <= now


def _ahead(want: Wanted, now: datetime) -> bool:
    return want.due_at is None or want.due_at > now


def _frozen(wants: Sequence[Wanted], stored: Sequence[Stored]) -> Sequence[Wanted]:
    """A thread whose first post was claimed keeps the posts it had: numbers that are out mean those posts. Those that
    were cancelled with the file are among them where it asks for them again."""
    claimed = {row.channel for row in stored if row.part.isdigit() and row.state in _CLAIMED}
    times = {want.channel: want for want in wants if want.channel in claimed and _numbered(want.part)}
    if not times:
        return wants
    asked = {(want.channel, want.part) for want in wants}
    kept = [
        times[row.channel]._replace(part=row.part)
        for row in stored
        if row.channel in times and row.part.isdigit()
        if row.state != "cancelled" or (row.channel, row.part) in asked
    ]
    return [want for want in wants if not (want.channel in times and _numbered(want.part))] + kept


def _numbered(part: str) -> bool:
    return part.isdigit() or part == MAIN
