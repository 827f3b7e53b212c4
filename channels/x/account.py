"""The account at X: how the channel stands with it, and how a person lets the desk in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from channels.account import Standing, Stray
from channels.errors import ChannelError, Rejected, Unauthorized, Unavailable
from channels.x import oauth2
from channels.x.access import Access, Keys, Token, redacted
from channels.x.ask import data_of, is_number
from channels.x.oauth2 import Proof
from channels.x.options import XOptions
from channels.x.tokens import Tokens
from channels.x.wallet import Wallet, variable

_USERNAME = re.compile(r"[A-Za-z0-9_]{1,50}")
_CODE = re.compile(r"[\x21-\x7e]{1,2000}")
_SET = "Set them in the environment or in the file that JULKI_SECRETS names, or set sandbox = true."


def missing(name: str, fields: Sequence[str], context_secrets: Mapping[str, str]) -> str:
    """Which of these secrets are not set, as a sentence; "" where all are."""
    absent = [field for field in fields if not context_secrets.get(field)]
    if not absent:
        return ""
    return f"The channel '{name}' has no keys for X: {', '.join(variable(name, field) for field in absent)}."


class KeysAccount:
    """Signed in to by the four keys of OAuth 1.0a. `lacking` says which are not set."""

    def __init__(self, options: XOptions, keys: Mapping[str, str], lacking: str) -> None:
        self._options, self._keys, self._lacking = options, Keys(keys), lacking

    def standing(self, _now: datetime) -> Standing:
        return Standing(trouble=f"{self._lacking} {_SET}" if self._lacking else "")

    def name(self) -> str:
        self.invite("")
        return _shown(*_whose(self._keys, self._keys.client(), self._options))

    def invite(self, _back: str) -> None:
        """Nobody has to be asked: whoever set the keys has let the desk in."""
        if self._lacking:
            raise Unauthorized(self._lacking, hint=_SET)


class TokenAccount:
    """Signed in to by OAuth 2.0. `wallet` is None where there is no database to keep tokens in."""

    def __init__(self, name: str, options: XOptions, wallet: Wallet | None, lacking: str) -> None:
        self._name, self._options, self._wallet, self._lacking = name, options, wallet, lacking

    def standing(self, now: datetime) -> Standing:
        if self._lacking:
            return Standing(trouble=f"{self._lacking} {_SET}")
        again = f"julki connect {self._name}"
        try:
            tokens = self._wallet.read() if self._wallet else None
        except ChannelError as error:
            return Standing(trouble=f"{error} {error.hint}".strip())
        if tokens is None:
            return Standing(trouble=f"Nobody has signed in to X yet. Sign in with: {again}")
        trouble = ""
        if tokens.lasts_no_longer or now >= tokens.lapses_at:
            trouble = f"X does not renew what the desk signs in with any more. Sign in again with: {again}"
        lapses_at = tokens.ends_at if tokens.lasts_no_longer else tokens.lapses_at
        return Standing(tokens.name, tokens.connected_at, tokens.renewed_at, lapses_at, trouble)

    def name(self) -> str:
        access = Token(self._ready())
        return _shown(*_whose(access, access.client(), self._options))

    def invite(self, back: str) -> Invitation:
        return Invitation(self._options, self._ready(), back)

    def _ready(self) -> Wallet:
        if self._lacking:
            raise Unauthorized(self._lacking, hint=_SET)
        if self._wallet is None:
            raise Unavailable("There is no database yet to keep the signing in.", hint="Run julki run first.")
        return self._wallet


class Invitation:
    """One person, one time: `address` is where to go, and what comes back from there is only good for this one."""

    def __init__(self, options: XOptions, wallet: Wallet, back: str) -> None:
        self._options, self._wallet, self._back = options, wallet, back
        self._proof = Proof()
        self.address = oauth2.address(options.authorize_url, wallet.issuer.client, back, self._proof)

    def accept(self, answer: Mapping[str, str]) -> str:
        if not secrets.compare_digest(answer.get("state", "").encode(), self._proof.state.encode()):
            again = (
                f"It begins with {self._back}?state=… Take the whole of it, from the newest address, in one browser."
            )
            raise Stray("This is not the answer to the question that was asked.", hint=again)
        if answer.get("error") == "access_denied":
            raise Rejected("X was told not to let Julki in.", hint="Begin again, and press “Authorize app”.")
        code = answer.get("code", "")
        if "error" in answer or not _CODE.fullmatch(code):
            told = "Are the client id, and the callback address in X's developer console, the right ones?"
            raise Rejected("X did not let Julki in, and gave no reason that people would understand.", hint=told)
        tokens = self._exchanged(code)
        account, username, trouble = self._whose(tokens)
        self._wallet.keep(replace(tokens, account=account, username=username))
        return _shown(account, username) or f"an account that X did not name ({trouble})"

    def _exchanged(self, code: str) -> Tokens:
        issuer = self._wallet.issuer
        form = oauth2.exchange(issuer.client, code, self._back, self._proof)
        answer = oauth2.ask(issuer.api_url, issuer.client, form, issuer.seconds)
        error = oauth2.refusal(answer)
        if error is not None:
            raise self._plain(error, answer)
        tokens = oauth2.tokens(answer)
        lacking = set(oauth2.SCOPES) - set(tokens.scopes.split()) if tokens.scopes else set()
        if lacking:
            told = f"X let Julki in, but not to all that it needs: {', '.join(sorted(lacking))} is missing."
            raise Rejected(told, hint="Let the app read and write in X's developer console, then begin again.")
        return tokens

    def _plain(self, error: ChannelError, answer: oauth2.Answer) -> ChannelError:
        name = self._wallet.name
        if oauth2.is_spent(answer):
            told = "X did not take the code: it is good for half a minute, and once."
            return Rejected(told, hint=f"Begin again: julki connect {name}")
        if oauth2.is_foreign(answer):
            names = f"{variable(name, 'client_id')} and {variable(name, 'client_secret')}"
            return Rejected(str(error), hint=f"Copy {names} anew from X's developer console.")
        return type(error)(str(error), hint=f"Begin again: julki connect {name}")

    def _whose(self, tokens: Tokens) -> tuple[str, str, str]:
        """Number, name, and why there are none: the code is spent by now, so that is no reason to lose the tokens."""
        access = Token(self._wallet)
        try:
            return (*_whose(access, access.client_with(tokens), self._options), "")
        except ChannelError as error:
            return "", "", str(redacted(error, access.secrets()))


def _whose(access: Access, client: Any, options: XOptions) -> tuple[str, str]:
    """The account's number and name, as X says now. Raises a `ChannelError`."""
    from channels.x.session import Session, json_of

    with Session(options.api_url, options.timeout) as session:
        client.session = session
        answer = json_of(client.request("GET", "/2/users/me", user_auth=access.user_auth))
    found = data_of(answer)
    account, username = str(found.get("id", "")), str(found.get("username", ""))
    if not (is_number(account) and _USERNAME.fullmatch(username)):
        raise Unavailable("X did not say whose account it is.", hint="Try again in a minute.")
    return account, username


def _shown(account: str, username: str) -> str:
    return f"@{username}" if account else ""
