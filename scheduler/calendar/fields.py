"""The front matter, typed: one model of every field, and what else each may be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from channels.duration import parse_duration
from channels.piece import Image, Override, Phase, Status
from scheduler.calendar.document import without_control
from scheduler.calendar.finding import shortened
from scheduler.calendar.walltime import WallTimeError, to_utc

ALIASES: Mapping[str, tuple[str, ...]] = {
    "publish_at": ("date",),
    "summary": ("description", "excerpt"),
    "tags": ("topics", "categories"),
    "authors": ("author",),
    "expires_at": ("expirydate", "expiryDate"),
    "ends_at": ("end_date",),
}
"""Field → what Hugo and Jekyll call it; the first that is given counts."""

_YES, _NO = frozenset(("true", "yes", "on", "1")), frozenset(("false", "no", "off", "0"))


def _wrong(rule: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("finding", "{rule} {message}", {"rule": rule, "message": message})


def _text(value: Any) -> Any:
    return without_control(value) if isinstance(value, str) else "" if value is None else value


def _line(value: Any) -> Any:
    value = _text(value)
    return " ".join(value.splitlines()) if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """A list of texts, each once, the empty ones left out; one text is a list of it."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(one is None or isinstance(one, str) for one in value):
        raise _wrong("wrong-type", "should be a list of texts. Write it like [one, two].")
    return tuple(dict.fromkeys(text for one in value if one and (text := without_control(one).strip())))


def _hashtags(value: Any) -> Any:
    return tuple(dict.fromkeys(tag for one in _listed(value) if (tag := one.lstrip("#＃").strip())))


