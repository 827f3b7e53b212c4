"""What is live on the site after a batch, and which lists the batch touches."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from channels.card import Card, instant
from channels.contract import Item, Live

PAGE = 20
"""How many entries a page of a list holds; the newest page, which is still filling, up to twice as many."""

ListKey = tuple[str, str, str]
"""Language, `kind` or `tag`, and which one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a batch does to one piece: `old` None where it is new, `new` None where it is withdrawn."""

    old: Card | None
    new: Card | None

    @property
    def cards(self) -> Iterator[Card]:
        return (card for card in (self.old, self.new) if card is not None)


def order(card: Card) -> tuple[str, str]:
    """Cards in time; of two at one moment, by id."""
    return card["date"], card["id"]


def lists_of(card: Card) -> Iterator[ListKey]:
    yield card["lang"], "kind", card["kind"]
    for slug, _ in card["tags"]:
        yield card["lang"], "tag", slug


class Catalogue:
    """The live cards, oldest first, with a batch taken into account. A piece is known by its `uid`, whatever its name."""

    def __init__(self, live: Iterable[Live], items: Sequence[Item]) -> None:
        before = {entry.card["uid"]: _dated(entry.card, instant(entry.published_at)) for entry in live}
        self.digests = {entry.card["uid"]: entry.digest for entry in live}
        after = dict(before)
        for item in items:
            uid = item.message.card["uid"]
            if item.purpose == "withdraw":
                after.pop(uid, None)
            else:
                after[uid] = _dated(item.message.card, instant(item.published_at))
        uids = dict.fromkeys(item.message.card["uid"] for item in items)
        self.changes = [Change(before.get(uid), after.get(uid)) for uid in uids]
        self.cards = sorted(after.values(), key=order)
        self._by_id = {card["id"]: card for card in self.cards}

    def get(self, piece: str) -> Card | None:
        """The card of that id."""
        return self._by_id.get(piece)

    def group(self, card: Card) -> str:
        """The id of the first original: a translation of a translation belongs to the same group."""
        root = card
        for _ in range(8):
            found = self._by_id.get(root["group"])
            if found is None or found is root:
                break
            root = found
        return str(root["group"])

    def groups(self, roots: Iterable[str] | None = None) -> dict[str, list[Card]]:
        """The cards by group; only the groups named in `roots`, or all."""
        wanted = None if roots is None else set(roots)
        found: dict[str, list[Card]] = {}
        for card in self.cards:
            root = self.group(card)
            if wanted is None or root in wanted:
                found.setdefault(root, []).append(card)
        return found

    def touched_lists(self) -> dict[ListKey, list[Change]]:
        """The lists that a change enters, leaves or stands in, with these changes."""
        found: dict[ListKey, list[Change]] = {}
        for change in self.changes:
            for key in dict.fromkeys(key for card in change.cards for key in lists_of(card)):
                found.setdefault(key, []).append(change)
        return found

    def members(self, keys: Iterable[ListKey]) -> dict[ListKey, list[Card]]:
        """The cards of the lists, each oldest first; a list that has none is there, empty."""
        found: dict[ListKey, list[Card]] = {key: [] for key in keys}
        for card in self.cards:
            for key in lists_of(card):
                if key in found:
                    found[key].append(card)
        return found

    def all_lists(self) -> dict[ListKey, list[Card]]:
        return self.members(dict.fromkeys(key for card in self.cards for key in lists_of(card)))

    def newest(self, lang: str, count: int) -> list[Card]:
        """The newest cards of a language, newest first."""
        cards = (card for card in reversed(self.cards) if card["lang"] == lang)
        return [card for card, _ in zip(cards, range(count), strict=False)]

    def tags(self, lang: str) -> list[tuple[str, str, int]]:
        """Slug, name and count of the language's tags, by name; a tag is called what the newest piece calls it."""
        names: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for card in self.cards:
            if card["lang"] == lang:
                names.update(card["tags"])
                counts.update(slug for slug, _ in card["tags"])
        return sorted(((slug, name, counts[slug]) for slug, name in names.items()), key=lambda tag: tag[1].casefold())


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
    """The pages that hold the cards from position `since` on, their neighbours, and the front page. Newest card first.

    Numbered from the oldest, so that a new piece makes none but the newest pages other.
    """
    full = full_pages(len(cards))
    for number in range(max(1, since // PAGE - 1), full + 1):
        some = cards[(number - 1) * PAGE : number * PAGE]
        yield Leaf(number, some[::-1], number - 1 if number > 1 else None, number + 1 if number < full else 0)
    yield Leaf(0, cards[full * PAGE :][::-1], full or None, None)


def shifted_since(cards: Sequence[Card], changes: Iterable[Change]) -> int:
    """The first position of a list from which its pages may be other than before."""
    places = [order(card) for change in changes for card in change.cards]
    return min((bisect_left(cards, place, key=order) for place in places), default=len(cards))


def _dated(card: Mapping[str, object], published: str) -> Card:
    return card if card["date"] else {**card, "date": published}
