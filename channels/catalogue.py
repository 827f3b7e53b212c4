"""What is live on a channel after a batch, and which lists the batch touches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from channels.card import Card, instant
from channels.contract import Item, Live

ListKey = tuple[str, str, str]
"""Language, what sort of list (`kind`, `tag`, …), and which one."""

Lists = Callable[[Card], Iterable[ListKey]]
"""The lists that a card stands in."""


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


class Catalogue:
    """The live cards, oldest first, with a batch taken into account. A piece is known by its `uid`, whatever its name."""

    def __init__(self, live: Sequence[Live], items: Sequence[Item], lists_of: Lists) -> None:
        self._lists_of = lists_of
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
        self.urls = {card["url"] for card in self.cards}
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
            for key in dict.fromkeys(key for card in change.cards for key in self._lists_of(card)):
                found.setdefault(key, []).append(change)
        return found

    def members(self, keys: Iterable[ListKey]) -> dict[ListKey, list[Card]]:
        """The cards of the lists, each oldest first; a list that has none is there, empty."""
        found: dict[ListKey, list[Card]] = {key: [] for key in keys}
        for card in self.cards:
            for key in self._lists_of(card):
                if key in found:
                    found[key].append(card)
        return found

    def all_lists(self) -> dict[ListKey, list[Card]]:
        return self.members(dict.fromkeys(key for card in self.cards for key in self._lists_of(card)))

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


def _dated(card: Mapping[str, object], published: str) -> Card:
    return card if card["date"] else {**card, "date": published}
