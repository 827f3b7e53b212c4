"""`julki live`: one thing at a time for scripts, and the full screen, down to the size of a phone's."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from rich.cells import cell_len
from sqlalchemy import select as query
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from scheduler.cli.session import person
from scheduler.cli.stage import pulse, telling
from scheduler.cli.stage.app import StageApp
from scheduler.cli.stage.ask import Ask, Choose, Late, Page
from scheduler.cli.stage.board import Board
from scheduler.cli.stage.composer import Composer
from scheduler.cli.stage.drafts import Draft, Drafts, fresh
from scheduler.cli.stage.listing import Listing
from scheduler.cli.stage.telling import Post
from scheduler.delivery.acts import Refused
from scheduler.desk.assemble import Desk, assemble
from scheduler.desk.hall import Hall
from scheduler.store import deliveries
from scheduler.store.core import AUDIT
from scheduler.store.lock import Lock
from scheduler.workspace import load
from tests.mocks.typist import Typist, typist, wall

PHONE, DESK = (40, 20), (120, 40)
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
BODY = """Tervetuloa.

## +0m Avaus

Ovet ovat auki.

## +1h Puhe 👩‍👩‍👧‍👦 ja 🇫🇮

Puhe alkaa.

![Täysi sali.](sali.jpg)

## live Kysymys

Yleisö kysyy.

## +2h Loppu, jonka nimi on niin pitkä, ettei se mahdu yhdelle riville missään puhelimessa

Kiitos!
"""
Step = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _heard_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests have steady thumbs."""
    monkeypatch.setattr(Ask, "UNHEARD", 0.0)


@pytest.fixture
def desk(tmp_path: Path) -> Typist:
    one = typist(tmp_path / "ws")
    Picture.new("RGB", (40, 30), "teal").save(one.root / "content" / "events" / "sali.jpg")
    event(one)
    one.types("plan")
    return one


def event(desk: Typist, name: str = "paiva", **more: str) -> Path:
    fields = {
        "title": f"Palvelupäivä {name}", "publish_at": wall(minutes=-9), "starts_at": wall(minutes=30),
        "ends_at": wall(hours=5), "live": "true", "channels": "[x]", "body": BODY,
    }  # fmt: skip
    return desk.writes(f"events/{name}.md", **(fields | more))


@pytest.fixture
def real(desk: Typist) -> Iterator[Desk]:
    found = assemble(load(desk.root, {}))
    yield found
    found.close()


@pytest.fixture
def hall(real: Desk) -> Hall:
    return Hall(real, "fi/paiva")


# one thing at a time


def test_the_programme_is_printed_where_nobody_watches(desk: Typist) -> None:
    for words in (("live", "fi/paiva"), ("live", "--list"), ("live",)):
        told = desk.types(*words)
        assert "Palvelupäivä paiva: on time" in told.stdout
        assert "Europe/Helsinki" in told.stdout
        assert "Sandbox: x" in told.stdout
        assert re.search(r"^\d\d:\d\d +avaus +x +○ planned +Ovet ovat auki\.", told.stdout, re.M)
        assert re.search(r"^ +kysymys +x +○ by hand", told.stdout, re.M)
        assert "Nothing is running now" in told.stderr


def test_the_programme_as_a_document(desk: Typist) -> None:
    rows = desk.reads("live", "fi/paiva", "--json")
    assert [row["part"] for row in rows][-1] == "kysymys"
    one = rows[1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["due_at"])
    assert (one["pictures"], one["state"], one["by_hand"], one["fired"]) == (["Täysi sali."], "planned", False, False)
    assert set(one) == {
        "id", "part", "label", "channel", "state", "by_hand", "fired", "fresh", "text", "length", "limit", "due_at",
        "published_at", "pictures", "permalink", "error",
    }  # fmt: skip


