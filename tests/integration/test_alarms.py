"""What fails, is held or stands still reaches people by mail: once, grouped, whatever the mail server does meanwhile."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from channels.errors import RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from scheduler.delivery import acts
from scheduler.desk import alarm_words, approve, digest_words
from scheduler.desk.alarms import Alarms, Trouble
from scheduler.desk.mailer import Mailer, message_id
from scheduler.store import audit, pauses
from scheduler.workspace import Workspace, load
from tests.mocks.postbox import Postbox, Received, postbox
from tests.mocks.stage import Crash, Stage
from tests.mocks.stand import Hands, Stand
from tests.mocks.typist import Typist

ROOT = Path(__file__).parents[2]
EDITOR, LEAD = "toimitus@example.org", "paallikko@example.org"
TEAM = f"""
[authors.maija]
name = "Maija Rantakari"
email = "maija@example.org"
language = "fi"
[authors.tuomas]
name = "Tuomas Vihersaari"
email = "tuomas@example.org"
language = "en"
[authors.elias]
name = "Elias Holmgård"
email = "{EDITOR}"
role = "Managing EDITOR"
language = "sv"
"""


class Office(Stand):
    """A stand with a team, a mail server and alarms; its ticks go with the clock."""

    more = ""

    def configure(self, **changes: str) -> None:
        super().configure(**changes)
        with (self.root / "config/julki.toml").open("a", encoding="utf-8") as file:
            file.write("\n" + self.more)
        (self.root / "config/team.toml").write_text(TEAM, "utf-8")

    def open(self, box: Postbox, *, to: Sequence[str] = (), patience: float = 5) -> Office:
        """Alarms that leave by that server, and that have had their first look."""
        self.prepare(box, to, patience).alarms.work([])
        return self

    def prepare(self, box: Postbox, to: Sequence[str] = (), patience: float = 5) -> Office:
        receivers = ", ".join(f'"{one}"' for one in to)
        mail = f'[mail]\nsandbox = false\nsmtp_url = "{box.url}"\nfrom = "Julki <desk@example.org>"\n'
        self.more = f"{mail}[alarms]\nto = [{receivers}]\n"
        self.configure(**self.config)
        self.patience = patience
        return self.again()

    def again(self) -> Office:
        """A new process."""
        self.restart()
        workspace = self.desk.workspace
        mailer = Mailer(workspace, self.clock, self.patience)
        self.alarms = Alarms(workspace, self.desk.store, mailer, self.clock, lambda: self.clock.now.timestamp())
        return self

    def wait(self, seconds: float, *troubles: Trouble) -> None:
        """The time passes, with a look every five seconds."""
        for _ in range(int(seconds // 5)):
            self.clock.go(seconds=5)
            self.alarms.work(troubles)

    def fail(self, *names: str) -> None:
        post: Any = self.channels["post"]
        post.next(Rejected("The text is refused.", hint="Write another one."), times=len(names))
        for name in names:
            self.put(name, name.title())
        self.run()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = Hands()
    office = Office(tmp_path / "ws", clock, Stage("post", clock))
    yield office
    office.close()


@pytest.fixture
def box() -> Iterator[Postbox]:
    with postbox() as box:
        yield box


def subject(one: Received) -> str:
    return str(one.mail["Subject"])


class Words(HTMLParser):
    """What a reader sees; the tags must close as they opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.seen.append(data)


def test_a_burst_is_one_mail_grouped_and_counted(office: Office, box: Postbox) -> None:
    office.open(box)
    for number in range(25):
        office.put(f"late-{number:02}", f"Late {number:02}", at=office.clock.now.replace(hour=2))
    post: Any = office.channels["post"]
    post.next(Rejected("The text is refused.", hint="Write another one."))
    office.put("wild", "'News & <b>more</b>'")
    office.run()
    office.wait(120)
    [one] = box.to(EDITOR)
    assert len(box.ledger) == 1
    assert subject(one) == "[Julki] 25 stoppade, 1 misslyckades: Late 00 …"
    assert one.text.index("post: stoppat, för sent (25)") < one.text.index("post: misslyckades, kanalen vägrade (1)")
    assert [name in one.text for name in ("Late 00", "Late 19", "Late 20")] == [True, True, False]
    assert "och 5 till: julki queue --state held" in one.text
    row = office.row("late-00", "post")
    assert f"fi/late-00 · skulle ut 30 november 2026 04:00\n  {row.error}" in one.text
    assert f"julki retry {row.id}" in row.error
    assert "The text is refused. Write another one." in one.text
    assert "Europe/Helsinki" in one.text
    seen = " ".join(" ".join(Words(one.html).seen).split())
    assert "News & <b>more</b>" in seen
    assert row.error in seen
    assert "och 5 till: julki queue --state held" in seen
    assert one.mail["Auto-Submitted"] == "auto-generated"
    assert one.mail["Content-Language"] == "sv"
    assert box.senders == ["desk@example.org"]
    office.wait(1800)
    assert len(box.ledger) == 1


