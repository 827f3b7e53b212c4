"""`preview`: a piece as each channel will publish it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduler.cli.choices import Shape, complete_channel, one_of
from scheduler.cli.costing import usd
from scheduler.cli.screen import note, progress, say
from scheduler.cli.session import Failed, session
from scheduler.cli.words import as_json

if TYPE_CHECKING:
    from channels.message import Message, Problem
    from channels.piece import Piece
    from scheduler.desk.reader import Reader


def preview(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The piece's file.", show_default=False)],
    channel: Annotated[
        str, typer.Option(metavar="CHANNEL", help="Only this channel.", autocompletion=complete_channel)
    ] = "",
    form: Annotated[Shape, typer.Option("--format", help="How to show it.")] = Shape.text,
    costs: Annotated[bool, typer.Option("--costs", help="With --format json: what each costs, too.")] = False,
) -> None:
    """Show a piece as each channel will publish it: the very same text."""
    reader = session(ctx).reader()
    names = [one_of("channel", channel, reader.channels)] if channel else []
    try:
        piece = _piece(reader, file)
    except Failed:
        if form is Shape.json:
            typer.echo(as_json([]))
        raise
    names = names or reader.intake.goes_to(piece)
    _know_translations(reader, piece)
    shown = [(name, *_rendered(reader, name, piece)) for name in names]
    if form is Shape.json:
        typer.echo(as_json([_json(reader, one, said, costs) for _, found, said in shown for one in found]))
    else:
        _tell(reader, piece, shown)
    reader.close()
    if any(one.severity == "error" for _, found, problems in shown for one in _all(found, problems)):
        raise typer.Exit(1)


def _piece(reader: Reader, file: Path) -> Piece:
    """The file's piece; a broken file has none, and says why."""
    from scheduler.calendar.document import contents
    from scheduler.calendar.naming import is_piece
    from scheduler.calendar.report import as_text

    root = reader.workspace.root
    path = next((one for one in (Path.cwd() / file, root / file) if one.is_file()), None)
    if path is None:
        raise typer.BadParameter(f"There is no file {file}, neither here nor in the workspace {root}.")
    name = path.resolve().relative_to(root).as_posix() if path.resolve().is_relative_to(root) else ""
    if not is_piece(name):
        raise typer.BadParameter(f"{file} is not a piece: those are the .md files below {root / 'content'}.")
    reading, findings = reader.intake.look(contents(path), name)
    if reading.piece is None:
        for finding in findings:
            note(as_text(finding))
        raise Failed("There is nothing to show until the errors above are mended.")
    return reading.piece


def _know_translations(reader: Reader, piece: Piece) -> None:
    """Pages name their translations; reading all files for that is worth it only where there are any."""
    from scheduler.calendar.document import contents
    from scheduler.cli.survey import survey

    files = (path for path in (reader.workspace.root / "content").rglob("*.md") if path.is_file())
    if piece.translation_of or any(b"translation_of" in contents(path) for path in files):
        with progress("reading") as advance:
            reader.library.relate(survey(reader, advance).relations.related())


def _rendered(reader: Reader, name: str, piece: Piece) -> tuple[list[Message], list[Problem]]:
    """The messages, and what the channel says about the piece beyond what the messages say themselves."""
    channel, view = reader.channels[name], reader.library.view
    messages = channel.render(piece, view)
    told = {(one.rule, one.message) for message in messages for one in message.problems}
    return messages, [one for one in channel.check(piece, view) if (one.rule, one.message) not in told]


def _all(messages: list[Message], problems: list[Problem]) -> Iterator[Problem]:
    yield from problems
    for message in messages:
        yield from message.problems


def _json(reader: Reader, message: Message, problems: list[Problem], costs: bool) -> dict[str, Any]:
    price = _price(reader, message)
    cost = {"cost_usd": None if price is None else price / 1_000_000} if costs else {}
    return {
        "channel": message.channel,
        "part": message.part,
        "text": message.text,
        "html": message.html,
        "length": message.length,
        "limit": message.limit,
        "problems": [asdict(one) for one in (*problems, *message.problems)],
        **cost,
    }


def _price(reader: Reader, message: Message) -> int | None:
    """In millionths of a US dollar; None where the channel charges nothing."""
    from channels.contract import Priced
    from scheduler.delivery import purse

    channel = reader.channels[message.channel]
    return purse.price(channel, message) if isinstance(channel, Priced) else None


def _tell(reader: Reader, piece: Piece, shown: list[tuple[str, list[Message], list[Problem]]]) -> None:
    from scheduler.calendar.walltime import describe

    zone = reader.workspace.settings.site.timezone
    when = describe(piece.publish_at, zone) if piece.publish_at else "an idea, without a time"
    draft = ", a draft that does not go out" if piece.status == "draft" else ""
    say(f"{piece.title}\n{piece.id}, {piece.kind}, {when}{draft}")
    for name, messages, problems in shown:
        table = reader.workspace.settings.channels[name]
        for message in messages:
            say(f"\n{_heading(name, message, table.sandbox, _price(reader, message))}\n")
            say(textwrap.indent(_body(message), "    "))
        for one in _all(messages, problems):
            say(f"\n    {one.severity} {one.rule}: {one.message}")
    if not shown:
        say("\nIt goes nowhere: no channel takes it.")


def _heading(name: str, message: Message, sandbox: bool, price: int | None) -> str:
    part = "" if message.part == "main" else f" {message.part}"
    length = "" if message.length is None else f", {message.length} of {message.limit}"
    length = f", {message.length} long" if message.length is not None and message.limit is None else length
    cost = "" if price is None else f", {usd(price)}"
    stays = "it stays on this machine, and costs nothing" if cost else "it stays on this machine"
    return f"{name}{part}{length}{cost}{f' (sandbox: {stays})' if sandbox else ''}"


def _body(message: Message) -> str:
    """The words; a rich form is named, not printed: nobody reads tags."""
    pictures = "".join(f"\n[picture: {one.alt or 'no alt text'}]" for one in message.media if not message.html)
    if not message.html:
        return message.text + pictures
    import html2text

    reader = html2text.HTML2Text(bodywidth=100)
    return reader.handle(message.html).strip() or message.text
