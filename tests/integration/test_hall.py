"""What can be done from the hall of a live event, each press counting once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image as Picture

from channels.errors import Rejected, Uncertain
from channels.piece import Image
from scheduler.delivery.acts import Person, Refused
from scheduler.desk.assemble import Desk, assemble
from scheduler.desk.hall import Hall, Line
from scheduler.workspace import load
from tests.mocks.stage import Stage
from tests.mocks.stand import START, Stand
from tests.mocks.typist import Typist, typist, wall

Make = Callable[..., Stand]
SECTIONS = """Tervetuloa.

## +0m Avaus

Ovet ovat auki.

## +1h Puhe

Puhe alkaa.

## live Kysymys

Yleisö kysyy.

## +2h Loppu

Kiitos!
"""
STARTS = START + timedelta(hours=1)


def event(stand: Stand, starts: timedelta = timedelta(hours=1), body: str = SECTIONS) -> None:
    at = (START + starts).strftime("%Y-%m-%dT%H:%M:%SZ")
    stand.put("events/paiva.md", "Päivä", body, at=START, more=f"live: true\nthread: true\nstarts_at: {at}")


@pytest.fixture
def stand(make: Make, stage: Stage) -> Stand:
    stand = make(stage)
    event(stand)
    stand.run()
    return stand


@pytest.fixture
def hall(stand: Stand) -> Hall:
    return Hall(stand.desk, "fi/paiva")


def later(stand: Stand, **delta: float) -> None:
    stand.clock.go(**delta)
    stand.run()


def said(stage: Stage) -> list[str]:
    """What is out, the announcement left aside."""
    return [entry.text.partition(": ")[2] for entry in stage.ledger.entries][1:]


def line(hall: Hall, part: str) -> Line:
    return next(one for one in hall.program().lines if one.part == part)


def test_the_programme_has_the_posts_in_the_order_of_their_times(hall: Hall) -> None:
    program = hall.program()
    assert (program.name, program.title, program.starts_at, program.shift) == (
        "fi/paiva",
        "Päivä",
        STARTS,
        timedelta(0),
    )
    assert [(one.label, one.due_at, one.by_hand) for one in program.lines] == [
        ("Avaus", STARTS, False),
        ("Puhe", STARTS + timedelta(hours=1), False),
        ("Loppu", STARTS + timedelta(hours=2), False),
        ("Kysymys", None, True),
    ]
    assert line(hall, "puhe").text == "Päivä: Puhe alkaa."


def test_the_hall_is_found_by_its_slug_and_its_file_too(stand: Stand) -> None:
    for told in ("paiva", "fi/paiva", "content/events/paiva.md"):
        assert Hall(stand.desk, told).program().name == "fi/paiva"


def test_what_is_no_live_event_has_no_hall(stand: Stand) -> None:
    stand.put("uutinen", "Uutinen")
    stand.put("events/ohjelma.md", "Ohjelma", more="starts_at: 2026-12-01 09:00")
    stand.run()
    for told, why in (("fi/none", "no event"), ("fi/uutinen", "no live event"), ("fi/ohjelma", "no live event")):
        with pytest.raises(Refused, match=why):
            Hall(stand.desk, told)


def test_a_file_that_is_being_written_is_what_it_was(stand: Stand, hall: Hall) -> None:
    stand.put("events/paiva.md", "Rikki", "---", more="live: true\nstarts_at: soon")
    assert hall.program().title == "Päivä"
    assert Hall(stand.desk, "fi/paiva").program().title == "Päivä"


def test_a_post_is_fired_once_however_often_the_key_is_pressed(stand: Stand, hall: Hall, stage: Stage) -> None:
    first = hall.fire("kysymys", stand.maija, "press-1")
    assert line(hall, "kysymys").fired
    assert hall.fire("kysymys", stand.maija, "press-1") == first
    stand.work()
    assert hall.fire("kysymys", stand.maija, "press-1") == first
    stand.work()
    assert said(stage) == ["Yleisö kysyy."]
    with pytest.raises(Refused, match="published already"):
        hall.fire("kysymys", stand.maija, "press-2")


def test_a_post_that_has_a_time_is_fired_ahead_of_it_and_not_again_then(stand: Stand, hall: Hall, stage: Stage) -> None:
    hall.fire("puhe", stand.maija, "a")
    stand.work()
    later(stand, hours=3)
    assert said(stage) == ["Puhe alkaa.", "Ovet ovat auki.", "Kiitos!"]


def test_nobody_fires_what_is_not_there(stand: Stand, hall: Hall) -> None:
    for act in (hall.fire, hall.skip):
        for part in ("main", "lounas", ""):
            with pytest.raises(Refused, match="has no post"):
                act(part, stand.maija, "a")


def test_what_was_left_out_stays_out_until_it_is_fired(stand: Stand, hall: Hall, stage: Stage) -> None:
    told = hall.skip("avaus", stand.maija, "a")
    assert hall.skip("avaus", stand.maija, "a") == told
    later(stand, hours=1)
    assert said(stage) == []
    hall.fire("avaus", stand.maija, "b")
    stand.work()
    assert said(stage) == ["Ovet ovat auki."]
    with pytest.raises(Refused, match="only what has not gone out"):
        hall.skip("avaus", stand.maija, "c")


def test_what_failed_is_tried_again_by_firing(stand: Stand, hall: Hall, stage: Stage) -> None:
    stage.next(Rejected("Too rude."), times=2)  # as an answer, and by itself
    later(stand, hours=1)
    assert line(hall, "avaus").state == "failed"
    assert "Too rude" in line(hall, "avaus").error
    hall.fire("avaus", stand.maija, "a")
    stand.work()
    assert said(stage) == ["Ovet ovat auki."]


def test_what_is_on_its_way_or_in_doubt_is_not_fired_again(stand: Stand, hall: Hall, stage: Stage) -> None:
    stage.lag = stage.settle = timedelta(hours=9)
    stage.next(Uncertain("The network is gone."), accepted=True)
    later(stand, hours=1)
    assert line(hall, "avaus").state == "publishing"
    for act in (hall.fire, hall.skip):
        with pytest.raises(Refused, match="publishing"):
            act("avaus", stand.maija, "a")
    assert said(stage) == ["Ovet ovat auki."]


def test_the_hall_runs_late_and_everything_moves_once(stand: Stand, hall: Hall, stage: Stage) -> None:
    twenty = timedelta(minutes=20)
    told = hall.late(twenty, stand.maija, "a")
    assert hall.late(twenty, stand.maija, "a") == told
    assert hall.program().shift == twenty
    assert line(hall, "puhe").due_at == STARTS + timedelta(hours=1) + twenty
    later(stand, hours=1)
    assert said(stage) == []
    later(stand, minutes=20)
    assert said(stage) == ["Ovet ovat auki."]
    hall.late(-twenty, stand.maija, "b")
    assert hall.program().shift == timedelta(0)
    assert line(hall, "avaus").state == "published"
    assert line(hall, "puhe").due_at == STARTS + timedelta(hours=1)


def test_reading_the_file_again_does_not_undo_the_shift_and_a_new_start_does(stand: Stand, hall: Hall) -> None:
    hall.late(timedelta(minutes=20), stand.maija)
    event(stand, body=SECTIONS.replace("Puhe alkaa.", "Puhe alkaa nyt."))
    stand.run()
    assert line(hall, "puhe").due_at == STARTS + timedelta(hours=1, minutes=20)
    event(stand, timedelta(hours=2))
    stand.run()
    assert hall.program().shift == timedelta(0)
    assert line(hall, "puhe").due_at == STARTS + timedelta(hours=2)


def test_what_was_fired_does_not_move_with_the_hall(stand: Stand, hall: Hall, stage: Stage) -> None:
    hall.fire("puhe", stand.maija)
    hall.late(timedelta(hours=5), stand.maija)
    stand.work()
    assert said(stage) == ["Puhe alkaa."]


def test_what_was_held_for_lateness_comes_back_where_the_hall_is_late(stand: Stand, hall: Hall, stage: Stage) -> None:
    stand.clock.go(hours=6)
    stand.look()
    stand.work()
    assert {line(hall, part).state for part in ("avaus", "puhe", "loppu")} == {"held"}
    hall.late(timedelta(hours=4), stand.maija)
    assert [line(hall, part).state for part in ("avaus", "puhe", "loppu")] == ["held", "held", "planned"]
    hall.late(timedelta(hours=3), stand.maija)
    assert [line(hall, part).state for part in ("avaus", "puhe", "loppu")] == ["planned"] * 3
    later(stand, hours=2)
    assert said(stage) == ["Ovet ovat auki."]


def test_an_event_moves_a_week_at_most(stand: Stand, hall: Hall) -> None:
    hall.late(timedelta(days=6), stand.maija)
    with pytest.raises(Refused, match="starts_at"):
        hall.late(timedelta(days=2), stand.maija)
    assert hall.program().shift == timedelta(days=6)


def test_the_event_is_moved_to_a_time_once(stand: Stand, hall: Hall) -> None:
    to = STARTS + timedelta(minutes=35)
    assert hall.move(to, stand.maija, "a") == hall.move(to, stand.maija, "a")
    assert hall.program().shift == timedelta(minutes=35)
    hall.move(STARTS, stand.maija, "b")
    assert hall.program().shift == timedelta(0)


def test_a_fresh_post_goes_out_once_in_the_thread(stand: Stand, hall: Hall, stage: Stage) -> None:
    later(stand, hours=1)
    told = hall.say("Sali on täynnä!", stand.maija, "press-1")
    assert hall.say("Sali on täynnä!", stand.maija, "press-1") == told
    assert line(hall, "press-1").fresh
    stand.work()
    later(stand, hours=3)
    assert said(stage) == ["Ovet ovat auki.", "Sali on täynnä!", "Puhe alkaa.", "Kiitos!"]
    assert stage.ledger.entries[2].parent == stage.ledger.entries[1].remote_id


def test_a_fresh_post_has_a_time_if_it_is_given_one_and_moves_along(stand: Stand, hall: Hall, stage: Stage) -> None:
    hall.say("Kahvia.", stand.maija, "kahvi", at=STARTS + timedelta(minutes=30))
    hall.late(timedelta(minutes=10), stand.maija)
    assert line(hall, "kahvi").due_at == STARTS + timedelta(minutes=40)
    later(stand, hours=1, minutes=10)
    assert said(stage) == ["Ovet ovat auki."]
    later(stand, minutes=30)
    assert said(stage) == ["Ovet ovat auki.", "Kahvia."]


def test_a_fresh_post_outlives_every_reading_of_the_file(stand: Stand, hall: Hall, stage: Stage) -> None:
    hall.say("Kahvia.", stand.maija, "kahvi", at=STARTS + timedelta(minutes=30))
    event(stand, body=SECTIONS.replace("Kiitos!", "Kiitos kaikille!"))
    stand.look()
    stand.restart()
    later(stand, hours=1, minutes=30)
    assert said(stage) == ["Ovet ovat auki.", "Kahvia."]


def test_presses_that_arrive_together_are_one(stand: Stand, hall: Hall, stage: Stage) -> None:
    answers: list[str] = []
    doors = threading.Barrier(4)

    def press() -> None:
        doors.wait()
        answers.append(hall.say("Nyt!", stand.maija, "press-1"))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stand.work()
    assert said(stage) == ["Nyt!"]
    assert len(set(answers)) == 1
    assert len(answers) == 4


@pytest.mark.parametrize("name", ["Isot", "väli", "a b", "main", "7", "x" * 65, "../up", "a:b"])
def test_a_name_that_can_name_no_post_is_refused(stand: Stand, hall: Hall, name: str) -> None:
    with pytest.raises(Refused, match="can't name a post"):
        hall.say("Hei.", stand.maija, name)


def test_a_name_that_is_taken_is_refused(stand: Stand, hall: Hall) -> None:
    with pytest.raises(Refused, match="called 'puhe' already"):
        hall.say("Hei.", stand.maija, "puhe")


def test_where_one_of_two_channels_failed_firing_and_skipping_are_about_that_one(make: Make, stage: Stage) -> None:
    other = Stage("other", stage.clock)
    stand = make(stage, other)
    event(stand)
    stand.run()
    other.next(Rejected("Too rude."), times=4)
    later(stand, hours=1)
    hall = Hall(stand.desk, "fi/paiva")
    assert [one.state for one in hall.program().lines if one.part == "avaus"] == ["published", "failed"]
    hall.fire("avaus", stand.maija, "a")
    stand.work()
    hall.skip("avaus", stand.maija, "b")
    assert [one.state for one in hall.program().lines if one.part == "avaus"] == ["published", "skipped"]
    assert said(stage) == ["Ovet ovat auki."]


def test_each_act_is_written_down_once_with_who_did_it(stand: Stand, hall: Hall) -> None:
    before = len(stand.audit())
    for _ in range(2):
        hall.fire("kysymys", stand.maija, "a")
        hall.skip("loppu", stand.maija, "b")
        hall.late(timedelta(minutes=5), stand.maija, "c")
        hall.say("Hei.", stand.maija, "d")
    assert [(row.act, row.by) for row in stand.audit()[before:]] == [
        (act, "Maija") for act in ("fire", "skip", "shift", "fresh post")
    ]


def test_firing_is_no_way_around_an_approval(make: Make, stage: Stage) -> None:
    stand = make(stage, approval="true")
    event(stand)
    stand.run()
    hall = Hall(stand.desk, "fi/paiva")
    hall.fire("kysymys", stand.maija, "a")
    stand.work()
    assert stage.ledger.entries == []
    with pytest.raises(Refused, match="approv"):
        hall.fire("kysymys", stand.maija, "b")


@pytest.fixture
def desk(tmp_path: Path) -> Typist:
    one = typist(tmp_path / "ws")
    one.writes(
        "events/paiva.md", body=SECTIONS, publish_at=wall(minutes=-5), starts_at=wall(minutes=30), live="true",
        channels="[x]", hashtags="[Päivä]",
    )  # fmt: skip
    one.types("plan")
    return one


@pytest.fixture
def real(desk: Typist) -> Desk:
    return assemble(load(desk.root, {}))


def maija(desk: Desk) -> Person:
    return Person("Maija", desk.clock())


def photo(path: Path) -> Path:
    Picture.new("RGB", (40, 30), "teal").save(path)
    return path


def test_what_is_typed_is_counted_as_it_would_be_sent_and_nothing_is_kept(real: Desk) -> None:
    hall = Hall(real, "fi/paiva")
    before = hall.program()
    [message] = hall.draft("Katso example.com/aivan/pitka/osoite")
    assert (message.length, message.limit) == (6 + 23 + 2 + 6, 280)
    assert message.text == "Katso example.com/aivan/pitka/osoite\n\n#Päivä"
    assert hall.program() == before
    real.close()


def test_a_text_that_is_too_long_or_empty_is_refused_and_says_why(real: Desk, desk: Typist) -> None:
    hall = Hall(real, "fi/paiva")
    who = maija(real)
    for text, why in (("sana " * 80, "280"), ("", "nothing to post")):
        with pytest.raises(Refused, match=why):
            hall.say(text, who)
    assert len(hall.program().lines) == 4
    real.close()


def test_what_is_typed_is_taken_to_the_letter(real: Desk) -> None:
    hall = Hall(real, "fi/paiva")
    hall.say("*tähti* ja # risu", maija(real), "tahti")
    assert line(hall, "tahti").text.startswith("*tähti* ja # risu")
    real.close()


def test_a_photo_from_elsewhere_is_kept_beside_the_event_and_needs_its_words(real: Desk, tmp_path: Path) -> None:
    hall = Hall(real, "fi/paiva")
    own = photo(tmp_path / "Sali 1.JPG")
    with pytest.raises(Refused, match="alternative text"):
        hall.say("Sali.", maija(real), "a", [Image(str(own))])
    hall.say("Sali.", maija(real), "a", [Image(str(own), "Täysi sali.")])
    assert line(hall, "a").pictures == ("Täysi sali.",)
    kept = list((real.workspace.root / "content" / "events" / "paiva").iterdir())
    assert [one.suffix for one in kept] == [".jpg"]
    own.unlink()
    assert line(hall, "a").pictures == ("Täysi sali.",)
    real.close()


def test_a_photo_that_is_not_there_is_refused(real: Desk) -> None:
    hall = Hall(real, "fi/paiva")
    for path in ("none.jpg", "/none.jpg", "../../none.jpg", "~nobody-at-all/none.jpg", "a\0b.jpg"):
        with pytest.raises(Refused):
            hall.say("Sali.", maija(real), "", [Image(path, "Sali.")])
    real.close()


def test_no_file_but_a_picture_is_brought_into_the_workspace(real: Desk, tmp_path: Path) -> None:
    """What lies in content/ may be published one day, and goes into git."""
    hall = Hall(real, "fi/paiva")
    secret = tmp_path / "id_rsa"
    secret.write_text("secret")
    disguised = tmp_path / "key.jpg"
    disguised.write_text("secret")
    for path in (secret, disguised):
        with pytest.raises(Refused):
            hall.say("Sali.", maija(real), "", [Image(str(path), "Sali.")])
    assert not (real.workspace.root / "content" / "events" / "paiva").exists()
    real.close()
