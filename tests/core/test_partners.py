"""What partners drop: accepted or refused as a whole, each row with its position."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load.contract_rules import contract_rules
from harness.oracle.rejection import rejection
from pipeline.contract.derive import event_contract
from pipeline.days.partners import partner_day as partners
from pipeline.days.partners.listing import PartnerFile, partner_listing
from pipeline.days.partners.partner_day import FORMATS, Contracts, PartnerDay, read_partner_day
from pipeline.days.partners.source_file import Limits, SourceFile
from pipeline.days.partners.values import event_time_ms, token
from pipeline.days.tasks.task import TaskResult
from pipeline.quality.result import RefusedFile
from tests.core.contract_judge import keeps_contract

DAY = date(2013, 1, 1)
NOON_MS = int(datetime(2013, 1, 1, 12, tzinfo=UTC).timestamp() * 1000)
MIDNIGHT_MS = NOON_MS - 12 * 3_600_000
FOLDER = f"landing/partners/tower/{DAY}"
CONTRACTS = Contracts(current=event_contract(), first=event_contract())
HEADER = b"event_id,event_type,entity_id,category,reference_id,value,quantity,attributes,event_time\n"
EVENT = {
    "event_id": "e1",
    "event_type": "departure",
    "entity_id": "EWR",
    "category": "UA",
    "reference_id": None,
    "value": 2.5,
    "quantity": 3,
    "attributes": {"destination": "IAH"},
    "event_time": NOON_MS,
}
ARROW: dict[str, pa.DataType] = {
    "value": pa.float64(),
    "quantity": pa.int64(),
    "attributes": pa.map_(pa.string(), pa.string()),
}
RAGGED = "all 2 rows have another number of values than the header's 9: the first has 10"
BYTES = {**ARROW, "entity_id": pa.binary()}
FLOATS = {**ARROW, "quantity": pa.float64()}
NAIVE = {**ARROW, "event_time": pa.timestamp("us")}
FAR = {**ARROW, "value": pa.timestamp("s")}
TEXTS = {**ARROW, "value": pa.string()}


class Memory:
    """Objects as the store has them."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self._objects = objects

    def get(self, key: str) -> bytes:
        return self._objects[key]

    def size(self, key: str) -> int:
        return len(self._objects[key])

    def etag(self, key: str) -> str:
        return str(hash(self._objects[key]))

    def list(self, prefix: str) -> Iterable[str]:
        return [key for key in self._objects if key.startswith(prefix)]


def read(files: Mapping[str, bytes], **limits: int) -> PartnerDay:
    objects = Memory({f"{FOLDER}/{name}": content for name, content in files.items()})
    listing = partner_listing(objects)
    return read_partner_day(objects, listing.of(DAY), DAY, CONTRACTS, limits=Limits(**limits))


def csv(*rows: str) -> bytes:
    return HEADER + "".join(f"{row}\n" for row in rows).encode()


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def parquet(
    *rows: Mapping[str, Any],
    types: Mapping[str, pa.DataType] = ARROW,
    use_dictionary: bool = True,
    kept: int | None = None,
    as_text: Sequence[str] = (),
    **options: Any,
) -> bytes:
    """``as_text`` names columns of bytes that the file calls texts."""
    types = {**types, **dict.fromkeys(as_text, pa.binary())}
    columns = {
        name: pa.array([_arrow(row[name]) for row in rows], types.get(name, _default(name)))
        for name in rows[0]
    }
    columns |= {name: columns[name].view(pa.string()) for name in as_text}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns)[:kept], buffer, use_dictionary=use_dictionary, **options)
    return buffer.getvalue()


def _arrow(found: Any) -> Any:
    return list(found.items()) if isinstance(found, dict) else found


def _default(name: str) -> pa.DataType:
    return pa.int64() if name == "event_time" else pa.string()


def kept(day: PartnerDay) -> list[bool]:
    """Whether each row's event keeps the contract."""
    return [keeps_contract(value) for value in day.rows["value"].to_pylist()]


