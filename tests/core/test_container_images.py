"""What an image is made of, and when it has another digest. Nothing here needs a Docker engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.artifacts import Artifacts
from harness.backends.container.images import DOCKERFILE, Image, images_of
from harness.base.errors import PlatformError
from harness.services.registry import SERVICES

DOCKER = """FROM debian AS java
RUN one

FROM java AS kafka
COPY engine /k

FROM java AS flink
COPY engine /f
"""


def image(service: str = "kafka", *, dockerfile: str = DOCKER, home: str = "kafka-1") -> Image:
    return images_of([service], Artifacts(homes={service: Path(home)}), dockerfile)[service]


def test_a_target_is_sent_with_what_it_is_based_on_and_nothing_else() -> None:
    assert image().dockerfile == "FROM debian AS java\nRUN one\n\nFROM java AS kafka\nCOPY engine /k\n\n"
    assert image("flink").dockerfile.endswith("FROM java AS flink\nCOPY engine /f\n")


def test_the_tag_changes_with_the_locked_files_and_with_the_target_but_not_with_other_targets() -> None:
    assert image().tag == image().tag
    assert image(home="kafka-2").tag != image().tag
    assert image(dockerfile=DOCKER.replace("/k", "/other")).tag != image().tag
    assert image(dockerfile=DOCKER.replace("one", "two")).tag != image().tag
    assert image(dockerfile=DOCKER.replace("/f", "/other")).tag == image().tag


def test_a_service_without_a_target_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(PlatformError, match="has no target 'redis'; it has java, kafka, flink"):
        image("redis")


def test_the_dockerfile_has_a_target_for_every_service_that_must_have_nodes() -> None:
    needed = [name for name, service in SERVICES.items() if service.needs_nodes]
    homes = Artifacts(homes={name: Path(name) for name in needed})
    images = images_of(needed, homes, DOCKERFILE.read_text())
    for name in needed:
        assert f"COPY engine {images[name].home}" in images[name].dockerfile
