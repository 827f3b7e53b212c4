"""As much of the desk as looking at pieces takes: no database, no network, and nothing loaded for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from channels.contract import Archive, Channel, Context, Live, Vault
from channels.message import Message
from channels.registry import adapter
from scheduler.calendar import reading
from scheduler.desk.intake import Intake
from scheduler.desk.library import Library
from scheduler.workspace import Workspace


@dataclass(frozen=True)
class Reader:
    """As much of the desk as `check` and `preview` need: no database, no network."""

    workspace: Workspace
    channels: Mapping[str, Channel]
    library: Library
    intake: Intake

    def close(self) -> None:
        for channel in self.channels.values():
            channel.close()


class _NothingLive:
    """The archive of a desk without a database."""

    def live(self, channel: str) -> Sequence[Live]:  # noqa: ARG002  the protocol's shape
        return ()

    def message(self, digest: str) -> Message:
        raise LookupError(digest)

    def redirects(self) -> Mapping[str, str]:
        return {}


NOTHING_LIVE = _NothingLive()


def read_only(workspace: Workspace) -> Reader:
    """For looking at pieces without a database."""
    channels = open_channels(workspace, NOTHING_LIVE)
    library = Library(workspace, reading_rules(workspace))
    return Reader(workspace, channels, library, intake(workspace, channels, library))


def open_channels(
    workspace: Workspace, archive: Archive, names: Collection[str] | None = None, vault: Vault | None = None
) -> dict[str, Channel]:
    """All of the settings, or those of these names."""
    found = {}
    for name, table in workspace.settings.channels.items():
        if names is None or name in names:
            found[name] = adapter(table.adapter).open(name, table.options, context(workspace, name, archive, vault))
    return found


def context(workspace: Workspace, name: str, archive: Archive, vault: Vault | None) -> Context:
    """What the channel of that name gets to live on."""
    return Context(
        workspace.root,
        workspace.var / "media",
        workspace.settings.as_site(),
        archive,
        workspace.secrets.get(name, {}),
        workspace.settings.names(),
        vault,
    )


def intake(workspace: Workspace, channels: Mapping[str, Channel], library: Library) -> Intake:
    return Intake(workspace.root, library.rules, workspace.settings, channels, library.view)


def reading_rules(workspace: Workspace) -> reading.Rules:
    settings = workspace.settings
    return reading.Rules(
        workspace.root,
        settings.site.timezone,
        settings.site.languages,
        frozenset(settings.channels),
        frozenset(settings.clients),
        {key: project.client for key, project in settings.projects.items()},
        frozenset(settings.audiences),
        frozenset(settings.authors),
    )
