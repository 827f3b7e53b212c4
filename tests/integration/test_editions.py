"""Collected editions: each goes out once, no piece is in two, and none is lost."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from channels.errors import CannotTell, ChannelError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from channels.message import Message
from scheduler.delivery import acts
from scheduler.delivery.acts import Person
from scheduler.desk import approve as approval
from scheduler.store.core import EDITION
from tests.mocks.stage import Board, Crash, Entry, Paper, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
SATURDAY = START - timedelta(days=2)
WEEK = timedelta(days=7)


class Sheet(Paper):
    """What lies in a Maildir already stays as it is: a repeat under its key changes nothing."""

    def accept(self, message: Message, key: str, parent: str = "") -> Entry:
        known = self.ledger.by_key(key) if self.idempotent else None
        return known or super().accept(message, key, parent)


@pytest.fixture
def paper(clock: Hands) -> Paper:
    return Sheet("mail", clock, links_page=False)


def weekend(stand: Stand, *names: str, more: str = "") -> None:
    """Pieces of Saturday, planned on Saturday, for the edition of Monday 09:00."""
    stand.clock.now = SATURDAY
    for name in names:
        stand.put(name, more=more)
    stand.run()


def monday(stand: Stand, weeks: int = 0, **after: float) -> None:
    stand.clock.now = START + WEEK * weeks + timedelta(**after)
    stand.run()


def editions(stand: Stand) -> list[tuple[str, str, str, str]]:
    columns = (EDITION.c.period, EDITION.c.language, EDITION.c.segment, EDITION.c.state)
    with stand.desk.store.read() as db:
        return [tuple(row) for row in db.execute(select(*columns).order_by(EDITION.c.id))]


def test_the_pieces_of_a_week_go_out_in_one_edition_at_its_time(make: Make, paper: Paper) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    assert [row.due_at for row in stand.deliveries()] == [START, START]
    monday(stand, seconds=-1)
    assert paper.ledger.texts == []
    monday(stand)
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]
    assert set(stand.states().values()) == {"published"}
    assert editions(stand) == [("2026-W49", "fi", "", "published")]
    assert {row.remote_id for row in stand.deliveries()} == {"mail-1"}


def test_languages_and_segments_have_editions_of_their_own(make: Make, paper: Paper) -> None:
    stand = make(paper)
    stand.clock.now = SATURDAY
    stand.put("a")
    stand.put("b", more="lang: sv")
    stand.put("c", more="channels: {mail: {segment: press}}")
    stand.run()
    monday(stand)
    assert sorted(paper.ledger.texts) == ["a: Teksti.", "b: Teksti.", "c: Teksti."]
    assert sorted(editions(stand)) == [
        ("2026-W49", "fi", "", "published"),
        ("2026-W49", "fi", "press", "published"),
        ("2026-W49", "sv", "", "published"),
    ]


def test_a_piece_that_comes_after_its_edition_is_in_the_next(make: Make, paper: Paper) -> None:
    stand = make(paper)
    weekend(stand, "a")
    monday(stand)
    monday(stand, minutes=10)
    stand.put("b", at=SATURDAY)
    stand.run()
    assert paper.ledger.texts == ["a: Teksti."]
    row = stand.row("b", "mail")
    assert (row.state, row.period, row.due_at) == ("planned", "2026-W50", START + WEEK)
    for _ in range(3):  # later passes leave it there
        assert stand.look().changes == {}
        stand.work()
    assert stand.row("b", "mail").period == "2026-W50"
    monday(stand, weeks=1)
    assert paper.ledger.texts == ["a: Teksti.", "b: Teksti."]


def test_a_piece_that_comes_at_the_very_moment_is_in_the_next(make: Make, paper: Paper) -> None:
    stand = make(paper)
    weekend(stand, "a")
    monday(stand)
    stand.put("b", at=SATURDAY)
    stand.run()
    assert stand.row("b", "mail").period == "2026-W50"


def test_a_piece_in_a_later_edition_still_obeys_a_new_date(make: Make, paper: Paper) -> None:
    stand = make(paper)
    weekend(stand, "a")
    monday(stand)
    monday(stand, minutes=10)
    stand.put("b", at=SATURDAY)
    stand.run()
    stand.put("b", at=START + timedelta(days=9))
    stand.run()
    assert stand.row("b", "mail").period == "2026-W51"
    stand.put("b", more="status: draft")
    stand.run()
    assert stand.state("b", "mail") == "cancelled"


@pytest.mark.parametrize(
    ("error", "accepted"),
    [
        (Uncertain("No answer."), False),
        (Uncertain("No answer."), True),
        (ValueError("bug"), False),
        (ValueError("bug"), True),
    ],
)
def test_an_edition_that_may_be_out_is_sent_again_as_it_was_and_has_one_effect(
    make: Make, paper: Paper, clock: Hands, error: Exception, accepted: bool
) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(error, accepted=accepted)
    monday(stand)
    stand.put("c", at=SATURDAY)  # comes while the edition is under way
    for _ in range(3):
        clock.go(minutes=2)
        stand.run()
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]
    assert len({key for what, key in paper.ledger.calls if what == "publish"}) == 1
    assert stand.state("c", "mail") == "planned"
    monday(stand, weeks=1)
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti.", "c: Teksti."]


def test_a_piece_renamed_while_its_edition_is_tried_again_is_not_in_two(make: Make, paper: Paper, clock: Hands) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Unavailable("Down."))
    monday(stand)
    stand.path("news/b.md").rename(stand.path("news/z.md"))
    for _ in range(3):
        clock.go(minutes=2)
        stand.run()
    monday(stand, weeks=1)
    assert "".join(paper.ledger.texts).count("Teksti.") == 2
    assert set(stand.states().values()) == {"published"}


def test_a_killed_edition_is_completed_and_not_repeated(make: Make, paper: Paper, clock: Hands) -> None:
    for accepted in (False, True):
        own = Paper("mail", clock, links_page=False)
        stand = make(own)
        weekend(stand, "a", "b")
        own.next(Crash(), accepted=accepted)
        stand.clock.now = START
        with pytest.raises(Crash):
            stand.run()
        stand.restart()
        for _ in range(3):
            clock.go(minutes=2)
            stand.run()
        monday(stand, weeks=1)
        assert own.ledger.texts == ["a: Teksti. | b: Teksti."]
        assert set(stand.states().values()) == {"published"}
        stand.close()


def test_a_remote_that_can_be_read_back_is_asked_for_the_edition(make: Make, clock: Hands) -> None:
    """Not idempotent: both pieces follow the one answer, and a latecomer is not put into a second copy."""
    paper = Paper("mail", clock, idempotent=False, links_page=False)
    paper.lag = timedelta(seconds=30)
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Uncertain("No answer."), accepted=True)
    monday(stand)
    clock.go(minutes=3)
    stand.put("c", at=SATURDAY)
    stand.run()
    monday(stand, minutes=30)
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]
    assert [stand.state(name, "mail") for name in "abc"] == ["published", "published", "planned"]


def test_the_pieces_of_a_refused_edition_fail_with_it_and_a_mended_one_can_be_sent(
    make: Make, paper: Paper, clock: Hands
) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Rejected("The subject is too long."))
    monday(stand)
    assert {row.state for row in stand.deliveries()} == {"failed"}
    assert {row.error for row in stand.deliveries()} == {"The subject is too long."}
    stand.put("a", body="Mended.", at=SATURDAY)
    stand.look()
    for name in "ab":
        stand.retry(name, "mail")
    stand.work()
    assert paper.ledger.texts == ["a: Mended. | b: Teksti."]
    assert set(stand.states().values()) == {"published"}


def test_an_edition_waits_for_all_its_pages(make: Make, clock: Hands, board: Board) -> None:
    """It links to every page; leaving one out would put it off for a week."""
    paper = Paper("mail", clock)
    stand = make(paper, board, pages=["web"])
    stand.clock.now = SATURDAY
    stand.put("a")
    stand.put("b", at=START)
    stand.run()
    clock.now = START
    board.next(Unavailable("Down."))
    stand.run()
    assert paper.ledger.texts == []
    clock.go(minutes=2)
    stand.run()
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]


def test_one_whose_page_failed_is_held_and_the_others_go(make: Make, clock: Hands, board: Board) -> None:
    paper = Paper("mail", clock)
    stand = make(board, paper, pages=["web"])
    board.refuse["b"] = Rejected("No.")
    weekend(stand, "a", "b", "c")
    monday(stand)
    assert paper.ledger.texts == ["a: Teksti. | c: Teksti."]
    assert (stand.state("b", "mail"), stand.row("b", "mail").reason) == ("held", "page")


@pytest.mark.parametrize("why", ["Not for mail.", "bug"])
def test_one_bad_piece_does_not_keep_the_edition_in(make: Make, paper: Paper, why: str) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.objections["b"] = why
    monday(stand)
    assert paper.ledger.texts == ["a: Teksti."]
    assert stand.state("b", "mail") == "held"
    assert "julki retry" in stand.row("b", "mail").error


def test_a_held_piece_goes_into_the_next_edition_when_a_person_says_so(make: Make, paper: Paper, clock: Hands) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    acts.hold(stand.desk.store, stand.row("b", "mail").id, stand.maija)
    monday(stand)
    assert paper.ledger.texts == ["a: Teksti."]
    clock.go(hours=1)
    stand.retry("b", "mail")
    stand.run()
    assert paper.ledger.texts == ["a: Teksti."]
    stand.run()
    monday(stand, weeks=1)
    assert paper.ledger.texts == ["a: Teksti.", "b: Teksti."]


def test_a_skipped_piece_is_in_no_edition(make: Make, paper: Paper) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    acts.skip(stand.desk.store, stand.row("b", "mail").id, stand.maija)
    monday(stand)
    monday(stand, weeks=1)
    assert paper.ledger.texts == ["a: Teksti."]


def test_an_edition_that_is_too_late_is_held(make: Make, paper: Paper) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    monday(stand, hours=3)
    assert paper.ledger.texts == []
    assert {(row.state, row.reason) for row in stand.deliveries()} == {("held", "late")}


def test_each_piece_by_itself_where_there_are_no_editions(make: Make, clock: Hands) -> None:
    paper = Paper("mail", clock, "each", links_page=False)
    stand = make(paper)
    stand.put("a")
    stand.put("b")
    stand.run()
    assert sorted(paper.ledger.texts) == ["a: Teksti.", "b: Teksti."]
    assert editions(stand) == []


def test_a_large_edition_is_one_edition(make: Make, paper: Paper) -> None:
    stand = make(paper, backlog="1000")
    weekend(stand, *[f"p{number:03}" for number in range(230)])
    monday(stand)
    assert len(paper.ledger.texts) == 1
    assert paper.ledger.texts[0].count("Teksti.") == 230


def test_two_desks_send_an_edition_once(make: Make, clock: Hands) -> None:
    paper = Paper("mail", clock, idempotent=False, links_page=False)
    stand = make(paper)
    weekend(stand, "a", "b")
    clock.now = START
    desks: list[Stage] = [stand.desk, stand.another()]  # type: ignore[list-item]  # only their lanes are used
    barrier = threading.Barrier(2)
    faults: list[BaseException] = []

    def run(desk: object) -> None:
        barrier.wait()
        try:
            desk.lanes[0].work()  # type: ignore[attr-defined]  # a Desk
        except BaseException as error:  # noqa: BLE001  shown below
            faults.append(error)

    threads = [threading.Thread(target=run, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desks[1].store.close()  # type: ignore[attr-defined]  # a Desk
    assert not faults
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]


NOT_OUT = [Unavailable("Down."), RateLimited("Later.", retry_after=timedelta(minutes=1))]
CHANGES = ["skip", "hold", "delete", "draft", "pause", "postpone"]


def change(stand: Stand, how: str) -> None:
    """Piece `a`, which is kela's, is no longer wanted in the edition."""
    row, store = stand.row("a", "mail"), stand.desk.store
    if how == "skip":
        acts.skip(store, row.id, stand.maija)
    elif how == "hold":
        acts.hold(store, row.id, stand.maija)
    elif how == "pause":
        acts.pause(store, "client", "kela", "a crisis", stand.maija)
    elif how == "delete":
        stand.path("news/a.md").unlink()
    elif how == "draft":
        stand.put("a", at=SATURDAY, more="client: kela\nstatus: draft")
    else:
        stand.put("a", at=START + timedelta(days=2), more="client: kela")


