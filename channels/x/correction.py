"""A correction: the desk's words, then the text as it should be, in answer to the post that was wrong. Pure."""

from __future__ import annotations

from dataclasses import replace

from channels.message import Message, Problem
from channels.text import ELLIPSIS, LIMIT, shorten, weighted_length
from channels.x.options import CORRECTION, XOptions

_FALLBACK = "en"


def of(message: Message, part: str, lang: str, options: XOptions) -> Message:
    """The correction of a post whose text should be that of `message`. Where the account may answer itself it is a
    reply, else it quotes the post. It holds no pictures: those stand beside the post already."""
    words = options.correction.get(lang) or CORRECTION.get(lang, CORRECTION[_FALLBACK])
    whole = f"{words.strip()} {message.text}"
    text = whole if weighted_length(whole) <= LIMIT else _shortened(whole)
    answers = "reply" if options.threads else "quote"
    return replace(
        message,
        part=part,
        text=text,
        media=(),
        data={"reply": True, "answers": answers},
        length=weighted_length(text),
        problems=_problems(whole, text),
    )


def _shortened(whole: str) -> str:
    """Its last paragraph, where the link and the hashtags stand, is kept."""
    body, _, foot = whole.rpartition("\n\n")
    if not body:
        return shorten(whole, LIMIT)
    short = shorten(body, LIMIT - weighted_length("\n\n" + foot))
    return f"{short}\n\n{foot}" if short not in ("", ELLIPSIS) else shorten(whole, LIMIT)


def _problems(whole: str, text: str) -> tuple[Problem, ...]:
    if text == whole:
        return ()
    if text in ("", ELLIPSIS):
        return (Problem("too-long", "The correction does not fit into one post. Shorten the piece's text for X."),)
    told = f"The correction is {weighted_length(whole)} characters long; a post has {LIMIT}. Say it shorter."
    return (Problem("shortened", told, "warning"),)
