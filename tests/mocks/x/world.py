"""Everything that the mock knows and can be told: its accounts, what it holds, its rules, and its hooks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from tests.mocks.x import faults, schema
from tests.mocks.x.accounts import Accounts
from tests.mocks.x.exchange import Answer, Reply
from tests.mocks.x.faults import Fault, Faults
from tests.mocks.x.ledger import Ledger, Post
from tests.mocks.x.limits import GENEROUS, Counters, Limits
from tests.mocks.x.oauth2 import OAuth2
from tests.mocks.x.signatures import Keys, Signatures

Clock = Callable[[], datetime]


@dataclass
class Processing:
    """What becomes of a video or a GIF that is whole: `polls` times it is not ready yet (first `pending`, then
    `in_progress`), then it is, or has failed. `check_after` is how many seconds the client is asked to wait."""

    polls: int = 2
    check_after: int = 0
    fails: bool = False


class World:
    """The state behind the server; all parameters are attributes that a test may change while it runs.

    `lag`: how old a post is before the timeline shows it. `names`: the generation of names in answers; requests may use
    both, unless `refuses_other_names`. `replies`: "summoned" refuses answers to posts that don't mention the account.
    `credits`: US dollars to spend. `keys`: the OAuth 1.0a keys that exist; None: those that tests make up. `clients`:
    OAuth 2 client → its secret, None for a public one; None: those that tests make up. `consent`: what the person at the
    browser does ("ask" shows the page). `strict`: a request that X's document does not allow fails the test. `now`: the mock's clock; signatures are held against the real one.
    """

    def __init__(
        self,
        *,
        lag: timedelta = timedelta(0),
        refuses_duplicates: bool = True,
        names: Literal["old", "new"] = "old",
        refuses_other_names: bool = False,
        replies: Literal["open", "summoned"] = "open",
        limits: Limits = GENEROUS,
        credits: Decimal | float | None = None,  # noqa: A002 - so X calls it
        keys: Sequence[Keys] | None = None,
        clients: Mapping[str, str | None] | None = None,
        consent: Literal["grant", "deny", "ask"] = "grant",
        strict: bool = True,
        expires_in: int = 7200,
        processing: Processing | None = None,
        now: Clock | None = None,
    ) -> None:
        self.now: Clock = now or (lambda: datetime.now(UTC))
        self.ledger = Ledger(now=lambda: self.now())
        self.lag, self.refuses_duplicates = lag, refuses_duplicates
        self.names, self.replies, self.consent = names, replies, consent
        self.refuses_other_names, self.strict = refuses_other_names, strict
        self.limits = Counters(limits, None if credits is None else Decimal(str(credits)))
        self.accounts = Accounts()
        self.signatures = Signatures(self.accounts, keys)
        self.oauth2 = OAuth2(self.accounts, clients, lambda: self.now(), expires_in)
        self.processing = processing or Processing()
        self.schema = schema.load()
        self.violations: list[str] = []
        """Every request that X's document does not allow, in words. A test that makes some on purpose is not `strict`."""
        self.released = threading.Event()
        self.faults = Faults()
        self.on_ask: Callable[[str], bool] = lambda _text: True
        self.on_accept: Callable[[Post], None] = lambda _post: None
        self.on_answer: Callable[[Post], None] = lambda _post: None
        self.on_read: Callable[[], None] = lambda: None
        self.on_token_ask: Callable[[], None] = lambda: None
        self.on_token: Callable[[], None] = lambda: None
        self._storm_until = 0.0

    @property
    def served(self) -> Counter[str]:
        """How often each fault was played, by name (of an answer of one's own: its status)."""
        return self.faults.served

    def fail(self, place: str, fault: Fault) -> None:
        """The next call there fails: `post`, `delete`, `timeline`, `lookup`, `me`, `token`, `revoke`, `metadata`,
        `one-shot`, `initialize`, `append`, `finalize`, `status`, or `upload` for any of the last five."""
        self.faults.add(place, fault)

    def fail_next(self, fault: Fault) -> None:
        self.fail(faults.POST, fault)

    def fail_read(self, fault: Fault) -> None:
        self.fail(faults.TIMELINE, fault)

    def fail_upload(self, fault: Fault) -> None:
        self.fail(faults.UPLOAD, fault)

    def fail_token(self, fault: Fault) -> None:
        self.fail(faults.TOKEN, fault)

    def storm(self, seconds: float) -> None:
        """For so long, every post is answered 429, with the headers that say until when."""
        self._storm_until = time.time() + seconds

    def stormy(self) -> Answer | None:
        """The answer to a post while a storm lasts."""
        if time.time() >= self._storm_until:
            return None
        reset = str(int(self._storm_until))
        headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
        return 429, headers, {"title": "Too Many Requests", "detail": "Too Many Requests", "status": 429}

    def note(self, *violations: str) -> None:
        self.violations.extend(violations)

    def unpaid(self, cost: Decimal) -> Reply | None:
        return self.limits.unpaid(cost)
