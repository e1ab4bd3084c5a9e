"""The stream layer: the Flink job, and the hot store with the writers that fill it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.base.endpoints import CassandraEndpoint, Endpoints
from pipeline.base.options import HotOptions, LayerName, PipelineOptions
from pipeline.contract.derive import event_contract
from pipeline.layers.protocol import LayerStatus, Process, ProcessFiles

if TYPE_CHECKING:
    from pipeline.stream.render import JobDefinition


class StreamLayer:
    """Writer n appends to ``hot_writes-<n>.jsonl`` in the folder of metrics."""

    name: LayerName = "stream"
    services: Sequence[str] = ("flink", "cassandra")

    def processes(self, options: PipelineOptions) -> Sequence[Process]:
        """The hot writers."""
        return tuple(_writer(number) for number in range(1, options.hot.writers + 1))

    def deploy(self, endpoints: Endpoints, options: PipelineOptions) -> None:
        """Create the hot store's tables and start the job."""
        from pipeline.stream.deployment import StreamDeployment

        # Both mostly wait, for agreement among the nodes and for tasks to start.
        with ThreadPoolExecutor(1, thread_name_prefix="deploy") as pool:
            tables = pool.submit(_create_tables, endpoints.cassandra, options.hot)
            StreamDeployment(endpoints.flink).start(_definition(endpoints, options))
            tables.result()

    def upgrade(self, endpoints: Endpoints, old: PipelineOptions, new: PipelineOptions) -> None:
        """Continue the job from a savepoint.

        Only the stream's options are looked at. When the new job does not start, the old one continues and
        JobFailed is raised.
        """
        from pipeline.stream.deployment import StreamDeployment

        deployment = StreamDeployment(endpoints.flink)
        deployment.upgrade(_definition(endpoints, old), _definition(endpoints, new))

    def undeploy(self, endpoints: Endpoints) -> None:
        """Leave no job, no checkpoints, no consumer groups and no keyspace."""
        from pipeline.base.cassandra import connect, execute_schema
        from pipeline.base.kafka import Topics
        from pipeline.hot.schema import drop_statement
        from pipeline.hot.writer import HOT_GROUP
        from pipeline.stream.deployment import StreamDeployment
        from pipeline.stream.render import SOURCE_GROUP

        StreamDeployment(endpoints.flink).stop()
        Topics(endpoints.kafka).forget_groups((SOURCE_GROUP, HOT_GROUP))
        with connect(endpoints.cassandra) as session:
            execute_schema(session, (drop_statement(),))

    def status(self, endpoints: Endpoints) -> LayerStatus:
        """That of the job."""
        from pipeline.stream.deployment import StreamDeployment

        job = StreamDeployment(endpoints.flink).status()
        return LayerStatus(deployed=job is not None and not job.ended, detail=job.state if job else "")


def _writer(number: int) -> Process:
    def command(files: ProcessFiles) -> tuple[str, ...]:
        return (
            *(sys.executable, "-m", "pipeline.hot"),
            *("--endpoints", str(files.endpoints), "--options", str(files.options)),
            *("--index", str(number)),
            *("--metrics", str(files.metrics / f"hot_writes-{number}.jsonl")),
        )

    return Process(name=f"hot-writer-{number}", command=command)


def _create_tables(cassandra: CassandraEndpoint, options: HotOptions) -> None:
    from pipeline.base.cassandra import connect, execute_schema
    from pipeline.hot.schema import create_statements

    with connect(cassandra) as session:
        execute_schema(
            session,
            create_statements(
                event_contract(),
                datacenter=cassandra.datacenter,
                replication_factor=cassandra.replication_factor,
                ttl_s=options.ttl_s,
            ),
        )


def _definition(endpoints: Endpoints, options: PipelineOptions) -> JobDefinition:
    from pipeline.stream.render import job_definition

    return job_definition(endpoints, options.stream, event_contract())
