"""The workspace's settings: `config/*.toml`, typed; whatever is wrong in them is told with file, line and remedy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from channels.duration import Duration
from channels.piece import KINDS, Kind
from channels.registry import Options, UnknownAdapter, adapter
from channels.view import Site
from scheduler.hours import WrittenHours
from scheduler.mailing import AlarmsTable, DigestTable, MailTable
from scheduler.people import Audience, Author, Client, Project, Table

_KEY = r"[a-z0-9][a-z0-9_-]{0,63}"


class SiteTable(Table):
    title: str = "Julki"
    url: str = "https://example.org"
    timezone: str = "Europe/Helsinki"
    languages: tuple[str, ...] = Field(default=("fi", "sv", "en"), min_length=1)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"'{value}' is not a time zone. Write one like Europe/Helsinki.")
        return value

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
            raise ValueError(f"'{value}' is not a web address. Write it like https://example.org.")
        return value.rstrip("/")

    @field_validator("languages")
    @classmethod
    def _language_codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for code in value:
            if not re.fullmatch(r"[a-z]{2,3}", code):
                raise ValueError(f"'{code}' is not a language code. Write them like fi, sv, en.")
        return tuple(dict.fromkeys(value))


class DeskTable(Table):
    since: date = date.min
    approval: bool = False
    backlog: int = Field(default=10, ge=0)


class KindTable(Table):
    channels: tuple[str, ...] = ()
    late: Duration | None = None


class ChannelTable(BaseModel):
    """The desk's own keys of a channel; `options` is the rest, typed by the adapter."""

    model_config = ConfigDict(extra="allow", frozen=True)

    adapter: str
    languages: tuple[str, ...] = ()
    late: Duration | None = None
    per_hour: int | None = Field(default=None, ge=1)
    gap: Duration | None = None
    hours: WrittenHours | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_secrets(cls, values: Any) -> Any:
        """A password in a file that goes into git is the oldest leak there is."""
        if isinstance(values, dict):
            try:
                secrets = adapter(str(values.get("adapter", ""))).secrets
            except UnknownAdapter:
                return values
            for key in secrets:
                if key in values:
                    raise ValueError(
                        f"'{key}' is a secret and may not stand in a file of the workspace. Take it out and set it in "
                        f"the environment (JULKI_<CHANNEL>_{key.upper()}) or in the file that JULKI_SECRETS names."
                    )
        return values

    @model_validator(mode="after")
    def _typed_options(self) -> ChannelTable:
        _ = self.options
        return self

    @cached_property
    def options(self) -> Options:
        try:
            kind = adapter(self.adapter).options
        except UnknownAdapter as error:
            raise ValueError(str(error)) from error
        return kind.model_validate(self.__pydantic_extra__ or {})

    @property
    def sandbox(self) -> bool:
        return bool(getattr(self.options, "sandbox", False))


class DatabaseTable(Table):
    url: str = "sqlite:///var/julki.db"

    @field_validator("url")
    @classmethod
    def _supported(cls, value: str) -> str:
        if not value.startswith("sqlite:///"):
            raise ValueError('this version keeps its data in SQLite. Write url = "sqlite:///var/julki.db".')
        return value


class ConsoleTable(Table):
    host: str = "127.0.0.1"
    port: int = Field(default=8020, ge=0, le=65535)


class PublicTable(Table):
    url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8021, ge=0, le=65535)


class ReachTable(Table):
    """How much may be asked. `reads_per_day`: posts read on one channel in a UTC day; 0: none."""

    reads_per_day: int = Field(default=1000, ge=0)


class LinksTable(Table):
    utm: str = "utm_source={channel}&utm_medium={medium}&utm_campaign={campaign}"

    @field_validator("utm")
    @classmethod
    def _a_query(cls, value: str) -> str:
        if not re.fullmatch(
            r"(?:[\w.~%+-]+=(?:[\w.~%+-]|\{(?:channel|medium|campaign|kind|lang|slug)\})*(?:&(?!$)|$))*", value, re.A
        ):
            raise ValueError(
                f'"{value}" can\'t be added to an address. Write it like utm = "utm_source={{channel}}"; there are '
                "{channel}, {medium}, {campaign}, {kind}, {lang} and {slug}."
            )
        return value


