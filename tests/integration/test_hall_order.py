"""What somebody in the hall asked for is done, whatever becomes of the programme, the file or the network meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image as Picture

from channels.piece import Image
from scheduler.delivery import acts
from scheduler.delivery.acts import Refused
from scheduler.desk.hall import Hall
from tests.mocks.newsroom import Newsroom
from tests.mocks.x.server import MockX

BODY = """Tervetuloa.

## +10m Avaus

Ovet ovat auki.

## +2h Puhe

Puhe alkaa.

## live Kysymys

Yleisö kysyy.
"""
LATE = timedelta(minutes=20)


@pytest.fixture
def room(newsroom: Callable[..., Newsroom]) -> Newsroom:
    room = newsroom()
    event(room)
    room.run()
    return room


def event(room: Newsroom, starts: str = "2026-11-30T07:00:00Z", body: str = BODY, **more: str) -> None:
    room.put("events/paiva", "", body, starts_at=starts, live="true", **more)


def hall(room: Newsroom) -> Hall:
    return Hall(room.desk, "fi/paiva")


def limited(x: MockX) -> None:
    x.fail_next((429, {}, {"title": "Too Many Requests"}))


@pytest.mark.parametrize("change", ["shift", "file"])
@pytest.mark.parametrize("refused", [False, True])
def test_what_was_fired_goes_out_although_the_programme_moves(
    room: Newsroom, x: MockX, change: str, refused: bool
) -> None:
    if refused:
        limited(x)
    hall(room).fire("puhe", room.maija)
    if refused:
        room.run()
    if change == "shift":
        hall(room).late(LATE, room.maija)
    else:
        event(room, "2026-11-30T08:00:00Z")
    room.run(minutes=3)
    room.run(minutes=3)
    assert room.texts[-1] == "Puhe alkaa."
    assert len(room.posts) == 2


def test_a_fresh_post_is_no_part_of_the_programme(room: Newsroom, x: MockX) -> None:
    limited(x)
    hall(room).say("Olemme 20 min myöhässä.", room.maija, "tap-1")
    room.run()
    told = hall(room).late(LATE, room.maija)
    assert told.startswith("2 posts are moved by 20m")
    room.run(minutes=5)
    assert room.texts[-1] == "Olemme 20 min myöhässä."


def test_a_fresh_post_with_a_time_moves_along(room: Newsroom) -> None:
    hall(room).say("Kahvit!", room.maija, "tap-1", at=room.clock.now + timedelta(minutes=5))
    hall(room).late(LATE, room.maija)
    room.run(minutes=6)
    assert len(room.posts) == 1
    room.run(minutes=20)
    assert room.texts[1:] == ["Kahvit!"]


def test_what_was_fired_while_the_file_was_broken_goes_out_when_it_is_mended(room: Newsroom) -> None:
    path = room.root / "content" / "events" / "paiva.md"
    whole = path.read_text("utf-8")
    here = hall(room)
    path.write_text(whole.replace("live: true", "live: true\nlive: true"), "utf-8")
    room.look()
    here.fire("kysymys", room.maija)
    here.say("Tämä ei ole tiedostossa.", room.maija, "tap-1")
    room.run()
    assert room.texts[1:] == ["Tämä ei ole tiedostossa."]
    event(room)
    room.run(minutes=1)
    assert room.texts[2:] == ["Yleisö kysyy."]


def test_a_hall_is_there_the_moment_its_file_is_saved(room: Newsroom) -> None:
    event(room, body=BODY + "\n## +3h Loppu\n\nKiitos!\n")
    assert hall(room).program().title == "paiva"


def test_moving_the_file_ends_the_shift(room: Newsroom) -> None:
    hall(room).late(LATE, room.maija)
    room.look()
    assert hall(room).program().shift == LATE
    event(room, "2026-11-30T09:00:00Z")
    room.look()
    program = hall(room).program()
    assert program.shift == timedelta(0)
    due = {line.part: line.due_at for line in program.lines}
    assert due["avaus"] == program.starts_at + timedelta(minutes=10)


def test_a_shift_is_answered_once_a_tap(room: Newsroom) -> None:
    here = hall(room)
    assert here.late(LATE, room.maija, "tap-1") == here.late(LATE, room.maija, "tap-1")
    here.late(LATE, room.maija, "tap-2")
    assert here.program().shift == 2 * LATE
    here.move(here.program().starts_at, room.maija)
    assert here.program().shift == timedelta(0)


def test_what_is_out_on_one_account_can_still_be_sent_on_another(room: Newsroom, x: MockX) -> None:
    config = room.root / "config" / "julki.toml"
    text = config.read_text().replace('[kinds.event]\nchannels = ["x"]', '[kinds.event]\nchannels = ["x", "xb"]')
    config.write_text(text + '\n[channels.xb]\nadapter = "x"\noutbox = "xb.jsonl"\n')
    room.restart()
    room.run()
    x.fail_next((400, {}, {"title": "Invalid Request", "detail": "No.", "type": "about:blank"}))
    hall(room).fire("avaus", room.maija)
    room.run()
    states = {line.channel: line.state for line in hall(room).program().lines if line.part == "avaus"}
    assert states == {"x": "failed", "xb": "published"}
    assert "goes out now" in hall(room).fire("avaus", room.maija)
    room.run()
    assert room.texts[-1] == "Ovet ovat auki."
    with pytest.raises(Refused, match="published already"):
        hall(room).fire("avaus", room.maija)


Act = Callable[[Hall], str]


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda h: h.fire("nowhere", _somebody(h)), "no post 'nowhere'"),
        (lambda h: h.skip("nowhere", _somebody(h)), "no post 'nowhere'"),
        (lambda h: h.late(timedelta(days=8), _somebody(h)), "a week at most"),
        (lambda h: h.say("x" * 300, _somebody(h), "t1"), "300 characters long"),
        (lambda h: h.say("sana " * 90, _somebody(h), "t1"), "characters long"),
        (lambda h: h.say("", _somebody(h), "t1"), "nothing to post"),
        (lambda h: h.say("Hei", _somebody(h), "A B"), "can't name a post"),
        (lambda h: h.say("Hei", _somebody(h), "12"), "can't name a post"),
        (lambda h: h.say("Hei", _somebody(h), "avaus"), "called 'avaus' already"),
    ],
)
def test_what_can_not_be_is_refused_in_plain_words(room: Newsroom, act: Act, told: str) -> None:
    with pytest.raises(Refused, match=told):
        act(hall(room))
    room.run(minutes=1)
    assert len(room.posts) == 1


def _somebody(here: Hall) -> object:
    from scheduler.delivery.acts import Person

    return Person("Maija", here.desk.clock())


def test_what_was_typed_or_fired_long_ago_asks_again(room: Newsroom) -> None:
    hall(room).say("Nyt puhuu X!", room.maija, "tap-1")
    hall(room).fire("kysymys", room.maija)
    room.run(hours=26)
    assert len(room.posts) == 1
    rows = room.rows()
    assert {(rows[part].state, rows[part].reason) for part in ("tap-1", "kysymys")} == {("held", "late")}
    hall(room).fire("tap-1", room.maija)
    hall(room).fire("kysymys", room.maija)
    room.run()
    assert sorted(room.texts[1:]) == ["Nyt puhuu X!", "Yleisö kysyy."]


def test_a_tap_has_its_name_within_one_event(room: Newsroom) -> None:
    room.put("events/toinen", "", BODY, starts_at="2026-11-30T07:00:00Z", live="true")
    room.run()
    hall(room).say("Tauko!", room.maija, "tauko")
    Hall(room.desk, "fi/toinen").say("Tauko toisessa!", room.maija, "tauko")
    assert hall(room).skip("puhe", room.maija, "tap") != hall(room).skip("kysymys", room.maija, "tap")
    room.run()
    assert room.texts[-2:] == ["Tauko!", "Tauko toisessa!"]


def test_a_pause_is_told_at_once(room: Newsroom) -> None:
    acts.pause(room.desk.store, "all", "", "kriisi", room.maija)
    assert "everything is paused by Maija" in hall(room).say("Hei!", room.maija, "tap-1")
    assert "everything is paused by Maija" in hall(room).fire("avaus", room.maija)


def test_only_photos_and_films_are_taken_from_elsewhere(room: Newsroom, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("x")
    with pytest.raises(Refused, match="does not go to X"):
        hall(room).say("Hei!", room.maija, "tap-1", [Image(str(secret), "Salaisuus.")])
    assert not list((room.root / "content").rglob("*secret*"))


def test_a_photo_from_elsewhere_is_kept_beside_the_event(room: Newsroom, x: MockX, tmp_path: Path) -> None:
    photo = tmp_path / "IMG 1.jpg"
    Picture.new("RGB", (40, 30), (0, 60, 110)).save(photo)
    with pytest.raises(Refused, match="alternative text"):
        hall(room).say("Sali täynnä!", room.maija, "tap-1", [Image(str(photo))])
    hall(room).say("Sali täynnä!", room.maija, "tap-1", [Image(str(photo), "Täysi sali.")])
    room.run()
    assert list(x.ledger.alt.values()) == ["Täysi sali."]
    assert len(list((room.root / "content" / "events" / "paiva").glob("img-1-*.jpg"))) == 1


def test_what_was_found_later_keeps_its_place_in_the_thread(tmp_path: Path, x: MockX) -> None:
    room = Newsroom(tmp_path / "other", x, "threads = true")
    event(room, thread="true")
    room.run()
    here = hall(room)
    x.fail_next("accepted-then-cut")
    for number, name in enumerate(("yksi", "kaksi", "kolme")):
        here.say(f"Posti {name}.", room.maija, f"tap-{name}")
        room.run(seconds=90 if number else 0)
        room.clock.go(seconds=1)
    first, second, third, fourth = room.posts
    assert [first.reply_to, second.reply_to, fourth.reply_to] == [None, first.id, third.id]
    room.close()


def test_a_new_label_posts_nothing_again(room: Newsroom) -> None:
    room.run(minutes=10)
    event(room, body=BODY.replace("Avaus", "Avajaiset"))
    room.run(minutes=1)
    assert room.texts[1:] == ["Ovet ovat auki."]
    rows = room.rows()
    assert (rows["avajaiset"].reason, rows["avaus"].error) == ("rename", "")


def test_the_announcement_goes_first_when_all_is_due_at_once(tmp_path: Path, x: MockX) -> None:
    for turn in range(3):
        x.ledger.posts.clear()
        room = Newsroom(tmp_path / str(turn), x, "threads = true")
        event(room, thread="true")
        room.run(minutes=30)
        assert room.texts[1:] == ["Ovet ovat auki."]
        assert room.posts[1].reply_to == room.posts[0].id
        room.close()


def test_a_hall_whose_file_is_gone_says_so(room: Newsroom) -> None:
    here = hall(room)
    (room.root / "content" / "events" / "paiva.md").unlink()
    with pytest.raises(Refused, match="is gone"):
        here.say("Hei!", room.maija, "tap-1")


def test_a_hall_goes_on_when_its_file_is_moved(room: Newsroom) -> None:
    here = hall(room)
    path = room.root / "content" / "events" / "paiva.md"
    path.rename(path.with_name("2026-11-30-paiva.md"))
    room.look()
    here.say("Hei!", room.maija, "tap-1")
    room.run()
    assert room.texts[-1] == "Hei!"


def test_words_that_were_said_are_not_said_again(room: Newsroom) -> None:
    hall(room).say("Taputuksia!", room.maija, "tap-1")
    room.run()
    with pytest.raises(Refused, match="out already"):
        hall(room).say("Taputuksia!", room.maija, "tap-2")


def test_a_broken_file_is_told_at_once(room: Newsroom) -> None:
    here = hall(room)
    path = room.root / "content" / "events" / "paiva.md"
    path.write_text(path.read_text("utf-8").replace("live: true", "live: true\nlive: true"), "utf-8")
    room.look()
    assert "its file has errors" in here.fire("avaus", room.maija)


def test_a_live_post_is_taken_back_once(room: Newsroom, x: MockX) -> None:
    room.run(minutes=10)
    number = room.rows()["avaus"].id
    acts.withdraw(room.desk.store, number, room.maija, room.desk.channels["x"])
    for _ in range(3):
        room.run(minutes=1)
    assert room.rows()["avaus"].state == "withdrawn"
    assert [call for call in x.ledger.requests if call[0] == "DELETE"] == [
        ("DELETE", f"/2/tweets/{x.ledger.posts[1].id}")
    ]


def test_an_own_address_in_a_live_post_tells_where_a_reader_came_from(room: Newsroom) -> None:
    hall(room).say("Ohjelma: https://example.org/fi/ohjelma/ ja https://example.com/", room.maija, "tap-1")
    room.run()
    assert room.texts[-1].startswith("Ohjelma: https://example.org/fi/ohjelma/?utm_source=x")
    assert room.texts[-1].endswith("https://example.com/")


def test_a_post_that_may_not_answer_stands_alone(tmp_path: Path, x: MockX) -> None:
    """X lets the account answer nobody, or what it was to answer is gone: on its own beats no post."""
    room = Newsroom(tmp_path / "other", x, "threads = true")
    event(room, thread="true")
    room.run()
    x.replies = "summoned"
    room.run(minutes=10)
    assert [(post.text, post.reply_to) for post in room.posts[1:]] == [("Ovet ovat auki.", None)]
    x.replies = "open"
    x.ledger.posts[-1].deleted = True
    hall(room).say("Jatketaan.", room.maija, "tap-1")
    room.run()
    assert room.posts[-1].text == "Jatketaan."
    room.close()


def test_a_hall_goes_on_trying_when_x_is_away(room: Newsroom) -> None:
    for number in range(6):
        room.put(f"news/p{number}", f"Uutinen {number}.", at=room.clock.now)
    port = int(room.x.url.rsplit(":", 1)[1])
    config = room.root / "config" / "julki.toml"
    text = config.read_text()
    config.write_text(text.replace(f":{port}", ":9"))
    room.restart()
    hall(room).fire("avaus", room.maija)
    for _ in range(40):
        room.run(seconds=20)
    config.write_text(text)
    room.restart()
    room.run(seconds=20)
    assert "Ovet ovat auki." in room.texts


def test_a_hall_opens_although_its_file_is_broken(room: Newsroom) -> None:
    path = room.root / "content" / "events" / "paiva.md"
    path.write_text(path.read_text("utf-8").replace("live: true", "live: true\nlive: true"), "utf-8")
    room.look()
    here = hall(room)
    program = here.program()
    assert [line.part for line in program.lines] == ["avaus", "puhe", "kysymys"]
    assert "has errors" in program.obstacles[0]
    here.say("Kuuluuko?", room.maija, "tap-1")
    here.late(LATE, room.maija)
    here.skip("puhe", room.maija)
    room.run()
    assert room.texts[-1] == "Kuuluuko?"
    assert room.rows()["puhe"].state == "skipped"


def test_another_text_under_the_same_name_is_refused(room: Newsroom) -> None:
    hall(room).say("Sali on täynnä.", room.maija, "k3")
    with pytest.raises(Refused, match="name of another post"):
        hall(room).say("Aivan muu teksti.", room.maija, "k3")
    assert "goes out now" in hall(room).say("Sali on täynnä.", room.maija, "k3")


def test_what_will_keep_the_posts_back_is_told_before(newsroom: Callable[..., Newsroom]) -> None:
    room = newsroom(approval=True)
    event(room)
    room.look()
    assert "Nobody has approved it" in hall(room).program().obstacles[0]
    acts.pause(room.desk.store, "channel", "x", "kriisi.", room.maija)
    assert "The channel x is paused by Maija (kriisi)" in " ".join(hall(room).program().obstacles)


def test_two_who_move_the_hall_at_once_move_it_once(room: Newsroom) -> None:
    here = hall(room)
    seen = here.program().shift
    here.late(LATE, room.maija, "tap-1", seen)
    with pytest.raises(Refused, match="runs 20m late now"):
        here.late(LATE, room.maija, "tap-2", seen)
    assert here.program().shift == LATE
