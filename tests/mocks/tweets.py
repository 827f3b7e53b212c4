"""Posts for the counter: as people write them in three languages, and as nobody should."""

from __future__ import annotations

import unicodedata
from random import Random

from channels.domains import LATIN, OTHER

BLOCK = 0x80
BLOCKS = 0x110000 // BLOCK


def _list(text: str, gap: str | None = None) -> list[str]:
    return text.split(gap)


_ENDINGS = sorted(LATIN | OTHER)
_WORDS = (
    "Lupapalvelu uudistui, ja käyttäjät kiittävät öljyä åbo työryhmän kanssa klo 9.00 hyvää työtä esim. ym. 3,5 % 20.11.2026",
    "Vi lanserade den nya tjänsten för medborgare i går på Åland älska öppna data t.ex. bl.a. kl. 9.30 myndigheten",
    "We've launched the new permits service today — don't miss it! v2.0 U.S. it’s “quoted” client-first A.I. Node.js a.m.",
)
_FILES = _list("readme.md file.zip Next.Up raportti.pdf kuva.jpeg lomake.docx")
_EMOJI = _list(
    "😀 👩🏽‍💻 👨‍👩‍👧‍👦 🇫🇮 🇸🇪 🇪🇺 1️⃣ #️⃣ ❤️ ❤ ☀️ ✌🏽 👍🏿 🏳️‍🌈 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🧑‍🚀 🫶🏼 🥹 ©️ ™️ ⛹️‍♀️ 🤷🏻‍♂️ 👯‍♀️ 🙏 ✅ → ➡️ • … – — "
    "© ® ™ € £ ½ ² 🧑‍🤝‍🧑 🫡 🪩 👁️‍🗨️ 🐦‍🔥 🫩 ☝️ 🕵🏾‍♀️ 👩‍❤️‍💋‍👩 ☎︎"
)
_TAGS = _list(
    "#palvelumuotoilu #D9 #öppnadata #Covid19 @virasto @d9_fi $NOK #日本 ＃tag @maija.fi #x.fi maija@example.org"
)
_HOSTS = _list(
    "example.org example.fi www.example.org ääkkönen.fi öljy.example.fi müller.example.de xn--bcher-kva.example example.com "
    "EXAMPLE.FI Example.Org t.co/abc123 t.co a-b.example.se 日本.jp пример.рф παράδειγμα.ελ localhost 127.0.0.1 "
    "foo_bar.example.org läns.example.se sub.domain.gov.uk 例え.example.jp"
)
_PATHS = _list(
    " / /a /a/b.html /wiki/Julki_(ohjelma) /x_(y_(z)) /?a=b&c=d ?q=1 /a?q=%C3%A4&utm_source=x&utm_medium=social #frag /a#b "
    "/ääkköset/öljy /a,b;c /@maija/ /@maija /a:b :8080/a :8080 /пример /a. /~x/ /a?b=c#d /a|b /a! /(x) /a)b /a'b /日本 /%20a "
    "/a?b=(c) /a–b /a… /.(x) /watch?v=dQw4w9WgXcQ&t=1s",
    " ",
)
_SCHEMES = ("", "", "https://", "https://", "http://", "HTTPS://", "Http://", "ftp://", "mailto:", "//")
_CLOSERS = _list(" . , ! ? : ; ) ... … ” \" ' ’ » – — ?! ). @ / - _ # ， 。", " ")
_OPENERS = _list("    ( “ \" ' « [ – — - / . @ # $ _ ： （ a 1 ä 日 😀 \u200b \u200e", " ")
_GAPS = (" ", " ", " ", " ", " ", "\n", "\n\n", "\r\n", "\r\n\r\n", "\u00a0", "  ", "\t", "")
_BULKS = ("\r\n", "\n", " ", "\u3000", "\x85", "a" * 60, "b" * 62, "é" * 30, "x" * 4070)
_SHARDS = [
    *_BULKS,
    *_list(
        "http:// https:// HTTP:// https:/ :// / // . . . .. - _ @ # $ : ? & = ( ) (( )) () a b fi com xn-- xn--a 日本 ä ü "
        "\u0308 \u0345 😀 👩 \u200d \ufe0f \u20e3 1 🏽 🇫 🇮 co.uk t.co t.co/abc https://t.co/ \u200e \u200f \u202e \u2066 \ufeff \ufffe "
        "\uffff \u200b \u00ad \u061c 。 ． ＠ ＃ \x00 \x7f \x01 % ~ ! * ' , ; | [ ] { } \\ ^ ` \" < > + ſ K İ ı ß ϵυ ᲃ ⱥ Ɫ рф РФ 香港 "
        "中国 भारत भारतम् भारतम्x 한국 გე ᲒᲔ museum vermögensberater VERMÖGENSBERATUNG \ud800 \udc00 \U000e0067 ﷺ 한 \u1100\u1161 "
        "n\u0303 Å"
    ),
]


def post(random: Random) -> str:
    """A post as somebody writes it, decomposed at times, as some keyboards and clipboards do it."""
    words = random.choice(_WORDS).split()
    text = "".join(_piece(random, words) + random.choice(_GAPS) for _ in range(random.randint(1, 30)))
    return unicodedata.normalize("NFD", text) if random.random() < 0.15 else text


def _piece(random: Random, words: list[str]) -> str:
    kind = random.random()
    if kind < 0.6:
        return random.choice(words)
    if kind < 0.75:
        return random.choice(_OPENERS) + _link(random) + random.choice(_CLOSERS)
    if kind < 0.87:
        return "".join(random.choices(_EMOJI, k=random.randint(1, 3)))
    if kind < 0.95:
        return random.choice(_TAGS + _FILES)
    return random.choice("“”\"»'") + random.choice(words) + random.choice(_CLOSERS)


def _link(random: Random) -> str:
    host = random.choice(_HOSTS)
    if random.random() < 0.2:
        host = f"{random.choice(('a', 'ab-c', 'ä', 'www.x'))}.{random.choice(_ENDINGS)}"
    return random.choice(_SCHEMES) + host + random.choice(_PATHS)


def hostile(random: Random, number: int) -> str:
    """A string that nobody means well with. Numbers from 0 to `BLOCKS` reach every block of 128 code points."""
    kind, size = random.random(), random.randint(1, 25)
    if kind < 0.45:
        text = "".join(random.choices(_SHARDS, k=size))
    elif kind < 0.7:
        text = _broken(random, post(random))
    elif kind < 0.85:
        text = "".join(random.choices("ab.-_/:@(?#日é😀", k=size))
    else:
        labels = random.choices(("a", "-", "é", "日", "😀", "x" * 20, "é" * 9, "_"), k=size)
        text = f"{random.choice(_SCHEMES)}{''.join(labels)}.{random.choice(_ENDINGS)}{random.choice(_PATHS)}"
    place = random.randint(0, len(text))
    text = text[:place] + _block(random, number) + text[place:]
    form = random.choice(("NFC", "NFD", "NFKD", "", "", ""))
    return _merged(unicodedata.normalize(form, text) if form else text)


def _broken(random: Random, text: str) -> str:
    for _ in range(random.randint(1, 6)):
        place = random.randint(0, len(text))
        text = text[:place] + random.choice(_SHARDS) + text[place + random.randint(0, 2) :]
    return text


def _block(random: Random, number: int) -> str:
    first = number % BLOCKS * BLOCK
    return "".join(chr(first + random.randrange(BLOCK)) for _ in range(random.randint(1, 8)))


def _merged(text: str) -> str:
    """The two halves of a surrogate pair that came to stand side by side are one sign: so JSON hands them on."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