def problems(day: PartnerDay) -> str:
    (refused,) = day.refused
    assert day.rows.num_rows == 0
    return "; ".join(refused.problems)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", csv(f'e1,departure,EWR,UA,,2.5,3,"{{""destination"": ""IAH""}}",{NOON_MS}')),
        ("a.jsonl", lines(EVENT)),
        ("a.parquet", parquet(EVENT)),
    ],
)
def test_a_row_of_every_format_becomes_the_same_event(name: str, content: bytes) -> None:
    day = read({name: content})
    assert (day.refused, day.rows.num_rows) == ((), 1)
    (row,) = day.rows.to_pylist()
    event = json.loads(row["value"])
    assert {**EVENT, **event} == EVENT
    assert event["attributes"] == EVENT["attributes"]
    assert (row["source_name"], row["source_position"], row["key"]) == (f"{FOLDER}/{name}", 0, "EWR")
    assert row["event_time"] == datetime(2013, 1, 1, 12, tzinfo=UTC)
    assert kept(day) == [True]


def line(**fields: Any) -> bytes:
    return json.dumps({**EVENT, **fields}).encode() + b"\n"


def test_a_byte_order_mark_is_no_part_of_a_text_file() -> None:
    row = f"e1,departure,EWR,UA,,2.5,3,,{NOON_MS}"
    for name, content in (("a.csv", csv(row)), ("a.jsonl", lines(EVENT))):
        plain, marked = read({name: content}), read({name: codecs.BOM_UTF8 + content})
        assert marked.rows.equals(plain.rows)
        assert kept(marked) == [True]


def test_half_a_surrogate_pair_in_a_key_makes_a_reject_and_no_more() -> None:
    day = read({"a.jsonl": line(entity_id="\ud83d"), "b.jsonl": lines(EVENT)})
    assert (day.refused, day.rows["key"].to_pylist()) == ((), [None, "EWR"])
    reasons = [rejection(value, contract_rules()) for value in day.rows["value"].to_pylist()]
    assert reasons == ["not_json", None]


