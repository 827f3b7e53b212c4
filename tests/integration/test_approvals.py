"""Four eyes: nothing goes out before a second person approved it, as it stood then."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from typer.testing import CliRunner

from channels.errors import Unavailable, Uncertain
from channels.message import Message
from channels.piece import Piece
from channels.view import View
from scheduler.cli.main import app
from scheduler.delivery import acts as deeds
from scheduler.delivery.acts import Person, Refused
from scheduler.desk import approve as flow
from scheduler.store.core import APPROVAL
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


def pass_over(stand: Stand) -> None:
    """A pass over the files that ends before approvals are compared."""
    with time_machine.travel(time.time() + 3600, tick=False):
        stand.desk.refresh.run(stand.clock.now)


TEAM = """
[authors.maija]
name = "Maija Rantakari"
email = "maija@example.org"
[authors.tuomas]
name = "Tuomas Vihersaari"
email = "tuomas@example.org"
[authors.tv]
name = "Tuomas Äijälä"
"""


def with_team(stand: Stand, team: str = TEAM) -> None:
    (stand.root / "config" / "team.toml").write_text(team, "utf-8")
    stand.restart()
    stand.look()


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
    pass_over(stand)
    stand.work()
    assert stage.ledger.texts == []
    row = stand.row("a", "post")
    assert (row.reason, "not what Tuomas approved" in row.error) == ("approval", True)
    assert acts(stand, "approval void") == ["approval void"]


# who is who


@pytest.mark.parametrize(
    ("author", "by"),
    [
        ("maija", "maija"),
        ("maija", "Maija"),
        ("maija", "MAIJA "),
        ("maija", "maija@example.org"),
        ("maija", "Maija Rantakari"),
        ("maija", "Rantakari"),
        ("maija", "  maija \t rantakari"),
        ("maija", "Mai\u200bja"),
        ("maija", "\uff2d\uff41\uff49\uff4a\uff41"),
        ("Maija Rantakari", "maija"),
        ("Maija Rantakari", "maija@example.org"),
        ("rantakari", "Maija"),
        ("maija@example.org", "maija"),
        ("tv", "A\u0308ija\u0308la\u0308"),
        ("Tuomas", "tv"),
    ],
)
def test_nobody_approves_what_is_their_own(stand: Stand, author: str, by: str) -> None:
    stand.put("a", at=LATER, more=f"authors: ['{author}']")
    with_team(stand)
    with pytest.raises(Refused, match="own piece"):
        say_yes(stand, by=by)
    stand.clock.now = LATER
    stand.work()
    assert stand.row("a", "post").reason == "approval"


def test_one_person_under_two_keys_is_still_one(stand: Stand) -> None:
    stand.put("a", at=LATER, more="authors: [maija@example.org]")
    with_team(stand, TEAM + '[authors.mr]\nname = "maija  rantakari"\n')
    with pytest.raises(Refused, match="own piece"):
        say_yes(stand, by="mr")


@pytest.mark.parametrize("by", ["Maija", "MAIJA", "maija rantakari", "Ma\u00adija"])
def test_without_a_team_names_are_compared_as_they_are_written(stand: Stand, by: str) -> None:
    with pytest.raises(Refused, match="own piece"):
        say_yes(stand, by=by)
    with pytest.raises(Refused, match="--by NAME"):
        say_yes(stand, by="\u200b ")
    assert say_yes(stand, by="Tuomas")


@pytest.mark.parametrize("act", [say_yes, say_no])
def test_whoever_is_not_in_the_team_has_no_word(stand: Stand, act: Callable[..., str]) -> None:
    with_team(stand)
    with pytest.raises(Refused, match=r"nobody called 'Nobody Atall'.*Maija Rantakari.*Tuomas Vihersaari.*--by NAME"):
        act(stand, by="Nobody Atall")
    assert acts(stand, "approved", "refused") == []


def test_a_name_that_two_have_names_both(stand: Stand) -> None:
    with_team(stand)
    with pytest.raises(Refused, match=r"'tuomas' .*Tuomas Vihersaari.*Tuomas Äijälä.*whole name"):
        say_yes(stand, by="tuomas")
    say_yes(stand, by="vihersaari")
    assert [act.by for act in stand.audit() if act.act == "approved"] == ["Tuomas Vihersaari"]


def test_a_piece_without_authors_is_approved_by_anybody_known(stand: Stand, stage: Stage) -> None:
    stand.put("a", at=LATER)
    with_team(stand)
    say_yes(stand, by="maija")
    stand.clock.now = LATER
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


# when it goes out


@pytest.mark.parametrize("at", [START, LATER + timedelta(days=3)])
def test_another_date_ends_the_approval(stand: Stand, stage: Stage, clock: Hands, at: datetime) -> None:
    say_yes(stand)
    stand.look()
    stand.put("a", at=at, more="authors: [maija]")
    stand.run()
    assert acts(stand, "approval void") == ["approval void"]
    clock.now = max(at, clock.now)
    stand.work()
    assert stage.ledger.texts == []
    assert stand.row("a", "post").reason == "approval"
    say_yes(stand)
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_a_later_date_ends_it_after_the_first_has_passed_too(stand: Stand) -> None:
    say_yes(stand)
    stand.clock.go(hours=2)
    stand.put("a", at=LATER + timedelta(days=1), more="authors: [maija]")
    stand.look()
    assert acts(stand, "approval void") == ["approval void"]


@pytest.mark.parametrize("own", ["2026-11-30T07:30:00Z", "+45m"])
def test_another_date_on_one_channel_ends_it_too(stand: Stand, stage: Stage, clock: Hands, own: str) -> None:
    say_yes(stand)
    stand.put("a", at=LATER, more=f"authors: [maija]\nchannels: {{post: {{at: {own}}}}}")
    stand.look()
    assert acts(stand, "approval void") == ["approval void"]
    clock.go(hours=2)
    stand.work()
    assert stage.ledger.texts == []
    assert {stand.row("a", name).reason for name in ("post", "web")} == {"approval"}


def test_a_date_moved_in_the_last_second_does_not_slip_through(stand: Stand, stage: Stage, clock: Hands) -> None:
    say_yes(stand)
    stand.look()
    stand.put("a", at=START, more="authors: [maija]")
    pass_over(stand)
    stand.work()
    assert stage.ledger.texts == []
    row = stand.row("a", "post")
    assert (row.reason, "another time than Tuomas approved" in row.error) == ("approval", True)


def test_an_idea_that_was_approved_needs_a_new_word_for_its_date(make: Make, stage: Stage) -> None:
    stand = make(stage, approval="true")
    path = stand.path("news/a.md")
    path.write_text("---\ntitle: a\n---\n\nTeksti.\n", "utf-8")
    stand.look()
    say_yes(stand)
    stand.put("a")
    stand.run()
    assert stage.ledger.texts == []
    assert stand.row("a", "post").reason == "approval"


def test_one_live_post_at_another_time_ends_it(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage, approval="true")
    text = "---\ntitle: e\npublish_at: 2026-11-30T06:00:00Z\nstarts_at: 2026-11-30 09:00\nlive: true\n---\n\nAlku.\n"
    path = stand.put("events/e.md")
    path.write_text(f"{text}\n## 09:05 yksi\n\nA\n\n## live kaksi\n\nB\n", "utf-8")
    stand.look()
    say_yes(stand, "fi/e")
    stand.work()
    path.write_text(f"{text}\n## 09:04 yksi\n\nA\n\n## live kaksi\n\nB\n", "utf-8")
    stand.look()
    clock.go(minutes=6)
    stand.work()
    assert stage.ledger.texts == ["e: Alku."]


def test_what_was_skipped_before_its_date_changed_is_no_dead_end(stand: Stand, stage: Stage, clock: Hands) -> None:
    deeds.skip(stand.desk.store, stand.row("a", "post").id, stand.maija)
    stand.put("a", at=LATER + timedelta(hours=2), more="authors: [maija]")
    stand.look()
    say_yes(stand)
    stand.look()
    clock.go(hours=3)
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_an_edition_that_takes_it_later_takes_it_as_approved(make: Make, clock: Hands) -> None:
    """The desk itself put it into the next one: its own was over."""
    paper = Paper("mail", clock, "daily 10:00", links_page=False)
    stand = make(paper, approval="true", late="5d")
    stand.put("a", at=START - timedelta(hours=1))
    stand.put("b", at=START - timedelta(hours=1))
    stand.look()
    say_yes(stand, "fi/a")
    clock.go(hours=1, minutes=1)
    stand.run()
    say_yes(stand, "fi/b")
    stand.run()
    assert paper.ledger.texts == ["a: Teksti."]
    stand.configure(backlog="11")
    stand.restart()
    stand.look()
    clock.go(days=1)
    stand.run()
    assert paper.ledger.texts == ["a: Teksti.", "b: Teksti."]


@pytest.mark.parametrize("days", [1, 5])
def test_another_edition_ends_the_approval(make: Make, clock: Hands, days: int) -> None:
    paper = Paper("mail", clock, "daily 10:00", links_page=False)
    stand = make(paper, approval="true")
    stand.put("a", at=START + timedelta(days=3))
    stand.look()
    say_yes(stand)
    stand.put("a", at=START + timedelta(days=days))
    stand.look()
    clock.go(days=days, hours=1)
    stand.work()
    assert paper.ledger.texts == []


def test_an_approval_that_knows_no_time_does_not_count(stand: Stand, stage: Stage, clock: Hands) -> None:
    """As an older desk wrote them."""
    say_yes(stand)
    with stand.desk.store.write() as db:
        known = db.execute(select(APPROVAL.c.pins)).scalar_one()
        old = {name: {part: one.split()[0] for part, one in parts.items()} for name, parts in known.items()}
        db.execute(update(APPROVAL).values(pins=old))
    clock.now = LATER
    stand.work()
    assert stage.ledger.texts == []
    assert stand.row("a", "post").reason == "approval"
    say_yes(stand)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]


# where nobody need approve any more


@pytest.mark.parametrize("said", ["nothing", "no"])
def test_switched_off_it_lets_go_of_what_waited_for_it(stand: Stand, stage: Stage, clock: Hands, said: str) -> None:
    clock.now = LATER
    stand.work()
    if said == "no":
        say_no(stand)
    stand.configure(approval="false")
    stand.restart()
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]
    assert acts(stand, "released") == ["released"]


def test_switched_off_late_is_still_late(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.now = LATER
    stand.work()
    clock.go(hours=5)
    stand.configure(approval="false")
    stand.restart()
    stand.run()
    assert stand.row("a", "post").reason == "late"
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_switched_off_an_edit_of_what_is_out_waits_no_more(make: Make, board: Board) -> None:
    stand = make(board, approval="true")
    stand.put("a")
    stand.look()
    say_yes(stand)
    stand.work()
    stand.put("a", body="Korjattu.")
    stand.run()
    stand.configure(approval="false")
    stand.restart()
    stand.run()
    assert board.ledger.texts == ["a: Korjattu."]


def test_retry_is_a_way_where_nobody_need_approve(stand: Stand, stage: Stage, clock: Hands) -> None:
    """By the command too, before the desk has read its settings anew."""
    clock.now = LATER
    stand.work()
    number = str(stand.row("a", "post").id)
    command = ["--workspace", str(stand.root), "retry", number]
    refused = CliRunner().invoke(app, command)
    assert (refused.exit_code, "approval first" in refused.stderr) == (1, True)
    stand.configure(approval="false")
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, done.stderr) == (0, "")
    stand.restart()
    stand.work("post")
    assert stage.ledger.texts == ["a: Teksti."]


# where a channel trips, and where two things happen at once


def test_what_a_channel_trips_over_stops_nothing_else(stand: Stand, stage: Stage, clock: Hands) -> None:
    stand.put("b", at=LATER)
    stand.look()
    say_yes(stand)
    say_yes(stand, "fi/b")
    stand.put("a", at=LATER, body="boom", more="authors: [maija]")
    stand.put("b", at=LATER, body="boom too")
    stage.render = _tripping(stage)  # type: ignore[method-assign]  # the adapter has a bug
    stand.look()
    told = [act for act in stand.audit() if act.act == "approval void"]
    assert [act.piece for act in told] == ["fi/a", "fi/b"]
    assert all("could not be prepared for post" in act.detail and "Tuomas" in act.detail for act in told)
    with pytest.raises(Refused, match="could not be prepared for post; the log has the details"):
        say_yes(stand)
    stage.objections["a"] = "bug"
    with pytest.raises(Refused, match="could not be prepared for post; the log has the details"):
        say_yes(stand)


def _tripping(stage: Stage) -> Callable[[Piece, View], list[Message]]:
    render = stage.render

    def trip(piece: Piece, view: View) -> list[Message]:
        if "boom" in piece.body:
            raise ZeroDivisionError
        return render(piece, view)

    return trip


def test_a_new_word_on_what_may_be_out_is_not_taken_back(make: Make, board: Board, clock: Hands) -> None:
    stage = Stage("post", clock, idempotent=True)
    stand = make(stage, board, approval="true")
    stand.put("a")
    stand.look()
    say_yes(stand)
    stage.next(Uncertain("503"), accepted=True)
    stand.work()
    assert (stand.state("a", "post"), stand.row("a", "post").reason) == ("retrying", "uncertain")
    stand.put("a", body="Korjattu.")
    stand.look()
    say_yes(stand)
    clock.go(minutes=5)
    stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.reason) == ("held", "uncertain")
    assert f"julki confirm {row.id} ADDRESS" in row.error
    assert f"julki retry {row.id}" in row.error
    assert acts(stand, "approved", "approval void") == ["approved", "approval void", "approved"]
    assert board.ledger.texts == ["a: Korjattu."]
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Korjattu."]


def test_a_word_given_while_it_was_looked_at_is_not_taken_back(stand: Stand, stage: Stage, clock: Hands) -> None:
    """The lane had read the old one; the new one came before it could say that the text is another."""
    say_yes(stand)
    stand.put("a", body="Korjattu.", at=LATER, more="authors: [maija]")
    clock.now = LATER
    pass_over(stand)
    render = stage.render

    def meanwhile(piece: Piece, view: View) -> list[Message]:
        stage.render = render  # type: ignore[method-assign]  # once
        say_yes(stand)
        return render(piece, view)

    stage.render = meanwhile  # type: ignore[method-assign]  # a person is quick
    stand.work("post")
    assert acts(stand, "approval void") == []
    assert stand.state("a", "post") == "planned"
    stand.work()
    assert stage.ledger.texts == ["a: Korjattu."]


def test_a_word_given_while_the_pass_compared_is_not_taken_back(stand: Stand, stage: Stage, clock: Hands) -> None:
    say_yes(stand)
    stand.put("a", body="Korjattu.", at=LATER, more="authors: [maija]")
    render = stage.render

    def meanwhile(piece: Piece, view: View) -> list[Message]:
        stage.render = render  # type: ignore[method-assign]  # once
        say_yes(stand)
        return render(piece, view)

    stage.render = meanwhile  # type: ignore[method-assign]  # a person is quick
    stand.look()
    clock.now = LATER
    stand.run()
    assert acts(stand, "approval void") == []
    assert stage.ledger.texts == ["a: Korjattu."]


def test_a_refused_edit_of_what_is_out_stays_in(make: Make, slate: Slate, board: Board) -> None:
    stand = make(slate, board, approval="true")
    stand.put("a")
    stand.look()
    say_yes(stand)
    stand.work()
    stand.put("a", body="Korjattu.")
    stand.look()
    say_no(stand)
    stand.run()
    assert slate.ledger.texts == board.ledger.texts == ["a: Teksti."]


# no, and other words


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
