"""The length of a post, held against X's official counter: no difference for people, never too short for anybody."""

from random import Random

import pytest

from channels.text import weighted_length
from tests.mocks import tweets, twitter_text

MANY = 10_000

KNOWN = [
    ("ääkkönen.fi", 24),
    (" ääkkönen.fi", 24),
    ("tel.fi.", 24),
    ("example.com:8080?a=b", 32),
    ("example.com:8080/?a=b", 23),
    ("http://example.com?a=b", 23),
    ("a/example.com", 13),
    ("_example.com/a,b.fi", 19),
    ("foo_bar.example.org", 27),
    ("foo_bar.fi", 10),
    ("example.com.", 24),
    ("example.comä", 24),
    ("example.com@x", 13),
    ("example.com+x", 13),
    ("e.fi/.(x)", 27),
    ("e.fi/a(x)", 23),
    ("e.fi/@a/", 23),
    ("e.fi/a!", 24),
    ("e.fi/(((x)))", 30),
    ("https://t.co/abc-def", 27),
    ("https://t.co/" + "a" * 41, 54),
    ("http://日本.香港/", 23),
    ("日本.香港", 9),
    ("http://xn--日本.香港", 20),
    ("http://xn--a.xn--b/", 23),
    ("http://" + "a" * 64 + ".fi", 74),
    ("http://e.fi/" + "a" * 4077, 23),
    ("http://e.fi/" + "a" * 4078, 4090),
    ("a.fi-b.fi", 23),
    ("$a.fi #a.fi @a.fi", 17),
    ("\u200ea.fi", 25),
    ("\ufeffa.fi", 6),
    ("1\u20e3", 2),
    ("a.fi/1\ufe0f\u20e3", 27),
    ("👩🏽‍🚀👩‍🚀🧑‍🚀", 9),
    ("✌️🏽✌🏽", 4),
    ("👁‍🗨 👁️‍🗨️", 8),
    ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2),
    ("©©️®™", 6),
    ("a\r\n\r\nb", 6),
    ("\u202eabc\u202c", 7),
    ("\u1100\u1161", 2),
    ("\ud800", 2),
]


def _official(texts: list[str]) -> list[int | None]:
    try:
        return twitter_text.lengths(texts)
    except twitter_text.Missing as missing:
        pytest.skip(f"the official counter is not at hand: {missing}")


def _apart(texts: list[str]) -> list[tuple[str, int, int]]:
    """Each text that the two counters differ about: (text, the official length, ours)."""
    pairs = zip(texts, _official(texts), strict=True)
    counts = ((text, official, weighted_length(text)) for text, official in pairs if official is not None)
    return [(text, official, own) for text, official, own in counts if official != own]


@pytest.mark.parametrize(("text", "length"), KNOWN)
def test_odd_cases_are_counted_as_the_official_counter_counts_them(text: str, length: int) -> None:
    assert weighted_length(text) == length


def test_the_odd_cases_are_what_the_official_counter_says() -> None:
    assert _official([text for text, _ in KNOWN]) == [length for _, length in KNOWN]


def test_posts_of_people_are_as_long_as_the_official_counter_says() -> None:
    random = Random("people")
    texts = [tweets.post(random) for _ in range(MANY)]
    assert None not in _official(texts)
    assert _apart(texts) == []


def test_hostile_strings_are_never_counted_too_short() -> None:
    random = Random("hostile")
    apart = _apart([tweets.hostile(random, number) for number in range(MANY)])
    assert [(text, official, own) for text, official, own in apart if own < official] == []
    assert len(apart) < MANY // 100
