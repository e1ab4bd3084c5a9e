"""Traces as people have them: compressed, in parts, without header or identity, damaged, not in UTF-8."""

from __future__ import annotations

import bz2
import errno
import gzip
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from harness.base.errors import InvalidInput
from harness.load.traces.files import files_named
from harness.load.traces.mapping import read_mapping
from harness.load.traces.source import trace_digest, trace_of
from harness.load.traces.trace import Trace
from tests.core.traces import PUMPS, problems_of, pumps, rows_of

HEADER = "id,t,ent\n"
DAY = "2024-05-01"


def lines(count: int, first: int = 0) -> str:
    return "".join(f"r{n},{DAY}T08:{n % 60:02}:00Z,pump-{n % 3}\n" for n in range(first, first + count))


def objects(count: int) -> bytes:
    rows = (line.split(",") for line in lines(count).splitlines())
    return b"".join(orjson.dumps(dict(zip(("id", "t", "ent"), row, strict=True))) + b"\n" for row in rows)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zstd(content: bytes) -> bytes:
    compressed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return compressed


def told(path: Path, folder: Path, **changes: str) -> str:
    """The only problem of a trace, after its file's name."""
    (problem,) = problems_of(pumps(path, **changes), folder)
    assert problem.startswith(str(path)), problem
    return problem.removeprefix(str(path))


def ids(path: Path, folder: Path, *others: Path, **changes: str) -> list[str]:
    return [row["event_id"] for row in rows_of(pumps(path, *others, **changes), folder)]


def rows_or_refusal(trace: Trace, folder: Path) -> list[dict[str, Any]] | None:
    """The rows; None where the trace is refused, and no other error will do."""
    try:
        return rows_of(trace, folder)
    except InvalidInput:
        return None


# Containers


@pytest.mark.parametrize(
    ("ending", "compress"),
    [("gz", gzip.compress), ("GZ", gzip.compress), ("bz2", bz2.compress), ("zst", zstd), ("", zstd)],
)
@pytest.mark.parametrize("name", ["pumps.csv", "PUMPS.JSONL"])
def test_compressed_traces_are_read_whatever_they_are_called(
    tmp_path: Path, name: str, ending: str, compress: Callable[[bytes], bytes]
) -> None:
    content = (HEADER + lines(30)).encode() if name.endswith("csv") else objects(30)
    path = written(tmp_path, f"{name}.{ending}".rstrip("."), compress(content))
    assert ids(path, tmp_path) == [f"r{n}" for n in range(30)]


def test_several_compressed_streams_in_one_file_are_one_trace(tmp_path: Path) -> None:
    path = written(tmp_path, "p.csv.gz", gzip.compress(HEADER.encode()) + gzip.compress(lines(2).encode()))
    assert ids(path, tmp_path) == ["r0", "r1"]


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("ending", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("zst", zstd)]
)
@pytest.mark.parametrize("size", [30, 60_000])  # some of a hundred bytes, and some beyond a header's MiB
def test_a_compressed_trace_that_is_cut_is_refused(
    tmp_path: Path, format_: str, ending: str, compress: Callable[[bytes], bytes], size: int
) -> None:
    content = (HEADER + lines(size)).encode() if format_ == "csv" else objects(size)
    path = written(tmp_path, f"p.{format_}.{ending}", compress(content)[:-5])
    assert "data that is cut off: its end is missing" in told(path, tmp_path)


def test_whatever_byte_of_a_compressed_trace_is_changed_its_data_is_not(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(objects(30), mtime=0))
    expected = rows_of(pumps(written(tmp_path, "whole.jsonl", objects(30))), tmp_path)
    for at in range(0, len(content), 3):
        damaged = content.copy()
        damaged[at] ^= 1 << (at % 8)
        folder = tmp_path / str(at)
        # Its name, its time and the like are not data.
        assert rows_or_refusal(pumps(written(folder, "p.jsonl.gz", bytes(damaged))), folder) in (
            None,
            expected,
        )