def test_what_is_settled_meanwhile_is_left_out(office: Office, box: Postbox) -> None:
    office.open(box)
    office.fail("a", "b", "c")
    acts.skip(office.desk.store, office.row("a", "post").id, office.maija)
    office.retry("b", "post")
    office.work()
    office.wait(120)
    [one] = box.ledger
    assert subject(one) == "[Julki] 1 misslyckades: C"
    assert "fi/a" not in one.text
    assert "fi/b" not in one.text


def test_where_nothing_is_left_to_do_no_mail_is_sent(office: Office, box: Postbox) -> None:
    office.open(box)
    office.fail("a")
    acts.skip(office.desk.store, office.row("a", "post").id, office.maija)
    office.wait(1200)
    assert box.tries == 0


def test_what_people_do_themselves_is_no_alarm(office: Office, box: Postbox) -> None:
    office.open(box)
    office.put("a", at=office.clock.now.replace(hour=20))
    office.look()
    acts.hold(office.desk.store, office.row("a", "post").id, office.maija)
    acts.pause(office.desk.store, "all", "", "a crisis", office.maija)
    office.wait(1200)
    assert box.tries == 0


def test_what_follows_within_ten_minutes_is_collected(office: Office, box: Postbox) -> None:
    office.open(box)
    office.fail("a")
    office.wait(90)
    assert len(box.ledger) == 1
    office.fail("b")
    office.wait(120)
    office.fail("c")
    office.wait(300)
    assert len(box.ledger) == 1
    office.wait(300)
    assert [subject(one) for one in box.ledger] == ["[Julki] 1 misslyckades: A", "[Julki] 2 misslyckades: B …"]


def test_what_never_becomes_quiet_is_told_all_the_same(office: Office, box: Postbox) -> None:
    office.open(box)
    for number in range(20):
        office.fail(f"p{number}")
        office.wait(30)
        if box.ledger:
            break
    assert 8 <= number <= 12
    assert "misslyckades" in subject(box.ledger[0])


def test_a_failure_that_comes_back_is_told_again(office: Office, box: Postbox) -> None:
    office.open(box)
    office.fail("a")
    office.wait(900)
    post: Any = office.channels["post"]
    post.next(Rejected("Still no."))
    office.retry("a", "post")
    office.work()
    office.wait(900)
    assert ["Still no." in one.text for one in box.ledger] == [False, True]


# the mail server


def test_a_server_that_is_down_loses_nothing_and_is_logged_once(office: Office) -> None:
    with postbox() as box:
        office.open(box)
        port = box.port
    with capture_logs() as logs:
        office.fail("a")
        office.wait(900)
        office.fail("b")
        office.again()
        office.wait(1800)
    told = [one for one in logs if "alarms can't be sent" in one["event"]]
    assert len(told) == 2, "once a process"
    assert "can't be reached" in told[0]["error"]
    assert "Correct smtp_url" in told[0]["error"]
    with postbox(port) as box:
        office.wait(900)
        assert [subject(one) for one in box.ledger] == ["[Julki] 2 misslyckades: A …"]
        office.wait(1800)
        assert len(box.ledger) == 1


def test_doctor_says_who_is_told_and_what_waits(office: Office) -> None:
    def doctor() -> str:
        return " ".join(Typist(office.root).types("doctor").stdout.split())

    with postbox() as box:
        office.open(box)
        assert f"What fails or is held is told to {EDITOR}." in doctor()
    office.fail("a")
    office.wait(120)
    told = doctor()
    assert "They have been waiting since 2026-11-30 09:01 (Europe/Helsinki)" in told
    assert "Correct smtp_url" in told
    with postbox(box.port):
        office.wait(900)
    assert "waiting" not in doctor()
    (office.root / "config/team.toml").unlink()
    assert "Nobody is told by mail" in doctor()