class Settings(BaseSettings):
    """Everything that `config/` says. Made by `scheduler.workspace.load`; frozen."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, case_sensitive=True)

    site: SiteTable = SiteTable()
    desk: DeskTable = DeskTable()
    kinds: dict[Kind, KindTable] = {}
    channels: dict[str, ChannelTable] = {}
    database: DatabaseTable = DatabaseTable()
    console: ConsoleTable = ConsoleTable()
    public: PublicTable = PublicTable()
    mail: MailTable = MailTable()
    alarms: AlarmsTable = AlarmsTable()
    links: LinksTable = LinksTable()
    digest: DigestTable | None = None
    reach: ReachTable = ReachTable()
    audiences: dict[str, Audience] = {}
    clients: dict[str, Client] = {}
    projects: dict[str, Project] = {}
    authors: dict[str, Author] = {}

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Files alone decide: a stray variable in somebody's shell must not move a publication."""
        return (sources["init_settings"],)

    @field_validator("channels", "audiences", "clients", "projects", "authors")
    @classmethod
    def _plain_keys(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key in value:
            if not re.fullmatch(_KEY, key):
                raise ValueError(f"'{key}' can't be a name here. Use small letters a-z, digits, - and _.")
        return value

    @field_validator("kinds")
    @classmethod
    def _all_kinds(cls, value: dict[Kind, KindTable]) -> dict[Kind, KindTable]:
        return {kind: value.get(kind, KindTable()) for kind in KINDS}

    @model_validator(mode="after")
    def _references(self) -> Settings:
        for kind, defaults in self.kinds.items():
            for channel in defaults.channels:
                if channel not in self.channels:
                    raise ValueError(
                        f"kinds.{kind}: there is no channel '{channel}'. Add [channels.{channel}] or take it out."
                    )
        for key, project in self.projects.items():
            if project.client and project.client not in self.clients:
                raise ValueError(
                    f"projects.{key}: there is no client '{project.client}'. Add [clients.{project.client}]."
                )
        if "desk" in self.channels:
            raise ValueError("channels.desk: that name is the desk's own. Call the channel otherwise.")
        for name, table in self.channels.items():
            for language in table.languages:
                if language not in self.site.languages:
                    raise ValueError(f"channels.{name}: '{language}' is not among the site's languages.")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.site.timezone)

    @property
    def since(self) -> datetime:
        """Midnight of `[desk] since`, site zone: what is due before is archive."""
        if self.desk.since == date.min:
            return datetime.min.replace(tzinfo=ZoneInfo("UTC"))
        return datetime.combine(self.desk.since, time(), self.zone)

    def as_site(self) -> Site:
        return Site(self.site.title, self.site.url, self.site.timezone, self.site.languages)

    def names(self) -> Mapping[tuple[str, str], str]:
        """The shown names of people, clients, projects and audiences, by what and key."""
        tables: Mapping[str, Mapping[str, Any]] = {
            "author": self.authors,
            "client": self.clients,
            "project": self.projects,
            "audience": self.audiences,
        }
        return {(what, key): entry.name for what, table in tables.items() for key, entry in table.items()}

    def fingerprint(self) -> str:
        """Changes when any setting does, or the rules of the time zone: then every piece is read anew, because dates and
        names may mean something else."""
        return hashlib.sha256((self.model_dump_json() + _zone_rules(self.zone)).encode()).hexdigest()[:16]


@cache
def _zone_rules(zone: ZoneInfo) -> str:
    """When the clocks change in fifteen years: countries change their rules, and an update of the machine brings them."""
    days = [_RULES_FROM + timedelta(days=n) for n in range(15 * 366)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    changes = [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]
    hours = (day + timedelta(hours=n) for day in changes for n in range(24))
    return ",".join(f"{hour:%Y%m%d%H}{hour.astimezone(zone).utcoffset()}" for hour in hours) + str(offsets[0])


_RULES_FROM = datetime(2026, 1, 1, tzinfo=UTC)


Where = Literal["julki", "audiences", "projects", "team"]
FILES: tuple[Where, ...] = ("julki", "audiences", "projects", "team")
