"""A real archive of 2,417 pieces: what is broken in it is called broken, and nothing else.

What "really broken" means here is judged apart from Julki's own reading, by a slow and strict one: the plain
YAML loader of Python, and counting. In this archive that leaves three reasons:

- duplicate-key: a key stands twice in the front matter, mostly `expirydate` with two different dates, and
  YAML would silently take the last;
- missing-title: one file is an example without a title;
- duplicate-slug: recurring events and cross-posted news bear the slug of an earlier piece, so that both would
  be one address.

Not broken, though odd, and so only warned of: keys of another site maker, authors whom nobody listed,
shortcodes, an expiry before the publication (such a piece is simply never shown), an end before the start
(one `end_date` lacks the offset that its `date` has), an address written with percent signs.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from scheduler.calendar.naming import is_piece
from scheduler.calendar.reading import Reading, Rules, read
from scheduler.calendar.relations import Known, relate
from scheduler.calendar.report import summarise

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "digitalgov"
if not (ARCHIVE / "content").is_dir():
    pytest.skip("the archive of real pieces is not beside the repository", allow_module_level=True)
WARNED = {"unknown-key", "unknown-author", "shortcode", "slug", "missing-alt", "expires-before-publish",
          "ends-before-start", "dead-link"}  # fmt: skip


def files() -> dict[str, bytes]:
    found = {file.relative_to(ARCHIVE).as_posix(): file for file in sorted(ARCHIVE.glob("content/**/*.md"))}
    return {path: file.read_bytes() for path, file in found.items() if not file.name.startswith("_")}


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    nobody: frozenset[str] = frozenset()
    rules = Rules(ARCHIVE, "Europe/Helsinki", ("en",), nobody, nobody, {}, nobody, nobody)
    return {path: read(raw, path, rules) for path, raw in files().items()}


def strict(raw: bytes) -> tuple[dict[str, str], bool]:
    """Keys and values of the front matter by the slow loader, and whether a key stands twice."""
    head = raw.decode("utf-8-sig").replace("\r\n", "\n").lstrip().removeprefix("---\n").split("\n---", 1)[0]
    node = yaml.compose(head, Loader=yaml.BaseLoader)
    keys = [key.value for key, _ in node.value]
    return yaml.load(head, Loader=yaml.BaseLoader), len(keys) != len(set(keys))  # noqa: S506 - makes text only


def expected() -> dict[str, str]:
    broken: dict[str, str] = {}
    seen: dict[str, list[tuple[object, str]]] = {}
    for path, raw in files().items():
        values, twice = strict(raw)
        if twice:
            broken[path] = "duplicate-key"
        elif not values.get("title"):
            broken[path] = "missing-title"
        else:
            slug = values.get("slug") or Path(path).stem[11:]
            seen.setdefault(slug, []).append((values["date"], path))
    for rivals in seen.values():
        broken.update({path: "duplicate-slug" for _, path in sorted(rivals)[1:]})
    return broken


def test_every_file_that_is_broken_is_called_so_and_no_other(readings: dict[str, Reading]) -> None:
    pieces = [reading.piece for reading in readings.values() if reading.piece]
    known = [Known(one.id, one.path, one.publish_at, one.after, one.translation_of, readings[one.path].lines)
             for one in pieces]  # fmt: skip
    findings = [one for reading in readings.values() for one in reading.findings] + relate(known, "en").findings
    called = {one.file: one.rule for one in findings if one.severity == "error"}
    assert called == expected()
    assert Counter(called.values()) == {"duplicate-slug": 15, "duplicate-key": 14, "missing-title": 1}
    assert {one.rule for one in findings if one.severity == "warning"} <= WARNED


def test_titles_and_slugs_are_those_of_the_slow_reading(readings: dict[str, Reading]) -> None:
    for path, raw in files().items():
        piece = readings[path].piece
        if piece:
            values, _ = strict(raw)
            assert piece.title == values["title"].strip()
            assert "%" in values.get("slug", "") or piece.slug == values.get("slug", piece.slug)
            assert piece.publish_at is not None
            assert piece.status == ("draft" if values.get("draft") == "true" else "ready")


def test_which_files_are_pieces(readings: dict[str, Reading]) -> None:
    paths = [file.relative_to(ARCHIVE).as_posix() for file in ARCHIVE.glob("content/**/*.md")]
    assert sorted(filter(is_piece, paths)) == sorted(readings)


def test_thousands_of_warnings_become_a_page(readings: dict[str, Reading]) -> None:
    findings = [one for reading in readings.values() for one in reading.findings]
    assert len(findings) > 5000
    assert len(summarise(findings)) < 80
