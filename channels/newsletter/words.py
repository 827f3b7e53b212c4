"""The fixed words of a mail in the three languages, and dates as their readers write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime

_WORDS: Mapping[str, Mapping[str, str]] = {
    "fi": {
        "browser": "Lue selaimessa",
        "more": "Lue lisää",
        "watch": "Katso video",
        "where": "Aika ja paikka",
        "from": "Tämän viestin lähetti",
        "other": "ja 1 muu",
        "others": "ja {count} muuta",
    },
    "sv": {
        "browser": "Läs i webbläsaren",
        "more": "Läs mer",
        "watch": "Se videon",
        "where": "Tid och plats",
        "from": "Detta meddelande skickades av",
        "other": "och 1 till",
        "others": "och {count} till",
    },
    "en": {
        "browser": "View in browser",
        "more": "Read more",
        "watch": "Watch the video",
        "where": "When and where",
        "from": "This message was sent by",
        "other": "and 1 other",
        "others": "and {count} others",
    },
}


def words(lang: str) -> Mapping[str, str]:
    """The words in that language; English for one that isn't known."""
    return _WORDS.get(lang, _WORDS["en"])


def day(at: datetime, zone: ZoneInfo, lang: str) -> str:
    return format_date(at.astimezone(zone), "long", locale=_locale(lang))


def moment(at: datetime, zone: ZoneInfo, lang: str) -> str:
    """Date and time, without the zone's name."""
    local = at.astimezone(zone).replace(tzinfo=None)
    return f"{format_date(local, 'long', locale=_locale(lang))} {format_datetime(local, 'HH:mm', locale=_locale(lang))}"


def _locale(lang: str) -> Locale:
    try:
        return Locale.parse(lang)
    except (UnknownLocaleError, ValueError):
        return Locale("en")
