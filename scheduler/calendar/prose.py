"""A body with its code blanked out, so that nothing in an example is taken for the real thing."""

from __future__ import annotations

import re

_FENCE = re.compile(r"[ ]*+(`{3,}+|~{3,}+)([^`]*+)")
_ITEM = re.compile(r"[ ]{0,3}(?:[-*+]|\d{1,9}[.)])[ \t]")
_TICKS = re.compile(r"`+")
_INK = re.compile(r"[^\n]")
Span = tuple[int, int]


def prose(body: str) -> str:
    """`body` with fenced, indented and inline code and HTML comments as blanks: same length, same lines.

    A fence that is never closed is no fence, as in Python-Markdown, so it can't swallow what follows.
    """
    body = _blanked(body, _code(body))
    if "<!--" in body:
        body = _blanked(body, _comments(body))
    return _blanked(body, _inline(body)) if "`" in body else body


def _blanked(body: str, spans: list[Span]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += body[at:start], _INK.sub(" ", body[start:end])
        at = end
    return "".join([*parts, body[at:]])


def _code(body: str) -> list[Span]:
    """The lines of fenced and indented code. Indented lines below a list's item are its own text."""
    lines = body.split("\n")
    ends = _fences(lines)
    spans, at, until, listed, fresh = [], 0, -1, False, True
    for row, line in enumerate(lines):
        until = ends.get(row, until)
        indented = line.startswith(("    ", "\t"))
        if row <= until or (indented and fresh and not listed):
            spans.append((at, at + len(line)))
            fresh = True
        elif line.strip():
            listed = bool(_ITEM.match(line)) or (listed and line[0] in " \t")
            fresh = False
        else:
            fresh = True
        at += len(line) + 1
    return spans


def _fences(lines: list[str]) -> dict[int, int]:
    """First row → last row of each fenced block. One pass, however many fences are never closed."""
    found = [(row, match) for row, line in enumerate(lines) if (match := _FENCE.fullmatch(line))]
    longest = {"`": 0, "~": 0}
    reach: list[int] = []
    for _, match in reversed(found):
        sign = match[1][0]
        reach.append(longest[sign])
        if not match[2].strip():
            longest[sign] = max(longest[sign], len(match[1]))
    reach.reverse()
    ends: dict[int, int] = {}
    opened: tuple[int, str] | None = None
    for (row, match), longest_after in zip(found, reach, strict=True):
        if opened is None:
            opened = (row, match[1]) if longest_after >= len(match[1]) else None
        elif match[1].startswith(opened[1]) and not match[2].strip():
            ends[opened[0]] = row
            opened = None
    return ends


def _comments(body: str) -> list[Span]:
    spans, start = [], body.find("<!--")
    while start >= 0 and (end := body.find("-->", start)) >= 0:
        spans.append((start, end + 3))
        start = body.find("<!--", end)
    return spans


def _inline(body: str) -> list[Span]:
    """Code between two equal runs of backticks in one paragraph."""
    runs = [(match.start(), match.end()) for match in _TICKS.finditer(body)]
    partner: dict[int, int] = {}
    seen: dict[int, int] = {}
    for start, end in reversed(runs):
        if end - start in seen:
            partner[start] = seen[end - start]
        seen[end - start] = start
    spans, at = [], 0
    for start, end in runs:
        other = partner.get(start)
        if start < at or other is None or body.find("\n\n", end, other) >= 0:
            continue
        at = other + end - start
        spans.append((start, at))
    return spans
