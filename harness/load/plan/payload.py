"""Events as JSON, in SQL: one key per field, in the contract's order.

A field that is null is written as ``null``, not left out: the receiver can then tell "known to be missing"
from "forgotten", and every event has the same shape. ``attributes`` alone leaves its nulls out, because its
values are strings.
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
    """The JSON text of an event, as SQL, out of the JSON of its fields."""
    pairs = " || ',' || ".join(f"'\"{name}\":' || {json}" for name, json in fields.items())
    return f"('{{' || {pairs} || '}}')"
