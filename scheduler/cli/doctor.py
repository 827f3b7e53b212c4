"""`doctor`: is everything there that the desk needs?"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from scheduler.cli.screen import say
from scheduler.cli.session import Session, now, session
from scheduler.cli.words import count

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from scheduler.desk.accounts import Outlook
    from scheduler.settings import ChannelTable
    from scheduler.store.engine import Store
    from scheduler.workspace import Workspace

Mark = Literal["fine", "look", "wrong"]
_SHAPES = {"fine": "●", "look": "▲", "wrong": "✕"}
_SPARE = 200 * 1024 * 1024
"""Bytes below which the disk counts as full."""
_OLD = timedelta(days=8)
"""A backup a week is the least."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing looked at. `wrong` keeps the desk from working; `look` is for a person to know."""

    mark: Mark
    what: str
    told: str


def doctor(ctx: typer.Context) -> None:
    """Look whether all is well: settings, database, disk, channels."""
    here = session(ctx)
    wrong = 0
    for sign in _signs(here):
        wrong += sign.mark == "wrong"
        say(f"{_SHAPES[sign.mark]} {sign.mark:5}  {sign.what:12}  {sign.told}")
    say(f"\n{count(wrong, 'thing is', 'things are')} wrong." if wrong else "\nAll is well.")
    if wrong:
        raise typer.Exit(1)


def _signs(here: Session) -> Iterator[Sign]:
    """In the order in which one would mend them: without settings there is nothing else to look at."""
    from scheduler.workspace import BadSettings

    yield from _packages()
    try:
        workspace = here.workspace()
    except BadSettings as error:
        for fault in error.faults:
            yield Sign("wrong", "settings", str(fault))
        return
    yield Sign("fine", "settings", f"{workspace.root}/config can be read.")
    database = workspace.root / workspace.settings.database.url.removeprefix("sqlite:///")
    for what, look in (("machine", _machine), ("content/", _content), ("database", _database)):
        yield from _whatever_comes(what, look(workspace), database)
    yield from _channels(workspace, database)
    yield from _mail(workspace)


def _whatever_comes(what: str, signs: Iterator[Sign], database: Path) -> Iterator[Sign]:
    """What can't be looked at keeps nobody from looking at the rest."""
    from sqlalchemy.exc import SQLAlchemyError

    from scheduler.store import fault

    try:
        yield from signs
    except OSError as error:
        told = (
            f"{error.filename or database}: {error.strerror}. Look at its name, or give the desk the right to read it."
        )
        yield Sign("wrong", what, told)
    except SQLAlchemyError as error:
        other = f"{database} is not as it should be ({fault.cause(error)}). Go back to a backup: julki restore FILE"
        yield Sign("wrong", what, fault.told(database, error) if fault.of_storage(error) else other)


def _packages() -> Iterator[Sign]:
    """`channels` and `scheduler` are common names: another package of that name may stand in front."""
    import channels
    import scheduler

    homes = {Path(str(module.__file__)).resolve().parent.parent for module in (channels, scheduler)}
    if len(homes) == 1:
        yield Sign("fine", "packages", f"Julki runs from {homes.pop()} on Python {sys.version.split()[0]}.")
    else:
        places = " and ".join(map(str, sorted(homes)))
        yield Sign("wrong", "packages", f"They come from two places, {places}. Give Julki an environment of its own.")


def _machine(workspace: Workspace) -> Iterator[Sign]:
    zone = workspace.settings.zone
    local = now().astimezone(zone)
    yield Sign("fine", "clock", f"{local:%A %Y-%m-%d %H:%M} in {zone.key}, {now().astimezone(UTC):%H:%M} UTC.")
    var = workspace.var
    place = var if var.exists() else workspace.root
    if os.access(place, os.W_OK | os.X_OK):
        yield Sign("fine", "var/", f"{var} can be written.")
    else:
        yield Sign("wrong", "var/", f"{place} can't be written. Give the desk the right to write there.")
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:,.1f} GB are free."
    yield (
        Sign("fine", "disk", told) if free > _SPARE else Sign("wrong", "disk", f"{told} Make room: too little is left.")
    )


def _content(workspace: Workspace) -> Iterator[Sign]:
    content = workspace.root / "content"
    if not content.is_dir():
        yield Sign("wrong", "content/", f"{content} is not there. Make it, or look whether its drive is mounted.")
    elif not os.access(content, os.R_OK | os.X_OK):
        yield Sign("wrong", "content/", f"{content} can't be read. Give the desk the right to read it.")
    else:
        yield Sign("fine", "content/", "is there. What it holds is told by: julki check")


def _database(workspace: Workspace) -> Iterator[Sign]:
    from scheduler.store.engine import BadDatabase, examine, open_store

    path = workspace.root / workspace.settings.database.url.removeprefix("sqlite:///")
    if not path.exists():
        yield Sign("fine", "database", "There is none yet; the first julki run makes it.")
        return
    try:
        store = open_store(workspace.settings.database.url, workspace.root)
    except BadDatabase as error:
        yield Sign("wrong", "database", f"{error}")
        return
    try:
        examine(store)
        yield Sign("fine", "database", f"{path} is sound.")
        yield _backup(path)
        yield from _state(store)
        yield from _unsent(store, workspace.settings.zone)
        yield from _money(workspace, store)
    except BadDatabase as error:
        yield Sign("wrong", "database", f"{error}")
    finally:
        store.close()


