"""An independent reading of the event contract, in plain Python: why is a record rejected?

Written from the contract's text and from what EventParser promises of the order of faults, sharing no code.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

TEXTS = {"event_id": True, "event_type": True, "entity_id": True, "category": True, "reference_id": False}
FIELDS = [*TEXTS, "value", "quantity", "attributes"]


class _Object(list[tuple[str, Any]]):
    """Keys and values as the document has them, however often."""


def reason(payload: bytes) -> str | None:
    """Why the value of a record breaks the contract; None when it keeps it."""
    try:
        event = json.loads(payload.decode("utf-8"), object_pairs_hook=_Object, parse_constant=_refuse)
        if len(payload) == 1 or (isinstance(event, _Object) and any(map(_unwritable, event))):
            return "not_json"
    except (ValueError, RecursionError):
        return "not_json"
    return _of_object(event) if isinstance(event, _Object) else "not_object"


def _of_object(event: _Object) -> str | None:
    for name in FIELDS:
        found = [value for key, value in event if key == name]
        fault = "duplicate" if len(found) > 1 else _fault(name, found[0] if found else None)
        if fault:
            return f"{fault}:{name}"
    seen: set[str] = set()
    for key, value in event:
        if key not in FIELDS:
            if key in seen or _repeats(value):
                return f"duplicate:{key}"
            seen.add(key)
    return None


def _fault(name: str, value: Any) -> str | None:
    if value is None:
        return "missing" if TEXTS.get(name) else None
    if name in TEXTS:
        return _text_fault(name, value)
    if name == "attributes":
        return _attributes_fault(value)
    if type(value) is not int and (name == "quantity" or type(value) is not float):
        return "type"
    try:
        in_range = math.isfinite(value) if name == "value" else 0 <= value < 2**63
    except OverflowError:
        in_range = False
    return None if in_range else "range"


def _text_fault(name: str, value: Any) -> str | None:
    if not isinstance(value, str):
        return "type"
    if name in ("event_id", "entity_id") and not 1 <= len(value) <= 128:
        return "length"
    return "pattern" if name == "event_type" and not re.fullmatch("[a-z][a-z0-9_]*", value) else None


def _attributes_fault(value: Any) -> str | None:
    if not isinstance(value, _Object):
        return "type"
    # The first fault that a reader meets; a key that is there again is always told.
    keys = [key for key, _ in value]
    if len(set(keys)) < len(keys):
        return "duplicate"
    return None if all(isinstance(text, str) for _, text in value) else "type"


def _repeats(value: Any) -> bool:
    """Whether an object anywhere in it has a key twice."""
    if isinstance(value, _Object):
        keys = [key for key, _ in value]
        return len(set(keys)) < len(keys) or any(_repeats(inner) for _, inner in value)
    return isinstance(value, list) and any(map(_repeats, value))


def _unwritable(pair: tuple[str, Any]) -> bool:
    """Whether a text that is to become a value has half of a surrogate pair, which no UTF-8 can hold."""
    name, value = pair
    texts = [value] if name in TEXTS else []
    if name == "attributes" and isinstance(value, _Object):
        texts = [text for _, text in value]
    return any(isinstance(text, str) and re.search("[\ud800-\udfff]", text) for text in texts)


def _refuse(constant: str) -> None:
    raise ValueError(constant)
