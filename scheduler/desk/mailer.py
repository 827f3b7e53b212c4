"""The desk's own mails (alarms, the digest): how they leave, by SMTP or, in the sandbox, into a mail folder.

What goes wrong is told by the errors of `channels.errors`, and means the same: `Rejected`, this receiver will never get
it; `RateLimited`, not now, for this receiver; `Unauthorized` and `Unavailable`, nobody gets anything at present;
`Uncertain`, it may have been accepted. Whatever is sent again goes under the same Message-ID.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from channels.errors import ChannelError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from channels.newsletter import mail
from channels.newsletter.maildir import Maildir
from scheduler.mailing import MailTable
from scheduler.workspace import MAIL_PASSWORD, OWN, Workspace

_REPLY = 200
_PORTS = {"smtp": 587, "smtps": 465}
_CREDENTIALS = (530, 534, 535, 538)
"""Replies that mean: not without (other) credentials. RFC 4954, section 6."""


def message_id(kind: str, what: str, workspace: Workspace) -> str:
    """The same for the same `what`, so that a mailbox which got it already can tell."""
    return f"<{kind}-{_digest(what)}@{mail.host(workspace.settings.as_site())}>"


class Mailer:
    """`clock` gives the mails their date. One mail, one connection: there are few of them. `patience` is how many seconds
    each word of the server is waited for."""

    def __init__(self, workspace: Workspace, clock: Callable[[], datetime], patience: float = 10.0) -> None:
        self._table: MailTable = workspace.settings.mail
        self._site = workspace.settings.as_site()
        self._maildir = Maildir(workspace.root / self._table.maildir)
        self._password = workspace.secrets.get(OWN, {}).get(MAIL_PASSWORD, "")
        self._clock, self._patience = clock, patience

    def send(self, to: str, subject: str, text: str, html: str, lang: str, message_id: str) -> None:
        """To one receiver. Raises a `ChannelError`, in plain words."""
        sender = self._sender()
        envelope = EmailMessage(policy=SMTP)
        envelope["From"] = sender
        envelope["To"] = receiver = _address(to)
        envelope["Subject"] = mail.line(subject, mail.SUBJECT)
        envelope["Date"] = format_datetime(self._clock())
        envelope["Message-ID"] = message_id
        # RFC 3834: nobody's absence note answers it.
        envelope["Auto-Submitted"] = "auto-generated"
        envelope.set_content(text, cte="quoted-printable")
        envelope.add_alternative(html, subtype="html", cte="quoted-printable")
        envelope["Content-Language"] = lang if lang.isalpha() and lang.isascii() else "en"
        envelope.set_boundary(f"=_{_digest(message_id)}")
        if self._table.sandbox:
            self._maildir.deliver(f"{_digest(message_id)}.julki", envelope.as_bytes())
        else:
            self._post(sender.addr_spec, receiver.addr_spec, envelope.as_bytes())

    def _sender(self) -> Address:
        written = self._table.from_
        name, address = parseaddr(written) if written else (self._site.title, f"desk@{mail.host(self._site)}")
        user, _, domain = _ascii(address).rpartition("@")
        return Address(mail.line(name, 100), user, domain)

    def _post(self, sender: str, receiver: str, content: bytes) -> None:
        with self._link() as link:
            try:
                link.sendmail(sender, [receiver], content)
            except smtplib.SMTPRecipientsRefused as error:
                raise _refused(*error.recipients[receiver], f"mail for {receiver}", self._hide) from None
            except smtplib.SMTPSenderRefused as error:
                raise self._sender_refused(error) from None
            except smtplib.SMTPResponseException as error:
                what = f"the mail for {receiver}"
                raise _refused(error.smtp_code, error.smtp_error, what, self._hide) from None
            except (smtplib.SMTPException, OSError) as error:
                raise Uncertain(
                    f"The mail server stopped answering in the middle of a mail ({self._hide(error)}).",
                    hint="Look whether it is well.",
                ) from None

    @contextmanager
    def _link(self) -> Iterator[smtplib.SMTP]:
        """A connection, encrypted and signed in."""
        parts = urlsplit(self._table.smtp_url)
        where = f"The mail server {parts.hostname}:{parts.port or _PORTS[parts.scheme]}"
        try:
            link = self._connect()
        except ssl.SSLCertVerificationError as error:
            why = f"{where} can't be trusted: its certificate does not hold ({error.verify_message})."
            raise Unavailable(why, hint="Correct smtp_url in config/julki.toml, or have it mended.") from None
        except smtplib.SMTPNotSupportedError:
            hint = "Correct smtp_url in config/julki.toml: another port, or smtps:// for TLS from the start."
            raise Unavailable(f"{where} offers no encryption (STARTTLS).", hint=hint) from None
        except (smtplib.SMTPException, OSError) as error:
            hint = "Correct smtp_url below [mail] in config/julki.toml, or have the server mended."
            raise Unavailable(f"{where} can't be reached ({self._hide(error)}).", hint=hint) from None
        try:
            self._sign_in(link, where)
            yield link
        finally:
            with suppress(smtplib.SMTPException, OSError):
                link.quit()
            link.close()

    def _connect(self) -> smtplib.SMTP:
        parts = urlsplit(self._table.smtp_url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        context = ssl.create_default_context()
        if parts.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=self._patience, context=context)
        link = smtplib.SMTP(host, port, timeout=self._patience)
        try:
            link.ehlo_or_helo_if_needed()
            if link.has_extn("starttls") or not _is_loopback(host):
                link.starttls(context=context)
        except BaseException:
            link.close()
            raise
        return link

    def _sign_in(self, link: smtplib.SMTP, where: str) -> None:
        user = unquote(urlsplit(self._table.smtp_url).username or "")
        if not user:
            return
        if not self._password:
            hint = "Set JULKI_DESK_SMTP_PASSWORD in the environment, or in the file that JULKI_SECRETS names."
            raise Unauthorized(f"The password of {user} on the mail server is not known.", hint=hint)
        try:
            link.login(user, self._password)
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:
                raise Unavailable(f"{where} can't check the password now.", hint="Look whether it is well.") from None
            hint = "Correct JULKI_DESK_SMTP_PASSWORD, or the name in smtp_url (config/julki.toml)."
            raise Unauthorized(f"{where} does not accept the name {user} with its password.", hint=hint) from None
        except (smtplib.SMTPException, OSError) as error:
            hint = "Correct smtp_url below [mail] in config/julki.toml."
            raise Unavailable(f"Nobody can sign in to {where} ({self._hide(error)}).", hint=hint) from None

    def _sender_refused(self, error: smtplib.SMTPSenderRefused) -> ChannelError:
        said = f"The mail server does not take mail from {error.sender} ({_said(error.smtp_error, self._hide)})."
        if error.smtp_code in _CREDENTIALS:
            return Unauthorized(said, hint="Write the name to sign in with into smtp_url (config/julki.toml).")
        return Unavailable(said, hint="Correct from below [mail] in config/julki.toml.")

    def _hide(self, said: object) -> str:
        """What a library or a server said, on one line, without the password."""
        text = str(said)
        return mail.line(text.replace(self._password, "[hidden]") if self._password else text, _REPLY)


def _refused(code: int, reply: bytes | str, what: str, hide: Callable[[object], str]) -> ChannelError:
    """RFC 5321, section 4.2.1: 4xx is not now, 5xx is never."""
    said = f"The mail server does not take {what} ({code}: {_said(reply, hide)})."
    if code in _CREDENTIALS:
        return Unauthorized(said, hint="Write the name to sign in with into smtp_url (config/julki.toml).")
    if code < 500:
        return RateLimited(said)
    return Rejected(said, hint="Correct the address in config/, or ask whoever keeps it.")


def _said(reply: bytes | str, hide: Callable[[object], str]) -> str:
    return hide(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply)


def _address(written: str) -> Address:
    try:
        return Address(addr_spec=_ascii(written))
    except Exception:  # noqa: BLE001  the parser of the standard library raises many kinds, IndexError among them
        raise Rejected(
            f"'{mail.line(written, 100)}' is no mail address.", hint="Correct it in config/julki.toml or team.toml."
        ) from None


def _ascii(address: str) -> str:
    """With the host as the network knows it. Raises `UnicodeError` where that can't be."""
    user, _, domain = address.strip().rpartition("@")
    return f"{user}@{domain.encode('idna').decode('ascii')}".encode("ascii").decode()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _digest(what: str) -> str:
    return sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:32]
