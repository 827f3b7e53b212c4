"""Adapters by name, through the entry points of the group `julki.channels`; the built-in ones come the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel, ConfigDict

from channels.account import Account
from channels.contract import Channel, Context

GROUP = "julki.channels"


class Options(BaseModel):
    """What `config/julki.toml` may say in a channel's table beyond the desk's own keys. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an entry point names: how the options look, which secrets there are, and how to open a channel.

    `secrets` are lower-case field names; the desk reads them from `JULKI_<CHANNEL>_<FIELD>`.
    `open(name, options, context)` does no network. `pages`: it publishes the pieces' own pages, and what links to them
    on other channels waits for it. `account(name, options, context)` is for an adapter whose remote has accounts: the one
    of that channel (see `channels.account`), None where nobody signs in.
    """

    options: type[Options]
    open: Callable[[str, Any, Context], Channel]
    secrets: tuple[str, ...] = ()
    pages: bool = False
    account: Callable[[str, Any, Context], Account | None] | None = None


class UnknownAdapter(LookupError):
    """No installed package offers an adapter of that name."""


@cache
def _entries() -> dict[str, Any]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def adapters() -> list[str]:
    """The names that a channel's `adapter` may have, sorted."""
    return sorted(_entries())


@cache
def adapter(name: str) -> Adapter:
    """The adapter of that name. Raises `UnknownAdapter`."""
    entry = _entries().get(name)
    if entry is None:
        raise UnknownAdapter(f"there is no adapter '{name}'; there are: {', '.join(adapters())}")
    found = entry.load()
    if not isinstance(found, Adapter):
        raise UnknownAdapter(f"the adapter '{name}' ({entry.value}) is not a channels.registry.Adapter")
    return found