@pytest.mark.parametrize(
    ("name", "told"), [("note\ud83d", "note\\ud83d"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m")]
)
def test_names_that_are_no_text_are_told_with_their_escapes(name: str, told: str) -> None:
    day = read({"a.jsonl": line(**{name: 1})})
    assert (kept(day), day.accepted[0].ignored) == ([True], (told,))
    TaskResult(outcome="promoted", notes=day.accepted[0].ignored).model_dump_json()
    renamed = {key: value for key, value in EVENT.items() if key != "event_type"}
    assert f"rename to {told}" in problems(read({"a.jsonl": lines({**renamed, name: "x"})}))


@pytest.mark.parametrize(
    "zone", ["UTC", "+00:00", "Etc/UTC", "Z", "Europe/Berlin", "-05:00", "America/New_York"]
)
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_moment_is_one_whatever_zone_it_is_shown_in(zone: str, unit: str) -> None:
    noon = datetime(2013, 1, 1, 12, tzinfo=UTC)
    types = {**ARROW, "event_time": pa.timestamp(unit, tz=zone)}
    day = read({"a.parquet": parquet({**EVENT, "event_time": noon}, types=types)})
    assert (day.refused, kept(day), day.rows["event_time"].to_pylist()) == ((), [True], [noon])


def test_what_spark_writes_by_default_is_a_moment() -> None:
    """INT96, which bears no zone, holds moments by Spark's own rule."""
    noon = datetime(2013, 1, 1, 12, tzinfo=UTC)
    content = parquet(
        {**EVENT, "event_time": noon.replace(tzinfo=None)}, types=NAIVE, use_deprecated_int96_timestamps=True
    )
    assert read({"a.parquet": content}).rows["event_time"].to_pylist() == [noon]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("far", [2**62, -(2**62)])
def test_a_moment_beyond_all_days_is_none_of_the_day(unit: str, far: int) -> None:
    types = {**ARROW, "event_time": pa.timestamp(unit, tz="UTC")}
    day = read({"a.parquet": parquet({**EVENT, "event_time": far}, types=types)})
    assert (day.refused, kept(day)) == ((), [False])


def test_a_moment_a_little_before_midnight_is_of_the_day_before_in_every_format() -> None:
    day = date(1970, 1, 1)
    types = {**ARROW, "event_time": pa.timestamp("us", tz="UTC")}
    content = {
        "a.jsonl": line(event_time="1969-12-31T23:59:59.999900Z"),
        "b.parquet": parquet({**EVENT, "event_time": -100}, types=types),
    }
    objects = Memory({f"landing/partners/tower/{day}/{name}": found for name, found in content.items()})
    found = read_partner_day(objects, partner_listing(objects).of(day), day, CONTRACTS)
    assert kept(found) == [False, False]


@pytest.mark.parametrize(
    "content",
    [
        {"a.jsonl": line(quantity=3.0)},
        {"a.csv": csv(f"e1,departure,EWR,UA,,2.5,3.0,,{NOON_MS}")},
        {"a.jsonl": line()[:-2] + b', "event_time": 17}\n'},
        {"a.jsonl": line()[:-2] + b', "attributes": {"a": "1", "a": "2"}}\n'},
        {
            "a.jsonl": line(attributes=None)[:-2].replace(
                b'"attributes": null', b'"attributes": {"a":"1","a":"2"}'
            )
            + b"}\n"
        },
        {"a.csv": csv(f'e1,departure,EWR,UA,,2.5,3,"{{""a"": ""1"", ""a"": ""2""}}",{NOON_MS}')},
        {"a.parquet": parquet({**EVENT, "attributes": [("a", "1"), ("a", "2")]})},
        {"a.parquet": parquet({**EVENT, "value": float("nan")})},
        {"a.jsonl": line(value=float("nan"))},
        {"a.csv": csv(f"e1,departure,EWR,UA,,NaN,3,,{NOON_MS}")},
        {"a.jsonl": line(event_time="\u0661\u0662\u0663")},
        {"a.csv": csv("e1,departure,EWR,UA,,2.5,3,,\u0661\u0662\u0663")},
        {"a.jsonl": line().decode().strip().encode("utf-16-le") + b"\n" + line(event_id=None)},
    ],
)
def test_the_same_fault_is_a_reject_in_every_format(content: dict[str, bytes]) -> None:
    day = read(content)
    assert (day.refused, set(kept(day))) == ((), {False})


def test_a_page_whose_checksum_is_wrong_is_refused() -> None:
    content = parquet(EVENT, use_dictionary=False, compression="none", write_page_checksum=True)
    assert kept(read({"a.parquet": content})) == [True]
    assert "CRC checksum" in problems(read({"a.parquet": content.replace(b"departure", b"departurf")}))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_no_error_of_a_library_keeps_the_other_files_of_a_day_back(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*read: object) -> SourceFile:
        raise KeyError("a fault of the reader")

    monkeypatch.setattr(partners, "FORMATS", {**FORMATS, name.rpartition(".")[2]: broken})
    day = read(
        {name: b"...", "z.csv" if name != "a.csv" else "z.jsonl": csv() if name != "a.csv" else lines(EVENT)}
    )
    assert [file.key for file in day.refused] == [f"{FOLDER}/{name}"]
    assert day.refused[0].problems == ("reading it failed: KeyError: 'a fault of the reader'",)
    assert len(day.accepted) == 1


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["csv", "jsonl", "parquet"]), st.data())
def test_no_damage_of_a_file_keeps_a_day_back(kind: str, data: st.DataObject) -> None:
    whole = {
        "csv": csv(f"e1,departure,EWR,UA,,2.5,3,,{NOON_MS}"),
        "jsonl": lines(EVENT),
        "parquet": parquet(EVENT, write_page_checksum=True),
    }[kind]
    at = data.draw(st.integers(0, len(whole) - 1))
    spoilt = whole[:at] + data.draw(st.binary(min_size=1, max_size=3)) + whole[at + 1 :]
    day = read({f"a.{kind}": spoilt, f"z.{kind}": whole})
    assert f"{FOLDER}/z.{kind}" in {file.key for file in day.accepted}
    TaskResult(
        outcome="promoted",
        refused_files=tuple(RefusedFile(key=f.key, reason="; ".join(f.problems)) for f in day.refused),
        notes=tuple(name for file in day.accepted for name in file.ignored),
    ).model_dump_json()


def test_a_number_that_is_none_is_judged_as_it_was_sent() -> None:
    day = read({"a.csv": csv(f"e,d,x,c,,1e999,3,,{NOON_MS}", f"e,d,x,c,,much,-1,,{NOON_MS}")})
    values = [value.decode() for value in day.rows["value"].to_pylist()]
    assert ('"value":1e999' in values[0], '"value":"much"' in values[1]) == (True, True)
    assert kept(day) == [False, False]


