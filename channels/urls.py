"""Addresses in plain text, found as X finds them (the rules of twitter-text 3): with and without `https://`.

A domain counts only under a known top-level domain. The short list here holds all countries and the common generic
ones; under any other ending an address is `unsure`, and who measures takes the larger of both readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import regex


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


COUNTRIES = _names(
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz "
    "ca cc cd cf cg ch ci ck cl cm cn co cp cr cu cv cw cx cy cz de dg dj dk dm do dz ea ec ee eg eh er es et eu fi fj "
    "fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu ic id ie il im in io iq ir "
    "is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm "
    "mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt "
    "pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz ta tc td tf tg th tj tk tl "
    "tm tn to tr tt tv tw tz ua ug um un us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw"
)
"""The two-letter codes of countries and territories that have a flag among the emoji."""

_NO_DOMAIN = _names("bl bq cp dg ea eh ic mf ta um un xk")
_MORE_DOMAINS = _names("su uk")
_GENERIC = _names(
    "academy aero agency app art asia bank berlin bio biz blog build business cafe cat center cloud club coach codes "
    "com community company consulting coop dance design dev digital director earth edu education energy engineering "
    "events expert finance foundation fund gallery global gov green group guide guru health help host house how inc "
    "info institute int international jobs land law legal life link live london ltd management media mil mobi money "
    "museum name net network news nyc online ooo org page paris partners photo photos plus post press pro productions "
    "property pub report review reviews rocks school science services shop site social solutions space store studio "
    "systems team tech tel today tools top training travel university video vip website wiki win work works world "
    "xxx xyz zone"
)

_SPACES = r"\x09-\x0d\x20\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_MARKS = r"\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
_INVALID = r"\ufffe\ufeff\uffff"
_ACCENTED = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b\u02bb"
    r"\u0300-\u036f\u1e00-\u1eff"
)
_NO_LABEL = rf"!#-,./:;<=>?@\[\]^{{|}}~\\{_SPACES}{_INVALID}{_MARKS}"
# The bounds (30 labels of 256 signs) are wider than any real domain; without them hostile text costs minutes.
_SUBDOMAIN = rf"(?:(?![_\-])[^{_NO_LABEL}]{{1,256}}+(?<![_\-])\.)"
_DOMAIN = rf"(?:(?!-)[^_{_NO_LABEL}]{{1,256}}+(?<!-)\.)"
_END = r"(?=[^0-9a-zA-Z@+\-]|$)"

_LETTER = rf"a-z0-9\u0400-\u04ff{_ACCENTED}"
_PATH_CHAR = rf"[{_LETTER}!*';:=+,.$/%#\[\]\-\u2013_~@|&]"
_PARENS = rf"\((?:{_PATH_CHAR}+|{_PATH_CHAR}*\({_PATH_CHAR}+\){_PATH_CHAR}*)\)"
_PATH_END = rf"(?:[+\-{_LETTER}=_#/]|{_PARENS})"
_PATH = rf"(?:/(?:{_PATH_CHAR}*(?:{_PARENS}{_PATH_CHAR}*)*{_PATH_END}|@{_PATH_CHAR}+/)*)?"
_QUERY = r"(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?"

_LONGEST = 4096
_LONGEST_LABEL = 63
_SHORT = regex.compile(r"https?://t\.co/[a-z0-9]+(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?", regex.I)
_JOINED = frozenset("-_./")


@dataclass(frozen=True, slots=True)
class Address:
    """`text[start:end]` is an address; `sure` where its ending is a known top-level domain."""

    start: int
    end: int
    sure: bool


def addresses(text: str) -> list[Address]:
    """The addresses in `text`, in order, never overlapping."""
    if "." not in text:
        return []
    found = list(_known(text))
    gaps = zip([0, *(a.end for a in found)], [*(a.start for a in found), len(text)], strict=True)
    return sorted([*found, *(a for start, end in gaps for a in _unknown(text, start, end))], key=lambda a: a.start)


def has_address(text: str) -> bool:
    """Whether a part of `text` is meant as a link: a known domain, or anything with `https://`."""
    return any(address.sure or text.startswith("http", address.start) for address in addresses(text))


@cache
def _pattern(ending: str) -> regex.Pattern[str]:
    domain = rf"(?P<domain>{_SUBDOMAIN}{{0,30}}{_DOMAIN}(?:{ending}){_END})"
    before = rf"(?P<before>[^A-Za-z0-9@＠$#＃{_INVALID}]|[{_MARKS}]|^)"
    return regex.compile(rf"{before}(?P<url>(?P<scheme>https?://)?{domain}(?::\d+)?(?P<path>{_PATH}{_QUERY}))", regex.I)


@cache
def _endings() -> str:
    known = _GENERIC | (COUNTRIES - _NO_DOMAIN) | _MORE_DOMAINS
    return "|".join([*sorted(known, key=lambda name: (-len(name), name)), r"xn--[\-0-9a-z]+"])


@cache
def _bare() -> regex.Pattern[str]:
    return regex.compile(rf"(?:[\-a-z0-9{_ACCENTED}]+\.)+(?:{_endings()})", regex.I)


def _known(text: str) -> list[Address]:
    found: list[Address] = []
    for match in _pattern(_endings()).finditer(text):
        if match["scheme"]:
            short = _SHORT.match(text, match.start("url"), match.end("url"))
            end = short.end() if short else match.end("url")
            found.append(Address(match.start("url"), end, _plausible(match)))
        elif match["before"] not in _JOINED:
            found += _without_scheme(match)
    return found


def _without_scheme(match: regex.Match[str]) -> list[Address]:
    """Without `https://` only the parts in Latin letters are a domain; path and query belong to the last."""
    start, end = match.span("domain")
    spans = [bare.span() for bare in _bare().finditer(match.string, start, end)]
    if spans and match["path"]:
        spans[-1] = (spans[-1][0], match.end("url"))
    return [Address(start, end, _plausible(match)) for start, end in spans]


def _plausible(match: regex.Match[str]) -> bool:
    labels = match["domain"].split(".")
    return len(match["url"]) <= _LONGEST and max(map(len, labels)) <= _LONGEST_LABEL and match["domain"].isascii()


def _unknown(text: str, start: int, end: int) -> list[Address]:
    # One sign before the gap tells whether an address may begin there.
    matches = _pattern(r"\p{L}[\p{L}\p{M}\d\-]+").finditer(text, max(0, start - 1), end)
    begun = (match for match in matches if match.start("url") >= start)
    whole = (match for match in begun if match["scheme"] or match["before"] not in _JOINED)
    return [Address(match.start("url"), match.end("url"), sure=False) for match in whole]
