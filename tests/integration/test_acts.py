"""What a person may do, what is refused and how it is said, and that it is all written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from channels.errors import CannotTell, RateLimited, Rejected, Unauthorized, Uncertain
from scheduler.delivery import acts
from scheduler.delivery.states import STATES, sources
from scheduler.store.core import DELIVERY
from tests.mocks.stage import Board, Slate, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
LINK = "https://stage.example/777"


@pytest.fixture
def stand(make: Make, stage: Stage) -> Stand:
    stand = make(stage)
    stand.put("a", at=START + timedelta(hours=1))
    stand.look()
    return stand


def put_into(stand: Stand, state: str, **values: Any) -> int:
    number = int(stand.row("a", "post").id)
    with stand.desk.store.write() as db:
        db.execute(update(DELIVERY).where(DELIVERY.c.id == number).values(state=state, **values))
    return number


ACTS: dict[str, tuple[str, Callable[[Stand, int], str]]] = {
    "retry": ("planned", lambda stand, number: acts.retry(stand.desk.store, number, stand.maija)),
    "skip": ("skipped", lambda stand, number: acts.skip(stand.desk.store, number, stand.maija)),
    "hold": ("held", lambda stand, number: acts.hold(stand.desk.store, number, stand.maija, "waits")),
    "confirm": ("published", lambda stand, number: acts.confirm(stand.desk.store, number, LINK, stand.maija)),
}


@pytest.mark.parametrize(
    ("act", "state"),
    # what is tried again anyway may be tried now; that is tested by itself
    [(act, state) for act in ACTS for state in STATES if (act, state) != ("retry", "retrying")],
)
def test_an_act_is_done_where_the_table_says_so_and_refused_elsewhere(stand: Stand, act: str, state: str) -> None:
    target, do = ACTS[act]
    number = put_into(stand, state)
    before = len(stand.audit())
    if state in sources(target, "person"):  # type: ignore[arg-type]  # the names of states
        answer = do(stand, number)
        assert "fi/a" in answer
        assert stand.state("a", "post") == target
        written = stand.audit()[-1]
        assert (written.by, written.act, written.piece, written.channel) == ("Maija", act, "fi/a", "post")
        assert (written.delivery_id, written.at) == (number, stand.clock.now)
    else:
        with pytest.raises(acts.Refused) as refused:
            do(stand, number)
        assert "fi/a" in str(refused.value)
        assert any(told in str(refused.value) for told in (state, "publish", "when it is due"))
        assert stand.state("a", "post") == state
        assert len(stand.audit()) == before


def test_a_planned_piece_is_not_sent_ahead_of_its_time_by_a_slip_of_the_number(stand: Stand, stage: Stage) -> None:
    with pytest.raises(acts.Refused):
        stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == []


def test_nothing_is_done_to_what_is_not_there(stand: Stand) -> None:
    with pytest.raises(acts.Refused, match=r"no delivery 999.*julki queue"):
        acts.skip(stand.desk.store, 999, stand.maija)


def test_nothing_is_done_while_an_attempt_is_under_way(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.go(hours=1)
    said: list[str] = []

    def interfere(_: str) -> None:
        number = stand.row("a", "post").id
        for act in (acts.skip, acts.hold, acts.retry):
            with pytest.raises(acts.Refused) as refused:
                act(stand.desk.store, number, stand.maija)
            said.append(str(refused.value))

    stage.during = interfere
    stand.work()
    assert len(said) == 3
    assert all("publishing" in one for one in said)
    assert stand.state("a", "post") == "published"


def test_hold_and_retry(stand: Stand, stage: Stage, clock: Hands) -> None:
    number = stand.row("a", "post").id
    acts.hold(stand.desk.store, number, stand.maija, "kuva puuttuu")
    assert "kuva puuttuu" in stand.row("a", "post").error
    clock.go(hours=50)
    stand.run()
    assert stage.ledger.texts == []
    assert f"julki retry {number}" in stand.row("a", "post").error
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_a_hold_survives_a_file_that_is_away_for_a_moment(stand: Stand, stage: Stage, clock: Hands) -> None:
    acts.hold(stand.desk.store, stand.row("a", "post").id, stand.maija)
    path = stand.path("news/a.md")
    text = path.read_bytes()
    path.unlink()
    stand.run()
    path.write_bytes(text)
    clock.go(hours=1)
    stand.run()
    assert (stand.state("a", "post"), stage.ledger.texts) == ("held", [])


def test_what_is_late_goes_when_a_person_says_so(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.go(hours=9)
    stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.reason) == ("held", "late")
    assert f"julki retry {row.id}" in row.error
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def skipped(stand: Stand, number: int) -> None:
    acts.skip(stand.desk.store, number, stand.maija)


def held(stand: Stand, number: int) -> None:
    acts.hold(stand.desk.store, number, stand.maija, "kuva puuttuu")


def doubted(stand: Stand, number: int) -> None:
    put_into(stand, "held", reason="rename", error="It may be an old one.")


@pytest.mark.parametrize("stopped", [skipped, held, doubted])
def test_what_is_brought_back_before_its_time_goes_out_at_its_time(
    stand: Stand, stage: Stage, clock: Hands, stopped: Callable[[Stand, int], None]
) -> None:
    stopped(stand, stand.row("a", "post").id)
    assert "when it is due" in stand.retry("a", "post")
    stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.reason, row.error, stage.ledger.texts) == ("planned", "", "", [])
    clock.go(hours=1)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]


def test_what_is_brought_back_before_its_time_may_be_late_like_any_other(
    stand: Stand, stage: Stage, clock: Hands
) -> None:
    skipped(stand, stand.row("a", "post").id)
    stand.retry("a", "post")
    clock.go(hours=9)
    stand.run()
    assert (stand.row("a", "post").reason, stage.ledger.texts) == ("late", [])


def waived(stand: Stand, clock: Hands) -> None:
    """Late, asked for, and stopped again before it went out."""
    clock.go(hours=9)
    stand.run()
    acts.pause(stand.desk.store, "all", "", "", stand.maija)
    stand.retry("a", "post")
    stand.work()
    acts.resume(stand.desk.store, "all", "", stand.maija)


def test_what_was_sent_however_late_may_not_be_late_any_more_at_a_new_date(
    stand: Stand, stage: Stage, clock: Hands
) -> None:
    waived(stand, clock)
    stand.put("a", at=clock.now + timedelta(days=1))
    stand.look()
    assert stand.state("a", "post") == "planned"
    clock.go(days=8)
    stand.run()
    assert (stand.row("a", "post").reason, stage.ledger.texts) == ("late", [])


def test_a_new_date_before_it_was_taken_ends_the_waiver_too(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.go(hours=9)
    stand.run()
    stand.retry("a", "post")
    stand.put("a", at=clock.now + timedelta(days=1))
    stand.look()
    clock.go(days=8)
    stand.run()
    assert (stand.row("a", "post").reason, stage.ledger.texts) == ("late", [])


def test_an_edit_that_leaves_the_date_alone_leaves_the_waiver(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.go(hours=9)
    stand.run()
    stand.retry("a", "post")
    stand.put("a", body="Other.", at=START + timedelta(hours=1), more="late: 3h")
    stand.run()
    assert stage.ledger.texts == ["a: Other."]


def test_what_failed_is_rendered_anew_and_has_a_new_key(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.go(hours=1)
    stage.next(Rejected("Too long."))
    stand.run()
    stand.put("a", body="Short.", at=START + timedelta(hours=1))
    stand.run()
    assert stage.ledger.texts == []
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Short."]
    assert len({key for _, key in stage.ledger.calls}) == 2


def test_skipped_is_skipped_whatever_the_file_does_and_can_be_brought_back(
    stand: Stand, stage: Stage, clock: Hands
) -> None:
    acts.skip(stand.desk.store, stand.row("a", "post").id, stand.maija)
    stand.put("a", body="Other.", at=START + timedelta(hours=2))
    clock.go(hours=2)
    stand.run()
    assert (stand.state("a", "post"), stage.ledger.texts) == ("skipped", [])
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Other."]


# what nobody can tell


def in_doubt(stand: Stand, stage: Stage, clock: Hands, accepted: bool) -> int:
    clock.go(hours=1)
    stage.next(Uncertain("No answer."), accepted=accepted)
    stage.finds.append(CannotTell("The archive can't be read.", look="https://stage.example/me"))
    stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.reason) == ("held", "uncertain")
    return int(row.id)


def test_a_doubt_says_where_to_look_and_what_to_do(stand: Stand, stage: Stage, clock: Hands) -> None:
    number = in_doubt(stand, stage, clock, accepted=True)
    error = stand.row("a", "post").error
    for told in (
        "https://stage.example/me",
        f"julki confirm {number}",
        f"julki retry {number}",
        f"julki skip {number}",
    ):
        assert told in error


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("https://stage.example/me/status/777", "777"),
        ("https://stage.example/me/status/777/", "777"),
        ("https://stage.example/me/status/777?s=20", "777"),
        ("https://stage.example/me/status/777#m", "777"),
    ],
)
def test_confirm_takes_the_address_as_people_copy_it(
    stand: Stand, stage: Stage, clock: Hands, address: str, remote: str
) -> None:
    number = in_doubt(stand, stage, clock, accepted=True)
    acts.confirm(stand.desk.store, number, address, stand.maija)
    row = stand.row("a", "post")
    assert (row.state, row.permalink, row.remote_id) == ("published", address, remote)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]


@pytest.mark.parametrize("address", ["", "777", "x.com/me/1", "javascript:alert(1)", "file:///etc/passwd"])
def test_confirm_wants_an_address(stand: Stand, stage: Stage, clock: Hands, address: str) -> None:
    number = in_doubt(stand, stage, clock, accepted=True)
    with pytest.raises(acts.Refused, match="not an address"):
        acts.confirm(stand.desk.store, number, address, stand.maija)


def test_a_person_who_saw_that_it_is_not_out_sends_it_anew(stand: Stand, stage: Stage, clock: Hands) -> None:
    in_doubt(stand, stage, clock, accepted=False)
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_no_file_operation_settles_a_doubt(stand: Stand, stage: Stage, clock: Hands) -> None:
    in_doubt(stand, stage, clock, accepted=True)
    for change in ({"at": START + timedelta(hours=5)}, {"more": "status: draft"}, {"body": "Other."}):
        stand.put("a", **change)  # type: ignore[arg-type]  # each a fitting argument
        stand.run()
        clock.go(hours=2)
    stand.path("news/a.md").unlink()
    stand.run()
    stand.put("a")
    stand.run()
    assert (stand.state("a", "post"), stage.ledger.texts) == ("held", ["a: Teksti."])


# taking back


def test_withdraw_takes_it_back_once(make: Make, slate: Slate, board: Board) -> None:
    stand = make(slate, board)
    stand.put("a")
    stand.run()
    for channel in (slate, board):
        answer = acts.withdraw(stand.desk.store, stand.row("a", channel.name).id, stand.maija, channel)
        assert "fi/a" in answer
        stand.run()
        stand.run()
        assert channel.ledger.texts == []
        assert stand.state("a", channel.name) == "withdrawn"
    assert slate.ledger.count("withdraw") == 1


def test_withdraw_is_refused_where_it_can_not_be(make: Make, stage: Stage, slate: Slate) -> None:
    stand = make(stage, slate)
    stand.put("a", at=START + timedelta(hours=1))
    stand.look()
    with pytest.raises(acts.Refused, match="can't be taken back"):
        acts.withdraw(stand.desk.store, stand.row("a", "post").id, stand.maija, stage)
    with pytest.raises(acts.Refused, match="planned"):
        acts.withdraw(stand.desk.store, stand.row("a", "slate").id, stand.maija, slate)


def test_what_was_confirmed_can_be_withdrawn_and_never_blocks_the_channel(make: Make, slate: Slate) -> None:
    """It was sent by hand: there is no stored message of it."""
    stand = make(slate)
    stand.put("a", at=START - timedelta(hours=5))
    stand.run()
    assert stand.row("a", "slate").reason == "late"
    entry = slate.accept(slate.message(stand.desk.library.piece(_due(stand)), "main", "by hand"), "by hand")  # type: ignore[arg-type]  # it is there
    acts.confirm(stand.desk.store, stand.row("a", "slate").id, f"https://stage.example/{entry.remote_id}", stand.maija)
    acts.withdraw(stand.desk.store, stand.row("a", "slate").id, stand.maija, slate)
    stand.put("b")
    stand.run()
    assert slate.ledger.texts == ["b: Teksti."]
    assert stand.state("a", "slate") == "withdrawn"


def _due(stand: Stand) -> Any:
    class Row:
        path, name, uid = "content/news/a.md", "fi/a", "u"

    return Row()


def test_what_was_confirmed_and_expires_does_not_block_the_channel(make: Make, slate: Slate, clock: Hands) -> None:
    stand = make(slate)
    stand.put("a", at=START - timedelta(hours=5), more="expires_at: 2026-11-30T08:00:00Z")
    stand.run()
    slate.ledger.entries.clear()
    acts.confirm(stand.desk.store, stand.row("a", "slate").id, LINK, stand.maija)
    clock.go(hours=2)
    slate.next(Rejected("There is no such post."))
    stand.put("b")
    stand.run()
    assert slate.ledger.texts == ["b: Teksti."]


def test_a_person_withdraws_also_during_a_pause(make: Make, slate: Slate) -> None:
    """In a crisis everything is stopped first, and then the post comes down."""
    stand = make(slate)
    stand.put("a")
    stand.run()
    acts.pause(stand.desk.store, "all", "", "kriisi", stand.maija)
    acts.withdraw(stand.desk.store, stand.row("a", "slate").id, stand.maija, slate)
    stand.work()
    assert slate.ledger.texts == []


# stopping


@pytest.mark.parametrize(("scope", "name"), [("all", ""), ("channel", "post"), ("client", "kela")])
def test_what_falls_due_during_a_pause_is_held_until_a_person_asks(
    make: Make, stage: Stage, clock: Hands, scope: acts.Scope, name: str
) -> None:
    stand = make(stage)
    stand.put("a", at=START + timedelta(minutes=10), more="client: kela")
    stand.put("b", at=START + timedelta(minutes=50), more="client: kela")
    stand.look()
    assert "julki resume" in acts.pause(stand.desk.store, scope, name, "kriisi", stand.maija)
    clock.go(minutes=20)
    stand.run()
    assert (stand.state("a", "post"), stand.row("a", "post").reason) == ("held", "paused")
    assert "kriisi" in stand.row("a", "post").error
    _, held = acts.resume(stand.desk.store, scope, name, stand.maija)
    assert [row.name for row in held] == ["fi/a"]
    clock.go(minutes=40)
    stand.run()
    assert stage.ledger.texts == ["b: Teksti."]
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["b: Teksti.", "a: Teksti."]


def test_paused_and_resumed_before_the_time_changes_nothing(stand: Stand, stage: Stage, clock: Hands) -> None:
    acts.pause(stand.desk.store, "all", "", "", stand.maija)
    clock.go(minutes=30)
    stand.run()
    acts.resume(stand.desk.store, "all", "", stand.maija)
    clock.go(minutes=30)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]


def test_a_pause_of_another_channel_or_client_stops_nothing_here(
    make: Make, stage: Stage, board: Board, clock: Hands
) -> None:
    stand = make(stage, board)
    stand.put("a", more="client: kela")
    stand.look()
    acts.pause(stand.desk.store, "channel", "web", "", stand.maija)
    acts.pause(stand.desk.store, "client", "verohallinto", "", stand.maija)
    stand.run()
    assert (stage.ledger.texts, board.ledger.texts) == (["a: Teksti."], [])


def test_a_client_that_a_later_save_names_is_paused_too(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    due = START + timedelta(hours=1)
    stand.put("a", at=due)
    stand.run()
    stand.put("a", at=due, more="client: kela")
    stand.run()
    acts.pause(stand.desk.store, "client", "kela", "kriisi", stand.maija)
    clock.go(hours=1)
    stand.run()
    assert stage.ledger.texts == []


def test_pausing_twice_and_resuming_what_runs_are_refused_in_plain_words(stand: Stand) -> None:
    store = stand.desk.store
    with pytest.raises(acts.Refused, match=r"not paused.*nothing"):
        acts.resume(store, "all", "", stand.maija)
    acts.pause(store, "channel", "post", "vaalit", stand.maija)
    with pytest.raises(acts.Refused, match="paused already, by Maija: vaalit"):
        acts.pause(store, "channel", "post", "", stand.maija)
    with pytest.raises(acts.Refused, match="The channel post"):
        acts.resume(store, "all", "", stand.maija)
    assert [act.act for act in stand.audit()] == ["pause"]


def test_pauses_of_different_scopes_stand_beside_each_other(stand: Stand, stage: Stage, clock: Hands) -> None:
    acts.pause(stand.desk.store, "all", "", "", stand.maija)
    acts.pause(stand.desk.store, "channel", "post", "", stand.maija)
    acts.resume(stand.desk.store, "all", "", stand.maija)
    clock.go(hours=1)
    stand.run()
    assert stage.ledger.texts == []
    assert [(act.act, act.by) for act in stand.audit()][:3] == [
        ("pause", "Maija"),
        ("pause", "Maija"),
        ("resume", "Maija"),
    ]


def test_after_bad_credentials_resume_and_retry_send_it_all(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stage.next(Unauthorized("No."))
    stand.put("a")
    stand.put("b")
    stand.run()
    acts.resume(stand.desk.store, "channel", "post", stand.maija)
    for name in "ab":
        stand.retry(name, "post")
    stand.work()
    assert sorted(stage.ledger.texts) == ["a: Teksti.", "b: Teksti."]


def test_resuming_a_channel_lists_what_was_refused_for_its_credentials(make: Make, stage: Stage, slate: Slate) -> None:
    stand = make(stage, slate)
    stage.next(Unauthorized("No."))
    slate.next(Unauthorized("No."))
    stand.put("a")
    stand.put("b")
    stand.run()
    reasons = {row.reason for row in stand.deliveries()}
    assert reasons == {"unauthorized", "paused"}
    _, held = acts.resume(stand.desk.store, "channel", "post", stand.maija)
    assert sorted((row.name, row.channel) for row in held) == [("fi/a", "post"), ("fi/b", "post")]


def test_resuming_everything_does_not_list_what_a_channel_still_refuses(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(Unauthorized("No."))
    stand.put("a")
    stand.run()
    acts.pause(stand.desk.store, "all", "", "", stand.maija)
    _, held = acts.resume(stand.desk.store, "all", "", stand.maija)
    assert held == []


# a backlog after a start


def test_a_backlog_asks_first(make: Make, stage: Stage, board: Board, clock: Hands) -> None:
    stand = make(stage, board)
    for number in range(4):
        stand.put(f"p{number}", more="channels: [post]")
    stand.put("page", more="channels: [web]")
    stand.look()
    clock.go(minutes=30)
    before = clock.now - timedelta(minutes=10)
    assert acts.brake(stand.desk.store, "post", 3, before, clock.now) == 4
    assert acts.brake(stand.desk.store, "web", 3, before, clock.now) == 0
    stand.work()
    assert (stage.ledger.texts, board.ledger.texts) == ([], ["page: Teksti."])
    row = stand.row("p0", "post")
    assert (row.state, row.reason) == ("held", "backlog")
    assert f"julki retry {row.id}" in row.error
    stand.retry("p0", "post")
    stand.work()
    assert stage.ledger.texts == ["p0: Teksti."]
    assert any(act.act == "held" and "4" in act.detail for act in stand.audit())


@pytest.mark.parametrize("minutes", [0, 9])
def test_what_is_hardly_overdue_is_no_backlog(make: Make, stage: Stage, clock: Hands, minutes: int) -> None:
    stand = make(stage)
    for number in range(4):
        stand.put(f"p{number}")
    stand.look()
    clock.go(minutes=minutes)
    assert acts.brake(stand.desk.store, "post", 3, clock.now - timedelta(minutes=10), clock.now) == 0
    stand.work()
    assert len(stage.ledger.texts) == 4


def test_archive_is_no_backlog(make: Make, board: Board, clock: Hands) -> None:
    stand = make(board, since="2026-11-29")
    for number in range(20):
        stand.put(f"p{number}", at=START - timedelta(days=9))
    stand.look()
    assert acts.brake(stand.desk.store, "web", 3, clock.now, clock.now) == 0
    stand.work()
    assert len(board.ledger.texts) == 20


def test_what_is_tried_again_later_may_be_tried_now(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.go(hours=1)
    stage.next(RateLimited("Later.", retry_after=timedelta(hours=1)))
    stand.run()
    stand.retry("a", "post")
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]
    assert len({key for _, key in stage.ledger.calls}) == 1


def test_what_is_tried_again_may_be_skipped(stand: Stand, stage: Stage, clock: Hands) -> None:
    clock.go(hours=1)
    stage.next(RateLimited("Later.", retry_after=timedelta(hours=1)))
    stand.run()
    acts.skip(stand.desk.store, stand.row("a", "post").id, stand.maija)
    clock.go(hours=2)
    stand.run()
    assert stage.ledger.texts == []


@pytest.mark.parametrize(
    ("scope", "name", "more"), [("client", "kela", "client: kela"), ("project", "vero", "project: vero")]
)
@pytest.mark.parametrize("first", ["paused", "other"])
def test_a_pause_stops_its_own_and_nobody_else(
    make: Make, stage: Stage, clock: Hands, scope: Any, name: str, more: str, first: str
) -> None:
    """Whichever piece comes first in the database."""
    stand = make(stage)
    for piece in ("a", "b"):
        paused = (piece == "a") == (first == "paused")
        stand.put(piece, "Seis" if paused else "Menee", more=more if paused else "")
    stand.put("later", at=START + timedelta(days=9), more=more if first == "paused" else "")
    stand.look()
    acts.pause(stand.desk.store, scope, name, "", stand.maija)
    stand.work()
    assert stage.ledger.texts == ["Menee: Teksti."]
    assert sorted(row.state for row in stand.deliveries() if row.due_at <= clock.now) == ["held", "published"]


@pytest.mark.parametrize(
    ("scope", "name", "more"), [("client", "kela", "client: kela"), ("project", "vero", "project: vero")]
)
def test_a_pause_that_is_pressed_while_the_message_is_made_still_comes_in_time(
    make: Make, stage: Stage, scope: Any, name: str, more: str
) -> None:
    stand = make(stage)
    stand.put("z", at=START + timedelta(days=9))
    stand.put("a", more=more)
    stand.look()
    render = stage.render

    def pressed(piece: Any, view: Any) -> Any:
        stage.render = render  # type: ignore[method-assign]  # once
        acts.pause(stand.desk.store, scope, name, "", stand.maija)
        return render(piece, view)

    stage.render = pressed  # type: ignore[method-assign]  # a scripted channel
    stand.work()
    assert stage.ledger.texts == []
    stand.work()
    assert stand.row("a", "post").reason == "paused"
