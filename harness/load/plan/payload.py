"""SQL that encodes events as JSON, with one key per field in the contract's order.

A null field is written as ``null``, not omitted, so that the receiver can distinguish "known to be missing"
from "forgotten", and every event has the same shape. Only ``attributes`` omits its nulls, because its values
are strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FIELDS: Final = (
    "event_id",
    "event_type",
    "entity_id",
    "category",
    "reference_id",
    "value",
    "quantity",
    "attributes",
)


def valid_fields() -> dict[str, str]:
    """The JSON of each field, as SQL over the columns of the same names."""
    fields = {name: f"coalesce(to_json({name})::VARCHAR, 'null')" for name in FIELDS}
    return {**fields, "attributes": "coalesce(attributes, 'null')"}


def payload(fields: Mapping[str, str]) -> str:
    """The JSON text of an event, as SQL, from the JSON of its fields."""
    pairs = " || ',' || ".join(f"'\"{name}\":' || {json}" for name, json in fields.items())
    return f"('{{' || {pairs} || '}}')"
