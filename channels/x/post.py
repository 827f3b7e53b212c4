"""From a piece to the posts on X: texts, pictures, and what is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import regex

from channels.contract import Part
from channels.errors import Rejected
from channels.markdown import to_text
from channels.message import Media, Message, Problem
from channels.piece import MAIN, Image, LivePost, Piece
from channels.text import ELLIPSIS, LIMIT, clean, hashtag, shorten, split, weighted_length
from channels.urls import addresses, has_address
from channels.view import View
from channels.x.options import XOptions

PICTURES = 4
"""As many pictures as one post takes."""

_ALT = 1000
_PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
_ALONE = (".gif", ".mp4", ".mov")
_CASHTAG = regex.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")
_HASHTAG = regex.compile(r"[#＃][\p{L}\p{M}\p{Nd}_]+")
_TAG_AHEAD = regex.compile(r"^#(?=[^\s#])", regex.M)
_NAME_AHEAD = regex.compile(r"[@＠]\w{1,20}")
_BRACES = regex.compile(r"\{[A-Za-z_]+\}")
_LINK = "{link}"


@dataclass(frozen=True, slots=True)
class Post:
    """One post before its pictures are looked up."""

    part: str
    text: str
    images: tuple[Image, ...] = ()
    reply: bool = False
    problems: tuple[Problem, ...] = ()


def messages(piece: Piece, view: View, channel: str, options: XOptions) -> list[Message]:
    return [_message(piece, view, channel, post) for post in _posts(piece, view, channel, options)]


def parts(piece: Piece, view: View, channel: str, options: XOptions) -> list[Part]:
    """Without rendering, but for a thread: every changed file is asked for its parts."""
    threaded = options.threads and piece.override(channel).text
    first = [Part(post.part) for post in _announcement(piece, view, channel, options)] if threaded else [Part(MAIN)]
    live = piece.event.posts if piece.event else ()
    return first + [Part(post.part, post.at, post.at is None) for post in live]


def _posts(piece: Piece, view: View, channel: str, options: XOptions) -> list[Post]:
    out = _announcement(piece, view, channel, options)
    if piece.event:
        live = partial(_live_post, piece, view, channel, threads=options.threads)
        out += [live(post) for post in piece.event.posts]
    return out


def _announcement(piece: Piece, view: View, channel: str, options: XOptions) -> list[Post]:
    images = piece.override(channel).images or ((piece.image,) if piece.image else ())
    link = view.link(view.page(piece), piece, channel) if view.has_page(piece) else ""
    own = _linked(clean(piece.override(channel).text).strip(), piece, view, channel)
    if not own:
        title, summary = clean(piece.title).strip(), clean(piece.summary).strip()
        body = "\n\n".join(filter(None, (title, summary)))
        tags = [tag for tag in map(hashtag, piece.tags) if tag][: options.hashtags]
        text, problems = _fitted(body, _foot(body, link, [*tags, *_event_tags(piece)]))
        return [Post(MAIN, text, images, problems=tuple(p for p in problems if p.severity == "error"))]
    tail = "" if has_address(own) else link
    whole = _joined(own.replace(_LINK, link), _foot(own, "" if _LINK in own else tail, _event_tags(piece)))
    if weighted_length(whole) <= LIMIT:
        return [Post(MAIN, whole, images)]
    if options.threads:
        return _thread(whole, images, numbered=options.numbered)
    body = " ".join(own.replace(_LINK, "").split(" ")).strip()
    text, problems = _fitted(body, _foot(own, tail, _event_tags(piece)))
    return [Post(MAIN, text, images, problems=problems)]


def _linked(text: str, piece: Piece, view: View, channel: str) -> str:
    """Addresses that the writer typed, as the channel publishes them."""
    for address in reversed(addresses(text)):
        url = text[address.start : address.end]
        if url.startswith("http"):
            text = text[: address.start] + view.link(url, piece, channel) + text[address.end :]
    return text


def _thread(text: str, images: tuple[Image, ...], *, numbered: bool) -> list[Post]:
    texts = _numbered(text) if numbered else split(text, LIMIT)
    found = enumerate(texts, 1)
    return [Post(str(number), text, images if number == 1 else (), reply=number > 1) for number, text in found]


def _numbered(text: str) -> list[str]:
    """The posts of a thread, each with its number and how many there are behind it."""
    digits, texts = 0, [text]
    while digits < len(str(len(texts))):
        digits = len(str(len(texts)))
        texts = split(text, LIMIT - len(" /") - 2 * digits)
    return [f"{one} {number}/{len(texts)}" for number, one in enumerate(texts, 1)]


def _live_post(piece: Piece, view: View, channel: str, post: LivePost, *, threads: bool) -> Post:
    body = clean(post.text).strip() if post.plain else _plain(post.text, piece.lang)
    body = _linked(body, piece, view, channel)
    foot = _foot(body, "", _event_tags(piece))
    text, problems = (_joined(body, foot), ()) if post.plain else _fitted(body, foot)
    reply = threads and piece.event is not None and piece.event.thread
    return Post(post.part, text, post.images, reply, problems)


def _plain(markdown: str, lang: str) -> str:
    try:
        # A hashtag that begins a line is no heading.
        return clean(to_text(_TAG_AHEAD.sub(r"\\\g<0>", markdown), lang)).strip()
    except Rejected:
        # The check of the file names what is wrong with it; here it is simply a post without words.
        return ""


def _event_tags(piece: Piece) -> list[str]:
    return [tag for tag in map(hashtag, piece.event.hashtags) if tag] if piece.event else []


def _foot(body: str, link: str, tags: list[str]) -> str:
    """Link and hashtags in one line; no hashtag twice, and never so many that they crowd out the text."""
    seen = {tag[1:].casefold() for tag in _HASHTAG.findall(body)}
    out = [link] if link else []
    for tag in tags:
        key = tag[1:].casefold()
        if key not in seen and weighted_length(" ".join([*out, tag])) <= LIMIT // 2:
            out.append(tag)
        seen.add(key)
    return " ".join(out)


def _joined(body: str, foot: str) -> str:
    return "\n\n".join(filter(None, (body, foot)))


def _fitted(body: str, foot: str) -> tuple[str, tuple[Problem, ...]]:
    whole = _joined(body, foot)
    if weighted_length(whole) <= LIMIT:
        return whole, ()
    room = LIMIT - (weighted_length("\n\n" + foot) if foot else 0)
    short = shorten(body, room)
    if short in ("", ELLIPSIS):
        message = "The text does not fit into one post, and there is no place to cut it. Write a shorter one."
        return _joined(short, foot), (Problem("too-long", message, field="channels"),)
    message = f"The text is {weighted_length(whole)} characters long; a post has {LIMIT}. Its end is cut off: “{short[-30:]}”. Shorten it."
    return _joined(short, foot), (Problem("shortened", message, "warning", "channels"),)


def _message(piece: Piece, view: View, channel: str, post: Post) -> Message:
    media, problems = _pictures(piece, view, post.images)
    message = Message(
        channel=channel,
        piece=piece.id,
        part=post.part,
        title=clean(piece.title),
        text=post.text,
        media=media,
        data={"reply": post.reply},
        links_page=view.page(piece) in post.text or view.link(view.page(piece), piece, channel) in post.text,
        length=weighted_length(post.text),
        limit=LIMIT,
    )
    found = [*post.problems, *_text_problems(message), *problems]
    return replace(message, problems=tuple(dict.fromkeys(found)))


def _pictures(piece: Piece, view: View, images: tuple[Image, ...]) -> tuple[tuple[Media, ...], list[Problem]]:
    media, problems = [], []
    for image in images:
        found = view.file(piece, image.src, shorten(clean(image.alt), _ALT, len))
        if found is None or found.suffix.lower() not in (*_PHOTOS, *_ALONE):
            text = (
                f"{image.src} does not go to X: only a JPEG, PNG, WebP, GIF, MP4 or MOV file of the workspace can be "
                "attached."
            )
            problems.append(Problem("image-left-out", text, "warning", "image"))
        else:
            media.append(found)
    problems += _too_many(media)
    return tuple(media[:PICTURES]), problems + list(_without_alt(media[:PICTURES]))


def _too_many(media: list[Media]) -> Iterator[Problem]:
    """Up to four photos, or one GIF, or one film (docs.x.com, media, November 2026)."""
    alone = next((one for one in media if one.suffix.lower() in _ALONE), None)
    if alone and len(media) > 1:
        text = f"A post takes photos, or one GIF, or one film: {alone.src} must stand alone. Move it to another post."
        yield Problem("mixed-media", text, field="image")
    elif len(media) > PICTURES:
        text = f"A post takes {PICTURES} pictures; here are {len(media)}. Move some to another post."
        yield Problem("too-many-images", text)


def _without_alt(media: list[Media]) -> Iterator[Problem]:
    for picture in media:
        if not picture.alt.strip():
            text = f"{picture.src} has no alternative text. Say in a sentence what is to be seen (alt)."
            yield Problem("missing-alt", text, field="image")


def _text_problems(message: Message) -> Iterator[Problem]:
    if not message.media and not _says_something(message.text):
        yield Problem("empty-text", "There is nothing to post: no words and no picture. Write a sentence.")
    if (message.length or 0) > LIMIT:
        text = f"The post is {message.length} characters long; {LIMIT} is the most. Shorten it."
        yield Problem("too-long", text, field="channels")
    if name := _NAME_AHEAD.match(message.text):
        text = f"The post begins with {name[0]}: X takes it for an answer and shows it to few. Put a word before it."
        yield Problem("name-ahead", text, "warning", "channels")
    if left := _BRACES.findall(message.text):
        text = f"{left[0]} goes out as it stands: only {_LINK} is replaced."
        yield Problem("unknown-placeholder", text, "warning", "channels")
    if len(cashtags := _CASHTAG.findall(message.text)) > 1:
        text = f"X takes one cashtag a post; here are {', '.join(cashtags)}. Write the others without the $."
        yield Problem("cashtags", text)


def _says_something(text: str) -> bool:
    for address in reversed(addresses(text)):
        text = text[: address.start] + text[address.end :]
    return bool(_HASHTAG.sub("", text).strip())
