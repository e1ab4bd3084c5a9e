"""Traces of every format through their mappings, and what is told of those that are wrong."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from harness.base.documents import parse_document
from harness.base.errors import InvalidInput
from harness.base.files import SCENARIOS
from harness.base.typed import typed
from harness.load.traces.mapping import Mapping, read_mapping
from harness.load.traces.sql import open_database
from tests.core.scenario_parts import FIXTURES
from tests.core.traces import MAPPING, RIDES, problems_of, rows_of, trace_of


def with_line(folder: Path, *lines: str) -> Path:
    path = folder / "rides.csv"
    path.write_text(RIDES.read_text() + "".join(f"{line}\n" for line in lines))
    return path


def test_a_row_becomes_an_event(tmp_path: Path) -> None:
    first = rows_of(trace_of(RIDES), tmp_path)[0]
    assert {name: first[name] for name in first if not name.endswith("_text")} == {
        "row": 0,
        "offset_ms": 0,
        "time_ms": 1709276400000,
        "event_id": "r1",
        "event_type": "ride_started",
        "entity_id": "station-Alt Moabit",
        "category": "Berlin",
        "reference_id": "B7",
        "value": 12.5,
        "quantity": 3200,
        "attributes": '{"city":"Berlin","note":"fast, dry"}',
    }


def test_what_is_missing_stays_missing(tmp_path: Path) -> None:
    second = rows_of(trace_of(RIDES), tmp_path)[1]
    assert [second[name] for name in ("reference_id", "value", "quantity")] == [None, None, None]
    assert second["attributes"] == '{"city":"Berlin"}'
    assert second["event_type"] == "ride_refused"


def test_quotes_inside_quotes_are_kept(tmp_path: Path) -> None:
    assert rows_of(trace_of(RIDES), tmp_path)[2]["entity_id"] == 'station-Über "Eck"'


def test_time_is_squeezed_into_the_span(tmp_path: Path) -> None:
    rows = rows_of(trace_of(RIDES), tmp_path, span_ms=60_000)
    assert [row["offset_ms"] for row in rows] == [0, 500, 10_000, 60_000]


def test_a_trace_of_one_moment_has_no_extent(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("".join(RIDES.read_text().splitlines(keepends=True)[:2]))
    assert rows_of(trace_of(path), tmp_path)[0]["offset_ms"] == 0


def _parquet(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path)


def _jsonl(path: Path, table: pa.Table) -> None:
    path.write_bytes(b"".join(orjson.dumps(row, default=str) + b"\n" for row in table.to_pylist()))


def _csv(path: Path, table: pa.Table) -> None:
    pyarrow.csv.write_csv(table, path)


def _gzipped_csv(path: Path, table: pa.Table) -> None:
    path.write_bytes(gzip.compress(RIDES.read_bytes()))


@pytest.mark.parametrize(
    ("name", "format_", "write"),
    [("r.parquet", "parquet", _parquet), ("r.jsonl", "jsonl", _jsonl), ("r.csv.gz", "csv", _gzipped_csv)],
)
def test_every_format_gives_the_same_events(tmp_path: Path, name: str, format_: str, write: Any) -> None:
    write(tmp_path / name, pyarrow.csv.read_csv(RIDES))
    (tmp_path / "csv").mkdir()
    other = trace_of(tmp_path / name, MAPPING.replace("format: csv", f"format: {format_}"))
    assert rows_of(other, tmp_path) == rows_of(trace_of(RIDES), tmp_path / "csv")


@pytest.mark.parametrize(
    ("time", "text", "expected_ms"),
    [
        ("{from: started}", "2024-03-01T08:00:00+02:00", 1709272800000),
        ("{from: started, timezone: Europe/Berlin}", "2024-03-01", 1709247600000),
        ("{from: started, format: epoch_s}", "1709276400.25", 1709276400250),
        ("{from: started, format: epoch_ms}", "1709276400000", 1709276400000),
        ("{from: started, format: epoch_us}", "1709276400000000", 1709276400000),
        ('{from: started, format: "%d.%m.%y %Hh", timezone: Europe/Berlin}', "01.03.24 08h", 1709276400000),
        ('{from: started, format: "%d.%m.%Y %H:%M %z"}', "01.03.2024 08:00 +0100", 1709276400000),
        ("{year: started, month: ride, day: ride, hour: bike, timezone: CET}", "2024", 1704092400000),
    ],
)  # fmt: skip
def test_times_are_read_in_their_zone(tmp_path: Path, time: str, text: str, expected_ms: int) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"ride,started,station,bike,city,minutes,metres,note\n1,{text},s,8,c,1,1,n\n")
    mapping = MAPPING.replace("{from: started, timezone: Europe/Berlin}", time)
    assert rows_of(trace_of(path, mapping), tmp_path)[0]["time_ms"] == expected_ms


def test_columns_that_do_not_exist_are_told_with_their_places(tmp_path: Path) -> None:
    mapping = MAPPING.replace("column: note", "").replace("station-{station}", "{statoin}-{dock}")
    found = problems_of(trace_of(RIDES, mapping.replace("value: minutes", "value: seconds")), tmp_path)
    assert [problem.split("; allowed")[0] for problem in found] == [
        "7: fields.entity_id: found no column statoin",
        "7: fields.entity_id: found no column dock",
        "10: fields.value: found no column seconds",
    ]


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_a_misspelt_column_gets_a_suggestion_in_every_format(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "r"
    table = pyarrow.csv.read_csv(RIDES)
    write = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
    write[format_](path, table)
    mapping = MAPPING.replace("format: csv", f"format: {format_}").replace("value: minutes", "value: minuets")
    (problem,) = problems_of(trace_of(path, mapping), tmp_path)
    assert "found no column minuets; allowed: did you mean minutes?" in problem


def test_values_that_do_not_parse_are_counted_with_examples(tmp_path: Path) -> None:
    bad = [
        f"b{n},2024-03-01 09:0{n}:00,s,B,c,{text},1.5,n"
        for n, text in enumerate(["n/a", "nan", "1e999", "1_0"])
    ]
    found = problems_of(trace_of(with_line(tmp_path, *bad)), tmp_path)
    assert [problem.split("; allowed")[0] for problem in found] == [
        "10: fields.value: found values that are not numbers (column minutes): 4, such as '1_0' or 1e999"
        f" or n/a, first in {tmp_path}/rides.csv:6",
        "11: fields.quantity: found values that are not whole numbers (column metres): 4, such as '1.5',"
        f" first in {tmp_path}/rides.csv:6",
    ]


def test_times_that_do_not_parse_and_those_that_lack_are_told_apart(tmp_path: Path) -> None:
    path = with_line(tmp_path, "x1,yesterday,s,B,c,1,1,n", "x2,epoch,s,B,c,1,1,n", "x3,,s,B,c,1,1,n")
    found = problems_of(trace_of(path), tmp_path)
    assert [problem.split("; allowed")[0] for problem in found] == [
        "3: time.from: found values that are not times (column started): 2, such as epoch or yesterday, first"
        f" in {path}:6",
        f"3: time.from: found events without a time (column started): 1, such as x3, first in {path}:8",
    ]


def test_a_date_that_does_not_exist_is_no_time(tmp_path: Path) -> None:
    path = with_line(tmp_path, "x1,2024-02-30 08:00:00,s,B,c,1,1,n")
    assert "values that are not times (column started): 1" in problems_of(trace_of(path), tmp_path)[0]


def test_required_fields_that_lack_are_counted(tmp_path: Path) -> None:
    path = with_line(tmp_path, "x1,2024-03-01 08:00:00,s,B,,1,1,n", "x2,2024-03-01 08:00:00,,B,c,1,1,n")
    found = problems_of(trace_of(path), tmp_path)
    assert [problem.split(" (")[0] for problem in found] == [
        "7: fields.entity_id: found events without entity_id",
        "8: fields.category: found events without category",
    ]


def test_values_that_break_the_contract_are_counted(tmp_path: Path) -> None:
    path = with_line(
        tmp_path, "x1,2024-03-01 08:00:00,s,B,c,1,-5,n", f"{'x' * 129},2024-03-01 08:00:00,s,B,c,1,1,n"
    )
    found = problems_of(trace_of(path, MAPPING.replace("ride_started", "Ride Started")), tmp_path)
    assert [problem.split(": found")[0] + problem.split("; allowed")[1] for problem in found] == [
        "5: fields.event_id: at most 128 characters",
        "6: fields.event_type: the pattern ^[a-z][a-z0-9_]*$",
        "11: fields.quantity: at least 0.0",
    ]


def test_identities_that_repeat_are_counted(tmp_path: Path) -> None:
    again = RIDES.read_text().splitlines()[1]
    path = with_line(tmp_path, "", again, again)
    (problem,) = problems_of(trace_of(path), tmp_path)
    found = "found events that repeat the (event_id, time) of an earlier one: 2, such as r1, first in"
    assert f"{found} {path}:7" in problem
    assert "{row_number: true} numbers the rows" in problem


def test_an_identity_may_come_again_at_another_time(tmp_path: Path) -> None:
    assert len(rows_of(trace_of(with_line(tmp_path, "r1,2024-03-01 08:59:00,s,B,c,1,1,n")), tmp_path)) == 5


def test_lines_that_are_no_csv_are_counted_by_kind_after_their_first_line(tmp_path: Path) -> None:
    """Lines are counted as an editor does, through blank ones and line breaks in values."""
    lines = ['q1,2024-03-01 08:00:00,"a\nb",B,c,1,1,n', "", "a,b", "a", "a,b,c,d,e,f,g,h,i", 'x,"y"z', 'x,"y']
    found = problems_of(trace_of(with_line(tmp_path, *lines)), tmp_path)
    assert [problem.split("rides.csv:")[1].split("; allowed")[0] for problem in found] == [
        "9: found lines with too few values for 8 columns: 2",
        "11: found lines with too many values for 8 columns: 1",
        "12: found lines with text after a closing quote: 1",
        "13: found lines with an unclosed quote: 1",
    ]


@pytest.mark.parametrize(
    ("format_", "content"),
    [
        ("csv", b""),
        ("csv", b"ride,started,station,bike,city,minutes,metres,note\n"),
        ("csv", RIDES.read_bytes() + b"x1,2024-03-01 08:00:00,\xff,B,c,1,1,n\n"),
        ("csv", b"city,city" + RIDES.read_bytes()),
        ("jsonl", b'{"ride": 1}\n{"ride":\n'),
        ("jsonl", b"[1]\n"),
        ("parquet", b"PAR1 or not"),
    ],
)
def test_a_file_that_is_not_what_the_mapping_says_is_refused(
    tmp_path: Path, format_: str, content: bytes
) -> None:
    path = tmp_path / "trace[1]*?.dat"
    path.write_bytes(content)
    assert problems_of(trace_of(path, MAPPING.replace("format: csv", f"format: {format_}")), tmp_path)


def _many_rides(folder: Path, format_: str) -> bytes:
    rides = pyarrow.csv.read_csv(RIDES)
    many = pa.concat_tables([rides] * 500)
    write = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
    write[format_](folder / "whole", many)
    return (folder / "whole").read_bytes()


def _refusal(folder: Path, name: str, content: bytes) -> str:
    """The only problem of a trace with this name, whose format is the first part of its ending."""
    path = folder / name
    path.write_bytes(content)
    (problem,) = problems_of(trace_of(path, MAPPING.replace("csv", name.split(".")[1])), folder)
    assert problem.startswith(str(path)), problem
    return problem.removeprefix(str(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", b""),
        ("r.csv", RIDES.read_bytes().splitlines()[0] + b"\n"),
        ("r.csv.gz", gzip.compress(b"", mtime=0)),
        ("r.jsonl", b""),
        ("r.jsonl", b"\n\n"),
    ],
)
def test_a_trace_without_events_is_said_to_be_empty(tmp_path: Path, name: str, content: bytes) -> None:
    assert re.match(": found no (events|header);", _refusal(tmp_path, name, content))


def test_a_parquet_trace_of_no_rows_is_said_to_be_empty(tmp_path: Path) -> None:
    pq.write_table(pyarrow.csv.read_csv(RIDES).slice(0, 0), tmp_path / "none")
    assert ": found no events;" in _refusal(tmp_path, "r.parquet", (tmp_path / "none").read_bytes())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("r.csv.gz", ": found gzip data that is cut off"),
        ("r.jsonl", ":2000: found lines that are not valid JSON: 1, such as '{"),
        ("r.jsonl.gz", ": found gzip data that is cut off"),
        ("r.parquet", ": found Parquet data that is cut off"),
    ],
)
def test_a_trace_whose_end_is_cut_off_is_refused_by_its_name(tmp_path: Path, name: str, told: str) -> None:
    whole = _many_rides(tmp_path, name.split(".")[1])
    content = gzip.compress(whole) if name.endswith(".gz") else whole
    assert told in _refusal(tmp_path, name, content[:-6])


def test_a_line_of_csv_that_is_cut_off_is_named(tmp_path: Path) -> None:
    whole = _many_rides(tmp_path, "csv")
    assert ":2001: found lines with an unclosed quote: 1" in _refusal(tmp_path, "r.csv", whole[:-30])


def test_a_parquet_trace_that_lost_its_middle_is_refused(tmp_path: Path) -> None:
    whole = _many_rides(tmp_path, "parquet")
    middle = len(whole) // 4
    assert ": found " in _refusal(tmp_path, "r.parquet", whole[:middle] + whole[middle + 100 :])


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_nothing_in_a_mapping_is_taken_for_sql(tmp_path: Path, format_: str) -> None:
    name = "it's \"/~; DROP TABLE mapped; --{}"
    table = pyarrow.csv.read_csv(RIDES)
    renamed = table.rename_columns([name if column == "note" else column for column in table.column_names])
    write = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
    write[format_](tmp_path / "r", renamed)
    attributes = json.dumps([name, "city"])
    mapping = MAPPING.replace("[note, city]", attributes).replace("format: csv", f"format: {format_}")
    carried = rows_of(trace_of(tmp_path / "r", mapping), tmp_path)[0]["attributes"]
    assert json.loads(carried) == {name: "fast, dry", "city": "Berlin"}


def test_a_name_that_looks_like_a_pattern_names_one_file(tmp_path: Path) -> None:
    path = tmp_path / "rides[1]*?.csv"
    path.write_bytes(RIDES.read_bytes())
    assert len(rows_of(trace_of(path), tmp_path)) == 4


def test_a_database_for_a_trace_reads_no_other_file(tmp_path: Path) -> None:
    with (
        open_database(readable=[RIDES], spill=tmp_path) as database,
        pytest.raises(Exception, match="disabled by configuration"),
    ):
        database.execute(f"FROM read_text('{FIXTURES / 'rides.yaml'}')")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("format: csv", "format: cvs", "2: format: found cvs"),
        ("file: rides.csv", "file: none.csv", "1: file: found none.csv"),
        ("file: rides.csv\n", "", "1: found {format: csv"),
        ("file: rides.csv", "file: [rides.csv, none.csv]", "1: file[1]: found none.csv"),
        ("file: rides.csv", "file: none/*.csv", "1: file: found none/*.csv, which no file matches"),
        ("file: rides.csv", "file: empty", "1: file: found empty, a folder without files"),
        ("format: csv", "format: csv\ncolumns: [a, b, a]", "1: found {file"),
        ("format: csv", "format: jsonl\ncolumns: [a, b]", "1: found {file"),
        ("event_id: ride", "event_id: {row_number: yes}",
         "5: fields.event_id.row_number: found 'yes'; allowed: true"),
        ("event_id: ride", "event_id: {row_number: true, column: ride}",
         "5: fields.event_id: found {row_number"),
        ("category: city", "category: {row_number: true}", "4: fields: found {event_id"),
        ("from: started", 'from: started, format: "%Y-%Q"', "3: time.format: found '%Y-%Q'"),
        ("from: started", 'from: started, format: "%Y-%"', "3: time.format: found '%Y-%'"),
        ("Europe/Berlin", "Europe/Berlyn", "3: time.timezone: found Europe/Berlyn"),
        ("from: started", "from: started, format: soon", "3: time.format: found soon"),
        ("from: started", "from: started, year: bike", "3: time: found {from: started"),
        ("from: started,", "", "3: time: found {timezone"),
        ("category: city", "catgory: city", "8: fields.catgory: found unknown field catgory"),
        ("const: ride_started", "const: a, column: b", "6: fields.event_type: found {const: a"),
        ("station-{station}", "{station!r}", "7: fields.entity_id.template: found '{station!r}'"),
        ("station-{station}", "{station", "7: fields.entity_id.template: found '{station'"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_mapping_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    (tmp_path / "rides.csv").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "_SUCCESS").touch()
    (tmp_path / "m.yaml").write_text(MAPPING.replace(old, new))
    with pytest.raises(InvalidInput) as refused:
        read_mapping(tmp_path / "m.yaml")
    problems = [str(problem).removeprefix(f"{tmp_path}/m.yaml:") for problem in refused.value.problems]
    assert any(problem.startswith(told) for problem in problems), problems


def test_a_value_can_be_converted_to_another_unit(tmp_path: Path) -> None:
    hours = MAPPING.replace("  value: minutes", "  value: {column: minutes, divided_by: 60}")
    assert hours != MAPPING
    values = [row["value"] for row in rows_of(trace_of(RIDES, hours), tmp_path)]
    assert values[:2] == [12.5 / 60, None]


@pytest.mark.parametrize("text", ["0", "-60", ".inf", "half"])
def test_a_divisor_is_a_number_of_at_least_one(text: str) -> None:
    document = parse_document(
        MAPPING.replace("  value: minutes", f"  value: {{column: minutes, divided_by: {text}}}"),
        name="m.yaml",
    )
    _, problems = typed(Mapping, document, document.data)
    assert ["divided_by" in problem.where for problem in problems] == [True]


def test_only_a_value_has_a_unit() -> None:
    document = parse_document(
        MAPPING.replace("  entity_id: {", "  entity_id: {divided_by: 60, "), name="m.yaml"
    )
    _, problems = typed(Mapping, document, document.data)
    assert ["divided_by" in str(problem) for problem in problems] == [True]


def test_a_sample_trace_tells_a_dedup_by_id_and_a_rounding_pipeline() -> None:
    """Ids that come back at other times, and values with decimals: without them neither is noticed."""
    mapping, _ = read_mapping(SCENARIOS / "traces" / "flights.yaml")
    assert isinstance(mapping, Mapping)
    assert {"year", "month", "day"}.isdisjoint(mapping.fields.event_id.columns())
    assert mapping.fields.value is not None
    assert mapping.fields.value.divided_by == 60
