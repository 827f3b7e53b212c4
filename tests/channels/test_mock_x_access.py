"""Who may call the mock X: signatures with keys, and tokens of OAuth 2."""

import time
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.mocks.stand import Hands
from tests.mocks.x.accounts import USER
from tests.mocks.x.client import KEYS, OTHER, Client, signed
from tests.mocks.x.oauth2 import APP_TOKEN, challenge
from tests.mocks.x.server import MockX
from tests.mocks.x.signatures import Keys

VERIFIER = "v" * 43
ALL = "tweet.read tweet.write users.read media.write offline.access"


@pytest.fixture
def x() -> Iterator[MockX]:
    with MockX() as mock:
        yield mock


@pytest.fixture
def client(x: MockX) -> Client:
    return Client(x)


# Who is calling


def test_a_right_signature_is_taken_and_each_wrong_key_is_not(x: MockX) -> None:
    assert Client(x)("GET", "/2/users/me").json()["data"]["id"] == USER
    for name in vars(KEYS):
        if name != "username":
            wrong = Keys(**{**vars(KEYS), name: "wrong"})
            answer = Client(x, wrong)("GET", "/2/users/me")
            assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized"), name


def test_the_signature_covers_the_address(x: MockX) -> None:
    first = requests.Request("GET", f"{x.url}/2/users/me", auth=signed()).prepare()
    with requests.Session() as session:
        assert session.send(first, timeout=10).status_code == 200
        assert session.send(first, timeout=10).status_code == 401, "a signature is good once"
        other = requests.Request("GET", f"{x.url}/2/users/me", auth=signed()).prepare()
        other.url = f"{x.url}/2/users/{USER}/tweets"
        assert session.send(other, timeout=10).status_code == 401


def test_an_old_signature_is_refused(x: MockX) -> None:
    old = signed(timestamp=str(int(time.time()) - 3600))
    assert requests.get(f"{x.url}/2/users/me", auth=old, timeout=10).status_code == 401


def test_without_credentials_nothing_goes(x: MockX) -> None:
    assert requests.post(f"{x.url}/2/tweets", json={"text": "Hei"}, timeout=10).status_code == 401
    assert x.ledger.posts == []


def test_only_given_keys_are_known_where_keys_are_given() -> None:
    mine = Keys("k", "ks", "t", "ts", "ministry")
    with MockX(keys=[mine]) as x:
        assert Client(x)("GET", "/2/users/me").status_code == 401
        assert Client(x, mine)("GET", "/2/users/me").json()["data"]["username"] == "ministry"


def test_each_token_has_its_own_account_and_timeline(x: MockX, client: Client) -> None:
    other = Client(x, OTHER)
    client.made("Hei")
    post = other.made("Hei")
    assert other("GET", f"/2/users/{USER}/tweets").json()["meta"]["result_count"] == 1
    assert client("DELETE", f"/2/tweets/{post}").status_code == 403
    assert [one.author for one in x.ledger.live()] == [USER, str(int(USER) + 1)]


# OAuth 2


