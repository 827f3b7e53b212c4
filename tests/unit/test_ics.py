"""The calendar for other programmes: what goes out can be read, and what comes in becomes event drafts."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scheduler.calendar.ics import Entry, export_csv, export_ics, import_ics
from scheduler.calendar.rows import Names, pieces
from scheduler.calendar.workbook import SheetError

HELSINKI = ZoneInfo("Europe/Helsinki")
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
NEWS = Entry("u1", "fi/lupa", "Lupa; uusi, hyvä", "news", "website", "main", DUE, "planned")


def events(raw: bytes) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(raw).walk("VEVENT"))


def exported(*entries: Entry) -> list[icalendar.Event]:
    return events(export_ics(entries, "D9", now=NOW, zone=HELSINKI))


def test_a_piece_is_one_entry_with_its_channels() -> None:
    later = replace(NEWS, channel="x", due_at=DUE + timedelta(hours=2), state="held", url="https://x.example/1")
    (found,) = exported(later, NEWS)
    assert found["SUMMARY"] == "Lupa; uusi, hyvä"
    assert found["DTSTART"].dt == DUE
    assert found["DTSTART"].dt.utcoffset() == timedelta(0)
    assert found["UID"] == "u1@julki"
    assert found["STATUS"] == "TENTATIVE"
    assert found["URL"] == "https://x.example/1"
    assert found["DESCRIPTION"].splitlines() == [
        "fi/lupa (news)",
        "x: held, 2026-11-30 11:00 Europe/Helsinki",
        "website: planned, 2026-11-30 09:00 Europe/Helsinki",
    ]


def test_live_posts_have_no_entry_of_their_own_and_the_event_has() -> None:
    starts = DUE + timedelta(days=7)
    main = replace(NEWS, kind="event", starts_at=starts, ends_at=starts + timedelta(hours=3), place="Oodi")
    posts = [replace(main, channel="x", part=f"p{n}", due_at=DUE + timedelta(days=7, minutes=n)) for n in range(5)]
    by_hand = replace(main, channel="x", part="coffee", due_at=None)
    announced, held = exported(*posts, by_hand, main)
    assert announced["DTSTART"].dt == DUE
    assert "x: 6 planned" in announced["DESCRIPTION"]
    assert (held["DTSTART"].dt, held["DTEND"].dt, held["LOCATION"]) == (starts, starts + timedelta(hours=3), "Oodi")


@pytest.mark.parametrize(
    ("states", "status"),
    [(["published"], "CONFIRMED"), (["cancelled", "skipped"], "CANCELLED"), (["published", "failed"], "TENTATIVE")],
)
def test_the_states_become_a_status(states: list[str], status: str) -> None:
    (found,) = exported(*(replace(NEWS, channel=f"c{n}", state=state) for n, state in enumerate(states)))
    assert found["STATUS"] == status


def test_an_entry_without_a_time_is_in_no_calendar() -> None:
    assert exported(replace(NEWS, due_at=None)) == []
    assert exported() == []


@given(st.text(max_size=100), st.text(max_size=40))
def test_no_text_breaks_the_calendar(title: str, place: str) -> None:
    entry = replace(NEWS, title=title, starts_at=DUE, place=place, url=f"https://e.example/{title}")
    raw = export_ics([entry], title, now=NOW, zone=HELSINKI)
    assert len(events(raw)) == 2
    assert raw.count(b"BEGIN:") == raw.count(b"\r\nBEGIN:") + 1 == 3


def test_csv_has_a_line_a_delivery_and_no_formula() -> None:
    bad = replace(NEWS, title='=HYPERLINK("http://e")', place="@home", url="-1", channel="x", due_at=None)
    rows = list(csv.DictReader(io.StringIO(export_csv([NEWS, bad]))))
    assert rows[0]["due_at"] == "2026-11-30T07:00:00Z"
    assert rows[0]["title"] == "Lupa; uusi, hyvä"
    assert (rows[1]["title"], rows[1]["place"], rows[1]["url"]) == ('\'=HYPERLINK("http://e")', "'@home", "'-1")
    assert rows[1]["due_at"] == ""


@given(st.text(max_size=30))
def test_no_cell_begins_like_a_formula(text: str) -> None:
    for row in csv.reader(io.StringIO(export_csv([replace(NEWS, title=text, place=text)]), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def calendar(*blocks: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\r\n{block.strip()}\r\nEND:VEVENT\r\n" for block in blocks)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}END:VCALENDAR\r\n".encode()


def head(raw: bytes) -> dict[str, str]:
    drafts, problems = pieces(import_ics(raw, HELSINKI), Names(("fi", "en")))
    assert problems == []
    found = yaml.load(drafts[0].text.split("---\n", 2)[1], Loader=yaml.BaseLoader)  # noqa: S506 - texts only
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("written", "starts", "ends"),
    [
        ("DTSTART:20261130T070000Z\r\nDTEND:20261130T090000Z", "2026-11-30 09:00", "2026-11-30 11:00"),
        ("DTSTART;TZID=Europe/Stockholm:20261130T080000\r\nDURATION:PT2H", "2026-11-30 09:00", "2026-11-30 11:00"),
        ("DTSTART:20261130T090000", "2026-11-30 09:00", None),
        ("DTSTART;TZID=FLE Standard Time:20261130T090000", "2026-11-30 09:00", None),
        ("DTSTART;TZID=Nowhere/Land:20261130T090000", "2026-11-30 09:00", None),
        ("DTSTART;VALUE=DATE:20261130\r\nDTEND;VALUE=DATE:20261202", "2026-11-30", "2026-12-01 23:59"),
        ("DTSTART;VALUE=DATE:20261130\r\nDTEND;VALUE=DATE:20261130", "2026-11-30", "2026-11-30 23:59"),
    ],
)
def test_times_become_the_sites_wall_time(written: str, starts: str, ends: str | None) -> None:
    found = head(calendar(f"SUMMARY:Kahvit\r\n{written}"))
    assert found["starts_at"] == starts
    assert found.get("ends_at") == ends


def test_an_event_becomes_a_draft() -> None:
    raw = calendar(
        "UID:abc\n-evil: x\r\nSUMMARY:Aamu\\, kahvit\r\nDTSTART:20261130T090000\r\nLOCATION:Oodi\\; 2. krs\r\n"
        "DESCRIPTION:Tervetuloa\\n\\nkaikki\r\n  mukaan\r\nURL:https://e.example/1\r\n"
        "BEGIN:VALARM\r\nDESCRIPTION:Herätys\r\nEND:VALARM"
    )
    drafts, problems = pieces(import_ics(raw, HELSINKI), Names(("fi",)))
    assert problems == []
    assert drafts[0].path == "content/events/aamu-kahvit-2026-11-30.md"
    assert "# from the calendar entry abc" in drafts[0].text
    assert drafts[0].text.endswith("\nTervetuloa\n\nkaikki mukaan\n\nhttps://e.example/1\n")
    assert head(raw)["place"] == "Oodi; 2. krs"
    assert head(raw)["status"] == "draft"


def test_bad_events_are_told_and_the_rest_comes_in() -> None:
    raw = calendar(
        "SUMMARY:Good\r\nDTSTART:20261130T090000",
        "DTSTART:20261130T090000",
        "SUMMARY:No beginning",
        "SUMMARY:Broken\r\nDTSTART:soon",
        "SUMMARY:Off\r\nSTATUS:CANCELLED\r\nDTSTART:20261130T090000",
        "SUMMARY:End of time\r\nDTSTART:99991231T235959Z",
        "SUMMARY:Twice\r\nDTSTART:20261130T090000\r\nDTSTART:20261230T090000",
        "SUMMARY:Weekly\r\nDTSTART:20261130T090000\r\nRRULE:FREQ=SECONDLY",
        "SUMMARY:Good\r\nDTSTART:20261207T090000",
    )
    sheet = import_ics(raw, HELSINKI)
    assert [row.number for row in sheet.rows] == [1, 8, 9]
    assert [problem.row for problem in sheet.problems] == [2, 3, 4, 5, 6, 7, 8]
    assert all(problem.message.endswith(".") for problem in sheet.problems)
    assert len(pieces(sheet, Names(("fi",)))[0]) == 3


def test_hostile_calendars_are_refused_or_cut() -> None:
    with pytest.raises(SheetError, match="not a calendar"):
        import_ics(b"title,date\r\n", HELSINKI)
    with pytest.raises(SheetError, match="larger"):
        import_ics(b"BEGIN:VCALENDAR\r\n" + b"x" * 5_000_000, HELSINKI)
    many = import_ics(calendar(*["SUMMARY:A\r\nDTSTART:20261130T090000"] * 2001), HELSINKI)
    assert len(many.rows) == 2000
    assert [problem.row for problem in many.problems] == [2001]


def test_a_time_zone_with_endless_rules_costs_nothing() -> None:
    zone = (
        b"BEGIN:VTIMEZONE\r\nTZID:Evil\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nRRULE:FREQ=SECONDLY\r\n"
        b"TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    )
    raw = calendar("SUMMARY:A\r\nDTSTART;TZID=Evil:20261130T090000").replace(b"BEGIN:VEVENT", zone, 1)
    began = time.process_time()
    assert import_ics(raw, HELSINKI).rows[0].values["starts_at"] == "2026-11-30 09:00"
    assert time.process_time() - began < 2


@given(
    st.lists(st.sampled_from(["BEGIN:VEVENT", "END:VEVENT", "SUMMARY:A", "DTSTART:1", "DTSTART:20261130", " x", ":;="]))
)
def test_no_rubbish_raises(lines: list[str]) -> None:
    import_ics("\r\n".join(["BEGIN:VCALENDAR", *lines]).encode(), HELSINKI)


def test_what_goes_out_comes_in() -> None:
    entry = replace(NEWS, kind="event", starts_at=DUE, ends_at=DUE + timedelta(hours=1), place="Oodi")
    rows = import_ics(export_ics([entry], "D9", now=NOW, zone=HELSINKI), HELSINKI).rows
    assert [row.values["starts_at"] for row in rows] == ["2026-11-30 09:00", "2026-11-30 09:00"]
    assert rows[1].values["title"] == NEWS.title
