"""What goes into the archive, how reading it fails, and how it comes back."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import Archived, ArchiveDamaged, CommitConflict, NoSuchObject, TableUnreadable
from pipeline.lifecycle.archive import apply
from pipeline.lifecycle.archive_record import archived_days, archived_names, records_of
from pipeline.lifecycle.delta_days import DeltaDays
from pipeline.lifecycle.plan import tier_of
from pipeline.lifecycle.restore import (
    advance,
    get,
    request_restore,
    requests,
    require_not_archived,
    restored_places,
    restored_table,
)
from pipeline.lifecycle.restore_request import due, expired, restore
from pipeline.lifecycle.stores import Stores
from pipeline.lifecycle.table_day import TableDay
from tests.core.lifecycle_parts import (
    FILE,
    NOW,
    OLD,
    POLICY,
    YOUNG,
    FolderObjects,
    MemoryObjects,
    planned,
    stores,
)

TABLE = "silver/events"
DAY = f"{TABLE}/{OLD}"
HOUR = timedelta(hours=1)


def partner(day: date, name: str = "a") -> str:
    return f"landing/partners/acme/{day}/{name}"


def rows(*days: date, value: float = 1.5) -> pa.Table:
    moments = [datetime(day.year, day.month, day.day, 12) for day in days]
    return pa.table(
        {
            "event_date": pa.array(days, pa.date32()),
            "event_type": ["departed"] * len(days),
            "event_time": pa.array(moments, pa.timestamp("us", "UTC")),
            "value": [value] * len(days),
        }
    )


@pytest.fixture
def lake(tmp_path: Path) -> Stores:
    """A table of an old day, in two files, and of a young one; and an old file of a partner's."""
    for table in (rows(OLD, YOUNG), rows(OLD, value=2.5)):
        write_deltalake(
            f"{tmp_path}/{TABLE}", table, mode="append", partition_by=["event_date", "event_type"]
        )
    objects = FolderObjects(tmp_path)
    objects.put_if_absent(FILE, b"a,b")
    return stores(objects, tmp_path)


def archived(of: Stores, now: datetime = NOW) -> Stores:
    apply(planned(of, now), of, now)
    return of


def table(path: Path | str) -> pa.Table:
    return (
        DeltaTable(str(path))
        .to_pyarrow_table()
        .sort_by([("event_date", "ascending"), ("value", "ascending")])
    )


def test_an_archived_object_is_gone_from_its_place_and_lies_below_cold() -> None:
    of = archived(stores(MemoryObjects(**{FILE: b"a,b"})))
    assert of.objects.list("landing/") == ()
    (record,) = records_of(POLICY, of.objects, FILE)
    assert of.objects.get(record.cold_key(POLICY, FILE)) == b"a,b"
    assert (record.objects[0].bytes, record.archived_at, record.day) == (3, NOW, OLD)


def test_reading_it_says_since_when_it_is_archived_and_how_it_comes_back() -> None:
    of = archived(stores(MemoryObjects(**{FILE: b"a,b"})))
    with pytest.raises(Archived, match=r"in cold storage since 2013-06-01.*takes 3 to 5 h \(modelled\)"):
        get(FILE, of)


def test_reading_what_was_never_there_is_another_error() -> None:
    of = stores(MemoryObjects())
    for key in (FILE, "elsewhere"):
        with pytest.raises(NoSuchObject):
            get(key, of)


def test_a_file_of_the_same_name_that_comes_again_is_another_piece() -> None:
    of = archived(stores(MemoryObjects(**{FILE: b"first"})))
    of.objects.put_if_absent(FILE, b"second")
    archived(of, NOW + HOUR)
    records = records_of(POLICY, of.objects, FILE)
    assert [of.objects.get(r.cold_key(POLICY, FILE)) for r in records] == [b"first", b"second"]


def test_an_archived_day_has_left_its_table_and_no_other_day_has(lake: Stores, tmp_path: Path) -> None:
    archived(lake)
    assert table(tmp_path / TABLE)["event_date"].to_pylist() == [YOUNG]
    with pytest.raises(Archived, match=DAY):
        require_not_archived(TABLE, OLD, lake)
    require_not_archived(TABLE, YOUNG, lake)


def test_a_day_is_archived_as_soon_as_anything_of_it_is(lake: Stores) -> None:
    assert archived_days(POLICY, lake.objects) == set()
    apply([move for move in planned(lake) if move.table is None], lake, NOW)
    assert archived_days(POLICY, lake.objects) == {OLD}


def test_the_pieces_of_a_day_are_found_by_the_day(lake: Stores) -> None:
    archived(lake)
    assert archived_names(POLICY, lake.objects, OLD) == (FILE, DAY)
    assert archived_names(POLICY, lake.objects, YOUNG) == ()


