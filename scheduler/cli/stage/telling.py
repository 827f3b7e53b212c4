"""What the hall's screen says: the clock, what is next, each post's state, and what can be done about it. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import regex

from scheduler.cli.words import clean
from scheduler.delivery.states import SHAPES
from scheduler.desk.hall import Line, Program

PICTURE = "▣"
"""Marks a post that has a picture."""
_CLUSTER = regex.compile(r"\X")
_WAITING = ("planned", "retrying")
_GRAVE = ("failed", "held", "publishing", "retrying", "planned", "published", "withdrawn", "skipped")
_REMEDIES = {
    "held": "f sends it now, s leaves it out.",
    "failed": "f tries it again, s leaves it out.",
    "retrying": "It is tried again by itself. s leaves it out.",
    "publishing": "Julki finds out whether it is out. Don't post it by other means meanwhile.",
    "skipped": "f sends it after all.",
}


@dataclass(frozen=True, slots=True)
class Post:
    """One post on all its channels."""

    part: str
    label: str
    lines: Sequence[Line]

    @property
    def worst(self) -> Line:
        """The line that most needs a person."""
        return min(self.lines, key=lambda line: _GRAVE.index(line.state) if line.state in _GRAVE else len(_GRAVE))

    @property
    def at(self) -> datetime | None:
        """When it went out, or is to."""
        return self.worst.published_at or self.worst.due_at

    @property
    def waits(self) -> bool:
        """Whether it is still to go out by itself."""
        return any(line.state in _WAITING and (line.due_at is not None or line.fired) for line in self.lines)

    @property
    def fired(self) -> bool:
        return any(line.fired for line in self.lines)


def posts(program: Program) -> list[Post]:
    """Each post once, in the programme's order."""
    found: dict[str, list[Line]] = {}
    for line in program.lines:
        found.setdefault(line.part, []).append(line)
    return [Post(part, lines[0].label, lines) for part, lines in found.items()]


def steady(text: str) -> str:
    """`text` on one line, with each emoji sequence as its first sign: terminals disagree on how wide a sequence is."""
    flat = " ".join(clean(unicodedata.normalize("NFC", text)).split())
    if flat.isascii():
        return flat
    return unicodedata.normalize("NFC", " ".join("".join(_steadied(flat)).split()))


def _steadied(text: str) -> Iterator[str]:
    for cluster in _CLUSTER.findall(text):
        if "\U0001f1e6" <= cluster[0] <= "\U0001f1ff":  # a flag is a pair of letters
            yield "".join(chr(ord(char) - 0x1F1E6 + ord("A")) for char in cluster if char >= "\U0001f1e6")
        elif cluster[0].isalpha():
            yield cluster[0] + "".join(char for char in cluster[1:] if unicodedata.combining(char))
        elif _stands(cluster[0]):
            yield cluster[0]


def _stands(char: str) -> bool:
    """Whether it is a sign by itself, and nothing that only changes the one ahead."""
    return unicodedata.category(char) not in ("Cf", "Me", "Mn") and not "\U0001f3fb" <= char <= "\U0001f3ff"


def standing(post: Post) -> str:
    """The state by shape and word; more than one where its channels differ."""
    return ", ".join(
        dict.fromkeys(standing_of(line) for line in sorted(post.lines, key=lambda one: one is not post.worst))
    )


def standing_of(line: Line) -> str:
    """The same of one channel."""
    if line.state == "publishing":
        return f"{SHAPES['publishing']} {'not sure' if line.error else 'going out'}"
    if line.state == "planned" and line.fired:
        return f"{SHAPES['publishing']} going out"
    if line.state == "planned" and line.by_hand:
        return f"{SHAPES['planned']} by hand"
    return f"{SHAPES.get(line.state, ' ')} {line.state}"


def is_out(post: Post) -> bool:
    """Whether firing it would change nothing."""
    gone = ("published", "publishing", "withdrawn")
    return all(line.state in gone or (line.state == "planned" and line.fired) for line in post.lines)


