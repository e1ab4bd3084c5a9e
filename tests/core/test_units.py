from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.base.units import (
    WRITTEN_BY_HAND,
    Bytes,
    Rate,
    Seconds,
    Share,
    duration_s,
    rate_per_s,
    share,
    size_bytes,
)


class Quantities(BaseModel):
    model_config = ConfigDict(strict=True)
    time: Seconds = 1.0
    size: Bytes = 1
    part: Share = 0.5
    rate: Rate = 1.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("10s", 10), ("2.5m", 150), ("4h", 14400), ("7d", 604800), ("1 s", 1)],
)
def test_a_duration_is_read_in_its_unit(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "10", "s", "-1s", "1e3s", "1s ", "1  s", "1S", "1s1s", "٣s", 10, None, True]
)
def test_what_is_not_a_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="such as 10s"):
        duration_s(text)


def test_a_size_is_in_binary_units() -> None:
    assert size_bytes("384MiB") == 384 * 2**20


def test_decimal_size_units_are_refused() -> None:
    with pytest.raises(ValueError, match="KiB"):
        size_bytes("384MB")


def test_a_share_is_at_most_all() -> None:
    assert share("0.5%") == pytest.approx(0.005)
    with pytest.raises(ValueError, match="100%"):
        share("100.1%")


@pytest.mark.parametrize(
    ("text", "events"), [("0/s", 0), ("50000/s", 50_000), ("50k/s", 50_000), ("2.5M/s", 2.5e6)]
)
def test_a_rate_is_events_a_second(text: str, events: float) -> None:
    assert rate_per_s(text) == pytest.approx(events)


@pytest.mark.parametrize("text", ["50", "50k", "50K/s", "50m/s", "5/min", "-1/s", 50])
def test_what_is_not_a_rate_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="such as 50k/s"):
        rate_per_s(text)


@pytest.mark.parametrize("field", ["time", "size", "part", "rate"])
def test_a_bare_number_is_refused_when_a_person_wrote_it(field: str) -> None:
    with pytest.raises(ValidationError):
        Quantities.model_validate_json(f'{{"{field}": 1}}', context=WRITTEN_BY_HAND)


@given(st.floats(0, 1e9), st.integers(0, 2**62), st.floats(0, 1), st.floats(0, 1e9))
def test_a_saved_value_reads_back(time: float, size: int, part: float, rate: float) -> None:
    saved = Quantities(time=time, size=size, part=part, rate=rate)
    assert Quantities.model_validate_json(saved.model_dump_json()) == saved
