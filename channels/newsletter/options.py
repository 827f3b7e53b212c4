"""What `config/julki.toml` may say about a newsletter."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path

from pydantic import Field, field_validator

from channels.newsletter.edition import parse_edition
from channels.registry import Options


class NewsletterOptions(Options):
    """`edition` is `each`, `daily 09:00`, `weekly mon 09:00` or `monthly 1 09:00`, in the site's zone. `maildir` is
    relative to the workspace; `<name>` in it is the channel's name. `from` is `Name <address>`; empty: the site's."""

    sandbox: bool = True
    edition: str = "weekly mon 09:00"
    maildir: str = "var/outbox/<name>"
    from_: str = Field(default="", alias="from")

    @field_validator("sandbox")
    @classmethod
    def _only_sandbox(cls, value: bool) -> bool:
        if not value:
            raise ValueError("this version can't send mail by SMTP yet: write sandbox = true; mails go into a Maildir.")
        return value

    @field_validator("edition")
    @classmethod
    def _readable_edition(cls, value: str) -> str:
        parse_edition(value)
        return value

    @field_validator("from_")
    @classmethod
    def _one_address(cls, value: str) -> str:
        address = parseaddr(value)[1]
        local, _, host = address.rpartition("@")
        if value and (not local or not host or not value.isprintable() or not address.isascii()):
            raise ValueError(f'"{value}" is not a sender. Write it like from = "Desk <desk@example.org>".')
        return value

    def maildir_path(self, root: Path, name: str) -> Path:
        return root / self.maildir.replace("<name>", name)
