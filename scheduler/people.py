"""Who we write for, about what, and who writes: the tables of `audiences.toml`, `projects.toml` and `team.toml`."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from channels.duration import Duration
from channels.piece import Phase


class Table(BaseModel):
    """One table of the settings: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Audience(Table):
    name: str
    needs: str = ""
    every: Duration | None = None


class Client(Table):
    name: str


class Project(Table):
    name: str
    client: str = ""
    phase: Phase | None = None
    starts: date | None = None
    ends: date | None = None


class Author(Table):
    name: str
    email: str = ""
    role: str = ""
    language: str = ""
