"""An independent reading of the event contract, in plain Python: does a record's value keep it?

Written from the contract's text, and sharing no code with the pipeline or the planner.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

TEXTS = {"event_id": True, "event_type": True, "entity_id": True, "category": True, "reference_id": False}
FIELDS = [*TEXTS, "value", "quantity", "attributes"]


def keeps_contract(payload: bytes) -> bool:
    try:
        event = json.loads(
            payload.decode("utf-8"), object_pairs_hook=_without_repeats, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and all(_keeps(name, event.get(name)) for name in FIELDS)


def _keeps(name: str, value: Any) -> bool:
    if value is None:
        return not TEXTS.get(name, False)
    if name in TEXTS:
        return isinstance(value, str) and _text_fits(name, value)
    if name == "value":
        return type(value) in (int, float) and math.isfinite(value)
    if name == "quantity":
        return type(value) is int and 0 <= value < 2**63
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _text_fits(name: str, text: str) -> bool:
    if name in ("event_id", "entity_id"):
        return 1 <= len(text) <= 128
    return name != "event_type" or re.fullmatch("[a-z][a-z0-9_]*", text) is not None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a key is repeated")
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise ValueError(constant)
