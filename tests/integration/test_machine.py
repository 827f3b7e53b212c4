"""The state machine of a delivery against a simple model: whatever people, files, clocks, remotes and crashes do.

The model knows what the files say and said, what people decided, and what the remote accepted; never what the desk's
rows hold. Each call to a remote is judged at the moment at which it is made.

`HYPOTHESIS_PROFILE=long` plays many more games.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import update

from channels.contract import Item, Receipt
from channels.errors import CannotTell, ChannelError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from channels.message import Message
from scheduler.delivery import acts
from scheduler.delivery.acts import Person, Refused
from scheduler.delivery.lane import Lane
from scheduler.delivery.limits import Limits
from scheduler.desk import approve
from scheduler.desk.assemble import Desk, limits
from scheduler.store.core import ATTEMPT, DELIVERY
from tests.mocks.stage import Board, Crash, Entry, Stage
from tests.mocks.stand import Hands, Stand
from tests.model.quiet import quiet
from tests.model.record import Record

_LATE = timedelta(hours=2)
_HOUR = timedelta(hours=1)
_SKEW = timedelta(minutes=2)
"""What lies further ahead of now was written by a clock that was wrong, and counts for nothing."""
_TALES = ("", 'gap = "10m"', "per_hour = 2", 'hours = "07:00-20:00"', 'gap = "5m"\nper_hour = 3\nhours = "08:00-18:00"')
_SCOPES = (("all", ""), ("channel", "post"), ("channel", "web"), ("client", "kela"), ("project", "vero"))
_ACTS = ("hold", "skip", "retry", "confirm", "withdraw")
_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
_GAMES, _STEPS = (1500, 50) if _LONG else (25, 25)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    with quiet():
        yield


Judge = Callable[[str, str, Message], None]
"""Of a call: the channel, the purpose, the message."""


class Post(Stage):
    """Like X."""

    judge: Judge

    def publish(self, message: Message, key: str, parent: Receipt | None) -> Receipt:
        self.judge(self.name, "publish", message)
        return super().publish(message, key, parent)


class Web(Board):
    judge: Judge

    def publish_all(self, items: Sequence[Item]) -> Mapping[str, Receipt | ChannelError]:
        for item in items:
            self.judge(self.name, item.purpose, item.message)
        return super().publish_all(items)


@dataclass(frozen=True)
class Wish:
    """What a file says."""

    text: str
    due: datetime
    ready: bool = True
    owner: tuple[str, str] = ("", "")
    """client or project, and its name"""
    there: bool = True
    whole: bool = True

    @property
    def asks(self) -> bool:
        return self.there and self.ready and self.whole


def title(token: str) -> str:
    """Like no other: a new file may get the inode of one that was deleted, and must not look like it."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


