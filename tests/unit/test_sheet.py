"""A planning sheet becomes draft pieces; what can't be read is told by row, and the rest goes on."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scheduler.calendar.cells import CellError, clock, day, moment
from scheduler.calendar.rows import Draft, Names, RowProblem, Sheet, pieces, write_all
from scheduler.calendar.sheet import SheetError, read_sheet

NAMES = Names(("fi", "sv", "en"), {"client": {"kansaneläkelaitos": "kela"}})


def csv_sheet(tmp_path: Path, text: str, encoding: str = "utf-8") -> Sheet:
    place = tmp_path / "sheet.csv"
    place.write_bytes(text.encode(encoding))
    return read_sheet(place)


def xlsx_sheet(tmp_path: Path, *rows: list[object]) -> Sheet:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "sheet.xlsx")
    return read_sheet(tmp_path / "sheet.xlsx")


def head(text: str) -> dict[str, object]:
    found = yaml.load(text.split("---\n", 2)[1], Loader=yaml.BaseLoader)  # noqa: S506 - texts only
    assert isinstance(found, dict)
    return found


def only(sheet: Sheet) -> Draft:
    drafts, problems = pieces(sheet, NAMES)
    assert problems == []
    assert len(drafts) == 1
    return drafts[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_delimiter_and_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "Otsikko|Päivä|Kello\r\nTyöpäivä äyriäisille, osa 1; alku|30.11.2026|9.00\r\n"
    cells = [row.split("|") for row in text.splitlines()]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(cells)
    sheet = csv_sheet(tmp_path, out.getvalue(), encoding)
    assert [dict(row.values) for row in sheet.rows] == [
        {"title": "Työpäivä äyriäisille, osa 1; alku", "date": "30.11.2026", "time": "9.00"}
    ]
    assert sheet.problems == ()
    assert head(only(sheet).text)["publish_at"] == "2026-11-30 09:00"


@pytest.mark.parametrize(
    "headings",
    [
        "title,date,time,kind,channels,language,author,client,project,audience,summary,body,tags",
        "Otsikko,Pvm,Klo,Tyyppi,Kanavat,Kieli,Tekijä,Asiakas,Projekti,Kohderyhmä,Tiivistelmä,Teksti,Tunnisteet",
        "Rubrik,Datum,Tid,Typ,Kanaler,Språk,Författare,Kund,Projekt,Målgrupp,Sammanfattning,Text,Taggar",
    ],
)
def test_headings_in_three_languages(tmp_path: Path, headings: str) -> None:
    row = 'Hej,2026-11-30,9:30,blogi,"X, uutiskirje",ruotsi,maija,Kansaneläkelaitos,p,"a; b",Lyhyesti,"Yksi\n\nkaksi","#t, u"'
    made = only(csv_sheet(tmp_path, f"{headings}\n{row}\n"))
    assert made.path == "content/blog/sv/hej.md"
    assert head(made.text) == {
        "title": "Hej",
        "status": "draft",
        "lang": "sv",
        "publish_at": "2026-11-30 09:30",
        "summary": "Lyhyesti",
        "authors": ["maija"],
        "tags": ["t", "u"],
        "client": "kela",
        "project": "p",
        "audiences": ["a", "b"],
        "channels": ["x", "newsletter"],
    }
    assert made.text.endswith("\n---\n\nYksi\n\nkaksi\n")


def test_an_event_row(tmp_path: Path) -> None:
    sheet = csv_sheet(
        tmp_path,
        "otsikko;laji;pvm;alkaa;päättyy;paikka;aihetunnisteet\nAamukahvit;tapahtuma;20.11.2026;30.11.2026 klo 9;11.30;Oodi;#digi\n",
    )
    made = only(sheet)
    assert made.path == "content/events/aamukahvit.md"
    found = head(made.text)
    assert found["publish_at"] == "2026-11-20 09:00"
    assert (found["starts_at"], found["ends_at"]) == ("2026-11-30 09:00", "2026-11-30 11:30")
    assert (found["place"], found["hashtags"]) == ("Oodi", ["digi"])


def test_the_status_of_the_sheet_is_only_noted(tmp_path: Path) -> None:
    made = only(csv_sheet(tmp_path, "title,status\nA,ready to go\n"))
    assert head(made.text)["status"] == "draft"
    assert "# status in the sheet: ready to go\n" in made.text


def test_excel_cells(tmp_path: Path) -> None:
    sheet = xlsx_sheet(
        tmp_path,
        ["Planning 2026"],
        [],
        ["Title", "Date", "Time", "Tags"],
        ["Both apart", date(2026, 11, 30), time(9, 30), 2026],
        ["In one", datetime(2026, 11, 30, 14, 15), None, None],  # noqa: DTZ001 - spreadsheets know no zone
        ["A whole hour", date(2026, 11, 30), 9, None],
        [2027, "30/11/2026", "klo 10.05", None],
    )
    assert [row.number for row in sheet.rows] == [4, 5, 6, 7]
    drafts, problems = pieces(sheet, NAMES)
    assert problems == []
    times = [head(one.text)["publish_at"] for one in drafts]
    assert times == ["2026-11-30 09:30", "2026-11-30 14:15", "2026-11-30 09:00", "2026-11-30 10:05"]
    assert head(drafts[0].text)["tags"] == ["2026"]
    assert head(drafts[3].text)["title"] == "2027"


def test_each_bad_row_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    sheet = csv_sheet(
        tmp_path,
        "Title,Date,Kind,Language,Budget,Klo\n"
        "Good,2026-11-30,,,12,\n"
        "No such day,31.11.2026,,,,\n"
        "American,11/30/2026,,,,\n"
        ",2026-11-30,,,,\n"
        "Strange kind,,podcast,,,\n"
        ",,,,,\n"
        "Strange language,,,klingon,,\n"
        "🎉,,,,,\n"
        "Hour alone,,,,,9.00\n"
        "Short minutes,2026-11-30,,,,9.3\n"
        "Good,2026-12-01,,,,\n"
        "Fine too,,,,,\n",
    )
    drafts, later = pieces(sheet, NAMES)
    assert [one.path for one in drafts] == ["content/news/good.md", "content/news/fine-too.md"]
    assert sheet.unknown == ("Budget",)
    told = {(one.row, one.column) for one in (*sheet.problems, *later)}
    assert told == {
        (1, "Budget"),
        (3, "Date"),
        (4, "Date"),
        (5, "Title"),
        (6, "Kind"),
        (8, "Language"),
        (9, "Title"),
        (10, "Klo"),
        (11, "Klo"),
        (12, "Title"),
    }
    assert all(one.message.endswith(".") for one in (*sheet.problems, *later))
    assert str(RowProblem(3, "Date", "no.")) == "row 3, Date: no."


def test_a_broken_quotation_is_told_and_does_not_swallow_the_next_row(tmp_path: Path) -> None:
    sheet = csv_sheet(tmp_path, 'title,date\n"A"b,2026-11-30\nC,2026-11-30\n')
    assert [row.values["title"] for row in sheet.rows] == ["C"]
    assert [one.row for one in sheet.problems] == [2]


def test_a_quotation_that_never_ends_is_told(tmp_path: Path) -> None:
    sheet = csv_sheet(tmp_path, 'title,date\nA,2026-11-30\n"B,2026-11-30\nC,2026-11-30\n')
    assert [row.values["title"] for row in sheet.rows] == ["A"]
    assert [one.row for one in sheet.problems] == [3]


def test_doubled_columns_are_told(tmp_path: Path) -> None:
    sheet = csv_sheet(tmp_path, "title,otsikko\nA,B\n")
    assert sheet.rows[0].values == {"title": "A"}
    assert [(one.row, one.column) for one in sheet.problems] == [(1, "otsikko")]


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n1,2\n", "\x00\x01\x02", "date\n2026-11-30\n"])
def test_no_headings_no_sheet(tmp_path: Path, text: str) -> None:
    with pytest.raises(SheetError, match="title"):
        csv_sheet(tmp_path, text)


def test_importing_twice_makes_nothing_twice(tmp_path: Path) -> None:
    sheet = csv_sheet(tmp_path, "title\nA\nB\n")
    drafts, _ = pieces(sheet, NAMES)
    assert write_all(tmp_path, drafts) == (["content/news/a.md", "content/news/b.md"], [])
    (tmp_path / "content/news/a.md").write_text("edited")
    written, problems = write_all(tmp_path, drafts)
    assert written == []
    assert [one.row for one in problems] == [2, 3]
    assert all("is already there" in one.message for one in problems)
    assert (tmp_path / "content/news/a.md").read_text() == "edited"
    assert write_all(tmp_path / "other", drafts, {"a.md"})[0] == ["content/news/b.md"]


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    for name, raw in (("old.xls", b"\xd0\xcf\x11\xe0rest"), ("bad.xlsx", b"PK\x03\x04rest")):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(SheetError, match=r"\.xlsx"):
            read_sheet(tmp_path / name)
    with pytest.raises(SheetError, match="opened"):
        read_sheet(tmp_path / "nothing.csv")
    (tmp_path / "huge.csv").write_bytes(b"x" * 10_000_001)
    with pytest.raises(SheetError, match="larger"):
        read_sheet(tmp_path / "huge.csv")


def test_an_excel_file_with_a_far_corner_is_refused_before_it_is_laid_out(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "title"
    book.active.cell(row=1_048_576, column=16_384).value = "x"
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(SheetError, match="row 1048576, column 16384"):
        read_sheet(tmp_path / "far.xlsx")
    _rewrite(tmp_path / "far.xlsx", tmp_path / "hidden.xlsx", b'r="XFD1048576"', b"r='&#88;FD1048576'")
    with pytest.raises(SheetError, match="row 1048576, column 16384"):
        read_sheet(tmp_path / "hidden.xlsx")
    _rewrite(tmp_path / "far.xlsx", tmp_path / "broken.xlsx", b"<sheetData>", b"<sheetData></x>")
    with pytest.raises(SheetError, match="damaged"):
        read_sheet(tmp_path / "broken.xlsx")


def _rewrite(source: Path, target: Path, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(source) as left, zipfile.ZipFile(target, "w") as right:
        for member in left.infolist():
            right.writestr(member.filename, left.read(member).replace(old, new))


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as member,
    ):
        for _ in range(101):
            member.write(b" " * 1_000_000)
    with pytest.raises(SheetError, match="too large"):
        read_sheet(tmp_path / "bomb.xlsx")


def test_an_apostrophe_against_formulas_is_taken_off(tmp_path: Path) -> None:
    assert csv_sheet(tmp_path, "title\n'=1+1\n").rows[0].values["title"] == "=1+1"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-30", ("2026-11-30", "")),
        ("30.11.2026", ("2026-11-30", "")),
        ("1.2.2026", ("2026-02-01", "")),
        ("30/11/2026", ("2026-11-30", "")),
        ("ma 30.11.2026", ("2026-11-30", "")),
        ("måndag, 30.11.2026", ("2026-11-30", "")),
        ("30.11.2026 klo 9.05", ("2026-11-30", "09:05")),
        ("2026-11-30T09:05:00", ("2026-11-30", "09:05")),
        ("30.11.2026, kl. 9", ("2026-11-30", "09:00")),
    ],
)
def test_days_as_people_write_them(written: str, read: tuple[str, str]) -> None:
    assert moment(written) == read


@pytest.mark.parametrize("written", ["30.11.", "30.11.26", "11/30/2026", "31.11.2026", "46356", "soon", "0.0.0000", ""])
def test_days_that_could_mean_anything_are_refused(written: str) -> None:
    with pytest.raises(CellError):
        day(written)


@pytest.mark.parametrize("written", ["9.3", "25:00", "9:60", "0.375", "9-11", "aamulla", ""])
def test_times_that_could_mean_anything_are_refused(written: str) -> None:
    with pytest.raises(CellError):
        clock(written)


@given(st.dates(min_value=date(1900, 1, 1)))
def test_every_day_is_read_alike_in_each_form(given_day: date) -> None:
    forms = (f"{given_day.day}.{given_day.month}.{given_day.year}", f"{given_day:%d/%m/%Y}", given_day.isoformat())
    assert {day(form) for form in forms} == {given_day.isoformat()}


@given(st.lists(st.lists(st.text(max_size=12), max_size=4), max_size=6))
def test_no_row_is_lost_in_silence(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["title", "date", "kind", "tags"], *rows])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "s.csv").write_bytes(out.getvalue().encode("utf-8", "replace"))
        sheet = read_sheet(Path(folder) / "s.csv")
    drafts, problems = pieces(sheet, NAMES)
    told = {one.row for one in (*sheet.problems, *problems)}
    assert {row.number for row in sheet.rows} <= {one.row for one in drafts} | told
    filled = {n for n, row in enumerate(rows, 2) if any(cell.strip() for cell in row)}
    assert {one.row for one in drafts} <= filled