def agreed(x: MockX, scope: str = ALL, client_id: str = "a-client_id") -> dict[str, str]:
    """The way of the browser: what comes back in the address."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": "http://127.0.0.1:8022/callback",
        "scope": scope,
        "state": "state-1",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    answer = requests.get(f"{x.url}/i/oauth2/authorize", params=asked, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def tokens(x: MockX, form: dict[str, str], auth: tuple[str, str] | None = None) -> requests.Response:
    return requests.post(f"{x.url}/2/oauth2/token", data=form, auth=auth, timeout=10)


def exchange(x: MockX, fresh: str, /, **changes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": fresh,
        "redirect_uri": "http://127.0.0.1:8022/callback",
        "code_verifier": VERIFIER,
        "client_id": "a-client_id",
    }
    return tokens(x, form | changes)


def refresh(x: MockX, token: str) -> requests.Response:
    return tokens(x, {"grant_type": "refresh_token", "refresh_token": token, "client_id": "a-client_id"})


def test_a_code_becomes_a_token_that_posts(x: MockX) -> None:
    back = agreed(x)
    assert back["state"] == "state-1"
    told = exchange(x, back["code"]).json()
    assert (told["token_type"], told["expires_in"], set(told["scope"].split())) == ("bearer", 7200, set(ALL.split()))
    Client(x, token=told["access_token"]).made("Hei")
    assert x.ledger.live()[0].author == USER
    assert exchange(x, back["code"]).json()["error"] == "invalid_grant", "a code is good once"
    assert x.violations == []


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": "short"},
        {"redirect_uri": "http://127.0.0.1:8023/callback"},
        {"client_id": "b-client_id"},
        {"code": "code-unknown"},
    ],
)
def test_a_code_is_refused_that_does_not_fit(x: MockX, changes: dict[str, str]) -> None:
    answer = exchange(x, agreed(x)["code"], **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_and_a_token_end() -> None:
    clock = Hands()
    with MockX(now=clock, expires_in=60) as x:
        code = agreed(x)["code"]
        clock.now += timedelta(seconds=31)
        assert exchange(x, code).status_code == 400
        client = Client(x, token=exchange(x, agreed(x)["code"]).json()["access_token"])
        assert client("GET", "/2/users/me").status_code == 200
        clock.now += timedelta(seconds=60)
        assert client("GET", "/2/users/me").status_code == 401


def test_a_refresh_token_is_good_once(x: MockX) -> None:
    first = exchange(x, agreed(x)["code"]).json()
    second = refresh(x, first["refresh_token"]).json()
    assert second["access_token"] != first["access_token"]
    again = refresh(x, first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert refresh(x, second["refresh_token"]).status_code == 200
    x.oauth2.grace = timedelta(minutes=1)
    third = exchange(x, agreed(x)["code"]).json()
    assert [refresh(x, third["refresh_token"]).status_code for _ in range(2)] == [200, 200]


def test_a_lost_answer_leaves_the_old_token_dead(x: MockX) -> None:
    first = exchange(x, agreed(x)["code"]).json()
    x.fail_token("accepted-then-503")
    assert refresh(x, first["refresh_token"]).status_code == 503
    assert refresh(x, first["refresh_token"]).status_code == 400
    second = exchange(x, agreed(x)["code"]).json()
    x.fail_token("503")
    assert refresh(x, second["refresh_token"]).status_code == 503
    assert refresh(x, second["refresh_token"]).status_code == 200


def test_without_offline_access_there_is_nothing_to_refresh_with(x: MockX) -> None:
    assert "refresh_token" not in exchange(x, agreed(x, "tweet.read users.read")["code"]).json()


def test_scopes_are_honoured(x: MockX) -> None:
    reader = Client(x, token=exchange(x, agreed(x, "tweet.read users.read")["code"]).json()["access_token"])
    assert reader("GET", "/2/users/me").status_code == 200
    assert reader.post("Hei").status_code == 403
    assert reader("POST", "/2/media/upload/1/finalize").status_code == 403


def test_revoking_ends_all_of_an_agreement(x: MockX) -> None:
    told = exchange(x, agreed(x)["code"]).json()
    form = {"token": told["refresh_token"], "client_id": "a-client_id"}
    assert requests.post(f"{x.url}/2/oauth2/revoke", data=form, timeout=10).json() == {"revoked": True}
    assert Client(x, token=told["access_token"])("GET", "/2/users/me").status_code == 401
    assert refresh(x, told["refresh_token"]).status_code == 400


def test_a_confidential_client_needs_its_secret() -> None:
    with MockX(clients={"desk": "s3cret"}) as x:
        form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "desk"}
        assert tokens(x, form).json()["error"] == "unauthorized_client"
        assert tokens(x, form, ("desk", "wrong")).status_code == 401
        assert tokens(x, form, ("desk", "s3cret")).json()["error"] == "invalid_grant"


def test_a_person_is_asked_and_may_refuse() -> None:
    with MockX(consent="ask") as x:
        x.accounts.named("ministry")
        asked = {
            "response_type": "code",
            "client_id": "a-client_id",
            "redirect_uri": "http://127.0.0.1:1/cb",
            "scope": "tweet.read users.read",
            "state": '"><script>',
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
        }
        address = f"{x.url}/i/oauth2/authorize"
        page = requests.get(address, params=asked, timeout=10).text
        assert "<option>ministry</option>" in page
        assert "<script>" not in page
        pressed = asked | {"decision": "deny"}
        denied = requests.post(address, data=pressed, allow_redirects=False, timeout=10).headers["Location"]
        assert parse_qs(urlsplit(denied).query) == {"state": ['"><script>'], "error": ["access_denied"]}
        pressed = asked | {"decision": "grant", "account": "ministry"}
        granted = requests.post(address, data=pressed, allow_redirects=False, timeout=10).headers["Location"]
        code = parse_qs(urlsplit(granted).query)["code"][0]
        told = exchange(x, code, redirect_uri="http://127.0.0.1:1/cb").json()
        me = Client(x, token=told["access_token"])("GET", "/2/users/me").json()
        assert me["data"]["username"] == "ministry"


def test_a_browser_sent_wrongly_is_told_and_noted(x: MockX) -> None:
    asked = {"response_type": "token", "client_id": "nobody", "redirect_uri": "http://evil.example/"}
    answer = requests.get(f"{x.url}/i/oauth2/authorize", params=asked, allow_redirects=False, timeout=10)
    assert answer.status_code == 400
    found = " ".join(x.violations)
    x.strict = False
    for what in ("scope is missing", "state is missing", "response_type", "client is unknown", "redirect_uri"):
        assert what in found


def test_an_app_alone_may_read_but_not_post(x: MockX, client: Client) -> None:
    post = client.made("Hei")
    app = Client(x, token=APP_TOKEN)
    found = app("GET", "/2/tweets", params={"ids": post, "tweet.fields": "non_public_metrics"}).json()
    assert "data" not in found
    assert app("GET", "/2/tweets", params={"ids": post}).json()["data"][0]["text"] == "Hei"
    assert app.post("Hei taas").status_code == 403
