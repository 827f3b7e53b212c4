"""Opening the channel: the sandbox, the real X, or the real X without what it takes to sign in. And the account there."""

from __future__ import annotations

from typing import NoReturn

from channels.contract import Context
from channels.errors import CannotTell, Unauthorized
from channels.x.access import Keys, Token
from channels.x.account import KeysAccount, TokenAccount, missing
from channels.x.channel import Remote, X
from channels.x.live import LOOK, Live
from channels.x.oauth2 import Client
from channels.x.options import KEYS, XOptions
from channels.x.outbox import Outbox
from channels.x.wallet import Issuer, Wallet

_NEEDED = {"oauth1": KEYS, "oauth2": ("client_id",)}


class Unset:
    """The real X without its keys: rendering and checking work, nothing goes out."""

    look = LOOK

    def __init__(self, told: str) -> None:
        self._told = told

    def publish(self, *_: object) -> NoReturn:
        hint = "Set them in the environment or in the file that JULKI_SECRETS names, or set sandbox = true."
        raise Unauthorized(self._told, hint=hint)

    withdraw = publish

    def find(self, *_: object) -> NoReturn:
        raise CannotTell(self._told)

    read = 0

    def measure(self, *_: object) -> NoReturn:
        raise Unauthorized(self._told)

    def close(self) -> None:
        """Nothing was opened."""


def open_channel(name: str, options: XOptions, context: Context) -> X:
    return X(name, options, _remote(name, options, context))


def open_account(name: str, options: XOptions, context: Context) -> KeysAccount | TokenAccount | None:
    """None in the sandbox: nobody signs in there."""
    if options.sandbox:
        return None
    lacking = missing(name, _NEEDED[options.auth], context.secrets)
    if options.auth == "oauth2":
        return TokenAccount(name, options, _wallet(name, options, context), lacking)
    return KeysAccount(options, context.secrets, lacking)


def _remote(name: str, options: XOptions, context: Context) -> Remote:
    if options.sandbox:
        return Outbox(options.outbox_path(context.root, name), name)
    if lacking := missing(name, _NEEDED[options.auth], context.secrets):
        return Unset(lacking)
    if options.auth == "oauth1":
        return Live(options.api_url, Keys(context.secrets), context.media, options.timeout)
    wallet = _wallet(name, options, context)
    if wallet is None:
        return Unset(f"The channel '{name}' has no database to keep what it signs in to X with.")
    return Live(options.api_url, Token(wallet), context.media, options.timeout)


def _wallet(name: str, options: XOptions, context: Context) -> Wallet | None:
    if context.vault is None:
        return None
    client = Client(context.secrets.get("client_id", ""), context.secrets.get("client_secret", ""))
    issuer = Issuer(options.api_url, client, options.timeout.total_seconds())
    return Wallet(name, issuer, context.vault, context.root)
