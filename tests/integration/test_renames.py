"""No file operation of a writer announces anything twice; deliveries and addresses follow the piece."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from channels.errors import Unavailable
from tests.mocks.stage import Board, Crash, Stage
from tests.mocks.stand import START, Hands, Stand

Make = Callable[..., Stand]


@pytest.fixture
def stand(make: Make, stage: Stage, board: Board) -> Stand:
    """One piece that is out on a website and a channel of posts."""
    stand = make(stage, board)
    stand.put("a", "Otsikko", "Oma teksti.")
    stand.run()
    assert len(stage.ledger.texts) == len(board.ledger.texts) == 1
    return stand


def followed(stand: Stand, stage: Stage, board: Board, old: str, new: str) -> None:
    """Nothing was announced again; the piece has its new name, and the old one leads there."""
    assert len(stage.ledger.entries) == 1
    assert len(board.ledger.entries) == 1
    assert set(stand.states()) == {(new, "post", "main"), (new, "web", "main")}
    assert set(stand.states().values()) == {"published"}
    assert stand.redirects().get(old) == new


def quiet(stand: Stand) -> None:
    for _ in range(2):
        stand.clock.go(minutes=30)
        stand.run()


def renamed(path: Path, new: str) -> Path:
    return path.rename(path.with_name(f"{new}.md"))


def changed(path: Path, old: str, new: str) -> None:
    """As an editor saves: a new file takes the old one's place."""
    fresh = path.with_suffix(".tmp")
    fresh.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    fresh.replace(path)


def test_renamed(stand: Stand, stage: Stage, board: Board) -> None:
    renamed(stand.path("news/a.md"), "b")
    stand.run()
    quiet(stand)
    followed(stand, stage, board, "fi/a", "fi/b")
    assert board.ledger.count("revise") == 1  # the page stands at its new address


def test_renamed_twice_and_back(stand: Stand, stage: Stage, board: Board) -> None:
    path = stand.path("news/a.md")
    for name in ("b", "c"):
        path = renamed(path, name)
        stand.run()
    followed(stand, stage, board, "fi/a", "fi/c")
    assert stand.redirects() == {"fi/a": "fi/c", "fi/b": "fi/c"}
    renamed(path, "a")
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == len(board.ledger.entries) == 1
    assert stand.redirects() == {"fi/b": "fi/a", "fi/c": "fi/a"}


def test_edited_and_later_renamed(stand: Stand, stage: Stage, board: Board) -> None:
    """The trace of a piece is that of its file now, not of its first reading."""
    changed(stand.path("news/a.md"), "Oma teksti.", "Ihan toinen teksti, joka kirjoitettiin uusiksi.")
    stand.run()
    changed(stand.path("news/a.md"), "title: Otsikko", "title: Kokonaan toinen nimi")
    stand.run()
    path = stand.path("news/a.md")
    shutil.copyfile(path, stand.path("news/b.md"))
    path.unlink()
    stand.run()
    quiet(stand)
    followed(stand, stage, board, "fi/a", "fi/b")


def test_moved_to_another_folder(stand: Stand, stage: Stage, board: Board) -> None:
    target = stand.path("news/2026/a.md")
    target.parent.mkdir()
    stand.path("news/a.md").rename(target)
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == len(board.ledger.entries) == 1
    assert stand.pieces()["fi/a"].path == "content/news/2026/a.md"
    changed(target, "Oma", "Muutettu")
    stand.run()
    assert board.ledger.texts == ["Otsikko: Muutettu teksti."]


def test_moved_and_edited_at_once(stand: Stand, stage: Stage, board: Board) -> None:
    changed(stand.path("news/a.md"), "Oma", "Muutettu")
    target = stand.path("news/2026/a.md")
    target.parent.mkdir()
    stand.path("news/a.md").rename(target)
    stand.run()
    assert board.ledger.texts == ["Otsikko: Muutettu teksti."]
    assert len(stage.ledger.entries) == 1


def test_moved_to_another_kind_the_page_follows(stand: Stand, stage: Stage, board: Board) -> None:
    stand.path("news/a.md").rename(stand.path("blog/a.md"))
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == len(board.ledger.entries) == 1
    assert board.ledger.entries[0].message.card["kind"] == "blog"