def test_where_a_piece_comes_back_is_known_before_it_does(lake: Stores) -> None:
    archived(lake)
    requests = [
        request for name in (DAY, FILE) for request in request_restore(name, lake, NOW, random.Random(7))
    ]
    (day,), (file,) = (restored_places(request, lake) for request in requests)
    advance(lake, NOW + 5 * HOUR)
    assert lake.objects.list(f"{day}/_delta_log/")
    assert lake.objects.get(file) == b"a,b"


def test_a_restored_day_is_a_table_of_its_own_with_the_same_rows(lake: Stores, tmp_path: Path) -> None:
    before = table(tmp_path / TABLE).filter(pa.compute.equal(pa.compute.field("event_date"), OLD))
    archived(lake)
    request_restore(DAY, lake, NOW, random.Random(7))
    advance(lake, NOW + 5 * HOUR)
    (record,) = records_of(POLICY, lake.objects, DAY)
    assert table(tmp_path / str(restored_table(record, lake))).equals(before)
    assert table(tmp_path / TABLE)["event_date"].to_pylist() == [YOUNG]


def test_a_restored_object_is_read_by_its_own_key_until_its_days_are_over() -> None:
    of = archived(stores(MemoryObjects(**{FILE: b"a,b"})))
    (request,) = request_restore(FILE, of, NOW, random.Random(7))
    assert advance(of, request.ready_at - timedelta(seconds=1)) == ()
    with pytest.raises(Archived):
        get(FILE, of)
    assert advance(of, request.ready_at) == (request,)
    assert get(FILE, of) == b"a,b"
    assert advance(of, request.expires_at) == ()
    assert of.objects.list("restored/") == ()
    with pytest.raises(Archived):
        get(FILE, of)


def test_who_asks_again_gets_the_same_request_until_it_is_over() -> None:
    of = archived(stores(MemoryObjects(**{FILE: b"a,b"})))
    first = request_restore(FILE, of, NOW, random.Random(1))
    assert request_restore(FILE, of, NOW + HOUR, random.Random(2)) == first == requests(of)
    later = first[0].expires_at
    assert request_restore(FILE, of, later, random.Random(2))[0].asked_at == later


def test_nobody_can_ask_for_what_is_not_archived() -> None:
    with pytest.raises(NoSuchObject, match="nothing named bronze/events/2013-01-01 is in the archive"):
        request_restore("bronze/events/2013-01-01", stores(MemoryObjects()), NOW, random.Random(1))


def test_a_copy_that_was_altered_in_the_archive_is_not_brought_back() -> None:
    of = archived(stores(MemoryObjects(**{FILE: b"a,b"})))
    (key,) = of.objects.list("cold/data/")
    of.objects.delete(key)
    of.objects.put_if_absent(key, b"a,c")
    (request,) = request_restore(FILE, of, NOW, random.Random(7))
    with pytest.raises(ArchiveDamaged, match="another SHA-256"):
        advance(of, request.ready_at)
    with pytest.raises(Archived):
        get(FILE, of)


@pytest.mark.parametrize("folder", ["records", "requests"])
def test_a_record_that_cannot_be_read_is_told(folder: str) -> None:
    of = archived(stores(MemoryObjects(**{FILE: b"a,b"})))
    request_restore(FILE, of, NOW, random.Random(7))
    (key,) = of.objects.list(f"cold/{folder}/")
    of.objects.delete(key)
    of.objects.put_if_absent(key, b"{}")
    with pytest.raises(ArchiveDamaged, match=key):
        request_restore(FILE, of, NOW, random.Random(7))


class Killed(Exception):
    """The process ended here."""


class DyingObjects(FolderObjects):
    """Dies at the so-many-th change."""

    def __init__(self, folder: Path, changes: int) -> None:
        super().__init__(folder)
        self._left = changes

    def put_if_absent(self, key: str, body: bytes) -> bool:
        self._count()
        return super().put_if_absent(key, body)

    def delete(self, key: str) -> None:
        self._count()
        super().delete(key)

    def _count(self) -> None:
        if not self._left:
            raise Killed
        self._left -= 1


@pytest.mark.parametrize("changes", range(12))
def test_who_dies_while_archiving_has_lost_nothing_and_the_next_goes_on(
    lake: Stores, tmp_path: Path, changes: int
) -> None:
    before = table(tmp_path / TABLE)
    with suppress(Killed):
        archived(stores(DyingObjects(tmp_path, changes), tmp_path))
    archived(lake)
    assert planned(lake) == ()
    for name in (DAY, FILE):
        request_restore(name, lake, NOW, random.Random(7))
    advance(lake, NOW + 5 * HOUR)
    (record,) = records_of(POLICY, lake.objects, DAY)
    restored = table(tmp_path / str(restored_table(record, lake)))
    assert pa.concat_tables([restored, table(tmp_path / TABLE)]).equals(before)
    assert get(FILE, lake) == b"a,b"


