"""A mail server on 127.0.0.1 that keeps what it accepted and does, when told, what mail servers do on bad days."""

from __future__ import annotations

import asyncio
import ssl
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

Fault = Literal["", "later", "never", "cut", "cut after", "hang"]
"""What happens to a mail: accepted; 4xx; 5xx; cut before or after it is kept; no answer any more."""


@dataclass(frozen=True)
class Received:
    """One mail that was accepted, for one receiver."""

    to: str
    mail: EmailMessage

    @property
    def key(self) -> str:
        return str(self.mail["Message-ID"])

    def part(self, kind: str) -> str:
        found = self.mail.get_body((kind,))
        assert found is not None
        return str(found.get_content()).replace("\r\n", "\n")

    @property
    def text(self) -> str:
        return self.part("plain")

    @property
    def html(self) -> str:
        return self.part("html")


@dataclass
class Postbox:
    """`fault` is what happens to every mail; `receivers`: address → what happens to a mail for that one alone."""

    fault: Fault = ""
    receivers: dict[str, Fault] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    ledger: list[Received] = field(default_factory=list)
    tries: int = 0
    port: int = 0
    senders: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[Received]:
        return [one for one in self.ledger if one.to == address]

    # what aiosmtpd asks

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self.receivers.get(address, "")
        if fault == "never":
            return "550 5.1.1 No such person here"
        if fault == "later":
            return "451 4.7.1 Come back in a while"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        self.tries += 1
        if self.fault == "hang":
            await asyncio.sleep(60)
        if self.fault == "later":
            return "451 4.3.0 Not now"
        if self.fault == "never":
            return "554 5.7.1 Not this"
        if self.fault != "cut":
            self._keep(envelope)
        if self.fault.startswith("cut"):
            server.transport.abort()
        return "250 Accepted"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.senders.append(str(envelope.mail_from))
        self.ledger.extend(Received(address, mail) for address in envelope.rcpt_tos)

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=right, handled=right)

    def protocol(self) -> SMTP:
        told: dict[str, Any] = {"hostname": "postbox.test", "enable_SMTPUTF8": False, "tls_context": self.tls}
        if self.users:
            told |= {
                "authenticator": self.authenticate,
                "auth_required": True,
                "auth_require_tls": self.tls is not None,
            }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # passwords in the clear: on this machine, and made up
            return SMTP(self, **told)


@contextmanager
def postbox(port: int = 0, *, wrapped: bool = False, **told: Any) -> Iterator[Postbox]:
    """One that runs for as long as the block. `wrapped`: TLS from the start; else `tls` is offered as STARTTLS."""
    box = Postbox(**told)
    secure = box.tls if wrapped else None
    if wrapped:
        box.tls = None
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(box.protocol, "127.0.0.1", port, ssl=secure))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="postbox", daemon=True)
    thread.start()
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _close(server: asyncio.AbstractServer) -> None:
    server.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.01)
