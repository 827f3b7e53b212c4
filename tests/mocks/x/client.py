"""A plain client of the mock, for trying the mock itself: signed requests, and nothing of the desk's."""

from __future__ import annotations

import base64
from typing import Any

import requests
from requests_oauthlib import OAuth1

from tests.mocks.x.server import MockX
from tests.mocks.x.signatures import Keys

KEYS = Keys("a-api_key", "a-api_secret", "a-access_token", "a-access_token_secret")
OTHER = Keys("a-api_key", "a-api_secret", "b-access_token", "b-access_token_secret")
"""Another account's, of the same app."""


def signed(keys: Keys = KEYS, **told: Any) -> OAuth1:
    return OAuth1(keys.api_key, keys.api_secret, keys.access_token, keys.access_token_secret, **told)


class Client:
    """Calls the mock with keys, or with an OAuth 2 token."""

    def __init__(self, mock: MockX, keys: Keys = KEYS, token: str = "") -> None:
        self.mock, self.keys, self.token = mock, keys, token

    def __call__(self, method: str, path: str, **told: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        auth = None if self.token else signed(self.keys)
        return requests.request(method, self.mock.url + path, auth=auth, headers=headers, timeout=10, **told)

    def post(self, text: str, **more: Any) -> requests.Response:
        return self("POST", "/2/tweets", json={"text": text, **more})

    def made(self, text: str, **more: Any) -> str:
        """The number of a post that is taken."""
        answer = self.post(text, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    def upload(self, content: bytes, category: str, media_type: str, chunk: int = 2000) -> requests.Response:
        """In pieces; the last answer, or the first that refuses."""
        start = {"media_category": category, "media_type": media_type, "total_bytes": len(content)}
        begun = self("POST", "/2/media/upload/initialize", json=start)
        if begun.status_code != 200:
            return begun
        address = f"/2/media/upload/{begun.json()['data']['id']}"
        for index, at in enumerate(range(0, len(content), chunk)):
            piece = base64.b64encode(content[at : at + chunk]).decode()
            answer = self("POST", f"{address}/append", json={"media": piece, "segment_index": index})
            assert answer.status_code == 200, answer.text
        return self("POST", f"{address}/finalize")


def media(*uploads: requests.Response) -> dict[str, list[str]]:
    """What a post says of its media."""
    return {"media_ids": [one.json()["data"]["id"] for one in uploads]}