class Game(RuleBasedStateMachine):
    """Each piece has a token in its text, by which it is known whatever its file is called."""

    kind_of_stand: type[Stand] = Stand

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Hands()
        self.post = Post("post", self.clock, lag=timedelta(seconds=20))
        self.web = Web("web", self.clock)
        self.post.judge = self.web.judge = self.judge
        self.names: dict[str, str] = {}
        self.wishes: dict[str, Wish] = {}
        self.seen: dict[str, set[Wish]] = {}
        self.words: dict[str, str] = {}
        self.pauses: set[tuple[str, str]] = set()
        self.waived: dict[tuple[str, str], set[datetime]] = {}
        self.doubts: Counter[tuple[str, str]] = Counter()
        self.told: set[tuple[str, str]] = set()
        self.wrong: list[str] = []

    @initialize(approval=st.booleans(), tale=st.sampled_from(_TALES))
    def begin(self, approval: bool, tale: str) -> None:
        self.approval = approval
        config = {"late": "2h", "backlog": "1000", "approval": str(approval).lower(), "channel_post": tale}
        self.stand = self.kind_of_stand(Path(self.folder.name) / "ws", self.clock, self.post, self.web, **config)
        self.limits: Limits = limits(self.stand.desk.settings)["post"]
        self.zone = self.stand.desk.settings.zone
        self.db = sqlite3.connect(self.stand.desk.store.path, isolation_level=None)
        self.record = Record(self.db)
        self.create(0, ("", ""))

    def teardown(self) -> None:
        try:
            if hasattr(self, "stand"):
                self.all_is_well_in_the_end()
        finally:
            self.close()

    def close(self) -> None:
        if hasattr(self, "stand"):
            self.db.close()
            self.stand.close()
        self.folder.cleanup()

    # files

    @rule(
        minutes=st.sampled_from([-30, 0, 0, 1, 90]),
        owner=st.sampled_from([("", ""), ("client", "kela"), ("project", "vero")]),
    )
    def create(self, minutes: int, owner: tuple[str, str]) -> None:
        token = f"t{len(self.names) + 1}"
        self.names[token] = token
        self.write(token, Wish(f"<{token}>", self.clock.now + timedelta(minutes=minutes), owner=owner))

    def write(self, token: str, wish: Wish) -> None:
        self.wishes[token] = wish
        more = [] if wish.ready else ["status: draft"]
        more += [f"{wish.owner[0]}: {wish.owner[1]}"] if wish.owner[0] else []
        path = self.stand.put(self.names[token], title(token), wish.text, wish.due, "\n".join(more))
        if not wish.there:
            path.unlink()
        elif not wish.whole:
            path.write_text("---\ntitle: rikki\npublish_at: never\n---\n", "utf-8")

    def drawn(self, data: st.DataObject) -> str:
        return str(data.draw(st.sampled_from(sorted(self.wishes))))

    @rule(data=st.data(), number=st.integers(0, 2))
    def edit(self, data: st.DataObject, number: int) -> None:
        """Also back to what it was."""
        token = self.drawn(data)
        self.write(token, replace(self.wishes[token], text=f"<{token}>" + " muutettu" * number))

    @rule(data=st.data(), minutes=st.sampled_from([-200, -5, 10, 60, 1500]))
    def move(self, data: st.DataObject, minutes: int) -> None:
        token = self.drawn(data)
        self.write(token, replace(self.wishes[token], due=self.clock.now + timedelta(minutes=minutes)))

    @rule(data=st.data(), ready=st.booleans(), there=st.booleans(), whole=st.booleans())
    def change(self, data: st.DataObject, ready: bool, there: bool, whole: bool) -> None:
        token = self.drawn(data)
        self.write(token, replace(self.wishes[token], ready=ready, there=there, whole=whole))

    @rule(data=st.data())
    def rename(self, data: st.DataObject) -> None:
        """Seen before and after: two steps of a writer between two looks are beyond telling."""
        token = self.drawn(data)
        if not self.wishes[token].asks:
            return
        self.look()
        old, new = self.names[token], f"{token}-{len(self.names[token])}"
        self.stand.path(f"news/{old}.md").rename(self.stand.path(f"news/{new}.md"))
        self.names[token] = new
        self.words.pop(token, None)
        self.look()

    # the desk

    @rule()
    def look(self) -> None:
        with self.record.by("calendar"):
            self.stand.look()
        self.seen = {token: {wish} for token, wish in self.wishes.items()}
        for token, wish in self.wishes.items():
            if wish.there and wish.whole and not (wish.ready and wish.text == self.words.get(token)):
                self.words.pop(token, None)

    @rule()
    def work(self) -> None:
        """A fault that was told earlier may end the process now."""
        try:
            with self.record.by("lane"):
                self.stand.work()
        except Crash:
            self.stand.restart()
        self.post.during = self.web.during = lambda _what: None

    @rule(seconds=st.sampled_from([0, 5, 61, 300, 600, 3700, 9000]))
    def run(self, seconds: int) -> None:
        self.clock.go(seconds=seconds)
        self.look()
        self.work()

    @rule(seconds=st.sampled_from([1, 30, 90]))
    def back(self, seconds: int) -> None:
        """The clock is put right, and so goes back."""
        self.clock.go(seconds=-seconds)

    @rule(step=st.integers(1, 25), looks=st.booleans())
    def die(self, step: int, looks: bool) -> None:
        """Around some commit. A look that does not come to its end may have taken in what the files say."""
        self.stand.fuse.at, self.stand.fuse.steps = step, 0
        for token, wish in self.wishes.items():
            self.seen.setdefault(token, set()).update({wish} if looks else ())
        try:
            if looks:
                self.look()
            with self.record.by("lane"):
                self.stand.work()
        except Crash:
            pass
        finally:
            self.stand.restart()

    # remotes

    @rule(
        which=st.sampled_from(["post", "web"]),
        error=st.sampled_from(
            [Unavailable, RateLimited, Rejected, Unauthorized, Uncertain, Uncertain, ValueError, Crash]
        ),
        accepted=st.booleans(),
        times=st.sampled_from([1, 1, 1, 6]),
    )
    def fail(self, which: str, error: type[BaseException], accepted: bool, times: int) -> None:
        told = not issubclass(error, Unavailable | RateLimited | Rejected | Unauthorized)
        channel: Stage = getattr(self, which)
        channel.next(error("So it goes."), accepted=accepted and told, times=times)

    @rule(error=st.sampled_from([CannotTell("Closed."), Unavailable("Down."), RateLimited("Later.")]))
    def read_back_fails(self, error: Exception) -> None:
        self.post.finds.append(error)

    @rule(data=st.data(), act=st.sampled_from([*_ACTS, "pause", "gone", "approve"]))
    def meanwhile(self, data: st.DataObject, act: str) -> None:
        """What somebody does while the remote works on the next call."""
        token = self.drawn(data)

        def once(_what: str) -> None:
            self.post.during = self.web.during = lambda _what: None
            fuse, self.stand.fuse.at = self.stand.fuse.at, None  # it is the desk's; a person has another process
            answer()
            self.stand.fuse.at = fuse

        def answer() -> None:
            if act == "pause":
                self.stop(("all", ""))
            elif act == "gone":
                self.write(token, replace(self.wishes[token], there=False))
                self.look()
            elif act == "approve":
                self.say_yes(token)
            else:
                self.on_all(token, act)

        self.post.during = self.web.during = once

    # people

    @rule(data=st.data(), act=st.sampled_from(_ACTS))
    def act(self, data: st.DataObject, act: str) -> None:
        self.on_all(self.drawn(data), act)

    def on_all(self, token: str, act: str) -> None:
        for row in self.rows(token):
            with suppress(Refused), self.record.by("person"):
                self.on(token, row, act)

    def on(self, token: str, row: Any, act: str) -> None:
        store, maija, key = self.stand.desk.store, self.stand.maija, (token, str(row.channel))
        attempts = self.stand.attempts(row.id)
        doubtful = bool(attempts) and attempts[-1].outcome == "unknown"
        match act:
            case "hold":
                acts.hold(store, row.id, maija)
            case "skip":
                acts.skip(store, row.id, maija)
            case "withdraw":
                acts.withdraw(store, row.id, maija, self.stand.channels[row.channel])
            case "confirm":
                acts.confirm(store, row.id, "https://remote.example/status/1", maija)
                self.told.add(key)
            case "retry":
                acts.retry(store, row.id, maija)
                self.waived[key] = {wish.due for wish in self.seen.get(token, ())}
                self.doubts[key] += doubtful

    @rule(scope=st.sampled_from(_SCOPES))
    def stop(self, scope: tuple[Any, str]) -> None:
        with suppress(Refused), self.record.by("person"):
            acts.pause(self.stand.desk.store, *scope, "", self.stand.maija)
            self.pauses.add(scope)

    @rule(scope=st.sampled_from(_SCOPES))
    def go_on(self, scope: tuple[Any, str]) -> None:
        with suppress(Refused), self.record.by("person"):
            acts.resume(self.stand.desk.store, *scope, self.stand.maija)
            self.pauses.discard(scope)

    @precondition(lambda self: self.approval)
    @rule(data=st.data(), yes=st.sampled_from([True, True, False]))
    def say(self, data: st.DataObject, yes: bool) -> None:
        token = self.drawn(data)
        if yes:
            self.say_yes(token)
            return
        with suppress(Refused), self.record.by("person"):
            approve.refuse(self.stand.desk, f"fi/{self.names[token]}", Person("Tuomas", self.clock.now), "")
            self.words.pop(token, None)

    def say_yes(self, token: str) -> None:
        with suppress(Refused), self.record.by("person"):
            approve.approve(self.stand.desk, f"fi/{self.names[token]}", Person("Tuomas", self.clock.now))
            self.words[token] = self.wishes[token].text

    # what must hold

    def judge(self, channel: str, purpose: str, message: Message) -> None:
        """An assertion would be taken for the channel's error, so what is wrong is written down."""
        token = message.text.partition("<")[2].partition(">")[0]
        for why in self.objections(channel, purpose, token, message):
            self.wrong.append(f"{purpose} of {token} on {channel} at {self.clock.now:%d %H:%M:%S}: {why}")

    def objections(self, channel: str, purpose: str, token: str, message: Message) -> list[str]:
        text = message.text.partition(": ")[2]
        if purpose == "withdraw":
            return []
        found = ["not approved"] if self.approval and self.words.get(token) != text else []
        found += ["paused"] if self.pauses & {("all", ""), ("channel", channel)} else []
        if purpose == "revise":
            return found
        wishes = [wish for wish in self.seen.get(token, ()) if wish.asks and wish.owner not in self.pauses]
        found += [] if wishes else ["no file asks for it, or its client or project is paused"]
        if not self.asked_for(token, channel):
            found += [] if any(wish.due <= self.clock.now for wish in wishes) else ["before its time"]
            found += [] if any(self.clock.now <= self.last_moment(wish, channel) for wish in wishes) else ["too late"]
        found += ["the channel is to be left alone"] if self.rests(channel) else []
        return found + (self.crowded(token) if channel == "post" else [])

    def asked_for(self, token: str, channel: str) -> bool:
        """Whether a person wanted it whatever the hour; a new date in the file ends that."""
        return bool(self.waived.get((token, channel), set()) & {wish.due for wish in self.seen.get(token, ())})

    def last_moment(self, wish: Wish, channel: str) -> datetime:
        hours = self.limits.hours if channel == "post" else None
        return (hours.next(wish.due, self.zone) if hours else wish.due) + _LATE

    def rests(self, channel: str) -> bool:
        row = self.db.execute("SELECT since, until FROM breaker WHERE channel = ?", (channel,)).fetchone()
        if row is None or None in row:
            return False
        since, until = (datetime.fromisoformat(f"{at}+00:00") for at in row)
        return since - _SKEW <= self.clock.now < until

    def crowded(self, token: str) -> list[str]:
        """The channel's limits, by what the remote accepted."""
        now = self.clock.now
        before = [one.at for one in self.post.ledger.entries if not self.asked(one) and one.at <= now + _SKEW]
        told, found = self.limits, []
        if told.gap and before and now < max(before) + told.gap:
            found.append("the gap is not kept")
        if told.per_hour and sum(at > now - _HOUR for at in before) >= told.per_hour:
            found.append("too many in an hour")
        if told.hours and not self.asked_for(token, "post") and told.hours.next(now, self.zone) != now:
            found.append("outside its hours")
        return found

    def asked(self, entry: Entry) -> bool:
        """Whether a person has to say if it is out: till then the desk does not count it."""
        query = "SELECT 1 FROM attempt WHERE key = ? AND outcome = 'unknown'"
        return self.db.execute(query, (entry.key,)).fetchone() is not None

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert not self.wrong, self.wrong
        if hasattr(self, "record"):
            assert not (broken := self.record.broken()), broken

    @invariant()
    def nothing_is_out_twice(self) -> None:
        for channel in (self.post, self.web):
            for token in self.wishes:
                out = self.out(channel, token)
                assert out <= 1 + self.doubts[token, channel.name], f"{token} is out {out} times on {channel.name}"

    @invariant()
    def what_counts_as_published_is_out(self) -> None:
        for token in self.wishes:
            for row in self.rows(token):
                told = (token, row.channel) in self.told
                if row.state == "published" and not told:
                    assert self.out(getattr(self, row.channel), token), f"{token} is not out on {row.channel}"
                if row.state in ("held", "failed", "cancelled", "skipped"):
                    assert row.error, f"{token} is {row.state} on {row.channel} without a word"

    def out(self, channel: Stage, token: str) -> int:
        return sum(f"<{token}>" in entry.text for entry in channel.ledger.entries)

    def rows(self, token: str) -> list[Any]:
        if not hasattr(self, "stand"):
            return []
        return [row for row in self.stand.deliveries() if row.name == f"fi/{self.names[token]}"]

    def all_is_well_in_the_end(self) -> None:
        """Nothing goes wrong any more, and people do what they are asked for: then everything is out."""
        for channel in (self.post, self.web):
            channel.faults.clear()
            channel.finds.clear()
            channel.during = lambda _what: None
        for scope in (*_SCOPES,):
            self.go_on(scope)
        for token, wish in self.wishes.items():
            self.write(token, replace(wish, ready=True, there=True, whole=True))
        for _ in range(60):
            self.look()
            self.work()
            self.nothing_is_wrong()
            self.nothing_is_out_twice()
            if self.settled():
                break
            self.clock.go(minutes=31)
        else:
            raise AssertionError(f"it never comes to rest: {self.stand.states()}")
        for token in self.wishes:
            for channel in (self.post, self.web):
                assert self.out(channel, token) or (token, channel.name) in self.told, f"{token}: {channel.name}"

    def settled(self) -> bool:
        """People look at each thing once; whether nothing is left to be done."""
        done = True
        for token in self.wishes:
            rows = self.rows(token)
            if self.approval and any(row.reason in ("approval", "refused") for row in rows):
                self.say_yes(token)
            for row in rows:
                if row.state in ("published", "withdrawn"):
                    continue
                done = False
                out = self.out(getattr(self, row.channel), token)
                with suppress(Refused), self.record.by("person"):
                    if row.state in ("held", "failed", "skipped"):
                        self.on(token, row, "confirm" if out and row.reason == "uncertain" else "retry")
        return done