def test_the_slug_is_edited(stand: Stand, stage: Stage, board: Board) -> None:
    changed(stand.path("news/a.md"), "title: Otsikko", "title: Otsikko\nslug: uusi")
    stand.run()
    quiet(stand)
    followed(stand, stage, board, "fi/a", "fi/uusi")


def test_the_slug_and_the_text_are_edited(stand: Stand, stage: Stage, board: Board) -> None:
    changed(stand.path("news/a.md"), "title: Otsikko", "title: Otsikko\nslug: uusi")
    changed(stand.path("news/a.md"), "Oma", "Muutettu")
    stand.run()
    quiet(stand)
    followed(stand, stage, board, "fi/a", "fi/uusi")
    assert board.ledger.texts == ["Otsikko: Muutettu teksti."]


def test_the_language_is_edited(stand: Stand, stage: Stage, board: Board) -> None:
    changed(stand.path("news/a.md"), "title: Otsikko", "title: Otsikko\nlang: sv")
    stand.run()
    quiet(stand)
    followed(stand, stage, board, "fi/a", "sv/a")


def test_the_title_decides_nothing(stand: Stand, stage: Stage, board: Board) -> None:
    changed(stand.path("news/a.md"), "title: Otsikko", "title: Uusi otsikko")
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == 1
    assert board.ledger.texts == ["Uusi otsikko: Oma teksti."]


def test_copied_then_deleted(stand: Stand, stage: Stage, board: Board) -> None:
    """With a look in between, nobody can tell a copy from a new piece: a person is asked, the page stands."""
    shutil.copyfile(stand.path("news/a.md"), stand.path("news/b.md"))
    stand.run()
    row = stand.row("b", "post")
    assert (row.state, row.reason) == ("held", "rename")
    assert "fi/a" in row.error
    assert stand.state("b", "web") == "published"
    stand.path("news/a.md").unlink()
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == 1


def test_copied_and_deleted_at_once(stand: Stand, stage: Stage, board: Board) -> None:
    shutil.copyfile(stand.path("news/a.md"), stand.path("news/b.md"))
    stand.path("news/a.md").unlink()
    stand.run()
    quiet(stand)
    followed(stand, stage, board, "fi/a", "fi/b")


def test_deleted_and_only_later_there_under_another_name(stand: Stand, stage: Stage) -> None:
    text = stand.path("news/a.md").read_text()
    stand.path("news/a.md").unlink()
    stand.run()
    stand.path("news/b.md").write_text(text)
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == 1
    assert stand.state("b", "post") == "held"


def test_a_doubt_outlives_a_copy_that_is_away_for_a_moment(stand: Stand, stage: Stage) -> None:
    copy = stand.path("news/b.md")
    shutil.copyfile(stand.path("news/a.md"), copy)
    stand.run()
    text = copy.read_text()
    copy.unlink()
    stand.run()
    copy.write_text(text)
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == 1


def test_a_doubt_outlives_edits(stand: Stand, stage: Stage) -> None:
    copy = stand.path("news/b.md")
    shutil.copyfile(stand.path("news/a.md"), copy)
    stand.run()
    changed(copy, "Otsikko", "Otsake")
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == 1


