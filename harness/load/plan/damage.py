"""The kinds of damage that make an event break the contract, each an SQL expression.

An expression computes the payload as BLOB from ``number``, which is unique for each malformed event, and from
the columns of ``context``: ``mark``, a text with that number; ``<field>_json``, the JSON of each field, with
the mark as identity; and ``whole``, the valid event with these fields. Each payload contains its mark, so it
is unique and can be recognised by its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from harness.load.contract_rules import Rule, contract_rules
from harness.load.plan.payload import FIELDS, payload, valid_fields

_IDENTITY_END: Final = '(length(\'{"event_id":"\') + length(mark))'
"""The position in ``whole`` where the mark ends. The mark needs no escapes."""
_WRONG: Final[Mapping[str, str]] = MappingProxyType(
    {"string": "17", "double": '"much"', "long": "1.5", "strings": "[]"}
)

_TOO_LARGE: Final[Mapping[str, list[str]]] = MappingProxyType(
    {"double": ["1e999"], "long": ["9223372036854775808"]}
)


def context() -> str:
    """The select list that the damages require, over the columns of the imitated event."""
    mark = "'floodmark-malformed-' || number"
    fields = {**valid_fields(), "event_id": f"to_json({mark})::VARCHAR"}
    columns = ", ".join(f"{json} AS {name}_json" for name, json in fields.items())
    return f"{mark} AS mark, {columns}, {payload(fields)} AS whole"


def _not_json() -> str:
    return "encode(mark || ' is not JSON')"


def _not_object() -> str:
    return "encode('[' || whole || ']')"


def _not_utf8() -> str:
    """Insert a byte that is never valid UTF-8 at the end of the identity."""
    return (
        f"encode(left(whole, {_IDENTITY_END})) || '\\xFF'::BLOB || encode(substr(whole, {_IDENTITY_END} + 1))"
    )


def _truncated() -> str:
    """Cut off the event somewhere after the identity, always losing the closing brace."""
    kept = f"({_IDENTITY_END} + 1)"
    return f"encode(left(whole, {kept} + {_TURN} * 37 % (length(whole) - {kept})))"


def _missing() -> str:
    return _one_of([_event({rule.name: None}) for rule in _required()])


def _null() -> str:
    return _one_of([_event({rule.name: "'null'"}) for rule in _required()])


def _wrong_type() -> str:
    return _one_of([_event({rule.name: f"'{_WRONG[rule.type]}'"}) for rule in contract_rules()])


def _out_of_bounds() -> str:
    """Break each limit of the contract in turn."""
    return _one_of([_event({rule.name: f"'{json}'"}) for rule in contract_rules() for json in _beyond(rule)])


_KINDS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "not_json": _not_json,
        "not_object": _not_object,
        "not_utf8": _not_utf8,
        "truncated": _truncated,
        "missing": _missing,
        "null": _null,
        "wrong_type": _wrong_type,
        "out_of_bounds": _out_of_bounds,
    }
)
DAMAGES: Final = tuple(_KINDS)
_TURN: Final = f"(number // {len(_KINDS)})"
"""The number of a malformed event within its kind, since the kinds take turns."""


def kind() -> str:
    """The kind of damage of malformed event ``number``, as SQL."""
    names = ", ".join(f"'{name}'" for name in DAMAGES)
    return f"[{names}][number % {len(DAMAGES)} + 1]"


def damaged() -> str:
    """The payload of malformed event ``number``, as SQL."""
    cases = " ".join(f"WHEN {n} THEN {damage()}" for n, damage in enumerate(_KINDS.values()))
    return f"CASE number % {len(DAMAGES)} {cases} END"


def _required() -> list[Rule]:
    return [rule for rule in contract_rules() if rule.required]


def _event(changes: Mapping[str, str | None]) -> str:
    """The payload with fields changed or omitted (None); a replaced identity moves to the reference."""
    moved = {"reference_id": "event_id_json"} if "event_id" in changes else {}
    fields = {**{name: f"{name}_json" for name in FIELDS}, **moved, **changes}
    return payload({name: json for name, json in fields.items() if json is not None})


def _one_of(payloads: list[str]) -> str:
    cases = " ".join(f"WHEN {n} THEN {payload}" for n, payload in enumerate(payloads))
    return f"encode(CASE {_TURN} % {len(payloads)} {cases} END)"


def _beyond(rule: Rule) -> list[str]:
    """JSON values that each break one limit of the rule."""
    values = []
    if rule.min_length:
        values.append('""')
    if rule.max_length is not None:
        values.append('"' + "x" * (rule.max_length + 1) + '"')
    if rule.pattern is not None:
        values.append('"\\u0007"')
    if rule.minimum is not None:
        values.append(f"{rule.minimum - 1:.0f}")
    if rule.maximum is not None:
        values.append(f"{rule.maximum + 1:.0f}")
    return values + _TOO_LARGE.get(rule.type, [])
