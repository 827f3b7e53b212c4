"""Front matter: every scalar as written, and each way of being broken told apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.calendar.document import split
from scheduler.calendar.finding import Unreadable
from scheduler.calendar.frontmatter import Block, parse


def whole(raw: bytes) -> Block:
    text = split(raw)
    return parse(text.head, text.head_line)


def broken(raw: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        whole(raw)
    return caught.value


def block(head: str) -> str:
    return f"---\n{head}\n---\nBody.\n"


@pytest.mark.parametrize(
    ("head", "rule", "place"),
    [
        ("title: a\ntitle: b", "duplicate-key", (3, 1)),
        ("image:\n  src: a\n  src: b", "duplicate-key", (4, 3)),
        ("title: *star", "alias", (2, 8)),
        ("title: * star", "alias", (2, 9)),
        ("title: &anchor text", "alias", (2, 8)),
        ("title: !important text", "alias", (2, 8)),
        ("title: !!python/object:os.system x", "alias", (2, 8)),
        ("<<: {a: b}", "alias", (2, 1)),
        ("image:\n\tsrc: a", "tab", (3, 1)),
        ("tags:\n  - a\n \t- b", "tab", (4, 2)),
        ("title: " + "[" * 5000, "too-nested", (2, 15)),
        ("a:\n" + "".join("  " * depth + "- \n" for depth in range(1, 30)), "too-nested", None),
        ("tags: [" + "a," * 6000 + "]", "too-large", None),
        ("title: " + "x" * 70_000, "too-large", (1, 1)),
        ("title: It's: here", "yaml", (2, 12)),
        ("title: 'It's'", "yaml", (2, 12)),
        ("title: 'open", "yaml", (2, 8)),
        ("title: {{ page.title }}", "yaml", (2, 9)),
        ("title: @someone", "yaml", (2, 8)),
        ("- a\n- b", "yaml", (2, 1)),
        ("just words", "yaml", (2, 1)),
    ],
)
def test_each_broken_block_has_its_own_rule_and_place(head: str, rule: str, place: tuple[int, int] | None) -> None:
    error = broken(block(head).encode())
    assert error.rule == rule
    assert place is None or error.place == place
    assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("raw", "rule", "place"),
    [
        (b"", "empty", (1, 1)),
        (b"\xef\xbb\xbf\r\n \n", "empty", (1, 1)),
        (b"\n\nHello\n", "no-front-matter", (3, 1)),
        (b"+++\ntitle = 'x'\n+++\n", "no-front-matter", (1, 1)),
        (b"\n---\ntitle: x\n\nBody\n", "unterminated-front-matter", (2, 1)),
        (b"---", "unterminated-front-matter", (1, 1)),
        (b"---\ntitle: \xe4\xe4ni\n---\n", "not-utf-8", (2, 8)),
        ("---\ntitle: x\n---\n".encode("utf-16"), "not-utf-8", (1, 1)),
        (b"---\ntitle: x\n---\n" + b"x" * (1 << 20), "too-large", (1, 1)),
    ],
)
def test_each_broken_file_has_its_own_rule_and_place(raw: bytes, rule: str, place: tuple[int, int]) -> None:
    error = broken(raw)
    assert (error.rule, error.place) == (rule, place)


def test_scalars_come_through_as_they_are_written() -> None:
    head = "a: 12:30\nb: no\nc: 1e3\nd: 0o17\ne: 2026-11-30 09:00\nf: '~'\ng: ~\nh:\ni: ''\nj: [no, 1.50]\n"
    assert parse(head, 2).values == {
        "a": "12:30",
        "b": "no",
        "c": "1e3",
        "d": "0o17",
        "e": "2026-11-30 09:00",
        "f": "~",
        "g": None,
        "h": None,
        "i": "",
        "j": ["no", "1.50"],
    }


def test_places_count_lines_and_characters_of_the_file() -> None:
    text = split(
        b"\xef\xbb\xbf\r\n\r\n---\r\ntitle: \xc3\xa4 [x]\r\nimage: {src: a.jpg, alt: b}\r\n...\r\n\r\nBody\r\n"
    )
    found = parse(text.head, text.head_line)
    assert found.places["title"] == (4, 8)
    assert found.places["image.alt"] == (5, 26)
    assert found.keys["image"] == (5, 1)
    assert (text.body, text.body_line) == ("\nBody\n", 7)


@pytest.mark.parametrize("sign", ["[", "{a: ", "- ", "? ", "[{"])
def test_a_bomb_of_any_kind_is_refused(sign: str) -> None:
    assert broken(block("a:\n " + sign * (60_000 // len(sign))).encode()).rule in {"too-nested", "yaml"}


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp")), min_size=1, max_size=30
)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.one_of(words, st.lists(words, max_size=4))))
def test_what_is_written_in_quotes_is_read_back(values: dict[str, str | list[str]]) -> None:
    lines = []
    for key, value in values.items():
        plain = value if isinstance(value, str) else None
        lines.append(f"{key}: " + (quoted(plain) if plain is not None else f"[{', '.join(map(quoted, value))}]"))
    clean = {
        k: v.replace("\ufeff", "") if isinstance(v, str) else [w.replace("\ufeff", "") for w in v]
        for k, v in values.items()
    }
    if lines:
        text = split(("---\n" + "\n".join(lines) + "\n---\n").encode())
        assert parse(text.head, text.head_line).values == clean


@pytest.mark.parametrize(
    ("head", "cuts"),
    [
        ("text: Tervetuloa #avoindata tänään\n", [((2, 18), "#avoindata tänään")]),
        ("tags:\n  - yksi #kaksi\n", [((3, 10), "#kaksi")]),
        ("text: monta\n  riviä #lupa\nlang: fi\n", [((3, 9), "#lupa")]),
        ("text: a # a comment\n", []),
        ("text: 'a #b'\n", []),
        ("text: |\n  rivi #tag\n", []),
        ("text: a#b\n", []),
        ("# all of it\ntitle: a\n", []),
    ],
)
def test_a_hashtag_that_yaml_takes_for_a_comment_is_seen(head: str, cuts: list[object]) -> None:
    assert parse(head, 2).cuts == cuts
