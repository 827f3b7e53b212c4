"""Markdown as Julki reads it: text in, clean HTML or plain text out.

Python-Markdown converts, nh3 keeps only what is harmless. A writer's file may come from Hugo or Jekyll, or from
somebody who means ill; neither may break a page or hold up the desk.
"""

from __future__ import annotations

import html as entities
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import nh3
from markdown import Markdown

from channels.errors import Rejected
from channels.shortcodes import GAP, without_gaps, without_shortcodes

MAX = 200_000
"""The longest body that is converted, in characters."""

_LARGE = 20_000
_DEPTH = 16
_HEADINGS = 2_000
# Characters that Unicode keeps for a program's own use stand in for others while Python-Markdown works.
_OPEN, _ROUND, _LESS, _LINE = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd4"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_LONE_LESS = re.compile(r"<(?!!--)(?![^<>]*>)")
_HEADING_LINE = re.compile(r"^(?:#|[=-]+[ \t]*$)", re.M)
_HEADING = re.compile(r"<(/?)h([1-6])(?=[\s>])")
_TAG = re.compile(r'<[a-z][a-z0-9]*(?:[^<>"]|"[^"]*")*>')
_ATTRIBUTE = re.compile(r'\s(?P<name>[a-z:-]+)="(?P<value>[^"]*)"')
_BLOCK_END = re.compile(r"</(?:p|h[1-6]|ul|ol|dl|table|blockquote|pre|div|figure|details)>|<hr>")
_LINE_END = re.compile(r"<br>|</(?:li|tr|dt|dd|figcaption|summary|caption)>")
_BACKREF = re.compile(r'<a class="footnote-backref"[^<>]*>[^<]*</a>')
_PRE = re.compile(r"<pre>.*?</pre>", re.S)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.I)

_CLASSED = {
    "a", "abbr", "blockquote", "code", "div", "dl", "figure", "img", "li",
    "ol", "p", "pre", "section", "span", "sup", "table", "ul",
}  # fmt: skip
_NAMED = {
    "a", "div", "dl", "figure", "h1", "h2", "h3", "h4", "h5", "h6",
    "li", "ol", "p", "section", "span", "sup", "table", "ul",
}  # fmt: skip
_TAGS = _CLASSED | _NAMED | {
    "b", "bdi", "bdo", "br", "caption", "cite", "col", "colgroup", "dd", "del", "details", "dfn", "dt", "em",
    "figcaption", "hr", "i", "ins", "kbd", "mark", "q", "s", "samp", "small", "strong", "sub", "summary",
    "tbody", "td", "tfoot", "th", "thead", "time", "tr", "u", "var", "wbr",
}  # fmt: skip
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"lang", "dir", "title"},
    "a": {"href", "hreflang"},
    "img": {"src", "alt", "width", "height"},
    "blockquote": {"cite"},
    "q": {"cite"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "details": {"open"},
    "time": {"datetime"},
}
for _tag in _TAGS:
    _ATTRIBUTES[_tag] = _ATTRIBUTES.get(_tag, set()) | {
        name for name, tags in (("class", _CLASSED), ("id", _NAMED)) if _tag in tags
    }

_ALIGN = {"align": {"left", "right", "center"}}
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    tag_attribute_values={"td": _ALIGN, "th": _ALIGN},
    clean_content_tags={"script", "style", "template", "noscript", "textarea", "select", "object", "svg", "math"},
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel=None,
)
_STRIPPER = nh3.Cleaner(tags=set(), clean_content_tags={"script", "style"})

_QUOTES = {"left-double-quote": "”", "right-double-quote": "”", "left-single-quote": "’", "right-single-quote": "’"}
_BACK = {
    "fi": "Takaisin viitteeseen {} tekstissä",
    "sv": "Tillbaka till not {} i texten",
    "": "Back to note {} in the text",
}


class Unreadable(Rejected):
    """A body that can't be converted: too long, or nested beyond reason. Mend the file; nothing else helps."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a body points at. `text` is the link's text or the image's alternative text, without markup."""

    target: str
    text: str
    image: bool = False


class _Converters(threading.local):
    """Python-Markdown is not thread-safe, and dear to build: one a thread and typography."""

    def __init__(self) -> None:
        self.by_lang: dict[str, Markdown] = {}

    def get(self, lang: str) -> Markdown:
        key = lang if lang in _BACK else ""
        if key not in self.by_lang:
            self.by_lang[key] = _converter(key)
        return self.by_lang[key].reset()


def _converter(lang: str) -> Markdown:
    extra = {"tables": {"use_align_attribute": True}, "footnotes": {"BACKLINK_TITLE": _BACK[lang]}}
    configs: dict[str, dict[str, Any]] = {"extra": extra}
    if lang:
        configs["smarty"] = {"substitutions": _QUOTES}
    return Markdown(extensions=["extra", "toc", "smarty", "sane_lists", "admonition"], extension_configs=configs)


_converters = _Converters()


