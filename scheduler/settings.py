"""The workspace's settings: `config/*.toml`, typed, with file and line for whatever is wrong in them."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from channels.contract import Site
from channels.duration import Duration
from channels.piece import Kind, Phase
from channels.registry import UnknownAdapter, adapter

FILES = ("julki", "audiences", "projects", "team")
