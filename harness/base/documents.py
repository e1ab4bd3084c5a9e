"""Reads untrusted YAML into plain values with their line numbers, ready to be typed.

The subset: one document of mappings, sequences and scalars. Anchors and aliases (a few bytes can expand into
gigabytes), tags, duplicate keys, and documents that are too long or too deep are refused. Plain scalars are
typed by YAML 1.2's core schema, so that ``no`` and ``1:30`` stay text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

from harness.base.errors import InvalidInput, Problem
from pipeline.base.settings_file import read_regular

FieldPath = tuple[str | int, ...]
"""Where a value stands in a document: ``("faults", 0, "kind")``."""

_MAX_BYTES: Final = 2**20
_MAX_DEPTH: Final = 16
_MAX_SHOWN: Final = 60
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")
_CONSTANTS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A mapping read from a file, with the line of each value."""

    name: str
    """The file, as the user named it."""
    data: dict[str, Any]
    lines: Mapping[FieldPath, int]
    """From 1."""
    problems: tuple[Problem, ...] = ()
    """Problems of the YAML that leave it readable: duplicate keys, tags, anchors."""

    def where(self, path: FieldPath) -> str:
        """``quickstart.yaml:12: load.time_scale``; a missing value gets its parent's line."""
        known = next((path[:n] for n in range(len(path), -1, -1) if path[:n] in self.lines), None)
        line = "" if known is None else f":{self.lines[known]}"
        return f"{self.name}{line}" + (f": {dotted(path)}" if path else "")

    def get(self, *path: str | int) -> Any:
        """The value at the path, or None."""
        value: Any = self.data
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def override(self, changes: Mapping[str, object]) -> Document:
        """The document with values replaced: ``{"load.duration": "20s"}``. Raises InvalidInput."""
        data = self.data
        for name, value in changes.items():
            data = _replaced(data, name.split("."), value, whole=name)
        return replace(self, data=data)


def _replaced(node: object, path: list[str], value: object, *, whole: str) -> dict[str, Any]:
    if not isinstance(node, dict):
        raise InvalidInput(
            [Problem(where=f"override: {whole}", found=shown(value), allowed="a field's path")]
        )
    if len(path) == 1:
        return {**node, path[0]: value}
    return {**node, path[0]: _replaced(node.get(path[0], {}), path[1:], value, whole=whole)}


def dotted(path: FieldPath) -> str:
    """``faults[0].kind``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def shown(value: object) -> str:
    """Format a value for a message: as YAML, on one line, truncated."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False, allow_unicode=True)
    text = text.removesuffix("...\n").strip().replace("\n", " ")
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


def read_document(path: Path) -> Document:
    """Read a file. Raises InvalidInput if it is unusable; see ``Document.problems`` for the rest."""
    try:
        raw = read_regular(path, at_most=_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise InvalidInput(
                [Problem(where=str(path), found="a larger file", allowed=f"at most {_MAX_BYTES} bytes")]
            )
        return parse_document(raw.decode(), name=str(path))
    except OSError as error:
        raise InvalidInput(
            [Problem(where=str(path), found=error.strerror or str(error), allowed="a readable YAML file")]
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            [Problem(where=str(path), found=f"byte {error.start} is not UTF-8", allowed="UTF-8")]
        ) from error


def parse_document(text: str, *, name: str) -> Document:
    """Read YAML text. Raises InvalidInput if it is unusable."""
    builder = _Builder(name=name)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise _unreadable(f"{name}{line}", error.problem or "broken YAML", builder) from error
    except yaml.YAMLError as error:
        raise _unreadable(name, shown(str(error)), builder) from error
    if not isinstance(builder.root, dict):
        raise _unreadable(name, shown(builder.root), builder, allowed="a mapping of fields to values")
    return Document(name=name, data=builder.root, lines=builder.lines, problems=tuple(builder.problems))


def _unreadable(where: str, found: str, builder: _Builder, *, allowed: str = "valid YAML") -> InvalidInput:
    return InvalidInput([*builder.problems, Problem(where=where, found=found, allowed=allowed)])


class _Refused(yaml.YAMLError):
    """The rest of the document cannot be parsed."""


@dataclass
class _Open:
    """A mapping or sequence that is still open."""

    value: dict[str, Any] | list[Any]
    path: FieldPath
    key: str | None = None
    """In a mapping, the key whose value comes next."""


@dataclass(kw_only=True)
class _Builder:
    """Builds the value from the parser's events, without recursion."""

    name: str
    root: Any = None
    lines: dict[FieldPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _documents: int = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        self._refuse_non_data(event, line)
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(self._open) >= _MAX_DEPTH:
                raise _Refused(f"line {line} is nested more than {_MAX_DEPTH} deep")
            value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Open(value, self._place(value, line)))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.AliasEvent):
            self._place(None, line)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)

    def _refuse_non_data(self, event: yaml.Event, line: int) -> None:
        refused = ""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            refused = "a second document" if self._documents > 1 else ""
        elif isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            refused = f"an anchor or alias, {event.anchor!r}"
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag not in (None, "!"):
            refused = f"a tag, {event.tag!r}"
        if refused:
            allowed = "one document of plain mappings, sequences and scalars"
            self.problems.append(Problem(where=f"{self.name}:{line}", found=refused, allowed=allowed))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        parent = self._open[-1] if self._open else None
        if parent is None or isinstance(parent.value, list) or parent.key is not None:
            self._place(_typed(event.value) if event.implicit[0] else event.value, line)
            return
        parent.key = event.value
        path = (*parent.path, event.value)
        if event.value in parent.value:
            self._duplicate(path, line)
        self.lines.setdefault(path, line)

    def _duplicate(self, path: FieldPath, line: int) -> None:
        first = self.lines[path]
        where = f"{self.name}:{line}: {dotted(path)}"
        self.problems.append(
            Problem(where=where, found=f"again, after line {first}", allowed="each field once")
        )

    def _place(self, value: Any, line: int) -> FieldPath:
        """Add a value to the innermost open collection, and return its path."""
        if not self._open:
            self.root = value
        path = self._put(self._open[-1], value, line) if self._open else ()
        self.lines.setdefault(path, line)
        return path

    def _put(self, parent: _Open, value: Any, line: int) -> FieldPath:
        if isinstance(parent.value, list):
            parent.value.append(value)
            return (*parent.path, len(parent.value) - 1)
        if parent.key is None:
            raise _Refused(f"line {line} has a key that is not text")
        key, parent.key = parent.key, None
        parent.value[key] = value
        return (*parent.path, key)


def _typed(text: str) -> Any:
    """A plain scalar by YAML 1.2's core schema, without its infinities and not-a-numbers."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