def _money(workspace: Workspace, store: Store) -> Iterator[Sign]:
    """Whose month's budget is nearly spent."""
    from scheduler.desk import money, reader

    zone = workspace.settings.zone
    desk = reader.read_only(workspace)
    try:
        for told in money.warnings(desk.channels, zone, store, now()).values():
            yield Sign("look", "money", told)
    finally:
        desk.close()


def _backup(database: Path) -> Sign:
    from scheduler.store import copies

    newest, place = copies.newest(database), copies.folder(database)
    if newest is None:
        return Sign("look", "backup", f"There is none in {place}. Make one with: julki backup")
    age = now() - copies.made_at(newest)
    told = f"The newest in {place} was made {count(max(age.days, 0), 'day')} ago."
    return Sign("look", "backup", f"{told} Make one with: julki backup") if age > _OLD else Sign("fine", "backup", told)


def _state(store: Store) -> Iterator[Sign]:
    from scheduler.store import breakers, deliveries, pauses
    from scheduler.store.lock import holder

    running = holder(store.path)
    yield Sign("fine", "desk", f"It is being published by {running}." if running else "Nothing is running now.")
    with store.read() as db:
        counts = deliveries.counts(db)
        stopped = pauses.current(db)
        resting = breakers.resting(db)
    for name, row in resting.items():
        if row.until > now():
            told = f"{row.failures} failures in a row" if row.opened_at else "It said: not now"
            yield Sign("look", name, f"{told} ({row.error.rstrip('.')}). Tried again at {row.until:%H:%M:%S} UTC.")
    for pause in stopped:
        what = "Everything" if pause.scope == "all" else f"The {pause.scope} {pause.name}"
        why = f": {pause.reason}" if pause.reason else ""
        yield Sign("look", "pause", f"{what} was paused by {pause.by}{why}. Go on with: julki resume")
    for state in ("held", "failed"):
        number = sum(found for (_, name), found in counts.items() if name == state)
        if number:
            told = count(number, "delivery is", "deliveries are")
            yield Sign("look", "queue", f"{told} {state}. See: julki queue --state {state}")


def _unsent(store: Store, zone: ZoneInfo) -> Iterator[Sign]:
    """Alarms that the mail server does not take."""
    from scheduler.store import alarms

    with store.read() as db:
        told = alarms.load(db) or {}
    if told.get("outage"):
        began, why = told["outage"]
        since = f"{datetime.fromisoformat(began).astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
        yield Sign("look", "alarms", f"They have been waiting since {since}. {why}")


def _mail(workspace: Workspace) -> Iterator[Sign]:
    from scheduler.desk.alarm_receivers import everyday
    from scheduler.workspace import MAIL_PASSWORD, OWN

    settings = workspace.settings
    known = workspace.secrets.get(OWN, {}).get(MAIL_PASSWORD)
    if settings.mail.sandbox:
        yield Sign("look", "mail", f"SANDBOX: alarms and digests go into {settings.mail.maildir}, to nobody.")
    elif "@" in settings.mail.smtp_url and not known:
        yield Sign("wrong", "mail", "LIVE, but without JULKI_DESK_SMTP_PASSWORD. Set it, or sandbox = true in [mail].")
    else:
        yield Sign("fine", "mail", "LIVE: alarms and digests leave by the server in [mail].")
    told = everyday(settings)
    if told:
        yield Sign("fine", "alarms", f"What fails or is held is told to {', '.join(told)}.")
    else:
        hint = 'Write [alarms] to into config/julki.toml, or role = "Editor" into config/team.toml.'
        yield Sign("look", "alarms", f"Nobody is told by mail of what fails or is held. {hint}")
    if settings.digest is not None and settings.digest.to:
        yield Sign("fine", "digest", f"{settings.digest.at}, to {', '.join(settings.digest.to)}.")


def _channels(workspace: Workspace, database: Path) -> Iterator[Sign]:
    """What is told of accounts stands in the database; where that can't be used, it was told already."""
    from scheduler.desk import accounts
    from scheduler.store.engine import BadDatabase, open_store

    try:
        store = open_store(workspace.settings.database.url, workspace.root) if database.exists() else None
    except (BadDatabase, OSError):
        store = None
    try:
        kept = accounts.vault(workspace, store, now) if store else None
        outlooks = {one.channel: one for one in accounts.outlooks(workspace, kept, now())}
        for name, table in workspace.settings.channels.items():
            yield _channel(workspace, name, table, outlooks.get(name))
    finally:
        if store:
            store.close()


def _channel(workspace: Workspace, name: str, table: ChannelTable, outlook: Outlook | None) -> Sign:
    from channels.registry import adapter

    what = f"adapter {table.adapter}"
    if not hasattr(table.options, "sandbox"):
        return Sign("fine", name, f"{what}: files on this machine.")
    if table.sandbox:
        return Sign("look", name, f"{what}: SANDBOX, nothing leaves this machine.")
    if outlook is not None:
        return Sign(outlook.mark, name, f"{what}: {outlook.told}")
    secrets = adapter(table.adapter).secrets
    missing = [secret for secret in secrets if not workspace.secrets.get(name, {}).get(secret)]
    if missing:
        names = ", ".join(f"JULKI_{name}_{secret}".upper().replace("-", "_") for secret in missing)
        return Sign("wrong", name, f"{what}: LIVE, but without {names}. Set them, or sandbox = true.")
    return Sign("fine", name, f"{what}: LIVE, what goes out is out.")
