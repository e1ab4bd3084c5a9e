"""The pipeline as a whole: topics, hot store, Flink job and lake, deployed on a running platform."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipeline.cassandra import connect, execute_schema
from pipeline.contract.derive import event_contract
from pipeline.contract.topics import TOPICS
from pipeline.endpoints import Endpoints
from pipeline.hot.schema import create_statements, drop_statement
from pipeline.hot.writer import HOT_GROUP
from pipeline.kafka import Topics
from pipeline.lake.deployment import deploy_lake, undeploy_lake
from pipeline.options import PipelineOptions
from pipeline.stream.deployment import StreamDeployment, StreamStatus
from pipeline.stream.render import SOURCE_GROUP, JobDefinition, job_definition


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStatus:
    """How the pipeline goes."""

    stream: StreamStatus | None
    """None when the job was never started, or is not deployed."""


class Pipeline:
    """One deployment. Every method may be repeated, and raises PipelineError's kinds."""

    def __init__(self, endpoints: Endpoints, options: PipelineOptions) -> None:
        self._endpoints = endpoints
        self._options = options
        self._contract = event_contract()
        self._topics = Topics(endpoints.kafka)

    @property
    def _stream(self) -> StreamDeployment:
        return StreamDeployment(self._endpoints.flink)

    def deploy(self) -> None:
        """Make the topics, the lake, the hot store and the job; what is there already is left alone."""
        self._topics.create(TOPICS, self._options.topics)
        if self._options.has_lake:
            deploy_lake(self._endpoints.object_store)
        if not self._options.streams:
            return
        # Both mostly wait, for agreement among the nodes and for tasks to start.
        with ThreadPoolExecutor(1, thread_name_prefix="deploy") as pool:
            tables = pool.submit(self._create_tables)
            self._stream.start(self._definition(self._options))
            tables.result()

    def upgrade(self, options: PipelineOptions) -> None:
        """Let the job go on under other options, from a savepoint: nothing is lost, repeated or forgotten.

        Only the stream's options are looked at. When the new job does not start, the old one goes on and
        JobFailed is raised.
        """
        self._stream.upgrade(self._definition(self._options), self._definition(options))
        self._options = options

    def undeploy(self) -> None:
        """Leave nothing: no lake, no job, no checkpoints, no topics, no consumer groups, no keyspace.

        Hot writers must have been stopped by whoever started them.
        """
        if self._options.has_lake:
            undeploy_lake(self._endpoints.object_store)
        if not self._options.streams:
            self._topics.delete(TOPICS)
            return
        self._stream.stop()
        self._topics.delete(TOPICS)
        self._topics.forget_groups((SOURCE_GROUP, HOT_GROUP))
        with connect(self._endpoints.cassandra) as session:
            execute_schema(session, (drop_statement(),))

    def status(self) -> PipelineStatus:
        """How the pipeline goes, asked of the engines now."""
        return PipelineStatus(stream=self._stream.status() if self._options.streams else None)

    def writers(
        self, *, endpoints_file: Path, options_file: Path, metrics_folder: Path
    ) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Name and command of every hot writer, for whoever runs the platform to start.

        The files hold what ``Endpoints.save`` and ``PipelineOptions.save`` wrote. Writer n appends to
        ``hot_writes-<n>.jsonl`` in the metrics' folder. There are none where the stream path is not deployed.
        """
        if not self._options.streams:
            return ()
        return tuple(
            (
                f"hot-writer-{number}",
                (
                    *(sys.executable, "-m", "pipeline.hot"),
                    *("--endpoints", str(endpoints_file), "--options", str(options_file)),
                    *("--index", str(number)),
                    *("--metrics", str(metrics_folder / f"hot_writes-{number}.jsonl")),
                ),
            )
            for number in range(1, self._options.hot.writers + 1)
        )

    def _create_tables(self) -> None:
        cassandra = self._endpoints.cassandra
        with connect(cassandra) as session:
            execute_schema(
                session,
                create_statements(
                    self._contract,
                    datacenter=cassandra.datacenter,
                    replication_factor=cassandra.replication_factor,
                    ttl_s=self._options.hot.ttl_s,
                ),
            )

    def _definition(self, options: PipelineOptions) -> JobDefinition:
        return job_definition(self._endpoints, options.stream, self._contract)