def restore(stand: Stand, how: str) -> None:
    """Somebody wants `a` out after all."""
    if how == "pause":
        acts.resume(stand.desk.store, "client", "kela", stand.maija)
    if how in ("delete", "draft"):
        stand.put("a", at=SATURDAY, more="client: kela")
    stand.look()
    if stand.state("a", "mail") in ("held", "skipped"):
        stand.retry("a", "mail")


def later(stand: Stand, clock: Hands, **delta: float) -> None:
    clock.go(**delta)
    stand.run()


def mails(paper: Paper, name: str) -> int:
    """In how many mails the piece is."""
    return sum(f"{name}: " in entry.text for entry in paper.ledger.entries)


@pytest.mark.parametrize("error", NOT_OUT)
@pytest.mark.parametrize("how", CHANGES)
def test_what_is_no_longer_wanted_is_left_out_of_an_edition_that_did_not_go_out(
    make: Make, paper: Paper, clock: Hands, error: ChannelError, how: str
) -> None:
    stand = make(paper, late="1d")
    weekend(stand, "a", "b", more="client: kela" if how != "pause" else "")
    if how == "pause":
        stand.put("a", at=SATURDAY, more="client: kela")
    paper.next(error)
    monday(stand)
    assert paper.ledger.texts == []
    change(stand, how)
    stand.look()
    later(stand, clock, minutes=2)
    assert paper.ledger.texts == ["b: Teksti."]
    restore(stand, how)
    later(stand, clock, minutes=2)
    monday(stand, weeks=1)
    assert paper.ledger.texts == ["b: Teksti.", "a: Teksti."]
    assert set(stand.states().values()) == {"published"}