def test_each_act_counts_once_under_one_name(desk: Typist) -> None:
    starts = next(row["due_at"] for row in desk.reads("live", "--json") if row["part"] == "avaus")
    for _ in range(2):
        desk.types("live", "--fire", "kysymys", "--tap", "t1")
        desk.types("live", "paiva", "--late", "20m", "--tap", "t2")
        desk.types("live", "--say", "Kahvia!", "--tap", "t3")
        desk.types("live", "--say", "Kohta jatkuu.", "--at", wall(minutes=70), "--tap", "t4")
    desk.types("run", "--once")
    rows = {row["part"]: row for row in desk.reads("live", "--json")}
    assert datetime.fromisoformat(rows["avaus"]["due_at"]) == datetime.fromisoformat(starts) + timedelta(minutes=20)
    assert {part: rows[part]["state"] for part in ("kysymys", "t3", "t4")} == {
        "kysymys": "published", "t3": "published", "t4": "planned",
    }  # fmt: skip
    outbox = "".join(path.read_text("utf-8") for path in (desk.root / "var").rglob("*.jsonl"))
    assert (outbox.count("Yleisö kysyy"), outbox.count("Kahvia!")) == (1, 1)


def test_the_hall_may_be_early_be_moved_to_a_time_and_leave_posts_out(desk: Typist) -> None:
    assert "5m early" in desk.types("live", "--late", "-5m").stdout
    assert "2h late" in desk.types("live", "--start", moved(desk, hours=2)).stdout
    desk.types("live", "--skip", "avaus")
    assert {row["part"]: row["state"] for row in desk.reads("live", "--json")}["avaus"] == "skipped"


def moved(desk: Typist, **by: float) -> str:
    file = (desk.root / "content" / "events" / "paiva.md").read_text("utf-8")
    found = re.search(r"^starts_at: (.*)Z$", file, re.M)
    assert found
    return f"{datetime.fromisoformat(found[1]) + timedelta(**by):%Y-%m-%d %H:%M:%S}Z"


def test_a_fresh_post_takes_photos_with_their_words(desk: Typist, tmp_path: Path) -> None:
    own = tmp_path / "oma.png"
    Picture.new("RGB", (40, 30), "red").save(own)
    photos = ("--photo", "sali.jpg", "--alt", "Täysi sali.", "--photo", str(own))
    assert "alternative text" in desk.types("live", "--say", "Sali", "--tap", "a", *photos, code=1).stderr
    desk.types("live", "--say", "Sali", "--tap", "a", *photos, "--alt", "Punaista.")
    assert {row["part"]: row["pictures"] for row in desk.reads("live", "--json")}["a"] == ["Täysi sali.", "Punaista."]


@pytest.mark.parametrize(
    "words",
    [
        ("--fire", "a", "--skip", "b"),
        ("--list", "--late", "5m"),
        ("--json", "--fire", "a"),
        ("--late", "soon"),
        ("--start", "noon"),
        ("--at", "2026-11-30 09:20"),
        ("--tap", "a"),
        ("--say", "Hei", "--alt", "Sali."),
        ("--say", "Hei", "--at", "later"),
    ],
)
def test_wrong_usage_is_told(desk: Typist, words: tuple[str, ...]) -> None:
    result = desk.types("live", "fi/paiva", *words, code=2)
    assert "Error: " in result.stderr
    assert result.stdout == ""


def test_what_can_not_be_done_is_told(desk: Typist) -> None:
    for words in (
        ("live", "fi/none"),
        ("live", "--fire", "lounas"),
        ("live", "--late", "9d"),
        ("live", "--say", "x" * 400),
    ):
        result = desk.types(*words, code=1)
        assert result.stdout == ""
        assert result.stderr.strip().endswith((".", "--list"))


