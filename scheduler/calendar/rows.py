"""Rows of a planning sheet or entries of a calendar, and the draft pieces that they become."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from scheduler.calendar.cells import CellError, clock, moment
from scheduler.calendar.columns import CHANNELS, KINDS, LANGUAGES, LISTS, PHASES, listed
from scheduler.calendar.draft import AlreadyThere, DraftError, Value, draft, line, write_new

Read = TypeVar("Read")

MORNING = "09:00"
"""The time of day of a row that has only a day."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What could not be read. `row` counts from 1 as the spreadsheet shows it (in a calendar: the entry's number);

    `column` is the heading as written, "" for the whole row.
    """

    row: int
    column: str
    message: str

    def __str__(self) -> str:
        where = f"row {self.row}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: values by Julki's own column names, as written and never empty; `headings`: what each is called there."""

    number: int
    values: Mapping[str, str]
    headings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was read: the rows, and what was not understood. `unknown` are the headings that nothing is made of."""

    rows: tuple[Row, ...] = ()
    problems: tuple[RowProblem, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A piece to be: the row that it comes from, its path relative to the workspace, its text."""

    row: int
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the workspace knows: `languages` (the first is the default), and shown name (lower case) → key by column.

    `keys["client"]["kansaneläkelaitos"] == "kela"`; so too for `project`, `audiences`, `authors`, `channels`.
    """

    languages: Sequence[str]
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def key(self, column: str, shown: str) -> str:
        word = shown.casefold()
        return self.keys.get(column, {}).get(word) or (CHANNELS.get(word) if column == "channels" else None) or shown


def pieces(sheet: Sheet, names: Names, *, kind: str = "news") -> tuple[list[Draft], list[RowProblem]]:
    """The draft of every row that can be read, and what keeps the others. `kind` is for rows that name none."""
    drafts: dict[str, Draft] = {}
    problems: list[RowProblem] = []
    for row in sheet.rows:
        try:
            made = _draft(row, names, kind)
        except _Refused as error:
            problems.append(RowProblem(row.number, error.column, str(error)))
            continue
        first = drafts.setdefault(made.path, made)
        if first is not made:
            message = f"would be the same piece as row {first.row} ({made.path}). Give one of them a slug of its own."
            problems.append(RowProblem(row.number, row.headings.get("title", ""), message))
    return list(drafts.values()), problems


def write_all(
    root: Path, drafts: Iterable[Draft], there: Container[str] = frozenset()
) -> tuple[list[str], list[RowProblem]]:
    """Write the drafts; (paths written, what was not). Never over a file, so importing twice makes nothing twice.

    `there`: names of files (`lupa.md`) of imported pieces that lie elsewhere by now, and are not to be made again.
    """
    written, problems = [], []
    for one in drafts:
        try:
            if one.path.rpartition("/")[2] in there:
                raise AlreadyThere(f"{one.path.rpartition('/')[2]} is already there, in another folder.")
            write_new(root, one.path, one.text)
            written.append(one.path)
        except DraftError as error:
            problems.append(RowProblem(one.row, "", str(error)))
    return written, problems


class _Refused(Exception):
    """A row can't become a piece, because of the column with that heading."""

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column


def _draft(row: Row, names: Names, default_kind: str) -> Draft:
    kind = _choice(row, "kind", KINDS, default_kind, "news, blog, video or event")
    lang = _language(row, names)
    at = _publish_at(row)
    try:
        path, text = draft(
            kind,
            row.values.get("title", ""),
            lang=lang,
            slug=row.values.get("slug"),
            publish_at=at,
            fields=_fields(row, names, kind, at),
            body=_body(row, kind),
            default_lang=names.languages[0],
            note=_note(row),
        )
    except DraftError as error:
        raise _Refused(str(error), row.headings.get("title", "")) from None
    return Draft(row.number, path, text)


def _choice(row: Row, column: str, words: Mapping[str, str], default: str, choices: str) -> str:
    written = row.values.get(column)
    if not written:
        return default
    found = words.get(written.strip().casefold())
    if not found:
        raise _Refused(f"'{line(written)[:40]}' is not known here. Write {choices}.", row.headings.get(column, ""))
    return found


def _language(row: Row, names: Names) -> str:
    offered = ", ".join(names.languages)
    words = {**LANGUAGES, **{lang.casefold(): lang for lang in names.languages}}
    lang = _choice(row, "lang", words, names.languages[0], f"one of {offered}")
    if lang not in names.languages:
        raise _Refused(f"the site has no pages in '{lang}'. Write one of {offered}.", row.headings.get("lang", ""))
    return lang


def _publish_at(row: Row) -> str | None:
    """A row without a day is an idea; a time alone is a mistake."""
    if "date" not in row.values:
        if "time" in row.values:
            raise _Refused("there is a time but no day. Write the day too, or neither.", row.headings.get("time", ""))
        return None
    on, at = _read(row, "date", moment)
    if "time" in row.values:
        at = _read(row, "time", clock)
    return f"{on} {at or MORNING}"


def _moment(row: Row, column: str, other_day: str | None) -> str:
    """A day and time; or a time alone, on the other day."""
    written = row.values[column]
    if other_day:
        try:
            return f"{other_day[:10]} {clock(written)}"
        except CellError:
            pass
    on, at = _read(row, column, moment)
    return f"{on} {at}".strip()


def _fields(row: Row, names: Names, kind: str, at: str | None) -> dict[str, Value]:
    values = row.values
    fields: dict[str, Value] = {key: values[key] for key in ("summary", "translation_of") if key in values}
    fields |= {key: names.key(key, values[key]) for key in ("client", "project") if key in values}
    for key in LISTS & values.keys():
        if key != "hashtags" or kind == "event":
            fields[key] = [names.key(key, one) for one in listed(values[key])]
    if "phase" in values:
        fields["phase"] = _choice(row, "phase", PHASES, "", "start, middle or end")
    if kind == "event":
        fields |= _times(row, at) | ({"place": values["place"]} if "place" in values else {})
    if kind == "video" and "video_url" in values:
        fields["video_url"] = values["video_url"]
    return fields


def _times(row: Row, at: str | None) -> dict[str, Value]:
    times: dict[str, Value] = {}
    day = at
    for column in ("starts_at", "ends_at"):
        if column in row.values:
            day = _moment(row, column, day)
            times[column] = day
    return times


def _body(row: Row, kind: str) -> str:
    """What an ordinary piece has no field for is not lost: the place and the link go into its text."""
    kept = {
        "news": ("place", "video_url"),
        "blog": ("place", "video_url"),
        "video": ("place",),
        "event": ("video_url",),
    }
    parts = [row.values.get("body", ""), *(row.values.get(column, "") for column in kept[kind])]
    return "\n\n".join(part for part in parts if part)


def _note(row: Row) -> str:
    notes = [row.values.get("note", "")]
    if "status" in row.values:
        notes.append(f"{row.headings.get('status', 'status')} in the sheet: {row.values['status']}")
    return "; ".join(note for note in notes if note)


def _read(row: Row, column: str, reading: Callable[[str], Read]) -> Read:
    try:
        return reading(row.values[column])
    except CellError as error:
        raise _Refused(str(error), row.headings.get(column, "")) from None
