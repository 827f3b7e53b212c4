"""However a process ends, and whatever the remote keeps to itself: each message is out once, or a person is asked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from channels.errors import CannotTell, RateLimited, Rejected, Unavailable, Uncertain
from scheduler.delivery import acts
from scheduler.desk import once
from tests.mocks.stage import Board, Crash, Paper, Slate, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]


# reading back


def test_what_went_out_after_all_is_found(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stage.next(Uncertain("No answer."), accepted=True)
    stand.put("a")
    stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.remote_id, row.error) == ("published", "post-1", "")
    assert (stage.ledger.texts, stage.ledger.count("publish")) == (["a: Teksti."], 1)


def test_not_found_proves_nothing_before_the_remotes_own_delay(make: Make, stage: Stage, clock: Hands) -> None:
    stage.lag = timedelta(seconds=30)
    stand = make(stage)
    stage.next(Uncertain("No answer."), accepted=True)
    stand.put("a")
    stand.run()
    assert stand.state("a", "post") == "publishing"
    clock.go(seconds=59)
    stand.run()
    assert stage.ledger.count("publish") == 1
    clock.go(seconds=1)
    stand.run()
    assert stand.state("a", "post") == "published"
    assert stage.ledger.texts == ["a: Teksti."]


def test_what_is_provably_not_there_goes_out_again_under_the_same_key(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(Uncertain("No answer."))
    stand.put("a")
    stand.run()
    clock.go(seconds=59)
    stand.run()
    assert stage.ledger.texts == []
    for _ in range(5):
        clock.go(seconds=30)
        stand.run()
    assert stage.ledger.texts == ["a: Teksti."]
    assert len({key for _, key in stage.ledger.calls}) == 1


def test_a_remote_that_never_tells_is_not_asked_without_end(make: Make, stage: Stage, clock: Hands) -> None:
    """Each try waits, and at some time it stops."""
    stage.settle = timedelta(0)
    stand = make(stage)
    stage.next(Uncertain("No answer."), times=500)
    stand.put("a", more="late: 90d")
    stand.run()
    assert stage.ledger.count("publish") <= 3
    for _ in range(60):
        clock.go(hours=2)
        stand.work()
    assert stage.ledger.count("publish") <= 30
    assert stand.state("a", "post") in ("failed", "held")


def test_three_times_without_an_answer_asks_a_person(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(Uncertain("No answer."), accepted=True)
    stage.finds.extend([Unavailable("Down."), TimeoutError(), Unavailable("Down.")])
    stand.put("a")
    stand.run()
    for _ in range(5):
        clock.go(minutes=6)
        stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.reason) == ("held", "uncertain")
    assert stage.ledger.count("find") == 3
    assert stage.ledger.texts == ["a: Teksti."]


def test_twice_without_an_answer_and_then_found(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(Uncertain("No answer."), accepted=True)
    stage.finds.extend([Unavailable("Down."), RateLimited("Later.")])
    stand.put("a")
    stand.run()
    for _ in range(5):
        clock.go(minutes=2)
        stand.run()
    assert stand.state("a", "post") == "published"
    assert stage.ledger.texts == ["a: Teksti."]


def test_one_in_doubt_does_not_block_the_others(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stage.next(Uncertain("No answer."))
    for name in "abc":
        stand.put(name)
    stand.run()
    assert len(stage.ledger.texts) == 2


def test_what_is_in_doubt_outlives_the_files_end_and_is_settled_first(make: Make, stage: Stage, clock: Hands) -> None:
    """Cancelling waits for an open attempt."""
    stand = make(stage)
    stage.lag = timedelta(seconds=30)
    stage.next(Uncertain("No answer."), accepted=True)
    stand.put("a")
    stand.run()
    stand.path("news/a.md").unlink()
    stand.run()
    assert stand.state("a", "post") == "publishing"
    clock.go(minutes=2)
    stand.run()
    assert stand.state("a", "post") == "published"


# a person's retry after a doubt


@pytest.mark.parametrize("why", ["late", "paused", "broken"])
def test_a_retry_after_a_crash_and_a_hold_is_not_a_second_mail(make: Make, clock: Hands, why: str) -> None:
    """Killed with the mail out; at the start the gate holds it; a person follows the advice to retry."""
    mail = Stage("mail", clock, idempotent=True)
    stand = make(mail)
    mail.next(Crash(), accepted=True)
    stand.put("a")
    stand.look()
    with pytest.raises(Crash):
        stand.work()
    stand.restart()
    if why == "late":
        clock.go(hours=5)
    elif why == "paused":
        acts.pause(stand.desk.store, "all", "", "", stand.maija)
    else:
        text = stand.path("news/a.md").read_text()
        stand.path("news/a.md").write_text("---\ntitle: a\npublish_at: never\n---\n")
    stand.run()
    assert stand.state("a", "mail") == "held"
    if why == "paused":
        acts.resume(stand.desk.store, "all", "", stand.maija)
    elif why == "broken":
        stand.path("news/a.md").write_text(text)
        stand.look()
    if stand.state("a", "mail") == "held":
        stand.retry("a", "mail")
    for _ in range(3):
        clock.go(minutes=2)
        stand.run()
    assert len(mail.ledger.entries) == 1
    assert stand.state("a", "mail") == "published"


# crashes


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("name", ["post", "web", "mail", "each"])
def test_killed_during_the_call(make: Make, clock: Hands, name: str, accepted: bool) -> None:
    channels = {
        "post": Stage("post", clock),
        "web": Board("web", clock),
        "mail": Paper("mail", clock, links_page=False),
        "each": Stage("each", clock, idempotent=True),
    }
    channel = channels[name]
    stand = make(channel)
    channel.next(Crash(), accepted=accepted)
    stand.put("a")
    stand.look()
    with pytest.raises(Crash):
        stand.work()
    stand.restart()
    stand.run()
    for _ in range(4):
        clock.go(seconds=40)
        stand.run()
    assert channel.ledger.texts == ["a: Teksti."]
    assert len(channel.ledger.entries) == 1
    assert stand.state("a", name) == "published"


@pytest.mark.parametrize("accepted", [False, True])
def test_killed_during_a_batch_and_edited_before_the_next_start(
    make: Make, board: Board, clock: Hands, accepted: bool
) -> None:
    stand = make(board)
    board.next(Crash(), accepted=accepted)
    stand.put("a", body="Old.", at=START)
    stand.look()
    with pytest.raises(Crash):
        stand.work()
    stand.put("a", body="New.", at=START)
    stand.restart()
    for _ in range(3):
        stand.run()
        clock.go(minutes=1)
    assert board.ledger.texts == ["a: New."]


@pytest.mark.parametrize("what", ["revise", "withdraw"])
@pytest.mark.parametrize("kind", [Slate, Board])
def test_killed_while_touching_what_is_out(make: Make, clock: Hands, kind: type[Stage], what: str) -> None:
    channel = kind("web", clock)
    stand = make(channel)
    stand.put("a", body="Old.")
    stand.run()
    channel.next(Crash(), accepted=True)
    if what == "revise":
        stand.put("a", body="New.")
        stand.look()
    else:
        acts.withdraw(stand.desk.store, stand.row("a", "web").id, stand.maija, channel)
    with pytest.raises(Crash):
        stand.work()
    stand.restart()
    for _ in range(3):
        stand.run()
        clock.go(minutes=1)
    assert channel.ledger.texts == (["a: New."] if what == "revise" else [])
    assert len(channel.ledger.entries) == 1


def world(root: Path) -> tuple[Stand, list[Stage], Hands]:
    """A little of everything: a page, a post that links to it, a thread, an edition, mails of single pieces."""
    clock = Hands()
    channels = [
        Board("web", clock),
        Stage("post", clock, links_page=True),
        Paper("mail", clock),
        Stage("each", clock, idempotent=True),
    ]
    stand = Stand(root, clock, *channels, pages=["web"])
    stand.put("a", more="channels: [web, post, mail]")
    stand.put("b", more="channels: [web, post, each]\nafter: a")
    stand.put("c", body="yksi\n\n***\n\nkaksi", more="channels: [web, post]")
    return stand, channels, clock  # type: ignore[return-value]  # a list of stages


def played(root: Path, at: int | None) -> tuple[dict[str, list[str]], int]:
    """Everything, with the process ended at that step, and started again; what was out then, and the steps."""
    stand, channels, clock = world(root)
    stand.fuse.at = at
    try:
        stand.run()
        stand.put("a", title="a", body="Muutettu.", at=START, more="channels: [web, post, mail]")
        stand.path("news/c.md").rename(stand.path("news/d.md"))
        stand.run()
    except Crash:
        stand.restart()
        if "Muutettu" not in stand.path("news/a.md").read_text():
            stand.run()
            stand.put("a", title="a", body="Muutettu.", at=START, more="channels: [web, post, mail]")
            stand.path("news/c.md").rename(stand.path("news/d.md"))
    for _ in range(4):
        stand.run()
        clock.go(seconds=40)
    stand.run()
    found = {channel.name: sorted(entry.text for entry in channel.ledger.entries) for channel in channels}
    assert set(stand.states().values()) == {"published"}, stand.states()
    steps = stand.fuse.steps
    stand.close()
    return found, steps


@pytest.mark.parametrize("part", range(4))
def test_killed_at_every_commit_each_message_is_out_once(tmp_path: Path, part: int) -> None:
    whole, steps = played(tmp_path / "whole", None)
    assert {name: len(texts) for name, texts in whole.items()} == {"web": 3, "post": 4, "mail": 1, "each": 1}
    assert steps > 20
    for step in range(1 + part, steps + 1, 4):
        found, _ = played(tmp_path / str(step), step)
        assert {name: len(texts) for name, texts in found.items()} == {
            name: len(texts) for name, texts in whole.items()
        }, f"killed at step {step}: {found}"
        assert found["web"] == whole["web"], f"killed at step {step}"


@pytest.mark.parametrize("step", range(1, 13))
def test_killed_while_a_copy_is_taken_in_it_is_still_in_doubt(make: Make, stage: Stage, step: int) -> None:
    """The doubt must not be lost between two commits."""
    stand = make(stage)
    path = stand.put("a", body="Sama teksti.")
    stand.run()
    shutil.copyfile(path, stand.path("news/copy.md"))
    stand.fuse.at, stand.fuse.steps = step, 0
    try:
        stand.run()
    except Crash:
        stand.restart()
    stand.fuse.at = None
    stand.run()
    stand.run()
    assert len(stage.ledger.texts) == 1


# everything at once


class Calendar(RuleBasedStateMachine):
    """Files come, change, move and go; processes die; remotes fail in every way. Each piece bears a token in its text.

    Nothing is announced twice, whatever happens. In the end, when all is quiet, nothing is lost: a piece is out, or
    waits, or is held, failed or skipped with a reason.
    """

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="julki-"))
        self.clock = Hands()
        self.post, self.web = Stage("post", self.clock, lag=timedelta(seconds=20)), Board("web", self.clock)
        self.mail = Stage("mail", self.clock, idempotent=True)
        self.stand = Stand(self.root, self.clock, self.post, self.web, self.mail, late="3d", backlog="1000")
        self.files: dict[str, str] = {}
        self.away: dict[str, bytes] = {}
        self.number = 0

    @initialize()
    def begin(self) -> None:
        self.create(0)

    def teardown(self) -> None:
        self.quiet()
        self.nothing_is_lost()
        self.stand.close()

    def write(self, name: str, token: str, text: str = "") -> None:
        self.number += 1
        due = self.stand.clock.now
        known = self.stand.path(f"news/{name}.md")
        if known.exists():
            line = next(line for line in known.read_text().splitlines() if line.startswith("publish_at"))
            due = type(due).fromisoformat(line.partition(": ")[2])
        self.stand.put(name, f"Otsikko {token}", f"<{token}> {text}", at=due)

    @rule(minutes=st.sampled_from([0, 0, 1, 90]))
    def create(self, minutes: int) -> None:
        self.number += 1
        name = token = f"t{self.number}"
        self.stand.put(name, f"Otsikko {token}", f"<{token}>", at=self.clock.now + timedelta(minutes=minutes))
        self.files[name] = token

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)))
        self.write(name, self.files[name], f"muutos {self.number}")

    @precondition(lambda self: self.files)
    @rule(data=st.data(), folder=st.sampled_from(["news", "news/2026", "blog"]))
    def rename(self, data: st.DataObject, folder: str) -> None:
        """Moved or renamed, and seen at once: two steps of a writer between two looks are beyond telling."""
        name = data.draw(st.sampled_from(sorted(self.files)))
        self.stand.look()
        self.number += 1
        new = f"n{self.number}"
        (self.root / "content" / folder).mkdir(parents=True, exist_ok=True)
        target = self.stand.path(f"{folder}/{new}.md")
        self.stand.path(f"news/{name}.md").rename(target)
        self.stand.look()
        if folder != "news":
            target.rename(self.stand.path(f"news/{new}.md"))
            self.stand.look()
        self.files[new] = self.files.pop(name)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def copy(self, data: st.DataObject) -> None:
        """An exact copy, seen while the first is there: it may be announced only where the first has not been."""
        name = data.draw(st.sampled_from(sorted(self.files)))
        if self.out(self.post, self.files[name]) == 0:
            return
        self.stand.look()
        self.number += 1
        shutil.copyfile(self.stand.path(f"news/{name}.md"), self.stand.path(f"news/c{self.number}.md"))

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def take_away(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)))
        path = self.stand.path(f"news/{name}.md")
        self.away[name] = path.read_bytes()
        path.unlink()
        self.stand.look()

        path.write_bytes(self.away.pop(name))

    @rule()
    def swap_the_whole_folder(self) -> None:
        """As a checkout of git does: every file anew, with another inode and time."""
        content = self.root / "content"
        shutil.copytree(content, self.root / "fresh")
        shutil.rmtree(content)
        (self.root / "fresh").rename(content)
        for path in content.rglob("*.md"):
            os.utime(path)

    @rule()
    def look(self) -> None:
        self.stand.look()

    @rule()
    def run(self) -> None:
        """A fault that was told earlier may end the process now."""
        try:
            self.stand.run()
        except Crash:
            self.stand.restart()

    @rule(seconds=st.sampled_from([5, 61, 600, 6000]))
    def wait(self, seconds: int) -> None:
        self.clock.go(seconds=seconds)
        self.run()

    @rule(step=st.integers(1, 25))
    def die(self, step: int) -> None:
        self.stand.fuse.at, self.stand.fuse.steps = step, 0
        with suppress(Crash):
            self.stand.run()
        self.stand.restart()

    @rule(
        which=st.sampled_from(["post", "web", "mail"]),
        error=st.sampled_from([Unavailable, RateLimited, Uncertain, Uncertain, ValueError, Crash]),
        accepted=st.booleans(),
    )
    def fail(self, which: str, error: type[BaseException], accepted: bool) -> None:
        channel = getattr(self, which)
        proves = issubclass(error, Unavailable | RateLimited)
        channel.next(error("so it goes"), accepted=accepted and not proves)
        self.run()

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        self.post.next(Rejected("No."))
        self.run()
        self.post.faults.clear()

    @rule(where=st.sampled_from([CannotTell("Closed."), Unavailable("Down.")]))
    def read_back_fails(self, where: Exception) -> None:
        self.post.finds.append(where)

    @invariant()
    def nothing_is_announced_twice(self) -> None:
        for name, token in self.files.items():
            assert self.out(self.post, token) <= 1, f"{name} was posted twice"
            assert self.out(self.mail, token) <= 1, f"{name} was mailed twice"

    def out(self, channel: Stage, token: str) -> int:
        return sum(f"<{token}>" in entry.text for entry in channel.ledger.entries)

    def quiet(self) -> None:
        for channel in (self.post, self.web, self.mail):
            channel.faults.clear()
            channel.finds.clear()
        for _ in range(8):
            self.stand.run()
            self.clock.go(minutes=31)
        self.stand.run()

    def nothing_is_lost(self) -> None:
        self.nothing_is_announced_twice()
        for row in self.stand.deliveries():
            assert row.state in ("published", "held", "failed", "cancelled"), (row.name, row.channel, row.state)
            assert row.state == "published" or row.error, f"{row.name} is {row.state} without a word"
        states = self.stand.states()
        for name, token in self.files.items():
            web = [state for (piece, channel, _), state in states.items() if piece == f"fi/{name}" and channel == "web"]
            assert web == ["published"], (name, web)
            shown = [text for text in self.web.ledger.texts if f"<{token}>" in text]
            assert any(
                self.stand.path(f"news/{name}.md").read_text().strip().endswith(text.partition(": ")[2])
                for text in shown
            )


TestCalendar = Calendar.TestCase
TestCalendar.settings = settings(
    max_examples=25, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_what_is_open_on_a_channel_that_was_taken_out_is_put_to_a_person(
    make: Make, stage: Stage, slate: Stage, clock: Hands
) -> None:
    stand = make(stage, slate)
    stage.next(Uncertain("No answer."), accepted=True)
    stand.put("a")
    stand.look()
    stand.desk.lanes[0].work()
    del stand.channels["post"]
    stand.configure()
    stand.restart()
    stand.look()
    once.start(stand.desk)
    row = stand.row("a", "post")
    assert (row.state, row.reason) == ("held", "uncertain")
    assert "no longer in config/julki.toml" in row.error


def test_a_post_that_was_taken_just_before_the_crash_is_given_time_to_show(
    make: Make, stage: Stage, clock: Hands
) -> None:
    """The call began long ago (a slow upload, a machine that slept), and was accepted a second before the end."""
    stage.lag = timedelta(seconds=5)
    stand = make(stage)

    def slowly(_what: str) -> None:
        clock.go(minutes=2)

    stage.during = slowly
    stage.next(Crash("the process ends"), accepted=True)
    stand.put("a")
    stand.look()
    with pytest.raises(Crash):
        stand.work()
    stand.restart()
    stage.during = lambda _what: None
    clock.go(seconds=1)
    for _ in range(4):
        stand.work()
        clock.go(seconds=61)
    assert stage.ledger.texts == ["a: Teksti."]
    assert stand.state("a", "post") == "published"