def test_which_event_is_meant_where_none_is_named(desk: Typist) -> None:
    event(desk, "nyt", starts_at=wall(minutes=-60), publish_at=wall(hours=-2))
    event(desk, "ohi", starts_at=wall(hours=-9), ends_at=wall(hours=-8), publish_at=wall(hours=-10), body="A.")
    event(desk, "luonnos", starts_at=wall(minutes=-60), status="draft")
    assert "Palvelupäivä nyt" in desk.types("live").stdout
    event(desk, "nytkin", starts_at=wall(minutes=-50), publish_at=wall(hours=-2))
    listed = desk.types("live")
    assert [line.split()[2] for line in listed.stdout.splitlines()[1:]] == ["fi/nyt", "fi/nytkin", "fi/paiva"]
    assert "julki live fi/nyt" in listed.stderr
    for words in (("--json",), ("--late", "5m")):
        assert "which event" in desk.types("live", *words, code=2).stderr


def test_without_a_live_event_it_says_what_makes_one(tmp_path: Path) -> None:
    one = typist(tmp_path / "ws")
    assert "live: true" in one.types("live", code=1).stderr


def test_no_other_command_loads_the_screen(desk: Typist) -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from scheduler.cli.main import app;"
        f"done = CliRunner().invoke(app, ['live', '--list', '--workspace', {str(desk.root)!r}]);"
        "assert done.exit_code == 0, done.output; print(sorted(one for one in sys.modules if one.startswith('textual')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


# the screen


def played(hall: Hall, step: Step, size: tuple[int, int] = PHONE, by: str = "Maija") -> StageApp:
    """Open the screen, do `step`, close it."""
    app = StageApp(hall, by, Drafts(hall.desk.workspace.var / "drafts"))

    async def play() -> None:
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: isinstance(app.screen, Board | Choose) and bool(listing(app).posts))
            await step(pilot)

    asyncio.run(play())
    return app


async def until(pilot: Pilot[None], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline, shown(pilot.app)
        await pilot.pause(0.02)


def board(app: object) -> Board:
    assert isinstance(app, StageApp)
    return next(one for one in app.screen_stack if isinstance(one, Board))


def listing(app: object) -> Listing:
    return board(app).query_one(Listing)


def chosen(app: object) -> Post:
    found = listing(app).chosen
    assert found is not None
    return found


def shown(app: object) -> str:
    """What stands on the screen in front, as lines."""
    assert isinstance(app, StageApp)
    height = app.size.height
    lines = app.screen._compositor.render_strips()  # the only way to see what a person sees
    return "\n".join("".join(segment.text for segment in strip) for strip in lines[:height])


def flat(app: object) -> str:
    """The same as one line: where it wraps depends on the screen."""
    return " ".join(shown(app).split())


def told(app: object, name: str) -> str:
    return str(board(app).query_one(f"#{name}", Static).content)


def choose(app: object, part: str) -> None:
    found = listing(app)
    found.highlighted = [post.part for post in found.posts].index(part)


@SIZES
def test_the_screen_says_what_is_next_what_waits_and_that_nothing_runs(hall: Hall, size: tuple[int, int]) -> None:
    with hall.desk.store.write() as db:
        row = hall.program().lines[1]
        deliveries.move(db, row.id, ("planned",), state="held", reason="late", error="It is too late for this one.")

    async def step(pilot: Pilot[None]) -> None:
        app = pilot.app
        await until(pilot, lambda: "julki run" in flat(app))
        text = shown(app)
        for word in ("Palvelupäivä paiva", "Europe/Helsinki", "on time", "▲ 1 held", "julki run", "Sandbox: x"):
            assert word in flat(app), text
        assert re.search(r"Next in (29|30):\d\d, at \d\d:\d\d: Avaus", flat(app))
        for word in ("○ planned", "○ by hand", "▲ held", "f Fire", "q Quit", "▣"):
            assert word in text, text
        choose(app, row.part)
        await pilot.pause(0.1)
        assert "f sends it now, s leaves it out. x: It is too late" in told(app, "detail")

    played(hall, step, size)


@SIZES
def test_every_line_is_as_wide_as_the_screen_whatever_signs_are_in_it(hall: Hall, size: tuple[int, int]) -> None:
    async def step(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "Quit" in shown(pilot.app) and "FI" in shown(pilot.app))
        lines = shown(pilot.app).splitlines()
        assert {cell_len(line) for line in lines} == {size[0]}
        assert len(lines) == size[1]
        assert "\u200d" not in shown(pilot.app)
        assert "Puhe 👩 ja FI" in shown(pilot.app)

    played(hall, step, size)


def test_the_second_tap_of_a_shaky_thumb_is_no_answer(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ask, "UNHEARD", 60.0)

    async def step(pilot: Pilot[None]) -> None:
        choose(pilot.app, "kysymys")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Ask))
        await pilot.press("enter", "enter", "y")
        assert isinstance(pilot.app.screen, Ask)
        await pilot.press("escape")

    played(hall, step)
    assert "fire" not in [row.act for row in audit(hall)]


