"""Hugo's shortcodes and Liquid's tags in a body: no reader ever sees them."""

from __future__ import annotations

import re

GAP = "\ufdd3"
"""Stands where one was, while the Markdown is converted. A character that Unicode keeps for a program's own use."""

_COMMENT = re.compile(r"\{%-?\s*comment\s*-?%\}[^{]*(?:\{(?!%-?\s*(?:end)?comment)[^{]*)*\{%-?\s*endcomment\s*-?%\}")
_SHORTCODE = re.compile(r"\{\{[^{}]*(?:(?:\{(?!\{)|\}(?!\}))[^{}]*)*\}\}|\{%[^%{]*(?:(?:%(?!\})|\{(?![{%]))[^%{]*)*%\}")
_CODE = re.compile(r"^(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^(?P=fence)[`~]*[ \t]*$|(?<!`)`[^`\n]+`(?!`)", re.M | re.S)
_LINK = re.compile(rf"<a\b[^<>]*{GAP}[^<>]*>([^<]*(?:<(?!/?a\b)[^<]*)*)</a>")
_IMAGE = re.compile(rf"<img\b[^<>]*{GAP}[^<>]*>")
_PARAGRAPH = re.compile(rf"<p>[\s{GAP}]*</p>\n?")


def without_shortcodes(text: str, gap: str = "") -> str:
    """The Markdown with each of them replaced by `gap`; what a pair encloses stays, and code is kept."""
    if "{{" not in text and "{%" not in text:
        return text
    out, last = [], 0
    for code in _CODE.finditer(text):
        out += [_replaced(text[last : code.start()], gap), code.group()]
        last = code.end()
    return "".join([*out, _replaced(text[last:], gap)])


def without_gaps(html: str) -> str:
    """The HTML made of it: a link to one becomes its text, a picture of one goes, and so does an empty paragraph."""
    if GAP not in html:
        return html
    linked = _LINK.sub(r"\1", _IMAGE.sub("", html))
    return _PARAGRAPH.sub("", linked).replace(GAP, "")


def _replaced(text: str, gap: str) -> str:
    text = _COMMENT.sub("", text)
    # One may stand inside another's arguments.
    for _ in range(3):
        text, count = _SHORTCODE.subn(gap, text)
        if not count:
            break
    return text
