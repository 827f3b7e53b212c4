"""Compares what was wanted with what the remotes hold. The desk's database is asked only why something is not out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.mocks.x.ledger import Ledger
from tests.torture import remotes
from tests.torture.desk import COLLECTED, Desk, not_before
from tests.torture.manuscript import MARK, Manuscript, Unit
from tests.torture.remotes import Holdings
from tests.torture.tally import Tally

_FORMS = ("rss.xml", "atom.xml", "feed.json")


@dataclass(frozen=True, slots=True)
class Told:
    """What the desk says of one delivery."""

    state: str
    reason: str
    due_at: str
    error: str


def judge(desk: Desk, pieces: Sequence[Manuscript], x: Ledger, now: datetime, tally: Tally) -> None:
    """Writes into the tally what is lost, doubled, held or otherwise wrong."""
    out, told = holdings(desk, x), _told(desk, tally)
    wanted = [unit for piece in pieces for unit in piece.units(desk.channels)]
    deleted = {piece.number for piece in pieces if piece.deleted}
    for unit in wanted:
        if _behind_a_held_one(unit, told):
            told[unit] = replace(told[unit], state="held", reason="behind a held post")
        _unit(unit, out.units[unit], told.get(unit), unit.number in deleted, now, tally)
    strangers = out.units.keys() - set(wanted)
    tally.problems += [f"{unit} is out, and nobody asked for it" for unit in sorted(strangers)]
    tally.problems += out.oddities
    tally.problems += remotes.chain_faults(out.posts)
    tally.problems += _stale(desk, [piece for piece in pieces if not _without_page(piece, told)])
    keys = Counter(remotes.outbox_keys(desk.root / "var/outbox/xbox.jsonl"))
    tally.problems += [f"the outbox has the key {key} {count} times" for key, count in keys.items() if count > 1]
    if (integrity := desk.integrity()) != "ok":
        tally.problems.append(f"the database: {integrity}")
    tally.problems += ["an attempt is open at the end" for _ in range(desk.open_attempts())]


def _unit(unit: Unit, count: int, told: Told | None, deleted: bool, now: datetime, tally: Tally) -> None:
    if count > 1:
        tally.doubled.append(f"{unit} is out {count} times ({told})")
    if told is not None and told.state == "held":
        tally.deliveries += 1
        tally.held[f"{unit.channel} {told.reason}"] += 1
        tally.examples.append((told.reason, f"{unit}, {count} times out. {told.error}"))
    elif deleted and (told is None or told.state == "cancelled"):
        tally.recalled += 1
        if count:
            tally.problems.append(f"{unit} counts as taken back, and is out")
    elif not _for_the_next_edition(unit, told, now):
        tally.deliveries += 1
        if count == 0:
            tally.lost.append(f"{unit} is not out ({told})")
        elif told is None or told.state != "published":
            tally.problems.append(f"{unit} is out, and the desk does not know it ({told})")


def _behind_a_held_one(unit: Unit, told: Mapping[Unit, Told]) -> bool:
    """A post of a thread waits for the one before, and so with it for a person."""
    mine = told.get(unit)
    if mine is None or mine.state != "planned" or not unit.part.isdigit():
        return False
    earlier = (told.get(Unit(unit.channel, unit.number, str(n))) for n in range(1, int(unit.part)))
    return any(one is not None and one.state == "held" for one in earlier)


def _for_the_next_edition(unit: Unit, told: Told | None, now: datetime) -> bool:
    """Written after the edition had gone out, or too late for it: its own time is yet to come."""
    collected = told is not None and unit.channel == COLLECTED and told.state == "planned"
    return told is not None and collected and not_before(told.due_at, now)


def holdings(desk: Desk, x: Ledger) -> Holdings:
    """What all the remotes hold."""
    out, var = Holdings(), desk.root / "var"
    out.add_posts("x", ((post.text, post.id, post.reply_to) for post in x.live()))
    out.add_posts("xbox", remotes.outbox(var / "outbox" / "xbox.jsonl"))
    for channel in ("newsletter", COLLECTED):
        for mail in remotes.mails(var / "outbox" / channel):
            out.add(channel, mail)
    for title in remotes.pages(var / "site"):
        out.add("website", title)
    _add_feeds(out, remotes.feeds(var / "site"))
    return out


def _add_feeds(out: Holdings, feeds: Mapping[str, Sequence[str]]) -> None:
    """All three forms must agree; where they do not, what is missing in one is missing."""
    counts = {form: _counted("rss", titles) for form, titles in feeds.items()}
    for unit in set().union(*counts.values()):
        numbers = [counts[form][unit] for form in _FORMS]
        out.units[unit] = max(numbers) if max(numbers) > 1 else min(numbers)


def _counted(channel: str, texts: Iterable[str]) -> Counter[Unit]:
    return Counter(Unit(channel, int(match[1])) for text in texts for match in MARK.finditer(text))


def _told(desk: Desk, tally: Tally) -> dict[Unit, Told]:
    found: dict[Unit, Told] = {}
    for title, channel, part, state, reason, due_at, error in desk.deliveries():
        match = MARK.search(title)
        if match is None:
            tally.problems.append(f"a delivery of a piece without a mark: {title}")
            continue
        unit = Unit(channel, int(match[1]), part)
        if unit in found and found[unit].state != "cancelled" and state != "cancelled":
            tally.problems.append(f"{unit} is planned for two pieces ({state}, {found[unit].state})")
        if unit not in found or found[unit].state == "cancelled":
            found[unit] = Told(state, reason, due_at, error)
    return found


def _without_page(piece: Manuscript, told: Mapping[Unit, Told]) -> bool:
    """Deleted, or held: there need not be a page of it."""
    of_page = told.get(Unit("website", piece.number))
    return piece.deleted or (of_page is not None and of_page.state == "held")


def _stale(desk: Desk, pieces: Sequence[Manuscript]) -> list[str]:
    """Pages that do not stand at their address, or show an older version than the file."""
    faults = []
    for piece in pieces:
        page = desk.root / "var" / "site" / piece.page
        if not page.exists():
            faults.append(f"{piece.page} is not there ({piece})")
        elif f"{piece.mark}, versio {piece.version}." not in page.read_text():
            faults.append(f"{piece.page} does not show version {piece.version}")
    return faults
