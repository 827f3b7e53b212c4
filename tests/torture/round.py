"""One round: a workspace of its own, a daemon killed again and again, a run in peace, and the comparison."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.mocks.desk_process import Fork
from tests.mocks.x.ledger import Post
from tests.mocks.x.server import MockX
from tests.torture import blind
from tests.torture.desk import KEYS, Desk
from tests.torture.manuscript import MARK, Manuscript
from tests.torture.moment import HOOKED, Glimpse, Trap, until
from tests.torture.script import READ_FAULTS, STORM, Cycle, Newcomer, Script
from tests.torture.tally import Tally
from tests.torture.verdict import judge

_PATIENCE = 2.5
"""Seconds to wait for a moment; then the kill comes all the same."""
_PEACE = 240.0
"""Seconds that the last run may take to settle everything."""
_ASKED_BEFORE = 2
"""A post that was asked for so often gets no more faults: each makes the desk wait longer, and a round has an end."""


def play(script: Script, *, blindly: bool = False, keep: bool = False) -> Tally:
    """The whole round. Its workspace is kept where something is wrong, or if asked, and named."""
    root = Path(tempfile.mkdtemp(prefix=f"torture-{script.number}-"))
    with MockX(lag=timedelta(seconds=script.lag), refuses_duplicates=False) as x:
        tally = Round(script, root / "desk", x, blindly=blindly).run()
    if keep or not (tally.sound or blindly):
        print(f"round {script.number}: its workspace is kept in {root}", flush=True)
    else:
        shutil.rmtree(root)
    return tally


class Round:
    """Plays a script. What the mock X calls comes in its threads; everything else in the one of `run`."""

    def __init__(self, script: Script, root: Path, x: MockX, *, blindly: bool) -> None:
        self.script, self.x, self.blindly = script, x, blindly
        self.desk = Desk(root, _next_edition() if script.edition else None)
        self.pieces: list[Manuscript] = []
        self.tally = Tally()
        self._trap = Trap("", None, 0, 0.0)
        self._asked: dict[str, int] = {}
        self._fault = ""

    def run(self) -> Tally:
        self.desk.found(self.x.url)
        self.x.on_ask, self.x.on_accept = self._on_ask, self._on_accept
        self.x.on_answer, self.x.on_read = self._on_answer, self._on_read
        begun = time.monotonic()
        for cycle in self.script.cycles:
            self._cycle(cycle)
        self._fault = ""
        killed = time.monotonic()
        self._peace()
        judge(self.desk, self.pieces, self.x.ledger, datetime.now(UTC), self.tally)
        self.tally.faults.update(self.x.served)
        self.tally.seconds.update(killing=int(killed - begun), peace=int(time.monotonic() - killed))
        return self.tally

    # One kill

    def _cycle(self, cycle: Cycle) -> None:
        self._change(cycle)
        for newcomer in cycle.pieces:
            if newcomer.early:
                self._write(newcomer)
        self._arm(cycle)
        watched = Glimpse(self.desk)
        daemon = Fork(self.desk.root, KEYS)
        self._trap = Trap(cycle.moment, daemon, cycle.skip, cycle.delay)
        for newcomer in cycle.pieces:
            if not newcomer.early:
                self._write(newcomer)
        came = self._wait(cycle, daemon, watched)
        if not daemon.kill() and not self._trap.sprung.is_set():
            self.tally.problems.append(f"the daemon ended by itself, code {daemon.code(5)}")
        daemon.code(5)
        self._trap = Trap("", None, 0, 0.0)
        self.tally.kills += 1
        self.tally.moments[cycle.moment] += 1
        self.tally.late += not came
        self.tally.open += self.desk.open_attempts() > 0
        self.tally.left.update(watched.left())
        self.tally.begun += self.desk.open_attempts(watched.last_attempt) > 0
        if self.blindly and self.desk.open_attempts():
            self.tally.rewritten += blind.retry(self.desk.root)

    def _wait(self, cycle: Cycle, daemon: Fork, watched: Glimpse) -> bool:
        """Whether the moment came. Those of the mock X kill by themselves."""
        if cycle.moment in HOOKED:
            return self._trap.sprung.wait(_PATIENCE)
        if cycle.moment == "any time":
            return not until(lambda: not daemon.alive, 1.6 * cycle.delay)
        conditions: dict[str, tuple[Callable[[], bool], float]] = {
            "mail being written": (watched.mail_begun, 0.0),
            "mail written": (watched.mail_done, 0.01),
            "site build": (watched.page_written, 0.03),
            "feed build": (watched.feed_written, 0.01),
            "outbox": (watched.outbox_grown, 0.01),
            "attempt open": (lambda: self.desk.open_attempts() > 0, 0.02),
            "start and scan": (lambda: watched.locked_by(daemon.pid), 0.25),
        }
        condition, within = conditions[cycle.moment]
        came = until(lambda: condition() or not daemon.alive, _PATIENCE)
        time.sleep(within * cycle.delay)
        return came

    # What the mock X calls

    def _on_ask(self, text: str) -> bool:
        if (mark := MARK.search(text)) is not None:
            asked = self._asked[mark[0]] = self._asked.get(mark[0], 0) + 1
            if self._fault and asked <= _ASKED_BEFORE and not self._trap.on_posting:
                self.x.fail_next(self._fault)
                self._fault = ""
        return not self._trap.spring("asked, not accepted")

    def _on_accept(self, _post: Post) -> None:
        self._trap.spring("accepted, before the answer")

    def _on_answer(self, post: Post) -> None:
        self._trap.spring("answered")
        mark = MARK.search(post.text)
        if mark and mark[2] == "p" and int(mark[3]) < self._thread_length(int(mark[1])):
            self._trap.spring("between two posts of a thread", 0.03)

    def _on_read(self) -> None:
        self._trap.spring("reading back")

    def _thread_length(self, number: int) -> int:
        return self.pieces[number].posts

    # What writers and faults do

    def _arm(self, cycle: Cycle) -> None:
        if cycle.fault == STORM:
            self.x.storm(1.0 + cycle.delay)
        elif cycle.fault in READ_FAULTS:
            self.x.fail_read((int(cycle.fault[:3]), {}, {"title": "Not now"}))
        else:
            self._fault = cycle.fault or self._fault

    def _write(self, newcomer: Newcomer) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        at = now + timedelta(seconds=newcomer.ahead)
        piece = Manuscript(
            len(self.pieces), newcomer.form, at, newcomer.posts if newcomer.form in ("thread", "event") else 0
        )
        self.pieces.append(piece)
        piece.write(self.desk.root, in_place=False)

    def _change(self, cycle: Cycle) -> None:
        there = [piece for piece in self.pieces if not piece.deleted and self.desk.has_read(piece.path)]
        if cycle.change == "none" or len(there) < 3:
            return
        piece = there[int(cycle.pick * len(there))]
        if cycle.change == "edit":
            piece.version += 1
            piece.write(self.desk.root, in_place=cycle.delay < 0.5)
        elif cycle.change == "rename" and piece.name < 8:
            piece.rename(self.desk.root)
        elif cycle.change == "delete":
            there[-1].delete(self.desk.root)
        self.tally.changes[cycle.change] += 1

    # The end

    def _peace(self) -> None:
        """Undisturbed, until nothing moves by itself any more; then a stop in good order."""
        daemon = Fork(self.desk.root, KEYS)
        end = time.monotonic() + _PEACE
        while (left := self._left()) and daemon.alive and time.monotonic() < end:
            time.sleep(0.1)
        if left:
            self.tally.problems += [f"not settled: {what}" for what in left[:10]]
        if not daemon.alive:
            self.tally.problems.append("the daemon ended by itself in peace")
            return
        daemon.terminate()
        code = daemon.code(15)
        if code != 0:
            self.tally.problems.append(f"the stop ended with {code}")
            daemon.kill()

    def _left(self) -> list[str]:
        """Also what was not read yet, or is due only in a moment."""
        unread = [piece.path for piece in self.pieces if not piece.deleted and not self.desk.has_read(piece.path)]
        soon = [self.desk.edition_at] if self.desk.edition_at else []
        soon += [piece.at + timedelta(seconds=2 * piece.posts) for piece in self.pieces]
        now = datetime.now(UTC)
        return unread + [f"due at {at}" for at in soon if at > now] + self.desk.unsettled(now)


def _next_edition() -> datetime:
    """The full minute that comes in twenty seconds or more: early enough to fall amid the kills."""
    soon = datetime.now(UTC) + timedelta(seconds=80)
    return soon.replace(second=0, microsecond=0)
