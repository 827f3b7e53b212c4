"""Puts the desk together, once, out of a workspace: channels, library, plan rules, lanes. Everything after is frozen."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import uuid4

from channels.contract import Batching, Channel, Collecting, Parting, Period
from channels.registry import adapter
from scheduler import plan
from scheduler.delivery.lane import Lane
from scheduler.delivery.limits import Limits
from scheduler.delivery.setup import Setup
from scheduler.desk import accounts, reader
from scheduler.desk.intake import Intake
from scheduler.desk.library import Library
from scheduler.desk.refresh import Refresh
from scheduler.settings import Settings
from scheduler.store.engine import Store, open_store
from scheduler.store.messages import StoredArchive
from scheduler.workspace import Workspace

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """Everything, put together."""

    workspace: Workspace
    clock: Clock
    store: Store
    channels: Mapping[str, Channel]
    library: Library
    intake: Intake
    refresh: Refresh
    lanes: Sequence[Lane]
    stop: threading.Event = field(default_factory=threading.Event)
    """Set it, and whatever the desk is doing comes to its end."""

    @property
    def settings(self) -> Settings:
        return self.workspace.settings

    def close(self) -> None:
        for channel in [*self.channels.values(), *(lane.channel for lane in self.lanes)]:
            channel.close()
        self.store.close()


def assemble(workspace: Workspace, clock: Clock = system_clock) -> Desk:
    """Open the database and put everything together. Raises `BadDatabase`."""
    store = open_store(workspace.settings.database.url, workspace.root)
    archive, vault = StoredArchive(store), accounts.vault(workspace, store, clock)
    channels = reader.open_channels(workspace, archive, vault=vault)
    library = Library(workspace, reader.reading_rules(workspace), store)
    intake = reader.intake(workspace, channels, library)
    lasting = [name for name, channel in channels.items() if isinstance(channel, Batching)]
    default = workspace.settings.site.languages[0]
    stop = threading.Event()
    refresh = Refresh(store, intake, library, plan_rules(workspace.settings, channels), lasting, default, stop=stop)
    setup = _setup(workspace, store, library, clock, stop)
    halls = reader.open_channels(workspace, archive, [n for n, one in channels.items() if _posts(one)], vault)
    lanes = [Lane(one, setup, live=True) for one in halls.values()]
    lanes += [Lane(one, setup, live=False if name in halls else None) for name, one in channels.items()]
    return Desk(workspace, clock, store, channels, library, intake, refresh, lanes, stop)


def _posts(channel: Channel) -> bool:
    """Whether live events are posted there: these have a lane of their own, with a channel of its own, so that nothing
    that hangs elsewhere keeps a hall waiting."""
    return isinstance(channel, Parting) and not isinstance(channel, Batching)


def _setup(workspace: Workspace, store: Store, library: Library, clock: Clock, stop: threading.Event) -> Setup:
    settings = workspace.settings
    pages = tuple(name for name, table in settings.channels.items() if adapter(table.adapter).pages)
    owner = f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}"
    return Setup(
        store,
        library,
        settings.zone,
        settings.site.url,
        pages,
        owner,
        clock,
        stop,
        limits=limits(settings),
        approval=settings.desk.approval,
    )


def limits(settings: Settings) -> dict[str, Limits]:
    """Channel → how many, how often, at which hours."""
    return {name: Limits(one.per_hour, one.gap, one.hours) for name, one in settings.channels.items()}


def plan_rules(settings: Settings, channels: Mapping[str, Channel]) -> plan.Rules:
    kinds = {str(kind): (table.channels, table.late) for kind, table in settings.kinds.items()}
    rules = {}
    for name, channel in channels.items():
        table = settings.channels[name]
        period = _by_the_hour(channel.period) if isinstance(channel, Collecting) else None
        rules[name] = plan.ChannelRule(frozenset(table.languages), table.late, isinstance(channel, Batching), period)
    return plan.Rules(settings.since, kinds, rules)


def _by_the_hour(period: Callable[[datetime], Period | None]) -> Callable[[datetime], Period | None]:
    """The same, asked once for all the pieces of an hour in which no edition goes out: a calendar holds ten thousand."""

    @lru_cache(maxsize=100_000)
    def ends(hour: datetime) -> tuple[Period | None, Period | None]:
        return period(hour), period(hour + _HOUR)

    def found(at: datetime) -> Period | None:
        first, last = ends(at.replace(minute=0, second=0, microsecond=0))
        return first if first == last else period(at)

    return found


_HOUR = timedelta(hours=1)
