"""Somebody at the keyboard: runs `julki` on a scratch workspace, in this process, and keeps what it answered."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner, Result

from scheduler.cli.main import app


@dataclass(frozen=True)
class Typist:
    """`root` is a workspace that `julki init` made, without its first draft; its mails go out one a piece."""

    root: Path

    def types(self, *words: str | Path, code: int | None = 0, **environ: str) -> Result:
        """Run a command; it must end with `code` (None: with any)."""
        try:
            result = CliRunner().invoke(app, [*map(str, words), "--workspace", str(self.root)], env=environ)
        finally:
            logging.getLogger().handlers = []
            structlog.reset_defaults()
        assert code is None or result.exit_code == code, result.output
        return result

    def reads(self, *words: str, code: int | None = 0) -> Any:
        """The command's one JSON document; there is nothing else on stdout."""
        return json.loads(self.types(*words, code=code).stdout)

    def writes(self, path: str, **fields: str) -> Path:
        """A piece below `content/`; `body` is its text, without `title` it is called after its file."""
        body = fields.pop("body", "A few words.")
        fields.setdefault("title", Path(path).stem)
        file = self.root / "content" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        head = "\n".join(f"{key}: {value}" for key, value in fields.items())
        file.write_text(f"---\n{head}\n---\n\n{body}\n", "utf-8")
        return file

    def settles(self, pattern: str, value: str) -> None:
        """Change a line of config/julki.toml."""
        path = self.root / "config" / "julki.toml"
        text, count = re.subn(pattern, value, path.read_text("utf-8"), flags=re.MULTILINE)
        assert count
        path.write_text(text, "utf-8")

    def states(self) -> dict[tuple[str, str], str]:
        return {(row["piece"], row["channel"]): row["state"] for row in self.reads("queue", "--json")}

    def number(self, piece: str, channel: str) -> str:
        rows = self.reads("queue", "--json")
        return str(next(row["id"] for row in rows if (row["piece"], row["channel"]) == (piece, channel)))


def typist(folder: Path) -> Typist:
    result = CliRunner().invoke(app, ["init", str(folder)])
    assert result.exit_code == 0, result.output
    (folder / "content" / "news" / "the-first-piece.md").unlink()
    one = Typist(folder)
    one.settles(r"^edition = .*$", 'edition = "each"')
    one.settles(r"^port = .*$", "port = 0")
    one.settles(r"^since = .*$", "since = 2020-01-01")
    return one


def wall(**ahead: float) -> str:
    """A wall time in UTC so far from now, as a writer with an offset writes it."""
    return f"{datetime.now(UTC) + timedelta(**ahead):%Y-%m-%d %H:%M:%S}Z"
