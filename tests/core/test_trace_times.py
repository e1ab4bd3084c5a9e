"""The times of traces: which texts are times, which moments exist, and whether they leave the events room."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.base.errors import InvalidInput
from harness.load.traces.mapping import Time
from harness.load.traces.sql import open_database
from harness.load.traces.trace import opened, read_trace
from tests.core.traces import problems_of, pumps, rows_of

DAY_MS = 86_400_000
SPAN_MS = 4 * 3_600_000


def with_times(folder: Path, *texts: str) -> Path:
    path = folder / "p.csv"
    path.write_text("id,t,ent\n" + "".join(f'r{n},"{text}",p\n' for n, text in enumerate(texts)))
    return path


def read_at(folder: Path, text: str, time: str) -> datetime:
    (row,) = rows_of(pumps(with_times(folder, text), time=time), folder)
    return datetime.fromtimestamp(row["time_ms"] / 1000, UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T08:00:00,250", "2024-05-01T08:00:00.250+00:00"),
        ("2024-05-01t08:00:00z", "2024-05-01T08:00:00+00:00"),
        ("2024-05-01 08:00:00 UTC", "2024-05-01T08:00:00+00:00"),
        ("2024-05-01T08:00Z", "2024-05-01T08:00:00+00:00"),
        ("2024-05-01 8:00", "2024-05-01T08:00:00+00:00"),
        ("2024-05-01T08:00:00.123456789+0530", "2024-05-01T02:30:00.123+00:00"),
        ("2024-05-01T08:00:00-08", "2024-05-01T16:00:00+00:00"),
        ("2024-05-01", "2024-05-01T00:00:00+00:00"),
    ],
)  # fmt: skip
def test_iso_8601_is_read_in_its_usual_spellings(tmp_path: Path, text: str, expected: str) -> None:
    assert read_at(tmp_path, text, "{from: t}") == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text",
    ["2024-05-01T10:00:00+25:00", "2024-05-01T10:00:00+16:00", "2024-02-30", "2024-05-01T10:00:00.Z",
     "2024-05-01T25:00:00Z", "2024-05-01T10:61:00Z", "12024-05-01", "2024-05-01 10:00:00 soon", "infinity"],
)  # fmt: skip
def test_what_is_no_time_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    path = with_times(tmp_path, "2024-05-01", text)
    (problem,) = problems_of(pumps(path, time="{from: t, timezone: Europe/Berlin}"), tmp_path)
    assert "time.from: found values that are not times (column t): 1" in problem
    assert f"first in {path}:3; allowed: ISO 8601, such as" in problem


@pytest.mark.parametrize("format_", ["iso8601", "%Y-%m-%d %H:%M:%S"])
def test_a_time_that_clocks_skipped_is_told(tmp_path: Path, format_: str) -> None:
    path = with_times(tmp_path, "2024-03-31 01:59:59", "2024-03-31 02:30:00", "2024-03-31 03:00:00")
    time = f'{{from: t, timezone: Europe/Berlin, format: "{format_}"}}'
    (problem,) = problems_of(pumps(path, time=time), tmp_path)
    assert "times that do not exist in Europe/Berlin, where clocks skipped them (column t): 1" in problem
    assert f"such as '2024-03-31 02:30:00', first in {path}:3" in problem


def test_a_time_in_parts_that_clocks_skipped_is_told(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("id,y,mo,d,h,ent\na,2024,3,10,1,p\nb,2024,3,10,2,p\n")
    time = "{year: y, month: mo, day: d, hour: h, timezone: America/New_York}"
    (problem,) = problems_of(pumps(path, time=time), tmp_path)
    assert f"such as 2024 3 10 2, first in {path}:3" in problem


def test_a_time_with_an_offset_is_in_no_gap(tmp_path: Path) -> None:
    told = read_at(tmp_path, "2024-03-31 02:30:00+01:00", "{from: t, timezone: Europe/Berlin}")
    assert told == datetime(2024, 3, 31, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%Y-%m-%dT%H:%M:%S%z", "2024-05-01T08:00:00Z"),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-05-01T10:00:00+02:00"),
        ("%d/%b/%Y:%H:%M:%S %z", "01/May/2024:10:00:00 +0200"),
        ("%a %b %d %H:%M:%S %z %Y", "Wed May 01 08:00:00 Z 2024"),
        ("(%z) %Y.%m.%d %H h", "(-0800) 2024.05.01 00 h"),
    ],
)
def test_an_offset_in_a_pattern_may_be_z(tmp_path: Path, pattern: str, text: str) -> None:
    time = f'{{from: t, timezone: Europe/Berlin, format: "{pattern}"}}'
    assert read_at(tmp_path, text, time) == datetime(2024, 5, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("%Y-%m-%dT%H:%M:%S%z", "2024-05-01T08:00:00+25:00"), ("%H:%M %z %Y", "08:00 -1600 2024")],
)
def test_an_offset_in_a_pattern_is_one_that_exists(tmp_path: Path, pattern: str, text: str) -> None:
    trace = pumps(with_times(tmp_path, text), time=f'{{from: t, format: "{pattern}"}}')
    assert "values that are not times (column t): 1" in problems_of(trace, tmp_path)[0]


def test_every_part_that_a_pattern_may_have_is_one_of_the_database(tmp_path: Path) -> None:
    with open_database(readable=[], spill=tmp_path) as database:
        for part in [*"aAbBcdfgGhHIjmMnpSTuUVwWxXyYzZ%", *("-d", "-H", "-I", "-j", "-m", "-M", "-S", "-y")]:
            assert Time.model_validate({"from": "t", "format": f"%{part}"}).format == f"%{part}"
            database.execute(f"SELECT try_strptime('x', '%{part}') IS NULL").fetchall()


zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
walls = st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)).map(lambda time: time.replace(microsecond=0))


@settings(max_examples=20, deadline=None)
@given(st.lists(walls, min_size=1, max_size=10), zones)
def test_a_wall_time_is_read_just_when_its_zone_had_it(times: list[datetime], zone: str) -> None:
    """By Python's own zones: what comes back as another time did not exist."""
    instants = [time.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for time in times]
    exists = [
        i.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == t for i, t in zip(instants, times, strict=True)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trace = pumps(with_times(folder, *map(str, times)), time=f"{{from: t, timezone: {zone}}}")
        if not all(exists):
            assert f"clocks skipped them (column t): {exists.count(False)}" in problems_of(trace, folder)[0]
            return
        read = [row["time_ms"] for row in rows_of(trace, folder)]
    twice = {
        fold.timestamp() * 1000
        for time in times
        for fold in (time.replace(tzinfo=ZoneInfo(zone)), time.replace(tzinfo=ZoneInfo(zone), fold=1))
    }
    assert set(read) <= twice


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
filled = texts.filter(bool)
events = st.fixed_dictionaries(
    {
        "t": st.builds(
            lambda time, minutes: time.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat(),
            st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),
            st.integers(-15 * 60, 15 * 60),
        ),
        "ent": filled.filter(lambda text: len(text) <= 128),
        "value": st.none() | st.floats(allow_nan=False, allow_infinity=False).map(repr),
        "q": st.none() | st.integers(0, 2**63 - 1).map(str) | st.just("3.0") | st.just("NA"),
        "note": st.none() | texts,
    }
)


