"""The newsletter: when editions go out, how mails read, and what lies in the Maildir."""

import email
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.contract import Channel, Period, Receipt
from channels.message import Message
from channels.newsletter import ADAPTER
from channels.newsletter.edition import parse_edition
from channels.piece import Image, Override, Piece
from channels.testing import NOW, context, open_channel, sample_piece, sample_view
from channels.view import Site

HELSINKI = ZoneInfo("Europe/Helsinki")
BOX = "var/outbox/newsletter"


def period(edition: str, at: str) -> tuple[str, str]:
    """Key and wall time of the edition at or after the local time `at`."""
    found = parse_edition(edition)
    assert found
    due = found.period(datetime.fromisoformat(at).replace(tzinfo=HELSINKI), HELSINKI)
    return due.key, due.due_at.astimezone(HELSINKI).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("edition", "at", "key", "due"),
    [
        ("weekly mon 09:00", "2026-11-23 09:00", "2026-W48", "2026-11-23 09:00"),
        ("weekly mon 09:00", "2026-11-23 09:01", "2026-W49", "2026-11-30 09:00"),
        ("weekly sun 23:59", "2026-12-28 00:00", "2026-W53", "2027-01-03 23:59"),
        ("weekly mon 09:00", "2026-12-29 00:00", "2027-W01", "2027-01-04 09:00"),
        ("Daily  9:00", "2026-11-23 09:30", "2026-11-24", "2026-11-24 09:00"),
        ("monthly 1 09:00", "2026-11-23 09:30", "2026-12", "2026-12-01 09:00"),
        ("monthly 28 09:00", "2027-02-28 09:00", "2027-02", "2027-02-28 09:00"),
        ("weekly sun 03:30", "2027-03-27 12:00", "2027-W12", "2027-03-28 04:30"),
        ("weekly sun 03:30", "2026-10-24 12:00", "2026-W43", "2026-10-25 03:30"),
        ("weekly mon 09:00", "2027-03-27 12:00", "2027-W13", "2027-03-29 09:00"),
    ],
)
def test_the_next_edition_follows_the_wall_clock(edition: str, at: str, key: str, due: str) -> None:
    assert period(edition, at) == (key, due)