def test_an_empty_cell_is_null() -> None:
    day = read({"a.csv": csv(f",departure,x,c,,,,,{NOON_MS}")})
    assert json.loads(day.rows["value"][0].as_py()).keys() == {"event_type", "entity_id", "category"}


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.csv", csv("e1,departure,EWR,UA,,,,,noon"), "e1,departure,EWR,UA,,,,,noon"),
        ("a.csv", csv(f"e1,departure,EWR,UA,,,,,{NOON_MS}", "too,few"), "too,few"),
        ("a.jsonl", lines({**EVENT, "event_time": NOON_MS + 86_400_000}), None),
        ("a.jsonl", lines(EVENT) + b"{\n", None),
        ("a.parquet", parquet({**EVENT, "event_time": MIDNIGHT_MS - 1}), None),
    ],
)
def test_a_row_without_a_moment_of_the_day_is_a_reject_with_its_text(
    name: str, content: bytes, text: str | None
) -> None:
    day = read({name: content})
    last = day.rows.to_pylist()[-1]
    assert last["event_time"].timestamp() * 1000 == MIDNIGHT_MS
    said = json.loads(last["value"])
    assert isinstance(said, str)
    assert text in (None, said)


def test_rows_are_numbered_in_the_order_of_files_and_of_their_rows() -> None:
    day = read({"b.csv": csv(f"e3,d,x,c,,,,,{NOON_MS}"), "a.jsonl": lines(EVENT, EVENT)})
    assert day.rows["source_position"].to_pylist() == [0, 1, 0]
    assert [file.rows for file in day.accepted] == [2, 1]


def test_a_quoted_cell_may_hold_lines() -> None:
    day = read({"a.csv": csv(f'"e\n1",d,x,c,,,,,{NOON_MS}', f"e2,d,x,c,,,,,{NOON_MS}")})
    assert [json.loads(value)["event_id"] for value in day.rows["value"].to_pylist()] == ["e\n1", "e2"]