@SIZES
@pytest.mark.parametrize("presses", [("enter", "enter"), ("f", "enter", "enter", "enter"), ("f", "y", "enter")])
def test_a_post_is_fired_once_however_often_enter_is_pressed(
    hall: Hall, size: tuple[int, int], presses: tuple[str, ...]
) -> None:
    async def step(pilot: Pilot[None]) -> None:
        choose(pilot.app, "kysymys")
        await pilot.press(*presses)
        await until(pilot, lambda: chosen(pilot.app).fired)
        assert "◐ going out" in telling.standing(chosen(pilot.app))

    played(hall, step, size)
    assert [row.act for row in audit(hall)].count("fire") == 1
    with hall.desk.store.read() as db:
        assert all(row.state == "planned" for row in deliveries.queue(db) if row.part == "kysymys")


def audit(hall: Hall) -> list[Any]:
    with hall.desk.store.read() as db:
        return list(db.execute(query(AUDIT.c.act, AUDIT.c.by).order_by(AUDIT.c.id)))


@SIZES
def test_what_is_asked_can_be_left_and_skipping_asks_too(hall: Hall, size: tuple[int, int]) -> None:
    async def step(pilot: Pilot[None]) -> None:
        choose(pilot.app, "avaus")
        await pilot.press("f")
        await until(pilot, lambda: "Fire 'Avaus' now?" in flat(pilot.app))
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Board)
        await pilot.press("s")
        await until(pilot, lambda: "Leave out 'Avaus'?" in flat(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: "does not go out" in told(pilot.app, "notice"))
        await until(pilot, lambda: "– skipped" in shown(pilot.app))

    played(hall, step, size)
    assert [row.act for row in audit(hall)][-1:] == ["skip"]


@SIZES
@pytest.mark.parametrize(("presses", "minutes"), [(("2", "0", "enter"), 20), (("minus", "5", "enter"), -5)])
def test_the_hall_runs_late_after_saying_what_moves(
    hall: Hall, size: tuple[int, int], presses: tuple[str, ...], minutes: int
) -> None:
    async def step(pilot: Pilot[None]) -> None:
        await pilot.press("l")
        assert isinstance(pilot.app.screen, Late)
        await pilot.press(*presses)
        await until(pilot, lambda: "3 posts move: 'Avaus' from" in flat(pilot.app))
        assert f"{abs(minutes)} min {'later' if minutes > 0 else 'earlier'}" in flat(pilot.app)
        await pilot.press("enter")
        await until(
            pilot, lambda: f"{abs(minutes)} min {'late' if minutes > 0 else 'early'}" in told(pilot.app, "clock")
        )

    played(hall, step, size)
    assert hall.program().shift == timedelta(minutes=minutes)


def test_it_is_told_what_moves_before_it_does(hall: Hall) -> None:
    hall.say("Nyt heti.", person("Maija"), "nyt")
    hall.fire("loppu-jonka-nimi-on-niin-pitka-ettei-se-mahdu-yhdelle-riville-missaan-puhelimessa", person("Maija"))
    hall.skip("avaus", person("Maija"))
    now, zone, by = hall.desk.clock(), hall.desk.settings.zone, timedelta(minutes=20)
    asked = telling.moved(telling.posts(hall.program()), by, now, zone)
    assert "1 post moves: 'Puhe 👩 ja FI' from" in asked
    assert hall.late(by, person("Maija")).startswith("1 post is moved")
    hall.skip(next(line.part for line in hall.program().lines if line.part.startswith("puhe")), person("Maija"))
    assert "No post that has a time" in telling.moved(telling.posts(hall.program()), -by, now, zone)


def test_no_number_is_no_shift(hall: Hall) -> None:
    async def step(pilot: Pilot[None]) -> None:
        for told in ("", "-", "0", "99999"):
            await pilot.press("l", *(("minus" if one == "-" else one) for one in told), "enter")
            assert isinstance(pilot.app.screen, Late)
            await until(pilot, lambda: "Write a number of minutes" in flat(pilot.app))
            await pilot.press("escape")

    played(hall, step)
    assert hall.program().shift == timedelta(0)


@SIZES
def test_everything_can_be_done_by_tapping(hall: Hall, size: tuple[int, int]) -> None:
    def place(pilot: Pilot[None], word: str) -> tuple[int, int] | None:
        lines = reversed(list(enumerate(shown(pilot.app).splitlines())))
        return next(((x, y) for y, line in lines if (x := line.find(word)) >= 0), None)

    async def tap(pilot: Pilot[None], word: str) -> None:
        """As a person does it, who sees where it is first."""
        seen: list[tuple[int, int] | None] = [None]

        def still() -> bool:
            seen.append(place(pilot, word))
            return seen[-1] is not None and len(seen) > 4 and len(set(seen[-4:])) == 1

        await until(pilot, still)
        await pilot.click(offset=seen[-1] or (0, 0))
        await pilot.pause(0.05)

    async def step(pilot: Pilot[None]) -> None:
        app = pilot.app
        await tap(pilot, "Kysymys")
        assert chosen(app).part == "kysymys"
        assert isinstance(app.screen, Board)
        await tap(pilot, "Kysymys")
        assert isinstance(app.screen, Ask)
        await tap(pilot, "Yes")
        await until(pilot, lambda: isinstance(app.screen, Board) and bool(told(app, "notice")))
        await tap(pilot, "Late")
        await tap(pilot, "10 min")
        await tap(pilot, "Yes")
        await until(pilot, lambda: "10 min late" in told(app, "clock"))
        await tap(pilot, "Help")
        assert isinstance(app.screen, Page)
        await tap(pilot, "Back")
        await tap(pilot, "Quit")

    played(hall, step, size)
    assert [row.act for row in audit(hall)][-2:] == ["fire", "shift"]


def test_what_is_chosen_stays_chosen_while_others_come_and_go(hall: Hall) -> None:
    async def step(pilot: Pilot[None]) -> None:
        choose(pilot.app, "kysymys")
        hall.say("Kahvia!", person("Tuomas"), "kahvi")
        await until(pilot, lambda: "Kahvia!" in [post.label for post in listing(pilot.app).posts])
        assert chosen(pilot.app).part == "kysymys"

    played(hall, step)


# writing


async def composing(pilot: Pilot[None], text: str = "") -> Composer:
    if not isinstance(pilot.app.screen, Composer):
        await pilot.press("n")
    composer = pilot.app.screen
    assert isinstance(composer, Composer)
    composer.query_one(TextArea).insert(text)
    await pilot.pause(0.05)
    return composer


def count(composer: Composer) -> str:
    return str(composer.query_one("#count", Static).content)


def trouble(composer: Composer) -> str:
    """What is in the way, and what came of sending it."""
    return "\n".join(str(composer.query_one(name, Static).content) for name in ("#trouble", "#answer")).strip()


@SIZES
def test_a_post_is_counted_while_it_is_typed_and_sent_once(hall: Hall, size: tuple[int, int]) -> None:
    async def step(pilot: Pilot[None]) -> None:
        await pilot.press("n", *"Hei 1")
        composer = await composing(pilot)
        await until(pilot, lambda: count(composer) == "x: 5 of 280")
        await pilot.press("ctrl+s", "ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Board))
        await until(pilot, lambda: "goes out now" in told(pilot.app, "notice"))
        await until(pilot, lambda: "Hei 1" in [post.label for post in listing(pilot.app).posts])

    played(hall, step, size)
    assert [line.text for line in hall.program().lines if line.fresh] == ["Hei 1"]
    assert Drafts(hall.desk.workspace.var / "drafts").of("fi/paiva", "Maija") == []


@SIZES
def test_what_is_too_long_is_told_and_stays_where_it_is(hall: Hall, size: tuple[int, int]) -> None:
    text = "sana " * 80 + "loppu"

    async def step(pilot: Pilot[None]) -> None:
        composer = await composing(pilot, text)
        await until(pilot, lambda: count(composer) == "x: 405 of 280")
        assert "405 characters" in trouble(composer)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Your text is kept" in trouble(composer))
        assert composer.query_one(TextArea).text == text
        await pilot.resize_terminal(30, 10)
        await until(pilot, lambda: "Ctrl+S" in shown(pilot.app))
        await pilot.resize_terminal(100, 30)
        assert composer.query_one(TextArea).text == text
        await pilot.press("escape", "d")
        assert isinstance(pilot.app.screen, Board)

    played(hall, step, size)
    assert not [line for line in hall.program().lines if line.fresh]


def test_photos_are_asked_for_their_words_and_looked_for(hall: Hall, tmp_path: Path) -> None:
    own = tmp_path / "oma.png"
    Picture.new("RGB", (40, 30), "red").save(own)

    async def step(pilot: Pilot[None]) -> None:
        composer = await composing(pilot, "Sali.")
        paths, alts = list(composer.query(".path").results(Input)), list(composer.query(".alt").results(Input))
        assert [one.display for one in paths] == [True, False, False, False]
        for told, why in (
            ("none.jpg", "x: none.jpg"),
            ("/etc/passwd", "x: /etc/passwd"),
            (str(own), "alternative text"),
        ):
            paths[0].value = told
            await until(pilot, lambda why=why: why in trouble(composer))
        alts[0].value = "Punaista."
        await until(pilot, lambda: not trouble(composer))
        assert [one.display for one in paths] == [True, True, False, False]
        paths[1].value, alts[1].value = "sali.jpg", "Täysi sali."
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Board))

    played(hall, step)
    assert [line.pictures for line in hall.program().lines if line.fresh] == [("Punaista.", "Täysi sali.")]


