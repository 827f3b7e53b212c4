"""Export and import through the commands."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import icalendar
import openpyxl
import pytest

from tests.mocks.typist import Typist, typist, wall


@pytest.fixture
def desk(tmp_path: Path) -> Typist:
    return typist(tmp_path / "desk")


def test_the_calendar_comes_out_as_csv_and_as_icalendar(desk: Typist, tmp_path: Path) -> None:
    desk.writes("news/soon.md", title="Pian auki", publish_at=wall(days=1))
    desk.writes("events/day.md", publish_at=wall(days=1), starts_at=wall(days=9), place="Hall")
    rows = list(csv.DictReader(io.StringIO(desk.types("export", "csv").stdout)))
    assert {row["piece"] for row in rows} == {"fi/soon", "fi/day"}
    assert len(rows) == 8
    assert all(row["due_at"].endswith("Z") for row in rows)
    assert {row["place"] for row in rows if row["kind"] == "event"} == {"Hall"}
    desk.types("export", "ics", "--output", tmp_path / "out.ics")
    calendar = icalendar.Calendar.from_ical((tmp_path / "out.ics").read_bytes())
    names = [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")]
    assert sorted(names) == ["Pian auki", "day", "day"]


def test_a_sheet_becomes_drafts_and_what_cannot_be_read_is_told_by_row(desk: Typist, tmp_path: Path) -> None:
    (desk.root / "config" / "projects.toml").write_text('[clients.kela]\nname = "Kansaneläkelaitos"\n', "utf-8")
    sheet = tmp_path / "plan.csv"
    sheet.write_text(
        "Title,Date,Kind,Client\nGood news,2027-01-05,news,Kansaneläkelaitos\nBad,someday,news,\nA poem,2027-01-06,poem,\n",
        "utf-8",
    )
    result = desk.types("import", "csv", sheet, code=1)
    assert result.stdout == "content/news/good-news.md\n"
    assert "row 3" in result.stderr
    assert "row 4" in result.stderr
    text = (desk.root / "content/news/good-news.md").read_text("utf-8")
    assert "client: kela" in text
    assert "status: draft" in text
    desk.types("check")
    again = desk.types("import", "csv", sheet, code=1)
    assert again.stdout == ""
    assert "already there" in again.stderr


def test_a_workbook_and_a_calendar_become_drafts(desk: Typist, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["otsikko", "laji"])
    book.active.append(["Uusi video", "video"])
    book.save(tmp_path / "plan.xlsx")
    book.close()
    assert desk.types("import", "xlsx", tmp_path / "plan.xlsx").stdout == "content/video/uusi-video.md\n"
    calendar = tmp_path / "a.ics"
    calendar.write_text(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Open day\r\nDTSTART:20270301T090000Z\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    told = desk.types("import", "ics", calendar).stdout
    assert told == "content/events/open-day-2027-03-01.md\n"
    assert "starts_at: 2027-03-01 11:00" in (desk.root / told.strip()).read_text("utf-8")


def test_what_is_no_sheet_is_refused_in_words(desk: Typist, tmp_path: Path) -> None:
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    assert "headings" in desk.types("import", "csv", tmp_path / "no.csv", code=1).stderr
    (tmp_path / "no.ics").write_text("")
    assert "empty" in desk.types("import", "ics", tmp_path / "no.ics", code=1).stderr
