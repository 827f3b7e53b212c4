"""The documents say what the code does: every key, state and command, and none that is not there."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from channels import contract, errors
from channels.contract import Channel
from channels.duration import format_duration
from channels.piece import KINDS
from channels.registry import adapter, adapters
from scheduler import settings
from scheduler.cli.main import app
from scheduler.delivery.states import STATES, TRANSITIONS
from scheduler.signals import Signals

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])

TABLES: Mapping[str, type[BaseModel]] = {
    "[site]": settings.SiteTable,
    "[desk]": settings.DeskTable,
    "[kinds.KIND]": settings.KindTable,
    "[channels.NAME]": settings.ChannelTable,
    "[database]": settings.DatabaseTable,
    "[console]": settings.ConsoleTable,
    "[public]": settings.PublicTable,
    "[mail]": settings.MailTable,
    "[alarms]": settings.AlarmsTable,
    "[digest]": settings.DigestTable,
    "[reach]": settings.ReachTable,
    "[audiences.KEY]": settings.Audience,
    "[clients.KEY]": settings.Client,
    "[projects.KEY]": settings.Project,
    "[authors.KEY]": settings.Author,
}


def sections(page: str) -> dict[str, str]:
    """Heading (without its signs) → what stands below it, down to the next heading of whatever level."""
    parts = re.split(r"^#{1,4} (.*)$", (DOCS / page).read_text("utf-8"), flags=re.MULTILINE)
    return {heading.replace("`", "").strip(): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> list[list[str]]:
    """The rows of a Markdown table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def as_toml(field: FieldInfo) -> str:
    """A default as docs/settings.md writes it."""
    value = field.default
    if field.is_required():
        return "required"
    if value is None or value == date.min:
        return "none"
    if isinstance(value, timedelta):
        return f'"{format_duration(value)}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{one}"' for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def documented(section: str) -> dict[str, str]:
    return {names(row[0])[0]: names(row[2])[0] for row in rows(section)}


def keys(model: type[BaseModel]) -> dict[str, str]:
    return {field.alias or name: as_toml(field) for name, field in model.model_fields.items()}


@pytest.mark.parametrize("heading", TABLES)
def test_every_setting_is_documented_with_its_default(heading: str) -> None:
    assert documented(sections("settings.md")[heading]) == keys(TABLES[heading])


def test_every_table_is_documented_and_no_other() -> None:
    headings = {heading.strip("[]").partition(".")[0] for heading in sections("settings.md") if heading.startswith("[")}
    assert headings == set(settings.Settings.model_fields)


@pytest.mark.parametrize("name", ["website", "rss", "newsletter", "x"])
def test_every_option_of_an_adapter_is_documented(name: str) -> None:
    assert documented(sections("settings.md")[f'adapter = "{name}"']) == keys(adapter(name).options)


def test_every_adapter_that_is_built_in_is_documented_with_its_secrets() -> None:
    found = sections("settings.md")
    assert {heading for heading in found if heading.startswith("adapter =")} == {
        f'adapter = "{name}"' for name in adapters()
    }
    told = {names(row[0])[0]: names(row[1]) for row in rows(found["Secrets"])}
    assert told == {name: [f"JULKI_{name}_{secret}".upper() for secret in adapter(name).secrets] for name in adapters()}


def test_every_state_is_documented_in_the_same_words() -> None:
    assert {names(row[0])[0]: row[1] for row in rows(sections("states.md")["The states"])} == STATES


def test_every_transition_is_documented_and_no_other() -> None:
    told = [
        (names(row[0])[0], names(row[1])[0], tuple(row[2].split(", ")), row[3])
        for row in rows(sections("states.md")["The transitions"])
    ]
    assert told == [tuple(move) for move in TRANSITIONS]


def commands() -> dict[str, Any]:
    group = typer.main.get_command(app)
    found: dict[str, Any] = group.commands  # type: ignore[attr-defined]  # a Typer app with commands is a group
    return found


