"""Plain text for posts and mails: how long X takes it for, and how to shorten, split and clean it."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable

import regex

from channels.urls import COUNTRIES, addresses

Measure = Callable[[str], int]

LIMIT = 280
"""The longest post, in weighted characters."""
ELLIPSIS = "…"

# The weights of twitter-text's configuration version 3.
_LIGHT = regex.compile("[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
_URL = 23
_HEAVY = 2

_SKIN = "[🏻-🏿]"
_LATER_BASES = "🤏🤌🤝🦻🧍-🧏🧑👫-👭🥷🤼🫃-🫅🫰-🫸"
_FEATURES = "[🌾🍳🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦰-🦳]"
_ACTIVE = "[🏃🏄🏊👮👱👳👷💁💂💆💇🙅-🙇🙋🙍🙎🚣🚴-🚶🤦🤷-🤹🤽🤾🦸🦹🧖-🧝]"
_CHILDREN = "(?:👧\u200d[👦👧]|👦\u200d👦|[👦👧])"
_FLAGS = "|".join("".join(chr(0x1F1E6 + ord(char) - ord("a")) for char in code) for code in sorted(COUNTRIES))
# Only what every reader of emoji since 2018 takes for one sign; what came later is measured sign by sign: never too short.
_EMOJI = regex.compile(
    rf"""(?V1x)
    [👨👩]{_SKIN}?\u200d(?:{_FEATURES}|[⚕⚖✈]\ufe0f)
    | (?:{_ACTIVE}{_SKIN}?|[🕵🏋🏌⛹](?:{_SKIN}|\ufe0f)|[👯🤼🧞🧟])\u200d[♀♂]\ufe0f
    | (?:👩\u200d❤\ufe0f\u200d(?:💋\u200d)?[👨👩]|👨\u200d❤\ufe0f\u200d(?:💋\u200d)?👨)
    | (?:👨\u200d[👨👩]|👩\u200d👩|[👨👩])\u200d{_CHILDREN}
    | 🏳\ufe0f\u200d🌈 | 🏴\u200d☠\ufe0f | {_FLAGS}
    | [0-9\#*]\ufe0f?\u20e3
    | [\p{{Emoji_Modifier_Base}}--[{_LATER_BASES}]]{_SKIN}
    | [\p{{Emoji}}--\p{{Emoji_Presentation}}--[0-9\#*]]\ufe0f
    """
)

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

    Where an address or an emoji is too new or too odd to be sure of, the larger reading counts.
    """
    text = unicodedata.normalize("NFC", text)
    total = last = 0
    for address in addresses(text):
        total += _plain_weight(text[last : address.start])
        own = 0 if address.sure else _plain_weight(text[address.start : address.end])
        total += max(_URL, own)
        last = address.end
    return total + _plain_weight(text[last:])


def _plain_weight(text: str) -> int:
    if text.isascii() and "\u20e3" not in text:
        return len(text)
    emoji: int
    rest, emoji = _EMOJI.subn("", text)
    return _HEAVY * (emoji + len(rest)) - len(_LIGHT.findall(rest))


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
    return unicodedata.normalize("NFC", _JOINERS.sub("", harmless))
