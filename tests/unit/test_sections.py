"""Event pieces: what is announced, and the live posts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.piece import Event, Image
from scheduler.calendar.reading import Reading, Rules, read

RULES = Rules(Path("/nowhere"), "Europe/Helsinki", ("fi",), frozenset(), frozenset(), {}, frozenset(), frozenset())
HEAD = "title: x\nstarts_at: 2026-11-30 09:00\nends_at: 2026-12-01 16:00\nlive: true"


def event(body: str, head: str = HEAD) -> Reading:
    return read(f"---\n{head}\n---\n{body}\n".encode(), "content/events/paiva.md", RULES)


def programme(reading: Reading) -> Event:
    assert reading.piece is not None, reading.findings
    assert reading.piece.event is not None
    return reading.piece.event


BODY = """\
Welcome!

# Programme

## 09:05 Ovet auki
Doors are open.

## 2026-12-01 10:00 – Toinen päivä ##
![A hall](http://example.org/hall.jpg)
Second day.

![A cake](http://example.org/cake.jpg)

### More

```
## 11:00 not a post
```

## +1h30m Half-way
Half-way.

## live Question
A question."""


def test_sections_become_posts() -> None:
    reading = event(BODY)
    assert reading.findings == ()
    posts = programme(reading).posts
    assert [(post.part, post.label, post.at) for post in posts] == [
        ("ovet-auki", "Ovet auki", datetime(2026, 11, 30, 7, 5, tzinfo=UTC)),
        ("toinen-paiva", "Toinen päivä", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("half-way", "Half-way", datetime(2026, 11, 30, 8, 30, tzinfo=UTC)),
        ("question", "Question", None),
    ]
    assert posts[0].text == "Doors are open."
    assert posts[1].text == "Second day.\n\n### More\n\n```\n## 11:00 not a post\n```"
    assert posts[1].images == (
        Image("http://example.org/hall.jpg", "A hall"),
        Image("http://example.org/cake.jpg", "A cake"),
    )
    assert reading.piece is not None
    assert reading.piece.body == "Welcome!\n\n# Programme"


def test_without_live_no_heading_is_a_post() -> None:
    reading = event("## 09:00 Registration\n\n## Whatever", "title: x\nstarts_at: 2026-11-30 09:00")
    assert reading.findings == ()
    assert programme(reading).posts == ()
    assert reading.piece is not None
    assert "## Whatever" in reading.piece.body


@pytest.mark.parametrize(
    ("heading", "rule"),
    [
        ("## Programme", "section-when"),
        ("## 9.05 Coffee", "section-when"),
        ("##", "section-when"),
        ("## lively talk", "section-when"),
        ("## 09:05", "section-label"),
        ("## live", "section-label"),
        ("## 09:05 Main", "section-label"),
        ("## 09:05 2", "section-label"),
        ("## 25:05 Coffee", "section-time"),
        ("## +1x Coffee", "section-when"),
        ("## +1m1h Coffee", "section-time"),
        ("## 2026-11-31 09:05 Coffee", "section-time"),
        ("## 08:59 Coffee", "section-outside"),
        ("## 2026-12-01 16:01 Coffee", "section-outside"),
        ("## +40h Coffee", "section-outside"),
        ("## 10:00 Ovet  AUKI", "section-duplicate"),
    ],
)
def test_each_bad_section_has_its_rule_and_line(heading: str, rule: str) -> None:
    reading = event(f"Hi\n\n## 09:05 Ovet auki\ntext\n\n{heading}\ntext")
    assert [(one.rule, one.severity, one.line) for one in reading.findings] == [(rule, "error", 12)]
    assert reading.piece is None


def test_a_section_without_text_is_told() -> None:
    assert [one.rule for one in event("## 09:05 A\n\n## 09:10 B\nb").findings] == ["section-empty"]


@pytest.mark.parametrize(
    ("day", "clock", "rule"),
    [("2027-03-28", "03:30", "publish-at-gap"), ("2026-10-25", "03:30", "publish-at-ambiguous")],
)
def test_the_clocks_change_in_sections_too(day: str, clock: str, rule: str) -> None:
    reading = event(f"## {clock} Night\ntext", f"title: x\nstarts_at: {day} 00:30\nlive: true")
    assert [(one.rule, one.line) for one in reading.findings] == [(rule, 6)]


def test_an_event_starts_when_it_is_published_where_nothing_else_is_said() -> None:
    found = programme(
        event("x", "title: x\ndate: 2026-11-30 09:00\nend_date: 2026-11-30 12:00\nhashtags: ['#julki', D9]")
    )
    assert found.starts_at == datetime(2026, 11, 30, 7, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 11, 30, 10, tzinfo=UTC)
    assert found.hashtags == ("julki", "D9")


def test_the_day_is_the_site_s_day() -> None:
    head = "title: x\nstarts_at: 2026-11-30T23:30:00Z\nlive: true"
    posts = programme(event("## 02:00 Night\ntext", head)).posts
    assert posts[0].at == datetime(2026, 12, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(("live", "severity"), [("true", "error"), ("false", "warning")])
def test_an_end_before_the_start_breaks_only_a_live_event(live: str, severity: str) -> None:
    reading = event("x", f"title: x\nstarts_at: 2026-11-30 09:00\nends_at: 2026-11-30 08:00\nlive: {live}")
    assert [(one.rule, one.severity) for one in reading.findings] == [("ends-before-start", severity)]
    assert reading.piece is None or programme(reading).ends_at is None


def test_an_idea_has_no_programme_yet() -> None:
    reading = event("Hi\n\n## 09:05 Opening\ntext", "title: x\nlive: true")
    assert reading.findings == ()
    assert reading.piece is not None
    assert (reading.piece.event, reading.piece.body) == (None, "Hi")
