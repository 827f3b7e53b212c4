"""How long a post is: the mock's own way of counting, which knows nothing of the desk's.

It never counts more than X does, and counts plain texts exactly: what it refuses, X refuses.
"""

from __future__ import annotations

import unicodedata

import regex

LIMIT = 280
_URL = 23
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points that weigh one; all others weigh two."""
_ENDINGS = "com|org|net|info|io|gov|edu|eu|fi|se|ee|no|dk|de|uk"
_ADDRESS = regex.compile(
    rf"https?://[^\s<>\"]+[^\s<>\"'.,:;!?…)\]»”]|(?<![\w@./-])(?:[\w-]+\.)+(?:{_ENDINGS})(?![\w.-]*\w)(?:/[^\s<>\"]*[\w/=&-])?"
)
_SIGN = regex.compile(
    r"\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3"
    r"|\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]*(?:\u200d\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]*)*"
)
_CASHTAG = regex.compile(r"(?<!\S)\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?\b")


def weight(text: str) -> int:
    text = unicodedata.normalize("NFC", text)
    total = last = 0
    for match in _ADDRESS.finditer(text):
        total += _plain(text[last : match.start()])
        total += _URL if match.group().startswith("http") else min(_URL, _plain(match.group()))
        last = match.end()
    return total + _plain(text[last:])


def addresses(text: str) -> list[tuple[int, int]]:
    """Where web addresses stand: what X makes links of."""
    return [match.span() for match in _ADDRESS.finditer(text)]


def cashtags(text: str) -> int:
    return len(_CASHTAG.findall(text))


def _plain(text: str) -> int:
    signs = sum(min(2, _points(match.group())) for match in _SIGN.finditer(text))
    return signs + _points(_SIGN.sub("", text))


def _points(text: str) -> int:
    return sum(1 if any(low <= ord(char) <= high for low, high in _LIGHT) else 2 for char in text)
