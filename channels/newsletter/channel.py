"""The channel: mails of single pieces, or editions that collect them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from zoneinfo import ZoneInfo

from slugify import slugify

from channels.contract import Context, Period, Receipt
from channels.message import Json, Message, Problem
from channels.newsletter import mail
from channels.newsletter.edition import parse_edition
from channels.newsletter.maildir import Maildir
from channels.newsletter.options import NewsletterOptions
from channels.newsletter.words import day, words
from channels.piece import Piece
from channels.view import Site, View

_FIRST = datetime.min.replace(tzinfo=UTC)


class Newsletter:
    """Mails into a Maildir. A key names one file, so that a repeat changes nothing."""

    idempotent = True
    settle = timedelta(0)

    def __init__(self, name: str, options: NewsletterOptions, context: Context) -> None:
        self.name = name
        self._site = context.site
        self._edition = parse_edition(options.edition)
        self._maildir = Maildir(options.maildir_path(context.root, name))
        self._sender = _sender(options.from_, context.site)

    def check(self, piece: Piece, view: View) -> list[Problem]:  # noqa: ARG002 - the contract's argument
        subject = piece.override(self.name).subject or piece.title
        if not mail.line(subject, mail.SUBJECT):
            return [Problem("empty-subject", "The mail has no subject. Write a title.", field="title")]
        if len(" ".join(subject.split())) > mail.SUBJECT:
            text = f"The subject is longer than {mail.SUBJECT} characters: its end is cut off. Write a shorter subject."
            return [Problem("long-subject", text, "warning", "title")]
        return []

    def render(self, piece: Piece, view: View) -> list[Message]:
        subject = piece.override(self.name).subject or piece.title
        entry = mail.entry(piece, view, self.name, whole=True)
        made = mail.compose(subject, piece.title, [entry], view.site, piece.lang)
        data = {"pieces": [piece.id], "language": piece.lang, "segment": _segment(piece, self.name), "period": ""}
        return [self._message(piece.id, made, data)]

    def period(self, at: datetime) -> Period | None:
        return self._edition.period(at, ZoneInfo(self._site.timezone)) if self._edition else None

    def collect(self, period: Period, pieces: Sequence[Piece], view: View) -> list[Message]:
        groups: dict[tuple[str, str], list[Piece]] = {}
        for piece in sorted(pieces, key=lambda piece: (piece.publish_at or _FIRST, piece.id)):
            groups.setdefault((piece.lang, _segment(piece, self.name)), []).append(piece)
        return [self._collected(period, *key, groups[key], view) for key in sorted(groups)]

    def publish(self, message: Message, key: str, parent: Receipt | None) -> Receipt:  # noqa: ARG002 - the contract's
        receipt = self._receipt(key)
        envelope = self._envelope(message, key, receipt.remote_id)
        self._maildir.deliver(_file(key), envelope.as_bytes())
        return receipt

    def find(self, message: Message, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002 - the contract's
        return self._receipt(key) if self._maildir.has(_file(key)) else None

    @property
    def look(self) -> str:
        """Where a person sees the mails."""
        return str(self._maildir.path)

    def close(self) -> None:
        """Nothing is kept open."""

    def _collected(self, period: Period, lang: str, segment: str, pieces: list[Piece], view: View) -> Message:
        entries = [mail.entry(piece, view, self.name, whole=False) for piece in pieces]
        newest = pieces[-1]
        date = day(period.due_at, ZoneInfo(view.site.timezone), lang)
        subject = newest.override(self.name).subject or newest.title
        heading = newest.title if len(pieces) == 1 else f"{view.site.title}, {date}"
        if len(pieces) > 1:
            others = len(pieces) - 1
            tail = words(lang)["other" if others == 1 else "others"].format(count=others)
            room = mail.SUBJECT - len(view.site.title) - len(tail) - 3
            subject = f"{view.site.title}: {mail.line(subject, max(room, 20))} {tail}"
        made = mail.compose(subject, heading, entries, view.site, lang)
        ids = [piece.id for piece in pieces]
        return self._message("", made, {"pieces": ids, "language": lang, "segment": segment, "period": period.key})

    def _message(self, piece: str, made: mail.Mail, data: Mapping[str, Json]) -> Message:
        return Message(self.name, piece, title=made.subject, text=made.text, html=made.html, data=data, links_page=True)

    def _receipt(self, key: str) -> Receipt:
        return Receipt(f"<{_digest(key)}@{mail.host(self._site)}>", data={"file": _file(key)})

    def _envelope(self, message: Message, key: str, message_id: str) -> EmailMessage:
        envelope = EmailMessage(policy=SMTP)
        envelope["From"] = self._sender
        envelope["To"] = _recipients(str(message.data["language"]), str(message.data["segment"]))
        envelope["Subject"] = mail.line(message.title, mail.SUBJECT)
        envelope["Date"] = format_datetime(datetime.now(UTC))
        envelope["Message-ID"] = message_id
        envelope.set_content(message.text, cte="quoted-printable")
        envelope.add_alternative(message.html, subtype="html", cte="quoted-printable")
        # Set last: what is set earlier moves into the text's part.
        envelope["Content-Language"] = slugify(str(message.data["language"])) or "en"
        envelope.set_boundary(f"=_{_digest(key)}")
        return envelope


def open_channel(name: str, options: NewsletterOptions, context: Context) -> Newsletter:
    return Newsletter(name, options, context)


def _segment(piece: Piece, channel: str) -> str:
    return mail.line(piece.override(channel).segment, 60)


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:32]


def _file(key: str) -> str:
    return f"{_digest(key)}.julki"


def _sender(written: str, site: Site) -> Address:
    name, address = parseaddr(written) if written else (site.title, f"newsletter@{mail.host(site)}")
    user, _, domain = address.rpartition("@")
    return Address(mail.line(name, 100), user, domain)


def _recipients(lang: str, segment: str) -> Address:
    """An address under `.invalid`, which can't exist: nobody takes the sandbox's mail for one that was sent."""
    return Address("", "-".join(filter(None, ("subscribers", slugify(lang), slugify(segment)))), "sandbox.invalid")
