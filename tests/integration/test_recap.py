"""The draft of the news about an event, made of what was posted there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image as Picture

from channels.markdown import to_text
from channels.piece import Piece
from scheduler.calendar.reading import read
from scheduler.cli.session import person
from scheduler.desk import once, recap
from scheduler.desk.assemble import Desk, assemble
from scheduler.desk.correct import correct
from scheduler.desk.hall import Hall
from scheduler.desk.reader import reading_rules
from scheduler.store import deliveries
from scheduler.workspace import load
from tests.mocks.typist import Typist, typist, wall

BODY = """Tervetuloa.

## +0m Avaus

Ovet ovat auki! Katso https://example.com/a_b ja kerro.

![Täysi [suuri] sali.](kuvat/sali%201.jpg)

## +1m Puhe

Puhe alkaa *nyt*.

## live Kysymys

Yleisö kysyy.

## +5h Loppu

Kiitos!
"""


@pytest.fixture
def desk(tmp_path: Path) -> Typist:
    one = typist(tmp_path / "ws")
    (one.root / "config" / "projects.toml").write_text(
        '[clients.lupa]\nname = "Lupa"\n[projects.ovi]\nname = "Ovi"\nclient = "lupa"\n', "utf-8"
    )
    (one.root / "config" / "audiences.toml").write_text('[audiences.media]\nname = "Media"\n', "utf-8")
    (one.root / "content" / "events" / "kuvat").mkdir(parents=True)
    Picture.new("RGB", (40, 30), "teal").save(one.root / "content" / "events" / "kuvat" / "sali 1.jpg")
    event(one)
    return one


def event(desk: Typist, **more: str) -> Path:
    fields = {
        "title": '"Palvelupäivä: yksi ovi"', "publish_at": wall(minutes=-9), "starts_at": wall(minutes=-5),
        "live": "true", "place": "Sali", "client": "lupa", "project": "ovi", "audiences": "[media]",
        "tags": "[lupa, palvelupäivä]", "hashtags": "[Palvelupäivä, D9]", "channels": "[x]", "body": BODY,
    }  # fmt: skip
    return desk.writes(f"events/{more.pop('name', 'paiva')}.md", **(fields | more))


@pytest.fixture
def out(desk: Typist) -> Iterator[Desk]:
    """Two posts are out, one of them with a photo."""
    desk.types("run", "--once")
    opened = assemble(load(desk.root, {}))
    yield opened
    opened.close()


def written(desk: Typist, path: str) -> Piece:
    found = read((desk.root / path).read_bytes(), path, reading_rules(load(desk.root, {}))).piece
    assert found is not None
    return found


def test_the_recap_is_a_draft_in_the_events_language_about_the_same_things(desk: Typist, out: Desk) -> None:
    path = desk.types("new", "recap", "fi/paiva").stdout.strip()
    assert path.startswith("content/news/20")
    assert path.endswith("-paiva-recap.md")
    piece = written(desk, path)
    assert (piece.id, piece.kind, piece.status) == ("fi/paiva-recap", "news", "draft")
    assert piece.title == "Näin meni: Palvelupäivä: yksi ovi"
    assert (piece.client, piece.project, piece.audiences) == ("lupa", "ovi", ("media",))
    assert piece.tags == ("lupa", "palvelupäivä", "D9")
    assert piece.image is not None
    assert (piece.image.src, piece.image.alt) == ("../events/kuvat/sali%201.jpg", "Täysi [suuri] sali.")
    desk.types("check")


def test_it_holds_what_was_posted_in_order_and_nothing_else(desk: Typist, out: Desk) -> None:
    text = (desk.root / recap.write(out, "fi/paiva")).read_text("utf-8").partition("\n---\n")[2]
    lines = {line.part: line for line in Hall(out, "fi/paiva").program().lines}
    at = [lines[part].published_at for part in ("avaus", "puhe")]
    clocks = [f"**{one.astimezone(out.settings.zone):%H:%M}**" for one in at if one]
    assert text.index(f"{clocks[0]} Ovet ovat auki!") < text.index("Puhe alkaa nyt.")
    assert "](https://example.com/a_b)" in text
    assert "](https://example.org/fi/event/paiva/)" in text
    assert r"![Täysi \[suuri\] sali.](../events/kuvat/sali%201.jpg)" in text
    assert ", Sali" in text
    for never in ("Yleisö kysyy", "Kiitos", "Tervetuloa", "sandbox:"):
        assert never not in text


def test_a_correction_follows_the_post_that_it_corrects(desk: Typist, out: Desk) -> None:
    line = Hall(out, "fi/paiva").program().lines[0]
    correct(out, line.id, person("Maija"), "Ovet ovat vielä kiinni.")
    once.publish(out)
    with out.store.write() as db:
        for row in deliveries.queue(db):
            deliveries.move(db, row.id, ("published",), permalink=f"https://x.com/i/status/{row.id}")
    text = (desk.root / recap.write(out, "fi/paiva")).read_text("utf-8")
    first, wrong, last = (text.index(word) for word in ("Ovet ovat auki", "Ovet ovat vielä kiinni", "Puhe alkaa"))
    assert first < wrong < last
    assert text.count(" x](https://x.com/i/status/") == 3
    assert f" x](https://x.com/i/status/{line.id})" in text


def test_a_photo_that_has_changed_since_is_taken_from_what_was_sent(desk: Typist, out: Desk) -> None:
    own = desk.root / "content" / "events" / "kuvat" / "sali 1.jpg"
    sent = own.read_bytes()
    Picture.new("RGB", (40, 30), "red").save(own)
    piece = written(desk, recap.write(out, "fi/paiva"))
    assert piece.image is not None
    shown = (desk.root / "content" / "news" / piece.image.src).resolve()
    assert shown.read_bytes() == sent
    desk.types("check")


def test_nothing_is_overwritten_and_another_name_can_be_given(desk: Typist, out: Desk) -> None:
    path = desk.root / recap.write(out, "fi/paiva")
    path.write_text("mine")
    assert "already there" in desk.types("new", "recap", "fi/paiva", code=1).stderr
    assert path.read_text() == "mine"
    path.unlink()
    other = desk.types("new", "recap", "paiva", "--slug", "toinen").stdout.strip()
    assert written(desk, other).id == "fi/toinen"


def test_of_an_event_with_nothing_posted_there_is_no_recap(desk: Typist) -> None:
    event(desk, starts_at=wall(hours=5))
    for told in ("fi/paiva", "fi/none"):
        result = desk.types("new", "recap", told, code=1)
        assert result.stdout == ""
    assert "Nothing of fi/paiva has been posted" in desk.types("new", "recap", "fi/paiva", code=1).stderr
    assert list((desk.root / "content" / "news").glob("*recap*")) == []


@pytest.mark.parametrize(("lang", "title"), [("sv", "Så gick det: Dagen"), ("en", "How it went: Dagen")])
def test_the_title_is_in_the_events_language(desk: Typist, lang: str, title: str) -> None:
    event(desk, name="dagen", lang=lang, title="Dagen")
    desk.types("run", "--once")
    path = desk.types("new", "recap", f"{lang}/dagen").stdout.strip()
    assert (written(desk, path).title, written(desk, path).lang) == (title, lang)
    desk.types("check")


def test_a_recap_takes_nothing_else(desk: Typist) -> None:
    assert "--slug" in desk.types("new", "recap", "fi/paiva", "--lang", "sv", code=2).stderr


WORDS = st.lists(
    st.sampled_from(
        ["# otsikko", "#Tunniste", "*tähti*", "__ala__", "[linkki](osoite)", "![kuva](x)", "<b>", "&amp;", "&lt;", "`koodi`",
         "- yksi", "1. yksi", "12) kaksi", "> sanoi", "+ plus", ": selitys", "| a | b |", "\\", "{{ x }}", "a", "\n", "\n\n",
         "==", "https://example.com/a_b", "example.com"]
    ),
    min_size=1,
)  # fmt: skip


@given(WORDS)
@example(["a", "\n", ": selitys"])
@example(["a", "\n", "=="])
def test_what_was_posted_reads_the_same_in_the_recap(words: list[str]) -> None:
    text = "\n".join(line.strip() for line in " ".join(words).split("\n"))
    shown = to_text(f"**09:05** {recap.escaped(text)}")
    assert shown.split() == ["09:05", *text.split()]