def test_of_two_equal_times_the_first_counts() -> None:
    edition = parse_edition("weekly sun 03:30")
    assert edition
    found = edition.period(datetime(2026, 10, 24, tzinfo=UTC), HELSINKI)
    assert found.due_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert edition.period(found.due_at + timedelta(minutes=1), HELSINKI).key == "2026-W44"


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants them naive
    st.sampled_from(["daily 03:30", "weekly sun 03:30", "monthly 28 00:00", "weekly thu 12:00"]),
)
def test_an_edition_is_never_past_and_its_own_next(at: datetime, written: str) -> None:
    edition = parse_edition(written)
    assert edition
    found = edition.period(at, HELSINKI)
    assert at <= found.due_at <= at + timedelta(days=32)
    assert edition.period(found.due_at, HELSINKI) == found
    assert edition.period(found.due_at + timedelta(microseconds=1), HELSINKI).key > found.key


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"edition": "weekly 09:00"}, 'Write "each"'),
        ({"edition": "weekly maa 09:00"}, "not a weekday"),
        ({"edition": "weekly mon 25:00"}, "no clock shows"),
        ({"edition": "monthly 31 09:00"}, "from 1 to 28"),
        ({"sandbox": False}, "can't send mail by SMTP yet"),
        ({"sandbox": "false"}, "can't send mail by SMTP yet"),
        ({"from": "Desk"}, "is not a sender"),
        ({"from": "Desk <d@e.fi>\nBcc: x@y.fi"}, "is not a sender"),
        ({"smtp_password": "x"}, "Extra inputs"),
    ],
)
def test_options_are_refused_with_the_remedy(options: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ADAPTER.options(**options)


def newsletter(tmp_path: Path, **options: object) -> Channel:
    return open_channel("newsletter", tmp_path, **options)


def rendered(tmp_path: Path, piece: Piece) -> Message:
    (message,) = newsletter(tmp_path).render(piece, sample_view(tmp_path))
    return message


def test_a_mail_of_one_piece_tells_it_whole(tmp_path: Path) -> None:
    message = rendered(
        tmp_path, sample_piece(body="Teksti.\n\n![Kuva](kuva.png)\n\n[Sivu](../toinen/) ![poissa](x.png)")
    )
    page = "https://example.org/fi/news/news-esimerkki/"
    assert message.title == "Lupapalvelu uudistui: hakemus valmistuu vartissa"
    assert message.links_page
    assert message.html.count("<h1") == 1
    assert '<html lang="fi">' in message.html
    assert 'alt="Kuva" src="https://example.org/media/' in message.html
    assert 'alt="Asiakas täyttää hakemusta tabletilla."' in message.html
    assert "poissa" not in message.html
    assert 'href="https://example.org/fi/news/toinen/"' in message.html
    assert f'<a href="{page}"' in message.html
    assert "Lue selaimessa" in message.html
    assert "30. marraskuuta 2026 · Maija Mäkelä" in message.text
    assert "Teksti." in message.text
    assert page in message.text
    assert "color-scheme" in message.html
    assert "<style>" not in message.html


def test_a_subject_of_its_own_wins(tmp_path: Path) -> None:
    message = rendered(tmp_path, sample_piece(overrides={"newsletter": Override(subject="Oma aihe")}))
    assert message.title == "Oma aihe"
    assert "<h1" in message.html
    assert "Lupapalvelu uudistui" in message.html


@pytest.mark.parametrize(("lang", "word", "date"), [("fi", "Lue selaimessa", "30. marraskuuta"), ("sv", "Läs i webbläsaren", "30 november"), ("en", "View in browser", "November 30"), ("se", "View in browser", "2026"), ("x<y", "View in browser", "November 30")])  # fmt: skip
def test_each_language_has_its_words(tmp_path: Path, lang: str, word: str, date: str) -> None:
    message = rendered(tmp_path, sample_piece(lang=lang))
    assert word in message.html
    assert date in message.text


def test_html_of_the_writer_is_text_where_no_html_belongs(tmp_path: Path) -> None:
    message = rendered(tmp_path, sample_piece(title="<b>A & B</b>", summary='"><img src=x onerror=y>'))
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in message.html
    assert "<img src=x" not in message.html
    assert message.title == "<b>A & B</b>"


def test_a_live_event_tells_when_and_where(tmp_path: Path) -> None:
    assert "Aika ja paikka: 30. marraskuuta 2026 11:00, Helsinki" in rendered(tmp_path, sample_piece("event")).text


def collected(tmp_path: Path, pieces: list[Piece]) -> list[Message]:
    channel = newsletter(tmp_path)
    return channel.collect(Period("2026-W49", NOW), pieces, sample_view(tmp_path))  # type: ignore[attr-defined] # of Collecting


def test_an_edition_is_one_mail_a_language_and_segment(tmp_path: Path) -> None:
    pieces = [
        sample_piece("news", title="Uusin", publish_at=NOW),
        sample_piece("blog", title="Vanhin", publish_at=NOW - timedelta(days=3)),
        sample_piece("video", title="Nyhet", lang="sv", id="sv/n"),
        sample_piece("event", title="Kutsu", id="fi/k", overrides={"newsletter": Override(segment="sijoittajat")}),
    ]
    messages = collected(tmp_path, pieces)
    assert [(m.data["language"], m.data["segment"], m.data["pieces"]) for m in messages] == [
        ("fi", "", ["fi/blog-esimerkki", "fi/news-esimerkki"]),
        ("fi", "sijoittajat", ["fi/k"]),
        ("sv", "", ["sv/n"]),
    ]
    assert [m.title for m in messages] == ["D9: Uusin ja 1 muu", "Kutsu", "Nyhet"]
    assert {m.data["period"] for m in messages} == {"2026-W49"}
    assert messages[0].text.index("* Vanhin") < messages[0].text.index("* Uusin")
    assert messages[0].html.count("<h1") == 1
    assert messages == collected(tmp_path, pieces[::-1])


@pytest.mark.parametrize(
    ("lang", "subject"), [("fi", "D9: T ja 3 muuta"), ("sv", "D9: T och 3 till"), ("en", "D9: T and 3 others")]
)
def test_the_subject_counts_the_others(tmp_path: Path, lang: str, subject: str) -> None:
    pieces = [sample_piece(title="T", lang=lang, id=f"{lang}/{n}") for n in range(4)]
    assert collected(tmp_path, pieces)[0].title == subject


def test_an_idea_without_a_date_can_be_previewed(tmp_path: Path) -> None:
    assert rendered(tmp_path, sample_piece(publish_at=None)).text
    assert collected(tmp_path, [sample_piece(publish_at=None), sample_piece("blog")])


# The Maildir


def mail(tmp_path: Path) -> EmailMessage:
    (path,) = (tmp_path / BOX / "new").iterdir()
    parsed = email.message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_the_mail_is_whole(tmp_path: Path) -> None:
    channel = newsletter(tmp_path, **{"from": "Viestintä <viestinta@vm.example>"})
    message = channel.render(sample_piece(), sample_view(tmp_path))[0]
    receipt = channel.publish(message, "key-1", None)
    found = mail(tmp_path)
    assert found["Subject"] == message.title
    assert str(found["From"]) == "Viestintä <viestinta@vm.example>"
    assert str(found["To"]) == "subscribers-fi@sandbox.invalid"
    assert found["Message-ID"] == receipt.remote_id
    assert found["Date"]
    plain, html = found.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().splitlines() == message.text.splitlines()
    assert html.get_content().splitlines() == message.html.splitlines()
    assert list((tmp_path / BOX / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    "title", ["A\r\nBcc: all@example.org", "A\nB", "A\u2028Bcc: x", "\x00A\x0b", "ä" * 5000, "\ud800", "=?utf-8?q?x?="]
)
def test_no_title_can_add_a_header(tmp_path: Path, title: str) -> None:
    channel = newsletter(tmp_path)
    message = Message(
        "newsletter",
        "fi/a",
        title=title,
        text="T",
        html="<p>T</p>",
        data={"language": "fi\r\nX: y", "segment": "a\nb@c"},
    )
    channel.publish(message, "key-1", None)
    found = mail(tmp_path)
    assert set(found.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Content-Language",
        "MIME-Version",
        "Content-Type",
    }
    assert len(found["Subject"]) <= 150


def test_a_read_mail_is_the_same_mail(tmp_path: Path) -> None:
    channel = newsletter(tmp_path)
    message = channel.render(sample_piece(), sample_view(tmp_path))[0]
    receipt = channel.publish(message, "key-1", None)
    (path,) = (tmp_path / BOX / "new").iterdir()
    path.rename(tmp_path / BOX / "cur" / (path.name + ":2,S"))
    assert channel.publish(message, "key-1", None) == receipt
    assert channel.find(message, "key-1", NOW) == receipt
    assert list((tmp_path / BOX / "new").iterdir()) == []
    channel.publish(message, "key-2", None)
    assert len(list((tmp_path / BOX / "new").iterdir())) == 1


def test_what_a_crash_left_half_written_is_written_anew(tmp_path: Path) -> None:
    channel = newsletter(tmp_path)
    message = channel.render(sample_piece(), sample_view(tmp_path))[0]
    channel.publish(message, "key-1", None)
    (path,) = (tmp_path / BOX / "new").iterdir()
    whole = path.read_bytes()
    path.unlink()
    (tmp_path / BOX / "tmp" / path.name).write_bytes(whole[:100])
    assert channel.find(message, "key-1", NOW) is None
    assert isinstance(channel.publish(message, "key-1", None), Receipt)
    assert path.read_bytes().startswith(whole[:40])
    assert len(path.read_bytes()) == len(whole)


def test_a_site_with_an_odd_host_still_has_a_sender(tmp_path: Path) -> None:
    site = Site('D9 "Desk"\r\n', "https://päivä.example:8443/x", "Europe/Helsinki", ("fi",))
    channel = ADAPTER.open("newsletter", ADAPTER.options(), context(tmp_path, site=site))
    channel.publish(channel.render(sample_piece(), sample_view(tmp_path))[0], "key-1", None)
    assert mail(tmp_path)["From"].addresses[0].domain == "xn--piv-qlac.example"


def test_checking_names_a_subject_that_is_cut(tmp_path: Path) -> None:
    channel, view = newsletter(tmp_path), sample_view(tmp_path)
    assert [p.rule for p in channel.check(sample_piece(title="x " * 200), view)] == ["long-subject"]
    assert [p.rule for p in channel.check(sample_piece(title="\u200b"), view)] == ["empty-subject"]
    assert channel.check(sample_piece(image=Image("kuva.png")), view) == []
