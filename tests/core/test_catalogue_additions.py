"""A field that is added to a contract makes its next version."""

from __future__ import annotations

from pipeline.contract.compatibility import with_nullable_text
from pipeline.contract.derive import event_contract, spark_columns
from tests.core.memory_catalogue import MemoryCatalogue


def test_a_contract_with_a_field_more_may_be_registered_behind_the_shipped_one() -> None:
    catalogue = MemoryCatalogue()
    catalogue.register(event_contract())
    catalogue.register(with_nullable_text(event_contract(), "gate"))
    assert spark_columns(catalogue.current("events"))[-1] == ("gate", "STRING")
    assert len(catalogue.versions("events")) == 2
