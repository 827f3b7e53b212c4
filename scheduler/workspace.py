"""The workspace: where it is, its settings, its secrets."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from channels.registry import adapter
from scheduler.settings import FILES, Settings

OWN, MAIL_PASSWORD, KEY = "desk", "smtp_password", "key"
"""Whose the desk's own secrets are, and their fields: the password of `[mail] smtp_url`, and the key of the vault."""
_OWN_TABLES = {"audiences": {"audiences"}, "projects": {"clients", "projects"}, "team": {"authors"}}
_TABLE = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_PAIR = re.compile(r"""^(\s*)((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_SECRET = re.compile(r"'(\w+)' is a secret")
_UNKNOWN = "the key '{key}' is unknown here. Take it out, or see docs/settings.md for the keys there are."
_KINDS_OF_VALUES = {
    "string": 'write text in quotation marks, like "this"',
    "tuple": 'write a list, like ["one", "two"]',
    "bool": "write true or false",
    "int": "write a whole number",
    "date": "write a date without a time, like 2026-11-23",
    "time_delta": 'write a duration, like "2h"',
    "model": "this is a table; its keys stand below a line with its name in square brackets",
    "dict": "this is a table; its keys stand below a line with its name in square brackets",
}
"""How to write what pydantic found to be of another type; by the beginning of its error's name."""
_MAIN = "julki"
_MISSING = "this file is not there. Put it back, or make a workspace with: julki init FOLDER"
_TOML_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


class NoWorkspace(Exception):
    """There is no `config/julki.toml` here or in any folder above."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in the settings. `file` is relative to the workspace; `line` and `column` from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: error settings: {self.message}"


class BadSettings(Exception):
    """The settings can't be used; `faults` says all that is wrong, in the order of the files."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Workspace:
    """A folder with `config/julki.toml`. `secrets`: channel → field → value; never printed."""

    root: Path
    settings: Settings
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def var(self) -> Path:
        return self.root / "var"


def locate(given: str | Path | None, start: Path, environ: Mapping[str, str]) -> Path:
    """The workspace's folder: as given, else `JULKI_WORKSPACE`, else upwards from `start`. Raises `NoWorkspace`."""
    named = given or environ.get("JULKI_WORKSPACE")
    candidates = [Path(named).expanduser()] if named else [start, *start.parents]
    for folder in candidates:
        if (folder / "config" / "julki.toml").is_file():
            return folder.resolve()
    where = f"in {named}" if named else "here or in any folder above"
    raise NoWorkspace(
        f"There is no workspace {where} (a folder with config/julki.toml). Make one with: julki init FOLDER"
    )


def settings_stamp(root: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when a file of `config/` does: name, size and time of writing of each that is there."""
    files = [(name, root / "config" / f"{name}.toml") for name in FILES]
    found = [(name, path.stat()) for name, path in files if path.is_file()]
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in found)


def load(root: Path, environ: Mapping[str, str] | None = None) -> Workspace:
    """Read `config/*.toml` and the secrets. Raises `BadSettings` with everything that is wrong."""
    texts: dict[str, str] = {name: text for name in FILES if (text := _text(root, name)) is not None}
    if _MAIN not in texts:  # its defaults are no desk's settings: a checkout or a drive may be away for a moment
        raise BadSettings([Fault(f"config/{_MAIN}.toml", 1, 1, _MISSING)])
    tables: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, text in texts.items():
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            faults.append(_syntax_fault(name, str(error)))
            continue
        for table, value in found.items():
            if objection := _objection(name, table, tables):
                faults.append(_fault(name, text, (table,), objection))
            else:
                tables[table] = value
    if faults:
        raise BadSettings(faults)
    try:
        settings = Settings(**tables)
    except ValidationError as error:
        raise BadSettings(_validation_faults(error, texts)) from None
    return Workspace(root, settings, read_secrets(settings, os.environ if environ is None else environ))


def _objection(file: str, table: str, earlier: Mapping[str, Any]) -> str:
    """Why this table may not stand in this file, or ""."""
    if table not in Settings.model_fields:
        return _UNKNOWN.format(key=table)
    if file in _OWN_TABLES and table not in _OWN_TABLES[file]:
        return f"[{table}] does not belong into this file."
    if table in earlier:
        return f"[{table}] stands in another file of config/ as well. Put all of it into one of them."
    return ""


def _text(root: Path, name: str) -> str | None:
    path = root / "config" / f"{name}.toml"
    if not path.is_file():
        return None
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise BadSettings(
            [
                Fault(
                    f"config/{name}.toml",
                    1,
                    1,
                    f"can't be read: {error.strerror}. Give the user who runs Julki the right to read it.",
                )
            ]
        ) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise BadSettings(
            [Fault(f"config/{name}.toml", line, 1, "this file is not UTF-8. Save it as UTF-8.")]
        ) from None


def _syntax_fault(name: str, message: str) -> Fault:
    place = _TOML_PLACE.search(message)
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    plain = _TOML_PLACE.sub("", message).strip()
    return Fault(f"config/{name}.toml", line, column, f"this is not TOML: {plain}. Compare with docs/settings.md.")


def _validation_faults(error: ValidationError, texts: Mapping[str, str], within: tuple[str, ...] = ()) -> list[Fault]:
    faults: list[Fault] = []
    for entry in error.errors():
        loc = within + tuple(str(part) for part in entry["loc"] if part != "[key]")
        cause = entry.get("ctx", {}).get("error")
        if isinstance(cause, ValidationError):
            faults += _validation_faults(cause, texts, loc)
        else:
            faults.append(_located(loc, _plain(entry["type"], loc, str(cause or entry["msg"])), texts))
    order = [f"config/{name}.toml" for name in FILES]
    return sorted(faults, key=lambda fault: (order.index(fault.file), fault.line, fault.column))


def _plain(kind: str, loc: tuple[str, ...], message: str) -> str:
    """The sentence for one error of pydantic's, of that kind, at that place."""
    key = next((part for part in reversed(loc) if not part.isdigit()), "")
    if kind == "extra_forbidden":
        return _UNKNOWN.format(key=key)
    if kind == "missing":
        return f"'{key}' is missing. Add it."
    if kind == "value_error":
        return message.replace("<CHANNEL>", key.upper().replace("-", "_"))
    for beginning, remedy in _KINDS_OF_VALUES.items():
        if kind.startswith(f"{beginning}_"):
            return f"'{key}' is of the wrong type: {remedy}."
    return f"'{key}': {message[:1].lower()}{message[1:]}."


def _located(loc: tuple[str, ...], message: str, texts: Mapping[str, str]) -> Fault:
    """The fault at the deepest key of `loc` that stands in a file; a sentence like `kinds.news: …` names its own place."""
    named = re.match(r"^([a-z]+)\.([\w-]+): ", message)
    loc = loc or ((named[1], named[2]) if named else ())
    if secret := _SECRET.match(message):
        loc = (*loc, secret[1])
    for depth in range(len(loc), 0, -1):
        for name, text in texts.items():
            if loc[:depth] in positions(text):
                return _fault(name, text, loc[:depth], message)
    return Fault("config/julki.toml", 1, 1, message)


def _fault(name: str, text: str, loc: tuple[str, ...], message: str) -> Fault:
    line, column = positions(text).get(loc, (1, 1))
    return Fault(f"config/{name}.toml", line, column, message)


def positions(text: str) -> dict[tuple[str, ...], tuple[int, int]]:
    """Where each table and key of a TOML text stands: path → line and column, from 1. tomllib keeps no places."""
    return dict(reversed(list(_places(text))))


def _places(text: str) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _keys(header[1])
            for depth in range(1, len(table) + 1):
                yield table[:depth], (number, line.index("[") + 1)
        elif pair := _PAIR.match(line):
            yield table + _keys(pair[2]), (number, len(pair[1]) + 1)


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def read_secrets(settings: Settings, environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Each channel's secrets, and the desk's own under `desk`, from `JULKI_<CHANNEL>_<FIELD>` or the env file that `JULKI_SECRETS` names."""
    known = {**_env_file(environ.get("JULKI_SECRETS")), **environ}
    wanted = {name: adapter(channel.adapter).secrets for name, channel in settings.channels.items()}
    return {
        name: {secret: value for secret in secrets if (value := known.get(_variable(name, secret)))}
        for name, secrets in {**wanted, OWN: (MAIL_PASSWORD, KEY)}.items()
    }


def _variable(name: str, secret: str) -> str:
    return f"JULKI_{name}_{secret}".upper().replace("-", "_")


def _env_file(name: str | None) -> dict[str, str]:
    if not name:
        return {}
    path = Path(name).expanduser()
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise BadSettings([Fault(name, 1, 1, "JULKI_SECRETS names this file, and it is not there.")]) from None
    except OSError as error:
        raise BadSettings([Fault(name, 1, 1, f"this file of secrets can't be read: {error.strerror}.")]) from None
    except UnicodeDecodeError:
        raise BadSettings([Fault(name, 1, 1, "this file of secrets is not UTF-8. Save it as UTF-8.")]) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadSettings([Fault(name, 1, 1, "others can read this file of secrets. Run: chmod 600 " + name)])
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): _unquoted(value.strip()) for key, _, value in pairs}


def _unquoted(value: str) -> str:
    """Without the quotation marks around it, if they are a pair: a password may end with one."""
    paired = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if paired else value
