"""Length, shortening, splitting, hashtags and cleaning of plain text."""

import json
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.text import clean, hashtag, shorten, split, weighted_length
from channels.urls import addresses, has_address

CONFIG = Path(__file__).parents[2] / "../shared/data/x/twitter-text-config-v3.json"

LENGTHS = [
    ("", 0),
    ("abc", 3),
    ("ääkkönen", 8),
    ("a\u0308", 1),
    ("日本", 4),
    ("a\r\nb", 4),
    ("“–”", 3),
    ("…", 2),
    ("©", 1),
    ("™", 2),
    ("€", 2),
    ("😀", 2),
    ("👩🏽‍💻", 2),
    ("👨‍👩‍👧‍👦", 2),
    ("🇫🇮", 2),
    ("🇫🇫", 4),
    ("1️⃣", 2),
    ("❤️", 2),
    ("🏳️‍🌈", 2),
    ("example.org", 23),
    ("https://example.org/" + "a" * 200, 23),
    ("http://example.fi/a?b=c#d.", 24),
    ("(example.fi/x_(y))", 25),
    ("foo.fi,bar.fi", 47),
    ("日本語example.com", 29),
    ("maija@example.org", 17),
    ("#tag.fi", 7),
    ("klo 9.00", 8),
    ("no dots here", 12),
]
WORDS = st.sampled_from(
    [
        "sana",
        "pitkähkösana",
        "#tunniste",
        "https://example.org/a/b",
        "example.fi",
        "👩🏽‍💻",
        "🇫🇮",
        "日本語",
        "loppu.",
        "a",
        "!",
    ]
)
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from([" ", "\n", "\n\n", ". "])), max_size=60).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)


@pytest.mark.parametrize(("text", "length"), LENGTHS)
def test_length_is_counted_as_x_counts(text: str, length: int) -> None:
    assert weighted_length(text) == length


def test_weights_agree_with_the_official_configuration() -> None:
    if not CONFIG.exists():
        pytest.skip("the official configuration is not beside this checkout")
    config = json.loads(CONFIG.read_text())
    for point in [*range(0x20, 0x3000), 0xAC00, 0x1F600]:
        char = chr(point)
        if unicodedata.normalize("NFC", char) != char:
            continue
        light = any(row["start"] <= point <= row["end"] for row in config["ranges"])
        assert weighted_length(char) == (1 if light else config["defaultWeight"] // config["scale"]), hex(point)


@pytest.mark.parametrize(
    "text", ["report.pdf", "http://localhost:8020/a", "a.unknowntld/x", "x_y.fi", "http://日本.unknowntld"]
)
def test_what_the_official_counter_does_not_know_as_an_address_is_plain_text(text: str) -> None:
    assert weighted_length(text) == sum(1 if ord(char) < 4352 else 2 for char in text)


@pytest.mark.parametrize(
    "text", ["report.pdf", "http://localhost.local:8020/a", "a.unknowntld/x", "http://x_y.z.unknown"]
)
def test_what_a_reader_takes_for_an_address_is_found_all_the_same(text: str) -> None:
    assert [(address.end, address.sure) for address in addresses(text)] == [(len(text), False)]
    assert has_address(text) == text.startswith("http")


@pytest.mark.parametrize("text", ["👨🏽🏽", "🧑‍🚀", "😀‍😀", "😀\ufe0f", "🏴\U000e0067\U000e007f"])
def test_an_unknown_emoji_sequence_counts_sign_by_sign(text: str) -> None:
    assert weighted_length(text) > 2


@given(st.text(st.sampled_from("a.b-c_/?=@#(): 日é👩\u200d💻\ufe0f🇫🇮\r\n"), max_size=60))
def test_length_has_sane_bounds_whatever_the_text(text: str) -> None:
    normal = unicodedata.normalize("NFC", text)
    found = addresses(normal)
    assert all(a.start < a.end <= b.start for a, b in pairwise(found))
    assert 0 <= weighted_length(text) <= 2 * len(normal) + 23 * len(found)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    ["a." * 5000, "a-" * 5000 + ".fi", "é." * 5000, "http://a.fi/" + "(a" * 5000, "http://a.fi/" + "@a/" * 5000 + "!"],
    ids=["dots", "hyphens", "accents", "parentheses", "ats"],
)
def test_hostile_text_does_not_hold_up_the_desk(text: str) -> None:
    assert weighted_length(text) >= 23


@given(TEXTS, st.integers(2, 120))
def test_shortened_text_fits_and_is_made_of_whole_words(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert weighted_length(short) <= limit
    if weighted_length(text.strip()) <= limit:
        assert short == text.strip()
        return
    assert short.endswith("…")
    kept = short.removesuffix("…").rstrip()
    assert text.strip().startswith(kept)
    after = text.strip()[len(kept) :]
    assert not kept or regex.match(r"[\s,;:–—\-…]", after)


def test_shortening_leaves_the_ellipsis_off_an_address() -> None:
    assert (
        shorten("Katso https://example.org/sivu ja vielä lisää tekstiä tähän perään", 33)
        == "Katso https://example.org/sivu …"
    )


def test_shortening_never_cuts_a_single_long_word() -> None:
    assert shorten("x" * 500, 280) == "…"
    assert shorten("x" * 500, 1) == ""


def test_any_measure_will_do() -> None:
    assert shorten("one two three", 9, len) == "one two…"


@settings(max_examples=60)
@given(TEXTS, st.integers(30, 280))
def test_split_text_fits_and_loses_nothing(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(weighted_length(part) <= limit or not regex.search(r"\s", part) for part in parts)
    assert all(part == part.strip() and part for part in parts)


def test_split_prefers_paragraphs_then_sentences() -> None:
    assert split("Yksi kaksi.\n\nKolme neljä.", 15) == ["Yksi kaksi.", "Kolme neljä."]
    assert split("Yksi kaksi. Kolme neljä.", 15) == ["Yksi kaksi.", "Kolme neljä."]
    assert split("Yksi.\n\nKaksi.", 280) == ["Yksi.\n\nKaksi."]
    assert split("  ", 10) == []


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("palvelumuotoilu", "#palvelumuotoilu"),
        ("digital services", "#DigitalServices"),
        ("käyttäjä-lähtöisyys", "#KäyttäjäLähtöisyys"),
        ("#Open_Data", "#Open_Data"),
        ("2026", ""),
        ("covid-19", "#Covid19"),
        ("<b>", "#b"),
        ("\u202e", ""),
    ],
)
def test_hashtags(tag: str, expected: str) -> None:
    assert hashtag(tag) == expected


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("a\x00b\x1bc", "abc"),
        ("a\u202eb\u2066c", "abc"),
        ("a\u200bb\ufeffc\u200dd", "abcd"),
        ("a\r\nb\u2028c", "a\nb\nc"),
        ("👩🏽‍💻 🏳️‍🌈", "👩🏽‍💻 🏳️‍🌈"),
        ("क्‍ष", "क्‍ष"),
        ("\ud800a\uffff", "a"),
        ("a\u0308", "ä"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f x\U000e0067",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f x",
        ),
    ],
)
def test_cleaning(dirty: str, expected: str) -> None:
    assert clean(dirty) == expected


@given(st.text())
def test_cleaning_twice_changes_nothing_and_can_be_written(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()