@SIZES
def test_a_text_that_was_left_is_kept_and_offered_again_under_the_same_name(hall: Hall, size: tuple[int, int]) -> None:
    async def leave(pilot: Pilot[None]) -> None:
        await composing(pilot, "Kesken jäi")
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Choose)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Composer)
        await pilot.press("escape", "enter")
        assert isinstance(pilot.app.screen, Board)

    played(hall, leave, size)
    drafts = Drafts(hall.desk.workspace.var / "drafts")
    [draft] = drafts.of("fi/paiva", "Maija")

    async def go_on(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await until(pilot, lambda: "Kesken jäi" in shown(pilot.app))
        await pilot.press("enter")
        composer = await composing(pilot, "!")
        assert composer.now().text == "Kesken jäi!"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Board))

    played(hall, go_on, size)
    assert [(line.part, line.text) for line in hall.program().lines if line.fresh] == [(draft.tap, "Kesken jäi!")]
    assert drafts.of("fi/paiva", "Maija") == []


def test_a_draft_that_went_out_before_the_connection_was_lost_is_not_offered(hall: Hall) -> None:
    drafts = Drafts(hall.desk.workspace.var / "drafts")
    draft = Draft("fi/paiva", "Maija", "a1", "Ulkona jo")
    drafts.keep(draft)
    hall.say(draft.text, person("Maija"), draft.tap)

    async def step(pilot: Pilot[None]) -> None:
        await pilot.pause(0.2)
        assert isinstance(pilot.app.screen, Board)

    played(hall, step)
    assert drafts.of("fi/paiva", "Maija") == []


