from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import ValidationError

from harness.base.units import WRITTEN_BY_HAND
from harness.validate.written_options import WrittenPipeline, options_from, written_model, written_name
from pipeline.base.options import PipelineOptions


@dataclass(frozen=True, kw_only=True)
class Timings:
    patience_s: float = 1.0
    patience_event_s: float = 1.0


def test_what_is_not_written_has_the_pipelines_default() -> None:
    assert options_from(WrittenPipeline(), PipelineOptions) == PipelineOptions()


@pytest.mark.parametrize(
    ("field", "name"), [("ttl_s", "ttl"), ("idle_event_s", "idle"), ("writers", "writers"), ("s", "s")]
)
def test_a_unit_is_not_part_of_the_written_name(field: str, name: str) -> None:
    assert written_name(field) == name


def test_two_options_that_differ_by_their_unit_alone_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        written_model(Timings)


def test_a_written_duration_becomes_seconds() -> None:
    written = WrittenPipeline.model_validate_json('{"hot": {"ttl": "2m"}}', context=WRITTEN_BY_HAND)
    assert options_from(written, PipelineOptions).hot.ttl_s == 120


def test_an_out_of_orderness_of_zero_is_allowed_and_an_interval_of_zero_is_not() -> None:
    WrittenPipeline.model_validate_json('{"stream": {"out_of_orderness": "0s"}}', context=WRITTEN_BY_HAND)
    with pytest.raises(ValidationError, match="greater than 0"):
        WrittenPipeline.model_validate_json('{"stream": {"idle_timeout": "0s"}}', context=WRITTEN_BY_HAND)