def test_a_disk_that_is_full_is_no_fault_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object, length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    path = written(tmp_path, "p.jsonl.gz", gzip.compress(objects(1)))
    assert told(path, tmp_path).startswith(": found No space left on device")


def test_a_wrong_checksum_is_told(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(objects(30)))
    content[-8] ^= 1
    assert "gzip data that is damaged" in told(written(tmp_path, "p.jsonl.gz", bytes(content)), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("p.csv.gz", b"id,t,ent\n", ": found data that is not gzip, although the name ends in .gz"),
        (
            "p.csv.xz",
            b"\xfd7zXZ\x00....",
            ": found a file compressed with xz; allowed: plain text, or compressed",
        ),
        (
            "p.csv.zip",
            b"PK\x03\x04....",
            ": found a file compressed with ZIP; allowed: plain text, or compressed",
        ),
    ],
)
def test_what_is_not_read_is_told(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    assert told(written(tmp_path, name, content), tmp_path).startswith(expected)


# Encodings


@pytest.mark.parametrize("name", ["p.csv", "p.jsonl", "p.csv.gz", "p.jsonl.gz"])
def test_a_byte_order_mark_is_no_data(tmp_path: Path, name: str) -> None:
    content = b"\xef\xbb\xbf" + ((HEADER + lines(2)).encode() if "csv" in name else objects(2))
    path = written(tmp_path, name, gzip.compress(content) if name.endswith("gz") else content)
    assert ids(path, tmp_path) == ["r0", "r1"]


def test_a_byte_order_mark_is_no_data_without_a_header_either(tmp_path: Path) -> None:
    path = written(tmp_path, "p.csv", b"\xef\xbb\xbf" + lines(2).encode())
    assert ids(path, tmp_path, format="csv\ncolumns: [id, t, ent]") == ["r0", "r1"]


@pytest.mark.parametrize(
    "header", ["id,t,ent,größe\n".encode("latin-1"), (HEADER + lines(1)).encode("utf-16"), b"id,t,e\x00nt\n"]
)
def test_a_header_that_is_not_utf8_is_told(tmp_path: Path, header: bytes) -> None:
    path = written(tmp_path, "p.csv", header + lines(1).encode())
    assert told(path, tmp_path).startswith(":1: found a header that is not UTF-8; allowed: UTF-8")


def test_a_header_may_be_longer_than_what_is_read_of_it_in_part(tmp_path: Path) -> None:
    """A character that the end of the first MiB cuts is no fault."""
    path = written(tmp_path, "p.csv", HEADER + f"r0,{DAY},p\n" + "ü,,\n" * 300_000)
    assert "events without" in problems_of(pumps(path), tmp_path)[0]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("p.csv", HEADER.encode() + b"a,2024-05-01,\xff\n", ":2: found lines that are not UTF-8: 1"),
        ("p.jsonl", objects(1) + b'{"id": "\xff"}\n', ":2: found lines that are not UTF-8: 1"),
        ("p.csv", HEADER.replace("\n", "\r\n") + "a,b,c\r\nd,e,f\n",
         ":3: found lines ending in LF where earlier lines end in CRLF: 1"),
        ("p.csv", HEADER + "a,b,c\r\n", ":2: found lines ending in CRLF where earlier lines end in LF: 1"),
        ("p.csv", HEADER + "a," + "b" * 3_000_000 + ",c\n", ":2: found lines "),
        ("p.jsonl", '{"id": "a"}\n\n{"id": "b"},\n',
         """:3: found lines that are not valid JSON: 1, such as '{"id": "b"},'"""),
        ("p.jsonl", '{"id": "a"}\n[1]\n2\n', ":2: found lines that are not JSON objects: 2, such as '[1]'"),
        ("p.jsonl", '{"id": "\\ud800"}\n', ":1: found lines that are not valid JSON: 1"),
    ],
)  # fmt: skip
def test_lines_that_cannot_be_read_are_named(
    tmp_path: Path, name: str, content: str | bytes, expected: str
) -> None:
    problem = told(written(tmp_path, name, content), tmp_path)
    assert problem.startswith(expected)
    assert "strict_mode" not in problem