@lru_cache(maxsize=32)
def to_html(text: str, lang: str = "") -> str:
    """The body as HTML that may stand in a page: no script, no style, headings from h2 down.

    `lang` chooses quotation marks (Finnish and Swedish close with the mark they open with). Hugo's shortcodes and
    Liquid's tags vanish; a link to one becomes its text. Raises `Unreadable`.
    """
    _weigh(text)
    source = _tame(without_shortcodes(_CONTROL.sub("", text), gap=GAP))
    try:
        raw = _converters.get(lang).convert(source)
    except RecursionError:
        # What it was in the middle of would colour the next text: `reset` does not forget that.
        _converters.by_lang.clear()
        raise Unreadable(
            "Lists, quotations or definitions lie too deep inside each other.", hint="Write them flatter."
        ) from None
    return _levelled(_CLEANER.clean(_restored(raw)))


def _weigh(text: str) -> None:
    if len(text) > MAX:
        raise Unreadable(
            f"The text is {len(text):,} characters long; {MAX:,} is the most.", hint="Split it into several pieces."
        )
    if len(_HEADING_LINE.findall(text)) > _HEADINGS:
        raise Unreadable(f"The text has more than {_HEADINGS:,} headings.", hint="Split it into several pieces.")


def to_text(text: str, lang: str = "") -> str:
    """The body as plain text: paragraphs apart, list items begun with `- `, no markup. Raises `Unreadable`."""
    return stripped(to_html(text, lang))


def stripped(html: str) -> str:
    """The text of HTML that `to_html` made."""
    kept = _PRE.sub(lambda code: code.group().replace("\n", _LINE), html).replace("\n", " ").replace(_LINE, "\n")
    marked = _BACKREF.sub("", kept).replace("<li>", "- ").replace("</td>", " ")
    spaced = _LINE_END.sub("\n", _BLOCK_END.sub("\n\n", marked))
    plain = entities.unescape(_STRIPPER.clean(spaced))
    lines = (" ".join(line.split()) for line in plain.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def clean(line: str) -> str:
    """A title or another single line without control characters, its spaces single."""
    return " ".join(_CONTROL.sub(" ", line).split())


def excerpt(text: str, words: int) -> str:
    """The first `words` words of a Markdown text in one line, with an ellipsis where there is more."""
    return shortened(to_text(text), words)


def shortened(plain: str, words: int) -> str:
    """As `excerpt`, of plain text."""
    found = plain.split(None, words)
    if len(found) <= words:
        return " ".join(found)
    return " ".join(found[:words]).rstrip(".,;:–-") + " …"


def absolutise(html: str, resolve: Callable[[str], str | None]) -> str:
    """Every `href` and `src` of HTML that `to_html` made, put through `resolve`.

    Where that answers None, a link becomes its text and an image goes.
    """

    def rewritten(match: re.Match[str]) -> str:
        name, value = match["name"], match["value"]
        if name not in ("href", "src"):
            return match.group()
        target = resolve(entities.unescape(value))
        return "" if target is None else f' {name}="{entities.escape(target)}"'

    def tag(match: re.Match[str]) -> str:
        new = _ATTRIBUTE.sub(rewritten, match.group())
        return "" if new.startswith("<img") and ' src="' not in new else new

    return _TAG.sub(tag, html)


def links(html: str) -> list[Link]:
    """The links and images of HTML that `to_html` made, in order."""
    found = []
    for tag in _TAG.finditer(html):
        values = {name: entities.unescape(value) for name, value in _ATTRIBUTE.findall(tag.group())}
        if tag.group().startswith("<img") and "src" in values:
            found.append(Link(values["src"], values.get("alt", ""), image=True))
        elif tag.group().startswith("<a") and "href" in values:
            inner = html[tag.end() : html.find("</a>", tag.end())]
            found.append(Link(values["href"], stripped(inner)))
    return found


def is_local(target: str) -> bool:
    """Whether an address names something of the workspace or the site, and not another host or a place in the text."""
    return bool(target) and not _ELSEWHERE.match(target)


def _tame(text: str) -> str:
    """Marks that lead nowhere cost Python-Markdown quadratic time: they are set aside until it is done."""
    blocks = _LONE_LESS.sub(_LESS, text).split("\n\n")
    return "\n\n".join(_tame_block(block) if len(block) > 200 else block for block in blocks)


def _tame_block(block: str) -> str:
    if len(block) > _LARGE:
        return block.replace("[", _OPEN).replace("(", _ROUND).replace("<", _LESS)
    if "[" not in block:
        return block
    lone = _lone_brackets(block)
    return "".join(_OPEN if at in lone else char for at, char in enumerate(block)) if lone else block


def _lone_brackets(block: str) -> set[int]:
    """Where a `[` stands that nothing closes, or that lies deeper than anybody writes."""
    waiting: list[int] = []
    lone: set[int] = set()
    for match in re.finditer(r"[\[\]]", block):
        if match.group() == "[":
            waiting.append(match.start())
            if len(waiting) > _DEPTH:
                lone.add(match.start())
        elif waiting:
            waiting.pop()
    return lone.union(waiting)


def _restored(raw: str) -> str:
    return without_gaps(raw.replace(_OPEN, "[").replace(_ROUND, "(").replace(_LESS, "&lt;"))


def _levelled(html: str) -> str:
    """The page's title is its only h1: the body's highest heading becomes h2, and the others keep their distance."""
    levels = {int(level) for _, level in _HEADING.findall(html)}
    if not levels or min(levels) == 2:
        return html
    down = 2 - min(levels)
    return _HEADING.sub(lambda tag: f"<{tag[1]}h{min(6, int(tag[2]) + down)}", html)
