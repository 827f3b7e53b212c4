"""`connect`: sign in with a channel's account."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from scheduler.cli.choices import complete_channel, one_of
from scheduler.cli.screen import note, say
from scheduler.cli.session import Failed, Session, now, person, session

if TYPE_CHECKING:
    from channels.account import Account, Invitation
    from scheduler.desk.callback import Callback, Outcome
    from scheduler.store.engine import Store
    from scheduler.workspace import Workspace

PORT = 8022
_PASTES = 3
_PATIENCE = 300.0
"""Seconds that a person has to let the desk in."""


def connect(
    ctx: typer.Context,
    channel: Annotated[
        str,
        typer.Argument(metavar="CHANNEL", help="As in config/julki.toml.", autocompletion=complete_channel),
    ],
    no_browser: Annotated[
        bool,
        typer.Option("--no-browser", help="Open no browser here: paste the address that yours is sent to."),
    ] = False,
    port: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=65535, help="Where the browser comes back to, on this machine."),
    ] = PORT,
) -> None:
    """Sign in with a channel's account, or see whose account it is."""
    here = session(ctx)
    workspace = here.workspace()
    one_of("channel", channel, workspace.settings.channels)
    with _opened(here, workspace, channel) as (account, store):
        who = _signed_in(account, channel, port, browser=not no_browser)
        _recorded(store, channel, who)


@contextmanager
def _opened(here: Session, workspace: Workspace, channel: str) -> Iterator[tuple[Account, Store]]:
    from channels.contract import Locked
    from channels.errors import ChannelError
    from scheduler.desk import accounts

    store = here.store()
    try:
        vault = accounts.vault(workspace, store, now)
        account = accounts.account(workspace, channel, vault)
        if account is None:
            raise Failed(_nobody(workspace, channel))
        try:
            vault.ready()
        except (Locked, ChannelError) as error:
            raise Failed(_told(error)) from None
        yield account, store
    finally:
        store.close()


def _nobody(workspace: Workspace, channel: str) -> str:
    if workspace.settings.channels[channel].sandbox:
        return f"The channel '{channel}' is a sandbox: there is nobody to sign in with. First set sandbox = false."
    return f"The channel '{channel}' needs nobody to sign in."


def _signed_in(account: Account, channel: str, port: int, *, browser: bool) -> str:
    """Whose account it is now."""
    from channels.errors import ChannelError
    from scheduler.desk.callback import HOST, PATH

    try:
        invitation = account.invite(f"http://{HOST}:{port}{PATH}")
        if invitation is None:
            who = account.name()
            say(f"The channel '{channel}' posts as {who}. Its keys are good.")
            return who
    except ChannelError as error:
        raise Failed(_told(error)) from None
    before = account.standing(now()).name
    outcome = _by_browser(invitation, port) if browser else _by_hand(invitation)
    if not outcome.good:
        raise Failed(outcome.text)
    say(outcome.text)
    after = account.standing(now()).name
    if before and after and before != after:
        note(f"Until now the channel '{channel}' was {before}.")
    return after


def _by_browser(invitation: Invitation, port: int) -> Outcome:
    import webbrowser

    with _callback(port, _accepting(invitation)) as callback:
        say(f"Let Julki in at this address; a browser should open it by itself:\n\n{invitation.address}\n")
        with _without_secrets():
            webbrowser.open(invitation.address)
        outcome = callback.wait(_PATIENCE)
    if outcome is None:
        raise Failed("Nobody came back within five minutes. Begin again; without a browser here, with --no-browser.")
    return outcome


@contextmanager
def _without_secrets() -> Iterator[None]:
    """A browser runs for weeks, and has no business with the desk's secrets."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("JULKI_")}
    for name in kept:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(kept)


def _callback(port: int, accept: Callable[[Mapping[str, str]], Outcome]) -> Callback:
    from scheduler.desk.callback import Callback

    try:
        return Callback(port, accept)
    except OSError as error:
        raise Failed(
            f"Port {port} of this machine can't be used ({error.strerror}). Name another with --port, and enter its "
            f"address as a callback at the remote too; or use --no-browser."
        ) from None


def _by_hand(invitation: Invitation) -> Outcome:
    from scheduler.desk.callback import fields

    say(f"Open this address in a browser, on any machine, and let Julki in:\n\n{invitation.address}\n")
    say(
        "The browser then goes to an address that begins with http://127.0.0.1 and can't be shown. That is as it should"
    )
    say("be: copy the whole of it, within half a minute, and paste it here.")
    for _ in range(_PASTES):
        try:
            pasted = input("Address: ")
        except EOFError:
            raise Failed("\nNothing was pasted, so nobody is signed in. Begin again.") from None
        outcome = _accepting(invitation)(fields(pasted))
        if not outcome.stray:
            break
        say(outcome.text)
    return outcome


def _accepting(invitation: Invitation) -> Callable[[Mapping[str, str]], Outcome]:
    from channels.account import Stray
    from channels.errors import ChannelError
    from scheduler.desk.callback import Outcome

    def accept(answer: Mapping[str, str]) -> Outcome:
        try:
            return Outcome(True, f"Julki is signed in as {invitation.accept(answer)}.")
        except Stray as error:
            return Outcome(False, _told(error), stray=True)
        except ChannelError as error:
            return Outcome(False, _told(error))

    return accept


def _recorded(store: Store, channel: str, who: str) -> None:
    from scheduler.desk import accounts

    paused = accounts.connected(store, channel, who, person("").name, now())
    if paused:
        say(f"It is paused. Go on with: julki resume --channel {channel}")
        say("What was held meanwhile is shown by: julki queue --state held")


def _told(error: Exception) -> str:
    said, hint = str(error).strip(), str(getattr(error, "hint", ""))
    stop = "" if not hint or said.endswith((".", "!", "?", "…")) else "."
    return f"{said}{stop} {hint}".strip()
