"""From the files to the plan: what a pass reads, writes, keeps and brings back."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from channels.piece import Piece
from scheduler.desk import once, refresh
from tests.mocks.stage import Board, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]
HOUR = timedelta(hours=1)


@contextmanager
def writes(stand: Stand) -> Iterator[list[str]]:
    """The statements that changed something meanwhile."""
    found: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "BEGIN", "PRAGMA")):
            found.append(statement)

    event.listen(stand.desk.store.engine, "before_cursor_execute", note)
    yield found
    event.remove(stand.desk.store.engine, "before_cursor_execute", note)


def rules(stand: Stand) -> list[str]:
    return sorted(one.rule for one in refresh.findings(stand.desk.store) if one.severity == "error")


def broken(stand: Stand, name: str = "a", due: str = "2026-11-30T07:00:00Z") -> None:
    fresh = stand.path(f"news/.{name}")
    fresh.write_text(f"---\ntitle: a\npublish_at: {due}\nclient: nobody\n---\n\nTeksti.\n")
    fresh.replace(stand.path(f"news/{name}.md"))


# writing no more than needed


def test_a_second_pass_over_unchanged_files_reads_and_writes_nothing(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board, since="2026-11-29")
    for number in range(12):
        stand.put(f"p{number}", at=START + timedelta(hours=number - 6))
    stand.put("draft", more="status: draft")
    stand.put("old", at=START - timedelta(days=90))
    stand.put("over", more="expires_at: 2026-11-01")
    stand.put("thread", body="yksi\n\n***\n\nkaksi")
    stand.put("later", more="after: p11")
    stand.put("twin", more="slug: p3")
    stand.put("lost", more="after: nowhere")
    broken(stand, "bad")
    stand.run()
    for _ in range(2):
        with writes(stand) as found:
            outcome = stand.look()
            moved = stand.work()
        assert (outcome.read, outcome.vanished, outcome.again, outcome.changes, moved) == (0, 0, False, {}, 0)
        assert found == []


def test_after_a_start_nothing_is_read_again(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a")
    stand.run()
    stand.restart()
    with writes(stand) as found:
        outcome = stand.look()
    assert (outcome.read, found) == (0, [])


def test_only_what_changed_is_read(make: Make, stage: Stage) -> None:
    stand = make(stage)
    for name in "abc":
        stand.put(name, at=START + HOUR)
    stand.look()
    stand.put("b", body="Muu.", at=START + HOUR)
    assert stand.look().read == 1


def test_progress_is_told(make: Make, stage: Stage) -> None:
    stand = make(stage)
    for number in range(130):
        stand.put(f"p{number}", at=START + HOUR)
    told: list[tuple[int, int]] = []
    stand.look(lambda done, all_: told.append((done, all_)))
    assert told == [(100, 130), (130, 130)]


# dates


def test_a_moved_date_is_obeyed(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a", at=START + HOUR)
    stand.put("b", at=START + 9 * HOUR)
    stand.run()
    stand.put("a", at=START + 5 * HOUR)
    stand.put("b", at=START + 2 * HOUR)
    stand.run()
    clock.go(hours=2)
    stand.run()
    assert stage.ledger.texts == ["b: Teksti."]
    clock.go(hours=3)
    stand.run()
    assert stage.ledger.texts == ["b: Teksti.", "a: Teksti."]


def test_a_date_moved_after_it_is_out_changes_nothing(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a")
    stand.run()
    stand.put("a", at=START + HOUR)
    clock.go(hours=2)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]


def test_a_new_date_brings_back_what_was_too_late(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a", at=START - 9 * HOUR)
    stand.run()
    assert stand.row("a", "post").reason == "late"
    stand.put("a", at=START + HOUR)
    stand.run()
    assert (stand.state("a", "post"), stand.row("a", "post").error) == ("planned", "")
    clock.go(hours=1)
    stand.work()
    assert stage.ledger.texts == ["a: Teksti."]


def test_another_time_zone_moves_what_has_not_gone_out(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    path = stand.put("a", at=START + timedelta(days=1))
    path.write_text("---\ntitle: a\npublish_at: 2026-12-01 12:00\n---\n\nTeksti.\n")
    stand.put("b")
    stand.run()
    assert stand.row("a", "post").due_at == START + timedelta(days=1, hours=3)
    stand.configure(zone="Europe/Stockholm")
    stand.restart()
    assert stand.look().read == 2
    assert stand.row("a", "post").due_at == START + timedelta(days=1, hours=4)
    stand.work()
    assert stage.ledger.texts == ["b: Teksti."]
    with writes(stand) as found:
        stand.look()
    assert found == []


def test_a_channel_that_is_added_later_gets_what_is_still_to_come(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a")
    stand.put("b", at=START + HOUR)
    stand.run()
    late = Stage("late", clock)
    stand.channels["late"] = late
    stand.configure(since="2026-11-30T00:00:00Z"[:10])
    stand.restart()
    clock.go(hours=3)
    stand.run()
    assert stand.state("a", "late") == "held"
    assert stand.state("a", "post") == "published"


@pytest.mark.parametrize("since", ["2026-12-24", "2026-11-30"])
def test_what_is_due_before_since_goes_to_the_archive_only(make: Make, stage: Stage, board: Board, since: str) -> None:
    stand = make(stage, board, since=since)
    stand.put("a", at=START - timedelta(days=2))
    stand.run()
    assert (stage.ledger.texts, board.ledger.texts) == ([], ["a: Teksti."])
    assert set(stand.states()) == {("fi/a", "web", "main")}


def test_what_a_piece_says_for_one_channel(make: Make, stage: Stage, board: Board, clock: Hands) -> None:
    other = Stage("other", clock)
    stand = make(stage, board, other)
    stand.put("a", more="channels:\n  post: {text: Omin sanoin, at: +2h}\n  other: {skip: true}")
    stand.put("b", more="channels: [other]")
    stand.run()
    assert (board.ledger.texts, stage.ledger.texts, other.ledger.texts) == (["a: Teksti."], [], ["b: Teksti."])
    clock.go(hours=2)
    stand.run()
    assert stage.ledger.texts == ["Omin sanoin"]


def test_a_channel_takes_only_its_languages(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board, channel_post='languages = ["sv"]')
    stand.put("a")
    stand.put("b", more="lang: sv")
    stand.run()
    assert stage.ledger.texts == ["b: Teksti."]
    assert len(board.ledger.texts) == 2


# drafts and files that go


def test_a_draft_takes_back_what_has_not_gone_out_and_ready_brings_it_again(
    make: Make, stage: Stage, clock: Hands
) -> None:
    stand = make(stage)
    stand.put("a", at=START + HOUR)
    stand.run()
    stand.put("a", at=START + HOUR, more="status: draft")
    stand.run()
    assert stand.state("a", "post") == "cancelled"
    stand.put("a", at=START + HOUR)
    stand.run()
    assert stand.state("a", "post") == "planned"
    clock.go(hours=1)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]


def test_a_draft_leaves_alone_what_is_out(make: Make, board: Board, stage: Stage) -> None:
    stand = make(board, stage)
    stand.put("a", body="Ulkona.")
    stand.run()
    stand.put("a", body="Keskeneräinen.", more="status: draft")
    stand.run()
    assert set(stand.states().values()) == {"published"}
    assert board.ledger.texts == ["a: Ulkona."]
    stand.put("a", body="Valmis.")
    stand.run()
    assert board.ledger.texts == ["a: Valmis."]
    assert len(stage.ledger.entries) == 1


def test_a_vanished_file_cancels_and_its_return_plans_again(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    path = stand.put("a", at=START + HOUR)
    stand.run()
    text = path.read_text()
    path.unlink()
    stand.run()
    assert stand.state("a", "post") == "cancelled"
    assert stand.pieces()["fi/a"].gone_at == clock.now
    path.write_text(text)
    stand.run()
    assert stand.state("a", "post") == "planned"
    assert stand.pieces()["fi/a"].gone_at is None
    clock.go(hours=1)
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]


def test_what_returns_too_late_is_held_not_fired(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    path = stand.put("a", at=START + HOUR)
    stand.run()
    text = path.read_text()
    path.unlink()
    stand.run()
    clock.go(hours=9)
    path.write_text(text)
    stand.run()
    assert (stand.state("a", "post"), stand.row("a", "post").reason) == ("held", "late")
    assert stage.ledger.texts == []


def test_a_file_that_goes_between_the_look_and_the_claim_does_not_go_out(
    make: Make, stage: Stage, clock: Hands
) -> None:
    stand = make(stage)
    path = stand.put("a", at=START + HOUR)
    stand.run()
    clock.go(hours=1)
    path.unlink()
    stand.work()
    assert stage.ledger.texts == []
    stand.run()
    assert stand.state("a", "post") == "cancelled"


def test_a_file_that_changed_since_the_look_waits_for_the_next_one(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a", body="Vanha.", at=START + HOUR)
    stand.run()
    clock.go(hours=1)
    stand.put("a", body="Uusi.", at=START + HOUR)
    stand.work()
    assert stage.ledger.texts == []
    stand.run()
    assert stage.ledger.texts == ["a: Uusi."]


# broken files


def test_a_broken_file_is_held_when_due_and_comes_back_when_mended(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a", at=START + HOUR)
    stand.run()
    broken(stand)
    stand.run()
    assert (stand.state("a", "post"), rules(stand)) == ("planned", ["unknown-client"])
    clock.go(hours=1)
    stand.run()
    row = stand.row("a", "post")
    assert (row.state, row.reason) == ("held", "broken")
    assert "content/news/a.md:4" in row.error
    assert "nobody" in row.error
    clock.go(hours=1)
    stand.put("a", body="Mended.", at=START + HOUR)
    stand.run()
    assert stage.ledger.texts == ["a: Mended."]
    assert rules(stand) == []


def test_a_file_mended_too_late_is_held_as_late(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a", at=START + HOUR)
    stand.run()
    broken(stand)
    clock.go(hours=1)
    stand.run()
    clock.go(hours=5)
    stand.put("a", at=START + HOUR)
    stand.run()
    assert (stand.state("a", "post"), stand.row("a", "post").reason) == ("held", "late")
    assert stage.ledger.texts == []


def test_broken_files_do_not_keep_the_good_ones_in(make: Make, stage: Stage) -> None:
    stand = make(stage, backlog="1000")
    for number in range(20):
        stand.put(f"p{number}")
    for number in range(3):
        broken(stand, f"bad{number}")
    stand.path("news/half.md").write_text("---\ntitle: half")
    stand.path("news/bytes.md").write_bytes(b"---\ntitle: \xff\xfe\n---\n")
    stand.run()
    assert len(stage.ledger.entries) == 20
    assert len({one.file for one in refresh.findings(stand.desk.store) if one.severity == "error"}) == 5
    assert once.troubles(stand.desk)[1] == 0


def test_a_broken_file_that_vanishes_is_forgotten(make: Make, stage: Stage) -> None:
    stand = make(stage)
    broken(stand)
    stand.run()
    stand.path("news/a.md").unlink()
    stand.run()
    assert rules(stand) == []


# pieces beside each other


def test_of_two_with_one_name_the_earlier_keeps_it(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a", "Ensin", at=START - HOUR)
    stand.put("b", "Sitten", at=START - HOUR / 2, more="slug: a")
    stand.run()
    assert stage.ledger.texts == ["Ensin: Teksti."]
    assert rules(stand) == ["duplicate-slug"]
    finding = next(one for one in refresh.findings(stand.desk.store) if one.severity == "error")
    assert "content/news/a.md" in finding.message
    assert "content/news/b.md" in finding.message
    stand.put("b", "Sitten", "Muu teksti.", at=START - HOUR / 2, more="slug: b")
    stand.run()
    assert sorted(stage.ledger.texts) == ["Ensin: Teksti.", "Sitten: Muu teksti."]
    assert rules(stand) == []


def test_a_circle_is_told_and_neither_goes_until_it_is_opened(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a", more="after: b")
    stand.put("b", more="after: a")
    stand.run()
    assert stage.ledger.texts == []
    assert rules(stand) == ["after-circle", "after-circle"]
    stand.put("a")
    stand.run()
    assert stage.ledger.texts == ["a: Teksti.", "b: Teksti."]
    assert rules(stand) == []


def test_a_circle_made_of_planned_pieces_holds_them_with_the_reason(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    for name in "ab":
        stand.put(name, at=START + HOUR)
    stand.run()
    stand.put("a", at=START + HOUR, more="after: b")
    stand.put("b", at=START + HOUR, more="after: a")
    clock.go(hours=1)
    stand.run()
    assert {(row.state, row.reason) for row in stand.deliveries()} == {("held", "broken")}
    assert "→" in stand.row("a", "post").error
    stand.put("a", at=START + HOUR)
    stand.run()
    assert sorted(stage.ledger.texts) == ["a: Teksti.", "b: Teksti."]


def test_after_nowhere_waits_for_the_piece_to_come(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("b", more="after: a")
    stand.run()
    assert (stage.ledger.texts, rules(stand)) == ([], ["after-nowhere"])
    stand.put("a")
    stand.run()
    assert stage.ledger.texts == ["a: Teksti.", "b: Teksti."]


def test_translations_know_each_other(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a", at=START + HOUR)
    stand.put("b", at=START + HOUR, more="lang: sv\ntranslation_of: a")
    stand.put("c", at=START + HOUR, more="lang: en\ntranslation_of: sv/b")
    stand.look()
    related = stand.desk.library.related
    assert related["fi/a"] == {"sv": "sv/b", "en": "en/c"}
    assert related["en/c"] == {"fi": "fi/a", "sv": "sv/b"}


# while files are being written


def test_a_file_that_is_being_written_waits(make: Make, stage: Stage) -> None:
    stand = make(stage)
    path = stand.path("news/a.md")
    path.write_text("---\ntitle: Puoli")
    outcome = stand.desk.refresh.run(stand.clock())
    assert (outcome.again, outcome.read, stand.states(), rules(stand)) == (True, 0, {}, [])
    path.write_text("---\ntitle: a\npublish_at: 2026-11-30T07:00:00Z\n---\n\nTeksti.\n")
    stand.run()
    assert stage.ledger.texts == ["a: Teksti."]


def test_once_waits_for_a_file_that_is_being_written(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a")
    began = time.monotonic()
    once.refresh(stand.desk)
    assert stand.state("a", "post") == "planned"
    assert time.monotonic() - began < 5


def test_a_whole_round_goes_out_and_says_what_is_wrong(make: Make, stage: Stage, board: Board) -> None:
    stand = make(stage, board)
    stand.put("a")
    stand.put("late", at=START - 9 * HOUR)
    broken(stand, "bad")
    stand.look()
    once.brake(stand.desk)
    assert once.publish(stand.desk) > 0
    findings, number = once.troubles(stand.desk)
    assert [one.rule for one in findings] == ["unknown-client"]
    assert number == 2  # the late one, on both channels
    assert once.publish(stand.desk) == 0


def test_one_channel_that_falls_over_does_not_keep_the_others_in(make: Make, stage: Stage, board: Board) -> None:
    class Fallen(Stage):
        @property
        def idempotent(self) -> bool:  # type: ignore[override]  # a channel that is broken through and through
            raise RuntimeError("broken")

        @idempotent.setter
        def idempotent(self, _value: bool) -> None: ...

    stand = make(Fallen("fallen", stage.clock), stage, board)
    stand.put("a")
    stand.look()
    for _ in range(3):
        try:
            once.publish(stand.desk)
        except RuntimeError:
            continue
    assert (stage.ledger.texts, board.ledger.texts) == (["a: Teksti."], ["a: Teksti."])


# what is too large for a text


def test_a_huge_file_is_refused_without_being_read(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a")
    with stand.path("news/huge.md").open("wb") as file:
        file.write(b"---\ntitle: huge\n---\n")
        file.truncate(1 << 30)
    tracemalloc.start()
    stand.run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 60 * 1024 * 1024
    assert rules(stand) == ["too-large"]
    assert stage.ledger.texts == ["a: Teksti."]


def test_a_file_that_grew_huge_after_it_was_planned_does_not_go_out(make: Make, stage: Stage) -> None:
    stand = make(stage)
    path = stand.put("a")
    stand.look()
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    stand.work()
    assert stand.desk.library.view.linked(piece(stand), "a.md") is None
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 60 * 1024 * 1024
    assert stage.ledger.texts == []


def piece(stand: Stand) -> Piece:
    return Piece("fi/b", "u", "content/news/b.md", "fi", "b", "news", "B")
