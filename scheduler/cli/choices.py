"""What a word on the command line may be. The shell completes them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import typer


class Kind(StrEnum):
    news = "news"
    blog = "blog"
    video = "video"
    event = "event"


class State(StrEnum):
    planned = "planned"
    publishing = "publishing"
    retrying = "retrying"
    published = "published"
    held = "held"
    failed = "failed"
    skipped = "skipped"
    cancelled = "cancelled"
    withdrawn = "withdrawn"


class Report(StrEnum):
    text = "text"
    json = "json"
    github = "github"


class Shape(StrEnum):
    text = "text"
    json = "json"


class Outgoing(StrEnum):
    ics = "ics"
    csv = "csv"


class Incoming(StrEnum):
    ics = "ics"
    csv = "csv"
    xlsx = "xlsx"


def one_of(what: str, word: str, known: Iterable[str]) -> str:
    """`word`, if it is known; else wrong usage, with what was probably meant."""
    from scheduler.calendar.finding import shortened, suggestion

    if word not in set(known):
        raise typer.BadParameter(f"There is no {what} '{shortened(word)}'.{suggestion(word, known)}")
    return word


def complete_channel(ctx: typer.Context, incomplete: str) -> list[str]:
    return [name for name in _table(ctx, "julki", "channels") if name.startswith(incomplete)]


def complete_client(ctx: typer.Context, incomplete: str) -> list[str]:
    return [name for name in _table(ctx, "projects", "clients") if name.startswith(incomplete)]


def complete_project(ctx: typer.Context, incomplete: str) -> list[str]:
    return [name for name in _table(ctx, "projects", "projects") if name.startswith(incomplete)]


def _table(ctx: typer.Context, file: str, table: str) -> list[str]:
    """The keys of one table, read without the settings' machinery: the shell waits for it."""
    from scheduler.workspace import NoWorkspace, locate

    given = ctx.find_root().params.get("workspace")
    try:
        root = locate(given, Path.cwd(), os.environ)
        return list(tomllib.loads((root / "config" / f"{file}.toml").read_text("utf-8-sig")).get(table, {}))
    except (NoWorkspace, OSError, ValueError):
        return []
