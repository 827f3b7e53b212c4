"""How the desk's own mails leave, and who gets them: `[mail]`, `[alarms]`, `[digest]`."""

from __future__ import annotations

import re
from email.utils import parseaddr
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from channels.newsletter.edition import weekly
from scheduler.people import Table

_ADDRESS = re.compile(r"[^@\s<>,;\"\\]+@[^@\s<>,;\"\\]+")


class MailTable(Table):
    """How the desk's own mails (alarms) leave. `smtp_url`: `smtp://user@host:587` (STARTTLS) or `smtps://user@host:465`."""

    sandbox: bool = True
    smtp_url: str = ""
    from_: str = Field(default="", alias="from")
    maildir: str = "var/outbox/desk"

    @field_validator("smtp_url")
    @classmethod
    def _without_password(cls, value: str) -> str:
        parts = urlsplit(value)
        try:
            _ = parts.port
        except ValueError:
            raise ValueError(f"'{value}' names a port that there is none of. Write it like :587.") from None
        if parts.password is not None:
            raise ValueError(
                "a password may not stand in a file of the workspace. Set JULKI_DESK_SMTP_PASSWORD instead."
            )
        if value and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError(f"'{value}' is not a mail server. Write it like smtp://desk@mail.example.org:587.")
        return value

    @field_validator("from_")
    @classmethod
    def _one_address(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(parseaddr(value)[1]):
            raise ValueError(f'"{value}" is not a sender. Write it like from = "Desk <desk@example.org>".')
        return value

    @model_validator(mode="after")
    def _whole(self) -> MailTable:
        if not self.sandbox and not (self.smtp_url and self.from_):
            raise ValueError("sandbox = false needs smtp_url and from. Add both, or write sandbox = true.")
        return self


class AlarmsTable(Table):
    """Who is told by mail of what failed or is held."""

    to: tuple[str, ...] = ()

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _known(value)


class DigestTable(Table):
    """When the weekly digest goes out, in the site's zone, and to whom."""

    at: str = "mon 08:00"
    to: tuple[str, ...] = ()

    @field_validator("at")
    @classmethod
    def _time_of_the_week(cls, value: str) -> str:
        weekly(value)
        return value

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _known(value)


def _known(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Each once. Raises `ValueError` for what is no address."""
    for one in addresses:
        if not _ADDRESS.fullmatch(one):
            raise ValueError(f"'{one}' is not a mail address. Write it like editor@example.org.")
    return tuple(dict.fromkeys(addresses))
