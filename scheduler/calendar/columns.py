"""What teams call the columns of a planning sheet, and what they write in them: English, Finnish, Swedish."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def _turned(words: Mapping[str, str]) -> dict[str, str]:
    return {word.strip(): name for name, listed in words.items() for word in listed.split(",")}


NAMES: Mapping[str, str] = _turned(
    {
        "title": "title, headline, heading, otsikko, aihe, rubrik, titel, ämne",
        "date": "date, day, publish date, publish at, publish_at, päivä, päivämäärä, pvm, julkaisupäivä, julkaisu, "
        "datum, dag, publiceringsdag, publiceringsdatum",
        "time": "time, publish time, aika, kello, klo, kellonaika, julkaisuaika, tid, klockslag, kl, klockan",
        "kind": "kind, type, content type, tyyppi, laji, sisältötyyppi, typ, slag, innehållstyp",
        "channels": "channels, channel, kanavat, kanava, kanaler, kanal",
        "lang": "language, languages, lang, kieli, språk",
        "authors": "author, authors, writer, responsible, owner, tekijä, tekijät, kirjoittaja, kirjoittajat, vastuuhenkilö, "
        "vastuu, författare, skribent, ansvarig",
        "client": "client, customer, asiakas, kund, uppdragsgivare",
        "project": "project, projekti, hanke, projekt",
        "phase": "phase, vaihe, fas, skede",
        "audiences": "audience, audiences, target group, kohderyhmä, kohderyhmät, yleisö, målgrupp, målgrupper, publik",
        "summary": "summary, description, excerpt, lead, tiivistelmä, kuvaus, ingressi, ingress, sammanfattning, "
        "beskrivning",
        "body": "body, text, content, teksti, sisältö, leipäteksti, innehåll, brödtext",
        "tags": "tags, tag, topics, keywords, tunnisteet, avainsanat, asiasanat, aiheet, taggar, nyckelord, ämnen",
        "hashtags": "hashtags, hashtag, aihetunnisteet, aihetunniste, hashtaggar",
        "status": "status, state, tila, tilanne, läge",
        "slug": "slug, address, osoite, lyhytosoite, adress",
        "place": "place, location, venue, paikka, plats, ställe",
        "starts_at": "starts, start, starts at, starts_at, begins, alkaa, alku, alkamisaika, börjar, starttid",
        "ends_at": "ends, end, ends at, ends_at, päättyy, loppuu, loppu, päättymisaika, slutar, slut, sluttid",
        "video_url": "video, video url, link, url, linkki, videolinkki, länk, videolänk",
        "translation_of": "translation of, translation_of, käännös, käännetty, översättning av, översättning",
    }
)
"""What a column may be called, in lower case → the name that it has here."""

KINDS: Mapping[str, str] = _turned(
    {
        "news": "news, news item, press release, release, uutinen, uutiset, tiedote, nyhet, nyheter, pressmeddelande",
        "blog": "blog, blog post, blogi, blogikirjoitus, blogiteksti, blogg, blogginlägg",
        "video": "video, videos, videot, videor",
        "event": "event, events, tapahtuma, tapahtumat, tilaisuus, webinaari, webinar, evenemang, händelse",
    }
)

LANGUAGES: Mapping[str, str] = _turned(
    {
        "fi": "fi, fin, finnish, suomi, suomeksi, finska, på finska",
        "sv": "sv, swe, se, swedish, ruotsi, ruotsiksi, svenska, på svenska",
        "en": "en, eng, english, englanti, englanniksi, engelska, på engelska",
    }
)

CHANNELS: Mapping[str, str] = _turned(
    {
        "website": "website, web, site, verkko, verkkosivu, verkkosivut, sivusto, nettisivut, webb, webbplats, webben",
        "rss": "rss, feed, feeds, syöte, syötteet, flöde",
        "newsletter": "newsletter, email, e-mail, mail, uutiskirje, sähköposti, nyhetsbrev, e-post",
        "x": "x, twitter, tweet, x/twitter, twitter/x, x (twitter), twitter (x), twiitti",
    }
)

PHASES: Mapping[str, str] = _turned(
    {
        "start": "start, starting, alku, alussa, alkaa, början, startar",
        "middle": "middle, half-way, halfway, under way, keskellä, puolivälissä, kesken, käynnissä, mitten, pågår",
        "end": "end, done, nearly done, loppu, lopussa, valmis, valmistumassa, slut, klar, slutet",
    }
)

LISTS = frozenset(("channels", "authors", "audiences", "tags", "hashtags"))
"""Columns whose cells hold several things, parted by a comma, a semicolon or a line."""

_DELIMITERS = re.compile(r"[,;\n]+")


def column(heading: str) -> str | None:
    """The name that a heading stands for, None if nobody knows it. `Otsikko *` and `TITLE:` are fine."""
    word = re.sub(r"[\s_]+", " ", heading).strip(" *:.?").casefold()
    return NAMES.get(word) or NAMES.get(word.partition("(")[0].strip())


def listed(text: str) -> Sequence[str]:
    """The things in a cell, each once; a hash before a tag is dropped."""
    found = (part.strip().lstrip("#").strip() for part in _DELIMITERS.split(text))
    return tuple(dict.fromkeys(part for part in found if part))
