"""Renders the engines' configuration templates, and applies a topology's settings to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import compose

FOLDER: Final = Path(compose.__file__).parent
_environment = Environment(
    loader=FileSystemLoader(FOLDER),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701 -- configuration files, not HTML
)
Settings = Mapping[str, str | int | float | bool]


def render(template: str, **values: object) -> str:
    """Render ``kafka/server.properties.j2``, for example. A missing value is an error."""
    return _environment.get_template(template).render(**values)


def properties(text: str, settings: Settings) -> str:
    """A Java properties file, with its lines replaced by the settings, or the settings added."""
    lines = [line for line in text.splitlines() if line.partition("=")[0].strip() not in settings]
    return "\n".join(lines + [f"{name}={_property(value)}" for name, value in settings.items()]) + "\n"


def yaml_document(text: str, settings: Settings) -> str:
    """A YAML mapping, with its top-level fields replaced by the settings, or the settings added."""
    return yaml.safe_dump({**yaml.safe_load(text), **settings}, sort_keys=False)


def _property(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
