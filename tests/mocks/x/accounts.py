"""Who has an account at the mock, and who is calling."""

from __future__ import annotations

import threading
from dataclasses import dataclass

USER = "2244994945"
"""The number of the first account."""


@dataclass(frozen=True)
class Account:
    """`id` is the number by which X knows it, `username` the name behind the @."""

    id: str
    username: str
    name: str


@dataclass(frozen=True)
class Caller:
    """Whose request it is. `scopes` of an OAuth 2 token; None: signed with OAuth 1.0a, which knows none. `account` is
    None for a token of the app alone."""

    account: Account | None
    scopes: frozenset[str] | None = None


class Accounts:
    """All accounts, in the order in which they came. There is always one, called desk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Account] = []
        self._by_token: dict[str, Account] = {}
        self.named("desk")

    @property
    def first(self) -> Account:
        return self._all[0]

    @property
    def everybody(self) -> list[Account]:
        return list(self._all)

    def named(self, username: str) -> Account:
        """The account of that name, opened if it isn't there."""
        with self._lock:
            found = next((one for one in self._all if one.username == username), None)
            if found is None:
                found = Account(str(int(USER) + len(self._all)), username, username.capitalize())
                self._all.append(found)
            return found

    def by_id(self, account_id: str) -> Account | None:
        return next((one for one in self._all if one.id == account_id), None)

    def of_token(self, token: str) -> Account:
        """Whose token it is, where nobody said: the first token is the first account's, each other has its own."""
        if token not in self._by_token:
            number = len(self._by_token) + 1
            self._by_token[token] = self.named("desk" if number == 1 else f"desk{number}")
        return self._by_token[token]
