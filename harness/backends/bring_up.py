"""Starts a new instance on any backend until its platform works, and attaches to existing ones."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from harness.artifacts import Artifacts, ensure
from harness.backends.attached import Attached
from harness.backends.instance import Instance
from harness.backends.plan import Services, endpoints_of, find_jvm, plan_nodes, plan_services
from harness.backends.platform import SupervisedPlatform
from harness.backends.protocol import Preparation
from harness.backends.runner import Nodes
from harness.base.errors import FloodmarkError, PlatformError
from harness.base.report import Report
from harness.processes.supervisor_client import SupervisorClient

_READY_TIMEOUT_S: Final = 180.0

Engines = Callable[[Collection[str], Report], Artifacts]
NodesOf = Callable[[Instance, SupervisorClient | None], Nodes | None]
"""Returns a backend's nodes of an instance; None if they ended with their supervisor."""


def engines(services: Collection[str], report: Report) -> Artifacts:
    """The services' artifacts; missing ones are fetched."""
    return ensure(services, report=report)


def bring_up(
    instance: Instance,
    nodes_of: NodesOf,
    services: Services,
    artifacts: Artifacts,
    *,
    holds: Collection[int] = (),
    report: Report,
    preparation: Preparation,
) -> SupervisedPlatform:
    """Start every node of a new instance and wait until every service works; clean up on failure.

    The supervisor keeps the file descriptors ``holds`` open while it lives. Raises ``PlatformError``.
    """
    supervisor = None
    try:
        # First, as Java may be missing.
        jvm = find_jvm(instance.topology, services)
        supervisor = SupervisorClient.start(instance.site, holds=holds)
        runner = nodes_of(instance, supervisor)
        if runner is None:
            raise PlatformError(f"cannot run the nodes of {instance.id}: they have ended")
        planned = plan_services(instance, services, artifacts, jvm)
        for one in planned:
            one.service.prepare(one.cluster)
        endpoints = endpoints_of(instance.topology, planned)
        platform = SupervisedPlatform(
            instance=instance,
            endpoints=endpoints,
            planned=plan_nodes(instance, planned, endpoints),
            runner=runner,
            supervisor=supervisor,
            report=report,
            preparation=preparation,
        )
        platform.start_all(timeout_s=_READY_TIMEOUT_S)
    except BaseException:
        _abandon(instance, supervisor, nodes_of, report)
        raise
    return platform


def attach(instance: Instance, nodes_of: NodesOf) -> Attached:
    """Attach to an instance started by any command."""
    supervisor = SupervisorClient.connect(instance.home)
    return Attached(instance, supervisor, nodes_of(instance, supervisor))


def _abandon(
    instance: Instance, supervisor: SupervisorClient | None, nodes_of: NodesOf, report: Report
) -> None:
    """Clean up after a failure; another failure must not hide the first."""
    try:
        Attached(instance, supervisor, nodes_of(instance, supervisor)).down(report)
    except (FloodmarkError, OSError) as error:
        report(f"could not clean up {instance.id}: {error}; `floodmark down` tries again")
