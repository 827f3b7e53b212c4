"""Threads on X: cut at sentences, numbered if wished, once and in order whatever breaks on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channels.text import weighted_length
from scheduler.delivery import acts
from tests.mocks.newsroom import Newsroom
from tests.mocks.x.server import MockX

Make = Callable[..., Newsroom]
SENTENCE = (
    "Lause numero {} kertoo palvelun uudistuksesta ja siitä, mitä asukas siitä saa, ja jatkuu vielä hetken eteenpäin. "
)
FIVE = "".join(SENTENCE.format(n) for n in range(1, 11)).strip()


@pytest.fixture
def make(newsroom: Make) -> Make:
    return lambda options="threads = true": newsroom(options)


def whole(room: Newsroom) -> None:
    """Five posts, each an answer to the one before it, each once."""
    assert len(room.posts) == 5
    assert [post.reply_to for post in room.posts] == [None, *(post.id for post in room.posts[:-1])]
    assert "".join(" ".join(room.texts).split("Lause")[1:3])


def test_a_long_text_becomes_a_thread_cut_at_sentences(make: Make) -> None:
    room = make()
    room.put("news/a", FIVE)
    room.run()
    whole(room)
    assert all(text.endswith(".") or "/fi/news/a/?utm_source=x" in text for text in room.texts)
    assert " ".join(room.texts).startswith(FIVE[:500])


def test_numbers_are_added_where_they_are_wished(make: Make) -> None:
    room = make("threads = true\nnumbered = true")
    room.put("news/a", FIVE)
    room.run()
    whole(room)
    assert [text.rsplit(" ", 1)[1] for text in room.texts] == ["1/5", "2/5", "3/5", "4/5", "5/5"]
    assert all(weighted_length(text) <= 280 for text in room.texts)


@pytest.mark.parametrize("number", [1, 3, 5])
@pytest.mark.parametrize("fault", ["accepted-then-cut", "accepted-then-503", "cut", "503"])
def test_a_connection_cut_in_the_middle_makes_no_second_post(make: Make, x: MockX, fault: str, number: int) -> None:
    room = make()
    room.put("news/a", FIVE)
    asked = iter(range(1, 100))

    def ask(_text: str) -> bool:
        if next(asked) == number:
            x.fail_next(fault)
        return True

    x.on_ask = ask
    for _ in range(8):
        room.run(minutes=1)
    whole(room)


def test_an_edit_in_the_middle_changes_no_post_of_the_thread(make: Make, x: MockX) -> None:
    room = make()
    room.put("news/a", FIVE)
    x.on_ask = lambda _text: (
        len(room.posts) != 1 or bool(x.fail_next((429, {}, {"title": "Too Many Requests"}))) or True
    )
    room.run()
    x.on_ask = lambda _text: True
    assert len(room.posts) == 1
    room.put("news/a", "Uusi alku, joka siirtää kaikkea muuta eteenpäin. " + FIVE)
    for _ in range(4):
        room.run(minutes=10)
    whole(room)
    assert " ".join(room.texts).count("Lause numero 3 ") == 1


def test_one_post_that_is_out_does_not_become_a_thread(make: Make) -> None:
    room = make()
    room.put("news/a", "Lyhyt.")
    room.run()
    room.put("news/a", FIVE)
    room.run(minutes=5)
    assert len(room.posts) == 1
    assert set(room.rows()) == {"main"}
    assert "julki correct" in room.row("a").error


def test_one_post_that_never_went_out_may_become_a_thread(make: Make, x: MockX) -> None:
    room = make()
    room.put("news/a", "Lyhyt.")
    x.fail_next((429, {}, {"title": "Too Many Requests"}))
    room.run()
    assert room.row("a").state == "retrying"
    room.put("news/a", FIVE)
    for _ in range(4):
        room.run(minutes=10)
    whole(room)


def test_a_part_that_was_refused_is_made_of_the_mended_file(make: Make, x: MockX) -> None:
    room = make()
    room.put("news/a", FIVE)
    x.fail_next((400, {}, {"title": "Invalid Request", "detail": "No.", "type": "about:blank"}))
    room.run()
    assert (room.row("a", "1").state, room.posts) == ("failed", [])
    room.put("news/a", FIVE.replace("Lause numero 1 ", "Lause numero yksi "))
    room.look()
    acts.retry(room.desk.store, room.row("a", "1").id, room.maija)
    for _ in range(3):
        room.run(minutes=1)
    whole(room)
    assert "Lause numero yksi " in room.texts[0]


def test_threads_switched_on_repeat_nothing(make: Make) -> None:
    room = make("threads = false")
    room.put("news/a", FIVE)
    room.run()
    room.configure("threads = true")
    room.restart()
    room.run(minutes=5)
    assert len(room.posts) == 1


def test_a_desk_that_dies_in_the_middle_goes_on_with_the_next(make: Make, x: MockX) -> None:
    room = make()
    room.put("news/a", FIVE)

    def stop(_post: object) -> None:
        if len(x.ledger.live()) == 3:
            room.desk.stop.set()

    x.on_answer = stop
    room.run()
    assert len(room.posts) == 3
    room.restart()
    room.run(minutes=1)
    whole(room)


def test_a_forbidden_answer_leaves_the_first_post_as_it_is(make: Make, x: MockX) -> None:
    room = make()
    x.replies = "summoned"
    room.put("news/a", FIVE)
    room.run()
    assert len(room.posts) == 1
    assert room.row("a", "1").state == "published"
    assert room.row("a", "2").state == "failed"
    assert "threads = false" in room.row("a", "2").error