def trouble(post: Post) -> str:
    """What to do, and why it did not go out on which channel; "" where all is well."""
    bad = [line for line in post.lines if line.error]
    ways = dict.fromkeys(_REMEDIES.get(line.state, "") for line in bad)
    return " ".join(filter(None, [*ways, *(f"{line.channel}: {clean(line.error)}" for line in bad)]))


def waiting_for_you(found: Sequence[Post]) -> str:
    """`▲ 2 held, ✕ 1 failed`; "" where nothing is."""
    counts = {state: sum(post.worst.state == state for post in found) for state in ("held", "failed")}
    return ", ".join(f"{SHAPES[state]} {count} {state}" for state, count in counts.items() if count)


def running(shift: timedelta) -> str:
    """`on time`, `20 min late`, `5 min early`."""
    minutes = round(abs(shift).total_seconds() / 60)
    if not minutes:
        return "on time" if not shift else "less than a minute off"
    return f"{span(minutes)} {'late' if shift > timedelta(0) else 'early'}"


def span(minutes: int) -> str:
    """`20 min`, `1 h 30 min`."""
    hours, rest = divmod(minutes, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest or not hours else [])])


def countdown(left: timedelta) -> str:
    """`0:09`, `12:31`, `2:05:00`, `3 days`."""
    seconds = max(0, int(left.total_seconds()))
    if seconds >= 2 * 86_400:
        return f"{seconds // 86_400} days"
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def next_up(found: Sequence[Post]) -> Post | None:
    """What goes out next by itself."""
    ahead = [post for post in found if post.waits and post.at is not None]
    return min(ahead, key=lambda post: (not post.fired, post.at), default=None)


def announced(found: Sequence[Post], now: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """What is next, in a line, and the text of it."""
    post = next_up(found)
    by_hand = sum(one.worst.by_hand and one.worst.state == "planned" and not one.fired for one in found)
    if post is None or post.at is None:
        more = f" {by_hand} wait to be sent by hand." if by_hand else ""
        return f"Nothing more goes out by itself.{more}", ""
    if post.fired or post.at <= now:
        return f"Going out now: {steady(post.label)}", steady(post.worst.text)
    when = f"Next in {countdown(post.at - now)}, at {clock(post.at, now, zone)}"
    return f"{when}: {steady(post.label)}", steady(post.worst.text)


def clock(at: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    """`09:05`, with the day where that is another one: `2.12. 09:05`."""
    if at is None:
        return ""
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{local.day}.{local.month}. {local:%H:%M}"


def sandboxes(program: Program) -> str:
    """Which channels are none of the world's."""
    names = [name for name, sandbox in program.channels.items() if sandbox]
    return f"Sandbox: {', '.join(names)} stays on this machine." if names else ""


def moved(found: Sequence[Post], by: timedelta, now: datetime, zone: ZoneInfo) -> str:
    """What a shift would do, before it is done."""
    lines = [line for post in found for line in post.lines if _moves(line, now)]
    way = f"{span(round(abs(by).total_seconds() / 60))} {'later' if by > timedelta(0) else 'earlier'}"
    if not lines:
        return f"Everything {way}? No post that has a time is left to move."
    parts = {line.part for line in lines}
    first = min((line for line in lines if line.due_at), key=lambda line: (line.due_at, line.id))
    assert first.due_at is not None  # noqa: S101  only what has a time moves
    old, new = clock(first.due_at, now, zone), clock(first.due_at + by, now, zone)
    many, rest = ("1 post moves", "") if len(parts) == 1 else (f"{len(parts)} posts move", ", the others along with it")
    return f"Everything {way}? {many}: '{steady(first.label)}' from {old} to {new}{rest}."


def _moves(line: Line, now: datetime) -> bool:
    """As `scheduler.delivery.hall.shift` has it."""
    if line.due_at is None or line.fired or (line.fresh and line.due_at <= now):
        return False
    return line.state in (*_WAITING, "held")