@pytest.mark.parametrize("fault", ["cut after", "hang"])
def test_a_mail_whose_reply_was_lost_is_repeated_under_its_own_id(office: Office, box: Postbox, fault: Any) -> None:
    office.open(box, patience=0.3)
    office.fail("a")
    box.fault = fault
    office.wait(65)
    assert box.tries == 1
    office.fail("b")
    office.wait(120)
    box.fault = ""
    office.wait(1800)
    keys = [one.key for one in box.ledger]
    repeated = 2 if fault == "cut after" else 1
    assert keys.count(keys[0]) >= repeated
    last = box.ledger[-1]
    assert last.key != keys[0]
    assert "fi/b" in last.text
    assert "fi/a" not in last.text
    assert len(set(keys)) == 2


def test_a_crash_after_the_server_took_it_repeats_that_mail_and_not_another(office: Office, box: Postbox) -> None:
    office.open(box)
    office.fail("a")
    office.wait(55)
    office.fuse.at, office.fuse.steps = 3, 0  # the acts are written down, the mail is out; that it is told is lost
    office.clock.go(seconds=10)
    with pytest.raises(Crash):
        office.alarms.work([])
    assert len(box.ledger) == 1
    office.again()
    office.fail("b")
    office.wait(1800)
    assert [one.key == box.ledger[0].key for one in box.ledger] == [True, True, False]
    assert "fi/a" not in box.ledger[2].text


def test_a_crash_before_loses_nothing(office: Office, box: Postbox) -> None:
    office.open(box)
    office.fail("a")
    office.wait(55)
    office.fuse.at, office.fuse.steps = 1, 0
    office.clock.go(seconds=10)
    with pytest.raises(Crash):
        office.alarms.work([])
    office.again()
    office.wait(120)
    assert [subject(one) for one in box.ledger] == ["[Julki] 1 misslyckades: A"]


def test_one_receiver_that_is_refused_blocks_nobody(office: Office, box: Postbox) -> None:
    box.receivers = {"gone@example.org": "never", "slow@example.org": "later"}
    office.open(box, to=["gone@example.org", "slow@example.org", LEAD])
    with capture_logs() as logs:
        office.fail("a")
        office.wait(300)
        assert len(box.to(LEAD)) == 1
        assert [one["receiver"] for one in logs if "is not sent again" in one["event"]] == ["gone@example.org"]
    box.receivers = {}
    office.wait(900)
    assert [len(box.to(one)) for one in ("gone@example.org", "slow@example.org", LEAD)] == [0, 1, 1]


def test_a_desk_that_never_told_anybody_begins_now(office: Office, box: Postbox) -> None:
    office.fail("a")
    office.open(box)
    office.wait(900)
    assert box.tries == 0
    office.again()
    office.fail("b")
    office.wait(900)
    assert [subject(one) for one in box.ledger] == ["[Julki] 1 misslyckades: B"]


def test_a_first_start_misses_nothing_of_its_own_first_seconds(office: Office, box: Postbox) -> None:
    office.fail("a")
    office.prepare(box)
    office.fail("b")
    office.wait(120)
    assert [subject(one) for one in box.ledger] == ["[Julki] 1 misslyckades: B"]


def test_what_happened_while_the_desk_was_down_is_told_after_the_start(office: Office, box: Postbox) -> None:
    office.open(box)
    office.fail("a")
    office.again()
    office.wait(120)
    assert [subject(one) for one in box.ledger] == ["[Julki] 1 misslyckades: A"]


# to whom


def test_those_in_the_settings_are_told_each_in_their_language(office: Office, box: Postbox) -> None:
    office.open(box, to=["maija@example.org", "TUOMAS@example.org", LEAD])
    office.fail("a")
    office.wait(120)
    assert {one.to: subject(one) for one in box.ledger} == {
        "maija@example.org": "[Julki] 1 epäonnistui: A",
        "TUOMAS@example.org": "[Julki] 1 failed: A",
        LEAD: "[Julki] 1 epäonnistui: A",
    }
    assert len({one.key for one in box.ledger}) == 3


