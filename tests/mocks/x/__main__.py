"""`python -m tests.mocks.x --port 8099`: an X to try the whole desk with, without an account. See docs/mock-x.md."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import timedelta

from tests.mocks.x.ledger import Post
from tests.mocks.x.limits import Limits
from tests.mocks.x.server import MockX
from tests.mocks.x.world import Processing

_TOLD = """\
The mock X is up. It is not the real X: nothing that you post leaves this computer.
What has been posted, to look at in a browser: {url}/

1. In config/julki.toml, make the table of the X channel say:

    [channels.x]
    adapter = "x"
    sandbox = false
    api_url = "{url}"
    authorize_url = "{url}/i/oauth2/authorize"
    settle = "{settle}s"

2. Sign in, in one of two ways. With four keys: in the terminal in which Julki will run, type

    export JULKI_X_API_KEY=mock-api_key
    export JULKI_X_API_SECRET=mock-api_secret
    export JULKI_X_ACCESS_TOKEN=mock-access_token
    export JULKI_X_ACCESS_TOKEN_SECRET=mock-access_token_secret

   Or in the browser: write one more line into the table, auth = "oauth2", and type

    export JULKI_X_CLIENT_ID=mock-client_id
    julki connect x

3. Start the desk: julki run

Each post will be told here. Ctrl-C ends the mock, and forgets everything.
"""


def main(arguments: list[str] | None = None) -> int:
    told = _arguments(arguments)
    try:
        mock = MockX(
            told.port,
            lag=timedelta(seconds=told.lag),
            replies=told.replies,
            names=told.names,
            limits=Limits(posts=told.posts),
            credits=told.credits,
            consent="ask",
            strict=False,
            processing=Processing(check_after=1),
        )
    except OSError as error:
        print(f"Port {told.port} can't be used ({error.strerror}). Choose another with --port.", file=sys.stderr)
        return 1
    for username in told.account:
        mock.accounts.named(username)
    mock.on_accept = lambda post: _tell(mock, post)
    # What is started in the background of a script inherits that Ctrl-C is not heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with mock:
        print(_TOLD.format(url=mock.url, settle=told.lag + 5), flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(f"\nThe mock X is down. {len(mock.ledger.live())} posts were out.", flush=True)
            print("".join(f"The mock X objects: {one}\n" for one in mock.violations), end="", flush=True)
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mocks.x", description="An X to try the desk with.")
    parser.add_argument("--port", type=int, default=8099, help="0: any free one")
    parser.add_argument("--lag", type=int, default=0, help="seconds until the timeline shows a post")
    parser.add_argument(
        "--replies", choices=("open", "summoned"), default="open", help="summoned: only where mentioned"
    )
    parser.add_argument("--names", choices=("old", "new"), default="old", help="the generation of names in answers")
    parser.add_argument("--posts", type=int, default=100, help="posts that are allowed in 15 minutes")
    parser.add_argument("--credits", type=float, help="US dollars to spend; without it there is no end of them")
    parser.add_argument(
        "--account", action="append", default=[], help="one more account to sign in with in the browser"
    )
    return parser.parse_args(arguments)


def _tell(mock: MockX, post: Post) -> None:
    author = mock.accounts.by_id(post.author)
    related = [("in answer to", post.reply_to), ("quoting", post.quotes)]
    more = "".join(f", {words} {other}" for words, other in related if other)
    print(f"\n@{author.username if author else '?'} posted {post.id}{more}:", flush=True)
    print("\n".join("    " + line for line in _plain(post.text).splitlines()), flush=True)
    for media_id in post.media_ids:
        print(
            f"    [{mock.ledger.uploads[media_id].category}: {_plain(mock.ledger.alt.get(media_id, 'no text'))}]",
            flush=True,
        )


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


if __name__ == "__main__":
    sys.exit(main())