def test_what_was_refused_meanwhile_is_left_out(make: Make, paper: Paper, clock: Hands) -> None:
    stand = make(paper, late="1d", approval="true")
    tuomas = Person("Tuomas", START)
    stand.clock.now = SATURDAY
    for name in "ab":
        stand.put(name, more="authors: [maija]")
    stand.look()
    for name in "ab":
        approval.approve(stand.desk, f"fi/{name}", tuomas)
    paper.next(Unavailable("Down."))
    monday(stand)
    approval.refuse(stand.desk, "fi/a", tuomas, "wrong")
    later(stand, clock, minutes=2)
    assert paper.ledger.texts == ["b: Teksti."]


@pytest.mark.parametrize("error", [*NOT_OUT, Unauthorized("Who are you?")])
def test_an_edition_that_did_not_go_out_takes_what_was_mended_and_added(
    make: Make, paper: Paper, clock: Hands, error: ChannelError
) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(error)
    monday(stand)
    stand.put("a", body="Korjattu.", at=SATURDAY)
    stand.put("c", at=SATURDAY)
    stand.look()
    if isinstance(error, Unauthorized):
        acts.resume(stand.desk.store, "channel", "mail", stand.maija)
        for name in "ab":
            stand.retry(name, "mail")
    for _ in range(70):  # every second: the waits of the single pieces end at different moments
        clock.go(seconds=1)
        stand.work()
    assert paper.ledger.texts == ["a: Korjattu. | b: Teksti. | c: Teksti."]
    assert set(stand.states().values()) == {"published"}