# One rule for every format


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, format_: str) -> None:
    path = tmp_path / f"p.{format_}"
    if format_ == "parquet":
        values = [pa.array(["a"]), pa.array([DAY]), pa.array(["p"]), pa.array(["q"])]
        pq.write_table(pa.Table.from_arrays(values, names=["id", "t", "ent", "ent"]), path)
    elif format_ == "csv":
        path.write_text(f"id,t,ent,ent\na,{DAY},p,q\n")
    else:
        path.write_bytes(objects(1) + b'{"id": "a", "t": "2024-05-01", "ent": "p", "e\\u006et": "q"}\n')
    problem = told(path, tmp_path)
    assert "ent more than once" in problem or "several columns named ent" in problem
    assert format_ != "jsonl" or problem.startswith(":2: found lines with ent more than once: 1, such as")


def test_names_that_nothing_asks_for_may_be_there_twice(tmp_path: Path) -> None:
    path = written(tmp_path, "p.jsonl", objects(1)[:-2] + b', "x": 1, "x": 2}\n')
    assert ids(path, tmp_path) == ["r0"]


@pytest.mark.parametrize(("value", "kind"), [({"city": "Bern"}, "an object"), ([1], "a list")])
def test_what_is_no_text_is_not_made_one_in_json(tmp_path: Path, value: object, kind: str) -> None:
    row = json.dumps({"id": "a", "t": DAY, "ent": value})
    path = written(tmp_path, "p.jsonl", objects(3).decode() + row + "\n")
    assert told(path, tmp_path).startswith(f":4: found lines with {kind} instead of a plain value as ent: 1")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (pa.array([{"city": "Bern"}]), "column ent of type struct<city: string>"),
        (pa.array([["Bern"]]), "column ent of type list<element: string>"),
        (pa.array([[("city", "Bern")]], pa.map_(pa.string(), pa.string())), "column ent of type map<"),
        (pa.array([b"Bern"], pa.binary(4)), "column ent of type fixed_size_binary[4]"),
    ],
)
def test_what_is_no_text_is_not_made_one_in_parquet(tmp_path: Path, values: pa.Array, named: str) -> None:
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"id": ["a"], "t": [DAY], "ent": values}), path)
    assert f": found {named}" in told(path, tmp_path)


@pytest.mark.parametrize(
    "type_", [pa.binary(), pa.large_binary(), pa.string(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_of_parquet_are_what_was_written(tmp_path: Path, type_: pa.DataType) -> None:
    """Older writers leave out the mark that bytes are a text."""
    texts = ["Zürich", r"C:\temp"]
    values = pa.array([text.encode() for text in texts] if "binary" in str(type_) else texts).cast(type_)
    pq.write_table(pa.table({"id": ["a", "b"], "t": [DAY, DAY], "ent": values}), tmp_path / "p.parquet")
    assert [row["entity_id"] for row in rows_of(pumps(tmp_path / "p.parquet"), tmp_path)] == texts


def test_bytes_of_parquet_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"id": ["a", "b"], "t": [DAY, DAY], "ent": [b"x", b"Z\xfcrich"]}), path)
    assert told(path, tmp_path).startswith(", row 2: found bytes in column ent that are not UTF-8")


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_a_number_late_in_a_file_is_read_as_it_is(tmp_path: Path, format_: str) -> None:
    """Nothing concludes from the first rows what the later ones are."""
    values = ["3"] * 30_000 + ["3.5", "1e3"]
    _write(tmp_path / f"p.{format_}", {"id": [str(n) for n in range(len(values))], "t": [DAY] * len(values),
           "ent": ["p"] * len(values), "v": values})  # fmt: skip
    mapping = {"category": "{const: c}\n  value: v"}
    assert [row["value"] for row in rows_of(pumps(tmp_path / f"p.{format_}", **mapping), tmp_path)[-3:]] == [
        3, 3.5, 1000,
    ]  # fmt: skip


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_values_that_are_not_finite_are_refused_with_their_place(tmp_path: Path, format_: str) -> None:
    path = tmp_path / f"p.{format_}"
    values = [1.5, float("nan"), float("inf")]
    if format_ == "parquet":
        pq.write_table(pa.table({"id": ["a", "b", "c"], "t": [DAY] * 3, "ent": ["p"] * 3, "v": values}), path)
    elif format_ == "csv":
        path.write_text("id,t,ent,v\n" + "".join(f"{n},{DAY},p,{v}\n" for n, v in enumerate(values)))
    else:
        path.write_text(
            "".join(json.dumps({"id": n, "t": DAY, "ent": "p", "v": v}) + "\n" for n, v in enumerate(values))
        )
    (problem,) = problems_of(pumps(path, category="{const: c}\n  value: v"), tmp_path)
    assert "found values that are not numbers (column v): 2" in problem
    place = {"csv": f"{path}:3", "jsonl": f"{path}:2", "parquet": f"{path}, row 2"}[format_]
    assert f"first in {place};" in problem


