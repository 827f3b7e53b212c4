"""A new piece: any title is safe, every field is shown, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scheduler.calendar.draft import AlreadyThere, DraftError, draft, write_new
from scheduler.calendar.reading import Rules, read


def head(text: str) -> dict[str, Any]:
    """The front matter as Julki reads it: every scalar a text."""
    opening, block, _ = text.split("---\n", 2)
    assert opening == ""
    found = yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506 - texts only
    assert isinstance(found, dict)
    return found


def uncommented(text: str) -> dict[str, Any]:
    """The front matter of a writer who takes away every `# ` before a field."""
    block = text.split("---\n", 2)[1].splitlines()
    lines = [row.removeprefix("# ") for row in block if not row.startswith("#   ## ")]
    found = yaml.load("\n".join(lines), Loader=yaml.BaseLoader)  # noqa: S506 - texts only
    assert isinstance(found, dict)
    return found


def test_a_news_piece() -> None:
    path, text = draft("news", "Lupapalvelu uudistui", lang="fi", author="maija", publish_at="2026-11-30 09:00")
    assert path == "content/news/lupapalvelu-uudistui.md"
    assert head(text) == {
        "title": "Lupapalvelu uudistui",
        "status": "draft",
        "lang": "fi",
        "publish_at": "2026-11-30 09:00",
        "authors": ["maija"],
    }
    assert "title: Lupapalvelu uudistui\n" in text


@pytest.mark.parametrize("kind", ["news", "blog", "video", "event"])
def test_every_field_is_shown_and_the_example_reads(kind: str) -> None:
    _, text = draft(kind, "Otsikko", lang="fi")
    shown = uncommented(text)
    assert {"publish_at", "summary", "authors", "tags", "image", "client", "project", "phase", "audiences"} < set(shown)
    assert shown["image"].keys() == {"src", "alt"}
    if kind == "event":
        assert {"starts_at", "ends_at", "place", "hashtags", "live", "thread"} < set(shown)
        assert "## 09:05 " in text
    if kind == "video":
        assert shown["video"].keys() == {"url", "duration", "captions", "transcript"}
    assert head(text).keys() == {"title", "status", "lang"}


@pytest.mark.parametrize("kind", ["news", "blog", "video", "event"])
def test_check_has_nothing_to_say_of_a_new_piece(tmp_path: Path, kind: str) -> None:
    rules = Rules(tmp_path, "Europe/Helsinki", ("fi", "sv"), *[frozenset[str]()] * 2, {}, *[frozenset[str]()] * 2)
    for options in ({}, {"publish_at": "2026-11-30 09:00", "fields": {"summary": "Hei: #1", "tags": ["a, b"]}}):
        path, text = draft(kind, "2026-11-30 Näin: on", lang="sv", default_lang="fi", **options)
        reading = read(text.encode(), path, rules)
        assert [one for one in reading.findings if one.severity == "error"] == []
        assert reading.piece is not None
        assert (reading.piece.title, reading.piece.kind, reading.piece.status) == ("2026-11-30 Näin: on", kind, "draft")
        assert reading.piece.id == "sv/2026-11-30-nain-on"


def test_events_have_their_folder_and_other_languages_theirs() -> None:
    assert draft("event", "Slush", lang="fi", default_lang="fi")[0] == "content/events/slush.md"
    assert draft("event", "Slush", lang="sv", default_lang="fi")[0] == "content/events/sv/slush.md"


def test_what_is_given_stands_as_it_is() -> None:
    fields = {"video_url": "https://v.example/1?a=b#c", "tags": ["a, b", "no", "#x"], "client": "kela"}
    found = head(draft("video", "Näin", lang="fi", fields=fields, note="from\nrow 7", body="Hei\r\n\r\nmaailma\n")[1])
    assert found["video"] == {"url": "https://v.example/1?a=b#c"}
    assert found["tags"] == ["a, b", "no", "#x"]
    assert found["client"] == "kela"
    assert "note" not in found


def test_the_body_follows() -> None:
    text = draft("news", "A", lang="fi", body="Hei\r\n\r\nmaailma\x00\n\n")[1]
    assert text.endswith("---\n\nHei\n\nmaailma\n")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ('He said: "no" # never', "he-said-no-never"),
        ("- a list?", "a-list"),
        ("🎉 Juhla: näin", "juhla-nain"),
        ("null", "null"),
        ("1e3", "1e3"),
        ("2026", "2026"),
        ("{a: b}", "a-b"),
        ("back\\slash 'quote'", "back-slash-quote"),
        ("key: value", "key-value"),
        ("trailing:", "trailing"),
        ("two\nlines\u2028here", "two-lines-here"),
        ("---", None),
        ("🎉", None),
        ("", None),
    ],
)
def test_any_title_comes_back_as_it_was(title: str, slug: str | None) -> None:
    if slug is None:
        with pytest.raises(DraftError, match=r"title"):
            draft("news", title, lang="fi")
        return
    path, text = draft("news", title, lang="fi")
    assert path == f"content/news/{slug}.md"
    assert head(text)["title"] == " ".join(title.split())


@given(st.text(max_size=60))
def test_no_title_breaks_the_front_matter(title: str) -> None:
    fields = {"place": "a" + title, "tags": ["b" + title]}
    _, text = draft("event", "a" + title, lang="fi", slug="x", fields=fields, note=title)
    found = head(text)
    assert found.keys() == {"title", "status", "lang", "place", "tags"} | ({"slug"} & found.keys())
    assert found["title"].startswith("a")
    assert len(found["tags"]) == 1
    assert yaml.safe_load(text.split("---\n", 2)[1])["title"] == found["title"]


def test_a_slug_that_a_file_name_would_lose_is_written() -> None:
    path, text = draft("news", "2026-11-30 uutiset", lang="fi")
    assert path == "content/news/2026-11-30-uutiset.md"
    assert head(text)["slug"] == "2026-11-30-uutiset"
    assert draft("news", "A", lang="fi", slug="Ääni & Työ/../x")[0] == "content/news/aani-tyo-x.md"


def test_long_titles_make_short_names() -> None:
    path, text = draft("news", "sana " * 100, lang="fi")
    assert len(path) < 110
    assert head(text)["title"].startswith("sana sana")


@pytest.mark.parametrize(("kind", "lang"), [("podcast", "fi"), ("news", "../fi"), ("news", "")])
def test_what_cannot_be_a_piece_is_refused(kind: str, lang: str) -> None:
    with pytest.raises(DraftError):
        draft(kind, "A", lang=lang)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(DraftError, match="starts_at"):
        draft("news", "A", lang="fi", fields={"starts_at": "2026-11-30"})


def test_a_new_file_is_written_once(tmp_path: Path) -> None:
    place = write_new(tmp_path, "content/news/deep/ä.md", "yksi\n")
    assert place.read_bytes() == b"yksi\n"
    with pytest.raises(AlreadyThere, match="is already there"):
        write_new(tmp_path, "content/news/deep/ä.md", "kaksi\n")
    assert place.read_bytes() == b"yksi\n"


@pytest.mark.parametrize("path", ["a.md", "content", "../content/a.md", "content/../a.md", "/content/a.md"])
def test_nothing_is_written_outside_content(tmp_path: Path, path: str) -> None:
    with pytest.raises(DraftError):
        write_new(tmp_path, path, "x")


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "ws/content").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "ws/content/news").symlink_to(tmp_path / "out")
    (tmp_path / "ws/content/dangling.md").symlink_to(tmp_path / "out/b.md")
    with pytest.raises(DraftError):
        write_new(tmp_path / "ws", "content/news/a.md", "x")
    with pytest.raises(AlreadyThere):
        write_new(tmp_path / "ws", "content/dangling.md", "x")
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "content").write_text("")
    with pytest.raises(DraftError):
        write_new(tmp_path, "content/news/a.md", "x")
