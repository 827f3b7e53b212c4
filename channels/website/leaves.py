"""A list in pages, numbered from the oldest, so that a new piece makes none but the newest pages other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from channels.card import Card
from channels.catalogue import Change, order

PAGE = 20
"""How many entries a page of a list holds; the newest page, which is still filling, up to twice as many."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page of a list. `number` counts from the oldest; 0 is the front page, the newest of all."""

    number: int
    cards: Sequence[Card]
    older: int | None
    newer: int | None


def full_pages(count: int) -> int:
    """How many numbered pages a list of so many cards has; the rest stands on the front page."""
    return max(0, count // PAGE - 1)


def leaves(cards: Sequence[Card], since: int = 0) -> Iterator[Leaf]:
    """The pages that hold the cards from position `since` on, their neighbours, and the front page. Newest card first."""
    full = full_pages(len(cards))
    for number in range(max(1, since // PAGE - 1), full + 1):
        some = cards[(number - 1) * PAGE : number * PAGE]
        yield Leaf(number, some[::-1], number - 1 if number > 1 else None, number + 1 if number < full else 0)
    yield Leaf(0, cards[full * PAGE :][::-1], full or None, None)


def shifted_since(cards: Sequence[Card], changes: Iterable[Change]) -> int:
    """The first position of a list from which its pages may be other than before."""
    places = [order(card) for change in changes for card in change.cards]
    return min((bisect_left(cards, place, key=order) for place in places), default=len(cards))
