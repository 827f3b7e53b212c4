"""Where text may be cut: between words, and in scripts that write without spaces, and rows of emoji, inside of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

from channels.urls import addresses

# Scripts that put no space between words, and emoji. Thai, Lao, Khmer and Burmese are cut between graphemes: their words
# are known to dictionaries only.
_CLOSE = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\p{Emoji_Presentation}\p{Regional_Indicator}"
)
# What does not end a line: opening signs, marks of tags, the vowels of Thai and Lao that stand in front of their consonant.
_OPENING = r"\p{Ps}\p{Pi}\"'#＃@＠$\u0e40-\u0e44\u0ec0-\u0ec4"
# What does not begin one: closing signs, small kana, signs of length and repetition, vowels that stand behind.
_CLOSING = (
    r"\p{Pe}\p{Pf}\p{Po}\p{M}\p{Lm}\sぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ〜…"
    r"\u0e2f\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
)
_SEAM = regex.compile(
    rf"(?V1)(?:(?<=[{_CLOSE}]\p{{M}}{{0,9}})|(?=[{_CLOSE}])|(?<=[。！？、，；]))"
    rf"(?<=[^\s{_OPENING}])(?=[^{_CLOSING}])(?!(?<=[\p{{Katakana}}ー])\p{{Katakana}})"
)
_WORD = regex.compile(r"\S+")
# Flags by themselves: a long row of them takes `\X` time that grows with the square of its length.
_GRAPHEME = regex.compile(r"\p{Regional_Indicator}{2}+\p{M}*+|\X")
_TAG = regex.compile(r"[#＃@＠$][\p{L}\p{M}\p{Nd}_\u200c\u200d\u30fb\u00b7]+")


def word_ends(text: str) -> list[int]:
    """The end of every word, and every `seams`, in order."""
    return sorted({match.end() for match in _WORD.finditer(text)}.union(seams(text)))


def seams(text: str) -> list[int]:
    """Where text may be cut though no space stands there, in order: never in an address, a tag or a grapheme."""
    found = {match.start() for match in _SEAM.finditer(text)}
    if not found:
        return []
    found &= {match.end() for match in _GRAPHEME.finditer(text)}
    return sorted(found.difference(*_insides(text)))


def _insides(text: str) -> Iterator[Sequence[int]]:
    yield from (range(address.start + 1, address.end) for address in addresses(text))
    yield from (range(match.start() + 1, match.end()) for match in _TAG.finditer(text))
