"""Signing in to X by OAuth 2: the person's way in, renewing ahead of time, and what each answer leads to."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from channels.contract import Channel, Locked
from channels.errors import ChannelError, RateLimited, Rejected, Unauthorized, Unavailable
from channels.message import Message
from channels.samples import CANARY, sample_piece, sample_view
from channels.x.oauth2 import LOST, SCOPES, UNREACHED, Answer, Client, ask, is_spent, refresh, refusal, tokens
from channels.x.tokens import DISUSE, Hidden
from scheduler.desk.callback import fields
from tests.mocks.signing import BACK, MemoryVault, age, held, opened, sign_in, visit
from tests.mocks.x.oauth2 import challenge
from tests.mocks.x.server import MockX

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SOON = timedelta(minutes=20)
"""Still good, and soon over: worth renewing."""
OVER = timedelta(seconds=-1)


@pytest.fixture
def mock() -> Iterator[MockX]:
    with MockX() as found:
        yield found


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


def message(channel: Channel, tmp_path: Path, title: str = "Otsikko") -> Message:
    return channel.render(sample_piece("blog", title=title, image=None), sample_view(tmp_path))[0]


def post(channel: Channel, tmp_path: Path, title: str = "Otsikko") -> str:
    return channel.publish(message(channel, tmp_path, title), title, None).remote_id


def refused(channel: Channel, tmp_path: Path) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        post(channel, tmp_path)
    return caught.value


def renewals(mock: MockX) -> int:
    return len(mock.oauth2.refreshes) - 1


# The way in


@pytest.mark.parametrize("public", [False, True])
def test_who_lets_julki_in_is_named_and_posts(mock: MockX, vault: MemoryVault, tmp_path: Path, *, public: bool) -> None:
    channel, account = opened(mock.url, tmp_path, vault, public=public)
    assert sign_in(account) == "@desk"
    kept = held(vault)
    assert (kept.username, kept.account) == ("desk", mock.accounts.first.id)
    assert set(kept.scopes.split()) == set(SCOPES)
    assert post(channel, tmp_path)
    assert len(mock.ledger.live()) == 1
    assert account.name() == "@desk"
    assert renewals(mock) == 0


def test_the_question_says_what_the_standard_wants(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    _, account = opened(mock.url, tmp_path, vault)
    first, second = account.invite(BACK), account.invite(BACK)
    assert first
    assert second
    asked = {name: value for name, (value,) in parse_qs(urlsplit(first.address).query).items()}
    again = {name: value for name, (value,) in parse_qs(urlsplit(second.address).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == BACK
    assert asked["scope"] == "tweet.read tweet.write users.read media.write offline.access"
    assert min(len(asked["state"]), len(asked["code_challenge"])) == 43
    assert asked["state"] != again["state"]
    assert asked["code_challenge"] != again["code_challenge"]
    assert CANARY + "-client_secret" not in first.address


def test_the_challenge_is_the_one_of_the_standard() -> None:
    from channels.x.oauth2 import Proof

    proof = Proof(verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert proof.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
    assert challenge(proof.verifier) == proof.challenge


def test_a_refusal_of_the_person_is_told_plainly(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    mock.consent = "deny"
    _, account = opened(mock.url, tmp_path, vault)
    with pytest.raises(Rejected, match="was told not to let Julki in"):
        sign_in(account)
    assert not vault.writes


@pytest.mark.parametrize("state", ["", "another", "ä" * 43])
def test_an_answer_to_another_question_is_not_taken(
    mock: MockX, vault: MemoryVault, tmp_path: Path, state: str
) -> None:
    _, account = opened(mock.url, tmp_path, vault)
    invitation = account.invite(BACK)
    assert invitation
    answer = fields(visit(invitation.address))
    with pytest.raises(Rejected, match="not the answer"):
        invitation.accept({**answer, "state": state})
    assert not mock.oauth2.tokens
    assert not vault.writes


@pytest.mark.parametrize("odd", [{"code": ""}, {"code": "a b"}, {"code": "c" * 3000}, {"error": "<script>"}])
def test_an_answer_without_a_code_is_told_plainly(
    mock: MockX, vault: MemoryVault, tmp_path: Path, odd: dict[str, str]
) -> None:
    _, account = opened(mock.url, tmp_path, vault)
    invitation = account.invite(BACK)
    assert invitation
    answer = {**fields(visit(invitation.address)), **odd}
    with pytest.raises(Rejected, match="did not let Julki in") as caught:
        invitation.accept(answer)
    assert "script" not in str(caught.value)
    assert not mock.oauth2.tokens


@pytest.mark.parametrize("refusal_", ["invalid_grant", "invalid_request"])
def test_an_old_code_is_told_plainly(mock: MockX, vault: MemoryVault, tmp_path: Path, refusal_: str) -> None:
    mock.oauth2.refusal = refusal_
    _, account = opened(mock.url, tmp_path, vault)
    invitation = account.invite(BACK)
    assert invitation
    answer = fields(visit(invitation.address))
    mock.now = lambda: datetime.now(UTC) + timedelta(seconds=31)
    with pytest.raises(Rejected, match="half a minute") as caught:
        invitation.accept(answer)
    assert caught.value.hint == "Begin again: julki connect x"


def test_a_wrong_secret_of_the_app_is_told_plainly(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    secrets = {"client_id": f"{CANARY}-client_id", "client_secret": "wrong"}
    _, account = opened(mock.url, tmp_path, vault, secrets=secrets)
    with pytest.raises(Rejected, match="does not know the app") as caught:
        sign_in(account)
    assert "JULKI_X_CLIENT_SECRET" in caught.value.hint


def test_what_x_gives_too_little_right_is_not_kept(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    _, account = opened(mock.url, tmp_path, vault)
    invitation = account.invite(BACK)
    assert invitation
    less = invitation.address.replace("tweet.write%20", "")
    assert less != invitation.address
    with pytest.raises(Rejected, match=r"tweet\.write is missing"):
        invitation.accept(fields(visit(less)))
    assert not vault.writes


def test_the_tokens_are_kept_also_where_x_does_not_say_whose_they_are(
    mock: MockX, vault: MemoryVault, tmp_path: Path
) -> None:
    mock.fail("me", (503, {}, [{"message": "over capacity"}]))
    channel, account = opened(mock.url, tmp_path, vault)
    assert "did not name" in sign_in(account)
    assert held(vault).username == ""
    assert post(channel, tmp_path)


def test_signing_in_again_is_heard_at_once(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    assert "julki connect x" in refused(channel, tmp_path).hint
    sign_in(account)
    assert post(channel, tmp_path)


@pytest.mark.parametrize("secrets", [{}, {"client_secret": "s3cret"}])
def test_without_the_apps_name_nothing_goes_out_and_the_variable_is_named(
    mock: MockX, vault: MemoryVault, tmp_path: Path, secrets: dict[str, str]
) -> None:
    channel, account = opened(mock.url, tmp_path, vault, secrets=secrets)
    error = refused(channel, tmp_path)
    assert isinstance(error, Unauthorized)
    assert "JULKI_X_CLIENT_ID" in str(error)
    assert "JULKI_X_CLIENT_ID" in account.standing(NOW).trouble
    with pytest.raises(Unauthorized, match="JULKI_X_CLIENT_ID"):
        account.invite(BACK)


def test_without_a_vault_pieces_can_be_looked_at_and_nothing_goes_out(mock: MockX, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, None)
    assert isinstance(refused(channel, tmp_path), Unauthorized)
    assert channel.check(sample_piece(), sample_view(tmp_path)) == []
    with pytest.raises(Unavailable):
        account.invite(BACK)


# Renewing


def renewed_beside() -> None:
    """While the old token serves, nobody waits for the new one."""
    for thread in threading.enumerate():
        if thread.name.endswith("signing in"):
            thread.join(30)


def test_a_token_is_renewed_before_it_ends(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    before = age(vault, SOON)
    assert post(channel, tmp_path, "yksi")
    renewed_beside()
    after = held(vault)
    assert renewals(mock) == 1
    assert (after.access, after.refresh) == (mock.oauth2.issued[-2], mock.oauth2.issued[-1])
    assert after.renewed_at > before.renewed_at
    assert after.connected_at == before.connected_at
    assert after.username == "desk"
    assert after.pending is None
    assert post(channel, tmp_path, "kaksi")
    assert renewals(mock) == 1


def test_nothing_of_a_renewal_is_left_on_the_disk(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    age(vault, OVER)
    post(channel, tmp_path)
    assert [path.name for path in (tmp_path / "var" / "sign-in").iterdir()] == ["x.lock"]
    assert (tmp_path / "var" / "sign-in").stat().st_mode & 0o077 == 0


def test_the_new_tokens_are_stored_before_the_first_use(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    age(vault, OVER)
    stored: list[bool] = []
    mock.on_ask = lambda _: bool(stored.append(held(vault).refresh == mock.oauth2.issued[-1]) or True)
    post(channel, tmp_path)
    assert stored == [True]


def test_many_at_once_renew_once(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channels = [opened(mock.url, tmp_path, vault)[0] for _ in range(6)]
    sign_in(opened(mock.url, tmp_path, vault)[1])
    age(vault, OVER)
    start = threading.Barrier(len(channels))

    def work(number: int) -> str:
        start.wait(10)
        return post(channels[number], tmp_path, f"juttu {number}")

    with ThreadPoolExecutor(len(channels)) as pool:
        assert len(set(pool.map(work, range(len(channels))))) == len(channels)
    assert renewals(mock) == 1


Fault = Any
_REFUSALS: dict[str, tuple[Fault, type[ChannelError]]] = {
    "503": ((503, {}, [{"message": "over capacity"}]), Unavailable),
    "html": ("html", Unavailable),
    "html that refuses": ((400, {"Content-Type": "text/html"}, "<html>No</html>"), Unavailable),
    "an odd 400": ((400, {}, {"error": "invalid_request", "error_description": "Missing parameter"}), Unavailable),
    "302": ((302, {"Location": "https://example.org/"}, ""), Unavailable),
    "cut": ("cut", Unavailable),
    "429": ((429, {"retry-after": "90"}, {"title": "Too Many Requests"}), RateLimited),
    "gone": ((400, {}, {"error": "invalid_grant"}), Unauthorized),
    "gone, as X says it": (
        (400, {}, {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}),
        Unauthorized,
    ),
    "the app": ((401, {}, {"error": "unauthorized_client"}), Unauthorized),
    "a client": ((400, {}, {"error": "invalid_client"}), Unauthorized),
}


@pytest.mark.parametrize("name", _REFUSALS)
def test_a_renewal_that_fails_is_what_its_answer_says(
    mock: MockX, vault: MemoryVault, tmp_path: Path, name: str
) -> None:
    fault, kind = _REFUSALS[name]
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    age(vault, OVER)
    mock.fail_token(fault)
    error = refused(channel, tmp_path)
    assert type(error) is kind
    if isinstance(error, RateLimited):
        assert error.retry_after == timedelta(seconds=90)
    assert not mock.ledger.live()
    # What X refused for a while, or for the app's sake, is good again afterwards; only a spent token is not.
    if name.startswith("gone"):
        assert "julki connect x" in refused(channel, tmp_path).hint
        assert renewals(mock) == 0
    else:
        assert post(channel, tmp_path)


@pytest.mark.parametrize("name", _REFUSALS)
def test_ahead_of_time_no_failure_keeps_anything_back(
    mock: MockX, vault: MemoryVault, tmp_path: Path, name: str
) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    age(vault, SOON)
    mock.fail_token(_REFUSALS[name][0])
    assert post(channel, tmp_path, "yksi")
    assert post(channel, tmp_path, "kaksi")
    assert renewals(mock) == 0


def test_an_answer_that_was_lost_is_asked_for_again(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    """X may not have seen the request; where it has, the old token serves until it ends."""
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    age(vault, SOON)
    mock.fail_token("accepted-then-cut")
    assert post(channel, tmp_path, "yksi")
    renewed_beside()
    age(vault, SOON)
    fresh, _ = opened(mock.url, tmp_path, vault)
    assert post(fresh, tmp_path, "kaksi")
    renewed_beside()
    standing = account.standing(datetime.now(UTC))
    assert "julki connect x" in standing.trouble
    assert standing.lapses_at == held(vault).ends_at
    age(vault, OVER)
    error = refused(fresh, tmp_path)
    assert isinstance(error, Unauthorized)
    assert "julki connect x" in error.hint
    sign_in(account)
    assert post(fresh, tmp_path, "kolme")


def test_what_nobody_heard_of_is_good_for_another_try(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    age(vault, OVER)
    mock.fail_token("cut")
    assert isinstance(refused(channel, tmp_path), Unavailable)
    assert post(channel, tmp_path)


def test_a_vault_that_takes_nothing_costs_no_token(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    """Neither before X is asked, nor after: what it gave waits on the disk until it can be kept."""
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    age(vault, OVER)
    vault.failures = [Unavailable("the disk is full")]
    assert str(refused(channel, tmp_path)) == "the disk is full"
    assert renewals(mock) == 0
    mock.on_token = lambda: vault.failures.append(Unavailable("the disk is full"))
    assert str(refused(channel, tmp_path)) == "the disk is full"
    assert renewals(mock) == 1
    mock.on_token = lambda: None
    assert post(channel, tmp_path)
    assert renewals(mock) == 1


def test_a_token_that_was_refused_before_its_time_is_renewed_and_the_post_tried_again(
    mock: MockX, vault: MemoryVault, tmp_path: Path
) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    mock.oauth2.expire()
    assert isinstance(refused(channel, tmp_path), Unavailable)
    assert post(channel, tmp_path)
    assert renewals(mock) == 1
    mock.oauth2.expire()
    assert isinstance(refused(channel, tmp_path), Unavailable)


def test_where_its_successor_is_refused_too_a_person_must_look(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    mock.oauth2.expire()
    refused(channel, tmp_path)
    mock.fail_next((401, {}, {"title": "Unauthorized", "detail": "Unauthorized"}))
    error = refused(channel, tmp_path)
    assert isinstance(error, Unauthorized)
    assert "julki connect x" in error.hint
    assert renewals(mock) == 1


def test_who_took_the_right_back_is_told_to_sign_in_again(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    for grant, _ in mock.oauth2.tokens.values():
        grant.revoked = True
    assert isinstance(refused(channel, tmp_path), Unavailable)
    error = refused(channel, tmp_path)
    assert isinstance(error, Unauthorized)
    assert "julki connect x" in error.hint


def test_no_credits_and_a_forbidden_post_leave_the_sign_in_alone(
    mock: MockX, vault: MemoryVault, tmp_path: Path
) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    before = vault.writes[-1]
    mock.fail_next((402, {}, {"title": "Payment Required", "detail": "No credits"}))
    assert isinstance(refused(channel, tmp_path), Unauthorized)
    mock.fail_next((403, {}, {"title": "Forbidden", "detail": "You are not permitted to perform this action."}))
    assert isinstance(refused(channel, tmp_path), Unauthorized)
    mock.fail_next((403, {}, {"title": "Forbidden", "detail": "The post is about something that is not allowed."}))
    assert isinstance(refused(channel, tmp_path), Rejected)
    assert vault.writes[-1] == before


def test_a_key_that_is_gone_holds_the_post_and_says_the_remedy(
    mock: MockX, vault: MemoryVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)

    def locked(_channel: str) -> None:
        raise Locked("The key is gone: julki connect x")

    monkeypatch.setattr(vault, "read", locked)
    error = refused(channel, tmp_path)
    assert isinstance(error, Unauthorized)
    assert "julki connect x" in str(error)
    assert account.standing(NOW).trouble == "The key is gone: julki connect x"


def test_what_another_version_stored_is_told_plainly(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, _ = opened(mock.url, tmp_path, vault)
    vault.write("x", {"access": "something else"})
    assert "another version" in str(refused(channel, tmp_path))


# Standing


def test_the_standing_tells_when_it_lapses(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    _, account = opened(mock.url, tmp_path, vault)
    assert "julki connect x" in account.standing(NOW).trouble
    sign_in(account)
    kept, standing = held(vault), account.standing(datetime.now(UTC))
    assert (standing.name, standing.trouble) == ("@desk", "")
    assert standing.lapses_at == kept.renewed_at + DISUSE
    assert account.standing(kept.lapses_at).trouble


# Answers


def good(**changes: Any) -> Answer:
    body = {"access_token": "a", "refresh_token": "r", "expires_in": 7200, "scope": "tweet.read"}
    return Answer(200, NOW, Hidden({**body, **changes}))


def test_times_count_from_the_question() -> None:
    found = tokens(good())
    assert found.ends_at == NOW + timedelta(hours=2)
    assert found.lapses_at == NOW + DISUSE
    assert tokens(good(refresh_token_expires_in=864000)).lapses_at == NOW + timedelta(days=10)


def test_an_answer_without_a_new_refresh_token_keeps_the_old_one() -> None:
    before = tokens(good())
    after = tokens(Answer(200, NOW + timedelta(hours=1), Hidden(access_token="b", token_type="bearer")), before)
    assert (after.access, after.refresh, after.scopes) == ("b", "r", "tweet.read")


def test_without_any_refresh_token_it_lapses_with_the_access_token() -> None:
    found = tokens(good(refresh_token=None))
    assert found.lapses_at == found.ends_at
    assert found.lasts_no_longer


@pytest.mark.parametrize("value", ["7200", -1, 0, 10**12, True, None, 1.5])
def test_odd_lifetimes_are_two_hours_or_less(value: object) -> None:
    assert tokens(good(expires_in=value)).ends_at <= NOW + timedelta(hours=2)


@pytest.mark.parametrize("status", [UNREACHED, LOST, 200, 201, 302, 403, 404, 408, 425, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [{}, {"errors": [{"message": "x"}]}, {"access_token": 7}])
def test_what_makes_no_sense_is_never_a_question_of_credentials(status: int, body: dict[str, Any]) -> None:
    answer = Answer(status, NOW, Hidden(body))
    assert type(refusal(answer)) is Unavailable
    assert not is_spent(answer)


def test_an_endpoint_that_is_not_there_is_an_answer_too() -> None:
    answer = ask("http://127.0.0.1:9", Client("name"), refresh(Client("name"), "token"), 2.0)
    assert answer.status == UNREACHED


def test_nothing_of_it_shows_itself(vault: MemoryVault, mock: MockX, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    post(channel, tmp_path)
    kept = held(vault)
    shown = repr([kept, kept.record(), good(), good().record(), Client("id", "s3cret"), account.invite(BACK)])
    shown += repr([vars(channel), vars(account)])
    for secret in (kept.access, kept.refresh, "s3cret", f"{CANARY}-client_secret"):
        assert secret not in shown


def test_two_that_were_refused_with_one_token_are_renewed_once(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    tokens = held(vault)
    wallets = [wallet_of(opened(mock.url, tmp_path, vault)[0]) for _ in range(2)]
    errors = [one.refused(tokens, "X answered 401.") for one in wallets]
    assert [type(error) for error in errors] == [Unavailable, Unavailable]
    assert post(channel, tmp_path, "yksi")


def test_a_password_of_netrc_takes_no_tokens_place(
    mock: MockX, vault: MemoryVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login bob password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    channel, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    assert post(channel, tmp_path, "yksi")


def wallet_of(channel: Any) -> Any:
    return channel._remote._access._wallet


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_signs_in_with_belongs_to_the_desk(mock: MockX, vault: MemoryVault, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(exist_ok=True)
    os.chown(tmp_path / "var", 65534, 65534)
    _, account = opened(mock.url, tmp_path, vault)
    sign_in(account)
    folder = tmp_path / "var" / "sign-in"
    assert {path.stat().st_uid for path in (folder, *folder.iterdir())} == {65534}
