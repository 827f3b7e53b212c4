"""The error bodies that were gathered of the real X, where they lie beside this checkout; else plain ones of the mock's own."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.mocks.x.exchange import Reply, problem

BODIES = Path(__file__).parents[4] / "shared" / "data" / "x" / "error-bodies.json"

_OWN = {
    "duplicate content": problem(403, "Forbidden", "This is duplicate content."),
    "rate limit (v2)": problem(429, "Too Many Requests", "Too Many Requests"),
    "monthly cap": problem(429, "UsageCapExceeded", "Usage cap exceeded"),
    "credits depleted (pay per use, 2026-07)": problem(402, "Payment Required", "No credits are left"),
    "reply not allowed (self-serve, since 2026-02-23)": problem(403, "Forbidden", "This reply is not allowed."),
    "invalid/expired token": problem(401, "Unauthorized", "Unauthorized"),
    "app-only token on a user endpoint": problem(403, "Unsupported Authentication", "Authenticating as an app alone"),
}
DUPLICATE, LIMITED, MONTHLY, CREDITS, REPLY, TOKEN, APP_ONLY = _OWN


def told(case: str) -> Reply:
    """The answer to that case. Its headers hold places to fill in: they are left out."""
    return gathered().get(case) or _OWN[case]


def invalid(message: str, **parameters: Any) -> Reply:
    """A request that X finds wrong."""
    values = {name: value if isinstance(value, list) else [str(value)] for name, value in parameters.items()}
    found = problem(400, "Invalid Request", "One or more parameters to your request was invalid.")
    errors = [{"parameters": values, "message": message}]
    return replace(found, body=found.body | {"errors": errors, "type": "https://api.x.com/2/problems/invalid-request"})


def missing(what: str, value: str, parameter: str = "id") -> dict[str, Any]:
    """What stands under `errors` for something that isn't there."""
    return {
        "value": value,
        "parameter": parameter,
        "resource_id": value,
        "resource_type": what,
        "detail": f"Could not find {what} with {parameter}: [{value}].",
        "title": "Not Found Error",
        "type": "https://api.x.com/2/problems/resource-not-found",
    }


@cache
def gathered() -> dict[str, Reply]:
    if not BODIES.exists():
        return {}
    return {row["case"]: Reply(row["status"], row["body"]) for row in json.loads(BODIES.read_text("utf-8"))}
