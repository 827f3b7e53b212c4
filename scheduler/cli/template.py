"""What `init` writes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

ZONE = "Europe/Helsinki"

_JULKI = """\
# The site, the desk's rules, the database, the channels. docs/settings.md tells all that may stand here.

[site]
title = "D9"
url = "https://example.org"
timezone = "Europe/Helsinki"
languages = ["fi", "sv", "en"]          # the first is the default

[desk]
since = {today}                      # what is due before this day is archive: website and feeds only
approval = false                        # true: nothing goes out before a second person approved it
backlog = 10                            # after a start, more than this on a channel, each over 10 min overdue: held until asked

[kinds.news]
channels = ["website", "rss", "newsletter", "x"]
late = "2h"                             # past this it is held, and a person decides

[kinds.blog]
channels = ["website", "rss", "newsletter", "x"]
late = "2h"

[kinds.video]
channels = ["website", "rss", "newsletter", "x"]
late = "2h"

[kinds.event]
channels = ["website", "rss", "newsletter", "x"]
late = "2h"

[channels.website]
adapter = "website"
path = "var/site"

[channels.rss]
adapter = "rss"                         # rss.xml, atom.xml and feed.json, for each language and tag
path = "var/site"
items = 50

[channels.x]
adapter = "x"
sandbox = true                          # posts go into a file in var/, not to X

[channels.newsletter]
adapter = "newsletter"
sandbox = true                          # editions go into a mail folder in var/, not to readers
edition = "weekly mon 09:00"            # or "each": one mail a piece

[database]
url = "sqlite:///var/julki.db"

[console]                               # the desk's own pages; health and metrics
host = "127.0.0.1"
port = 8020                             # 0: any free one

[public]                                # what the world may call; serves the site too where nothing else does
url = "https://viesti.example.org"
host = "127.0.0.1"
port = 8021

[digest]                                # the team's own mail on Monday
at = "mon 08:00"
to = ["team@example.org"]
"""

_AUDIENCES = """\
# Who we write for. A piece names them: audiences: [citizens]
# `needs` is the empathy map: what they think, feel, say and do. `every`: how often we owe them a piece.

# [audiences.citizens]
# name = "Citizens"
# every = "14d"
# needs = \"\"\"
# Thinks: which office does this belong to?
# Feels: afraid of filling something in wrongly.
# Says: "I already gave you that paper."
# Does: begins on the phone, in the evening.
# \"\"\"
"""

_PROJECTS = """\
# Clients, and what we do with them. A piece names them: client: ministry, project: permits
# `phase` is start, middle or end.

# [clients.ministry]
# name = "The Ministry"

# [projects.permits]
# name = "One form for all permits"
# client = "ministry"
# phase = "start"
# starts = 2026-11-02
# ends = 2027-06-30
"""

_TEAM = """\
# Everybody writes. A piece names them: authors: [maija]
# `language` is the one that the author writes in by choice.

# [authors.maija]
# name = "Maija Rantakari"
# email = "maija@example.org"
# role = "Communications"
# language = "fi"
"""

_FIRST = """\
---
title: The first piece
status: draft        # delete this line, and it goes out at its time
lang: en
# publish_at: {today} 15:00
summary: One or two sentences for lists, feeds and posts.
---

Write here, in Markdown. A **bold word**, a [link](https://example.org), and a list:

- one file is one piece;
- its folder tells what kind it is: news, blog, video or events;
- a name that begins with _ is never read.
"""

_FOLDER = """\
---
title: An example that is never read, because its name begins with _
---

{what} lie in this folder, at any depth. Make one with: julki new {kind} "Its title"
"""

_FOLDERS = {
    "news": ("news", "News"),
    "blog": ("blog", "Blog posts"),
    "video": ("video", "Videos"),
    "events": ("event", "Events"),
}


def write(folder: Path, today: date) -> list[str]:
    """Write what is not there yet; the names of the files that were there and stay as they are."""
    kept = []
    for name, text in files(today).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            kept.append(name)
    return kept


def files(today: date) -> dict[str, str]:
    """Path → text. The settings come last: half a workspace is none, so a second `init` finishes it."""
    found = {".gitignore": "var/\n"}
    for folder, (kind, what) in _FOLDERS.items():
        found[f"content/{folder}/_example.md"] = _FOLDER.format(kind=kind, what=what)
    found["content/news/the-first-piece.md"] = _FIRST.format(today=today.isoformat())
    found["config/audiences.toml"] = _AUDIENCES
    found["config/projects.toml"] = _PROJECTS
    found["config/team.toml"] = _TEAM
    found["config/julki.toml"] = _JULKI.format(today=today.isoformat())
    return found
