"""The addresses of the site tell by which channel a reader came; those of others stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from channels.samples import sample_piece
from scheduler.desk.links import rule
from scheduler.settings import LinksTable, Settings

CHANNELS = {"x-fi": {"adapter": "x"}, "mail": {"adapter": "newsletter"}, "website": {"adapter": "website"}}


def link(url: str, channel: str = "x-fi", *, utm: str | None = None, **piece: str) -> str:
    settings = Settings(
        site={"url": "https://example.org/viesti"}, channels=CHANNELS, links={} if utm is None else {"utm": utm}
    )
    return rule(settings)(url, sample_piece(slug="uutinen", **piece), channel)


def test_the_sites_addresses_name_channel_medium_and_campaign() -> None:
    told = "utm_source=x-fi&utm_medium=social&utm_campaign=uutinen"
    assert link("https://example.org/viesti/fi/news/uutinen/") == f"https://example.org/viesti/fi/news/uutinen/?{told}"
    assert "utm_source=mail&utm_medium=email" in link("https://example.org/viesti/", "mail")


def test_the_project_is_the_campaign_before_the_client() -> None:
    assert link("https://example.org/viesti/", client="kunta").endswith("utm_campaign=kunta")
    assert link("https://example.org/viesti/", client="kunta", project="lupa").endswith("utm_campaign=lupa")


def test_a_query_and_a_fragment_are_kept() -> None:
    found = link("https://example.org/viesti/a/?b=c#d", utm="s={channel}")
    assert found == "https://example.org/viesti/a/?b=c&s=x-fi#d"


@pytest.mark.parametrize(
    "url", ["https://example.com/", "https://example.org/", "https://example.org/viestinta/", "mailto:a@example.org"]
)
def test_what_is_not_the_sites_stays_as_it_is(url: str) -> None:
    assert link(url) == url


def test_nothing_is_added_where_nothing_is_wished() -> None:
    assert link("https://example.org/viesti/", utm="") == "https://example.org/viesti/"


@pytest.mark.parametrize("utm", ["?a=b", "a", "a={unknown}", "a=b c", "a=b&", "a={channel.__class__}", "a=b#c"])
def test_a_rule_that_is_no_query_is_refused_with_the_remedy(utm: str) -> None:
    with pytest.raises(ValidationError, match="utm_source"):
        LinksTable(utm=utm)


def test_the_default_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert LinksTable().utm in page.read_text("utf-8")