def _write(path: Path, columns: dict[str, list[str]]) -> None:
    table = pa.table(columns)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in table.to_pylist()))


# Several files, no header, no identity


def test_rows_have_numbers_for_identities_and_may_be_equal(tmp_path: Path) -> None:
    first = written(tmp_path, "a.csv", HEADER + lines(1) * 2)
    second = written(tmp_path, "b.csv", HEADER + lines(1))
    assert ids(first, tmp_path, second, event_id="{row_number: true}") == ["1", "2", "3"]


def test_equal_rows_without_numbers_are_told_how_to_get_them(tmp_path: Path) -> None:
    (problem,) = problems_of(pumps(written(tmp_path, "a.csv", HEADER + lines(1) * 2)), tmp_path)
    assert "{row_number: true} numbers the rows" in problem


def test_a_file_without_a_header_gets_one_from_its_mapping(tmp_path: Path) -> None:
    path = written(tmp_path, "p.csv", lines(2))
    assert ids(path, tmp_path, format="csv\ncolumns: [id, t, ent]") == ["r0", "r1"]


def test_columns_of_a_mapping_are_as_many_as_the_file_has(tmp_path: Path) -> None:
    path = written(tmp_path, "p.csv", lines(2))
    problem = told(path, tmp_path, format="csv\ncolumns: [id, t, ent, more]")
    assert problem.startswith(":1: found lines with too few values for 4 columns: 2")


def test_a_row_is_named_by_its_file_and_line(tmp_path: Path) -> None:
    first = written(tmp_path, "a.csv", HEADER + lines(3))
    second = written(tmp_path, "b.csv", HEADER + f'x,{DAY},"two\nlines"\n\ny,soon,p\n')
    (problem,) = problems_of(pumps(first, second), tmp_path)
    assert f"such as soon, first in {second}:5;" in problem


def test_files_are_read_one_after_the_other_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    first = written(tmp_path, "a.csv", HEADER + lines(1))
    second = written(tmp_path, "b.csv", f"ent,id,t\np,r1,{DAY}T09:00:00Z\n")
    assert ids(first, tmp_path, second) == ["r0", "r1"]


def test_a_column_that_one_of_several_files_lacks_is_told_with_the_file(tmp_path: Path) -> None:
    first = written(tmp_path, "a.csv", HEADER + lines(1))
    second = written(tmp_path, "b.csv", f"id,t,entity\nr1,{DAY},p\n")
    (problem,) = problems_of(pumps(first, second), tmp_path)
    assert f"found no column ent in {second}; allowed: did you mean entity?" in problem


def test_a_name_that_one_of_several_files_of_json_lacks_is_missing_there(tmp_path: Path) -> None:
    first = written(tmp_path, "a.jsonl", objects(1)[:-2] + b', "v": 1.5}\n')
    second = written(tmp_path, "b.jsonl", objects(2).splitlines()[1] + b"\n")
    rows = rows_of(pumps(first, second, category="{const: c}\n  value: v"), tmp_path)
    assert [row["value"] for row in rows] == [1.5, None]


