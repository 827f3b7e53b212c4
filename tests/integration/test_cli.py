"""Beginning and looking: init, new, check, preview, plan, doctor, and what every command shares."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from scheduler import workspace
from scheduler.calendar.finding import Finding
from scheduler.cli.checking import _github
from scheduler.cli.group import hoisted
from scheduler.cli.main import app
from tests.mocks.typist import Typist, typist, wall

MODEL = Path(__file__).parent.parent.parent / "config" / "julki.toml"


@pytest.fixture
def desk(tmp_path: Path) -> Typist:
    return typist(tmp_path / "desk")


def test_init_writes_a_workspace_that_is_fine_and_refuses_to_do_so_twice(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "desk"
    folder.mkdir(parents=True)
    (folder / ".gitignore").write_text("mine\n")
    first = CliRunner().invoke(app, ["init", str(folder)])
    assert first.exit_code == 0
    assert "Kept as it was: .gitignore" in first.stdout
    assert "julki run" in first.stdout
    assert (folder / ".gitignore").read_text() == "mine\n"
    there = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    second = CliRunner().invoke(app, ["init", str(folder)])
    assert second.exit_code == 1
    assert "already" in second.stderr
    assert there == {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    checked = CliRunner().invoke(app, ["check", "--workspace", str(folder)])
    assert (checked.exit_code, checked.stdout) == (0, "1 piece, 0 errors, 0 warnings\n")


def test_init_writes_the_values_of_the_model(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["init", str(tmp_path / "desk")])
    written = tomllib.loads((tmp_path / "desk" / "config" / "julki.toml").read_text("utf-8"))
    model = tomllib.loads(MODEL.read_text("utf-8"))
    model["desk"]["since"] = written["desk"]["since"]
    for kind in model["kinds"].values():
        kind["late"] = "2h"
    assert written == model
    assert workspace.load(tmp_path / "desk", {}).settings.digest is not None


def test_the_commented_examples_of_init_are_settings_when_they_are_brought_in(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["init", str(tmp_path / "desk")])
    for name in ("audiences", "projects", "team"):
        path = tmp_path / "desk" / "config" / f"{name}.toml"
        head, _, example = path.read_text("utf-8").partition("\n\n")
        assert head.startswith("#")
        path.write_text("\n".join(line.removeprefix("#").lstrip() for line in example.splitlines()), "utf-8")
    settings = workspace.load(tmp_path / "desk", {}).settings
    assert settings.authors
    assert settings.audiences
    assert settings.projects["permits"].client in settings.clients


def test_new_makes_a_draft_that_check_passes_and_never_overwrites(desk: Typist) -> None:
    path = desk.types("new", "event", "Kevään Päivä", "--at", "2027-03-01 09:00").stdout.strip()
    assert path == "content/events/kevaan-paiva.md"
    assert "status: draft" in (desk.root / path).read_text("utf-8")
    desk.types("check")
    (desk.root / path).write_text("mine")
    again = desk.types("new", "event", "Kevään Päivä", code=1)
    assert "already there" in again.stderr
    assert (desk.root / path).read_text() == "mine"


@pytest.mark.parametrize(
    "words",
    [
        ("new", "poem", "A title"),
        ("new", "news", "A title", "--lang", "de"),
        ("new", "news", "A title", "--at", "2027-03-28 03:30"),
        ("new", "news", "A title", "--author", "nobody"),
        ("new", "news"),
        ("queue", "--state", "lost"),
        ("plan", "--days", "-1"),
        ("check", "/etc/passwd"),
        ("check", "--format", "xml"),
        ("preview", "content/news/none.md"),
        ("pause", "--channel", "fax"),
        ("pause", "--channel", "x", "--client", "y"),
        ("pause", "--client", "nobody"),
        ("export", "pdf"),
        ("import", "csv", "none.csv"),
        ("retry", "many"),
        ("fly",),
        ("run", "--twice"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_two(desk: Typist, words: tuple[str, ...]) -> None:
    result = desk.types(*words, code=2)
    assert "Error: " in result.stderr
    assert result.stdout == ""


def test_without_a_workspace_a_command_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JULKI_WORKSPACE", raising=False)
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 2
    assert "julki init" in result.stderr


def test_the_workspace_is_found_from_below_by_variable_and_by_option(
    desk: Typist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = CliRunner()
    monkeypatch.chdir(desk.root / "content" / "news")
    assert runner.invoke(app, ["check"]).exit_code == 0
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(app, ["check"]).exit_code == 2
    assert runner.invoke(app, ["check"], env={"JULKI_WORKSPACE": str(desk.root)}).exit_code == 0
    for words in (["--workspace", "desk", "check"], ["check", "--workspace=desk"], ["check", "--workspace", "desk"]):
        assert runner.invoke(app, words, env={"JULKI_WORKSPACE": "/nowhere"}).exit_code == 0


@given(st.lists(st.sampled_from(["check", "a b", "--json", "--", "--workspace=d", "-x"])))
def test_hoisting_loses_and_invents_nothing(words: list[str]) -> None:
    assert sorted(hoisted(words)) == sorted(words)
    kept = [word for word in words if word != "--workspace=d"]
    assert [word for word in hoisted(words) if word != "--workspace=d"] == kept


def test_what_stands_after_two_dashes_is_left_alone() -> None:
    assert hoisted(["new", "--", "--workspace", "x"]) == ["new", "--", "--workspace", "x"]


def test_settings_that_are_wrong_are_told_with_file_and_line(desk: Typist) -> None:
    desk.settles(r"^backlog = .*$", "backlock = 3")
    result = desk.types("check", code=1)
    assert "config/julki.toml:" in result.stderr
    assert "backlock" in result.stderr
    doctor = desk.types("doctor", code=1)
    assert "backlock" in doctor.stdout


def test_version_and_help_tell_what_there_is() -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["--version"]).stdout.startswith("julki ")
    told = runner.invoke(app, ["--help"]).stdout
    for command in app.registered_commands:
        assert f"\n  {command.name} " in told
        help_ = runner.invoke(app, [command.name, "--help"])
        assert help_.exit_code == 0
        assert "--workspace" not in told.split("Begin")[1]


@pytest.mark.parametrize("words", [["--help"], ["new", "--help"]])
def test_nothing_heavy_is_loaded_for_help(words: list[str]) -> None:
    code = (
        "import sys\nfrom scheduler.cli.main import app\n"
        f"try: app({words!r})\nexcept SystemExit: pass\n"
        "print([m for m in ('sqlmodel', 'sqlalchemy', 'fastapi', 'tweepy', 'alembic', 'rich', 'structlog')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_new_piece_is_made_without_the_database(desk: Typist) -> None:
    code = (
        "import sys\nfrom scheduler.cli.main import app\n"
        "try: app(['new', 'news', 'Quick', '--workspace', sys.argv[1]])\nexcept SystemExit: pass\n"
        "print([m for m in ('sqlmodel', 'sqlalchemy', 'fastapi', 'alembic') if m in sys.modules])"
    )
    run = [sys.executable, "-c", code, str(desk.root)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["content/news/quick.md", "[]"]


def test_check_reads_like_a_compiler_and_counts(desk: Typist) -> None:
    desk.writes("news/good.md", publish_at="2027-01-01 09:00")
    desk.writes("news/gap.md", publish_at="2027-03-28 03:30")
    result = desk.types("check", code=1)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("content/news/gap.md:2:13: error publish-at-gap: 2027-03-28 03:30 does not exist")
    assert lines[-1] == "2 pieces, 1 error, 0 warnings"
    assert not (desk.root / "var").exists()


def test_check_of_some_files_knows_all_the_others(desk: Typist) -> None:
    desk.writes("news/first.md", slug="same", publish_at="2027-01-01 09:00")
    desk.writes("news/second.md", slug="same", publish_at="2027-01-02 09:00")
    desk.writes("blog/broken.md", publish_at="soon")
    desk.types("check", desk.root / "content" / "news" / "first.md")
    told = desk.reads("check", "content/news", "--format", "json", code=1)
    assert [(one["file"], one["rule"]) for one in told] == [("content/news/second.md", "duplicate-slug")]
    assert set(told[0]) == {"file", "line", "column", "severity", "rule", "message"}
    assert {one["rule"] for one in desk.reads("check", "--format", "json", code=1)} == {"duplicate-slug", "bad-time"}


def test_check_sums_up_what_stands_in_every_file(desk: Typist) -> None:
    for number in range(30):
        desk.writes(f"news/piece-{number}.md", layout="wide", publish_at="2027-01-01 09:00")
    result = desk.types("check")
    assert result.stdout.count("unknown-key") == 1
    assert "in 30 files" in result.stdout
    assert result.stdout.splitlines()[-1] == "30 pieces, 0 errors, 30 warnings"


def test_check_tells_of_a_content_folder_that_is_not_there(desk: Typist) -> None:
    for file in desk.root.glob("content/*/_example.md"):
        file.unlink()
        file.parent.rmdir()
    (desk.root / "content").rmdir()
    assert "no-content" in desk.types("check", code=1).stdout


def test_check_for_github_escapes_what_has_a_meaning_there() -> None:
    finding = Finding("content/a,b:c.md", 3, 7, "error", "rule", "50 % off\nnew line")
    assert _github(finding) == "::error file=content/a%2Cb%3Ac.md,line=3,col=7,title=rule::50 %25 off%0Anew line"


def test_check_for_github_is_nothing_but_commands(desk: Typist) -> None:
    desk.writes("news/gap.md", publish_at="2027-03-28 03:30")
    told = desk.types("check", "--format", "github", code=1).stdout
    assert told.startswith("::error file=content/news/gap.md,line=2,col=13,title=publish-at-gap::")
    assert told.count("\n") == 1


def test_no_message_can_steer_a_terminal(desk: Typist) -> None:
    desk.writes("news/evil.md", title='"A \\e[31m title"', publish_at="2027-01-01 09:00", client="\u202eevil")
    told = desk.types("check", code=1).stdout
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_preview_is_what_each_channel_would_send(desk: Typist) -> None:
    desk.writes("news/lupa.md", title="Lupa on auki", publish_at=wall(days=1), lang="fi")
    shown = desk.reads("preview", "content/news/lupa.md", "--format", "json")
    assert {one["channel"] for one in shown} == {"website", "rss", "newsletter", "x"}
    post = next(one for one in shown if one["channel"] == "x")
    assert set(post) == {"channel", "part", "text", "html", "length", "limit", "problems"}
    assert post["part"] == "main"
    assert "Lupa on auki" in post["text"]
    assert 0 < post["length"] <= post["limit"] == 280
    assert "<p>" in next(one for one in shown if one["channel"] == "website")["html"]
    text = desk.types("preview", desk.root / "content" / "news" / "lupa.md", "--channel", "x").stdout
    assert "sandbox" in text
    assert post["text"].splitlines()[0] in text


def test_preview_of_a_piece_that_a_channel_refuses_ends_with_one(desk: Typist) -> None:
    file = desk.writes("news/lupa.md", publish_at=wall(days=1), image="\n  src: photo.png")
    file.with_name("photo.png").write_bytes(_PNG)
    shown = desk.reads("preview", "content/news/lupa.md", "--channel", "x", "--format", "json", code=1)
    assert "error" in {problem["severity"] for one in shown for problem in one["problems"]}


_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def test_preview_of_a_broken_file_says_what_is_broken(desk: Typist) -> None:
    desk.writes("news/gap.md", publish_at="2027-03-28 03:30")
    result = desk.types("preview", "content/news/gap.md", code=1)
    assert "publish-at-gap" in result.stderr
    desk.types("preview", "config/julki.toml", code=2)


def test_preview_names_the_translations_as_the_page_will(desk: Typist) -> None:
    desk.writes("news/lupa.md", publish_at=wall(days=1), lang="fi")
    desk.writes("news/permit.md", publish_at=wall(days=1), lang="en", translation_of="fi/lupa")
    shown = desk.reads("preview", "content/news/lupa.md", "--channel", "website", "--format", "json")
    assert shown
    assert desk.reads("preview", "content/news/permit.md", "--channel", "website", "--format", "json")


def test_plan_tells_what_goes_out_in_the_days_ahead(desk: Typist) -> None:
    desk.writes("news/soon.md", publish_at=wall(days=2))
    desk.writes("news/later.md", publish_at=wall(days=30))
    desk.writes("news/idea.md")
    desk.writes("news/draft.md", publish_at=wall(days=1), status="draft")
    rows = desk.reads("plan", "--json")
    assert {row["piece"] for row in rows} == {"fi/soon"}
    assert {row["channel"] for row in rows} == {"website", "rss", "newsletter", "x"}
    assert all(set(row) == {"piece", "kind", "channel", "part", "due_at", "state"} for row in rows)
    assert all(row["due_at"].endswith("Z") and row["state"] == "planned" and row["kind"] == "news" for row in rows)
    assert {row["piece"] for row in desk.reads("plan", "--days", "40", "--json")} == {"fi/soon", "fi/later"}
    told = desk.types("plan").stdout
    assert "x (sandbox, 0.20 USD)" in told
    assert "Europe/Helsinki" in told
    assert "day " in told
    assert "fi/idea" not in told


def test_plan_follows_the_files_without_publishing(desk: Typist) -> None:
    file = desk.writes("news/soon.md", publish_at=wall(minutes=-1))
    assert "overdue" in desk.types("plan").stdout
    file.unlink()
    assert desk.reads("plan", "--json") == []
    assert set(desk.states().values()) == {"cancelled"}


def test_plan_beside_a_running_desk_only_reads(desk: Typist) -> None:
    from scheduler.cli.session import now
    from scheduler.store.lock import Lock

    lock = Lock(desk.root / "var" / "julki.db")
    lock.take(now(), "julki run")
    try:
        desk.writes("news/soon.md", publish_at=wall(days=1))
        assert desk.reads("plan", "--json") == []
        assert "julki run" in desk.types("doctor").stdout
        assert "already being published" in desk.types("run", "--once", code=1).stderr
    finally:
        lock.release()
    assert len(desk.reads("plan", "--json")) == 4


def test_check_warns_of_what_waits_for_a_draft(desk: Typist) -> None:
    desk.writes("news/draft.md", publish_at=wall(days=1), status="draft")
    desk.writes("news/next.md", publish_at=wall(days=2), after="draft")
    (told,) = [one for one in desk.reads("check", "--format", "json") if one["rule"] == "after-not-ready"]
    assert (told["file"], told["line"], told["severity"]) == ("content/news/next.md", 3, "warning")


def test_doctor_knows_a_sound_desk_from_a_broken_one(desk: Typist) -> None:
    told = desk.types("doctor").stdout
    assert "SANDBOX" in told
    assert "mon 08:00, to" in told
    assert "All is well." in told
    desk.types("queue")
    assert "is sound" in desk.types("doctor").stdout
    (desk.root / "var" / "julki.db").write_bytes(b"not a database" * 1000)
    assert "wrong" in desk.types("doctor", code=1).stdout
    assert "can't be used" in desk.types("queue", code=1).stderr


def test_doctor_goes_on_where_the_database_lacks_a_table(desk: Typist) -> None:
    desk.types("queue")
    with sqlite3.connect(desk.root / "var" / "julki.db") as link:
        link.execute("DROP TABLE breaker")
    link.close()
    told = desk.types("doctor", code=1).stdout
    assert re.search(r"wrong +database .*no such table.*julki restore FILE", told)
    assert re.search(r"look +mail +SANDBOX", told)
    assert "1 thing is wrong." in told


def test_doctor_goes_on_where_it_may_not_look_into_var(desk: Typist) -> None:
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        shutil.copytree(desk.root, Path(place) / "desk")
        var = Path(place) / "desk" / "var"
        var.mkdir(exist_ok=True)
        (var / "julki.db").touch()
        var.chmod(0o700 if root else 0)
        command = [Path(sys.executable).with_name("julki"), "doctor", "--workspace", var.parent]
        other = {"user": 65534, "group": 65534, "extra_groups": []} if root else {}
        result = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **other)  # type: ignore[call-overload]  # a user, or none
        var.chmod(0o755)
    assert (result.returncode, result.stderr) == (1, "")
    assert re.search(rf"wrong +database .*{var}.*Permission denied\. .*right", result.stdout)
    assert re.search(r"look +mail +SANDBOX", result.stdout)


def test_doctor_names_the_secrets_that_a_live_channel_lacks(desk: Typist) -> None:
    desk.settles(r"^sandbox = true +# posts.*$", "sandbox = false")
    told = desk.types("doctor", code=1, JULKI_X_API_KEY="k3y").stdout
    assert "LIVE" in told
    assert "JULKI_X_API_SECRET" in told
    assert "JULKI_X_API_KEY," not in told
    assert "k3y" not in told


def test_an_unexpected_error_is_a_sentence_and_its_story_lies_in_a_file(
    desk: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object) -> None:
        raise ZeroDivisionError("with the secret s3cret-value inside")

    monkeypatch.setattr("scheduler.cli.survey.survey", burst)
    desk.settles(r"^sandbox = true +# posts.*$", "sandbox = true")
    result = desk.types("check", code=1, JULKI_X_API_KEY="s3cret-value")
    assert "Traceback" not in result.output
    log = desk.root / "var" / "errors.log"
    assert str(log) in result.stderr
    assert "ZeroDivisionError" in log.read_text()
    assert "s3cret-value" not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    result = desk.types("check", code=1, JULKI_DEBUG="1", JULKI_X_API_KEY="s3cret-value")
    assert "Traceback" in result.stderr
    assert "s3cret-value" not in result.output


def test_completion_offers_kinds_channels_and_states(desk: Typist) -> None:
    def offered(line: str) -> str:
        environ = {
            **os.environ,
            "_JULKI_COMPLETE": "complete_zsh",
            "_TYPER_COMPLETE_ARGS": line,
            "JULKI_WORKSPACE": str(desk.root),
        }
        command = [str(Path(sys.executable).parent / "julki")]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False).stdout

    assert "event" in offered("julki new ev")
    assert "held" in offered("julki queue --state h")
    assert "newsletter" in offered("julki pause --channel n")
    assert "withdraw" in offered("julki w")


def test_json_is_whole_where_the_terminal_knows_no_unicode(desk: Typist) -> None:
    desk.writes("news/aani.md", title="Ääni – 声", publish_at="2027-03-28 03:30", client="ääkköset")
    command = [str(Path(sys.executable).parent / "julki"), "check", "--format", "json"]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "JULKI_WORKSPACE": str(desk.root)}
    done = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert any("ääkköset" in one["message"] for one in json.loads(done.stdout))


def test_an_event_with_a_start_alone_is_told_to_be_an_idea(desk: Typist) -> None:
    (desk.root / "content/events").mkdir(parents=True, exist_ok=True)
    (desk.root / "content/events/day.md").write_text("---\ntitle: Day\nstarts_at: 2030-11-30 09:00\n---\nCome.\n")
    told = desk.reads("check", "--format", "json")
    assert [(one["rule"], one["line"]) for one in told] == [("event-without-date", 3)]


def test_check_tells_broken_settings_as_findings(desk: Typist) -> None:
    config = desk.root / "config/julki.toml"
    config.write_text(config.read_text() + "\n[sitte]\ntitle = 1\n")
    told = json.loads(desk.types("check", "--format", "json", code=1).stdout)
    assert [(one["file"], one["rule"], one["severity"]) for one in told] == [("config/julki.toml", "settings", "error")]
