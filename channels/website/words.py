"""The theme's fixed words in the languages that it speaks, and dates as each language writes them.

A language that is not here gets English words and its own dates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time

_ENGLISH = {
    "skip": "Skip to the content",
    "sections": "Sections",
    "languages": "Languages",
    "news": "News",
    "blog": "Blog",
    "video": "Videos",
    "event": "Events",
    "home": "Home",
    "latest": "Latest",
    "all": "All: {}",
    "tags": "Topics",
    "tagged": "Topic: {}",
    "authors": "By {}",
    "client": "Client",
    "project": "Project",
    "when": "When",
    "where": "Where",
    "topics": "Topics",
    "watch": "Watch the video",
    "elsewhere": "The video is on {} and opens there.",
    "captions": "Captions",
    "transcript": "Transcript",
    "pages": "Pages",
    "older": "Older",
    "newer": "Newer",
    "page": "page {}",
    "empty": "Nothing here yet.",
    "feed": "Subscribe (RSS)",
    "gone": "This page has been taken down",
    "gone_text": "What stood here has been withdrawn.",
    "missing": "Page not found",
    "missing_text": "The address may be mistyped, or the page may have moved.",
    "moved": "This page has moved",
    "moved_text": "It is now here:",
    "to_home": "To the front page",
}

_FINNISH = {
    "skip": "Siirry sisältöön",
    "sections": "Osastot",
    "languages": "Kielet",
    "news": "Uutiset",
    "blog": "Blogi",
    "video": "Videot",
    "event": "Tapahtumat",
    "home": "Etusivu",
    "latest": "Uusimmat",
    "all": "Kaikki: {}",
    "tags": "Aiheet",
    "tagged": "Aihe: {}",
    "authors": "Kirjoittanut {}",
    "client": "Asiakas",
    "project": "Hanke",
    "when": "Milloin",
    "where": "Missä",
    "topics": "Aiheet",
    "watch": "Katso video",
    "elsewhere": "Video on palvelussa {} ja aukeaa siellä.",
    "captions": "Tekstitys",
    "transcript": "Puhe tekstinä",
    "pages": "Sivut",
    "older": "Vanhempia",
    "newer": "Uudempia",
    "page": "sivu {}",
    "empty": "Täällä ei ole vielä mitään.",
    "feed": "Tilaa (RSS)",
    "gone": "Sivu on poistettu",
    "gone_text": "Tässä ollut sisältö on vedetty pois.",
    "missing": "Sivua ei löydy",
    "missing_text": "Osoitteessa voi olla kirjoitusvirhe, tai sivu on siirretty.",
    "moved": "Sivu on siirretty",
    "moved_text": "Se on nyt täällä:",
    "to_home": "Etusivulle",
}

_SWEDISH = {
    "skip": "Hoppa till innehållet",
    "sections": "Avdelningar",
    "languages": "Språk",
    "news": "Nyheter",
    "blog": "Blogg",
    "video": "Videor",
    "event": "Evenemang",
    "home": "Startsida",
    "latest": "Senaste",
    "all": "Alla: {}",
    "tags": "Ämnen",
    "tagged": "Ämne: {}",
    "authors": "Av {}",
    "client": "Kund",
    "project": "Projekt",
    "when": "När",
    "where": "Var",
    "topics": "Ämnen",
    "watch": "Se videon",
    "elsewhere": "Videon finns på {} och öppnas där.",
    "captions": "Textning",
    "transcript": "Videons tal som text",
    "pages": "Sidor",
    "older": "Äldre",
    "newer": "Nyare",
    "page": "sida {}",
    "empty": "Här finns inget ännu.",
    "feed": "Prenumerera (RSS)",
    "gone": "Sidan har tagits bort",
    "gone_text": "Det som fanns här har dragits tillbaka.",
    "missing": "Sidan hittades inte",
    "missing_text": "Adressen kan vara felskriven, eller så har sidan flyttats.",
    "moved": "Sidan har flyttats",
    "moved_text": "Den finns nu här:",
    "to_home": "Till startsidan",
}

_CATALOGUE = {"en": _ENGLISH, "fi": _FINNISH, "sv": _SWEDISH}


def words(lang: str) -> Mapping[str, str]:
    """Word by key; every language has every key."""
    return _CATALOGUE.get(lang.partition("-")[0], _ENGLISH)


@lru_cache(maxsize=64)
def locale(lang: str) -> Locale:
    try:
        return Locale.parse(lang, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en", "GB")


@lru_cache(maxsize=64)
def language_name(lang: str) -> str:
    """The language's name in itself: `suomi`, `svenska`, `English`."""
    found = locale(lang)
    return (found.language_name if found.language == lang.partition("-")[0] else None) or lang


@lru_cache(maxsize=8192)
def day(at: datetime, zone: str, lang: str) -> str:
    """`23. marraskuuta 2026`, in the site's zone."""
    return format_date(at.astimezone(ZoneInfo(zone)), "long", locale=_dated(lang))


@lru_cache(maxsize=1024)
def span(starts: datetime, ends: datetime | None, zone: str, lang: str) -> str:
    """When an event is: weekday, date, from, to, and the zone, since readers sit in others too."""
    first = starts.astimezone(ZoneInfo(zone))
    last = ends.astimezone(ZoneInfo(zone)) if ends else None
    text = _moment(first, lang)
    if last and last.date() == first.date():
        text += f"–{_clock(last, lang)}"
    elif last:
        text += f" – {_moment(last, lang)}"
    return f"{text} ({_offset(first)})"


def length(duration: timedelta) -> str:
    """How long a video is, as all three languages write it: `1 h 5 min`, `3 min 20 s`."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _moment(at: datetime, lang: str) -> str:
    date = format_date(at, "full", locale=_dated(lang))
    return f"{date}, {_clock(at, lang)}"


def _clock(at: datetime, lang: str) -> str:
    return format_time(at, "short", tzinfo=at.tzinfo, locale=_dated(lang)).replace("\u202f", "\u00a0")


def _offset(at: datetime) -> str:
    written = at.strftime("%z")
    hours, minutes = int(written[1:3]), written[3:5]
    return f"UTC{'+' if written[0] == '+' else '−'}{hours}" + (f":{minutes}" if minutes != "00" else "")


def _dated(lang: str) -> Locale:
    # Europe's English: the day before the month, and 24 hours.
    return Locale("en", "GB") if lang == "en" else locale(lang)
