"""Silver and Gold as SQL for DuckDB, by the contract's rules: the same rows as the pipeline's, by other code.

It is what SQL has words for. It takes for JSON what ends a list with a comma, and NaN; it sees no key that is
there twice inside of a field that the contract does not name. The bench's events have none of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from harness.load.contract_rules import Rule

_TEXT: Final = "'VARCHAR'"
_WHOLE_NUMBERS: Final = "'BIGINT', 'UBIGINT', 'HUGEINT'"
_PLACE: Final = "source, source_name, source_partition, source_position"
_TYPED: Final = MappingProxyType(
    {
        "string": "{field}->>'$'",
        "double": "TRY_CAST({field} AS DOUBLE)",
        "long": "TRY_CAST({field} AS BIGINT)",
        "strings": "TRY_CAST({field} AS MAP(VARCHAR, VARCHAR))",
    }
)
_MEASURES: Final = """count(*) AS events, count(value) AS measured, sum(value) AS value_sum,
    min(value) AS value_min, max(value) AS value_max, try_cast(sum(quantity) AS BIGINT) AS quantity_sum"""

_FIRST_COPIES: Final = f"""
SELECT * REPLACE (
    CASE WHEN reason IS NULL AND row_number() OVER (
        PARTITION BY event_id, event_time, CASE WHEN reason IS NOT NULL THEN ({_PLACE}) END
        ORDER BY source <> 'kafka', source_partition NULLS FIRST, source_position, source_name) > 1
    THEN 'duplicate_identity' ELSE reason END AS reason)
FROM judged
"""  # noqa: S608 -- the columns stand above
REJECTS: Final = f"""
SELECT event_date, reason, {_PLACE}, key, payload AS value FROM decided WHERE reason IS NOT NULL
"""  # noqa: S608
"""Of ``decided``."""

DAILY: Final = f"SELECT event_date, category, event_type, {_MEASURES} FROM silver GROUP BY ALL"  # noqa: S608
HOURLY: Final = f"""
SELECT event_date, date_trunc('hour', event_time) AS hour, category, event_type, {_MEASURES}
FROM silver GROUP BY ALL
"""  # noqa: S608
ENTITY_DAYS: Final = """
SELECT * EXCLUDE (last), last.event_type AS last_event_type, last.value AS last_value FROM (
    SELECT event_date, entity_id, count(*) AS events,
           min(event_time) AS first_event_time, max(event_time) AS last_event_time,
           arg_max({'event_type': event_type, 'value': value}, (event_time, event_id)) AS last
    FROM silver GROUP BY ALL)
"""
ENTITIES: Final = """
SELECT entity_id, sum(events)::BIGINT AS events, min(first_event_time) AS first_event_time,
       max(last_event_time) AS last_event_time, arg_max(last_event_type, last_event_time) AS last_event_type
FROM entity_days GROUP BY ALL
"""


def decided(rules: Sequence[Rule]) -> str:
    """Of ``bronze``: where each row stood, ``reason`` if it is rejected, and the event's fields if it is not.

    The reasons are those of the contract, and of the copies of an identity all but the first.
    """
    return f"WITH judged AS ({_judged(rules)}) {_FIRST_COPIES}"


def silver(rules: Sequence[Rule]) -> str:
    """Of ``decided``, ``categories`` and ``assets``."""
    fields = ", ".join(f"d.{rule.name}" for rule in rules)
    return f"""
SELECT event_date, {fields}, event_time, c.name AS category_name,
       CASE WHEN d.reference_id IS NOT NULL THEN a.reference_id IS NOT NULL END AS reference_known, {_PLACE}
FROM decided d
LEFT JOIN (SELECT category, min(name) AS name FROM categories GROUP BY ALL) c USING (category)
LEFT JOIN (SELECT DISTINCT reference_id FROM assets) a ON a.reference_id = d.reference_id
WHERE reason IS NULL
"""  # noqa: S608 -- names of the contract


def _judged(rules: Sequence[Rule]) -> str:
    pieces = ", ".join(f'"{rule.name}":"JSON"' for rule in rules)
    typed = ", ".join(
        f"CASE WHEN reason IS NULL THEN {_TYPED[rule.type].format(field=_piece(rule))} END AS {rule.name}"
        for rule in rules
    )
    return f"""