def _flag(value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _YES | _NO:
        raise _wrong("wrong-type", "should be true or false.")
    return word in _YES


def _moment(value: Any, info: ValidationInfo) -> datetime:
    if not isinstance(value, str):
        raise _wrong("wrong-type", "should be a time, like 2026-11-30 09:00.")
    try:
        return to_utc(value, info.context["zone"] if info.context else "UTC")
    except WallTimeError as error:
        raise _wrong(error.rule, str(error)) from None


def _duration(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise _wrong("wrong-type", "should be a duration, like 2h or 1h30m.")
    try:
        return parse_duration(value)
    except ValueError as error:
        raise _wrong("bad-duration", str(error)) from None


def _running_time(value: Any) -> timedelta:
    """A video's: also as players show it, `3:25` or `1:02:03`."""
    if isinstance(value, str) and ":" in value:
        parts = value.strip().split(":")
        if len(parts) > 3 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
            raise _wrong("bad-duration", f"'{shortened(value)}' is not a duration. Write it like 3:25 or 3m25s.")
        seconds = 0
        for part in parts:
            seconds = seconds * 60 + int(part)
        return timedelta(seconds=seconds)
    return _duration(value)


def _at(value: Any, info: ValidationInfo) -> datetime | timedelta:
    if isinstance(value, str) and value.strip().startswith("+"):
        return _duration(value.strip()[1:])
    try:
        return _moment(value, info)
    except PydanticCustomError as error:
        told = error.context or {}
        if told.get("rule") != WallTimeError.rule:
            raise
        raise _wrong(WallTimeError.rule, f"{told['message']} Or count from publish_at: +2h.") from None


def _named(key: str) -> Callable[[Any], Any]:
    """A group that may be written as its one main value."""
    return lambda value: {key: value} if isinstance(value, str) else value


def _several(value: Any) -> Any:
    """One, or a list."""
    return [one for one in value if one is not None] if isinstance(value, list) else [] if value is None else [value]


def _channels(value: Any) -> Any:
    """Channel → overrides; a list names channels without any."""
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, list) and all(one is None or isinstance(one, str) for one in value):
        return {one: {} for one in value if one}
    if not isinstance(value, dict):
        raise _wrong("wrong-type", "should be a list of channels. Write it like [website, x].")
    return {name: {} if given is None else given for name, given in value.items()}


Text = Annotated[str, BeforeValidator(_text)]
Line = Annotated[str, BeforeValidator(_line)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
At = Annotated[datetime | timedelta, BeforeValidator(_at)]
Late = Annotated[timedelta, BeforeValidator(_duration)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)


class ImageFields(_Group):
    src: Line = ""
    alt: Line = ""


Named = Annotated[ImageFields, BeforeValidator(_named("src"))]
"""A picture, written as a group or as its file alone."""


class VideoFields(_Group):
    url: Line = ""
    duration: Annotated[timedelta, BeforeValidator(_running_time)] | None = None
    captions: Line = ""
    transcript: Text = ""


class ChannelFields(_Group):
    text: Text = ""
    subject: Line = ""
    at: At | None = None
    segment: Line = ""
    skip: Flag = False
    images: Annotated[tuple[Named, ...], BeforeValidator(_several)] = ()

    def override(self) -> Override:
        images = tuple(Image(one.src, one.alt) for one in self.images if one.src)
        return Override(self.text, self.subject, self.at, self.segment, self.skip, images)


class Fields(_Group):
    """Every field of the design's table. Times are aware and in UTC; what is absent or empty has its default."""

    title: Line = ""
    publish_at: Moment | None = None
    status: Status | None = None
    draft: Flag = False
    kind: Line = ""
    channels: Annotated[dict[str, ChannelFields], BeforeValidator(_channels)] | None = None
    lang: Line = ""
    translation_of: Line = ""
    slug: Line = ""
    summary: Text = ""
    authors: Texts = ()
    tags: Texts = ()
    image: Named = Field(default=ImageFields())
    client: Line = ""
    project: Line = ""
    phase: Phase | None = None
    audiences: Texts = ()
    after: Line = ""
    late: Late | None = None
    expires_at: Moment | None = None
    video: Annotated[VideoFields, BeforeValidator(_named("url"))] | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    place: Line = ""
    hashtags: Annotated[tuple[str, ...], BeforeValidator(_hashtags)] = ()
    live: Flag = False
    thread: Flag = False


GROUPS: Mapping[str, type[_Group]] = {"image": ImageFields, "video": VideoFields}
FIELDS = frozenset(Fields.model_fields)
KEYS = FIELDS | {alias for aliases in ALIASES.values() for alias in aliases}
"""All that a front matter may say at its top."""

_SHOULD = {
    "string_type": "should be text. Write it on one line after the colon, in quotes if it holds brackets.",
    "model_type": "should be a group of indented 'key: value' lines.",
    "model_attributes_type": "should be a group of indented 'key: value' lines.",
    "dict_type": "should be a list, or a group of indented 'key: value' lines.",
}


def typed(values: Mapping[str, Any], zone: str) -> tuple[Fields, list[tuple[str, str, str]]]:
    """The fields, and for each that can't be typed (and so has its default): dotted path, rule, message."""
    try:
        return Fields.model_validate(values, context={"zone": zone}), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=True)
    wrong = {str(one["loc"][0]) for one in details}
    rest = {key: value for key, value in values.items() if key not in wrong}
    return Fields.model_validate(rest, context={"zone": zone}), [_told(one) for one in details]


def _told(error: ErrorDetails) -> tuple[str, str, str]:
    path = ".".join(str(step) for step in error["loc"])
    if error["type"] == "finding":
        rule, message = error["ctx"]["rule"], error["ctx"]["message"]
        return path, rule, f"{shortened(path)} {message}" if rule == "wrong-type" else message
    if error["type"] == "literal_error":
        given = error["input"] if isinstance(error["input"], str) else "that"
        expected = error["ctx"]["expected"].replace("'", "")
        return path, "wrong-type", f"{path} is one of {expected}, not '{shortened(given)}'."
    return path, "wrong-type", f"{shortened(path)} {_SHOULD.get(error['type'], 'can not be read.')}"
