"""YAML's complaints in a writer's words."""

from __future__ import annotations

import yaml

from scheduler.calendar.finding import Place, Unreadable

_QUOTES = "Put the whole value in quotes; an apostrophe inside 'single quotes' is written twice."
# Part of libyaml's (or PyYAML's) own wording → what a writer should do.
_WORDS = (
    (
        "mapping values are not allowed",
        "There is a colon too many here, or the line is indented too far. A value with a colon stands in quotes.",
    ),
    (
        "could not find expected ':'",
        "This line, or the one before, is not 'key: value'. Is a colon or a quote missing?",
    ),
    ("unexpected end of stream", "A quote is opened here and never closed. Close it."),
    ("unexpected document indicator", "A quote is opened here and never closed. Close it."),
    ("unknown escape character", "A backslash in double quotes means something else. Use single quotes."),
    ("escape code", "A backslash in double quotes means something else. Use single quotes."),
    ("hexdecimal", "A backslash in double quotes means something else. Use single quotes."),
    ("cannot start any token", "A value can't begin with this character. Put the value in quotes."),
    ("did not find expected ',' or ']'", "The list in [brackets] is not closed, or a comma is missing."),
    ("did not find expected ',' or '}'", "The group in {braces} is not closed, or a comma is missing."),
    ("did not find expected node content", "A list in [brackets] or a group in {braces} is not closed."),
    ("block sequence entries are not allowed", "A list can't begin here. Put its first - on a line of its own."),
    ("did not find expected '-'", "This line does not belong to the list above it. Is it indented like the others?"),
    ("did not find expected key", f"This line does not fit those above it: is it indented too far? {_QUOTES}"),
    ("directive", "A line can't begin with %. Put the value in quotes."),
)
_SIGNS = ("anchor", "alias", "tag")


def trouble(error: yaml.YAMLError, head: str, first_line: int) -> Unreadable:
    """The `Unreadable` for what YAML could not read in `head`; rule tab, alias or yaml."""
    problem = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    lines = head.split("\n")
    row, column = _mark(error, problem)
    place: Place = (first_line + min(row, len(lines) - 1), column + 1)
    indent = _indent(lines, row)
    if "\t" in indent:
        message = "A tab can't indent in front matter. Replace it with spaces."
        return Unreadable("tab", (place[0], indent.index("\t") + 1), message)
    if "tag handle" in problem or any(context.endswith((f" a {sign}", f" an {sign}")) for sign in _SIGNS):
        message = "YAML reads a value that begins with &, * or ! in its own way. Put the value in quotes."
        return Unreadable("alias", place, message)
    said = next((words for part, words in _WORDS if part in problem), None)
    return Unreadable("yaml", place, said or f"This line can't be read as 'key: value'. {_QUOTES}")


def _mark(error: yaml.YAMLError, problem: str) -> Place:
    """Row and column from 0. What is never closed is told where it was opened."""
    marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
    if "end of stream" in problem or "document indicator" in problem:
        marks.reverse()
    mark = next((one for one in marks if one is not None), None)
    return (mark.line, mark.column) if mark else (0, 0)


def _indent(lines: list[str], row: int) -> str:
    line = lines[row] if row < len(lines) else ""
    return line[: len(line) - len(line.lstrip(" \t"))]