def test_every_command_is_documented_and_no_other() -> None:
    told = re.findall(r"^### `([a-z]+)", (DOCS / "commands.md").read_text("utf-8"), re.M)
    assert told == list(dict.fromkeys(told))
    assert set(told) == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_of_a_command_is_documented(name: str) -> None:
    heading, text = next(one for one in sections("commands.md").items() if one[0].split()[0] == name)
    arguments, options = [], set()
    for parameter in commands()[name].params:
        if parameter.param_type_name == "argument":
            arguments.append(parameter)
        else:
            options.update(parameter.opts)
    assert {option for row in rows(text) for option in names(row[0])} == options - {"--help", "-h"}
    assert len(heading.split()) - 1 == len(arguments)


@pytest.mark.parametrize("page", ["states.md", "write-a-channel.md", "architecture.md"])
def test_every_error_is_a_class_that_there_is(page: str) -> None:
    kinds = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
    text = (DOCS / page).read_text("utf-8")
    if page == "write-a-channel.md":
        told = {names(row[0])[0] for row in rows(sections(page)["The errors"]) if names(row[0])}
        assert told == kinds - {"ChannelError"}
    assert all(hasattr(errors, name) for name in re.findall(r"\braise (Un\w+|Rate\w+|Rej\w+)\(", text))


def test_the_contract_is_told_whole() -> None:
    text = sections("write-a-channel.md")["The contract"]
    told = {names(line)[0].partition("(")[0] for line in text.splitlines() if line.startswith("| `")}
    members = {name for name in [*vars(Channel), *Channel.__annotations__] if not name.startswith("_")}
    protocols = {name for name, one in vars(contract).items() if getattr(one, "_is_runtime_protocol", False)}
    assert told == members | protocols


def code_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / "write-a-channel.md").read_text("utf-8"), re.M | re.S)


def test_the_example_adapter_passes_the_contract(tmp_path: Path) -> None:
    adapter_module, suite = code_blocks()
    (tmp_path / "noticeboard.py").write_text(adapter_module, "utf-8")
    (tmp_path / "test_noticeboard.py").write_text(f"from noticeboard import ADAPTER\n{suite}", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_noticeboard.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b1\d passed", done.stdout), done.stdout


def slug(heading: str) -> str:
    """The anchor that a heading gets where the documents are read."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if "://" not in target and not target.startswith("pictures/"):
                yield str(page.relative_to(ROOT)), target


@pytest.mark.parametrize(("page", "target"), sorted(set(links())))
def test_every_link_leads_somewhere(page: str, target: str) -> None:
    path, _, anchor = target.partition("#")
    there = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    assert there.exists()
    if anchor:
        headings = re.findall(r"^#{1,4} (.*)$", there.read_text("utf-8"), re.M)
        assert anchor in {slug(heading.replace("`", "")) for heading in headings}


def test_the_readme_begins_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert text.index("python3 run.py demo") < text.index("python3 run.py test") < 1500
    told = {names(row[0])[0] for row in rows(text.partition("## Channels")[2].partition("\n## ")[0])}
    assert told == set(adapters())


def test_the_kinds_are_told_where_writers_look() -> None:
    text = (DOCS / "writing.md").read_text("utf-8") + (DOCS / "settings.md").read_text("utf-8")
    assert all(f"`{kind}`" in text for kind in KINDS)


def test_the_unit_speaks_the_daemons_language() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    unit.read(ROOT / "packaging" / "julki.service", "utf-8")
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"].endswith("/julki run")
    assert f"JULKI_WORKSPACE={unit['Unit']['RequiresMountsFor']}" == service["Environment"]
    assert int(service["WatchdogSec"]) >= 20
    assert int(service["TimeoutStopSec"]) > 10
    assert (service["NoNewPrivileges"], service["ProtectSystem"]) == ("yes", "strict")
    assert Signals.listen.__doc__
    assert "SIGTERM" in Signals.listen.__doc__
