"""From what a piece's file says to the deliveries that it wants. Pure; `scheduler.changes` goes on from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from channels.contract import Part, Period
from channels.piece import MAIN, Override


@dataclass(frozen=True, slots=True)
class Intent:
    """What a piece's file says about going out. `piece` and `after` are the store's numbers.

    `channels` None: as the kind has it. `parts` only where a channel has other parts than `main`. `shift`: by how much
    the hall runs late; it moves the posts of a live event that have a time of their own.
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
    shift: timedelta = timedelta(0)


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
    live: bool = False


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
                at = None if part.by_hand else part.at + intent.shift if part.at else own
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
    live = is_live(part)
    return Wanted(name, part, due, late, intent.expires_at, archive, key, segment, intent.lang, intent.after, live)


def is_live(part: str) -> bool:
    """A post of a live event: its part is called by a word. The posts of a thread have numbers."""
    return part != MAIN and not part.isdigit()


_MAIN_ONLY = (Part(MAIN),)
_NO_OVERRIDE = Override()
_NOWHERE: tuple[tuple[str, ...], timedelta | None] = ((), None)


def _own_time(publish_at: datetime, at: datetime | timedelta | None) -> datetime:
    if at is None:
        return publish_at
    return publish_at + at if isinstance(at, timedelta) else at
