"""What a deployment makes and leaves behind, whichever part of the pipeline it is of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline import deployment
from pipeline.deployment import Pipeline
from pipeline.endpoints import Endpoints, KafkaEndpoint, ObjectStoreEndpoint
from pipeline.options import PipelineOptions

ENDPOINTS = Endpoints(
    (
        KafkaEndpoint(bootstrap_servers=("127.0.0.1:1",)),
        ObjectStoreEndpoint(url="http://127.0.0.1:1"),
    )
)


@pytest.fixture
def did(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the engines, in order."""
    told: list[str] = []

    class Topics:
        def __init__(self, endpoint: KafkaEndpoint) -> None:
            pass

        def create(self, topics: Sequence[str], options: object) -> None:
            told.append("make topics")

        def delete(self, topics: Sequence[str]) -> None:
            told.append("remove topics")

    monkeypatch.setattr(deployment, "Topics", Topics)
    monkeypatch.setattr(deployment, "deploy_lake", lambda endpoint: told.append("make lake"))
    monkeypatch.setattr(deployment, "undeploy_lake", lambda endpoint: told.append("remove lake"))
    return told


@pytest.mark.parametrize(("deploy", "parts"), [("topics", {"topics"}), ("lake", {"topics", "lake"})])
def test_all_that_was_deployed_is_removed(did: list[str], deploy: str, parts: set[str]) -> None:
    pipeline = Pipeline(ENDPOINTS, PipelineOptions(deploy=deploy))  # type: ignore[arg-type]
    pipeline.deploy()
    assert set(did) == {f"make {part}" for part in parts}
    did.clear()
    pipeline.undeploy()
    assert set(did) == {f"remove {part}" for part in parts}
