"""From a file's bytes to a piece, through the public face of reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from channels.piece import Image, Override, Video
from scheduler.calendar.finding import Finding
from scheduler.calendar.naming import is_piece
from scheduler.calendar.reading import Reading, Rules, read
from scheduler.calendar.report import MANY, as_text, summarise

PATH = "content/news/2026/2026-11-30-lupa.md"
RULES = Rules(
    root=Path("/nowhere"),
    timezone="Europe/Helsinki",
    languages=("fi", "sv", "en"),
    channels=frozenset({"website", "rss", "newsletter", "x"}),
    clients=frozenset({"lupavirasto", "tulli"}),
    projects={"lupapalvelu": "lupavirasto"},
    audiences=frozenset({"agencies", "citizens"}),
    authors=frozenset({"maija"}),
)


def piece(head: str, body: str = "Body.", path: str = PATH, rules: Rules = RULES) -> Reading:
    return read(f"---\n{head}\n---\n{body}\n".encode(), path, rules)


def told(reading: Reading) -> list[tuple[str, str]]:
    return [(one.severity, one.rule) for one in reading.findings]


def only(reading: Reading) -> Finding:
    assert len(reading.findings) == 1, reading.findings
    return reading.findings[0]


FULL = """\
title: 'Lupa: uudistui'
publish_at: 2026-11-30 09:00
status: ready
kind: blog
channels:
  website:
  x: {text: Short, at: +2h}
  newsletter:
    subject: News
    segment: agencies
    at: 2026-12-01 08:00
    skip: yes
