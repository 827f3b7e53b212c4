"""`correct`: a correction of what is out."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.cli.screen import say
from scheduler.cli.session import By, Failed, person, session


def correct(
    ctx: typer.Context,
    number: Annotated[
        int, typer.Argument(metavar="ID", help="Its number, as julki queue shows it.", show_default=False)
    ],
    text: Annotated[str, typer.Option(metavar="TEXT", help="What it should be. Default: as its file says now.")] = "",
    by: By = "",
) -> None:
    """Post a correction of what is out, as an answer to it, with the desk's wording."""
    from scheduler.cli.freshness import idle, refresh
    from scheduler.delivery.acts import Refused
    from scheduler.desk import correct as flow
    from scheduler.store.lock import holder

    desk = session(ctx).desk()
    try:
        refresh(desk, "correct")
        say(flow.correct(desk, number, person(by), text) + idle(holder(desk.store.path)))
    except Refused as error:
        raise Failed(str(error)) from None
    finally:
        desk.close()
