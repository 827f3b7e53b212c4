"""A piece's wishes survive being kept as JSON: planning from the row is planning from the piece."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Part
from channels.piece import Override, Piece
from scheduler.desk import spec

NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)


@dataclass
class Row:
    """As `pieces.intents` gives it."""

    spec: dict[str, Any] | None
    kind: str = "news"
    lang: str = "fi"
    status: str = "ready"
    publish_at: datetime | None = NOW
    expires_at: datetime | None = None
    late: int | None = None


def piece(**changes: Any) -> Piece:
    return Piece("fi/a", "u", "content/news/a.md", "fi", "a", "news", "A", publish_at=NOW, **changes)


def through(one: Piece, parts: dict[str, list[Part]] | None = None, **row: Any) -> Any:
    kept = json.loads(json.dumps(spec.encode(one, parts or {})))
    return spec.intent(Row(kept, **row), 3, 9)


def test_an_ordinary_piece_needs_no_room() -> None:
    assert spec.encode(piece(), {"post": [Part()]}) is None
    found = through(piece())
    assert (found.piece, found.after, found.channels, dict(found.overrides), dict(found.parts)) == (3, 9, None, {}, {})


def test_an_empty_list_of_channels_is_not_no_list() -> None:
    assert through(piece(channels=())).channels == ()
    assert through(piece()).channels is None


def test_naming_a_channel_without_saying_more_still_names_it() -> None:
    assert set(through(piece(overrides={"mail": Override(text="Own words")})).overrides) == {"mail"}


def test_lateness_comes_back_as_a_duration_and_none_as_none() -> None:
    assert through(piece(), late=0).late == timedelta(0)
    assert through(piece(), late=7200).late == timedelta(hours=2)
    assert through(piece()).late is None


TIMES = st.one_of(
    st.none(),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis wants bounds without zone
    st.timedeltas(timedelta(days=-9), timedelta(days=9)),
)
NAMES = st.sampled_from(["web", "post", "mail"])
OVERRIDES = st.dictionaries(
    NAMES, st.builds(Override, at=TIMES, segment=st.sampled_from(["", "press"]), skip=st.booleans())
)
PARTS = st.dictionaries(
    NAMES,
    st.lists(
        st.builds(Part, st.sampled_from(["main", "1", "avaus"]), st.sampled_from([None, NOW]), st.booleans()),
        max_size=3,
    ),
)


@given(overrides=OVERRIDES, parts=PARTS, channels=st.one_of(st.none(), st.lists(NAMES, unique=True).map(tuple)))
def test_whatever_a_piece_wishes_comes_back_as_it_was(
    overrides: dict[str, Override], parts: dict[str, list[Part]], channels: tuple[str, ...] | None
) -> None:
    found = through(piece(overrides=overrides, channels=channels), parts)
    assert dict(found.overrides) == overrides
    assert found.channels == channels
    assert {name: list(one) for name, one in found.parts.items()} == {
        name: one for name, one in parts.items() if one != [Part()]
    }