def test_a_person_who_wants_one_piece_now_sends_its_edition(make: Make, paper: Paper, clock: Hands) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Unavailable("Down."))
    monday(stand)
    clock.go(seconds=2)
    stand.retry("a", "mail")
    stand.work()
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("accepted", [False, True])
def test_when_an_edition_that_may_be_out_holds_what_is_not_wanted_a_person_is_asked(
    make: Make, paper: Paper, clock: Hands, accepted: bool, how: str
) -> None:
    stand = make(paper, late="1d")
    weekend(stand, "b")
    stand.put("a", at=SATURDAY, more="client: kela")
    paper.next(Uncertain("No answer."), accepted=accepted)
    monday(stand)
    stand.work()
    change(stand, how)
    later(stand, clock, minutes=3)
    row = stand.row("b", "mail")
    assert (row.state, row.reason) == ("held", "uncertain")
    assert "fi/a" in row.error
    assert f"julki confirm {row.id}" in row.error
    assert f"julki retry {row.id}" in row.error
    assert paper.ledger.count("publish") == 1
    assert stand.state("a", "mail") == ("skipped" if how == "skip" else "held")
    for _ in range(2):  # and is not asked again and again
        before = len(stand.audit())
        later(stand, clock, minutes=3)
        assert len(stand.audit()) == before
    if accepted:
        acts.confirm(stand.desk.store, row.id, "https://lists.example/1", stand.maija)
    else:
        if how != "skip":
            acts.skip(stand.desk.store, stand.row("a", "mail").id, stand.maija)
        stand.retry("b", "mail")
    later(stand, clock, minutes=1)
    assert stand.state("b", "mail") == "published"
    restore(stand, how)
    for weeks in (1, 2):
        monday(stand, weeks)
    assert (mails(paper, "a"), mails(paper, "b")) == (1, 1)
    assert set(stand.states().values()) == {"published"}


