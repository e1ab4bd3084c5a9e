"""All that the pipeline ever sees of where it runs: typed addresses and credentials.

The same values describe processes on loopback, containers and managed services. Only plaintext is exercised
today; TLS, SASL and IAM have their fields so that adding them changes no signature.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

SecurityProtocol = Literal["plaintext", "tls", "sasl_tls", "iam"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How a client proves who it is and whom it talks to. Secrets never show in ``repr``."""

    protocol: SecurityProtocol = "plaintext"
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaEndpoint:
    """Bootstrap servers as ``host:port``; ``replication_factor`` for the topics that the pipeline makes."""

    bootstrap_servers: tuple[str, ...]
    replication_factor: int = 3
    security: Security = Security()

    @property
    def bootstrap(self) -> str:
        """The servers as Kafka clients want them: joined by commas."""
        return ",".join(self.bootstrap_servers)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlinkEndpoint:
    """The SQL Gateway and JobManager REST addresses, and where checkpoints and savepoints go (URIs)."""

    sql_gateway_url: str
    rest_url: str
    checkpoint_uri: str
    savepoint_uri: str
    job_jar: str | None = None
    """The stream job's jar (pipeline/stream/build.py), as the SQL Gateway sees it; None when the cluster's
    class path has it."""
    security: Security = Security()


@dataclass(frozen=True, slots=True, kw_only=True)
class CassandraEndpoint:
    """Contact points share one port; ``replication_factor`` is that of the local datacenter."""

    contact_points: tuple[str, ...]
    port: int
    datacenter: str
    replication_factor: int = 3
    security: Security = Security()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """One running platform. A service that the topology lacks is None."""

    kafka: KafkaEndpoint
    flink: FlinkEndpoint
    cassandra: CassandraEndpoint

    def save(self, path: Path) -> None:
        """Write for a child process, readable by the owner alone: it may hold credentials."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2))

    @staticmethod
    def load(path: Path) -> Endpoints:
        """Read what ``save`` wrote. Raises OSError, ValueError or TypeError when it is not that."""
        raw: dict[str, Any] = json.loads(path.read_text())

        def fields(name: str) -> dict[str, Any]:
            values: dict[str, Any] = raw[name]
            lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
            return values | lists | {"security": Security(**values["security"])}

        return Endpoints(
            kafka=KafkaEndpoint(**fields("kafka")),
            flink=FlinkEndpoint(**fields("flink")),
            cassandra=CassandraEndpoint(**fields("cassandra")),
        )
