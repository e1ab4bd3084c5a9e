"""Renders the .sql files with the contract and the options into one deployment's statements."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import Final

from pipeline.base.endpoints import Endpoints, KafkaEndpoint
from pipeline.base.options import StreamOptions
from pipeline.base.security import require_plaintext
from pipeline.contract.derive import flink_columns, rules_json
from pipeline.contract.odcs import DataContract
from pipeline.contract.topics import HOPPING_WINDOW_MS, SESSION_GAP_MS, WINDOW_MS

SOURCE_GROUP: Final = "floodmark-stream"
"""The consumer group of the job."""
DEPLOYMENT: Final = "floodmark-stream"
"""The prefix of the job's name and of its transactions' names."""

_WHEN: Final = re.compile(r"^-- when (\w+)=(\w+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^\s*--.*\n?", re.MULTILINE)
# Longer than any outage to survive: when it expires, what a checkpoint has promised is lost.
_TRANSACTION_TIMEOUT_MS: Final = 15 * 60_000
_SINK_PROPERTIES: Final = {
    "acks": "all",
    "compression.type": "snappy",
    # Records are invisible before their transaction commits, which flushes them: low linger gains nothing.
    "linger.ms": "1000",
    "batch.size": str(64 * 1024),
    # Every transaction of the pool keeps a producer with such a buffer on the heap.
    "buffer.memory": str(8 * 1024 * 1024),
    "max.request.size": str(2 * 1024 * 1024),
    # The first record of a transaction is refused while the markers of the one before are being written, for
    # some milliseconds. The default waits up to a second to ask again, and the whole job with it.
    "retry.backoff.ms": "10",
    "retry.backoff.max.ms": "100",
    "transaction.timeout.ms": str(_TRANSACTION_TIMEOUT_MS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """Everything that defines the job. ``digest`` distinguishes definitions."""

    tables: tuple[str, ...]
    """Statements that declare tables, functions and views."""
    inserts: tuple[str, ...]
    """The statements of the one job."""
    configuration: Mapping[str, str]
    jar: str | None

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits."""
        parts = (*self.tables, *self.inserts, *sorted(f"{k}={v}" for k, v in self.configuration.items()))
        return hashlib.sha256("\0".join((*parts, self.jar or "")).encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """The job's name in Flink."""
        return f"{DEPLOYMENT}-{self.digest}"

    @property
    def job(self) -> str:
        """The inserts as one statement, so that Flink makes one job of them."""
        return "EXECUTE STATEMENT SET BEGIN\n" + ";\n".join(self.inserts) + ";\nEND"


def job_definition(
    endpoints: Endpoints, options: StreamOptions, contract: DataContract, *, bounded: bool = False
) -> JobDefinition:
    """Return this deployment's job. ``bounded`` ends it at the latest offsets as of its start."""
    values = _values(endpoints.kafka, options, contract, bounded=bounded)
    return JobDefinition(
        tables=(*statements("tables.sql", values, options), *statements("flow.sql", values, options)),
        inserts=statements("job.sql", values, options),
        configuration=_configuration(endpoints, options),
        jar=endpoints.flink.job_jar,
    )


def statements(file: str, values: Mapping[str, str], options: StreamOptions) -> tuple[str, ...]:
    """Return a .sql file's statements without comments. ``-- when option=value`` makes one conditional.

    Raises KeyError for a ``${name}`` that has no value.
    """
    text = (resources.files("pipeline.stream") / "sql" / file).read_text()
    found = []
    for part in re.split(r";\s*$", text, flags=re.MULTILINE):
        wanted = all(getattr(options, name) == value for name, value in _WHEN.findall(part))
        statement = _COMMENT.sub("", part).strip()
        if statement and wanted:
            found.append(Template(statement).substitute(values))
    return tuple(found)


def _values(
    kafka: KafkaEndpoint, options: StreamOptions, contract: DataContract, *, bounded: bool
) -> dict[str, str]:
    return {
        "contract_columns": flink_columns(contract),
        "contract_rules": rules_json(contract).replace("'", "''"),
        "identity": ", ".join(contract.identity),
        "bounded": str(bounded).lower(),
        "deployment": DEPLOYMENT,
        "source_group": SOURCE_GROUP,
        "kafka_properties": _options(kafka_properties(kafka)),
        "sink": _options(_sink(kafka, options)),
        "window": _interval(WINDOW_MS),
        "window_ms": str(WINDOW_MS),
        "hopping_window": _interval(HOPPING_WINDOW_MS),
        "session_gap": _interval(SESSION_GAP_MS),
        "out_of_orderness_ms": str(round(options.out_of_orderness_event_s * 1000)),
        "idle_timeout_ms": str(round(options.idle_timeout_s * 1000)),
        "finite_sum": _finite("SUM(`value`)"),
        "finite_session_sum": _finite("value_sum"),
        "epoch_ms_of_window_start": _epoch_ms("window_start"),
        "epoch_ms_of_window_end": _epoch_ms("window_end"),
    }


def kafka_properties(kafka: KafkaEndpoint) -> dict[str, str]:
    """Return the table options with which Flink's Kafka clients reach Kafka."""
    require_plaintext(kafka.security)
    return {"properties.bootstrap.servers": kafka.bootstrap}


def _sink(kafka: KafkaEndpoint, options: StreamOptions) -> dict[str, str]:
    return {
        "connector": "kafka",
        "sink.delivery-guarantee": options.delivery.replace("_", "-"),
        # Pooled names are reused after a commit, so Kafka need not remember one per checkpoint.
        "sink.transaction-naming-strategy": "pooling",
        **kafka_properties(kafka),
        **{f"properties.{name}": value for name, value in _SINK_PROPERTIES.items()},
    }


def _configuration(endpoints: Endpoints, options: StreamOptions) -> dict[str, str]:
    return {
        "parallelism.default": str(options.parallelism),
        "execution.checkpointing.interval": f"{round(options.checkpoint_interval_s * 1000)} ms",
        # However slow checkpoints become, half of the time remains for events.
        "execution.checkpointing.min-pause": f"{round(options.checkpoint_interval_s * 500)} ms",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.dir": endpoints.flink.checkpoint_uri,
        "execution.checkpointing.savepoint-dir": endpoints.flink.savepoint_uri,
        "execution.checkpointing.incremental": "true",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A broker that is being replaced may fail a few commits; that alone is no reason to restart.
        "execution.checkpointing.tolerable-failed-checkpoints": "10",
        "execution.checkpointing.timeout": "60 s",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "500 ms",
        "restart-strategy.exponential-delay.max-backoff": "5 s",
        "state.backend.type": "rocksdb",
        # Deduplication mostly looks up absent keys, which filters answer without a search.
        "state.backend.rocksdb.use-bloom-filter": "true",
        # Timers are few, and each kind of state in RocksDB takes buffers from the others.
        "state.backend.rocksdb.timer-service.factory": "heap",
        "table.exec.state.ttl": f"{round(options.dedup_horizon_s * 1000)} ms",
        # Plan shared inputs once: above all deduplication, which must decide once per event.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        "table.local-time-zone": "UTC",
        "pipeline.object-reuse": "true",
        "pipeline.auto-watermark-interval": "100 ms",
    }


def _options(options: Mapping[str, str]) -> str:
    quoted = ((name, value.replace("'", "''")) for name, value in options.items())
    return ",\n    ".join(f"'{name}' = '{value}'" for name, value in quoted)


def _interval(duration_ms: int) -> str:
    minutes, rest = divmod(duration_ms, 60_000)
    if rest:
        raise ValueError(f"a window is a whole number of minutes, not {duration_ms} ms")
    return f"INTERVAL '{minutes}' MINUTE"


def _finite(double: str) -> str:
    """Return SQL that is null for infinity and NaN."""
    largest = repr(sys.float_info.max).replace("e+", "E")
    return f"CASE WHEN ABS({double}) <= {largest} THEN {double} END"


def _epoch_ms(column: str) -> str:
    return f"1000 * UNIX_TIMESTAMP(DATE_FORMAT({column}, 'yyyy-MM-dd HH:mm:ss'))"