# trouble


def test_a_locked_database_keeps_the_text_and_the_same_press_sends_it_later(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    say, calls = Hall.say, []

    def busy(self: Hall, *arguments: Any, **named: Any) -> str:
        calls.append(arguments[2])
        if len(calls) == 1:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return say(self, *arguments, **named)

    monkeypatch.setattr(Hall, "say", busy)

    async def step(pilot: Pilot[None]) -> None:
        composer = await composing(pilot, "Hei sali")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "another program holds it locked" in trouble(composer))
        assert composer.query_one(TextArea).text == "Hei sali"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, Board))

    played(hall, step)
    assert calls[0] == calls[1]
    assert [line.text for line in hall.program().lines if line.fresh] == ["Hei sali"]


def test_a_question_is_tried_again_under_the_same_name(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    fire, taps = Hall.fire, []

    def torn(self: Hall, part: str, who: Any, tap: str = "") -> str:
        taps.append(tap)
        told = fire(self, part, who, tap)
        if len(taps) == 1:
            raise OSError("the answer was lost")
        return told

    monkeypatch.setattr(Hall, "fire", torn)

    async def step(pilot: Pilot[None]) -> None:
        choose(pilot.app, "kysymys")
        await pilot.press("f", "enter")
        await until(pilot, lambda: "Enter tries again" in flat(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Board))

    played(hall, step)
    assert taps[0] == taps[1]
    assert [row.act for row in audit(hall)].count("fire") == 1


@SIZES
def test_a_database_that_is_gone_is_a_sentence_and_comes_back(hall: Hall, size: tuple[int, int]) -> None:
    path = hall.desk.store.path
    away = path.with_name("away.db")

    async def step(pilot: Pilot[None]) -> None:
        path.rename(away)
        await until(pilot, lambda: "Put it back" in told(pilot.app, "alert"))
        assert "○ planned" in shown(pilot.app)
        choose(pilot.app, "avaus")
        await pilot.press("f", "enter")
        await until(pilot, lambda: "Enter tries again" in flat(pilot.app))
        await pilot.press("escape")
        away.rename(path)
        await until(pilot, lambda: "Put it back" not in told(pilot.app, "alert"))

    played(hall, step, size)
    assert hall.program().lines[0].state == "planned"


def test_nothing_stops_the_screen_while_the_database_does_not_answer(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, look = threading.Event(), Hall.program

    def slow(self: Hall) -> object:
        answer.wait(20)
        return look(self)

    async def step(pilot: Pilot[None]) -> None:
        monkeypatch.setattr(Hall, "program", slow)
        await pilot.pause(1.2)
        composer = await composing(pilot, "Hei")
        await until(pilot, lambda: count(composer) == "x: 3 of 280")
        await pilot.press("escape", "d", "question_mark")
        assert isinstance(pilot.app.screen, Page)
        answer.set()
        await pilot.press("escape")

    try:
        played(hall, step)
    finally:
        answer.set()


def test_where_the_desk_runs_nothing_is_said_of_it(hall: Hall) -> None:
    lock = Lock(hall.desk.store.path)
    lock.take(datetime.now(UTC), "julki run")
    try:
        assert pulse.look(hall).runs
    finally:
        lock.release()
    assert not pulse.look(hall).runs


def test_what_nobody_foresaw_is_a_sentence_too(hall: Hall) -> None:
    def broken() -> str:
        raise ZeroDivisionError("boom")

    answer = pulse.attempt(hall, broken)
    assert answer.end == "unsettled"
    assert "boom" not in answer.told

    def refused() -> str:
        raise Refused("No.")

    assert pulse.attempt(hall, refused) == pulse.Answer("No.", "refused")


# what is said


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (0, "on time"),
        (20, "20 min late"),
        (-5, "5 min early"),
        (90, "1 h 30 min late"),
        (0.2, "less than a minute off"),
    ],
)
def test_how_late_it_is(minutes: float, told: str) -> None:
    assert telling.running(timedelta(minutes=minutes)) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(-3, "0:00"), (9, "0:09"), (751, "12:31"), (7500, "2:05:00"), (200_000, "2 days")]
)
def test_how_long_it_is_until_then(seconds: float, told: str) -> None:
    assert telling.countdown(timedelta(seconds=seconds)) == told


