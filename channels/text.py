"""Plain text for posts and mails: how long X takes it for, and how to shorten, split and clean it."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable

import regex

from channels.emoji import SEQUENCE
from channels.urls import addresses, counted

Measure = Callable[[str], int]

LIMIT = 280
"""The longest post, in weighted characters."""
ELLIPSIS = "…"

# The weights of twitter-text's configuration version 3; what is not named there weighs 2.
_HEAVY = regex.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
_URL = 23
_EMOJI = 2

_LONG = 1000
_MARKS = regex.compile(r"[^\p{Canonical_Combining_Class=0}]{32,}+")

_BREAKS = ((regex.compile(r"\n\s*\n"), "\n\n"), (regex.compile(r"(?<=[.!?…])\s+"), " "), (regex.compile(r"\s+"), " "))
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
_LOOSE_END = " \t\n,;:–—-…"


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
    """`text` itself where it fits into `limit`, else its first words and `…`.

    No word, address, hashtag or grapheme is cut. Where not even one word fits, what comes back is `…` alone (and
    nothing at all, where `limit` has no room for that).
    """
    text = text.strip()
    if measure(text) <= limit:
        return text
    ends = [match.end() for match in regex.finditer(r"\S+", text)]
    count = bisect_right(ends, limit, key=lambda end: measure(_cut(text, end)))
    # A measure need not grow with every word: step back to what really fits.
    while count and measure(_cut(text, ends[count - 1])) > limit:
        count -= 1
    cut = _cut(text, ends[count - 1] if count else 0)
    return cut if measure(cut) <= limit else ""


def _cut(text: str, end: int) -> str:
    kept = text[:end].rstrip(_LOOSE_END)
    last = kept.rsplit(None, 1)[-1] if kept else ""
    return kept + (" " if addresses(last) else "") + ELLIPSIS


def split(text: str, limit: int, measure: Measure = weighted_length) -> list[str]:
    """`text` in as few pieces as it takes, each within `limit`: cut between paragraphs, else sentences, else words.

    A single word longer than `limit` stays whole, and is the one case in which a piece is too long.
    """
    return _split(text, limit, measure, 0)


def _split(text: str, limit: int, measure: Measure, level: int) -> list[str]:
    text = text.strip()
    if not text or level == len(_BREAKS) or measure(text) <= limit:
        return [text] if text else []
    pattern, glue = _BREAKS[level]
    out: list[str] = []
    for bit in pattern.split(text):
        for small in _split(bit, limit, measure, level + 1):
            if out and measure(out[-1] + glue + small) <= limit:
                out[-1] += glue + small
            else:
                out.append(small)
    return out


def hashtag(tag: str) -> str:
    """`palvelumuotoilu` → `#palvelumuotoilu`, `digital services` → `#DigitalServices`; "" where no letter is in it."""
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