def test_nobody_to_tell_is_logged_and_costs_nothing(office: Office, box: Postbox) -> None:
    with capture_logs() as logs:
        (office.root / "config/team.toml").unlink()
        office.open(box)
        (office.root / "config/team.toml").unlink()
        office.again()
        office.fail("a")
        office.wait(300)
    assert sum("nobody is told" in one["event"] for one in logs) == 1
    assert box.tries == 0


@pytest.fixture
def four(tmp_path: Path) -> Iterator[Office]:
    """Where nothing goes out without a second pair of eyes."""
    clock = Hands()
    office = Office(tmp_path / "ws", clock, Stage("post", clock), approval="true")
    yield office
    office.close()


def test_a_void_approval_is_told_to_whoever_had_given_it(four: Office, box: Postbox) -> None:
    four.open(box)
    four.put("a", at=four.clock.now.replace(hour=20), more="authors: [maija]")
    four.look()
    approve.approve(four.desk, "fi/a", acts.Person("TUOMAS", four.clock.now))
    four.put("a", body="Other words.", at=four.clock.now.replace(hour=20), more="authors: [maija]")
    four.look()
    assert four.audit()[-1].act == "approval void"
    four.wait(120)
    assert {one.to for one in box.ledger} == {EDITOR, "tuomas@example.org"}
    [told] = box.to("tuomas@example.org")
    assert subject(told) == "[Julki] 1 approval void: a"
    assert "Tuomas Vihersaari approved it" in told.text
    assert "julki approve fi/a" in told.text


def test_an_approval_that_was_given_anew_needs_nobody(four: Office, box: Postbox) -> None:
    four.open(box)
    four.put("a", at=four.clock.now.replace(hour=20))
    four.look()
    approve.approve(four.desk, "fi/a", acts.Person("tuomas", four.clock.now))
    four.put("a", body="Other words.", at=four.clock.now.replace(hour=20))
    four.look()
    approve.approve(four.desk, "fi/a", acts.Person("tuomas", four.clock.now))
    four.wait(120)
    assert box.tries == 0


@pytest.mark.parametrize(("authors", "told"), [("maija", "maija@example.org"), ("Somebody Else", EDITOR)])
def test_a_refusal_is_told_to_the_authors_and_else_to_the_editors(
    four: Office, box: Postbox, authors: str, told: str
) -> None:
    four.open(box)
    four.put("a", at=four.clock.now.replace(hour=20), more=f"authors: [{authors}]")
    four.look()
    approve.refuse(four.desk, "fi/a", acts.Person("Tuomas", four.clock.now), "figures are missing")
    four.wait(120)
    [one] = box.ledger
    assert one.to == told
    assert "Tuomas Vihersaari refused it: figures are missing. Change content/news/a.md" in one.text


# what stands still


def test_credentials_that_do_not_hold_are_told_with_the_pause(office: Office, box: Postbox) -> None:
    office.open(box)
    post: Any = office.channels["post"]
    post.next(Unauthorized("The password is refused."))
    office.put("a")
    office.run()
    office.wait(120)
    [one] = box.ledger
    assert "julki resume --channel post" in one.text
    assert "publiceringen står still" in subject(one)
    assert "inloggningen godtas inte" in one.text


def test_a_channel_that_keeps_failing_is_told_until_it_works(office: Office, box: Postbox) -> None:
    office.open(box)
    post: Any = office.channels["post"]
    post.next(Unavailable("No route."), times=60)
    for number in range(8):
        office.put(f"p{number}")
    office.look()
    for _ in range(6):
        office.work()
        office.clock.go(seconds=40)
        office.alarms.work([])
        if [one for one in office.audit() if one.act == "breaker"]:
            break
    office.wait(120)
    [one] = box.ledger
    assert "publiceringen står still: post" in subject(one)
    assert "No route." in one.text


def test_a_desk_that_starts_paused_is_told(office: Office, box: Postbox) -> None:
    office.open(box)
    reason = "The database is an older copy. Look through: julki queue, then: julki resume"
    with office.desk.store.write() as db:
        pauses.begin(db, "all", "", reason, audit.DESK, office.clock.now)
        audit.write(db, office.clock.now, audit.DESK, "guard", detail=reason)
    office.wait(120)
    [one] = box.ledger
    assert reason in one.text
    assert one.text.count("julki resume") == 1


# troubles that no database knows


STUCK = Trouble("stuck files", "The worker files stands still. Restart the desk.")