def test_what_a_person_says_of_one_piece_counts_for_the_edition(make: Make, clock: Hands) -> None:
    """Nobody can read it back; both wait for a word, and one is enough."""
    for out in (True, False):
        paper = Paper("mail", clock, idempotent=False, links_page=False)
        paper.finds.extend([CannotTell("It keeps nothing.")] * 2)
        stand = make(paper)
        weekend(stand, "a", "b")
        paper.next(Uncertain("No answer."), accepted=out)
        monday(stand)
        later(stand, clock, minutes=2)
        assert {(row.state, row.reason) for row in stand.deliveries()} == {("held", "uncertain")}
        assert all("fi/a, fi/b" in row.error for row in stand.deliveries())
        if out:
            acts.confirm(stand.desk.store, stand.row("a", "mail").id, "https://lists.example/7", stand.maija)
        else:
            stand.retry("a", "mail")
        later(stand, clock, minutes=1)
        assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]
        assert set(stand.states().values()) == {"published"}
        if out:
            assert stand.row("b", "mail").permalink == "https://lists.example/7"
        assert [state for *_, state in editions(stand)] == ["published"]
        stand.close()


def test_when_one_piece_of_an_edition_is_found_out_the_others_are_out(make: Make, clock: Hands) -> None:
    paper = Paper("mail", clock, idempotent=False, links_page=False)
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Uncertain("No answer."), accepted=True)
    monday(stand)
    paper.finds.append(CannotTell("Not this one."))
    later(stand, clock, minutes=2)
    assert set(stand.states().values()) == {"published"}
    assert paper.ledger.count("publish") == 1
    assert {row.remote_id for row in stand.deliveries()} == {"mail-1"}


def test_what_was_refused_after_it_may_have_gone_out_is_not_made_anew_unasked(
    make: Make, paper: Paper, clock: Hands
) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Uncertain("No answer."), accepted=True)
    paper.next(Rejected("No."))
    monday(stand)
    later(stand, clock, minutes=2)
    assert set(stand.states().values()) == {"failed"}
    acts.skip(stand.desk.store, stand.row("b", "mail").id, stand.maija)
    stand.retry("a", "mail")
    later(stand, clock, minutes=1)
    assert stand.row("a", "mail").reason == "uncertain"
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]


@pytest.mark.parametrize("error", [Unavailable("Down."), RateLimited("Later.", retry_after=timedelta(minutes=1))])
def test_not_out_at_the_second_try_says_nothing_of_the_first(
    make: Make, paper: Paper, clock: Hands, error: ChannelError
) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Uncertain("No answer."), accepted=True)
    paper.next(error)
    monday(stand)
    later(stand, clock, seconds=20)
    stand.put("a", body="Uusi.", at=SATURDAY)
    stand.put("c", at=SATURDAY)
    later(stand, clock, minutes=3)
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]
    monday(stand, weeks=1)
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti.", "c: Teksti."]


