"""Every commit asks for its lease directly before, and is noticed when the table's log did not take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from pipeline.base.endpoints import KafkaEndpoint
from pipeline.base.errors import CommitConflict, EngineError, LeaseLost
from pipeline.contract.derive import reference_contract
from pipeline.days import table_care
from pipeline.days.job_request import CareRequest
from pipeline.days.landing import land as landing
from pipeline.days.landing import reference
from pipeline.days.landing.land import land
from pipeline.days.landing.landing_offsets import Available
from pipeline.days.landing.reference import load_reference
from pipeline.days.tables import fencing
from pipeline.days.tables.delta_log import TableCommit
from pipeline.days.tables.delta_tables import SILVER_EVENTS
from pipeline.days.tables.fencing import APPLICATION
from pipeline.days.tables.publish import publish
from pipeline.lake.lease import Lease
from tests.core.memory_objects import MemoryObjects
from tests.core.test_lease import TTL_S, Bench

DAY = date(2026, 11, 20)
KAFKA = KafkaEndpoint(bootstrap_servers=("127.0.0.1:1",))


class Watched:
    """A lease that writes down when it is asked."""

    def __init__(self, did: list[str], held: Lease) -> None:
        self._did, self._held = did, held

    def require(self) -> None:
        self._did.append("asked")
        self._held.require()

    def fencing_token(self) -> int:
        self._did.append("asked")
        return self._held.fencing_token()


class Table:
    """Delta's log of one table, and what is done with it, in order."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.last = 0
        """Delta's number of the newest transaction of the leases."""
        self.before_save: Callable[[], None] = lambda: None

    def save(self, options: Mapping[str, Any]) -> None:
        self.before_save()
        self.did.append("committed")
        self.last = max(self.last, options.get("txnVersion", 0))

    def newest(self, *asked: object, **limits: object) -> tuple[TableCommit, ...]:
        return (
            TableCommit(version=1, user_metadata=None, metrics={}, transactions={APPLICATION: self.last}),
        )


class Writer:
    """As much of Spark as a commit asks for: whatever is called returns it, and ``save`` commits."""

    def __init__(self, table: Table) -> None:
        self._table, self._options = table, dict[str, Any]()

    def __getattr__(self, name: str) -> Any:
        return self if name in ("write", "sparkSession", "conf") else lambda *given, **named: self

    def option(self, name: str, value: Any) -> Writer:
        self._options[name] = value
        return self

    def save(self, uri: str) -> None:
        self._table.save(self._options)

    def sql(self, statement: str) -> Any:
        self._table.before_save()
        self._table.did.append(statement.split(maxsplit=1)[0].lower())
        metrics = SimpleNamespace(numFilesRemoved=0, numFilesAdded=0)
        return SimpleNamespace(collect=lambda: [SimpleNamespace(metrics=metrics)])


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    made = Table()
    monkeypatch.setattr(fencing, "newest_commits", made.newest)
    return made


def published(table: Table, fence: Watched) -> None:
    publish(Writer(table), "uri", DAY, ("event_date",), fence=fence)  # type: ignore[arg-type]


def referred(table: Table, fence: Watched) -> None:
    objects = MemoryObjects()
    objects.put("landing/reference/categories/1.csv", b"category,name\nc,Sea\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryObjects, "etag", lambda self, key: "1", raising=False)
        patch.setattr(reference, "_loaded", lambda spark, uri: None)
        contract = reference_contract("categories")
        load_reference(Writer(table), objects, "uri", contract, fence=fence)  # type: ignore[arg-type]


def landed(table: Table, fence: Watched) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing, "last_commit", lambda spark, uri: None)
        patch.setattr(landing, "available", lambda *asked, **at: {0: Available(earliest=0, latest=5)})
        patch.setattr(landing, "_records", lambda spark, kafka, commit: Writer(table))
        patch.setattr(landing, "_version_of", lambda spark, uri, commit: 0)
        patch.setattr(landing, "added_files", lambda spark, uri, versions: {0: ()})
        land(Writer(table), KAFKA, "uri", fence=fence)  # type: ignore[arg-type]


