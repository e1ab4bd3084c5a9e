"""A session of record batches, encoded or computed: a separate process sends the share and reports counts."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from types import MappingProxyType
from typing import Final

import gevent
from locust.stats import RequestStats

from harness.load.tally import Tally
from harness.load.workers.config import LoadConfig
from harness.load.workers.roster import Assignment
from harness.load.workers.sending_config import sending_config
from harness.load.workers.source import ComputedSource, RecordBatchesSource
from harness.load.workers.stats import count
from harness.load.workers.worker import Ended

_MODULES: Final = MappingProxyType(
    {"record_batches": "harness.load.send.record_batches", "computed": "harness.load.send.computed"}
)
"""The process's module by the kind of its source."""
_GRACE_S: Final = 5.0
"""How much longer than its own time-out the process may take to end."""


class RecordBatchesSession:
    """Locust's users only wait. The process ends with this one, because the end of its input stops it."""

    def __init__(
        self,
        config: LoadConfig,
        source: RecordBatchesSource | ComputedSource,
        stats: RequestStats,
        ended: Ended,
    ) -> None:
        self._config, self._source, self._stats, self._ended = config, source, stats, ended
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def start(self, assignment: Assignment) -> None:
        """Start the process. Raises OSError."""
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULES[self._source.kind], "--driven"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        config = sending_config(self._config, self._source, assignment)
        self._send(process, config.model_dump_json().encode() + b"\n")
        self._listening = gevent.spawn(self._listen, process)
        self._listening.link_exception(lambda _: self._ended(False))

    def turn(self, place: int, users: int) -> bool:
        """False once the process has ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the process from sending, and wait until it has recorded everything. Idempotent."""
        if self._process is None or self._stopping:
            return
        self._stopping = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._listening.join(timeout=self._config.stop_timeout_s + _GRACE_S)
        if self._process.poll() is None:
            self._process.kill()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Count what the process reports, until it ends."""
        for line in process.stdout or ():
            count(self._stats, self._config.topic, Tally.parse(line), time.time())
        code = process.wait()
        if not self._stopping:
            self._ended(code == 0)

    def _send(self, process: subprocess.Popen[bytes], line: bytes) -> None:
        # A process that ended at once logs why; its exit code is checked elsewhere.
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.write(line)
                process.stdin.flush()