@settings(max_examples=25, deadline=None)
@given(st.lists(events, min_size=1, max_size=8))
def test_the_same_rows_are_the_same_events_in_every_format(rows: list[dict[str, str | None]]) -> None:
    columns = pa.schema([(name, pa.string()) for name in rows[0]])
    table = pa.Table.from_pylist(rows, schema=columns)
    changes = {
        "event_id": "{row_number: true}",
        "category": "{const: c}\n  value: value\n  quantity: q\n  attributes: [note]\nnulls: [NA]",
    }
    with tempfile.TemporaryDirectory() as name:
        pyarrow.csv.write_csv(table, Path(name, "p.csv"))
        Path(name, "p.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        pq.write_table(table, Path(name, "p.parquet"))
        read = {}
        for format_ in ("csv", "jsonl", "parquet"):
            Path(name, format_).mkdir()
            read[format_] = rows_of(pumps(Path(name, f"p.{format_}"), **changes), Path(name, format_))
    assert read["csv"] == read["jsonl"] == read["parquet"]
    assert [row["event_id"] for row in read["csv"]] == [str(n + 1) for n in range(len(rows))]


# Whether times leave room


def stamped(folder: Path, *times_ms: int) -> Path:
    return with_times(folder, *map(str, times_ms))


def notes(folder: Path, *times_ms: int, by_own_times: bool = True) -> tuple[str, ...]:
    trace = pumps(stamped(folder, *times_ms), time="{from: t, format: epoch_ms}")
    (folder / "work").mkdir()
    with opened(trace, folder / "work") as (database, files):
        facts = read_trace(database, files, trace, span_ms=SPAN_MS, by_own_times=by_own_times)
    return facts.notes


def hour(count: int, first_ms: int = 1_714_550_400_000) -> list[int]:
    """So many times of one hour, of 2024-05-01."""
    return [first_ms + n * 3_600_000 // count for n in range(count)]


WRONG = 983_491_200_000
"""2001-03-02."""


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([WRONG, *hour(100)],
         "m.yaml:4: time: the trace covers 2001-03-02 to 2024-05-01; 100 of its 101 events lie in"
         " the last 0.01% of it;"
         " the first other event is of 2001-03-02, in {path}:2"),
        ([*hour(100, WRONG), 1_714_550_400_000],
         "m.yaml:4: time: the trace covers 2001-03-02 to 2024-05-01; 100 of its 101 events lie in"
         " the first 0.01% of it;"
         " the first other event is of 2024-05-01, in {path}:102"),
        ([WRONG, *hour(100), WRONG * 2],
         "m.yaml:4: time: the trace covers 2001-03-02 to 2032-05-01; 100 of its 102 events lie in"
         " 0.01% of it;"
         " the first other event is of 2001-03-02, in {path}:2"),
        ([*[0] * 40, *hour(60)],
         "m.yaml:4: time: the trace covers 1970-01-01 to 2024-05-01; 60 of its 100 events lie in"
         " the last 0.01% of it;"
         " the first other event is of 1970-01-01, in {path}:2"),
    ],
)  # fmt: skip
def test_a_wrong_year_is_told_with_its_line(tmp_path: Path, times: list[int], told: str) -> None:
    assert notes(tmp_path, *times) == (told.format(path=tmp_path / "p.csv"),)


