"""All that the pipeline ever sees of where it runs: typed addresses and credentials.

The same values describe processes on loopback, containers and managed services. Which security is honoured is
in pipeline/base/security.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, make_dataclass, replace
from pathlib import Path
from types import GenericAlias
from typing import ClassVar, Final, Literal, TypeVar, get_args

from pipeline.base.errors import NoSuchRegion, NoSuchService
from pipeline.base.settings_file import read_settings

SecurityProtocol = Literal["plaintext", "tls", "sasl_plaintext", "sasl_tls", "iam"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How a client proves who it is and whom it talks to. Secrets never show in ``repr``."""

    protocol: SecurityProtocol = "plaintext"
    ca_file: str | None = None
    """Who may vouch for the servers, as PEM; those whom the system trusts when it is left out."""
    certificate_file: str | None = None
    """The client's own, as PEM, for servers that ask for one."""
    key_file: str | None = None
    mechanism: SaslMechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    unencrypted_beyond_loopback: bool = False
    """Whether ``sasl_plaintext`` may leave this machine: who listens reads what is sent."""
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaEndpoint:
    """Bootstrap servers as ``host:port``; ``replication_factor`` for the topics that the pipeline makes."""

    service: ClassVar[str] = "kafka"
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

    service: ClassVar[str] = "flink"
    sql_gateway_url: str
    rest_url: str
    checkpoint_uri: str
    savepoint_uri: str
    job_jar: str | None = None
    """The stream job's jar (pipeline/base/java_part.py), as the SQL Gateway sees it; None when the cluster's
    class path has it."""
    security: Security = Security()


@dataclass(frozen=True, slots=True, kw_only=True)
class CassandraEndpoint:
    """Contact points share one port; ``replication_factor`` is that of the local datacenter."""

    service: ClassVar[str] = "cassandra"
    contact_points: tuple[str, ...]
    port: int
    datacenter: str
    replication_factor: int = 3
    security: Security = Security()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStoreEndpoint:
    """An S3-compatible object store, and the bucket of the lake in it."""

    service: ClassVar[str] = "object_store"
    url: str
    """``http://host:port``, or ``https://s3.eu-central-1.amazonaws.com``."""
    bucket: str = "lake"
    region: str = "us-east-1"
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    """With the access key, or neither: then clients use the role of the machine that they run on."""
    path_style: bool = True
    """Whether the bucket stands in the path, and not in the name of the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkEndpoint:
    """Where Spark jobs run, and what their driver is started with. The driver is the job's own process.

    ``local[2]`` is a session without a cluster: two threads in the driver.
    """

    service: ClassVar[str] = "spark"
    master: str
    """``local[<cores>]`` or ``spark://host:port``."""
    jars: tuple[str, ...]
    """Delta, S3A and the Kafka source, as driver and executors see them."""
    driver_heap_bytes: int
    executor_heap_bytes: int | None = None
    """Of each executor of a cluster."""
    driver_host: str = "127.0.0.1"
    """Where executors reach the driver."""
    java_home: str | None = None
    """The driver's Java; what the system has when it is left out."""
    java_options: tuple[str, ...] = ()
    """More options of the virtual machines of driver and executors."""
    class_archives: str | None = None
    """A folder for archives of loaded classes, of one version of Java: the first driver with a class path
    makes one, and others start from it in half of the time."""


Endpoint = KafkaEndpoint | FlinkEndpoint | CassandraEndpoint | ObjectStoreEndpoint | SparkEndpoint
"""Every kind. To add one: its class above, and its name here."""
HOME: Final = "home"
"""The region of a platform that names none."""
_Wanted = TypeVar("_Wanted", bound=Endpoint)
_KINDS: Final[Mapping[str, type[Endpoint]]] = {kind.service: kind for kind in get_args(Endpoint)}
_REGION, _ELSEWHERE = "region", "elsewhere"
_OtherRegion = make_dataclass("_OtherRegion", [(name, kind | None, None) for name, kind in _KINDS.items()])


