"""Renamed words of scenarios: rejected in a file, understood in the record of an old run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

RENAMED_CHECKS: Final[Mapping[str, str]] = MappingProxyType(
    {"batch_duration": "lake_duration", "batch_cpu": "lake_cpu", "batch_bytes": "lake_bytes"}
)
_DEPLOY: Final[Mapping[str, list[str]]] = MappingProxyType(
    {"stream_path": ["stream"], "topics": [], "batch": ["lake"], "lambda": ["stream", "lake"]}
)
_PATHS: Final[Mapping[str, str]] = MappingProxyType({"live": "events", "replay": "record_batches"})
_DURING: Final = re.compile(r"(\bduring\b.*)\bbatch\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """An old word, its location, and its replacement."""

    at: tuple[str | int, ...]
    old: str
    new: str


def with_new_words(data: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Renamed, ...]]:
    """Return a copy of a scenario's sections in current words, and every old word that was replaced."""
    renamer = _Renamer()
    return renamer.scenario(data), tuple(renamer.found)


def topology_with_new_words(data: Any, at: tuple[str | int, ...] = ()) -> tuple[Any, tuple[Renamed, ...]]:
    """The topology at ``at`` in its document, in current words, and every old word that was replaced."""
    renamer = _Renamer()
    return renamer.topology(data, at), tuple(renamer.found)


class _Renamer:
    def __init__(self) -> None:
        self.found: list[Renamed] = []

    def scenario(self, data: Mapping[str, Any]) -> dict[str, Any]:
        new = self._key(dict(data), (), "batch", "lake")
        if isinstance(pipeline := new.get("pipeline"), dict):
            new["pipeline"] = self._pipeline(self._key(pipeline, ("pipeline",), "batch", "lake"))
        if isinstance(load := new.get("load"), dict) and (path := self._word(_PATHS, load.get("path"))):
            new["load"] = {**load, "path": self._replace(("load", "path"), load["path"], path)}
        if "topology" in new:
            new["topology"] = self.topology(new["topology"], ("topology",))
        if isinstance(expect := new.get("expect"), list):
            new["expect"] = [self._expectation(n, item) for n, item in enumerate(expect)]
        if isinstance(names := new.get("expect_fail"), list):
            new["expect_fail"] = [self._check(("expect_fail", n), name) for n, name in enumerate(names)]
        return new

    def topology(self, data: Any, at: tuple[str | int, ...]) -> Any:
        if not isinstance(data, dict) or not isinstance(services := data.get("services"), dict):
            return data
        place = (*at, "services")
        return {
            **data,
            "services": {name: self._roles(roles, (*place, name)) for name, roles in services.items()},
        }

    def _roles(self, roles: Any, at: tuple[str | int, ...]) -> Any:
        if not isinstance(roles, dict):
            return roles
        return {
            role: self._key(size, (*at, role), "heap", "memory") if isinstance(size, dict) else size
            for role, size in roles.items()
        }

    def _key(self, data: dict[str, Any], at: tuple[str | int, ...], old: str, new: str) -> dict[str, Any]:
        if old not in data or new in data:
            return data
        self._replace((*at, old), old, new)
        return {new if key == old else key: value for key, value in data.items()}

    def _pipeline(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        deploy = pipeline.get("deploy")
        if not isinstance(deploy, str) or deploy not in _DEPLOY:
            return pipeline
        layers = _DEPLOY[deploy]
        self._replace(("pipeline", "deploy"), deploy, f"[{', '.join(layers)}]")
        return {**pipeline, "deploy": layers}

    def _expectation(self, n: int, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        new = dict(item)
        if "check" in item:
            new["check"] = self._check(("expect", n, "check"), item["check"])
        if isinstance(limits := item.get("thresholds"), list):
            places = ((("expect", n, "thresholds", m), limit) for m, limit in enumerate(limits))
            new["thresholds"] = [self._during(at, limit) for at, limit in places]
        return new

    def _check(self, at: tuple[str | int, ...], name: Any) -> Any:
        new = self._word(RENAMED_CHECKS, name)
        return self._replace(at, name, new) if new else name

    def _during(self, at: tuple[str | int, ...], limit: Any) -> Any:
        if not isinstance(limit, str) or not _DURING.search(limit):
            return limit
        return self._replace(at, limit, _DURING.sub(r"\1lake", limit))

    def _word(self, words: Mapping[str, str], value: Any) -> str:
        return words.get(value, "") if isinstance(value, str) else ""

    def _replace(self, at: tuple[str | int, ...], old: str, new: str) -> str:
        self.found.append(Renamed(at=at, old=old, new=new))
        return new
