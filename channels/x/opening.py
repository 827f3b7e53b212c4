"""Opening the channel: the sandbox, the real X, or the real X without its keys."""

from __future__ import annotations

from typing import NoReturn

from channels.contract import Context
from channels.errors import CannotTell, Unauthorized
from channels.x.access import Keys
from channels.x.channel import Remote, X
from channels.x.live import LOOK, Live
from channels.x.options import KEYS, XOptions
from channels.x.outbox import Outbox


class Unset:
    """The real X without its keys: rendering and checking work, nothing goes out."""

    look = LOOK

    def __init__(self, name: str, missing: list[str]) -> None:
        prefix = "JULKI_" + name.upper().replace("-", "_") + "_"
        self._told = (
            f"The channel '{name}' has no keys for X: {', '.join(prefix + field.upper() for field in missing)}."
        )

    def publish(self, *_: object) -> NoReturn:
        hint = "Set them in the environment or in the file that JULKI_SECRETS names, or set sandbox = true."
        raise Unauthorized(self._told, hint=hint)

    withdraw = publish

    def find(self, *_: object) -> NoReturn:
        raise CannotTell(self._told)

    def measure(self, *_: object) -> NoReturn:
        raise Unauthorized(self._told)

    def close(self) -> None:
        """Nothing was opened."""


def open_channel(name: str, options: XOptions, context: Context) -> X:
    return X(name, options, _remote(name, options, context))


def _remote(name: str, options: XOptions, context: Context) -> Remote:
    if options.sandbox:
        return Outbox(options.outbox_path(context.root, name), name)
    missing = [field for field in KEYS if not context.secrets.get(field)]
    if missing:
        return Unset(name, missing)
    return Live(options.api_url, Keys(context.secrets), context.media, options.timeout)