@dataclass(frozen=True, slots=True)
class Endpoints:
    """One running platform: an endpoint for each service that it has. To ask for another is an error."""

    services: tuple[Endpoint, ...]
    """Of the home region, where the pipeline is deployed."""
    region: str = HOME
    """What the home region is called."""
    elsewhere: tuple[Endpoints, ...] = ()
    """The platform's other regions."""

    def of(self, kind: type[_Wanted]) -> _Wanted:
        """The endpoint of a kind: ``endpoints.of(KafkaEndpoint)``. Raises ``NoSuchService``."""
        for endpoint in self.services:
            if isinstance(endpoint, kind):
                return endpoint
        raise NoSuchService(kind.service, [endpoint.service for endpoint in self.services])

    def in_region(self, region: str) -> Endpoints:
        """What one region has: ``endpoints.in_region("us").kafka``. Raises ``NoSuchRegion``."""
        regions = (replace(self, elsewhere=()), *self.elsewhere)
        for one in regions:
            if one.region == region:
                return one
        raise NoSuchRegion(region, [one.region for one in regions])

    @property
    def kafka(self) -> KafkaEndpoint:
        """Raises ``NoSuchService``."""
        return self.of(KafkaEndpoint)

    @property
    def flink(self) -> FlinkEndpoint:
        """Raises ``NoSuchService``."""
        return self.of(FlinkEndpoint)

    @property
    def cassandra(self) -> CassandraEndpoint:
        """Raises ``NoSuchService``."""
        return self.of(CassandraEndpoint)

    @property
    def object_store(self) -> ObjectStoreEndpoint:
        """Raises ``NoSuchService``."""
        return self.of(ObjectStoreEndpoint)

    @property
    def spark(self) -> SparkEndpoint:
        """Raises ``NoSuchService``."""
        return self.of(SparkEndpoint)

    def adding(self, endpoint: Endpoint) -> Endpoints:
        """The same platform with this service, in place of the one that it may have."""
        others = (e for e in self.services if e.service != endpoint.service)
        return replace(self, services=(*others, endpoint))

    def replacing(self, endpoint: Endpoint) -> Endpoints:
        """The same platform, with this endpoint in the place of its service's."""
        services = (endpoint if e.service == endpoint.service else e for e in self.services)
        return replace(self, services=tuple(services))

    def only(self, services: Collection[str]) -> Endpoints:
        """The same platform, with no services but these."""
        return replace(self, services=tuple(e for e in self.services if e.service in services))

    def save(self, path: Path) -> None:
        """Write for a child process, readable by the owner alone: it may hold credentials."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            # A file that was there before keeps its own mode otherwise.
            os.fchmod(descriptor, 0o600)
            file.write(self.dumps())

    def dumps(self) -> str:
        """As JSON; it may hold credentials."""
        return json.dumps(self._by_service(), indent=2)

    def _by_service(self) -> dict[str, object]:
        """The services by name, and the regions where they have names."""
        services: dict[str, object] = {e.service: asdict(e) for e in self.services}
        region = {} if self.region == HOME else {_REGION: self.region}
        others = {one.region: {e.service: asdict(e) for e in one.services} for one in self.elsewhere}
        return {**services, **region, **({_ELSEWHERE: others} if others else {})}

    @staticmethod
    def load(path: Path) -> Endpoints:
        """Read what ``save`` wrote. Raises SettingsRefused when it is not that."""
        found = read_settings(
            path, {**_KINDS, _REGION: str, _ELSEWHERE: GenericAlias(dict, (str, _OtherRegion))}
        )
        region, elsewhere = found.pop(_REGION, HOME), found.pop(_ELSEWHERE, {})
        others = (
            Endpoints(tuple(e for e in vars(services).values() if e is not None), region=name)
            for name, services in elsewhere.items()
        )
        return Endpoints(tuple(found.values()), region=region, elsewhere=tuple(others))
