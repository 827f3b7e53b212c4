"""Length, shortening, splitting, hashtags and cleaning of plain text."""

import json
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.seams import seams
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
        "don’t",
        "#tunniste",
        "@joku_muu",
        "#日本語タグ",
        "https://example.org/a/b",
        "https://example.org/pitkä-",
        "(example.fi/x_(y))",
        "example.fi",
        "👩🏽‍💻",
        "👍🏿👩‍👩‍👧‍👦🇫🇮🇸🇪1️⃣❤️",
        "🇫🇮",
        "日本語",
        "新しいサービスを「デジタル」で始めました。詳しくはhttps://example.jp/まで！",
        "ไม่มีช่องว่างเลย",
        "한국어",
        "loppu.",
        "a",
        "e\u0301e\u0301",
        "!",
    ]
)
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from([" ", " ", "\n", "\n\n", ". ", ""])), max_size=60).map(
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


@settings(deadline=None)
@given(st.text(st.sampled_from("a.b-c_/?=@#(): 日é👩\u200d💻\ufe0f🇫🇮\r\n"), max_size=60))
def test_length_has_sane_bounds_whatever_the_text(text: str) -> None:
    normal = unicodedata.normalize("NFC", text)
    found = addresses(normal)
    assert all(a.start < a.end <= b.start for a, b in pairwise(found))
    assert 0 <= weighted_length(text) <= 2 * len(normal) + 23 * len(found)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000,
        "a-" * 50_000 + ".fi",
        "é." * 50_000,
        "日" * 100_000 + ".fi",
        "a.fi_." * 16_000,
        "_日" * 50_000 + ".fi",
        "http://a.fi/" + "(a" * 50_000,
        "http://a.fi/" + "@a/" * 30_000 + "!",
        "a.fi?" + "?" * 100_000,
        "http://" * 14_000,
        "xn--" * 25_000 + ".xn--a",
        "a" + "\u0308\u0323" * 50_000,
        "🇫" * 100_000,
        "👩\u200d" * 50_000,
        " " * 50_000 + "x" + " " * 50_000 + "y",
        ")" * 100_000 + ".",
    ],
    ids=range(16),
)
def test_hostile_text_does_not_hold_up_the_desk(text: str) -> None:
    assert weighted_length(text) > 280
    assert weighted_length(shorten(text, 280)) <= 280
    addresses(text)


UNSPACED = r"[。！？、\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]"


def _is_whole(text: str, place: int) -> bool:
    """Whether a cut at `place` leaves words, addresses, tags and graphemes whole."""
    if place in (0, len(text)) or text[place].isspace() or text[place - 1].isspace():
        return True
    inside = [range(found.start + 1, found.end) for found in addresses(text)]
    inside += [range(match.start() + 1, match.end()) for match in regex.finditer(r"\X|[#@]\w+", text)]
    around = text[place - 1 : place + 1]
    return not any(place in span for span in inside) and bool(
        regex.search(UNSPACED, around) or regex.match(r"[,;:–—\-…]|.[\ufe0f\u20e3]", text[place:])
    )


def _links(text: str) -> list[str]:
    return [text[found.start : found.end] for found in addresses(text) if found.sure]


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(2, 120))
def test_shortened_text_fits_is_made_of_whole_words_and_keeps_its_link(text: str, limit: int) -> None:
    short, text = shorten(text, limit), text.strip()
    assert weighted_length(short) <= limit
    if weighted_length(text) <= limit:
        assert short == text
        return
    kept, ellipsis, tail = short.rpartition("…")
    kept, link = kept.rstrip(), tail.strip()
    assert ellipsis
    assert text.startswith(kept)
    assert _is_whole(text, len(kept))
    assert link in ("", *_links(text)[:1])
    if kept and _links(text) and limit >= 60:
        assert link or _links(kept)


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("Lue lisää osoitteesta https://example.org/sivu tänään", 40, "Lue lisää… https://example.org/sivu"),
        ("Lue https://example.org/a- ja https://example.org/b nyt", 30, "Lue https://example.org/a- …"),
        ("https://example.org/a ja https://example.org/b nyt myös", 40, "https://example.org/a ja…"),
        ("Pitkähköjä sanoja https://example.org/sivu", 20, "Pitkähköjä sanoja…"),
        ("x" * 500 + " https://example.org", 280, "…"),
        ("こんにちは、世界。", 14, "こんにちは…"),
        ("これは「引用」です", 10, "これは…"),
        ("これはデジタルです", 14, "これは…"),
        ("これはデータベースです", 19, "これは…"),
        ("ไม่มีเลยครับ", 8, "ไม่มี…"),
        ("👩🏽‍💻👩🏽‍💻👩🏽‍💻👩🏽‍💻", 7, "👩🏽‍💻👩🏽‍💻…"),
        ("🇫🇮🇸🇪🇳🇴🇩🇰", 7, "🇫🇮🇸🇪…"),
        ("詳しくはhttps://example.jp/へどうぞどうぞ", 36, "詳しくはhttps://example.jp/へ…"),
        ("한국어텍스트입니다", 8, "…"),
        ("- - - - - - - - https://example.org", 25, "…"),
    ],
)
def test_shortening(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


@pytest.mark.parametrize("sign", ["字", "ก", "か", "👩🏽‍💻", "🇫🇮"])
def test_a_text_without_spaces_fills_its_posts(sign: str) -> None:
    text = sign * 400
    short, parts = shorten(text, 280), split(text, 280)
    assert weighted_length(short) in (279, 280)
    assert "".join(parts) == text
    assert [weighted_length(part) for part in parts[:-1]] == [280] * (len(parts) - 1)
    assert len(parts) == -(-weighted_length(text) // 280)


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


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(30, 280))
def test_split_text_fits_loses_nothing_and_cuts_nothing(text: str, limit: int) -> None:
    parts, place = split(text, limit), 0
    for part in parts:
        place = text.index(part, place)
        assert _is_whole(text, place)
        place += len(part)
        assert _is_whole(text, place)
        assert part
        assert part == part.strip()
        assert weighted_length(part) <= limit or not (regex.search(r"\s", part) or seams(part))
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert len(parts) <= 1 or weighted_length(text.strip()) > limit


def test_split_leaves_lines_as_they_are() -> None:
    assert split("Ohjelma:\n- yksi kohta\n- toinen kohta\n\n\nTervetuloa!", 30) == [
        "Ohjelma:\n- yksi kohta",
        "- toinen kohta\n\n\nTervetuloa!",
    ]


def test_split_cuts_behind_a_sentence_of_a_script_without_spaces() -> None:
    assert split("新しい。「始めました。」さあ、どうぞ。", 25) == ["新しい。「始めました。」", "さあ、どうぞ。"]


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


@settings(deadline=None)
@given(st.text())
def test_cleaning_twice_changes_nothing_and_can_be_written(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()