def test_a_copy_of_what_never_went_out_is_simply_new(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    path = stand.put("a", "Sama", "Sama teksti.", at=START + timedelta(hours=1))
    stand.run()
    shutil.copyfile(path, stand.path("news/b.md"))
    stand.run()
    clock.go(hours=1)
    stand.run()
    assert len(stage.ledger.entries) == 2


def test_renamed_onto_the_name_of_a_piece_that_is_gone_and_never_went_out(stand: Stand, stage: Stage) -> None:
    stand.put("b", "Toinen", "Toinen teksti.", at=START + timedelta(days=3))
    stand.run()
    stand.path("news/b.md").unlink()
    stand.run()
    renamed(stand.path("news/a.md"), "b")
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == 1


def test_renamed_onto_a_piece_that_waits(stand: Stand, stage: Stage) -> None:
    stand.put("b", "Toinen", "Toinen teksti.", at=START + timedelta(days=3))
    stand.run()
    renamed(stand.path("news/a.md"), "b")
    stand.run()
    quiet(stand)
    stand.clock.go(days=3)
    stand.run()
    assert sum("Oma teksti." in entry.text for entry in stage.ledger.entries) == 1


def test_two_files_change_names_with_each_other(stand: Stand, stage: Stage) -> None:
    later = START + timedelta(days=1)
    stand.put("b", "Toinen", "Toinen teksti.", at=later)
    stand.run()
    a, b = stand.path("news/a.md"), stand.path("news/b.md")
    a.rename(a.with_suffix(".tmp"))
    b.rename(a)
    a.with_suffix(".tmp").rename(b)
    stand.run()
    stand.clock.now = later
    stand.run()
    quiet(stand)
    assert sum("Oma teksti." in entry.text for entry in stage.ledger.entries) == 1


def test_an_overwritten_draft_slot_keeps_its_own_later_announcement(make: Make, stage: Stage, clock: Hands) -> None:
    """A new text in a planned file is just an edit: it goes out, once."""
    stand = make(stage)
    stand.put("a", "Vanha", "Vanha teksti.", at=START + timedelta(hours=1))
    stand.run()
    stand.put("a", "Uusi", "Uusi teksti.", at=START + timedelta(hours=1))
    clock.go(hours=1)
    stand.run()
    assert stage.ledger.texts == ["Uusi: Uusi teksti."]


@pytest.mark.parametrize("how", ["copytree", "touch", "moved away and back"])
def test_a_checkout_that_replaces_every_file(make: Make, stage: Stage, board: Board, clock: Hands, how: str) -> None:
    stand = make(stage, board)
    for number in range(8):
        stand.put(f"p{number}", body=f"Teksti {number}.", at=START + timedelta(hours=number // 4))
    stand.run()
    assert len(stage.ledger.entries) == 4
    content = stand.root / "content"
    if how == "touch":
        for path in content.rglob("*.md"):
            os.utime(path)
    elif how == "copytree":
        shutil.copytree(content, stand.root / "fresh")
        shutil.rmtree(content)
        (stand.root / "fresh").rename(content)
    else:
        content.rename(stand.root / "elsewhere")
        stand.run()
        (stand.root / "elsewhere").rename(content)
    stand.run()
    clock.go(hours=1)
    stand.run()
    assert len(stage.ledger.entries) == len(board.ledger.entries) == 8
    assert board.ledger.count("revise") == 0
    assert set(stand.states().values()) == {"published"}


@pytest.mark.parametrize("emptied", ["news", "content"])
def test_a_folder_that_is_gone_for_a_moment(make: Make, stage: Stage, clock: Hands, emptied: str) -> None:
    stand = make(stage)
    for number in range(9):
        stand.put(f"p{number}", body=f"Teksti {number}.", at=START + timedelta(hours=number % 2))
    stand.run()
    folder = stand.root / "content" if emptied == "content" else stand.root / "content" / "news"
    folder.rename(stand.root / "aside")
    folder.mkdir()
    outcome = stand.look()
    stand.work()
    if emptied == "content":
        assert outcome.missing_root
    folder.rmdir()
    (stand.root / "aside").rename(folder)
    clock.go(hours=1)
    stand.run()
    assert len(stage.ledger.entries) == 9
    assert set(stand.states().values()) == {"published"}


def test_a_branch_with_older_texts_and_back(make: Make, board: Board, stage: Stage) -> None:
    stand = make(board, stage)
    stand.put("a", body="Uusi.")
    stand.put("b", body="Vain täällä.")
    stand.run()
    stand.put("a", body="Vanha.")
    text = stand.path("news/b.md").read_text()
    stand.path("news/b.md").unlink()
    stand.run()
    stand.put("a", body="Uusi.")
    stand.path("news/b.md").write_text(text)
    stand.run()
    assert sorted(board.ledger.texts) == ["a: Uusi.", "b: Vain täällä."]
    assert len(stage.ledger.entries) == 2


def test_renamed_while_it_is_tried_again(make: Make, stage: Stage, clock: Hands) -> None:
    stand = make(stage)
    stand.put("a", "Otsikko", "Oma teksti.")
    stage.next(Unavailable("Down."))
    stand.run()
    renamed(stand.path("news/a.md"), "b")
    clock.go(minutes=1)
    stand.run()
    assert stage.ledger.texts == ["Otsikko: Oma teksti."]
    assert stand.states() == {("fi/b", "post", "main"): "published"}


def test_renamed_while_it_is_on_its_way(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a", "Otsikko", "Oma teksti.")
    stand.look()

    def rename(_: str) -> None:
        renamed(stand.path("news/a.md"), "b")
        stand.look()

    stage.during = rename
    stand.work()
    stand.run()
    assert stage.ledger.texts == ["Otsikko: Oma teksti."]
    assert stand.states() == {("fi/b", "post", "main"): "published"}


def test_many_renamed_at_once(make: Make, stage: Stage, board: Board) -> None:
    """A folder is given a common prefix."""
    stand = make(stage, board, backlog="1000")
    for number in range(30):
        stand.put(f"p{number}", body=f"Teksti {number}.")
    stand.run()
    for path in (stand.root / "content" / "news").glob("p*.md"):
        renamed(path, f"uutinen-{path.stem}")
    stand.run()
    quiet(stand)
    assert len(stage.ledger.entries) == len(board.ledger.entries) == 30
    assert len(stand.redirects()) == 30


def test_a_move_beside_a_file_that_is_just_being_saved_is_a_move(make: Make, stage: Stage, board: Board) -> None:
    """The newcomer is waited for; the file that moved is known at once, under both its names."""
    stand = make(stage, board)
    old = stand.put("a")
    stand.run()
    old.rename(old.with_name("b.md"))
    stand.put("c")
    outcome = stand.desk.refresh.run(stand.clock.now)
    assert outcome.again
    stand.run()
    assert sorted(stage.ledger.texts) == sorted(board.ledger.texts) == ["a: Teksti.", "c: Teksti."]
    assert set(stand.states().values()) == {"published"}
    assert stand.redirects() == {"fi/a": "fi/b"}


def test_an_edit_and_a_move_beside_a_file_that_is_just_being_saved_is_the_same_piece(
    make: Make, stage: Stage, board: Board
) -> None:
    """The moved file has become still; the newcomer beside it has not."""
    stand = make(stage, board)
    old = stand.put("a", "Otsikko", "Oma teksti.")
    stand.run()
    text = old.read_text("utf-8").replace("Oma teksti.", "Oma teksti, korjattu.")
    old.write_text(text, "utf-8")
    old.rename(old.with_name("b.md"))
    time.sleep(0.5)
    stand.put("c", "Muu", "Muu teksti.")
    assert stand.desk.refresh.run(stand.clock.now).again
    stand.work()
    stand.run()
    assert sorted(entry.text for entry in stage.ledger.entries) == ["Muu: Muu teksti.", "Otsikko: Oma teksti."]
    assert len(board.ledger.entries) == 2
    assert stand.redirects() == {"fi/a": "fi/b"}


def test_new_files_without_end_do_not_keep_a_newcomer_waiting(make: Make, stage: Stage) -> None:
    stand = make(stage)
    stand.put("a").unlink()
    stand.put("gone")
    stand.run()
    stand.path("news/gone.md").unlink()
    stand.put("b")
    for number in range(14):
        stand.put(f"n{number}")
        stand.desk.refresh.run(stand.clock.now)
        time.sleep(0.3)
    assert ("fi/b", "post", "main") in stand.states()


def test_an_edit_that_was_read_just_before_the_end_and_a_move_after_it_is_the_same_piece(
    make: Make, stage: Stage, board: Board
) -> None:
    """The process ends between reading the edited file and telling who is who; then the file is moved."""
    stand = make(stage, board)
    stand.put("a", "Otsikko", "Oma teksti.")
    stand.run()
    edited = stand.put("a", "Otsikko", "Oma teksti, korjattu.")
    stand.fuse.at, stand.fuse.steps = 2, 0
    with pytest.raises(Crash):
        stand.look()
    stand.restart()
    edited.rename(edited.with_name("b.md"))
    stand.run()
    assert len(stage.ledger.entries) == 1
    assert [entry.text for entry in board.ledger.entries] == ["Otsikko: Oma teksti, korjattu."]
    assert stand.redirects() == {"fi/a": "fi/b"}
