"""What must hold in every state, and what must come of every state in the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from tests.mocks.stage import Entry
from tests.model.world import ELSEWHERE, World

_RESTING = frozenset({"published", "held", "failed", "skipped", "cancelled", "withdrawn"})
_ROUNDS = 14


class Broken(AssertionError):
    """A promise is not kept; the text says which."""


def _hold(kept: object, why: str) -> None:
    if not kept:
        raise Broken(why)


def judge(world: World) -> None:
    """After every step."""
    wrong = world.record.broken()
    _hold(not wrong, f"{', '.join(wrong)}: the table of transitions does not know that")
    attempts = world.open_attempts()
    for row in world.rows():
        own = [one for one in attempts if one["delivery_id"] == row["id"]]
        _single(world, row)
        _attempted(row, own)
        if row["state"] == "published":
            _really_out(world, row, own)
        if row["state"] in ("held", "failed"):
            _hold(row["error"] and row["reason"], f"{row['part']} is {row['state']} without a word")
    _in_order(world)


def _single(world: World, row: sqlite3.Row) -> None:
    out = world.out(row["part"])
    most = 1 + world.doubts[row["part"]]
    _hold(len(out) <= most, f"{row['part']} is out {len(out)} times, and {most - 1} of these a person dared")


def _attempted(row: sqlite3.Row, own: list[sqlite3.Row]) -> None:
    _hold(len(own) <= 1, f"{row['part']} has {len(own)} open attempts")
    publishes = [one for one in own if one["purpose"] == "publish"]
    _hold(
        bool(publishes) == (row["state"] == "publishing"), f"{row['part']} is {row['state']} with {len(own)} attempts"
    )


def _really_out(world: World, row: sqlite3.Row, own: list[sqlite3.Row]) -> None:
    if row["permalink"] == ELSEWHERE:
        return
    entry = next((one for one in world.out(row["part"]) if one.remote_id == row["remote_id"]), None)
    _hold(entry, f"{row['part']} counts as published, and the remote has nothing of it")
    if entry and not own and not row["changed"] and not row["withdraw"]:
        same = entry.message.digest() == row["digest"]
        # it died, and its file was gone before it was made again: the next build of anything puts it right
        _hold(same or _ended(world, row, "revise", "repeat"), f"the desk does not know what is out of {row['part']}")
        # two desks were told yes and no
        off = entry.withdrawn and not _ended(world, row, "withdraw", "failed")
        _hold(not off, f"{row['part']} counts as published, and was taken off")


def _ended(world: World, row: sqlite3.Row, purpose: str, outcome: str) -> bool:
    query = "SELECT 1 FROM attempt WHERE delivery_id = ? AND purpose = ? AND outcome = ?"
    return world.db.execute(query, (row["id"], purpose, outcome)).fetchone() is not None


def _in_order(world: World) -> None:
    """A later post of a thread replies to the one before, as long as the desk and nobody else did everything."""
    if world.kind.parts == ("main",) or world.doubts or world.confirmed:
        return
    first, second = world.out("1"), world.out("2")
    row = world.row("1")
    if first and second and row and row["state"] == "published" and _earlier(world, first[0], second[0]):
        _hold(second[0].parent == first[0].remote_id, "the second post of the thread replies to nothing")


def _earlier(world: World, one: Entry, other: Entry) -> bool:
    return world.remote.ledger.entries.index(one) < world.remote.ledger.entries.index(other)


def ends_well(world: World, known: set[bytes]) -> None:
    """From here on nothing goes wrong: everything comes to rest, what is out is known to be out, and a person of good
    will gets out what is not. `known`: marks of states that end well; those on the way are added."""
    passed = _rest(world, known)
    if passed is None:
        return
    for part in world.kind.parts:
        _known(world, part)
    _all_out(world)
    known |= passed


def _rest(world: World, known: set[bytes]) -> set[bytes] | None:
    """The marks on the way to rest; None where it met a state that is known to end well."""
    passed: set[bytes] = set()
    for number in range(_ROUNDS):
        world.play("a look")
        world.play("a pass")
        judge(world)
        mark = world.mark()
        if mark in known:
            known |= passed
            return None
        passed.add(mark)
        if _states(world.rows()) <= _RESTING or _behind(world):
            return passed
        world.clock.go(hours=25) if number == _ROUNDS // 2 else world.clock.go(minutes=15)
    raise Broken(f"it never comes to rest: {_told(world)}")


def _all_out(world: World) -> None:
    world.play("seen plain")
    for _ in range(_ROUNDS):
        if _states(world.rows()) <= {"published", "withdrawn"}:
            break
        world.settle_all()
        world.play("a look")
        world.play("a pass")
        world.clock.go(minutes=15)
    judge(world)
    _hold(_states(world.rows()) <= {"published", "withdrawn"}, f"nobody can get it out any more: {_told(world)}")


def _told(world: World) -> list[tuple[str, str, str]]:
    return [(row["part"], row["state"], row["reason"]) for row in world.rows()]


def _behind(world: World) -> bool:
    """The second post of a thread waits, and may, for a first one that somebody has to settle."""
    first, second = world.row("1"), world.row("2")
    return bool(first and second and first["state"] in ("held", "failed") and second["state"] == "planned")


def _known(world: World, part: str) -> None:
    """What is out is published, or somebody was asked about it; a page goes with its file."""
    row = world.row(part)
    if row is None or not world.out(part) or world.doubts[part] or world.remote.idempotent:
        return
    asked = world.db.execute("SELECT 1 FROM attempt WHERE delivery_id = ? AND outcome = 'unknown'", (row["id"],))
    known = row["state"] in ("published", "withdrawn") or asked.fetchone()
    _hold(known, f"{part} is out, and the desk takes it for {row['state']} ({row['reason']})")


def _states(rows: Iterable[sqlite3.Row]) -> set[str]:
    return {row["state"] for row in rows}