def cared(table: Table, fence: Watched) -> None:
    stores = SimpleNamespace(tables=SimpleNamespace(live=lambda name: ()))
    objects = SimpleNamespace(sizes=lambda prefix: {})
    given: Any = SimpleNamespace(spark=Writer(table), uri=lambda place: "uri", stores=stores, objects=objects)
    table_care._cared(given, SILVER_EVENTS, CareRequest(), like=SILVER_EVENTS, fence=fence)


COMMITS = pytest.mark.parametrize("commit", [published, referred, landed, cared])


@COMMITS
def test_a_commit_asks_for_its_lease_directly_before(
    table: Table, commit: Callable[[Table, Watched], None]
) -> None:
    bench = Bench()
    commit(table, Watched(table.did, bench.take("first")))
    wrote = [n for n, did in enumerate(table.did) if did != "asked"]
    assert wrote
    assert all(table.did[n - 1] == "asked" for n in wrote)


@COMMITS
def test_a_writer_that_stood_still_past_its_lease_commits_nothing(
    table: Table, commit: Callable[[Table, Watched], None]
) -> None:
    bench = Bench()
    first = bench.take("first")
    bench.clock.at_s += TTL_S
    bench.take("second")
    with pytest.raises(LeaseLost):
        commit(table, Watched(table.did, first))
    assert set(table.did) == {"asked"}


@pytest.mark.parametrize("commit", [published, referred])
def test_a_writer_that_stood_still_between_its_question_and_its_commit_learns_that_it_was_skipped(
    table: Table, commit: Callable[[Table, Watched], None]
) -> None:
    bench = Bench()
    first = bench.take("first")

    def overtaken() -> None:
        bench.clock.at_s += TTL_S
        table.last = bench.take("second").fencing_token()

    table.before_save = overtaken
    with pytest.raises(LeaseLost):
        commit(table, Watched(table.did, first))


REFUSED = Py4JError("org.apache.hadoop.fs.s3a.RemoteFileChangedException: PreconditionFailed")


@COMMITS
@pytest.mark.parametrize(
    ("overtaken", "raised", "kind"),
    [
        (True, REFUSED, LeaseLost),
        (True, Py4JError("the disk is full"), LeaseLost),
        (False, REFUSED, CommitConflict),
        (False, PySparkException("[DELTA_CONCURRENT_WRITE]"), CommitConflict),
        (False, Py4JError("the disk is full"), EngineError),
    ],
)
def test_what_spark_says_of_a_commit_is_told_by_its_kind(
    table: Table, commit: Callable[[Table, Watched], None], overtaken: bool, raised: Exception, kind: type
) -> None:
    bench = Bench()
    first = bench.take("first")

    def fails() -> None:
        if overtaken:
            bench.clock.at_s += TTL_S
            bench.take("second")
        raise raised

    table.before_save = fails
    with pytest.raises(kind) as told:
        commit(table, Watched(table.did, first))
    assert type(told.value) is kind


def test_a_commit_of_a_stranger_is_no_commit_of_ones_own(table: Table) -> None:
    table.last = 2**60
    with pytest.raises(CommitConflict, match="version 1 is of a writer that holds no lease"):
        published(table, Watched(table.did, Bench().take("first")))


STEPS = st.lists(st.sampled_from(["commit", "release", "expire"]), max_size=30)


@given(STEPS)
def test_every_commit_has_a_greater_number_than_those_before_it(steps: list[str]) -> None:
    bench, tokens = Bench(), list[int]()
    held = bench.take("0")
    for number, step in enumerate(steps):
        if step == "commit":
            tokens.append(held.fencing_token())
            continue
        if step == "release":
            held.release()
        else:
            bench.clock.at_s += TTL_S
        held = bench.take(str(number))
    assert tokens == sorted(set(tokens))
