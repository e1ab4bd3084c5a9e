"""The object store: S3Proxy, which speaks S3 and keeps objects as files."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from harness.services.jvm import MIB, java_launch
from harness.services.protocol import Cluster, Launch, Node, Role
from harness.services.templates import FOLDER, properties, render
from pipeline.base.endpoints import Endpoints, ObjectStoreEndpoint

PORT: Final = 9000
_NODE: Final = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Credentials:
    """One platform's credentials, created when it starts."""

    access_key: str
    secret_key: str


class ObjectStore:
    """One store; all nodes serve the same objects."""

    name: Final = "object_store"
    needs_nodes: Final = True
    needs_java: Final = True
    needs: Final[tuple[str, ...]] = ()
    roles: Final[Mapping[str, Role]] = MappingProxyType({_NODE: Role(ports=(PORT,))})

    def prepare(self, cluster: Cluster) -> None:
        """Create the folder of objects, and the credentials, which are kept only in a file."""
        _objects(cluster).mkdir(parents=True, exist_ok=True)
        made = _Credentials(access_key=secrets.token_hex(8), secret_key=secrets.token_hex(24))
        descriptor = os.open(_credentials_file(cluster), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(made), file)

    def launch(self, node: Node, cluster: Cluster, endpoints: Endpoints) -> Launch:
        """Launch a server of the shared objects."""
        conf = node.conf_dir
        credentials = _credentials(cluster)
        settings = render(
            "object_store/s3proxy.conf.j2",
            address=node.address,
            port=PORT,
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            objects=_objects(cluster),
        )
        return java_launch(
            node,
            cluster,
            options=render("object_store/jvm.options.j2", heap_mib=node.spec.memory_bytes // MIB, conf=conf),
            main="org.gaul.s3proxy.Main",
            arguments=("--properties", str(conf / "s3proxy.conf")),
            files={
                conf / "s3proxy.conf": properties(settings, node.spec.settings),
                conf / "logback.xml": (FOLDER / "object_store" / "logback.xml").read_text(),
            },
        )

    def check_ready(self, node: Node, cluster: Cluster) -> None:
        """Write an object and read it back, through this node."""
        # Imported here: listing services needs no client.
        from harness.services.object_store_probe import check_store  # noqa: PLC0415

        check_store(_endpoint(node, cluster))

    def endpoint(self, cluster: Cluster) -> ObjectStoreEndpoint:
        """The first node; deploying the lake creates its bucket."""
        return _endpoint(cluster.role(_NODE)[0], cluster)


def _endpoint(node: Node, cluster: Cluster) -> ObjectStoreEndpoint:
    credentials = _credentials(cluster)
    return ObjectStoreEndpoint(
        url=f"http://{node.address}:{PORT}",
        access_key=credentials.access_key,
        secret_key=credentials.secret_key,
    )


def _objects(cluster: Cluster) -> Path:
    return cluster.shared_dir / "objects"


def _credentials_file(cluster: Cluster) -> Path:
    return cluster.shared_dir / "credentials.json"


def _credentials(cluster: Cluster) -> _Credentials:
    return _Credentials(**json.loads(_credentials_file(cluster).read_text()))