WITH texts AS (SELECT *, TRY(decode(value)) AS text FROM bronze),
documents AS (SELECT *, CASE WHEN json_valid(text) THEN text END AS document FROM texts),
objects AS (SELECT *, CASE WHEN json_type(document) = 'OBJECT' THEN document END AS object FROM documents),
pieces AS (
    SELECT *, from_json(object, '{{{pieces}}}') AS event, json_keys(object) AS keys FROM objects
), seen AS (
    SELECT *, CASE WHEN len(keys) > len(list_distinct(keys))
                   THEN list_filter(keys, lambda name, n: list_position(keys, name) < n) ELSE [] END AS again
    FROM pieces
), faults AS (
    SELECT *, CASE WHEN document IS NULL THEN 'not_json' WHEN object IS NULL THEN 'not_object'
              {" ".join(map(_faults, rules))}
              WHEN len(again) > 0 THEN 'duplicate:' || again[1] END AS reason
    FROM seen
)
SELECT event_date, {_PLACE}, key, "value" AS payload, event_time, reason, {typed} FROM faults
"""  # noqa: S608 -- names of the contract


def _piece(rule: Rule) -> str:
    """A field as JSON. No field, and null, are no value."""
    return f"event.{rule.name}"


def _faults(rule: Rule) -> str:
    """The cases of one field: of its faults the first. A condition is null where there is no value."""
    field, name = _piece(rule), rule.name
    found = [("duplicate", f"list_contains(again, '{name}')")]
    if rule.required:
        found.append(("missing", f"{field} IS NULL"))
    found += {"string": _of_text, "double": _of_double, "long": _of_long, "strings": _of_texts}[rule.type](
        rule, field
    )
    return " ".join(f"WHEN {condition} THEN '{fault}:{name}'" for fault, condition in found)


def _of_text(rule: Rule, field: str) -> list[tuple[str, str]]:
    text = f"({field}->>'$')"
    faults = [("type", f"json_type({field}) <> {_TEXT}")]
    limits = (("<", rule.min_length), (">", rule.max_length))
    faults += [("length", f"length({text}) {sign} {limit}") for sign, limit in limits if limit is not None]
    if rule.pattern is not None:
        faults.append(("pattern", f"NOT regexp_full_match({text}, '{rule.pattern}')"))
    return faults


def _of_double(rule: Rule, field: str) -> list[tuple[str, str]]:
    number = f"TRY_CAST({field} AS DOUBLE)"
    is_none = f"json_type({field}) NOT IN ('DOUBLE', {_WHOLE_NUMBERS})"
    return [("type", is_none), ("range", f"NOT isfinite({number})"), *_beyond(rule, number)]


def _of_long(rule: Rule, field: str) -> list[tuple[str, str]]:
    number = f"TRY_CAST({field} AS BIGINT)"
    does_not_fit = f"{field} IS NOT NULL AND {number} IS NULL"
    # What has too many digits is a DOUBLE to DuckDB.
    is_none = f"json_type({field}) NOT IN ({_WHOLE_NUMBERS}) AND NOT regexp_full_match({field}, '-?[0-9]+')"
    return [("type", is_none), ("range", does_not_fit), *_beyond(rule, number)]


def _of_texts(_rule: Rule, field: str) -> list[tuple[str, str]]:
    keys = f"json_keys({field})"
    others = f"list_filter(json_extract({field}, '$.*'), lambda each: json_type(each) <> {_TEXT})"
    return [
        ("type", f"json_type({field}) <> 'OBJECT'"),
        ("duplicate", f"len({keys}) > len(list_distinct({keys}))"),
        ("type", f"len({others}) > 0"),
    ]


def _beyond(rule: Rule, number: str) -> list[tuple[str, str]]:
    limits = (("<", rule.minimum), (">", rule.maximum))
    return [("range", f"{number} {sign} {limit}") for sign, limit in limits if limit is not None]
