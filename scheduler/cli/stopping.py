"""`pause` and `resume`: the button for a crisis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.choices import complete_channel, complete_client, complete_project, one_of
from scheduler.cli.screen import say, table
from scheduler.cli.session import By, person, session
from scheduler.cli.words import count, moment, what

if TYPE_CHECKING:
    from scheduler.delivery.acts import Scope
    from scheduler.settings import Settings

Channel = Annotated[
    str, typer.Option("--channel", metavar="CHANNEL", help="Only this channel.", autocompletion=complete_channel)
]
Client = Annotated[
    str, typer.Option("--client", metavar="CLIENT", help="Only this client's.", autocompletion=complete_client)
]

Project = Annotated[
    str, typer.Option("--project", metavar="PROJECT", help="Only this project's.", autocompletion=complete_project)
]


def pause(
    ctx: typer.Context,
    channel: Channel = "",
    client: Client = "",
    project: Project = "",
    reason: Annotated[str, typer.Option(metavar="WHY", help="Why, for the others.")] = "",
    by: By = "",
) -> None:
    """Stop everything, or a channel, a client, a project. What falls due meanwhile is held."""
    from scheduler.delivery import acts

    here = session(ctx)
    scope, name = _scope(here.workspace().settings, channel, client, project)
    store = here.store()
    say(acts.pause(store, scope, name, reason, person(by)) + _option(scope, name))
    store.close()


def resume(
    ctx: typer.Context,
    channel: Channel = "",
    client: Client = "",
    project: Project = "",
    reason: Annotated[str, typer.Option(metavar="WHY", help="Why, for the others.")] = "",
    by: By = "",
) -> None:
    """Go on, and see what was held meanwhile: you choose what of it still goes out."""
    from scheduler.delivery import acts

    here = session(ctx)
    settings = here.workspace().settings
    scope, name = _scope(settings, channel, client, project)
    store = here.store()
    told, held = acts.resume(store, scope, name, person(by))
    store.close()
    say(told + (f" ({reason})" if reason else ""))
    if not held:
        say("Nothing was held meanwhile.")
        return
    say(f"\n{count(len(held), 'delivery was', 'deliveries were')} held meanwhile:\n")
    lines = [(str(row.id), what(row.name, row.part), row.channel, moment(row.due_at, settings.zone)) for row in held]
    table(("id", "piece", "channel", f"due ({settings.zone.key})"), lines, right=(0,))
    first = held[0].id
    say(f"\nSend one: julki retry {first}. Leave it out: julki skip {first}")


def _scope(settings: Settings, channel: str, client: str, project: str) -> tuple[Scope, str]:
    if sum(map(bool, (channel, client, project))) > 1:
        raise typer.BadParameter("Name a channel, a client or a project, one of them. Give two commands.")
    if channel:
        return "channel", one_of("channel", channel, settings.channels)
    if client:
        return "client", one_of("client", client, settings.clients)
    if project:
        return "project", one_of("project", project, settings.projects)
    return "all", ""


def _option(scope: str, name: str) -> str:
    return f" --{scope} {name}" if name else ""