def test_half_a_file_is_read_as_no_file() -> None:
    whole = parquet(EVENT)
    assert "as Parquet" in problems(read({"a.parquet": whole[: len(whole) // 2]}))
    assert "cut off" in problems(read({"a.csv": csv("e1,departure")[:-1]}))
    assert "cut off" in problems(read({"a.jsonl": lines(EVENT)[:-1]}))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", HEADER.replace(b"event_type", b"kind"), "event_type: removed.*looks like a rename to kind"),
        ("a.csv", HEADER.replace(b",value", b",quantity"), "there twice: 'quantity'"),
        ("a.csv", csv('"'), "line 2: unexpected end"),
        ("a.csv", HEADER + b"\xff\n", "byte 89 is no UTF-8"),
        ("a.csv", b"", "empty"),
        ("a.jsonl", lines([1]), "no line of it is a JSON object"),
        ("a.jsonl", lines({"event_id": "e1"}), "event_type: removed"),
        ("a.parquet", parquet(EVENT, types={**ARROW, "value": pa.float32()}), "value: narrowed: was double"),
        (
            "a.parquet",
            parquet({**EVENT, "value": "2"}, types=TEXTS),
            "value: retyped",
        ),
        ("a.csv", csv(f"e1,d,x,c,,,3,,{NOON_MS},", f"e2,d,x,c,,,3,,{NOON_MS},"), RAGGED),
        (
            "a.csv",
            csv("too,few"),
            "all 1 rows have another number of values than the header's 9: the first has 2",
        ),
        ("a.csv", (HEADER + b"e1\n").decode().encode("utf-16"), "it is UTF-16; write it in UTF-8"),
        ("a.jsonl", lines(EVENT).decode().encode("utf-16"), "it is UTF-16; write it in UTF-8"),
        ("a.parquet", parquet({**EVENT, "entity_id": b"EWR"}, types=BYTES), "entity_id: retyped.*binary"),
        ("a.parquet", parquet({**EVENT, "quantity": 3.0}, types=FLOATS), "quantity: retyped.*double"),
        (
            "a.parquet",
            parquet(EVENT, types=NAIVE),
            "event_time: retyped: was timestamp, .*is timestamp.us. without a zone.*in UTC",
        ),
        ("a.parquet", parquet({**EVENT, "value": 2**40}, types=FAR), "value: retyped"),
        ("a.parquet", parquet({**EVENT, "entity_id": b"\xff"}, as_text=("entity_id",)), "no UTF-8"),
        ("a.xlsx", b"", "found the ending 'xlsx'"),
        ("a.csv.gz", b"", "found the ending 'gz'"),
    ],
)
def test_a_file_is_refused_as_a_whole_by_what_it_declares(name: str, content: bytes, said: str) -> None:
    day = read({name: content})
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(problems(day))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"file_bytes": 300}, "at most 300"),
        ({"rows": 1}, "more than 1 rows|it has 2 rows"),
        ({"columns": 8}, "at most 8"),
        ({"row_bytes": 20}, "row 0 has"),
        ({"day_bytes": 100}, "more than 100 bytes of files"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_what_is_larger_than_its_limit_is_refused(name: str, limits: dict[str, int], said: str) -> None:
    row = f"e1,departure,EWR,UA,,2.5,3,,{NOON_MS}"
    content = {
        "a.csv": csv(*[row] * 6),
        "a.jsonl": lines(EVENT, EVENT),
        "a.parquet": parquet(EVENT, EVENT),
    }[name]
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(problems(read({name: content}, **limits)))


@pytest.mark.parametrize("use_dictionary", [True, False])
def test_parquet_that_unpacks_to_too_much_is_refused(use_dictionary: bool) -> None:
    same = parquet(*[EVENT] * 10_000, use_dictionary=use_dictionary)
    assert "unpack to" in problems(read({"a.parquet": same}, unpacked_bytes=20 * len(same)))


def test_a_file_without_rows_is_accepted() -> None:
    day = read({"a.csv": HEADER, "b.parquet": parquet(EVENT, kept=0)})
    assert ([file.rows for file in day.accepted], day.refused) == ([0, 0], ())


def test_a_refused_file_takes_no_other_along() -> None:
    day = read({"a.csv": b"", "b.jsonl": lines(EVENT)})
    assert [file.key for file in day.refused] == [f"{FOLDER}/a.csv"]
    assert day.rows["source_name"].to_pylist() == [f"{FOLDER}/b.jsonl"]


def test_columns_that_the_contract_lacks_are_told_and_left_out() -> None:
    content = HEADER.replace(b"\n", b",gate\n") + f"e1,departure,EWR,UA,,,,,{NOON_MS},A1\n".encode()
    day = read({"a.csv": content})
    assert day.accepted[0].ignored == ("gate",)
    assert "gate" not in json.loads(day.rows["value"][0].as_py())


@pytest.mark.parametrize(
    "key",
    [
        "tower/2013-02-30/a.csv",
        "tower/a.csv",
        "../2013-01-01/a.csv",
        "tower/2013-01-01/../a.csv",
        "tower/2013-01-01/.hidden.csv",
        "tower/2013-01-01/b/a.csv",
        "tower/2013-01-01/a\n.csv",
        "Tower/2013-01-01/a.csv",
    ],
)
def test_a_key_that_names_no_day_is_told(key: str) -> None:
    listing = partner_listing(Memory({f"landing/partners/{key}": b""}))
    assert (listing.files, [file.key for file in listing.misplaced]) == ((), [f"landing/partners/{key}"])


def test_files_are_listed_by_day() -> None:
    keys = [f"{FOLDER}/b.csv", f"{FOLDER}/a.csv", f"landing/partners/tower/{DAY + timedelta(days=1)}/a.csv"]
    listing = partner_listing(Memory(dict.fromkeys(keys, b"")))
    assert [file.key for file in listing.of(DAY)] == [f"{FOLDER}/a.csv", f"{FOLDER}/b.csv"]
    assert PartnerFile(key=keys[2], etag="").day == DAY + timedelta(days=1)


cells = st.text(st.characters(exclude_categories=["Cs"]))
kinds = st.sampled_from(["string", "number", "integer", "object"])
moments = st.integers(0, 86_400_000 - 1).map(lambda ms: MIDNIGHT_MS + ms)


@given(ms=moments)
def test_a_moment_is_read_in_every_form(ms: int) -> None:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
    forms = (ms, str(ms), moment.isoformat(), moment.isoformat(" "), moment.replace(tzinfo=None).isoformat())
    assert {event_time_ms(form, DAY) for form in forms} == {ms}


@pytest.mark.parametrize(
    "found",
    [None, True, 1.5, "", "2013-01-01", "20130101", "2013-01-01T25:00", "2013-01-02T00:00Z", "1e12", b""],
)
def test_what_is_no_moment_of_the_day_is_none(found: object) -> None:
    assert event_time_ms(found, DAY) is None


@given(
    cell=cells,
    kind=kinds,
)
def test_every_cell_is_one_value_of_json(cell: str, kind: str) -> None:
    value = json.loads(token(cell, kind))
    assert value == cell or kind != "string"
