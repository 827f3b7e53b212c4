"""Plain text for posts and mails: how long X takes it for, and how to shorten, split and clean it."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable

import regex

from channels.emoji import SEQUENCE
from channels.seams import seams, word_ends
from channels.urls import Address, addresses, counted

Measure = Callable[[str], int]
Span = tuple[int, int]

LIMIT = 280
"""The longest post, in weighted characters."""
ELLIPSIS = "…"

# The weights of twitter-text's configuration version 3; what is not named there weighs 2.
_HEAVY = regex.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
_URL = 23
_EMOJI = 2

_LONG = 1000
_MARKS = regex.compile(r"[^\p{Canonical_Combining_Class=0}]{32,}+")

# Where a text is rather cut: between paragraphs, lines, sentences (also where no space follows them), words.
_GAPS = (
    regex.compile(r"(?<!\s)(?:[^\S\n]*+\n){2}\s*+"),
    regex.compile(r"(?<!\s)[^\S\n]*+\n\s*+"),
    regex.compile(r"(?<=[.!?…][\p{Pe}\p{Pf}\"']{0,3})\s++"),
    regex.compile(r"(?<=[。！？][\p{Pe}\p{Pf}]{0,3})(?![\p{Pe}\p{Pf}\p{Po}])"),
    regex.compile(r"\s++"),
)
_SPACELESS = 3
"""From here on text is also cut where there is no space: at its seams."""
_LINES = regex.compile(r"\r\n?|[\u0085\u2028\u2029\v\f]")
_JOINERS = regex.compile(
    r"(?V1)(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])(?<![[\p{L}\p{M}]--\p{Latin}--\p{Common}--\p{Inherited}])"
    r"[\u200c\u200d]|[\u200c\u200d](?![\p{Extended_Pictographic}]|[[\p{L}\p{M}]--\p{Latin}])"
)
_TAGGED_FLAG = regex.compile(r"🏴[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")
_ABUSE = regex.compile(
    r"(?V1)[\p{Cc}--[\n\t]]|[\u202a-\u202e\u2066-\u2069]|[\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb]|\p{Cs}"
    r"|\p{Noncharacter_Code_Point}|[\U000e0000-\U000e0fff]"
)
_WORD = regex.compile(r"[\p{L}\p{M}\p{Nd}_]+")
_LOOSE_END = " \t\n,;:–—-…、，：；"


def weighted_length(text: str) -> int:
    """The length of `text` as X counts it: code points of the Latin and near scripts weigh 1, others 2, an emoji
    sequence 2, an address 23; in NFC (https://developer.x.com/en/docs/counting-characters).

    Equal to what the official counter, twitter-text 3.1.0, says.
    """
    text = _composed(text)
    urls = [(url.start, url.end, _URL) for url in counted(text)]
    if text.isascii():
        return len(text) + sum(weight - (end - start) for start, end, weight in urls)
    emoji = [(*match.span(), _EMOJI) for match in SEQUENCE.finditer(text)]
    total = last = 0
    for start, end, weight in sorted(urls + emoji):
        if start >= last:
            total += _plain_weight(text[last:start]) + weight
            last = end
    return total + _plain_weight(text[last:])


def _composed(text: str) -> str:
    """`text` in NFC. Marks in disorder, thousands in a row, take the standard library minutes: they are sorted first."""
    if len(text) > _LONG:
        text = _MARKS.sub(lambda match: "".join(sorted(match[0], key=unicodedata.combining)), text)
    return unicodedata.normalize("NFC", text)


def _plain_weight(text: str) -> int:
    return len(text) + len(_HEAVY.findall(text))


def shorten(text: str, limit: int, measure: Measure = weighted_length) -> str:
    """`text` itself where it fits into `limit`, else its first words and `…`; and its first link, where that was cut off.

    No word, address, hashtag or grapheme is cut; scripts without spaces are cut between signs. Where not even one word
    fits, what comes back is `…` alone (and nothing at all, where `limit` has no room for that).
    """
    text = text.strip()
    if measure(text) <= limit:
        return text
    ends, link = word_ends(text), _link(text)
    return (
        _first_words(text, ends, limit, measure, link)
        or _first_words(text, ends, limit, measure, None)
        or _bare(limit, measure)
    )


def _first_words(text: str, ends: list[int], limit: int, measure: Measure, link: Address | None) -> str:
    """As many words as fit; "" where none does."""

    def cut(count: int) -> str:
        return _cut(text, ends[count - 1], link)

    count = bisect_right(range(1, len(ends) + 1), limit, key=lambda number: measure(cut(number)))
    # A measure need not grow with every word: step back to what really fits.
    while count and measure(cut(count)) > limit:
        count -= 1
    return cut(count) if count else ""


def _bare(limit: int, measure: Measure) -> str:
    return ELLIPSIS if measure(ELLIPSIS) <= limit else ""


def _link(text: str) -> Address | None:
    return next((found for found in addresses(text) if found.sure or text[found.start :][:4].lower() == "http"), None)


def _cut(text: str, end: int, link: Address | None) -> str:
    """The text up to `end`, `…`, and the link if it is not in front of that; "" where nothing but loose signs is."""
    kept = text[:end].rstrip(_LOOSE_END)
    last = text[:end].rsplit(None, 1)[-1:]
    begin = end - len(last[0]) if last else end
    # An address may end with what is loose elsewhere.
    stop = max((begin + address.end for address in addresses(text[begin:end])), default=0)
    kept = text[: max(stop, len(kept))]
    if not kept:
        return ""
    tail = f" {text[link.start : link.end]}" if link and link.end > len(kept) else ""
    return kept + (" " if stop == len(kept) else "") + ELLIPSIS + tail


def split(text: str, limit: int, measure: Measure = weighted_length) -> list[str]:
    """`text` in as few pieces as it takes, each within `limit`: cut between paragraphs, else lines, sentences, words.

    Scripts without spaces are cut between signs. A single word longer than `limit` stays whole, and is the one case in
    which a piece is too long. Within a piece, spaces and line ends stay as they are.
    """
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return [text[start:stop] for start, stop in _split(text, (begin, end), limit, measure, 0)]


def _split(text: str, span: Span, limit: int, measure: Measure, level: int) -> list[Span]:
    if span[0] >= span[1] or level > len(_GAPS) or measure(text[slice(*span)]) <= limit:
        return [span] if span[0] < span[1] else []
    out: list[Span] = []
    for bit in _bits(text, span, level):
        for small in _split(text, bit, limit, measure, level + 1):
            if out and measure(text[out[-1][0] : small[1]]) <= limit:
                out[-1] = (out[-1][0], small[1])
            else:
                out.append(small)
    return out


def _bits(text: str, span: Span, level: int) -> list[Span]:
    start, end = span
    places = {start + seam for seam in seams(text[start:end])} if level >= _SPACELESS else set[int]()
    if level < len(_GAPS):
        found = (match.span() for match in _GAPS[level].finditer(text, start, end))
        gaps = [gap for gap in found if gap[0] < gap[1] or gap[0] in places]
    else:
        gaps = [(place, place) for place in sorted(places)]
    starts, ends = [start, *(stop for _, stop in gaps)], [*(begin for begin, _ in gaps), end]
    return list(zip(starts, ends, strict=True))


def hashtag(tag: str) -> str:
    """`palvelumuotoilu` → `#palvelumuotoilu`, `digital services` → `#DigitalServices`; "" where no letter is in it."""
    tag = tag.strip().lstrip("#＃")
    if set(tag) & set("+#"):
        return ""  # without its sign it would be another: C++, C#
    words = _WORD.findall(clean(tag))
    name = words[0] if len(words) == 1 else "".join(word[:1].upper() + word[1:] for word in words)
    return f"#{name}" if regex.search(r"\p{L}", name) else ""


def clean(text: str) -> str:
    """`text` in NFC without what can't be seen and does harm: control characters, bidirectional overrides, zero-width
    signs, lone surrogates. Line breaks become `\\n`; the joiner stays in emoji and in the scripts that need it."""
    text = _LINES.sub("\n", text)
    flags = {match.span() for match in _TAGGED_FLAG.finditer(text)}
    last, out = 0, []
    for start, end in sorted(flags):
        out += [_ABUSE.sub("", text[last:start]), text[start:end]]
        last = end
    harmless = "".join([*out, _ABUSE.sub("", text[last:])])
    return _composed(_JOINERS.sub("", harmless))
