"""Four eyes: nothing goes out before a second person approved it, as it stood then."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from channels.errors import Unavailable
from scheduler.delivery.acts import Person, Refused
from scheduler.desk import approve as flow
from tests.mocks.stage import Board, Paper, Slate, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
LATER = START + timedelta(hours=1)


def say_yes(stand: Stand, piece: str = "fi/a", by: str = "Tuomas") -> str:
    return flow.approve(stand.desk, piece, Person(by, stand.clock.now))


def say_no(stand: Stand, piece: str = "fi/a", by: str = "Tuomas", reason: str = "Väärä luku.") -> str:
    return flow.refuse(stand.desk, piece, Person(by, stand.clock.now), reason)


def acts(stand: Stand, *names: str) -> list[str]:
    return [act.act for act in stand.audit() if act.act in names]


@pytest.fixture
def stand(make: Make, stage: Stage, board: Board) -> Stand:
    """Two channels, approval wanted, `fi/a` due in an hour."""
    stand = make(stage, board, approval="true")
    stand.put("a", at=LATER, more="authors: [maija]")
    stand.look()
    return stand


def test_without_approval_it_is_held_when_due_and_not_before(stand: Stand, clock: Hands) -> None:
    stand.work()
    assert stand.state("a", "post") == "planned"
    clock.now = LATER
    stand.work()
    for channel in ("post", "web"):
        row = stand.row("a", channel)
        assert (row.state, row.reason) == ("held", "approval")
        assert "julki approve fi/a --by NAME" in row.error
        assert "julki preview content/news/a.md" in row.error


def test_approved_it_goes_out_at_its_time(stand: Stand, stage: Stage, board: Board, clock: Hands) -> None:
    assert "post, web" in say_yes(stand)
    stand.work()
    assert stage.ledger.texts == []
    clock.now = LATER
    stand.work()
    assert stage.ledger.texts == board.ledger.texts == ["a: Teksti."]


def test_approved_after_its_time_it_goes_out_if_that_is_not_too_late(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.now = LATER
    stand.work()
    clock.go(minutes=30)
    say_yes(stand)
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_approved_much_too_late_it_is_held_for_that(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.now = LATER
    stand.work()
    clock.go(hours=3)
    say_yes(stand)
    stand.work()
    assert stand.row("a", "post").reason == "late"
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_any_change_ends_the_approval_and_is_told(stand: Stand, stage: Stage, clock: Hands) -> None:
    say_yes(stand)
    stand.put("a", body="Toinen teksti.", at=LATER, more="authors: [maija]")
    stand.look()
    assert acts(stand, "approval void") == ["approval void"]
    clock.now = LATER
    stand.work()
    assert stand.row("a", "post").reason == "approval"
    say_yes(stand)
    stand.work()
    assert stage.ledger.texts == ["a: Toinen teksti."]


def test_a_save_that_changes_nothing_that_goes_out_ends_nothing(stand: Stand, stage: Stage, clock: Hands) -> None:
    say_yes(stand)
    stand.put("a", at=LATER, more="authors: [maija]\nlate: 5h")
    stand.look()
    stand.look()
    assert acts(stand, "approval void") == []
    clock.now = LATER
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_a_change_on_one_channel_only_ends_it_too(stand: Stand, stage: Stage, clock: Hands) -> None:
    say_yes(stand)
    stand.put("a", at=LATER, more="authors: [maija]\nchannels: {post: {text: Muuta}}")
    stand.look()
    clock.now = LATER
    stand.work()
    assert stage.ledger.texts == []
    assert stand.row("a", "web").reason == "approval"


def test_an_edit_in_the_last_second_does_not_slip_through(stand: Stand, stage: Stage, clock: Hands) -> None:
    """The lane itself compares: between the save and the verification it might already be claimed."""
    say_yes(stand)
    stand.put("a", body="Salaa lisätty.", at=LATER, more="authors: [maija]")
    clock.now = LATER
    with time_machine.travel(time.time() + 3600, tick=False):
        stand.desk.refresh.run(clock.now)
    stand.work()
    assert stage.ledger.texts == []
    row = stand.row("a", "post")
    assert (row.reason, "not what Tuomas approved" in row.error) == ("approval", True)
    assert acts(stand, "approval void") == ["approval void"]


@pytest.mark.parametrize("by", ["maija", "Maija", "MAIJA ", "maija@example.org", "Maija Rantakari"])
def test_nobody_approves_what_is_their_own(make: Make, stage: Stage, clock: Hands, by: str) -> None:
    stand = make(stage, approval="true")
    team = '[authors.maija]\nname = "Maija Rantakari"\nemail = "maija@example.org"\n'
    (stand.root / "config" / "team.toml").write_text(team, "utf-8")
    stand.restart()
    stand.put("a", at=LATER, more="authors: [maija]")
    stand.look()
    with pytest.raises(Refused, match="own piece"):
        say_yes(stand, by=by)
    clock.now = LATER
    stand.work()
    assert stand.row("a", "post").reason == "approval"


def test_a_refusal_holds_at_once_until_it_is_changed_and_approved(stand: Stand, stage: Stage, clock: Hands) -> None:
    say_yes(stand)
    say_no(stand)
    row = stand.row("a", "post")
    assert (row.state, row.reason) == ("held", "refused")
    assert "Tuomas refused it: Väärä luku." in row.error
    clock.now = LATER
    stand.run()
    assert stand.row("a", "post").reason == "refused"
    stand.put("a", body="Oikea luku.", at=LATER, more="authors: [maija]")
    stand.run()
    assert stand.row("a", "post").reason == "approval"
    say_yes(stand)
    stand.work()
    assert stage.ledger.texts == ["a: Oikea luku."]


def test_retry_is_no_way_around_it(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.now = LATER
    stand.work()
    with pytest.raises(Refused, match="approval first"):
        stand.retry("a", "post")
    say_no(stand)
    with pytest.raises(Refused, match="approval first"):
        stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == []


def test_an_edit_of_what_is_out_waits_for_a_second_person(make: Make, slate: Slate, board: Board, clock: Hands) -> None:
    stand = make(slate, board, approval="true")
    stand.put("a")
    stand.look()
    say_yes(stand)
    stand.work()
    stand.put("a", body="Korjattu.")
    stand.run()
    assert slate.ledger.texts == board.ledger.texts == ["a: Teksti."]
    assert "julki approve fi/a" in stand.row("a", "web").error
    say_yes(stand)
    stand.work()
    assert slate.ledger.texts == board.ledger.texts == ["a: Korjattu."]


def test_a_retry_of_what_was_approved_needs_no_second_word(stand: Stand, stage: Stage, clock: Hands) -> None:
    say_yes(stand)
    stage.next(Unavailable("Down."))
    clock.now = LATER
    stand.work()
    assert stand.state("a", "post") == "retrying"
    clock.go(minutes=1)
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_an_edition_takes_only_what_was_approved(make: Make, clock: Hands) -> None:
    paper = Paper("mail", clock, "daily 10:00", links_page=False)
    stand = make(paper, approval="true")
    for name in ("a", "b", "c"):
        stand.put(name)
    stand.look()
    say_yes(stand, "fi/a")
    say_yes(stand, "fi/c")
    stand.put("c", body="Toinen.")
    clock.go(hours=1)
    stand.run()
    assert paper.ledger.texts == ["a: Teksti."]
    assert {stand.row(name, "mail").reason for name in "bc"} == {"approval"}


def test_what_is_asked_wrongly_is_refused_in_plain_words(stand: Stand, make: Make, stage: Stage) -> None:
    with pytest.raises(Refused, match="no piece 'fi/zzz'"):
        say_yes(stand, "fi/zzz")
    stand.put("d", more="status: draft")
    stand.put("e", body="![](kuva.jpg)", more="tags: [[")
    stand.look()
    with pytest.raises(Refused, match="draft"):
        say_yes(stand, "d")
    with pytest.raises(Refused, match=r"no piece|has errors"):
        say_yes(stand, "e")
    stage.objections["a"] = "Liikaa sanoja."
    with pytest.raises(Refused, match="Liikaa sanoja"):
        say_yes(stand)
    stand.configure(approval="false")
    stand.restart()
    with pytest.raises(Refused, match="needs no approval"):
        say_yes(stand)


def test_a_piece_is_found_by_its_slug_and_by_its_file(stand: Stand) -> None:
    for told in ("a", "fi/a", "content/news/a.md"):
        assert say_yes(stand, told).startswith("fi/a is approved")


def test_a_channel_with_a_time_of_its_own_is_approved_with_the_others(make: Make, stage: Stage, clock: Hands) -> None:
    """The piece itself is archive, its post is not."""
    stand = make(stage, approval="true")
    stand.put("a", at=START - timedelta(days=90), more="channels: {post: {at: 2026-11-30T08:00:00Z}}")
    stand.look()
    say_yes(stand)
    clock.go(hours=1)
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_what_goes_nowhere_can_not_be_approved(make: Make, stage: Stage) -> None:
    stand = make(stage, approval="true")
    stand.put("a", more="channels: []")
    stand.look()
    with pytest.raises(Refused, match="nowhere"):
        say_yes(stand)
