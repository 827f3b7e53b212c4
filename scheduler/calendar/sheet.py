"""A team's planning sheet (CSV or XLSX), read into rows. What can't be read is told by row; the rest goes on."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scheduler.calendar.cells import Cell, text
from scheduler.calendar.columns import column
from scheduler.calendar.rows import Row, RowProblem, Sheet
from scheduler.calendar.workbook import SheetError, read_workbook

LARGEST = 10_000_000
"""Bytes of a sheet's file."""
MOST_ROWS = 5_000
MOST_COLUMNS = 200
LONGEST_CELL = 100_000
_HEADING_WITHIN = 20
_DELIMITERS = (",", ";", "\t")

__all__ = ["SheetError", "read_sheet"]


def read_sheet(path: Path) -> Sheet:
    """Read a planning sheet. Raises `SheetError` where nothing of it can be read.

    CSV: parted by commas, semicolons or tabs; UTF-8 (with or without a BOM), UTF-16 or Windows-1252. XLSX: the first
    visible sheet. The headings are in the first row, within twenty, that names a title.
    """
    raw = _bytes(path)
    if raw.startswith(b"PK\x03\x04"):
        return _sheet(enumerate(read_workbook(raw, MOST_ROWS + _HEADING_WITHIN, MOST_COLUMNS), 1), [])
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise SheetError("This is an old or a locked Excel file. Save it as .xlsx, without a password.")
    problems: list[RowProblem] = []
    written = _decoded(raw)
    return _sheet(_records(written, _delimiter(written), problems), problems)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise SheetError(f"{path.name} can't be opened ({error.strerror}). Look at its name and its rights.") from None
    if len(raw) > LARGEST:
        raise SheetError(f"{path.name} is larger than {LARGEST // 1_000_000} MB. Import it in parts.")
    return raw


def _decoded(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")
    if raw[1:200:2].count(0) > len(raw[1:200:2]) // 2:
        return raw.decode("utf-16-le", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _delimiter(written: str) -> str:
    """The one by which most headings are known."""
    hint = written[:6].lower()
    if hint.startswith("sep=") and hint[4:5] in _DELIMITERS:
        return hint[4]
    start = written[:LONGEST_CELL]
    return max(_DELIMITERS, key=lambda sign: max((len(_known(r)) for _, r in _some(start, sign)), default=0))


def _some(start: str, delimiter: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    for number, record in _records(start, delimiter, []):
        if number > _HEADING_WITHIN:
            return
        yield number, record


def _records(written: str, delimiter: str, problems: list[RowProblem]) -> Iterator[tuple[int, Sequence[Cell]]]:
    """(row as a spreadsheet counts it, cells). A row that breaks the rules of CSV is noted, and the next one read."""
    reader = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            message = 'a quotation mark is missing or stands alone. Write "" for one inside a cell, and look at the rows below.'
            problems.append(RowProblem(number, "", message))
            continue
        yield number, record


def _known(record: Sequence[Cell]) -> dict[str, int]:
    """Column names → the first place of each; empty if this can't be the row of headings."""
    found: dict[str, int] = {}
    for place, cell in enumerate(record[:MOST_COLUMNS]):
        name = column(cell) if isinstance(cell, str) else None
        if name:
            found.setdefault(name, place)
    return found if "title" in found else {}


def _sheet(records: Iterable[tuple[int, Sequence[Cell]]], problems: list[RowProblem]) -> Sheet:
    source = iter(records)
    for number, headings in source:
        places = _known(headings)
        if places:
            break
        if number >= _HEADING_WITHIN:
            places = {}
            break
    else:
        places = {}
    if not places:
        raise SheetError(
            "No row of headings was found. Name one column 'title' (or otsikko, rubrik), above the pieces."
        )
    names = {name: text(headings[place]) for name, place in places.items()}
    unknown, doubled = _strange(headings, places)
    problems += [RowProblem(number, heading, why) for heading, why in (*_told(unknown), *doubled)]
    rows = list(_rows(source, places, names, problems))
    return Sheet(tuple(rows), tuple(sorted(problems, key=lambda one: one.row)), tuple(unknown))


def _strange(headings: Sequence[Cell], places: dict[str, int]) -> tuple[list[str], list[tuple[str, str]]]:
    unknown, doubled = [], []
    for place, cell in enumerate(headings[:MOST_COLUMNS]):
        heading = text(cell)
        name = column(heading)
        if heading and name is None:
            unknown.append(heading)
        elif name and places[name] != place:
            why = f"means the same as '{text(headings[places[name]])}', which counts. Delete or rename one of them."
            doubled.append((heading, why))
    return unknown, doubled


def _told(unknown: Sequence[str]) -> list[tuple[str, str]]:
    return [(heading, "is not a column that Julki knows; it is left out.") for heading in unknown]


def _rows(
    source: Iterator[tuple[int, Sequence[Cell]]],
    places: dict[str, int],
    names: dict[str, str],
    problems: list[RowProblem],
) -> Iterator[Row]:
    count = 0
    for number, record in source:
        values = {name: text(record[place]) for name, place in places.items() if place < len(record)}
        values = {name: value for name, value in values.items() if value}
        if not values:
            continue
        count += 1
        if count > MOST_ROWS:
            problems.append(
                RowProblem(number, "", f"this and all below: more than {MOST_ROWS} rows. Import them in parts.")
            )
            return
        problem = _unreadable(values, names)
        if problem:
            problems.append(RowProblem(number, *problem))
        else:
            yield Row(number, values, names)


def _unreadable(values: dict[str, str], names: dict[str, str]) -> tuple[str, str] | None:
    if "title" not in values:
        return names["title"], "the title is missing. Write one, or empty the row."
    for name, value in values.items():
        if len(value) > LONGEST_CELL:
            return names[name], f"holds more than {LONGEST_CELL} characters. Shorten it."
    return None
