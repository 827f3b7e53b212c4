"""A correction: beside the post that was wrong, with the desk's wording, once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scheduler.delivery import acts
from scheduler.delivery.acts import Person, Refused
from scheduler.desk import approve
from scheduler.desk.correct import correct
from tests.mocks.newsroom import Newsroom
from tests.mocks.x.server import MockX


@pytest.fixture
def room(newsroom: Callable[..., Newsroom]) -> Newsroom:
    return newsroom()


def test_an_edit_after_publication_is_corrected_by_a_quote(room: Newsroom) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    room.put("news/a", "Palvelu aukeaa keskiviikkona.")
    room.run(minutes=1)
    number = room.row("a").id
    assert f"julki correct {number}" in room.row("a").error
    told = correct(room.desk, number, room.maija)
    assert "Korjaus: Palvelu aukeaa keskiviikkona." in told
    room.run(minutes=1)
    first, second = room.posts
    assert second.text.startswith("Korjaus: Palvelu aukeaa keskiviikkona.")
    assert (second.quotes, second.reply_to) == (first.id, None)
    assert room.row("a").error == ""


def test_where_the_account_answers_itself_it_is_a_reply(tmp_path: Path, x: MockX) -> None:
    room = Newsroom(tmp_path / "ws", x, 'threads = true\ncorrection = {sv = "Vi rättar:"}')
    room.put("news/a", "Tjänsten öppnar på tisdag.", lang="sv")
    room.run()
    room.put("news/a", "Tjänsten öppnar på onsdag.", lang="sv")
    room.run(minutes=1)
    correct(room.desk, room.rows()["main"].id, room.maija)
    room.run(minutes=1)
    assert room.posts[1].text.startswith("Vi rättar: Tjänsten öppnar på onsdag.")
    assert room.posts[1].reply_to == room.posts[0].id
    room.close()


def test_its_own_words_may_be_given(room: Newsroom) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    correct(room.desk, room.row("a").id, room.maija, "Aukeamme vasta torstaina.")
    room.run(minutes=1)
    assert room.texts[1] == "Korjaus: Aukeamme vasta torstaina."


def test_a_second_correction_follows_a_second_edit(room: Newsroom) -> None:
    for number, day in enumerate(("tiistaina", "keskiviikkona", "torstaina")):
        room.put("news/a", f"Palvelu aukeaa {day}.")
        room.run(minutes=1)
        if number:
            correct(room.desk, room.row("a").id, room.maija)
            room.run(minutes=1)
    assert [text.split("\n")[0] for text in room.texts] == [
        "Palvelu aukeaa tiistaina.",
        "Korjaus: Palvelu aukeaa keskiviikkona.",
        "Korjaus: Palvelu aukeaa torstaina.",
    ]
    assert {post.quotes for post in room.posts[1:]} == {room.posts[0].id}


def test_what_needs_no_correction_gets_none(room: Newsroom) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    with pytest.raises(Refused, match="no delivery 99"):
        correct(room.desk, 99, room.maija)
    room.look()
    number = room.row("a").id
    with pytest.raises(Refused, match="is planned"):
        correct(room.desk, number, room.maija)
    room.run()
    with pytest.raises(Refused, match="nothing to correct"):
        correct(room.desk, number, room.maija)
    room.put("news/a", "Palvelu aukeaa keskiviikkona.")
    room.look()
    correct(room.desk, number, room.maija)
    with pytest.raises(Refused, match="julki skip"):
        correct(room.desk, number, room.maija)
    room.run()
    with pytest.raises(Refused, match="nothing to correct"):
        correct(room.desk, number, room.maija)
    with pytest.raises(Refused, match="is a correction itself"):
        correct(room.desk, room.row("a", "correction:1").id, room.maija, "Toisin.")
    assert len(room.posts) == 2


def test_a_lost_answer_makes_no_second_correction(room: Newsroom, x: MockX) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    correct(room.desk, room.row("a").id, room.maija, "Keskiviikkona.")
    x.fail_next("accepted-then-cut")
    room.run()
    for _ in range(3):
        room.run(minutes=1)
    assert room.texts == [room.texts[0], "Korjaus: Keskiviikkona."]
    assert room.row("a", "correction:1").state == "published"


def test_what_was_taken_back_is_not_corrected(room: Newsroom) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    number = room.row("a").id
    correct(room.desk, number, room.maija, "Keskiviikkona.")
    acts.withdraw(room.desk.store, number, room.maija, room.desk.channels["x"])
    acts.pause(room.desk.store, "all", "", "", room.maija)
    room.run()
    acts.resume(room.desk.store, "all", "", room.maija)
    acts.retry(room.desk.store, room.row("a", "correction:1").id, room.maija)
    room.run(minutes=1)
    assert room.posts == []
    assert (room.row("a", "correction:1").state, room.row("a", "correction:1").reason) == ("held", "before")


def test_four_eyes_look_at_a_correction_too(tmp_path: Path, x: MockX) -> None:
    room = Newsroom(tmp_path / "ws", x, approval=True)
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.look()
    approve.approve(room.desk, "fi/a", Person("Pekka", room.clock.now))
    room.run()
    assert len(room.posts) == 1
    correct(room.desk, room.row("a").id, room.maija, "Keskiviikkona.")
    room.run()
    assert room.row("a", "correction:1").reason == "approval"
    held = room.row("a", "correction:1")
    assert "Keskiviikkona." in held.error
    with pytest.raises(Refused, match="Somebody else"):
        approve.approve_made(room.desk, held.id, room.maija)
    with pytest.raises(Refused, match="not a post that was written at the desk"):
        approve.approve_made(room.desk, room.row("a").id, Person("Pekka", room.clock.now))
    approve.approve(room.desk, "fi/a", Person("Pekka", room.clock.now))
    room.run()
    assert len(room.posts) == 1
    told = approve.approve_made(room.desk, held.id, Person("Pekka", room.clock.now))
    assert "Keskiviikkona." in told
    room.run()
    assert room.texts[1:] == ["Korjaus: Keskiviikkona."]
    room.close()


def test_a_correction_needs_no_file(room: Newsroom) -> None:
    path = room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    path.unlink()
    room.look()
    with pytest.raises(Refused, match="--text"):
        correct(room.desk, room.row("a").id, room.maija)
    correct(room.desk, room.row("a").id, room.maija, "Torstaina.")
    room.look()
    room.run(minutes=1)
    assert room.texts[1] == "Korjaus: Torstaina."


def test_one_that_failed_does_not_count_as_said(room: Newsroom, x: MockX) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    room.put("news/a", "Palvelu aukeaa torstaina.")
    room.run(minutes=1)
    correct(room.desk, room.row("a").id, room.maija)
    x.fail_next((400, {}, {"title": "Invalid Request", "detail": "No.", "type": "about:blank"}))
    room.run(minutes=1)
    assert room.row("a", "correction:1").state == "failed"
    room.put("news/a", "Palvelu aukeaa torstaina.", tags="[yksi]")
    room.run(minutes=1)
    assert "julki correct" in room.row("a").error


def test_a_correction_that_waited_for_days_asks_again(room: Newsroom) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    correct(room.desk, room.row("a").id, room.maija, "Torstaina.")
    room.run(days=3)
    assert (len(room.posts), room.row("a", "correction:1").reason) == (1, "late")


def test_a_wrong_link_and_a_wrong_hashtag_are_corrected(room: Newsroom) -> None:
    room.put("news/a", "Lue: https://example.org/fi/news/vaara/ #AvonData")
    room.run()
    room.put("news/a", "Lue: https://example.org/fi/news/oikea/ #AvonData")
    room.run(minutes=1)
    assert "julki correct" in room.row("a").error
    correct(room.desk, room.row("a").id, room.maija)
    room.run(minutes=1)
    room.put("news/a", "Lue: https://example.org/fi/news/oikea/ #AvoinData")
    room.run(minutes=1)
    correct(room.desk, room.row("a").id, room.maija)


def test_another_address_of_the_own_page_needs_no_correction(room: Newsroom) -> None:
    path = room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    config = room.root / "config" / "julki.toml"
    config.write_text(config.read_text() + '\n[links]\nutm = "s={channel}"\n')
    room.restart()
    room.run(minutes=1)
    assert room.row("a").error == ""
    path.rename(path.with_name("b.md"))
    room.run(minutes=1)
    assert room.row("b").error == ""


def test_two_who_correct_at_once_make_one_correction(room: Newsroom) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    number = room.row("a").id

    def act(_turn: int) -> bool:
        try:
            correct(room.desk, number, room.maija, "Torstaina.")
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(4) as people:
        assert sum(people.map(act, range(4))) == 1
    room.run(minutes=1)
    assert len(room.posts) == 2


def test_a_correction_is_sent_whole_or_not_at_all(room: Newsroom) -> None:
    room.put("news/a", "Palvelu aukeaa tiistaina.")
    room.run()
    with pytest.raises(Refused, match="Say it shorter"):
        correct(room.desk, room.row("a").id, room.maija, "pitkä " * 80)