def test_a_sentinel_that_leaves_nothing_between_all_others_is_refused(tmp_path: Path) -> None:
    path = stamped(tmp_path, *hour(100), 9_000_000_000_000_000)
    (problem,) = problems_of(pumps(path, time="{from: t, format: epoch_ms}"), tmp_path)
    assert problem.split("; allowed")[0] == (
        "4: time: found the trace covers 2024-05-01 to 9000000000000000 ms after 1970; 100 of its 101"
        " events lie in the first 0.01% of it, less than a millisecond of load.event_span; the first other"
        f" event is of 9000000000000000 ms after 1970, in {path}:102"
    )


def test_a_profile_has_times_of_its_own(tmp_path: Path) -> None:
    assert notes(tmp_path, *hour(100), 9_000_000_000_000_000, by_own_times=False) == ()


@pytest.mark.parametrize(
    "times",
    [
        hour(100),
        [5] * 100,
        [0, 0, 0, 10**9],  # few events may well come in clusters
        [n * DAY_MS for n in range(365)],
        [*hour(49, 0), *(n * DAY_MS for n in range(1, 60))],  # a busy hour of two months
        [n * n * n * 1000 for n in range(500)],  # ever more seldom
    ],
)
def test_times_that_leave_room_are_not_talked_about(tmp_path: Path, times: list[int]) -> None:
    assert notes(tmp_path, *times) == ()


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 1_000_000), min_size=10, max_size=100, unique=True),
    st.integers(1, 9),
    st.sampled_from([10**15, -(10**15)]),
)
def test_sentinels_short_of_half_of_all_events_are_refused_wherever_they_are(
    times: list[int], sentinels: int, far: int
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.raises(InvalidInput, match="events lie in the"):
        notes(Path(name), *times, *[far] * sentinels)
