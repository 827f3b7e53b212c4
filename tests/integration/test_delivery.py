"""From a file to the remote: what each answer of the remote leads to, and in which order things go out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from channels.errors import RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from scheduler.delivery import acts
from tests.mocks.stage import Board, Slate, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]


def test_a_piece_goes_out_when_it_is_due_and_not_before(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a", at=START + timedelta(minutes=5))
    stand.run()
    assert (stage.ledger.texts, stand.state("a", "post")) == ([], "planned")
    clock.go(seconds=299)
    stand.work()
    assert stage.ledger.texts == []
    clock.go(seconds=1)
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]
    row = stand.row("a", "post")
    assert (row.state, row.published_at, row.remote_id) == ("published", clock.now, "post-1")
    assert row.permalink == "https://stage.example/post-1"
    assert [attempt.outcome for attempt in stand.attempts(row.id)] == ["published"]


def test_what_is_due_goes_in_the_order_of_its_time(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    for name, minutes in (("c", 3), ("a", 1), ("b", 2)):
        stand.put(name, at=START + timedelta(minutes=minutes))
    clock.go(minutes=10)
    stand.run()
    assert [text[0] for text in stage.ledger.texts] == ["a", "b", "c"]


def test_more_than_one_page_of_due_pieces_all_go_out_once(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board, backlog="1000")
    for number in range(430):
        stand.put(f"p{number:03}", at=START - timedelta(seconds=number // 7))
    stand.run()
    assert sorted(stage.ledger.texts) == sorted(board.ledger.texts)
    assert len(set(stage.ledger.texts)) == len(stage.ledger.texts) == 430
    assert board.ledger.count("build") == 3


# each class of error


def test_a_rejection_fails_it_with_the_remotes_words_and_the_hint(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stage.next(Rejected("The text is too long.", hint="Shorten it."))
    stand.put("a")
    stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.reason, row.error) == ("failed", "rejected", "The text is too long. Shorten it.")
    stand.work()
    assert stage.ledger.count("publish") == 1


def test_bad_credentials_hold_it_and_pause_the_channel(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board)
    stage.next(Unauthorized("The key is not accepted."))
    stand.put("a")
    stand.put("b")
    stand.run()
    assert [stand.state(name, "post") for name in "ab"] == ["held", "held"]
    assert stand.row("a", "post").reason == "unauthorized"
    assert stand.row("b", "post").reason == "paused"
    assert "The key is not accepted." in stand.row("b", "post").error
    assert stage.ledger.count("publish") == 1
    assert len(board.ledger.texts) == 2


def test_a_limit_is_waited_out_and_costs_no_attempt(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(RateLimited("Later.", retry_after=timedelta(minutes=3)), times=20)
    stand.put("a", more="late: 5h")
    stand.look()
    for _ in range(20):
        stand.work()
        assert stand.state("a", "post") == "retrying"
        clock.go(minutes=3)
    stand.work()
    row = stand.row("a", "post")
    assert (row.state, row.attempts) == ("published", 1)
    assert stage.ledger.count("publish") == 21


def test_a_limit_is_not_asked_again_before_its_time(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(RateLimited("Later.", retry_after=timedelta(minutes=3)))
    stand.put("a")
    stand.run()
    clock.go(seconds=179)
    stand.run()
    assert stage.ledger.count("publish") == 1
    clock.go(seconds=1)
    stand.work()
    assert stand.state("a", "post") == "published"


def test_a_save_while_it_waits_does_not_bring_the_retry_forward(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(RateLimited("Later.", retry_after=timedelta(minutes=3)))
    stand.put("a")
    stand.run()
    stand.put("a", at=START, more="late: 3h")
    stand.run()
    assert stage.ledger.count("publish") == 1
    clock.go(minutes=3)
    stand.work()
    assert stand.state("a", "post") == "published"


def test_what_is_unavailable_is_tried_again_and_at_last_fails(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(Unavailable("Connection refused."), times=50)
    stand.put("a", more="late: 30d")
    stand.look()
    for _ in range(20):
        stand.work()
        clock.go(hours=2)
    row = stand.row("a", "post")
    assert (row.state, row.reason, row.attempts) == ("failed", "unavailable", 12)
    assert stage.ledger.texts == []


def test_a_retry_by_hand_begins_its_tries_anew(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(Unavailable("Connection refused."), times=13)
    stand.put("a", more="late: 30d")
    stand.look()
    for _ in range(13):
        stand.work()
        clock.go(hours=2)
    assert stand.state("a", "post") == "failed"
    stand.retry("a", "post")
    stand.work()
    assert stand.state("a", "post") == "retrying"
    clock.go(hours=2)
    stand.work()
    assert stand.state("a", "post") == "published"


def test_an_error_that_says_nothing_leaves_the_attempt_open(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stage.next(Uncertain("No answer."))
    stand.put("a")
    stand.run()
    row = stand.row("a", "post")
    assert row.state == "publishing"
    assert [attempt.outcome for attempt in stand.attempts(row.id)] == [None]


def test_a_bug_is_not_shown_whole_and_is_taken_for_unknown(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stage.next(ValueError("secret-token-123"))
    stand.put("a")
    stand.run()
    row = stand.row("a", "post")
    assert row.state == "publishing"
    assert "secret-token-123" not in row.error
    assert all("secret-token-123" not in act.detail for act in stand.audit())


@pytest.mark.parametrize(
    "error",
    [Rejected("no"), RateLimited("no"), Unavailable("no"), Uncertain("no"), KeyError("bug")],
    ids=lambda error: type(error).__name__,
)
def test_a_bad_item_never_blocks_those_behind_it(make: Make, stage: Stage, error: Exception) -> None:
    stand = make(stage)
    stage.next(error)
    stand.put("a", at=START - timedelta(minutes=1))
    stand.put("b")
    stand.run()
    assert stage.ledger.texts == ["b: Teksti."]


@pytest.mark.parametrize("why", ["Too many words.", "bug"])
def test_what_the_adapter_objects_to_is_held_alone_and_goes_when_mended(make: Make, stage: Stage, why: str) -> None:
    stand = make(stage)
    stage.objections["a"] = why
    stand.put("a", at=START - timedelta(minutes=1))
    stand.put("b")
    stand.run()
    row = stand.row("a", "post")
    assert row.state == "held"
    assert "julki retry" in row.error
    assert stage.ledger.texts == ["b: Teksti."]
    stage.objections.clear()
    stand.put("a", body="Mended.", at=START - timedelta(minutes=1))
    stand.run()
    assert stage.ledger.texts == ["b: Teksti.", "a: Mended."]


# order between channels and pieces


def test_a_post_that_links_to_its_page_waits_for_the_page(make: Make, board: Board, clock: Hands) -> None:
    post = Stage("post", clock, links_page=True)
    stand = make(post, board, pages=["web"])
    stand.put("a")
    board.next(Unavailable("The disk is full."))
    stand.look()
    stand.work("post")
    assert (post.ledger.texts, stand.state("a", "post")) == ([], "planned")
    stand.work()
    assert stand.state("a", "web") == "retrying"
    assert post.ledger.texts == []
    clock.go(minutes=1)
    stand.work()
    assert (board.ledger.texts, post.ledger.texts) == (["a: Teksti."], ["a: Teksti."])


def test_a_post_whose_page_failed_is_held_with_it(make: Make, board: Board, clock: Hands) -> None:
    post = Stage("post", clock, links_page=True)
    stand = make(board, post, pages=["web"])
    board.refuse["a"] = Rejected("No.")
    stand.put("a")
    stand.put("b")
    stand.run()
    assert (stand.state("a", "post"), stand.row("a", "post").reason) == ("held", "page")
    assert post.ledger.texts == ["b: Teksti."]
    board.refuse.clear()
    stand.retry("a", "web")
    stand.work()
    stand.retry("a", "post")
    stand.work()
    assert post.ledger.texts == ["b: Teksti.", "a: Teksti."]


def test_lateness_counts_from_when_the_page_was_out(make: Make, board: Board, clock: Hands) -> None:
    post = Stage("post", clock, links_page=True)
    stand = make(post, board, pages=["web"])
    board.next(Unavailable("Down."), times=5)
    stand.put("a", more="late: 1d")
    stand.look()
    for _ in range(6):
        stand.work()
        clock.go(minutes=30)
    assert post.ledger.texts == ["a: Teksti."]


def test_a_piece_follows_another(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("b", more="after: a")
    stand.put("a", at=START + timedelta(hours=5))
    stand.run()
    assert (stage.ledger.texts, stand.state("b", "post")) == ([], "planned")
    clock.go(hours=5)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti.", "b: Teksti."]


def test_what_follows_a_skipped_piece_is_held_and_a_person_may_send_it(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("b", more="after: a")
    stand.put("a", at=START + timedelta(hours=5))
    stand.look()
    acts.skip(stand.desk.store, stand.row("a", "post").id, stand.maija)
    stand.work()
    assert (stand.state("b", "post"), stand.row("b", "post").reason) == ("held", "after")
    stand.retry("b", "post")
    stand.work()
    assert stage.ledger.texts == ["b: Teksti."]


def test_it_follows_on_the_same_channel_else_anywhere(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board)
    stand.put("a", more="channels: [web]", at=START - timedelta(minutes=9))
    stand.put("b", more="after: a")
    stand.run()
    assert sorted(stage.ledger.texts) == ["b: Teksti."]
    assert sorted(board.ledger.texts) == ["a: Teksti.", "b: Teksti."]


# threads

THREAD = "yksi\n\n***\n\nkaksi\n\n***\n\nkolme"


def parents(stage: Stage) -> list[tuple[str, str]]:
    return [(entry.text, entry.parent) for entry in stage.ledger.entries]


def test_a_thread_goes_out_in_order_each_in_reply_to_the_one_before(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a", body=THREAD)
    stand.run()
    assert parents(stage) == [("a: yksi", ""), ("a: kaksi", "post-1"), ("a: kolme", "post-2")]


def test_a_thread_resumes_where_it_stopped(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a", body=THREAD)
    stand.look()
    seen: list[str] = []

    def fail_second(_: str) -> None:
        seen.append("call")
        if len(seen) == 2:
            stage.faults.clear()
            stage.next(Unavailable("Down."))

    stage.during = fail_second
    stand.work()
    assert [stand.state("a", "post", part) for part in "123"] == ["published", "retrying", "planned"]
    clock.go(minutes=1)
    stand.work()
    assert parents(stage) == [("a: yksi", ""), ("a: kaksi", "post-1"), ("a: kolme", "post-2")]


def test_a_refused_reply_does_not_undo_the_root_and_what_follows_waits(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a", body=THREAD)
    stand.look()
    count: list[int] = []

    def refuse_second(_: str) -> None:
        count.append(1)
        if len(count) == 2:
            stage.next(Rejected("No."))

    stage.during = refuse_second
    stand.work()
    assert [stand.state("a", "post", part) for part in "123"] == ["published", "failed", "planned"]
    acts.skip(stand.desk.store, stand.row("a", "post", "2").id, stand.maija)
    stand.work()
    assert parents(stage) == [("a: yksi", ""), ("a: kolme", "post-1")]


def begun(stand: Stand, stage: Stage) -> None:
    """A thread whose first post is out and whose second is being tried again."""
    stand.put("a", body=THREAD)
    stand.look()
    first: list[int] = []

    def script(_: str) -> None:
        first.append(1)
        if len(first) == 2:
            stage.next(Unavailable("Down."))

    stage.during = script
    stand.work()
    assert [stand.state("a", "post", part) for part in "123"] == ["published", "retrying", "planned"]


@pytest.mark.parametrize("how", ["draft", "deleted", "channel taken out"])
def test_the_rest_of_a_thread_stays_in_when_its_file_takes_it_back(
    make: Make, stage: Stage, clock: Hands, how: str
) -> None:
    stand = make(stage)
    begun(stand, stage)
    if how == "deleted":
        stand.path("news/a.md").unlink()
    else:
        stand.put("a", body=THREAD, more="status: draft" if how == "draft" else "channels: []")
    clock.go(minutes=5)
    stand.run()
    assert stage.ledger.texts == ["a: yksi"]
    assert [stand.state("a", "post", part) for part in "123"] == ["published", "cancelled", "cancelled"]


def test_a_post_inserted_into_a_thread_that_has_begun_renumbers_nothing(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    begun(stand, stage)
    stand.put("a", body=THREAD + "\n\n***\n\nneljä")
    clock.go(minutes=5)
    stand.run()
    assert stage.ledger.texts == ["a: yksi", "a: kaksi", "a: kolme"]
    assert len(stand.states()) == 3


def test_posts_taken_out_before_the_thread_began_do_not_come_back(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    later = START + timedelta(hours=1)
    stand.put("a", body=THREAD, at=later)
    stand.run()
    stand.put("a", body="yksi\n\n***\n\nkaksi", at=later)
    stand.run()
    clock.go(hours=1)
    stand.run()
    stand.put("a", body="yksi!\n\n***\n\nkaksi", at=later)
    stand.run()
    assert [stand.state("a", "post", part) for part in "123"] == ["published", "published", "cancelled"]


# batches


def test_a_batch_settles_each_item_by_itself(make: Make, board: Board, clock: Hands) -> None:
    stand = make(board)
    board.refuse = {
        "b": Rejected("No."),
        "c": Unavailable("Later."),
        "d": RateLimited("Later.", retry_after=timedelta(seconds=5)),
    }
    for name in "abcde":
        stand.put(name)
    stand.run()
    states = {name: stand.state(name, "web") for name in "abcde"}
    assert states == {"a": "published", "b": "failed", "c": "retrying", "d": "retrying", "e": "published"}
    assert board.ledger.count("build") == 1
    board.refuse.clear()
    clock.go(minutes=1)
    stand.work()
    assert sorted(board.ledger.texts) == ["a: Teksti.", "c: Teksti.", "d: Teksti.", "e: Teksti."]


def test_an_item_that_a_batch_says_nothing_about_is_not_taken_for_published(
    make: Make, board: Board, clock: Hands
) -> None:
    stand = make(board)
    board.silent = {"a"}
    stand.put("a")
    stand.put("b")
    stand.run()
    assert stand.state("b", "web") == "published"
    assert stand.state("a", "web") in ("publishing", "retrying")
    board.silent.clear()
    for _ in range(3):
        clock.go(minutes=1)
        stand.work()
    assert sorted(board.ledger.texts) == ["a: Teksti.", "b: Teksti."]


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("error", [Uncertain("No answer."), ValueError("bug")], ids=["uncertain", "bug"])
def test_an_unknown_outcome_of_a_batch_repeats_it_all_with_one_effect(
    make: Make, board: Board, clock: Hands, error: Exception, accepted: bool
) -> None:
    stand = make(board)
    board.next(error, accepted=accepted)
    for name in "abc":
        stand.put(name)
    stand.run()
    for _ in range(3):
        clock.go(minutes=1)
        stand.work()
    assert sorted(board.ledger.texts) == ["a: Teksti.", "b: Teksti.", "c: Teksti."]
    assert len(board.ledger.entries) == 3
    assert board.ledger.count("build") == 2
    assert set(stand.states().values()) == {"published"}


# what is sent again


def test_a_retry_sends_the_same_under_the_same_key(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stage.next(Unavailable("Down."), times=3)
    stand.put("a")
    stand.look()
    for _ in range(5):
        stand.work()
        clock.go(minutes=5)
    keys = {key for what, key in stage.ledger.calls if what == "publish"}
    assert len(keys) == 1
    assert stage.ledger.count("publish") == 4


@pytest.mark.parametrize("error", [Unavailable("Down."), RateLimited("Later.")], ids=["unavailable", "limited"])
def test_an_edit_is_sent_where_it_is_certain_that_nothing_went_out(
    make: Make, stage: Stage, clock: Hands, error: Exception
) -> None:
    stand = make(stage)
    stage.next(error)
    stand.put("a", body="Old.", at=START)
    stand.run()
    stand.put("a", body="New.", at=START)
    clock.go(minutes=5)
    stand.run()
    assert stage.ledger.texts == ["a: New."]


@pytest.mark.parametrize("accepted", [True, False])
def test_after_an_unknown_outcome_the_stored_message_is_sent_and_the_edit_follows(
    make: Make, board: Board, clock: Hands, accepted: bool
) -> None:
    stand = make(board)
    board.next(Uncertain("No answer."), accepted=accepted)
    stand.put("a", body="Old.", at=START)
    stand.run()
    stand.put("a", body="New.", at=START)
    for _ in range(4):
        clock.go(minutes=1)
        stand.run()
    publishes = {key for what, key in board.ledger.calls if what == "publish"}
    assert len(publishes) == 1
    assert board.ledger.texts == ["a: New."]
    assert len(board.ledger.entries) == 1


@pytest.mark.parametrize("accepted", [True, False])
def test_what_may_be_out_is_sent_again_as_it_was_not_as_it_was_edited(make: Make, clock: Hands, accepted: bool) -> None:
    """One key is one message, whichever of the two calls the remote took."""
    mail = Stage("mail", clock, idempotent=True)
    stand = make(mail)
    mail.next(Uncertain("No answer."), accepted=accepted)
    stand.put("a", body="Old.", at=START)
    stand.run()
    stand.put("a", body="New.", at=START)
    for _ in range(3):
        clock.go(minutes=1)
        stand.run()
    assert mail.ledger.texts == ["a: Old."]
    row = stand.row("a", "mail")
    assert (row.state, bool(row.changed)) == ("published", True)


def test_an_unknown_outcome_is_not_forgotten_over_a_later_refusal(make: Make, clock: Hands) -> None:
    """Accepted without our knowing, then refused a connection: an edit must not go out under a new key."""
    mail = Stage("mail", clock, idempotent=True)
    stand = make(mail)
    mail.next(Uncertain("No answer."), accepted=True)
    mail.next(Unavailable("Down."))
    stand.put("a", body="Old.", at=START)
    stand.run()
    clock.go(minutes=1)
    stand.work()
    stand.put("a", body="New.", at=START)
    for _ in range(4):
        clock.go(minutes=2)
        stand.run()
    assert len(mail.ledger.entries) == 1
    assert stand.state("a", "mail") == "published"


def test_a_moved_date_is_obeyed_while_others_are_going_out(make: Make, stage: Stage) -> None:
    """A slow channel: the first post is under way when the second is given another date."""
    stand = make(stage)
    stand.put("a", at=START - timedelta(minutes=1))
    stand.put("b", at=START)
    stand.look()

    def move(_: str) -> None:
        stage.during = lambda _what: None
        stand.put("b", at=START + timedelta(hours=1))
        stand.look()

    stage.during = move
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]
    assert stand.state("b", "post") == "planned"


def test_a_file_that_says_draft_does_not_go_out_before_the_pass_is_over(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a", at=START + timedelta(hours=1))
    stand.look()
    stand.clock.go(hours=1)
    stand.put("a", more="status: draft")
    stand.look(progress=lambda *_: stand.work() and None)
    assert stage.ledger.texts == []
    assert stand.state("a", "post") == "cancelled"


# rendered a moment ahead


def test_an_edit_in_the_last_seconds_is_what_goes_out(make: Make, stage: Stage, board: Board, clock: Hands) -> None:
    stand = make(board, stage)
    due = START + timedelta(seconds=5)
    stand.put("a", body="Old.", at=due)
    stand.run()
    clock.go(seconds=3)
    stand.run()
    stand.put("a", body="New.", at=due)
    stand.run()
    clock.go(seconds=2)
    stand.work()
    assert (board.ledger.texts, stage.ledger.texts) == (["a: New."], ["a: New."])


@pytest.mark.parametrize("target", ["news/b", "blog/a"])
def test_a_piece_moved_in_the_last_seconds_goes_out_under_its_new_address(
    make: Make, board: Board, clock: Hands, target: str
) -> None:
    stand = make(board)
    stand.put("a", at=START + timedelta(seconds=5))
    stand.run()
    clock.go(seconds=3)
    stand.run()
    stand.path("news/a.md").rename(stand.path(f"{target}.md"))
    stand.look()
    clock.go(seconds=2)
    stand.work()
    message = board.ledger.entries[0].message
    assert (message.piece, message.card["kind"]) == (f"fi/{target[5:]}", target[:4])


@pytest.mark.parametrize("act", ["hold", "skip", "pause", "draft", "delete", "later"])
def test_a_change_of_mind_in_the_last_seconds_is_obeyed(make: Make, stage: Stage, clock: Hands, act: str) -> None:
    stand = make(stage)
    path = stand.put("a", at=START + timedelta(seconds=5))
    stand.run()
    clock.go(seconds=3)
    stand.run()
    number = stand.row("a", "post").id
    if act == "hold":
        acts.hold(stand.desk.store, number, stand.maija)
    elif act == "skip":
        acts.skip(stand.desk.store, number, stand.maija)
    elif act == "pause":
        acts.pause(stand.desk.store, "all", "", "", stand.maija)
    elif act == "draft":
        stand.put("a", more="status: draft")
    elif act == "delete":
        path.unlink()
    else:
        stand.put("a", at=START + timedelta(hours=1))
    stand.look()
    clock.go(seconds=60)
    stand.run()
    assert stage.ledger.texts == []


# what is out


def test_an_edit_revises_once_where_that_can_be_and_is_marked_elsewhere(
    make: Make, board: Board, slate: Slate, stage: Stage
) -> None:
    stand = make(board, slate, stage)
    stand.put("a", body="Old.")
    stand.run()
    stand.put("a", body="New.")
    stand.run()
    stand.run()
    assert board.ledger.texts == slate.ledger.texts == ["a: New."]
    assert (board.ledger.count("revise"), slate.ledger.count("revise")) == (1, 1)
    assert stage.ledger.texts == ["a: Old."]
    assert [bool(stand.row("a", name).changed) for name in ("web", "slate", "post")] == [False, False, True]
    assert {row.state for row in stand.deliveries()} == {"published"}


def test_an_edit_that_changes_nothing_here_revises_nothing(make: Make, board: Board, slate: Slate) -> None:
    stand = make(board, slate)
    stand.put("a", body="Same.")
    stand.run()
    stand.put("a", body="Same.", more="tags: [new]")
    stand.run()
    assert (board.ledger.count("revise"), slate.ledger.count("revise")) == (0, 0)
    assert not any(row.changed for row in stand.deliveries())


def test_an_edit_made_while_the_last_one_is_being_revised_is_not_lost(make: Make, board: Board, slate: Slate) -> None:
    for channel in (board, slate):
        stand = make(channel)
        stand.put("a", body="One.")
        stand.run()
        stand.put("a", body="Two.")
        stand.look()

        def edit(what: str, stand: Stand = stand, channel: Stage = channel) -> None:
            channel.during = lambda _what: None
            stand.put("a", body="Three.")
            stand.look()

        channel.during = edit
        stand.work()
        assert channel.ledger.texts == ["a: Three."]
        stand.close()


def test_an_edit_made_while_it_is_being_published_is_not_lost(make: Make, board: Board) -> None:
    stand = make(board)
    stand.put("a", body="One.")
    stand.look()

    def edit(_: str) -> None:
        board.during = lambda _what: None
        stand.put("a", body="Two.")
        stand.look()

    board.during = edit
    stand.work()
    assert board.ledger.texts == ["a: Two."]


@pytest.mark.parametrize(
    "error", [Uncertain("No answer."), Unavailable("Down."), RateLimited("Later."), ValueError("bug")]
)
def test_a_revision_that_did_not_work_is_tried_again(make: Make, slate: Slate, clock: Hands, error: Exception) -> None:
    stand = make(slate)
    stand.put("a", body="Old.")
    stand.run()
    slate.next(error)
    stand.put("a", body="New.")
    stand.run()
    assert stand.state("a", "slate") == "published"
    clock.go(minutes=5)
    stand.work()
    assert slate.ledger.texts == ["a: New."]
    assert stand.row("a", "slate").error == ""


def test_a_refused_revision_leaves_what_is_out_and_says_so(make: Make, slate: Slate, clock: Hands) -> None:
    stand = make(slate)
    stand.put("a", body="Old.")
    stand.run()
    slate.next(Rejected("Too old to change."))
    stand.put("a", body="New.")
    stand.run()
    clock.go(hours=1)
    stand.work()
    row = stand.row("a", "slate")
    assert (row.state, row.error) == ("published", "Too old to change.")
    assert slate.ledger.count("revise") == 1


def test_a_broken_file_keeps_what_is_out_as_it_was(make: Make, board: Board) -> None:
    stand = make(board)
    stand.put("a", body="Good.")
    stand.run()
    stand.path("news/a.md").write_text("---\ntitle: a\npublish_at: never\n---\n\nBad.\n")
    stand.run()
    assert board.ledger.texts == ["a: Good."]
    stand.put("a", body="Better.")
    stand.run()
    assert board.ledger.texts == ["a: Better."]


def test_what_expires_is_withdrawn_where_that_can_be(
    make: Make, board: Board, slate: Slate, stage: Stage, clock: Hands
) -> None:
    stand = make(board, slate, stage)
    stand.put("a", more="expires_at: 2026-11-30T08:00:00Z")
    stand.put("b")
    stand.run()
    clock.go(minutes=59)
    stand.run()
    assert len(board.ledger.texts) == 2
    clock.go(minutes=1)
    stand.run()
    assert board.ledger.texts == slate.ledger.texts == ["b: Teksti."]
    assert [stand.state("a", name) for name in ("web", "slate", "post")] == ["withdrawn", "withdrawn", "published"]
    stand.run()
    assert slate.ledger.count("withdraw") == 1


def test_what_a_vanished_file_had_out_stays_out(make: Make, board: Board, stage: Stage) -> None:
    stand = make(board, stage)
    stand.put("a")
    stand.put("b", more=f"channels: {{post: {{at: '{(START + timedelta(hours=1)).isoformat()}'}}}}")
    stand.run()
    for name in "ab":
        stand.path(f"news/{name}.md").unlink()
    stand.run()
    assert sorted(board.ledger.texts) == ["a: Teksti.", "b: Teksti."]
    assert stand.state("a", "post") == "published"
    assert stand.state("b", "post") == "cancelled"


def test_unchanged_saves_in_front_do_not_hide_a_real_edit(make: Make, board: Board) -> None:
    """One run of the lanes comes to the end of what was touched, however much of it needs nothing."""
    stand = make(board, backlog="1000")
    names = [f"p{number:03}" for number in range(230)]
    for name in names:
        stand.put(name)
    stand.run()
    for name in names[:-1]:
        stand.put(name, more="tags: [x]")
    stand.put(names[-1], body="Edited.")
    stand.run()
    assert f"{names[-1]}: Edited." in board.ledger.texts


# two at once


def test_two_desks_on_one_database_never_send_twice(make: Make, clock: Hands) -> None:
    """The lock allows no second one; the rows hold all the same. Each may take what the other has open for left behind."""
    post, web = Stage("post", clock), Board("web", clock)
    stand = make(post, web)
    for number in range(30):
        stand.put(f"p{number:02}")
    stand.look()
    desks = [stand.desk, stand.another()]
    barrier = threading.Barrier(4)
    faults: list[BaseException] = []

    def run(lane: object) -> None:
        barrier.wait()
        try:
            for _ in range(3):
                lane.work()  # type: ignore[attr-defined]  # a Lane
        except BaseException as error:  # noqa: BLE001  shown below
            faults.append(error)

    threads = [threading.Thread(target=run, args=(lane,)) for desk in desks for lane in desk.lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desks[1].store.close()
    assert not faults
    assert len(post.ledger.texts) == len(set(post.ledger.texts)) == 30
    assert len(web.ledger.entries) == 30
    for row in stand.deliveries():
        assert sum(attempt.outcome == "published" for attempt in stand.attempts(row.id)) == 1


def test_a_new_date_that_comes_while_others_go_out_is_not_held_for_the_old_one(
    make: Make, stage: Stage, clock: Hands
) -> None:
    stand = make(stage)
    stand.put("a")
    stand.put("b", at=START + timedelta(seconds=1))
    stand.look()
    clock.go(minutes=119)

    def slowly(_what: str) -> None:
        stage.during = lambda _what: None
        clock.go(minutes=3)
        stand.put("b", at=clock.now + timedelta(days=1))
        stand.look()

    stage.during = slowly
    stand.work()
    assert stand.state("b", "post") == "planned"
    clock.go(days=1, minutes=1)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti.", "b: Teksti."]


@pytest.mark.parametrize("more", ["status: draft", ""], ids=["draft", "idea"])
def test_what_is_to_follow_a_piece_that_goes_nowhere_is_held_and_says_so(make: Make, stage: Stage, more: str) -> None:
    stand = make(stage)
    other = stand.put("other", more=more)
    if not more:
        other.write_text("---\ntitle: Idea\n---\n\nTeksti.\n")
    stand.put("b", more="after: other")
    stand.run()
    row = stand.row("b", "post")
    assert (row.state, row.reason) == ("held", "after")
    assert "fi/other" in row.error