def test_a_skipped_piece_that_is_found_to_be_out_is_not_mailed_again(make: Make, clock: Hands) -> None:
    paper = Paper("mail", clock, idempotent=False, links_page=False)
    paper.finds.extend([CannotTell("It keeps nothing.")] * 2)
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Uncertain("No answer."), accepted=True)
    monday(stand)
    later(stand, clock, minutes=2)
    acts.skip(stand.desk.store, stand.row("a", "mail").id, stand.maija)
    acts.confirm(stand.desk.store, stand.row("b", "mail").id, "https://lists.example/7", stand.maija)
    later(stand, clock, minutes=2)
    assert stand.state("a", "mail") == "skipped"
    assert "is out all the same" in stand.row("a", "mail").error
    stand.retry("a", "mail")
    monday(stand, weeks=1)
    assert paper.ledger.count("publish") == 1
    assert stand.state("a", "mail") == "published"


def settle(stand: Stand, paper: Paper, *states: str) -> None:
    """A person answers what is asked, truthfully, and wants all else in these states out after all."""
    for row in stand.deliveries():
        now = stand.row(row.name, "mail")
        name = row.name.partition("/")[2]
        if now.reason == "uncertain" and now.state == "held" and mails(paper, name):
            acts.confirm(stand.desk.store, now.id, "https://lists.example/1", stand.maija)
        elif now.state == "held" or now.state in states:
            acts.retry(stand.desk.store, now.id, stand.maija)


ANSWERS = [(None, False), (Unavailable("Down."), False), (Uncertain("No answer."), False), (Uncertain("No."), True)]


@pytest.mark.parametrize(("error", "accepted"), ANSWERS)
def test_an_edition_survives_a_crash_at_every_commit(
    make: Make, clock: Hands, error: Exception | None, accepted: bool
) -> None:
    """One piece is skipped then, and wanted again a week later: each is in one mail, whatever happened before."""
    crashes, step = 0, 0
    while crashes == step:
        step += 1
        paper = Sheet("mail", clock, links_page=False)
        stand = make(paper, late="1d")
        weekend(stand, "a", "b")
        if error:
            paper.next(error, accepted=accepted)
        clock.now = START
        stand.look()
        stand.fuse.at, stand.fuse.steps = stand.fuse.steps + step, stand.fuse.steps
        try:
            stand.work()
            clock.go(minutes=1)
            stand.work()
        except Crash:
            crashes += 1
        stand.restart()
        with contextlib.suppress(acts.Refused):
            acts.skip(stand.desk.store, stand.row("a", "mail").id, stand.maija)
        for _ in range(3):
            later(stand, clock, minutes=2)
            settle(stand, paper)
        settle(stand, paper, "skipped")
        for weeks in (1, 2):
            monday(stand, weeks)
        assert (mails(paper, "a"), mails(paper, "b")) == (1, 1), step
        assert set(stand.states().values()) == {"published"}, step
        stand.close()
    assert crashes > 3


FAULTS = [
    (Unavailable("Down."), False),
    (RateLimited("Later.", retry_after=timedelta(minutes=1)), False),
    (Rejected("No."), False),
    (Uncertain("No answer."), False),
    (Uncertain("No answer."), True),
]
NAMES = st.sampled_from("abc")
WHAT = st.one_of(
    st.tuples(st.sampled_from(["skip", "hold", "retry", "delete", "restore", "edit", "draft"]), NAMES),
    st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
    st.tuples(st.just("crash"), st.integers(1, 6)),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 120, 4000])),
    st.tuples(st.sampled_from(["settle", "pause", "resume", "restart"]), st.just("")),
)