class DyingTables(DeltaDays):
    """Dies before it deletes a day."""

    def drop(self, day: date, expected: TableDay) -> None:
        raise Killed


def test_who_dies_before_the_day_has_left_its_table_leaves_it_to_the_next(
    lake: Stores, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        archived(replace(lake, tables=DyingTables(root=str(tmp_path))))
    assert table(tmp_path / TABLE).num_rows == 3
    archived(lake, NOW + HOUR)
    assert table(tmp_path / TABLE).num_rows == 1
    assert len(records_of(POLICY, lake.objects, DAY)) == 1


def test_a_day_that_changed_since_it_was_listed_is_left_alone(lake: Stores, tmp_path: Path) -> None:
    moves = planned(lake)
    write_deltalake(f"{tmp_path}/{TABLE}", rows(OLD, value=3.5), mode="append")
    with pytest.raises(CommitConflict, match="plan again"):
        apply(moves, lake, NOW)
    assert table(tmp_path / TABLE).num_rows == 4


def test_a_day_that_changed_while_it_was_copied_stays_in_its_table(lake: Stores, tmp_path: Path) -> None:
    described = lake.tables.describe(TABLE, OLD)
    write_deltalake(f"{tmp_path}/{TABLE}", rows(OLD, value=3.5), mode="append")
    with pytest.raises(CommitConflict, match="has changed since it was archived"):
        lake.tables.drop(OLD, described)


def test_rows_that_came_late_to_an_archived_day_are_a_piece_of_their_own(
    lake: Stores, tmp_path: Path
) -> None:
    archived(lake)
    write_deltalake(f"{tmp_path}/{TABLE}", rows(OLD, value=3.5), mode="append")
    archived(lake, NOW + HOUR)
    assert [len(record.objects) for record in records_of(POLICY, lake.objects, DAY)] == [2, 1]


def test_the_files_of_a_table_without_partitions_are_listed(tmp_path: Path) -> None:
    write_deltalake(f"{tmp_path}/gold/entities", rows(OLD))
    (file,) = stores(FolderObjects(tmp_path), tmp_path).tables.live("gold/entities")
    assert (tmp_path / file.key).stat().st_size == file.bytes


def test_a_table_whose_files_alone_do_not_say_what_it_holds_is_refused(tmp_path: Path) -> None:
    DeltaTable.create(
        f"{tmp_path}/{TABLE}",
        rows(OLD).schema,
        partition_by=["event_date"],
        configuration={"delta.enableDeletionVectors": "true"},
    )
    with pytest.raises(TableUnreadable, match=f"{TABLE} uses deletionVectors"):
        stores(FolderObjects(tmp_path), tmp_path).tables.live(TABLE)


MOMENTS = st.datetimes(datetime(2012, 1, 1), datetime(2014, 1, 1), timezones=st.just(UTC))


@given(st.integers(), MOMENTS, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_a_restore_takes_three_to_five_hours_of_the_event_clock(
    seed: int, asked_at: datetime, later: timedelta
) -> None:
    of = archived(stores(MemoryObjects(**{FILE: b""})))
    (record,) = records_of(POLICY, of.objects, FILE)
    request = restore(POLICY, record, asked_at, random.Random(seed))
    assert 3 * HOUR <= request.ready_at - asked_at <= 5 * HOUR
    assert request == restore(POLICY, record, asked_at, random.Random(seed))
    assert "(modelled)" in str(request)
    at = asked_at + later
    assert (request in due([request], at)) == (request.ready_at <= at < request.expires_at)
    assert (request in expired([request], at)) == (request.expires_at <= at)


DAYS = st.dates(date(2013, 1, 1), date(2013, 6, 1))


@given(st.sets(st.tuples(DAYS, st.sampled_from("ab"))), st.lists(st.integers(0, 200), max_size=3))
def test_every_object_ends_in_the_one_tier_of_its_age(
    files: set[tuple[date, str]], moments: list[int]
) -> None:
    of = stores(MemoryObjects(**{partner(day, name): name.encode() for day, name in files}))
    now = NOW
    for days in [0, *sorted(moments)]:
        now = NOW + timedelta(days=days)
        archived(of, now)
    for day, name in files:
        key, cold = partner(day, name), tier_of(POLICY, day, now) == "cold"
        assert (key in of.objects.list("landing/")) == (not cold)
        assert len(records_of(POLICY, of.objects, key)) == cold
    held = dict(of.objects.held)  # type: ignore[attr-defined]
    archived(of, now)
    assert of.objects.held == held  # type: ignore[attr-defined]