lang: en
translation_of: fi/lupa
slug: permit
summary: In short
authors: [maija]
tags: [a, b, a]
image: {src: http://example.org/a.jpg, alt: A}
client: lupavirasto
project: lupapalvelu
phase: middle
audiences: citizens
after: other
late: 1h30m
expires_at: 2027-01-01
video: {url: https://example.org/v, duration: "3:25", captions: https://example.org/c.vtt, transcript: t}"""


def test_every_field_is_read() -> None:
    reading = piece(FULL)
    found = reading.piece
    assert reading.findings == ()
    assert found is not None
    assert (found.id, found.path, found.lang, found.slug, found.kind) == ("en/permit", PATH, "en", "permit", "blog")
    assert (found.title, found.status, found.summary, found.body) == ("Lupa: uudistui", "ready", "In short", "Body.")
    assert found.publish_at == datetime(2026, 11, 30, 7, tzinfo=UTC)
    assert found.expires_at == datetime(2026, 12, 31, 22, tzinfo=UTC)
    assert (found.authors, found.tags, found.audiences) == (("maija",), ("a", "b"), ("citizens",))
    assert (found.client, found.project, found.phase) == ("lupavirasto", "lupapalvelu", "middle")
    assert (found.after, found.translation_of, found.late) == ("other", "fi/lupa", timedelta(minutes=90))
    assert found.image == Image("http://example.org/a.jpg", "A")
    assert found.video == Video("https://example.org/v", timedelta(seconds=205), "https://example.org/c.vtt", "t")
    assert found.channels is None
    assert list(found.overrides) == ["website", "x", "newsletter"]
    assert found.override("website") == Override()
    assert found.override("x") == Override(text="Short", at=timedelta(hours=2))
    assert found.override("newsletter") == Override(
        subject="News", segment="agencies", at=datetime(2026, 12, 1, 6, tzinfo=UTC), skip=True
    )


def test_lines_are_by_the_field_s_own_name() -> None:
    lines = piece("title: x\ndate: 2026-11-30\ntopics: [a]", "\nBody").lines
    assert lines == {"title": (2, 8), "publish_at": (3, 7), "tags": (4, 9), "": (7, 1)}


@pytest.mark.parametrize(
    ("alias", "field", "value"),
    [
        ("date: 2026-11-30 09:00", "publish_at", datetime(2026, 11, 30, 7, tzinfo=UTC)),
        ("description: d", "summary", "d"),
        ("excerpt: d", "summary", "d"),
        ("topics: one", "tags", ("one",)),
        ("categories: [one, two]", "tags", ("one", "two")),
        ("author: maija", "authors", ("maija",)),
        ("expirydate: 2027-01-01", "expires_at", datetime(2026, 12, 31, 22, tzinfo=UTC)),
        ("draft: true", "status", "draft"),
        ("draft: false", "status", "ready"),
        ("project: lupapalvelu", "client", "lupavirasto"),
        ("lang: SV", "lang", "sv"),
        ("image: http://example.org/a.jpg\nstatus: ready", "status", "ready"),
    ],
)
def test_other_names_and_short_forms(alias: str, field: str, value: object) -> None:
    found = piece(f"title: x\n{alias}").piece
    assert found is not None
    assert getattr(found, field) == value


@pytest.mark.parametrize("text", ["no", "12:30", "1e3", "0777", "2026-11-30", "yes", "1.10"])
def test_a_title_is_what_the_writer_wrote(text: str) -> None:
    found = piece(f"title: {text}\ntags: {text}").piece
    assert found is not None
    assert (found.title, found.tags) == (text, (text,))


def test_empty_values_count_as_absent() -> None:
    reading = piece("title: x\nsummary: ''\ntags:\nimage: {src: '', alt: ''}\nauthors: ['']\npublish_at:\nphase: ''")
    assert reading.findings == ()
    assert reading.piece is not None
    assert (reading.piece.image, reading.piece.publish_at, reading.piece.channels) == (None, None, None)


def test_a_list_of_channels_chooses_them() -> None:
    found = piece("title: x\nchannels: [website, x]").piece
    assert found is not None
    assert (found.channels, found.overrides) == (("website", "x"), {})


def test_an_empty_list_of_channels_means_nowhere() -> None:
    found = piece("title: x\nchannels: []").piece
    assert found is not None
    assert found.channels == ()


@pytest.mark.parametrize(
    ("head", "rule", "column"),
    [
        ("title: ''", "missing-title", 8),
        ("title: [a]", "wrong-type", 8),
        ("title: x\ntags: {a: b}", "wrong-type", 7),
        ("title: x\ntags: [a, [b]]", "wrong-type", 7),
        ("title: x\nstatus: live", "wrong-type", 9),
        ("title: x\ndraft: maybe", "wrong-type", 8),
        ("title: x\nphase: begin", "wrong-type", 8),
        ("title: x\nchannels: [{x: a}]", "wrong-type", 11),
        ("title: x\nchannels: {x: yes}", "wrong-type", 15),
        ("title: x\nkind: newss", "unknown-kind", 7),
        ("title: x\nlang: de", "unknown-language", 7),
        ("title: x\npublish_at: soon", "bad-time", 13),
        ("title: x\ndate: 2027-03-28 03:30", "publish-at-gap", 7),
        ("title: x\nexpires_at: 2026-10-25 03:30", "publish-at-ambiguous", 13),
        ("title: x\nlate: 2 fortnights", "bad-duration", 7),
        ("title: x\nchannels: {x: {at: +2hours}}", "bad-duration", 20),
        ("title: x\nchannels: [website, twitter]", "unknown-channel", 21),
        ("title: x\nchannels: {rs: }", "unknown-channel", 12),
        ("title: x\nclient: tuli", "unknown-client", 9),
        ("title: x\nproject: nope", "unknown-project", 10),
        ("title: x\nclient: tulli\nproject: lupapalvelu", "wrong-client", 9),
        ("title: x\naudiences: [citizens, media]", "unknown-audience", 23),
        ("title: x\nslug: '???'", "empty-slug", 7),
        ("title: x\nimage: {src: a.jpg, alt: b}", "missing-image", 14),
    ],
)
def test_each_error_has_its_rule_and_place(head: str, rule: str, column: int) -> None:
    reading = piece(head)
    found = only(reading)
    assert (found.severity, found.rule, found.column) == ("error", rule, column)
    assert found.message.endswith((".", "…", "?", "my-piece."))
    assert reading.piece is None
    assert as_text(found).startswith(f"{PATH}:{found.line}:{column}: error {rule}: ")


@pytest.mark.parametrize(
    ("head", "rule"),
    [
        ("title: x\nauthors: [nobody]", "unknown-author"),
        ("title: x\ntitel: y", "unknown-key"),
        ("title: x\nvideo: {url: u, size: big}", "unknown-key"),
        ("title: x\nchannels: {x: {txt: a}}", "unknown-key"),
        ("title: x\ntags: [a]\ntopics: [b]", "two-names"),
        ("title: x\nslug: Åbo Blog", "slug"),
        ("title: x\nimage: http://example.org/a.jpg", "missing-alt"),
        ("title: x\npublish_at: 2026-11-30\nexpires_at: 2026-11-29", "expires-before-publish"),
        ("title: x\nlive: true", "not-an-event"),
        ('title: "a\\0b"', "control-character"),
        ("title: a\x07b", "control-character"),
        ("title: x\nhashtags:\n  - #julki\n  - a", "empty-hashtag"),
    ],
)
def test_a_warning_does_not_keep_the_piece_back(head: str, rule: str) -> None:
    reading = piece(head)
    assert (only(reading).severity, only(reading).rule) == ("warning", rule)
    assert reading.piece is not None
    assert "\x00" not in reading.piece.title


def test_what_was_meant_is_suggested() -> None:
    assert "Did you mean 'title'?" in piece("titel: y\ntitle: x").findings[0].message
    assert "Known: newsletter, rss, website, x." in only(piece("title: x\nchannels: twitter")).message


def test_the_same_value_under_two_names_is_no_matter() -> None:
    assert piece("title: x\ntags: [a]\ntopics: [a]").findings == ()


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("content/news/2026-11-30-lupa.md", "title: x", "fi/lupa"),
        ("content/news/a/b/Ääkköset öljyssä.md", "title: x", "fi/aakkoset-oljyssa"),
        ("content/news/x.md", "title: x\nslug: y\nlang: sv", "sv/y"),
        ("content/news/x.md", "slug: y\nlang: sv", "sv/y"),
        ("content/news/x.md", "slug: y\ntitle: 'open", "fi/y"),
        ("content/news/x.md", "title: x\nlang: de", ""),
    ],
)
def test_the_identity_is_told_even_of_a_broken_file(path: str, head: str, expected: str) -> None:
    reading = piece(head, path=path)
    assert reading.identity == expected
    assert reading.piece is None or reading.piece.id == expected


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("content/news/a.md", "news"),
        ("content/blog/deep/er/a.md", "blog"),
        ("content/video/a.md", "video"),
        ("content/events/2026/a.md", "event"),
        ("content/other/a.md", None),
        ("content/a.md", None),
    ],
)
def test_the_folder_tells_the_kind(path: str, kind: str | None) -> None:
    reading = piece("title: x", path=path)
    assert (reading.piece.kind if reading.piece else None) == kind
    assert [one.rule for one in reading.findings] == ([] if kind else ["unknown-kind"])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("content/news/a.md", True),
        ("content/a.md", True),
        ("content/news/_index.md", False),
        ("content/_drafts/a.md", False),
        ("content/news/.a.md", False),
        ("content/news/a.txt", False),
        ("content/newsletter/2026-w47.md", False),
        ("content/news/newsletter/a.md", True),
        ("other/news/a.md", False),
        ("content.md", False),
    ],
)
def test_which_paths_are_pieces(path: str, expected: bool) -> None:
    assert is_piece(path) is expected