@given(st.text(st.sampled_from("aä日❤️👩‍🏽🇫🇮1️⃣\u202e\x1b\n\t\u0301é "), max_size=30))
def test_steady_text_is_one_line_that_every_terminal_draws_alike(text: str) -> None:
    shown = telling.steady(text)
    assert not set(shown) & set("\u200d\ufe0f\u20e3\u202e\x1b\n\t")
    assert not any("\U0001f1e6" <= char <= "\U0001f1ff" or "\U0001f3fb" <= char <= "\U0001f3ff" for char in shown[1:])
    assert telling.steady(shown) == shown


@pytest.mark.parametrize("junk", ["", "{", "[]", '{"event": 1}', '{"event": "fi/paiva"}', "[" * 99_999, "\x00"])
def test_what_is_no_draft_is_passed_over(tmp_path: Path, junk: str) -> None:
    drafts = Drafts(tmp_path)
    one = fresh("fi/paiva", "Maija")
    assert drafts.keep(one) == ""
    (tmp_path / "x.json").write_text(junk)
    assert drafts.of("fi/paiva", "Maija") == []
    kept = Draft(one.event, one.by, one.tap, "Hei 👩‍👩‍👧", (("a.jpg", "Sali."),))
    drafts.keep(kept)
    assert drafts.of("fi/paiva", "Maija") == [kept]
    assert drafts.of("fi/paiva", "Tuomas") == drafts.of("fi/toinen", "Maija") == []
    drafts.drop(kept)
    assert drafts.of("fi/paiva", "Maija") == []


