"""`approve` and `refuse`: the second pair of eyes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.screen import say
from scheduler.cli.session import By, Failed, person, session

if TYPE_CHECKING:
    from scheduler.desk.assemble import Desk

Pieces = Annotated[
    list[str],
    typer.Argument(
        metavar="PIECE...",
        help="Like fi/lupapalvelu, as julki plan shows it; or the number of a post that was written at the desk.",
        show_default=False,
    ),
]


def approve(ctx: typer.Context, pieces: Pieces, by: By = "") -> None:
    """Say yes to a piece as it stands now. Any change to it ends that."""
    from scheduler.desk import approve as flow

    def one(desk: Desk, told: str) -> str:
        return (
            flow.approve_made(desk, int(told), person(by)) if _is_number(told) else flow.approve(desk, told, person(by))
        )

    _each(ctx, "approve", pieces, one)


def _is_number(told: str) -> bool:
    return told.isascii() and told.isdigit() and len(told) < 10


def refuse(
    ctx: typer.Context,
    pieces: Pieces,
    by: By = "",
    reason: Annotated[str, typer.Option(metavar="WHY", help="Why, for its author.")] = "",
) -> None:
    """Say no to a piece: it is held until it is changed and approved."""
    from scheduler.desk import approve as flow

    _each(ctx, "refuse", pieces, lambda desk, piece: flow.refuse(desk, piece, person(by), reason))


def _each(ctx: typer.Context, command: str, pieces: Sequence[str], act: Callable[[Desk, str], str]) -> None:
    """One that can't be done does not keep the others."""
    from scheduler.cli.freshness import refresh
    from scheduler.delivery.acts import Refused

    desk = session(ctx).desk()
    refused = []
    try:
        refresh(desk, command)
        for piece in dict.fromkeys(pieces):
            try:
                say(act(desk, piece))
            except Refused as error:
                refused.append(str(error))
    finally:
        desk.close()
    if refused:
        raise Failed("\n".join(refused))
