"""`init` and `new`: a fresh workspace, a fresh piece."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scheduler.cli.screen import say
from scheduler.cli.session import Failed, now, session


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make, or to make a workspace of.")],
) -> None:
    """Make a new workspace: settings, folders for pieces, a first draft."""
    from scheduler.cli import template

    if (folder / "config" / "julki.toml").exists():
        raise Failed(f"{folder} is a workspace already. Nothing was touched. Look at it with: julki doctor")
    if folder.exists() and not folder.is_dir():
        raise Failed(f"{folder} is a file. Name a folder.")
    kept = template.write(folder, _today())
    say(f"A new workspace is in {folder}.")
    for path in kept:
        say(f"Kept as it was: {path}")
    say(_NEXT.format(folder=folder))


_NEXT = """
Next:
  cd {folder}
  give the site its name in config/julki.toml
  julki new news "We are open"     write a piece
  julki check                      see whether all is well
  julki plan                       see what goes out when
  julki run                        let it go out

X and the newsletter are sandboxes: nothing leaves this machine until config/julki.toml says so."""


def _today() -> date:
    """Today by the clock of the zone that the template names."""
    from zoneinfo import ZoneInfo

    from scheduler.cli import template

    return now().astimezone(ZoneInfo(template.ZONE)).date()


class Fresh(StrEnum):
    """What can be begun: the kinds of pieces, and what is written about an event when it is over."""

    news = "news"
    blog = "blog"
    video = "video"
    event = "event"
    recap = "recap"


def new(
    ctx: typer.Context,
    kind: Annotated[Fresh, typer.Argument(help="What it is.", show_default=False)],
    title: Annotated[
        str,
        typer.Argument(
            help="Its title, in quotation marks; of a recap: the event, as plan shows it.", show_default=False
        ),
    ],
    lang: Annotated[str, typer.Option(metavar="LANGUAGE", help="fi, sv, en … Default: the site's first.")] = "",
    slug: Annotated[str, typer.Option(help="The last part of its address. Default: made of the title.")] = "",
    at: Annotated[str, typer.Option(metavar="TIME", help='When it goes out, like "2026-11-30 09:00".')] = "",
    author: Annotated[str, typer.Option(metavar="KEY", help="Who writes it, as in config/team.toml.")] = "",
) -> None:
    """Write a draft with every field shown; a draft never goes out."""
    from scheduler.calendar.draft import draft, write_new
    from scheduler.calendar.walltime import WallTimeError, to_utc
    from scheduler.cli.choices import one_of

    if kind is Fresh.recap:
        _recap(ctx, title, slug, given=lang or at or author)
        return
    workspace = session(ctx).workspace()
    site = workspace.settings.site
    language = one_of("language", lang, site.languages) if lang else site.languages[0]
    writer = one_of("author", author, workspace.settings.authors) if author else None
    try:
        if at:
            to_utc(at, site.timezone)
    except WallTimeError as error:
        raise typer.BadParameter(str(error)) from None
    path, text = draft(
        kind.value, title, lang=language, slug=slug or None, author=writer, publish_at=at or None,
        default_lang=site.languages[0],
    )  # fmt: skip
    write_new(workspace.root, path, text)
    say(path)


def _recap(ctx: typer.Context, event: str, slug: str, given: str) -> None:
    """The draft of a news piece with what was posted from the event."""
    from scheduler.cli.freshness import refresh
    from scheduler.desk import recap

    if given:
        raise typer.BadParameter("A recap takes its language and its facts from the event: give --slug at most.")
    desk = session(ctx).desk()
    try:
        refresh(desk, "new")
        say(recap.write(desk, event, slug))
    finally:
        desk.close()
