"""The page on which a person lets the desk post for an account."""

from __future__ import annotations

import html
from urllib.parse import urlencode, urlsplit

from tests.mocks.x.exchange import Call, Reply
from tests.mocks.x.oauth2 import SCOPES, Grant
from tests.mocks.x.world import World

_ASKED = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Let an app post for you: mock X</title>
<meta name="viewport" content="width=device-width"><style>{style}</style></head>
<body><main>
<h1>{client} wants to use an account of the mock X</h1>
<p>This is not the real X: nothing leaves this computer. The app asks for:</p>
<ul>{scopes}</ul>
<form method="post" action="{action}">
{hidden}
<p><label for="account">Account</label> <select id="account" name="account">{accounts}</select></p>
<p><button name="decision" value="grant">Allow</button> <button name="decision" value="deny">Refuse</button></p>
</form>
</main></body></html>
"""
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:40rem;padding:1rem;color:#1a1a1a;background:#fff}"
    "button,select{font:inherit;padding:.4rem .8rem}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#111}a{color:#8cf}}"
)


def authorize(world: World, call: Call) -> Reply:
    """`GET /i/oauth2/authorize`: the page, or what `consent` says that the person does; `POST`: what they pressed."""
    asked = call.form if call.method == "POST" else call.query
    wrong = _wrong(world, asked)
    if wrong:
        world.note(*(f"{call.method} {call.path}: {one}" for one in wrong))
        text = "".join(f"<li>{html.escape(one)}</li>" for one in wrong)
        return _page(400, f"<!doctype html><title>Something is wrong</title><h1>Something is wrong</h1><ul>{text}</ul>")
    decision = asked.get("decision") or world.consent
    if decision == "ask":
        return _page(200, _question(world, asked, call.path))
    return _back(world, asked, granted=decision == "grant")


def _wrong(world: World, asked: dict[str, str]) -> list[str]:
    found = [f"{name} is missing" for name in _ASKED if not asked.get(name)]
    if asked.get("response_type", "code") != "code":
        found.append("response_type must be code")
    if asked.get("code_challenge_method", "S256") != "S256":
        found.append("code_challenge_method must be S256")
    if asked.get("client_id") and not world.oauth2.knows(asked["client_id"]):
        found.append("the client is unknown")
    found += [f"the scope {one} is unknown" for one in asked.get("scope", "").split() if one not in SCOPES]
    target = urlsplit(asked.get("redirect_uri", ""))
    if target.scheme != "https" and target.hostname not in ("127.0.0.1", "localhost"):
        found.append("redirect_uri must be https, or on this computer")
    return found


def _back(world: World, asked: dict[str, str], *, granted: bool) -> Reply:
    """To where the client waits, with a code, or with the refusal."""
    told = {"state": asked["state"]}
    if granted:
        known = {one.username: one for one in world.accounts.everybody}
        account = known.get(asked.get("account", ""), world.accounts.first)
        scopes = frozenset(asked["scope"].split())
        grant = Grant(account, asked["client_id"], scopes, asked["redirect_uri"], asked["code_challenge"])
        told["code"] = world.oauth2.code(grant)
    else:
        told["error"] = "access_denied"
    joint = "&" if urlsplit(asked["redirect_uri"]).query else "?"
    return Reply(302, "", {"Location": asked["redirect_uri"] + joint + urlencode(told)})


def _question(world: World, asked: dict[str, str], action: str) -> str:
    fields = [(name, asked[name]) for name in _ASKED]
    return _PAGE.format(
        style=STYLE,
        client=html.escape(asked["client_id"]),
        scopes="".join(f"<li>{html.escape(one)}</li>" for one in asked["scope"].split()),
        action=html.escape(action),
        hidden="\n".join(f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in fields),
        accounts="".join(f"<option>{html.escape(one.username)}</option>" for one in world.accounts.everybody),
    )


def _page(status: int, text: str) -> Reply:
    return Reply(status, text, {"Content-Type": "text/html; charset=utf-8"})
