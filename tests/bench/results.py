"""Where the results of a bench go, with where they come from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import orjson

from harness.artifacts.engines import read_specs
from harness.artifacts.java import find_java
from harness.run.provenance import Provenance


def save(path: Path, results: Mapping[str, object], *, engines: Collection[str]) -> None:
    """Write the results in one step, with the machine, the commit and the versions that they come from."""
    here = Provenance.here()
    document = {
        "evidence": "measured",
        "commit": here.commit,
        "machine": here.machine,
        "versions": {**here.versions, **_versions(engines)},
        **results,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    partial.replace(path)


def _versions(engines: Collection[str]) -> dict[str, str]:
    """Each engine's version is that of the first thing it is made of."""
    versions = {spec.name: spec.maven[0].version for spec in read_specs() if spec.name in engines}
    return {"java": find_java().version, **versions}