def test_a_name_may_be_a_file_a_folder_a_pattern_or_a_list(tmp_path: Path) -> None:
    for name in ("parts/b.csv", "parts/a.csv", "parts/_SUCCESS", "parts/.a.csv.crc", "c.csv", "d[1].csv"):
        written(tmp_path, name, "")

    def found(*names: str) -> list[str]:
        return [str(path.relative_to(tmp_path)) for path in files_named(names, tmp_path)]

    assert found("c.csv") == ["c.csv"]
    assert found("parts") == ["parts/a.csv", "parts/b.csv"]
    assert found("*.csv") == ["c.csv", "d[1].csv"]
    assert found("**/a.csv", "c.csv", "parts/*.csv") == ["parts/a.csv", "c.csv", "parts/b.csv"]
    assert found("d[1].csv") == ["d[1].csv"]
    assert found("none.csv", "none*") == []


def test_a_folder_of_parquet_parts_is_a_trace(tmp_path: Path) -> None:
    parts = tmp_path / "parts" / "day=1"
    parts.mkdir(parents=True)
    for n in range(3):
        row = {"id": [f"r{n}"], "t": [f"{DAY}T0{n}:00:00Z"], "ent": ["p"]}
        pq.write_table(pa.table(row), parts / f"part-{n}.parquet")
    (tmp_path / "m.yaml").write_text(PUMPS.replace("unread", "parts").replace("csv", "parquet"))
    mapping, document = read_mapping(tmp_path / "m.yaml")
    trace = trace_of(mapping, document, tmp_path / "m.yaml", seed=1, report=lambda message: None)
    assert [row["event_id"] for row in rows_of(trace, tmp_path)] == ["r0", "r1", "r2"]  # type: ignore[arg-type]


def test_every_file_of_a_trace_counts_for_its_digest_and_their_order(tmp_path: Path) -> None:
    first, second = (
        written(tmp_path, "a.csv", HEADER + lines(1)),
        written(tmp_path, "b.csv", HEADER + lines(2)),
    )
    digests = {
        trace_digest(pumps(*paths), cache=tmp_path) for paths in [(first,), (first, second), (second, first)]
    }
    second.write_text(HEADER + lines(3))
    digests.add(trace_digest(pumps(first, second), cache=tmp_path))
    assert len(digests) == 4


# Parquet that is damaged


def _checked(path: Path) -> bytes:
    rows = {"id": [f"r{n}" for n in range(200)], "t": [DAY] * 200, "ent": ["p"] * 200}
    pq.write_table(pa.table(rows), path, compression="none", use_dictionary=False, write_page_checksum=True)
    return path.read_bytes()


def test_a_page_that_is_not_what_its_checksum_was_made_of_is_told_with_its_column(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    path.write_bytes(_checked(path).replace(b"r150", b"r151"))
    assert told(path, tmp_path).startswith(": found damaged data in column id")


def test_whatever_bit_of_a_parquet_file_changes_nothing_but_a_refusal_comes_of_it(tmp_path: Path) -> None:
    """Its footer above all, of which pyarrow's errors are of many kinds."""
    path = tmp_path / "p.parquet"
    content = _checked(path)
    expected = rows_of(pumps(path), tmp_path)
    places = random.Random(1).sample(range(len(content) * 8), 40)
    footer = int.from_bytes(content[-8:-4], "little")
    places += random.Random(2).sample(range((len(content) - footer - 8) * 8, len(content) * 8), 80)
    for n, bit in enumerate(places):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << (bit % 8)
        folder = tmp_path / str(n)
        assert rows_or_refusal(pumps(written(folder, "p.parquet", bytes(damaged))), folder) in (
            None,
            expected,
        )


def test_a_footer_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    content = _checked(path)
    at = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[:at] + b"\xff" * 8 + content[at + 8 :])
    assert told(path, tmp_path).startswith(": found a footer that cannot be read: the file is damaged")
