"""A page to look at in a browser: what is out, with its pictures."""

from __future__ import annotations

import html
from urllib.parse import quote

from tests.mocks.x.consent import STYLE
from tests.mocks.x.exchange import Call, Reply, problem
from tests.mocks.x.ledger import Post
from tests.mocks.x.world import World

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Mock X: timeline</title>
<meta name="viewport" content="width=device-width"><style>{style}</style></head>
<body>
<header><h1>Mock X</h1>
<p>This is not the real X: nothing leaves this computer. {count} out, newest first. Reload the page to see more.</p></header>
<main>{posts}</main>
</body></html>
"""
_STYLE = (
    "article{border-top:1px solid #8888;padding:1rem 0}h2{font-size:1rem;margin:0}article p{margin:.3rem 0;overflow-wrap:anywhere}"
    ".text{white-space:pre-wrap}.meta{color:#595959;font-size:.9rem}figure{margin:.5rem 0}img,video{max-width:100%}"
    "@media(prefers-color-scheme:dark){.meta{color:#aaa}}"
)
_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}


def show(world: World, call: Call) -> Reply:
    """`/`: the timeline of all accounts. `/media/NUMBER`: a picture or a video."""
    if call.path == "/":
        posts = list(reversed(world.ledger.live()))
        articles = "".join(_article(world, post) for post in posts) or "<p>Nothing has been posted yet.</p>"
        count = "1 post is" if len(posts) == 1 else f"{len(posts)} posts are"
        text = _PAGE.format(style=STYLE + _STYLE, count=count, posts=articles)
        return Reply(200, text, {"Content-Type": "text/html; charset=utf-8"})
    content = world.ledger.media.get(call.path.removeprefix("/media/"))
    if content is None:
        return problem(404, "Not Found", "Not Found")
    return Reply(200, content, {"Content-Type": _type(content), "X-Content-Type-Options": "nosniff"})


def _article(world: World, post: Post) -> str:
    author = world.accounts.by_id(post.author)
    at = post.created_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    name = html.escape(author.username if author else post.author)
    related = [("Answer to", post.reply_to), ("Quotes", post.quotes)]
    links = "".join(
        f' {words} <a href="#p{quote(other)}">{html.escape(other)}</a>.' for words, other in related if other
    )
    figures = "".join(_figure(world, media_id) for media_id in post.media_ids)
    return (
        f'<article id="p{quote(post.id)}"><h2>@{name}</h2><p class="text" dir="auto">{html.escape(post.text)}</p>{figures}'
        f'<p class="meta"><time datetime="{post.created_at.isoformat()}">{at}</time>, number {html.escape(post.id)}.{links}</p>'
        "</article>"
    )


def _figure(world: World, media_id: str) -> str:
    alt = html.escape(world.ledger.alt.get(media_id, ""))
    address = f"/media/{quote(media_id)}"
    upload = world.ledger.uploads.get(media_id)
    if upload and "video" in upload.category:
        shown = f'<video controls src="{address}" aria-label="{alt}"></video>'
    else:
        shown = f'<img src="{address}" alt="{alt}">'
    caption = f"Alternative text: {alt}" if alt else "It has no alternative text."
    return f"<figure>{shown}<figcaption>{caption}</figcaption></figure>"


def _type(content: bytes) -> str:
    known = next((kind for head, kind in _TYPES.items() if content.startswith(head)), "")
    return known or ("video/mp4" if content[4:8] in (b"ftyp", b"moov") else "application/octet-stream")
