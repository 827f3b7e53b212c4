"""The cells of an XLSX file, without trusting it.

The reading library lays out a sheet's whole rectangle in memory, so one cell in the farthest corner of a file of some
kilobytes would end the process. Therefore the file is looked through beforehand, as a stream.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from typing import IO
from xml.parsers import expat

from scheduler.calendar.cells import Cell

LARGEST_UNPACKED = 100_000_000
_CHUNK = 1 << 16
_PLACE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


class SheetError(ValueError):
    """Nothing of a file can be read; the message says the remedy."""


def read_workbook(raw: bytes, most_rows: int, most_columns: int) -> Sequence[Sequence[Cell]]:
    """The rows of the first visible sheet that holds anything, from its first row on. Raises `SheetError`."""
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    _inspect(raw, most_rows, most_columns)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            for sheet in book.sheets_metadata:
                if sheet.visible == SheetVisibleEnum.Visible:
                    rows = book.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
                    if rows:
                        return rows
    except (CalamineError, ValueError, OSError, zipfile.BadZipFile):
        raise SheetError("This Excel file is damaged or locked. Open it, and save it again as .xlsx.") from None
    raise SheetError("There is nothing in this Excel file. Look whether its sheets are hidden.")


def _inspect(raw: bytes, most_rows: int, most_columns: int) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_UNPACKED:
                raise SheetError(
                    "This Excel file is too large when unpacked. Take the pictures out, or save it as CSV."
                )
            for member in archive.infolist():
                with archive.open(member) as stream:
                    _Corners(most_rows, most_columns).look(stream, member)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise SheetError("This Excel file is damaged or locked. Open it, and save it again as .xlsx.") from None


class _Corners:
    """Refuses a worksheet with a filled cell farther out than what is allowed."""

    def __init__(self, most_rows: int, most_columns: int) -> None:
        self.most_rows = most_rows
        self.most_columns = most_columns
        self.worksheet = False
        self.begun = False
        self.row = self.column = 0

    def look(self, stream: IO[bytes], member: zipfile.ZipInfo) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._element
        left = LARGEST_UNPACKED
        try:
            while chunk := stream.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise SheetError("This Excel file is too large when unpacked. Save it as CSV.")
                parser.Parse(chunk)
                if self.begun and not self.worksheet:
                    return
            parser.Parse(b"", True)
        except expat.ExpatError:
            # Pictures and the like are no XML at all; what calls itself a sheet must be one, or its cells are unknown.
            if self.worksheet or member.filename.endswith(".xml"):
                raise SheetError("This Excel file is damaged. Open it, and save it again as .xlsx.") from None

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if not self.begun:
            self.begun, self.worksheet = True, name == "worksheet"
        if name == "row":
            given = attributes.get("r", "")
            self.row, self.column = int(given) if given.isdecimal() and len(given) <= 7 else self.row + 1, 0
        elif name == "c":
            self._cell(attributes.get("r", ""))
        elif name in ("v", "is", "f") and self.worksheet:
            self._filled()

    def _cell(self, place: str) -> None:
        match = _PLACE.fullmatch(place)
        self.column += 1
        if match:
            self.row, self.column = int(match[2]), _number(match[1])

    def _filled(self) -> None:
        if self.row > self.most_rows or self.column > self.most_columns:
            raise SheetError(
                f"A cell in row {self.row}, column {self.column} is filled. Julki reads {self.most_rows} rows and "
                f"{self.most_columns} columns: delete what lies farther out, or import in parts."
            )


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
