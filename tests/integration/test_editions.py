"""Collected editions: each goes out once, no piece is in two, and none is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.errors import RateLimited, Rejected, Unavailable, Uncertain
from scheduler.delivery import acts
from scheduler.store.core import EDITION
from tests.mocks.stage import Board, Crash, Paper, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
SATURDAY = START - timedelta(days=2)
WEEK = timedelta(days=7)


@pytest.fixture
def paper(clock: Hands) -> Paper:
    return Paper("mail", clock, links_page=False)


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
        return [tuple(row) for row in db.execute(select(*columns).order_by(EDITION.c.id))]  # type: ignore[misc]  # four


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
        (Unavailable("Down."), False),
        (RateLimited("Later."), False),
        (Uncertain("No answer."), False),
        (Uncertain("No answer."), True),
        (ValueError("bug"), False),
        (ValueError("bug"), True),
    ],
)
def test_an_edition_is_sent_again_as_it_was_and_has_one_effect(
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