# a real terminal


START = "from scheduler.cli.main import app; app()"


class Terminal:
    """`julki live` on a terminal of its own."""

    def __init__(self, root: Path, size: tuple[int, int], **environ: str) -> None:
        pid, self.handle = pty.fork()
        if pid == 0:
            told = {**os.environ, "TERM": "xterm-256color", **environ}
            command = [sys.executable, "-c", START, "live", "--workspace", str(root), "--by", "Maija"]
            os.execvpe(command[0], command, told)  # noqa: S606  no shell is meant
        self.pid = pid
        self.seen = ""
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def wait(self, *words: str) -> None:
        deadline = time.monotonic() + 40
        while not all(word in self.seen for word in words):
            assert time.monotonic() < deadline, self.seen[-2000:]
            if select.select([self.handle], [], [], 0.2)[0]:
                self.seen += os.read(self.handle, 65536).decode("utf-8", "replace")

    def types(self, keys: str) -> None:
        os.write(self.handle, keys.encode())

    def end(self) -> int:
        """Its exit status, as `os.waitpid` gives it."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return status
            try:
                if select.select([self.handle], [], [], 0.1)[0]:
                    os.read(self.handle, 65536)
            except OSError:
                time.sleep(0.05)
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(self.seen[-2000:])


@SIZES
def test_on_a_real_terminal(desk: Typist, size: tuple[int, int]) -> None:
    terminal = Terminal(desk.root, size, NO_COLOR="1")
    terminal.wait("Palvelupäivä", "Avaus", "julki run", "Quit")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.seen)
    terminal.types("q")
    assert terminal.end() == 0
    os.close(terminal.handle)


def test_a_lost_connection_loses_no_word(desk: Typist) -> None:
    terminal = Terminal(desk.root, PHONE)
    terminal.wait("Avaus", "New")
    terminal.types("n")
    terminal.wait("Send now")
    terminal.types("Kesken")
    terminal.wait("6 of 280")
    terminal.types(" jäi")
    os.kill(terminal.pid, signal.SIGHUP)
    status = terminal.end()
    assert os.WIFSIGNALED(status)
    os.close(terminal.handle)
    [draft] = Drafts(desk.root / "var" / "drafts").of("fi/paiva", "Maija")
    assert draft.text.startswith("Kesken")
