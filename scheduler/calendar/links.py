"""The relative links of a body: where they lead in the workspace, and whether there is anything."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from channels.article import DOCUMENTS
from channels.images import SUFFIXES
from scheduler.calendar.finding import Notes, shortened

_LINK = re.compile(r"(?<!!)\[[^\[\]\n]{0,500}\]\([ ]*<?([^\s<>()]{1,500})>?(?:[ ]+[\"'][^\n]{0,300}[\"'])?[ ]*\)")
_ELSEWHERE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|/|#|\{")


def note_links(text: str, first_line: int, path: str, root: Path, notes: Notes) -> None:
    """Notes each relative link of `text` (without its code) that leads to no file that can be offered: a reader would
    get its words alone."""
    for match in _LINK.finditer(text):
        target = match[1]
        if _ELSEWHERE.match(target) or _offered(target, path, root):
            continue
        line = first_line + text.count("\n", 0, match.start())
        column = match.start() - text.rfind("\n", 0, match.start())
        message = f"The link '{shortened(target)}' leads to nothing, so only its text goes out. Mend the address."
        notes.warn("dead-link", (line, column), message)


def _offered(target: str, path: str, root: Path) -> bool:
    """A file beside the piece, of a kind that the website hands out; or another piece."""
    content = (root / "content").resolve()
    try:
        file = ((root / path).parent / unquote(urlsplit(target).path)).resolve()
        allowed = file.suffix.lower() in SUFFIXES | DOCUMENTS | {".md"}
        return allowed and file.is_relative_to(content) and file.is_file()
    except (OSError, ValueError, RuntimeError):  # a name that no file system takes; a circle of links
        return False
