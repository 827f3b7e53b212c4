"""Every request held against X's own OpenAPI document, where it lies beside this checkout."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from tests.mocks.x.exchange import Call

DOCUMENT = Path(__file__).parents[4] / "shared" / "data" / "x" / "openapi-2.167.json"

_OLD_NAMES = {"tweet.fields": "post.fields"}
_OLD_FIELDS = {
    "author_id",
    "edit_history_tweet_ids",
    "in_reply_to_user_id",
    "note_tweet",
    "referenced_tweets",
}
"""What the document's list of fields lacks and X's servers still know."""
_OLD_EXPANSIONS = {"edit_history_tweet_ids", "referenced_tweets.id", "referenced_tweets.id.author_id"}
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None and "T" in value
    except ValueError:
        return False


class Schema:
    """The document. One is enough for all mocks: see `load`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators: dict[str, Draft202012Validator] = {}

    @cached_property
    def _operations(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        """Paths without a place to fill in come first, as routers read them."""
        paths = sorted(self._document["paths"].items(), key=lambda one: "{" in one[0])
        return [(re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), known) for path, known in paths]

    def violations(self, call: Call) -> list[str]:
        """What is wrong with a request, each as a sentence; nothing where the document allows it."""
        for pattern, methods in self._operations:
            match = pattern.fullmatch(call.path)
            if match and call.method.lower() in methods:
                operation = methods[call.method.lower()]
                found = [*self._in_address(operation, call, match), *self._in_body(operation, call)]
                return [f"{call.method} {call.path}: {one}" for one in found]
        return [f"{call.method} {call.path}: the document knows no such operation"]

    def answer_faults(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What the document finds wrong with an answer: for trying the mock itself."""
        for pattern, methods in self._operations:
            if pattern.fullmatch(path) and method.lower() in methods:
                answers = methods[method.lower()]["responses"]
                return self._errors(answers[str(status)]["content"]["application/json"]["schema"], body)
        raise LookupError(f"the document knows no {method} {path}")

    def scopes(self, method: str, path: str) -> frozenset[str]:
        """What an OAuth 2 token needs for an operation; `path` as the document writes it."""
        needed = self._document["paths"][path][method.lower()]["security"]
        return frozenset(next(one["OAuth2UserToken"] for one in needed if "OAuth2UserToken" in one))

    def _in_address(self, operation: dict[str, Any], call: Call, match: re.Match[str]) -> list[str]:
        known = [self._resolved(one) for one in operation.get("parameters", [])]
        places = {(one["name"], one["in"]): one for one in known}
        found = []
        for name, value in match.groupdict().items():
            found += self._value_errors(places[name, "path"], name, value)
        names = [name for name, _ in call.pairs]
        found += [f"the parameter {name} comes twice" for name in sorted(set(names)) if names.count(name) > 1]
        for name, value in call.pairs:
            parameter = places.get((_OLD_NAMES.get(name, name), "query"))
            found += self._value_errors(parameter, name, value) if parameter else [f"no parameter {name} is known"]
        needed = {name for (name, place), one in places.items() if place == "query" and one.get("required")}
        return found + [f"the parameter {name} is missing" for name in sorted(needed - set(names))]

    def _value_errors(self, parameter: dict[str, Any], name: str, text: str) -> list[str]:
        schema = self._resolved(parameter["schema"])
        value: Any = text
        if schema.get("type") == "integer":
            value = int(text) if text.isascii() and text.isdigit() else text
        elif schema.get("type") == "array":
            value = [one for one in text.split(",") if one not in _tolerated(name)]
            if not value:
                return []
        return [f"{name}: {error}" for error in self._errors(parameter["schema"], value)]

    def _in_body(self, operation: dict[str, Any], call: Call) -> list[str]:
        told = operation.get("requestBody")
        if told is None:
            return ["a body where none is known"] if call.body else []
        kind = told["content"].get(call.media_type)
        if kind is None:
            return [f"a body of the type {call.media_type!r}"] if call.body else ["the body is missing"]
        if call.media_type == "application/json" and not _is_json_object(call.body):
            return ["the body is not a JSON object"]
        data = {name: "" if isinstance(value, bytes) else value for name, value in call.data.items()}
        return self._errors(kind["schema"], data)

    def _errors(self, schema: dict[str, Any], value: Any) -> list[str]:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {"allOf": [schema], "components": self._document["components"]}
            self._validators[key] = Draft202012Validator(whole, format_checker=_FORMATS)
        errors = self._validators[key].iter_errors(value)
        return [f"{error.json_path}: {error.message[:300]}" for error in errors]

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema


@cache
def load() -> Schema | None:
    """None where the document isn't there: then nothing is checked."""
    return Schema(json.loads(DOCUMENT.read_text("utf-8"))) if DOCUMENT.exists() else None


def _tolerated(name: str) -> set[str]:
    if name == "tweet.fields":
        return _OLD_FIELDS
    return _OLD_EXPANSIONS if name == "expansions" else set()


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