class World:
    """A desk with three pieces in an edition, and whatever may happen to them."""

    def __init__(self, root: Path, idempotent: bool) -> None:
        self.clock = Hands()
        self.paper = Sheet("mail", self.clock, links_page=False, idempotent=idempotent)
        self.stand = Stand(root, self.clock, self.paper, late="1d")
        weekend(self.stand, "a", "b", "c", more="client: kela")
        self.clock.now = START

    def step(self, what: str, which: Any) -> None:
        stand = self.stand
        try:
            if what == "fault":
                self.paper.next(which[0], accepted=which[1])
            elif what == "crash":
                stand.fuse.at = stand.fuse.steps + which
            elif what == "wait":
                self.clock.go(seconds=which)
            elif what in ("skip", "hold", "retry"):
                self.say(what, stand.row(which, "mail"))
            elif what == "settle":
                settle(stand, self.paper)
            else:
                self.file(what, which)
            stand.run()
        except acts.Refused:
            pass
        except Crash:
            stand.restart()

    def say(self, what: str, row: Any) -> None:
        if row.reason != "uncertain" or row.state != "held":
            getattr(acts, what)(self.stand.desk.store, row.id, self.stand.maija)

    def file(self, what: str, which: str) -> None:
        stand = self.stand
        if what == "delete":
            stand.path(f"news/{which}.md").unlink(missing_ok=True)
        elif what == "pause":
            acts.pause(stand.desk.store, "client", "kela", "", stand.maija)
        elif what == "resume":
            acts.resume(stand.desk.store, "client", "kela", stand.maija)
        elif what == "restart":
            stand.restart()
        else:
            body, status = ("Uusi." if what == "edit" else "Teksti."), ("\nstatus: draft" if what == "draft" else "")
            stand.put(which, body=body, at=SATURDAY, more=f"client: kela{status}")

    def end(self) -> None:
        """Everything works again, and everything is wanted."""
        stand = self.stand
        stand.fuse.at = None
        self.paper.faults.clear()
        with contextlib.suppress(acts.Refused):
            acts.resume(stand.desk.store, "client", "kela", stand.maija)
        for name in "abc":
            stand.put(name, at=SATURDAY, more="client: kela")
        for weeks in range(1, 5):
            for _ in range(3):
                later(stand, self.clock, minutes=61)
                settle(stand, self.paper, "skipped", "failed")
            monday(stand, weeks)


@pytest.mark.parametrize("idempotent", [True, False])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(WHAT, min_size=2, max_size=12))
def test_whatever_happens_each_piece_is_in_one_mail(
    tmp_path_factory: pytest.TempPathFactory, idempotent: bool, steps: list[tuple[str, Any]]
) -> None:
    world = World(tmp_path_factory.mktemp("edition"), idempotent)
    try:
        world.stand.run()
        for what, which in steps:
            world.step(what, which)
            assert max(mails(world.paper, name) for name in "abc") <= 1
        world.end()
        assert [mails(world.paper, name) for name in "abc"] == [1, 1, 1], world.stand.states()
        assert set(world.stand.states().values()) == {"published"}
    finally:
        world.stand.close()


GAPS = {'gap = "30m"': 30, "per_hour = 1": 60}


@pytest.mark.parametrize("limit", GAPS)
def test_the_editions_of_one_time_keep_the_channels_limits(make: Make, paper: Paper, clock: Hands, limit: str) -> None:
    stand = make(paper, channel_mail=limit, late="1d")
    stand.clock.now = SATURDAY
    for name in "abc":
        stand.put(name)
    stand.put("d", more="lang: sv")
    stand.put("e", more="channels: {mail: {segment: press}}")
    stand.run()
    for due in range(3):
        clock.now = START + timedelta(minutes=due * GAPS[limit], seconds=-1 if due else 0)
        stand.run()
        assert len(paper.ledger.texts) == max(due, 1)
        clock.now = START + timedelta(minutes=due * GAPS[limit])
        stand.run()
        assert len(paper.ledger.texts) == due + 1
    assert sorted(paper.ledger.texts) == ["a: Teksti. | b: Teksti. | c: Teksti.", "d: Teksti.", "e: Teksti."]


