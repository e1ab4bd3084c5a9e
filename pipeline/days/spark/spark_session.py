"""Starts a Spark session for one job; its driver starts and ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.base.endpoints import Endpoints, SparkEndpoint
from pipeline.base.errors import SparkFailed
from pipeline.days.spark.class_archive import ClassArchive
from pipeline.days.spark.spark_settings import launch_settings, s3a_settings

if TYPE_CHECKING:  # importing takes a third of a second, and its jars may be missing
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

_END_TIMEOUT_S: Final = 120.0
"""Long, because the first driver writes its class archive when it exits."""
_MISLEADING: Final = ("SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT")
"""Variables of other Spark installations that would interfere."""


@contextmanager
def spark_session(endpoints: Endpoints, *, name: str) -> Iterator[SparkSession]:
    """Start the only session of this process, with Delta and the lake's object store. Spark shows ``name``.

    The driver is a virtual machine of its own. It ends with the block, whatever happens there, and with this
    process, even after SIGKILL: it reads from a pipe that the kernel closes. Raises SparkFailed.
    """
    endpoint = endpoints.spark
    if missing := [jar for jar in endpoint.jars if not Path(jar).is_file()]:
        raise SparkFailed(f"{name}: Spark needs jars that are not there: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="floodmark-spark-") as folder:
        scratch = Path(folder)
        archive = ClassArchive.of(endpoint, scratch)
        lake = s3a_settings(endpoints.object_store, scratch=scratch)
        session = _start(endpoint, name, scratch)
        try:
            _configure(session, lake)
            yield session
        finally:
            _stop(session)
            if archive is not None:
                # Without an archive the next session merely starts more slowly.
                with suppress(OSError):
                    archive.keep()


def _start(endpoint: SparkEndpoint, name: str, scratch: Path) -> SparkSession:
    from py4j.protocol import Py4JError  # noqa: PLC0415
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    if SparkContext._active_spark_context is not None:
        raise SparkFailed(f"{name}: this process has a Spark session already; end that one first")
    settings = SparkConf(loadDefaults=False)
    for key, value in launch_settings(endpoint, name=name, scratch=scratch).items():
        settings.set(key, value)
    try:
        with _environment(endpoint, scratch), _output_to_errors(), _own_interrupts():
            return SparkSession.builder.config(conf=settings).getOrCreate()
    except (PySparkException, Py4JError, OSError) as error:
        reason = str(error)  # only the running driver knows the text of Java's errors
        _end_driver()
        raise SparkFailed(f"{name}: Spark did not start on {endpoint.master}: {reason}") from error


def _stop(session: SparkSession) -> None:
    """Stop the session. A killed driver cannot be stopped, which must not hide the original error."""
    from py4j.protocol import Py4JError  # noqa: PLC0415

    try:
        with suppress(Py4JError, OSError):
            session.stop()
    finally:
        _end_driver()


@contextmanager
def _environment(endpoint: SparkEndpoint, scratch: Path) -> Iterator[None]:
    """Change this process's environment, which the driver inherits, while the driver is started."""
    before = dict(os.environ)
    for variable in _MISLEADING:
        os.environ.pop(variable, None)
    # Spark warns about the settings that these variables replace.
    os.environ["SPARK_LOCAL_DIRS"] = str(scratch)
    os.environ["SPARK_LOCAL_IP"] = endpoint.driver_host
    if endpoint.java_home is not None:
        os.environ["JAVA_HOME"] = endpoint.java_home
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _output_to_errors() -> Iterator[None]:
    """Send the driver's prints, such as Delta's during a vacuum, to standard error.

    The driver inherits this process's standard output, which others parse.
    """
    own = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(own, 1)
        os.close(own)


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Keep our SIGINT handler: pyspark installs one that calls the driver in the middle of another call."""
    own = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, own)


def cancel_jobs() -> None:
    """Make all of this process's Spark jobs fail soon. Safe to call from a signal handler."""
    from pyspark import SparkContext  # noqa: PLC0415

    context = SparkContext._active_spark_context
    if context is not None:
        # A thread has a connection of its own; this thread's may be in the middle of an answer.
        threading.Thread(target=_cancel, args=(context,), name="cancel jobs", daemon=True).start()


def _cancel(context: SparkContext) -> None:
    from py4j.protocol import Py4JError  # noqa: PLC0415

    with suppress(Py4JError, OSError):
        context.cancelAllJobs()


def _configure(session: SparkSession, settings: Mapping[str, str]) -> None:
    java_context: Any = session.sparkContext._jsc
    configuration = java_context.hadoopConfiguration()
    for key, value in settings.items():
        configuration.set(key, value)


def _end_driver() -> None:
    """End the virtual machine, which pyspark would keep for the next session."""
    from py4j.protocol import Py4JError  # noqa: PLC0415
    from pyspark import SparkContext  # noqa: PLC0415

    gateway: Any = SparkContext._gateway
    if gateway is None:
        return
    SparkContext._gateway, SparkContext._jvm = None, None
    with suppress(Py4JError, OSError):
        gateway.shutdown()
    driver: subprocess.Popen[bytes] = gateway.proc
    if driver.stdin is not None:
        driver.stdin.close()
    try:
        driver.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.wait()
