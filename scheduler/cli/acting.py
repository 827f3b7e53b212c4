"""What a person decides about one delivery: retry, skip, hold, withdraw, confirm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.screen import say
from scheduler.cli.session import By, Failed, person, session

if TYPE_CHECKING:
    from scheduler.delivery.acts import Person
    from scheduler.store.engine import Store

_SHOWN = "as julki queue shows it."
Number = Annotated[int, typer.Argument(metavar="ID", help=f"Its number, {_SHOWN}", show_default=False)]
Numbers = Annotated[list[int], typer.Argument(metavar="ID...", help=f"Its number, {_SHOWN}", show_default=False)]


def retry(ctx: typer.Context, numbers: Numbers, by: By = "") -> None:
    """Send what is held, failed or skipped: now, however late."""
    from scheduler.delivery import acts

    approval = session(ctx).workspace().settings.desk.approval
    _each(ctx, numbers, lambda store, number: acts.retry(store, number, person(by), approval=approval), later=True)


def skip(ctx: typer.Context, numbers: Numbers, by: By = "") -> None:
    """Leave it out. It can be brought back with retry."""
    from scheduler.delivery import acts

    _each(ctx, numbers, lambda store, number: acts.skip(store, number, person(by)))


def hold(
    ctx: typer.Context,
    numbers: Numbers,
    reason: Annotated[str, typer.Option(metavar="WHY", help="Why, for the others.")] = "",
    by: By = "",
) -> None:
    """Keep it back until somebody sends it with retry."""
    from scheduler.delivery import acts

    _each(ctx, numbers, lambda store, number: acts.hold(store, number, person(by), reason))


def confirm(
    ctx: typer.Context,
    number: Number,
    permalink: Annotated[str, typer.Argument(help="The address where it stands.", show_default=False)],
    by: By = "",
) -> None:
    """You have seen it out, at this address: it counts as published."""
    from scheduler.delivery import acts

    _each(ctx, [number], lambda store, one: acts.confirm(store, one, permalink, person(by)))


def withdraw(ctx: typer.Context, numbers: Numbers, by: By = "") -> None:
    """Take back what is out, where the channel can."""
    from scheduler.delivery import acts
    from scheduler.store import deliveries

    desk = session(ctx).desk()
    who: Person = person(by)

    def one(store: Store, number: int) -> str:
        with store.read() as db:
            row = deliveries.get(db, number)
        return acts.withdraw(store, number, who, desk.channels.get(row.channel) if row else None)

    try:
        _all(desk.store, numbers, one, later=True)
    finally:
        desk.close()


def _each(ctx: typer.Context, numbers: Sequence[int], act: Callable[[Store, int], str], later: bool = False) -> None:
    store = session(ctx).store()
    try:
        _all(store, numbers, act, later)
    finally:
        store.close()


def _all(store: Store, numbers: Sequence[int], act: Callable[[Store, int], str], later: bool) -> None:
    """One that is refused does not keep the others. `later`: it comes true only when the desk runs."""
    from scheduler.delivery.acts import Refused
    from scheduler.store.lock import holder

    refused = []
    for number in dict.fromkeys(numbers):
        try:
            told = act(store, number)
        except Refused as error:
            refused.append(str(error))
        else:
            _answer(told, holder(store.path) if later else "nobody needed")
    if refused:
        raise Failed("\n".join(refused))


def _answer(told: str, running: str | None) -> None:
    from scheduler.cli.freshness import idle

    say(told + idle(running))