def test_an_edition_that_a_limit_makes_too_late_is_held_when_it_is(make: Make, paper: Paper, clock: Hands) -> None:
    stand = make(paper, channel_mail='gap = "5h"', late="1h")
    stand.clock.now = SATURDAY
    stand.put("a")
    stand.put("b", more="lang: sv")
    stand.run()
    monday(stand)
    assert len(paper.ledger.texts) == 1
    later(stand, clock, hours=1, seconds=1)
    assert sorted(stand.states().values()) == ["held", "published"]
    assert {row.reason for row in stand.deliveries()} == {"", "late"}


def test_not_now_counts_for_the_editions_behind(make: Make, paper: Paper, clock: Hands) -> None:
    stand = make(paper)
    stand.clock.now = SATURDAY
    stand.put("a")
    stand.put("b", more="lang: sv")
    stand.run()
    paper.next(RateLimited("Later.", retry_after=timedelta(minutes=5)))
    monday(stand)
    assert paper.ledger.count("publish") == 1
    later(stand, clock, minutes=5)
    assert sorted(paper.ledger.texts) == ["a: Teksti.", "b: Teksti."]


def test_an_edition_whose_pictures_find_no_room_is_tried_again(make: Make, paper: Paper, clock: Hands) -> None:
    stand = make(paper)
    weekend(stand, "a", "b")
    kept = stand.desk.library.keep

    def full(_media: object) -> None:
        raise OSError("no space left on device")

    stand.desk.library.keep = full  # type: ignore[method-assign,assignment]  # a disk that is full
    monday(stand)
    assert set(stand.states().values()) == {"planned"}
    stand.desk.library.keep = kept  # type: ignore[method-assign]  # and has room again
    later(stand, clock, minutes=1)
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]


def test_a_file_that_comes_back_is_no_word_on_what_may_be_out(make: Make, paper: Paper, clock: Hands) -> None:
    stand = make(paper, late="1d")
    weekend(stand, "a", "b")
    paper.next(Uncertain("No answer."), accepted=True)
    paper.next(Unavailable("Down."))
    monday(stand)
    later(stand, clock, seconds=20)
    stand.path("news/a.md").unlink()
    later(stand, clock, minutes=2)
    assert [stand.state(name, "mail") for name in "ab"] == ["cancelled", "held"]
    stand.put("a", at=SATURDAY)
    later(stand, clock, minutes=2)
    assert {(row.state, row.reason) for row in stand.deliveries()} == {("held", "uncertain")}
    assert paper.ledger.count("publish") == 2


def test_an_edition_waits_until_all_of_it_was_read_back(make: Make, clock: Hands) -> None:
    paper = Sheet("mail", clock, idempotent=False, links_page=False)
    stand = make(paper)
    weekend(stand, "a", "b")
    paper.next(Uncertain("No answer."))
    monday(stand)
    paper.finds.append(RateLimited("Not now.", retry_after=timedelta(minutes=2)))
    later(stand, clock, minutes=3)
    assert sorted(stand.states().values()) == ["publishing", "retrying"]
    later(stand, clock, minutes=3)
    later(stand, clock, minutes=3)
    assert paper.ledger.texts == ["a: Teksti. | b: Teksti."]
    assert set(stand.states().values()) == {"published"}


@pytest.mark.parametrize("error", [Unavailable("Down."), Uncertain("No answer.")], ids=["not out", "may be out"])
def test_an_edition_that_waits_is_not_sent_once_for_each_piece_when_editions_end(
    make: Make, clock: Hands, error: Exception
) -> None:
    paper = Paper("mail", clock, links_page=False)
    stand = make(paper, late="1d")
    for name in "ab":
        stand.put(name, at=START - timedelta(days=2))
    stand.look()
    paper.next(error)
    paper.next(error)
    stand.work()
    single = Paper("mail", clock, "each", links_page=False)
    single.ledger = paper.ledger
    stand.channels["mail"] = single
    stand.restart()
    stand.look()
    for _ in range(6):
        clock.go(minutes=3)
        stand.work()
    assert [sum(f"{name}: Teksti." in text for text in paper.ledger.texts) for name in "ab"] == [1, 1]
