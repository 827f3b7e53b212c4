"""Tables and progress, plain where nobody is watching. Rich is loaded only when something is drawn."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import typer

from scheduler.cli.words import COLOURS, clean

Cell = str
Row = Sequence[Cell]
Advance = Callable[[int, int], None]
FEW = 200
"""No bar for less than this: it is over before one has read it."""
_GAP = "  "


def watched(stream: TextIO | None = None) -> bool:
    """Whether a person sees this stream, on a terminal that can draw."""
    stream = stream or sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def coloured() -> bool:
    return watched() and not os.environ.get("NO_COLOR")


def say(text: str = "") -> None:
    """A line on stdout."""
    typer.echo(clean(text))


def note(text: str) -> None:
    """A line on stderr: what is not the answer itself."""
    typer.echo(clean(text), err=True)


def table(headings: Row, rows: Sequence[Row], right: Sequence[int] = (), state: int | None = None) -> None:
    """Columns two blanks apart. On a terminal Rich folds what is too wide; elsewhere each row is one line.
    A last column without a word is left out.

    `right`: columns of figures; `state`: the column whose word gives the colour.
    """
    if rows and not any(row[-1] for row in rows):
        headings, rows = headings[:-1], [row[:-1] for row in rows]
    if watched():
        _drawn(headings, rows, right, state)
        return
    lines = [list(headings), *[[" ".join(clean(cell).split()) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        cells = [_padded(cell, width, at in right) for at, (cell, width) in enumerate(zip(line, widths, strict=True))]
        typer.echo(_GAP.join(cells).rstrip())


def _padded(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)


def _drawn(headings: Row, rows: Sequence[Row], right: Sequence[int], state: int | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = COLOURS if coloured() else {}
    drawing = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim" if colours else "")
    for at, heading in enumerate(headings):
        drawing.add_column(heading, justify="right" if at in right else "left", overflow="fold")
    for row in rows:
        cells = [Text(clean(cell)) for cell in row]
        if state is not None:
            cells[state].stylize(colours.get(row[state].split()[-1], ""))
        drawing.add_row(*cells)
    Console(highlight=False).print(drawing)


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """Call what is given with (done, of how many). A bar on stderr, on a terminal, for many only."""
    if not watched(sys.stderr):
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, visible=False)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=total > FEW)

        yield advance
