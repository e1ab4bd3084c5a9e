from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.base.documents import parse_document, read_document
from harness.base.errors import InvalidInput

# "-.1" is a number in YAML 1.2, which is read here, and a text in 1.1, which PyYAML writes without quotes.
texts = st.text("abc: #'\"-1_.é\n", max_size=8).filter(lambda text: not re.fullmatch(r"-\.1+", text))
scalars = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | texts
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcé 1", max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcé 1", max_size=4), values, max_size=4))
def test_what_yaml_writes_is_read_back(value: dict[str, object]) -> None:
    assert parse_document(yaml.safe_dump(value), name="x.yaml").data == value


@given(st.text(max_size=60))
def test_any_text_is_a_document_or_refused(text: str) -> None:
    try:
        document = parse_document(text, name="x.yaml")
    except InvalidInput:
        return
    assert isinstance(document.data, dict)


def test_a_place_is_told_by_file_line_and_path() -> None:
    document = parse_document("a:\n  - x\n  - b: 1\n    c: 2\n", name="x.yaml")
    assert document.where(("a", 1, "c")) == "x.yaml:4: a[1].c"


def test_a_missing_value_has_the_line_of_what_it_is_missing_in() -> None:
    assert parse_document("a:\n  b: 1\n", name="x.yaml").where(("a", "c")) == "x.yaml:1: a.c"


def test_a_repeated_key_is_a_problem_with_both_lines() -> None:
    (problem,) = parse_document("a: 1\nb: 2\na: 3\n", name="x.yaml").problems
    assert str(problem) == "x.yaml:3: a: found again, after line 1; allowed: each field once"


@pytest.mark.parametrize("text", ["a: &x 1\n", "a: *x\n", "a: !!python/name:os.system\n", "a: !foo {b: 1}\n"])
def test_what_is_not_data_is_a_problem(text: str) -> None:
    (problem,) = parse_document(text, name="x.yaml").problems
    assert problem.where == "x.yaml:1"


def test_an_alias_never_expands() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{new}: &{new} [*{old}, *{old}]\n" for old, new in pairwise("abcdefg"))
    assert parse_document(bomb, name="x.yaml").data["g"] == [None, None]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- 1", "[1]"),
        ("", "null"),
        ("a: [", "did not find"),
        ("a: " + "[" * 5000, "nested more than"),
        ("? {b: 1}\n: 2\n", "a key that is not text"),
        ("a: 1\n--- \nb: 1\n", "a second document"),
        ("a: \x01", "control characters"),
    ],
)
def test_what_is_no_document_is_refused(text: str, found: str) -> None:
    document_or_refusal = _first_problem(text)
    assert found in document_or_refusal


def _first_problem(text: str) -> str:
    try:
        return str(parse_document(text, name="x.yaml").problems[0])
    except InvalidInput as refused:
        return str(refused.problems[0])


@pytest.mark.parametrize("word", ["no", "on", "1:30", "0o17", "1e999", ".nan", "2024-01-01", "12abc"])
def test_words_that_older_yaml_would_convert_stay_text(word: str) -> None:
    assert parse_document(f"a: {word}", name="x.yaml").data == {"a": word}


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: " + "x" * 2**20)
    with pytest.raises(InvalidInput, match="at most 1048576 bytes"):
        read_document(tmp_path / "x.yaml")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: \xff")
    with pytest.raises(InvalidInput, match="byte 3 is not UTF-8"):
        read_document(tmp_path / "x.yaml")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_document(tmp_path / "x.yaml")


def test_overrides_replace_values_and_make_new_ones() -> None:
    document = parse_document("a: {b: 1, c: 2}\n", name="x.yaml").override({"a.b": 3, "d.e": 4})
    assert document.data == {"a": {"b": 3, "c": 2}, "d": {"e": 4}}


def test_an_override_inside_a_value_that_has_no_fields_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"override: a\.b"):
        parse_document("a: 1\n", name="x.yaml").override({"a.b": 3})