def test_a_windows_file_is_simply_read() -> None:
    reading = read(b"\xef\xbb\xbf\r\n---\r\ntitle: x\r\n---\r\n\r\nOne\r\n\r\nTwo\r\n", PATH, RULES)
    assert reading.findings == ()
    assert reading.piece is not None
    assert reading.piece.body == "One\n\nTwo"


def test_shortcodes_are_one_warning_that_names_them() -> None:
    body = '{{< img src="a" >}}\n{{< /box >}} {% include x %} {{ page.title }}\n\n`{{< code >}}`\n\n```\n{% raw %}\n```'
    found = only(piece("title: x", body))
    assert (found.severity, found.rule, found.line) == ("warning", "shortcode", 4)
    assert "img, box, include, page.title." in found.message


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    folder = tmp_path / "content" / "news"
    folder.mkdir(parents=True)
    for picture in (folder / "own photo.jpg", tmp_path / "content" / "root.jpg"):
        Picture.new("RGB", (2, 2)).save(picture)
    (folder / "text.png").write_text("<html>")
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    fields = {name: getattr(RULES, name) for name in RULES.__dataclass_fields__}
    return Rules(**{**fields, "root": tmp_path})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("![a](text.png)", [("error", "broken-image")]),
        ("![a](own%20photo.jpg) ![b](</root.jpg> 'c') [![d](/root.jpg?v=2)](http://example.org)", []),
        ("![a](http://example.org/a.jpg) ![b](//example.org/b.jpg) ![c](data:image/png;base64,x)", []),
        ("Text ![a](gone.jpg)", [("error", "missing-image")]),
        ("![a](/gone.jpg)", [("warning", "missing-image")]),
        ("![](/root.jpg)", [("warning", "missing-alt")]),
        ("![a](../../secret.jpg)", [("error", "image-outside")]),
        ("![a](link.jpg)", [("error", "image-outside")]),
        ("![a](x%00.jpg)", [("error", "missing-image")]),
        ("![a][ref]\n\n[ref]: gone.jpg", [("error", "missing-image")]),
        ("```\n![a](gone.jpg)\n```\n\n    ![a](gone.jpg)\n\n`![a](gone.jpg)` <!-- ![a](gone.jpg) -->", []),
        ("```\n![a](gone.jpg)", [("error", "missing-image")]),
        ("- item\n\n    ![a](gone.jpg)", [("error", "missing-image")]),
        ('<img src="gone.jpg">', [("warning", "missing-alt")]),
    ],
)
def test_pictures_of_a_body(body: str, expected: list[tuple[str, str]], rules: Rules) -> None:
    assert told(piece("title: x", body, "content/news/a.md", rules)) == expected


