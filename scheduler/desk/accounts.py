"""The channels' accounts: the vault with what they sign in with, how each stands, and what is to be foreseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from channels.account import Account, Standing
from channels.contract import Vault
from channels.registry import adapter
from scheduler.desk import reader
from scheduler.store import audit, pauses
from scheduler.store.engine import Store
from scheduler.store.vault import FILE, StoredVault
from scheduler.workspace import KEY, OWN, Workspace

AHEAD = timedelta(days=7)
"""So long before it lapses a signing in is worth a warning."""
Mark = Literal["fine", "look", "wrong"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """One channel's account, for people. `wrong`: it can't publish; `look`: soon it won't."""

    channel: str
    mark: Mark
    told: str


def vault(workspace: Workspace, store: Store, clock: Callable[[], datetime]) -> StoredVault:
    """Its key lies in `var/julki.key`, outside the database and its backups, or is the secret `JULKI_DESK_KEY`."""
    return StoredVault(store, workspace.var / FILE, clock, workspace.secrets.get(OWN, {}).get(KEY, ""))


def account(workspace: Workspace, name: str, kept: Vault | None) -> Account | None:
    """The account of the channel of that name; None where nobody signs in. No network."""
    table = workspace.settings.channels[name]
    opened = adapter(table.adapter).account
    return opened(name, table.options, reader.context(workspace, name, reader.NOTHING_LIVE, kept)) if opened else None


def outlooks(workspace: Workspace, kept: Vault | None, now: datetime) -> Iterator[Outlook]:
    """How each channel that has an account stands with it. No network."""
    for name in workspace.settings.channels:
        found = account(workspace, name, kept)
        if found is not None:
            yield _outlook(name, found.standing(now), workspace.settings.zone, now)


def troubles(workspace: Workspace, kept: Vault | None, now: datetime) -> Mapping[str, str]:
    """What somebody should do something about before pieces are held because of it, by a key that names it."""
    found = outlooks(workspace, kept, now)
    return {f"account {one.channel}": f"{one.channel}: {one.told}" for one in found if one.mark != "fine"}


def connected(store: Store, channel: str, who: str, by: str, now: datetime) -> bool:
    """Write down that somebody has signed in; whether the channel is paused, and so does not publish yet."""
    with store.write() as db:
        audit.write(db, now, by, "connect", channel=channel, detail=who)
        return any(pause.scope == "channel" and pause.name == channel for pause in pauses.current(db))


def _outlook(name: str, one: Standing, zone: ZoneInfo, now: datetime) -> Outlook:
    who = f"Signed in as {one.name or 'an account without a name'}"
    dates = [("since", one.since), ("renewed", one.renewed_at)]
    told = ", ".join([who, *(f"{what} {_day(at, zone)}" for what, at in dates if at is not None)])
    if one.lapses_at is None and not one.trouble:
        return Outlook(name, "fine", "LIVE, what goes out is out.")
    if one.lapses_at is None or one.lapses_at <= now:
        trouble = one.trouble or f"{told}; that has lapsed. Sign in again: julki connect {name}"
        return Outlook(name, "wrong", f"LIVE, but nothing can go out. {trouble}")
    if one.trouble:
        return Outlook(name, "wrong", f"{told}. Good until {_moment(one.lapses_at, zone)}. {one.trouble}")
    if one.lapses_at - now <= AHEAD:
        until = f"It lapses on {_moment(one.lapses_at, zone)} if nothing is posted until then."
        return Outlook(name, "look", f"{told}. {until} Sign in again: julki connect {name}")
    return Outlook(name, "fine", f"LIVE, what goes out is out. {told}; lapses {_day(one.lapses_at, zone)} if not used.")


def _day(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