TestGame = Game.TestCase
TestGame.settings = settings(
    max_examples=_GAMES,
    stateful_step_count=_STEPS,
    deadline=None,
    derandomize=not _LONG,
    suppress_health_check=list(HealthCheck),
)


class Blind(Lane):
    """Takes every open attempt for one that did not go out."""

    def work(self, now: datetime | None = None) -> int:
        with self.setup.store.write() as db:
            db.execute(update(ATTEMPT).where(ATTEMPT.c.outcome.is_(None)).values(outcome="repeat"))
            stuck = DELIVERY.c.state == "publishing"
            db.execute(update(DELIVERY).where(stuck).values(state="retrying", reason="uncertain"))
        return super().work(now)


def bad(lane: type[Lane] = Lane, **settings: Any) -> type[Stand]:
    """A stand whose lanes are of another kind, or know other settings than they are told."""

    class Bad(Stand):
        def _desk(self) -> Desk:
            desk = super()._desk()
            return replace(desk, lanes=[lane(one.channel, replace(one.setup, **settings)) for one in desk.lanes])

    return Bad


def test_the_model_sees_a_double() -> None:
    game = begun(bad(Blind))
    game.fail("post", Uncertain, True, 1)
    game.run(0)
    with ended(game), pytest.raises(AssertionError, match="is out 2 times on post"):
        game.nothing_is_out_twice()


def test_the_model_sees_what_nobody_approved() -> None:
    game = begun(bad(approval=False), approval=True)
    game.run(0)
    with ended(game), pytest.raises(AssertionError, match="not approved"):
        game.nothing_is_wrong()


@pytest.mark.parametrize(
    ("tale", "why"),
    [
        ('gap = "10m"', "the gap is not kept"),
        ("per_hour = 1", "too many"),
        ('hours = "10:00-11:00"', "outside its hours"),
    ],
)
def test_the_model_sees_limits_that_are_not_kept(tale: str, why: str) -> None:
    game = begun(bad(limits={}), tale=tale)
    game.create(0, ("", ""))
    game.run(0)
    with ended(game), pytest.raises(AssertionError, match=why):
        game.nothing_is_wrong()


def begun(stand: type[Stand], *, approval: bool = False, tale: str = "") -> Game:
    game = Game()
    game.kind_of_stand = stand
    game.begin(approval, tale)
    return game


@contextmanager
def ended(game: Game) -> Iterator[None]:
    try:
        yield
    finally:
        game.close()