def test_a_trouble_is_told_once_for_as_long_as_it_lasts(office: Office, box: Postbox) -> None:
    office.open(box)
    office.wait(3600, STUCK)
    [one] = box.ledger
    assert subject(one) == "[Julki] Julki mår inte bra"
    assert STUCK.text in one.text
    office.wait(300)
    office.wait(300, STUCK)
    assert len(box.ledger) == 1, "it was away for a moment only"
    office.wait(900)
    office.wait(900, STUCK)
    assert len(box.ledger) == 2
    assert box.ledger[0].key != box.ledger[1].key


def test_a_trouble_that_passes_at_once_is_not_told(office: Office, box: Postbox) -> None:
    office.open(box)
    for _ in range(10):
        office.wait(15, STUCK)
        office.wait(660)
    assert box.tries == 0


def test_troubles_and_failures_of_a_minute_are_one_mail(office: Office, box: Postbox) -> None:
    office.open(box)
    office.alarms.work([STUCK])
    office.fail("a")
    office.wait(45, STUCK)
    [one] = box.ledger
    assert STUCK.text in one.text
    assert "fi/a" in one.text
    office.wait(1800, STUCK)
    assert len(box.ledger) == 1


def test_a_trouble_is_told_also_when_the_database_can_be_neither_read_nor_written(office: Office, box: Postbox) -> None:
    class Shut:
        shut = False

        def __init__(self, store: Any) -> None:
            self.store = store

        @contextmanager
        def read(self) -> Iterator[Any]:
            if self.shut:
                raise OperationalError("select", {}, Exception("database disk image is malformed"))
            with self.store.read() as db:
                yield db

        write = read

    office.open(box)
    office.fail("a")
    store: Any = Shut(office.desk.store)
    workspace, clock = office.desk.workspace, office.clock
    office.alarms = Alarms(workspace, store, Mailer(workspace, clock), clock, lambda: clock.now.timestamp())
    office.alarms.work([])
    store.shut = True
    office.wait(300, Trouble("database", "The database can't be read. Restore the last backup."))
    [one] = box.ledger
    assert "Restore the last backup." in one.text
    store.shut, Shut.write = False, lambda self: self.store.write()  # type: ignore[assignment]
    office.wait(900)
    assert "fi/a" in box.ledger[1].text
    assert len(box.ledger) == 2


def test_a_disk_that_is_full_stops_no_mail_and_repeats_none(office: Office, box: Postbox) -> None:
    class Full:
        def __init__(self, store: Any) -> None:
            self.store, self.read = store, store.read

        def write(self) -> Any:
            raise OperationalError("insert", {}, Exception("database or disk is full"))

    office.open(box)
    office.fail("a")
    workspace, clock = office.desk.workspace, office.clock
    full: Any = Full(office.desk.store)
    office.alarms = Alarms(workspace, full, Mailer(workspace, clock), clock, lambda: clock.now.timestamp())
    office.wait(1800)
    assert [subject(one) for one in box.ledger] == ["[Julki] 1 misslyckades: A"]


# the mailer


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return settled(tmp_path, "")


def settled(root: Path, url: str, password: str = "") -> Workspace:
    (root / "config").mkdir(exist_ok=True)
    live = f'sandbox = false\nsmtp_url = "{url}"\nfrom = "Työpöytä <desk@example.org>"\n' if url else ""
    (root / "config/julki.toml").write_text(f'[site]\ntitle = "D9"\n[mail]\n{live}', "utf-8")
    return load(root, {"JULKI_DESK_SMTP_PASSWORD": password})


def send(workspace: Workspace, patience: float = 5, **told: str) -> None:
    parts = {"to": LEAD, "subject": "Öljyä", "text": "Teksti.", "html": "<p>Teksti.</p>", "lang": "fi"}
    key = message_id("alarm", "a", workspace)
    Mailer(workspace, Hands(), patience).send(**{"message_id": key, **parts, **told})


def test_the_sandbox_keeps_each_mail_once(workspace: Workspace) -> None:
    send(workspace)
    send(workspace)
    [path] = (workspace.root / "var/outbox/desk/new").iterdir()
    assert b"Auto-Submitted: auto-generated" in path.read_bytes()
    send(workspace, message_id=message_id("alarm", "b", workspace))
    assert len(list((workspace.root / "var/outbox/desk/new").iterdir())) == 2


