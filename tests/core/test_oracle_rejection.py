"""Why a value breaks the contract, by an independent reading of its rules."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.oracle.contract import contract_rules
from harness.oracle.rejection import rejection
from pipeline.contract.derive import event_contract, reasons
from tests.core.contract_judge import keeps_contract

EVENT = {"event_id": "a", "event_type": "departed", "entity_id": "N", "category": "UA"}
SHORT = json.dumps(EVENT).encode()[:-1]


def reason(payload: bytes | None) -> str | None:
    return rejection(payload, contract_rules())


def event(**fields: object) -> bytes:
    return json.dumps({**EVENT, **fields}).encode()


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (event(), None),
        (event(value=None, quantity=None, attributes={"a": "b"}, other={"a": [1]}), None),
        (None, "not_json"),
        (b"", "not_json"),
        (b"1", "not_json"),
        (SHORT, "not_json"),
        (event() + b"{}", "not_json"),
        (SHORT + b', "value": NaN}', "not_json"),
        (b"\xff" + event(), "not_json"),
        (event(entity_id="\ud800"), "not_json"),
        (event(attributes={"a": "\ud800"}), "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[1]", "not_object"),
        (b"17", "not_object"),
        (b"{}", "missing:event_id"),
        (event(event_id=None), "missing:event_id"),
        (event(event_id=None, event_type="A"), "missing:event_id"),
        (event(event_type="A"), "pattern:event_type"),
        (event(event_id=""), "length:event_id"),
        (event(event_id="\U0001f30a" * 128), None),
        (event(event_id="x" * 129), "length:event_id"),
        (event(value="much"), "type:value"),
        (event(value=True), "type:value"),
        (SHORT + b', "value": 1e999}', "range:value"),
        (event(value=10**400), "range:value"),
        (event(quantity=1.0), "type:quantity"),
        (event(quantity=-1), "range:quantity"),
        (event(quantity=2**63), "range:quantity"),
        (event(attributes=[]), "type:attributes"),
        (event(attributes={"a": 1}), "type:attributes"),
        (SHORT + b', "attributes": {"a": 1, "a": "b"}}', "duplicate:attributes"),
        (SHORT + b', "event_id": "a"}', "duplicate:event_id"),
        (SHORT + b', "other": 1, "other": 1}', "duplicate:other"),
        (SHORT + b', "other": [{"a": 1, "a": 2}]}', "duplicate:other"),
        (SHORT + b', "other": 1, "other": 1, "value": "x"}', "type:value"),
    ],
)
def test_each_fault_has_its_reason(payload: bytes | None, why: str | None) -> None:
    assert reason(payload) == why


FIELDS = st.sampled_from([rule.name for rule in contract_rules()] + ["other"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
)


@given(st.dictionaries(FIELDS, VALUES), st.integers(0, 3))
def test_what_the_contract_rejects_has_a_reason_that_it_knows(changes: dict[str, object], cut: int) -> None:
    payload = event(**changes)
    payload = payload[: len(payload) - cut]
    why = reason(payload)
    assert (why is None) == keeps_contract(payload)
    assert why in {None, *reasons(event_contract())}