def test_a_picture_s_place_is_its_own(rules: Rules) -> None:
    found = only(piece("title: x", "\nOne\n\nä ![a](gone.jpg)", "content/news/a.md", rules))
    assert (found.line, found.column) == (7, 3)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8", "ignore"))))
def test_reading_never_raises(raw: bytes) -> None:
    for data in (raw, b"---\n" + raw + b"\n---\n", b"---\ntitle: x\nlive: true\nstarts_at: 2026-11-30\n---\n" + raw):
        for path in (PATH, "content/events/a.md"):
            reading = read(data, path, RULES)
            assert (reading.piece is None) == any(one.severity == "error" for one in reading.findings)
            assert all(one.line > 0 and one.column > 0 and one.file == path for one in reading.findings)


keys = st.sampled_from(
    ["title", "publish_at", "channels", "image", "video", "tags", "late", "live", "kind", "lang", "slug", "date", "x"]
)
anything = st.recursive(
    st.sampled_from(["", "x", "2026-11-30 09:00", "+2h", "true", "fi", "~", "'a\u2028b'", '"\\u0000"', "1e3"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]"),
        st.dictionaries(keys, inner, max_size=3).map(
            lambda d: "{" + ", ".join(f"{k}: {v}" for k, v in d.items()) + "}"
        ),
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.dictionaries(keys, anything, max_size=6))
def test_fields_of_any_shape_never_raise(values: dict[str, str]) -> None:
    reading = piece("\n".join(f"{key}: {value}" for key, value in values.items()), path="content/events/a.md")
    assert (reading.piece is None) == any(one.severity == "error" for one in reading.findings)


@pytest.mark.parametrize(
    "body",
    ["[" * 300_000, "![" * 200_000, "`" * 9 + "`a" * 200_000, "```a\n" * 100_000, "![](a " + " " * 500_000 + "x",
     "<!--" * 200_000, "## " + " #" * 300_000, "{{<" + " " * 500_000, "\n" + " " * 500_000 + "x", "~" * 500_000 + "`"],
)  # fmt: skip
def test_a_hostile_body_is_read_all_the_same(body: str) -> None:
    head = "title: x\nlive: true\nstarts_at: 2026-11-30"
    assert piece(head, f"![a](b){{{{ c }}}}\n{body}", "content/events/a.md").findings


def test_repeated_warnings_are_summed_up_and_errors_never() -> None:
    many = [Finding(f"{n:03}.md", 2, 1, "warning", "unknown-key", "'deck' is unknown.") for n in range(300)]
    others = [Finding("z.md", n + 1, 1, "warning", "missing-image", f"No '{n}'.") for n in range(MANY + 5)]
    errors = [Finding(f"{n:03}.md", 1, 1, "error", "missing-title", "No title.") for n in range(50)]
    summed = summarise([*others, *errors, *many])
    assert sum(one.severity == "error" for one in summed) == 50
    keys = [one for one in summed if one.rule == "unknown-key"]
    assert len(keys) == 1
    assert (keys[0].file, "in 300 files" in keys[0].message) == ("000.md", True)
    images = [one for one in summed if one.rule == "missing-image"]
    assert len(images) < MANY
    assert f"{MANY + 5 - len(images)} other warnings" in images[-1].message


def test_a_few_warnings_stay_as_they_are() -> None:
    few = [Finding(f"{n}.md", 2, 1, "warning", "unknown-key", "'deck' is unknown.") for n in range(3)]
    assert summarise(few) == few


def test_a_relative_link_to_nothing_is_told_where_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "content" / "news"
    folder.mkdir(parents=True)
    (folder / "other.md").write_text("---\ntitle: b\n---\n")
    (folder / "plan.pdf").write_bytes(b"%PDF")
    body = "[a](other.md#x) [b](plan.pdf) [c](https://example.org) [d](#e) `[f](gone.md)`\n\nSee [this](gone.md)."
    found = piece("title: x", body, "content/news/a.md", replace(RULES, root=tmp_path)).findings
    assert [(one.rule, one.severity, one.line, one.column) for one in found] == [("dead-link", "warning", 6, 5)]


def test_captions_and_bare_images_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "content" / "video").mkdir(parents=True)
    head = "title: x\nvideo: {url: https://example.org/v, captions: gone.vtt}"
    body = 'Text\n\n<img src="a.jpg"> <img alt="b" src="b.jpg"> `<img src="c.jpg">`'
    found = piece(head, body, "content/video/a.md", replace(RULES, root=tmp_path)).findings
    assert [(one.rule, one.line) for one in found] == [("missing-captions", 3), ("missing-alt", 7)]
