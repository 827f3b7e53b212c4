"""What the parts of this adapter need of the account's line to X."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Ask(Protocol):
    """A call that posts nothing: the answer as a mapping, or a `ChannelError` that is never `Uncertain`."""

    def __call__(self, method: str, route: str, **kwargs: Any) -> Mapping[str, Any]: ...


def data_of(answer: object) -> Mapping[str, Any]:
    """What an answer holds under `data`; nothing where it holds none."""
    data = answer.get("data") if isinstance(answer, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def number_of(answer: object) -> str:
    """The number under `data`, of a post, a file or an account; "" where there is none."""
    found = data_of(answer).get("id")
    return found if isinstance(found, str) and is_number(found) else ""


def is_number(text: str) -> bool:
    """Whether it may be a number at X (document 2.167: up to 19 digits)."""
    return text.isascii() and text.isdigit() and len(text) <= 19
