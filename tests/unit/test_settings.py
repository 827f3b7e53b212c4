"""The settings: what may stand in `config/`, and how whatever is wrong there is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from scheduler.workspace import BadSettings, NoWorkspace, Workspace, load, locate, positions

Files = Callable[..., Path]


@pytest.fixture
def config(tmp_path: Path) -> Files:
    """Writes config files, `julki` always, and answers the workspace's folder."""

    def write(julki: str | bytes = "", **others: str | bytes) -> Path:
        folder = tmp_path / "config"
        folder.mkdir(exist_ok=True)
        for name, text in {"julki": julki, **others}.items():
            (folder / f"{name}.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


def faults(root: Path, **environ: str) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        load(root, environ)
    assert str(caught.value) == "\n".join(map(str, caught.value.faults))
    return [str(fault) for fault in caught.value.faults]


def test_an_empty_file_is_a_whole_setting(config: Files) -> None:
    settings = load(config(), {}).settings
    assert (settings.site.timezone, settings.site.languages) == ("Europe/Helsinki", ("fi", "sv", "en"))
    assert (settings.console.host, settings.public.host) == ("127.0.0.1", "127.0.0.1")
    assert settings.channels == {}
    assert settings.since < datetime(1900, 1, 1, tzinfo=UTC)


def test_what_is_written_is_what_holds(config: Files) -> None:
    root = config(
        '[site]\nurl = "https://example.org/uutiset/"\n[desk]\nsince = 2026-11-23\n'
        '[kinds.news]\nchannels = ["x"]\nlate = "2h"\n[channels.x]\nadapter = "x"\nthreads = true\n',
        team='[authors.maija]\nname = "Maija"\n',
        projects='[clients.a]\nname = "A"\n[projects.p]\nname = "P"\nclient = "a"\nphase = "middle"\nstarts = 2026-01-01\n',
        audiences='[audiences.all]\nname = "All"\nevery = "3d"\n',
    )
    settings = load(root, {}).settings
    assert settings.as_site().url == "https://example.org/uutiset"
    assert settings.since == datetime(2026, 11, 22, 22, tzinfo=UTC)
    assert settings.kinds["news"].late == timedelta(hours=2)
    assert settings.kinds["blog"].channels == ()
    assert settings.projects["p"].starts == date(2026, 1, 1)
    assert settings.audiences["all"].every == timedelta(days=3)
    assert settings.names()["author", "maija"] == "Maija"
    assert settings.names()["client", "a"] == "A"
    assert settings.channels["x"].sandbox


def test_settings_change_their_fingerprint(config: Files) -> None:
    first = load(config('[site]\ntitle = "A"\n'), {}).settings.fingerprint()
    assert load(config('[site]\ntitle = "A"\n'), {}).settings.fingerprint() == first
    assert load(config('[site]\ntitle = "B"\n'), {}).settings.fingerprint() != first


def test_the_environment_changes_no_setting(config: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SITE", "JULKI_SETTINGS_UNUSED_SITE", "JULKI_SITE"):
        monkeypatch.setenv(name, '{"title": "from the shell"}')
    assert load(config('[site]\ntitle = "from the file"\n')).settings.site.title == "from the file"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('[site]\ntitel = "x"\n', "2:1", "'titel' is unknown"),
        ("\n[sitee]\na = 1\n", "2:1", "'sitee' is unknown"),
        ('[Site]\ntitle = "x"\n', "1:1", "'Site' is unknown"),
        ('[channels.x]\nadapter = "x"\n  colour = "blue"\n', "3:3", "'colour' is unknown"),
        ('[channels.x]\nadapter = "x"\nper_day = 3\n', "3:1", "'per_day' is unknown"),
        ('site.titel = "x"\n', "1:1", "'titel' is unknown"),
        ('[console]\nport = "many"\n', "2:1", "write a whole number"),
        ("[console]\nport = 70000\n", "2:1", "65535"),
        ('[site]\nlanguages = "fi"\n', "2:1", "write a list"),
        ('[site]\nlanguages = ["FI"]\n', "2:1", "not a language code"),
        ("[site]\ntitle = 5\n", "2:1", "quotation marks"),
        ('[site]\ntimezone = "Europe/Helsingfors"\n', "2:1", "not a time zone"),
        ('[site]\nurl = "example.org"\n', "2:1", "https://example.org"),
        ('[desk]\nsince = "yesterday"\n', "2:1", "like 2026-11-23"),
        ("[desk]\nbacklog = -1\n", "2:1", "'backlog'"),
        ('[channels.x]\nadapter = "x"\nhours = "7-20"\n', "3:1", "are not hours"),
        ('[channels.x]\nadapter = "x"\nhours = "07:00-07:00"\n', "3:1", "begins when it ends"),
        ('[channels.x]\nadapter = "x"\nper_hour = 0\n', "3:1", "'per_hour'"),
        ('[mail]\nsmtp_url = "smtp://desk:pass@mail.example.org"\n', "2:1", "JULKI_DESK_SMTP_PASSWORD"),
        ('[mail]\nsmtp_url = "mail.example.org"\n', "2:1", "is not a mail server"),
        ('[mail]\nsmtp_url = "smtp://mail.example.org:99999"\n', "2:1", "a port"),
        ('[digest]\nat = "montag 8"\n', "2:1", "is no time of the week"),
        ('[digest]\nto = ["nobody"]\n', "2:1", "is not a mail address"),
        ("[mail]\nsandbox = false\n", "1:1", "needs smtp_url and from"),
        ('[alarms]\nto = ["nobody"]\n', "2:1", "is not a mail address"),
        ('[channels.desk]\nadapter = "x"\n', "1:1", "the desk's own"),
        ('[database]\nurl = "postgresql://db"\n', "2:1", "SQLite"),
        ("[kinds.podcast]\nchannels = []\n", "1:1", "'podcast'"),
        ('[kinds.news]\nlate = "soon"\n', "2:1", "not a duration"),
        ("[kinds]\nnews = 3\n", "2:1", "'news' is of the wrong type"),
        ('# first\n[kinds.news]\nchannels = ["web"]\n', "2:1", "no channel 'web'"),
        ('[channels.x]\nlate = "2h"\n', "1:1", "'adapter' is missing"),
        ('[channels.x]\nadapter = "tumblr"\n', "1:1", "no adapter 'tumblr'"),
        ('[channels.x]\nadapter = "x"\nlanguages = ["ru"]\n', "1:1", "'ru' is not among"),
        ('[channels."X Y"]\nadapter = "x"\n', "1:1", "'X Y' can't be a name"),
        ('[channels.n]\nadapter = "newsletter"\nedition = "sometimes"\n', "3:1", "not an edition"),
        ("[site\n", "1:6", "not TOML"),
        ('[site]\ntitle = "a"\ntitle = "b"\n', "3:12", "not TOML"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(config: Files, text: str, place: str, words: str) -> None:
    found = faults(config(text))
    assert len(found) == 1
    assert words in found[0]
    if "not TOML" in words:
        place = place.partition(":")[0] + ":"  # the column is the TOML reader's
    assert found[0].startswith(f"config/julki.toml:{place}")


def test_all_mistakes_are_told_at_once_in_their_order(config: Files) -> None:
    root = config(
        '[site]\ntitel = "x"\nurl = "y"\n[console]\nport = -1\n', team='[authors.m]\nname = "M"\nmail = "x"\n'
    )
    assert [line.partition(" ")[0] for line in faults(root)] == [
        "config/julki.toml:2:1:",
        "config/julki.toml:3:1:",
        "config/julki.toml:5:1:",
        "config/team.toml:3:1:",
    ]


def test_each_file_that_is_not_toml_is_named(config: Files) -> None:
    found = faults(config("a = 1\n", team="[authors\n", projects="= 3\n"))
    assert [line.partition(":")[0] for line in found] == [
        "config/julki.toml",
        "config/projects.toml",
        "config/team.toml",
    ]


def test_references_lead_somewhere(config: Files) -> None:
    found = faults(config(projects='\n[projects.p]\nname = "P"\nclient = "nobody"\n'))
    assert found[0].startswith("config/projects.toml:2:1:")
    assert "there is no client 'nobody'" in found[0]


def test_a_table_stands_in_its_own_file_and_in_one_only(config: Files) -> None:
    assert "does not belong" in faults(config(projects='[site]\ntitle = "x"\n'))[0]
    twice = faults(config('[clients.a]\nname = "A"\n', projects='[clients.b]\nname = "B"\n'))
    assert twice[0].startswith("config/projects.toml:1:1:")
    assert "another file" in twice[0]


def test_a_bom_and_windows_line_ends_are_simply_read(config: Files) -> None:
    root = config('\ufeff[site]\r\ntitle = "Ääkköset"\r\n', team='\ufeff[authors.m]\r\nname = "M"\r\n')
    assert load(root, {}).settings.site.title == "Ääkköset"
    assert faults(config('\ufeff[site]\r\ntitel = "x"\r\n'))[0].startswith("config/julki.toml:2:1:")


def test_what_is_not_utf8_is_told_with_its_line(config: Files) -> None:
    assert faults(config(b'[site]\ntitle = "\xe4"\n'))[0].startswith("config/julki.toml:2:1: error settings: this file")


@pytest.mark.parametrize("key", ["api_key", "api_secret", "access_token", "access_token_secret"])
def test_a_secret_in_a_file_is_refused_and_not_repeated(config: Files, key: str) -> None:
    found = faults(config(f'[channels.x-fi]\nadapter = "x"\n{key} = "hush-hush"\n'))
    assert found[0].startswith("config/julki.toml:3:1:")
    assert f"JULKI_X_FI_{key.upper()}" in found[0]
    assert "hush-hush" not in found[0]


TWO = '[channels.x]\nadapter = "x"\n[channels.x-en]\nadapter = "x"\n'


def test_secrets_are_named_by_channel_and_field(config: Files) -> None:
    environ = {"JULKI_X_API_KEY": "hush-1", "JULKI_X_EN_API_KEY": "hush-2", "JULKI_X_PASSWORD": "unknown", "OTHER": "x"}
    workspace = load(config(TWO), {**environ, "JULKI_DESK_SMTP_PASSWORD": "hush-3"})
    own = {"smtp_password": "hush-3"}
    assert workspace.secrets == {"x": {"api_key": "hush-1"}, "x-en": {"api_key": "hush-2"}, "desk": own}
    assert "hush" not in repr(workspace)


def secrets_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets.env"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_a_file_of_secrets_is_read_and_the_environment_counts_more(config: Files, tmp_path: Path) -> None:
    text = "\ufeff# keys\n\nJULKI_X_API_KEY=from file\nexport JULKI_X_API_SECRET=\"quo'ted\"\nJULKI_X_ACCESS_TOKEN=a=b'\nnonsense\n"
    environ = {"JULKI_SECRETS": str(secrets_file(tmp_path, text)), "JULKI_X_API_KEY": "from shell"}
    assert load(config(TWO), environ).secrets["x"] == {
        "api_key": "from shell",
        "api_secret": "quo'ted",
        "access_token": "a=b'",
    }


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_of_secrets_is_for_its_owner_alone(config: Files, tmp_path: Path, mode: int) -> None:
    path = secrets_file(tmp_path, "JULKI_X_API_KEY=hush-hush\n", mode)
    found = faults(config(TWO), JULKI_SECRETS=str(path))
    assert f"chmod 600 {path}" in found[0]
    assert "hush-hush" not in found[0]


def test_a_file_of_secrets_that_is_not_there_or_not_text_is_told(config: Files, tmp_path: Path) -> None:
    assert "is not there" in faults(config(TWO), JULKI_SECRETS=str(tmp_path / "no.env"))[0]
    assert "can't be read" in faults(config(TWO), JULKI_SECRETS=str(tmp_path))[0]
    path = secrets_file(tmp_path, "")
    path.write_bytes(b"JULKI_X_API_KEY=\xff\n")
    assert "not UTF-8" in faults(config(TWO), JULKI_SECRETS=str(path))[0]


def test_the_workspace_is_the_one_given_else_the_variables_else_upwards(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("given", "variable", "above")]
    for root in roots:
        (root / "config").mkdir(parents=True)
        (root / "config" / "julki.toml").touch()
    below = roots[2] / "content" / "news"
    below.mkdir(parents=True)
    environ = {"JULKI_WORKSPACE": str(roots[1])}
    assert locate(roots[0], below, environ) == roots[0]
    assert locate(None, below, environ) == roots[1]
    assert locate(None, below, {}) == roots[2]


def test_where_there_is_no_workspace_the_remedy_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    with pytest.raises(NoWorkspace, match="julki init"):
        locate(None, tmp_path, {})
    with pytest.raises(NoWorkspace, match="nowhere"):
        locate(tmp_path / "nowhere", tmp_path, {})
    with pytest.raises(NoWorkspace):
        locate(None, tmp_path, {"JULKI_WORKSPACE": str(tmp_path / "nowhere")})


def test_settings_that_are_not_there_are_not_taken_for_the_defaults(config: Files) -> None:
    root = config(TWO, team='[authors.maija]\nname = "Maija"\n')
    (root / "config" / "julki.toml").unlink()
    (told,) = faults(root)
    assert told.startswith("config/julki.toml:1:1: error settings: ")
    assert "is not there" in told
    assert "julki init" in told
    (root / "config" / "team.toml").unlink()
    (root / "config").rmdir()
    assert faults(root) == [told]


def test_places_of_keys_are_found_however_they_are_written() -> None:
    text = 'a = 1\n[one.two] # note\n  "k e y" = 3\nb.c = 4\n[[list]]\nd = 5\n'
    found = positions(text)
    assert found["a",] == (1, 1)
    assert found["one",] == found["one", "two"] == (2, 1)
    assert found["one", "two", "k e y"] == (3, 3)
    assert found["one", "two", "b", "c"] == (4, 1)
    assert found["list", "d"] == (6, 1)


def test_the_repositorys_own_workspace_is_in_order() -> None:
    root = Path(__file__).parents[2]
    workspace = load(root, {})
    assert isinstance(workspace, Workspace)
    assert set(workspace.settings.channels) == {"website", "rss", "x", "newsletter"}
    assert workspace.var == root / "var"