def test_a_subject_says_what_it_said_and_injects_nothing(tmp_path: Path, box: Postbox) -> None:
    wild = "Ääkköset öljyssä – Åbo 🎉\r\nBcc: everybody@example.org\r\n\r\n" + "pitkä " * 80
    send(settled(tmp_path, box.url), subject=wild)
    [one] = box.ledger
    assert subject(one).startswith("Ääkköset öljyssä – Åbo 🎉 Bcc: everybody@example.org pitkä")
    assert len(subject(one)) <= 150
    assert one.mail["Bcc"] is None
    assert one.text.strip() == "Teksti."
    assert str(one.mail["From"]) == "Työpöytä <desk@example.org>"


@pytest.mark.parametrize("wild", ["", "x", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b>", "ä@example.org", "a b@c"])
def test_what_is_no_address_is_refused_for_good(tmp_path: Path, box: Postbox, wild: str) -> None:
    with pytest.raises(Rejected, match="no mail address"):
        send(settled(tmp_path, box.url), to=wild)
    assert box.ledger == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("later", RateLimited), ("never", Rejected), ("cut", Uncertain), ("cut after", Uncertain), ("hang", Uncertain)],
)
def test_each_answer_becomes_the_right_error(tmp_path: Path, box: Postbox, fault: Any, kind: type[Exception]) -> None:
    box.fault = fault
    with pytest.raises(kind) as caught:
        send(settled(tmp_path, box.url), patience=0.5)
    assert "mail" in str(caught.value)


def test_a_password_is_checked_and_never_told(tmp_path: Path) -> None:
    with postbox(users={"desk": "right-secret"}) as box:
        url = box.url.replace("//", "//desk@")
        send(settled(tmp_path, url, "right-secret"))
        assert len(box.ledger) == 1
        for password in ("wrong-secret", ""):
            with pytest.raises(Unauthorized, match="password") as caught:
                send(settled(tmp_path, url, password))
            assert "JULKI_DESK_SMTP_PASSWORD" in caught.value.hint
            assert "secret" not in f"{caught.value} {caught.value.hint}"
        with pytest.raises(Unauthorized) as caught:
            send(settled(tmp_path, box.url))
        assert "name to sign in" in caught.value.hint
    assert len(box.ledger) == 1


def test_nothing_is_sent_in_the_clear_to_another_machine(
    tmp_path: Path, box: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *more, **told: real("127.0.0.1", *more, **told))
    with pytest.raises(Unavailable, match="offers no encryption"):
        send(settled(tmp_path, f"smtp://desk@mail.example.org:{box.port}", "the-password"))
    assert box.tries == 0


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For localhost, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate with")
    path = tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "-", "-out", "-"]
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return path


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_certificate_has_to_hold(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch, wrapped: bool
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with postbox(tls=context, wrapped=wrapped) as box:
        url = box.url.replace("smtp:", "smtps:" if wrapped else "smtp:")
        with pytest.raises(Unavailable, match="can't be trusted"):
            send(settled(tmp_path, url))
        assert box.ledger == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        send(settled(tmp_path, url))
        assert len(box.ledger) == 1


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with postbox() as box:
        pass
    with pytest.raises(Unavailable, match=rf"127\.0\.0\.1:{box.port} can't be reached"):
        send(settled(tmp_path, box.url))


def test_a_folder_that_cant_be_written_is_told(workspace: Workspace) -> None:
    (workspace.root / "var").write_text("in the way")
    with pytest.raises(Unavailable, match="can't be written"):
        send(workspace)


# the words


@pytest.mark.parametrize("catalogue", [alarm_words, digest_words])
def test_every_word_is_there_in_every_language(catalogue: Any) -> None:
    said = [catalogue.words(lang) for lang in ("en", "fi", "sv")]
    assert said[0].keys() == said[1].keys() == said[2].keys()
    for key in said[0]:
        holes = [sorted(re.findall(r"\{(\w+)\}", one[key])) for one in said]
        assert holes[0] == holes[1] == holes[2], key
    assert catalogue.words("de") == said[0]


def test_every_reason_has_words(office: Office) -> None:
    text = (ROOT / "docs/states.md").read_text("utf-8").partition("## Why something is held")[2]
    reasons = re.findall(r"^\| `(\w+)`", text, re.M)
    assert len(reasons) > 10
    said = alarm_words.words("en")
    assert [one for one in reasons if alarm_words.reason(said, one) == one] == []
