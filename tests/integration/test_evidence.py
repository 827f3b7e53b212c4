"""What reading back may be taken for: a post is one delivery's alone, and a duplicate that is refused is evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from PIL import Image as Picture

from tests.mocks.newsroom import Newsroom
from tests.mocks.x.server import MockX


@pytest.fixture
def room(newsroom: Callable[..., Newsroom]) -> Newsroom:
    return newsroom()


def photo(room: Newsroom, name: str, color: str) -> str:
    path = room.root / "content" / "news" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.new("RGB", (40, 30), color).save(path)
    return f"{{src: {name}, alt: {color}}}"


def test_a_post_that_is_known_as_another_is_not_taken_for_this_one(room: Newsroom, x: MockX) -> None:
    x.refuses_duplicates = False
    room.put("news/a", "Kiitos! https://example.com/", image=photo(room, "a.png", "red"))
    room.run()
    room.put("news/b", "Kiitos! https://example.com/", image=photo(room, "b.png", "blue"))
    x.fail_next("503")
    room.run()
    for _ in range(3):
        room.run(minutes=2)
    row = room.row("b")
    assert (row.state, row.reason) == ("held", "uncertain")
    assert "fi/a" in row.error
    assert len(room.posts) == 1


def test_a_timeline_that_lags_for_long_ends_in_one_post_that_is_known(room: Newsroom, x: MockX) -> None:
    """The second try is refused as a duplicate; that the first one is out is seen once the timeline shows it."""
    x.lag = timedelta(minutes=8)
    x.fail_next("accepted-then-503")
    room.put("news/a", "Palvelu aukeaa.")
    room.run()
    for _ in range(12):
        room.run(minutes=10)
    assert len(room.posts) == 1
    assert room.row("a").state == "published"
    assert room.row("a").remote_id == room.posts[0].id


def test_a_timeline_that_shows_nothing_leaves_it_to_a_person(room: Newsroom, x: MockX) -> None:
    x.lag = timedelta(hours=9)
    x.fail_next("accepted-then-503")
    room.put("news/a", "Palvelu aukeaa.")
    room.run()
    for _ in range(7):
        room.run(minutes=10)
    row = room.row("a")
    assert (row.state, row.reason, len(room.posts)) == ("held", "uncertain", 1)
    assert "julki confirm" in row.error
    assert row.attempts == 2


def test_what_x_refuses_as_a_copy_of_another_post_is_not_asked_again(room: Newsroom, x: MockX) -> None:
    x.fail_next(
        (403, {}, {"title": "Forbidden", "detail": "You are not allowed to create a Tweet with duplicate content."})
    )
    room.put("news/a", "Kahvitauko.")
    room.run()
    room.run(minutes=2)
    row = room.row("a")
    assert (row.state, row.reason, row.attempts) == ("held", "uncertain", 1)
    assert "same text is already out" in row.error


def test_what_may_be_out_says_so_however_late_it_is(room: Newsroom, x: MockX) -> None:
    x.fail_next("503")
    x.fail_next("503")
    room.put("news/a", "Kahvitauko.", late="5m")
    room.run()
    room.run(seconds=2)
    room.run(minutes=10)
    row = room.row("a")
    if row.state == "held":
        assert (row.reason, "may be out" in row.error) == ("uncertain", True)
