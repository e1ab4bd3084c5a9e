"""Why the contract rejects a record's value, in plain Python, independently of the pipeline's code.

A value with several faults is rejected for the first of: ``not_json``, ``not_object``, the fault of the first
faulty field in the contract's order, a repeated key that the contract does not name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from harness.history.reader import History
from harness.oracle.contract import Rule, contract_rules

_LONG_MIN: Final = -(2**63)
_LONG_MAX: Final = 2**63 - 1
_SHORTEST: Final = 2
"""Bytes of the shortest JSON object."""


_MALFORMED: Final = "SELECT seq, payload FROM plan JOIN payloads USING (seq) WHERE kind = 'malformed'"


class _Pairs(list[tuple[str, Any]]):
    """An object's keys and values in order, including repeated keys."""


def derive_malformed(history: History) -> None:
    """Make ``oracle_malformed (seq, reason)`` of the plan's malformed events.

    The reason is null where an event keeps the contract.
    """
    history.keep("oracle_malformed", lambda: _reasons(history.query(_MALFORMED)))


def _reasons(malformed: pa.Table) -> pa.Table:
    rules = contract_rules()
    reasons = [rejection(payload, rules) for payload in malformed["payload"].to_pylist()]
    return pa.table({"seq": malformed["seq"], "reason": pa.array(reasons, pa.string())})


def rejection(payload: bytes | None, rules: Sequence[Rule]) -> str | None:
    """Return the reason, such as ``missing:event_id``, or None. ``rules`` are in the contract's order."""
    try:
        document = _parsed(payload)
        if not isinstance(document, _Pairs):
            return "not_object"
        found = [_fault(rule, [value for name, value in document if name == rule.name]) for rule in rules]
    except (ValueError, RecursionError):
        return "not_json"
    faults = [f"{fault}:{rule.name}" for rule, fault in zip(rules, found, strict=True) if fault]
    named = {rule.name for rule in rules}
    others = (f"duplicate:{name}" for name in _repeated([p for p in document if p[0] not in named]))
    return next(iter(faults), None) or next(others, None)


def _parsed(payload: bytes | None) -> Any:
    if payload is None or len(payload) < _SHORTEST:
        raise ValueError("too short")
    return json.loads(payload.decode(), object_pairs_hook=_Pairs, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _fault(rule: Rule, values: Sequence[Any]) -> str | None:
    if len(values) > 1:
        for value in values:
            _of_type(rule, value)
        return "duplicate"
    value = values[0] if values else None
    if value is None:
        return "missing" if rule.required else None
    return _of_type(rule, value)


def _of_type(rule: Rule, value: Any) -> str | None:
    if value is None:
        return None
    judge = {"string": _text, "double": _double, "long": _long, "strings": _strings}[rule.type]
    return judge(rule, value)


def _text(rule: Rule, value: Any) -> str | None:
    if not isinstance(value, str):
        return "type"
    value.encode()  # raises UnicodeEncodeError, a ValueError, for a lone surrogate
    if not (rule.min_length or 0) <= len(value) <= (math.inf if rule.max_length is None else rule.max_length):
        return "length"
    return "pattern" if rule.pattern and not re.fullmatch(rule.pattern, value) else None


def _double(rule: Rule, value: Any) -> str | None:
    if type(value) not in (int, float):
        return "type"
    try:
        number = float(value)
    except OverflowError:
        return "range"
    return None if math.isfinite(number) and _in_range(rule, number) else "range"


def _long(rule: Rule, value: Any) -> str | None:
    if type(value) is not int:
        return "type"
    return None if _LONG_MIN <= value <= _LONG_MAX and _in_range(rule, value) else "range"


def _in_range(rule: Rule, number: float) -> bool:
    low, high = rule.minimum, rule.maximum
    return (low is None or number >= low) and (high is None or number <= high)


def _strings(_rule: Rule, value: Any) -> str | None:
    if not isinstance(value, _Pairs):
        return "type"
    for text in (text for _, text in value if isinstance(text, str)):
        text.encode()
    if len({name for name, _ in value}) < len(value):
        return "duplicate"
    return None if all(isinstance(text, str) for _, text in value) else "type"


def _repeated(pairs: Sequence[tuple[str, Any]]) -> Iterator[str]:
    """Yield the names of repeated fields and of fields whose value repeats a key."""
    seen: set[str] = set()
    for name, value in pairs:
        if name in seen or _repeats(value):
            yield name
        seen.add(name)


def _repeats(value: Any) -> bool:
    if isinstance(value, _Pairs):
        return len({name for name, _ in value}) < len(value) or any(_repeats(v) for _, v in value)
    return isinstance(value, list) and any(_repeats(v) for v in value)
