"""What a person decides about one delivery: retry, skip, hold, withdraw, confirm."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.screen import say
from scheduler.cli.session import By, person, session

if TYPE_CHECKING:
    from scheduler.delivery.acts import Person
    from scheduler.store.engine import Store

Number = Annotated[int, typer.Argument(metavar="ID", help="Its number, as julki queue shows it.", show_default=False)]


def retry(ctx: typer.Context, number: Number, by: By = "") -> None:
    """Send what is held, failed or skipped: now, however late."""
    from scheduler.delivery import acts

    _act(ctx, lambda store: acts.retry(store, number, person(by)), later=True)


def skip(ctx: typer.Context, number: Number, by: By = "") -> None:
    """Leave it out. It can be brought back with retry."""
    from scheduler.delivery import acts

    _act(ctx, lambda store: acts.skip(store, number, person(by)))


def hold(
    ctx: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Option(metavar="WHY", help="Why, for the others.")] = "",
    by: By = "",
) -> None:
    """Keep it back until somebody sends it with retry."""
    from scheduler.delivery import acts

    _act(ctx, lambda store: acts.hold(store, number, person(by), reason))


def confirm(
    ctx: typer.Context,
    number: Number,
    permalink: Annotated[str, typer.Argument(help="The address where it stands.", show_default=False)],
    by: By = "",
) -> None:
    """You have seen it out, at this address: it counts as published."""
    from scheduler.delivery import acts

    _act(ctx, lambda store: acts.confirm(store, number, permalink, person(by)))


def withdraw(ctx: typer.Context, number: Number, by: By = "") -> None:
    """Take back what is out, where the channel can."""
    from scheduler.delivery import acts
    from scheduler.store import deliveries
    from scheduler.store.lock import holder

    desk = session(ctx).desk()
    with desk.store.read() as db:
        row = deliveries.get(db, number)
    who: Person = person(by)
    told = acts.withdraw(desk.store, number, who, desk.channels.get(row.channel) if row else None)
    _answer(told, holder(desk.store.path))
    desk.close()


def _act(ctx: typer.Context, act: Callable[[Store], str], later: bool = False) -> None:
    """`later`: it comes true only when the desk runs."""
    from scheduler.store.lock import holder

    store = session(ctx).store()
    told = act(store)
    _answer(told, holder(store.path) if later else "nobody needed")
    store.close()


def _answer(told: str, running: str | None) -> None:
    from scheduler.cli.freshness import idle

    say(told + idle(running))
