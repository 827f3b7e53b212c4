"""Shortcodes and tags of other site makers, which Julki would publish as they are written."""

from __future__ import annotations

import re

from scheduler.calendar.finding import Notes, Place, shortened

# Hugo {{< name >}} and {{% name %}}, Liquid's tags {% name %}, Liquid's values {{ name }}.
_CALL = re.compile(r"\{\{[<%]-?\s*+/?\s*+([\w./-]{1,60})|\{%-?\s*([\w-]{1,60})|\{\{-?\s*([\w.-]{1,60})")
_SHOWN = 10


def note_shortcodes(text: str, place: Place, notes: Notes) -> None:
    """One warning a file, at `place` and naming all that `text` (a body without its code) calls."""
    if "{{" not in text and "{%" not in text:
        return
    names = dict.fromkeys(next(name for name in match.groups() if name) for match in _CALL.finditer(text))
    if not names:
        return
    listed = ", ".join(shortened(name, 30) for name in list(names)[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    message = f"Shortcodes of another site maker are left out: {listed}{more}. Write them as Markdown."
    notes.warn("shortcode", place, message)
